//! What a verification found.

use std::path::PathBuf;

use serde::Serialize;

use crate::lake::Layout;
use crate::outcome::RunOutcome;
use crate::path_text;

use super::repaired::Repaired;

/// What was found.
#[derive(Debug, Default, Serialize)]
pub struct Verified {
    /// Captures in the lake.
    pub captures: u64,
    /// Parts that were checked.
    pub parts: u64,
    /// Their rows.
    pub rows: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Partial summaries that were checked.
    pub partials: u64,
    /// Summary tables that were checked.
    pub tables: u64,
    /// Parts that commits removed and whose files stay for now. They are none of the lake's parts, and were not read.
    #[serde(skip_serializing_if = "is_none")]
    pub retained: u64,
    /// Their bytes.
    #[serde(skip_serializing_if = "is_none")]
    pub retained_bytes: u64,
    /// What was mended, if that was wanted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repaired: Option<Repaired>,
    /// What is wrong.
    pub faults: Vec<VerifyFault>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_none(count: &u64) -> bool {
    *count == 0
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct VerifyFault {
    /// Where, below the lake.
    #[serde(with = "path_text")]
    pub path: PathBuf,
    /// What.
    pub problem: String,
}

impl Verified {
    /// How it went: failed if something is wrong, incomplete if what was wrong is mended and something is gone for good.
    #[must_use]
    pub fn outcome(&self) -> RunOutcome {
        if !self.faults.is_empty() {
            RunOutcome::Failed
        } else if self.repaired.as_ref().is_some_and(Repaired::is_loss) {
            RunOutcome::Incomplete
        } else {
            RunOutcome::Complete
        }
    }

    /// The same, with paths below the lake, in order.
    pub(crate) fn below(mut self, lake: &Layout) -> Self {
        for fault in &mut self.faults {
            if let Ok(below) = fault.path.strip_prefix(lake.root()) {
                fault.path = below.to_path_buf();
            }
        }
        self.faults.sort();
        self
    }

    /// Adds a fault.
    pub(crate) fn fault(&mut self, path: impl Into<PathBuf>, problem: impl Into<String>) {
        self.faults.push(VerifyFault { path: path.into(), problem: problem.into() });
    }
}

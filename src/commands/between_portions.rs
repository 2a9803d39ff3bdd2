//! What a run does after a portion, before the next one.

use crate::error::Result;
use crate::lake::{Layout, Snapshot, WantedCaptures};
use crate::outcome::Report;

/// What is known before a portion is committed.
#[derive(Clone, Copy)]
pub(super) struct BeforePortion {
    checkpoint: Option<u64>,
    replaced: u64,
}

impl BeforePortion {
    pub(super) fn of(snapshot: &Snapshot, report: &Report) -> Self {
        Self { checkpoint: snapshot.checkpoint_at(), replaced: report.replaced }
    }

    /// Makes the snapshot what the next portion begins with. `wanted` are the captures of the lake that it speaks of; `None` if it was
    /// the last one.
    ///
    /// # Errors
    /// If the lake cannot be read.
    pub(super) fn go_on(
        self,
        snapshot: &mut Snapshot,
        lake: &Layout,
        wanted: Option<WantedCaptures>,
        report: &mut Report,
    ) -> Result<()> {
        // The newest packet may be of a capture that has gone.
        let may_be_older = report.replaced > self.replaced && snapshot.has_base();
        if snapshot.checkpoint_at() != self.checkpoint || may_be_older {
            // What the checkpoint has need not be in memory.
            snapshot.begin_again(lake, &wanted.unwrap_or_default())?;
            report.newest_packet_timestamp_seconds = snapshot.newest_packet();
        } else if wanted.is_some() {
            snapshot.take_up_last_commit(lake)?;
        }
        Ok(())
    }
}

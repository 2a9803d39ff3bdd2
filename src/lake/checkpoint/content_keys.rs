//! By what captures of a lake are found to be the same as others, or their beginning.

use crate::error::Result;
use crate::lake::snapshot::Snapshot;

use super::Kind;
use super::base::each;
use super::columns::{FINGERPRINT, HEAD, PACKETS, content_key};

impl Snapshot {
    /// Does something with the keys of the beginning and of the fingerprint of each capture that another one may be like: it has
    /// packets, and no other one stands for it.
    ///
    /// # Errors
    /// If the checkpoint cannot be read.
    pub(crate) fn each_content(&self, mut take: impl FnMut([Option<i64>; 2])) -> Result<()> {
        let own = self.inputs.values().filter(|entry| entry.same_as.is_none() && entry.found.records > 0);
        for entry in own {
            take([&entry.input.head, &entry.input.fingerprint].map(|text| text.as_deref().map(content_key)));
        }
        let Some(base) = &self.base else { return Ok(()) };
        each(&base.layers, Kind::Captures, &[PACKETS, HEAD, FINGERPRINT], &mut |rows, first| {
            if rows.capture(2).is_none() && rows.int(first) > Some(0) {
                take([rows.int(first + 1), rows.int(first + 2)]);
            }
            Ok(())
        })
    }

    /// Whether a capture may be found by its name alone: one that an earlier version converted, and that has no content.
    pub(crate) fn may_have_bare_captures(&self) -> bool {
        let is_bare = |found: &crate::plan::CaptureEntry| found.content.is_none() && found.records > 0;
        self.has_bare_captures() || self.inputs.values().any(|entry| is_bare(&entry.found))
    }
}

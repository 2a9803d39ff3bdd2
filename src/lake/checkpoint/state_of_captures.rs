//! Tells whether a lake has the same captures as before, whichever manifests and checkpoints they are in.

use crate::error::Result;
use crate::hash::ContentHash;
use crate::lake::snapshot::Snapshot;
use crate::path_text;

use super::Kind;
use super::base::each;
use super::columns::{BYTES, FINGERPRINT, MODIFIED, STATUS, content_key};

/// What of a capture decides what a run does with a file.
struct CaptureState<'a> {
    path: &'a str,
    status: &'a str,
    fingerprint: Option<i64>,
    id: usize,
    same_as: Option<usize>,
    size: u64,
    modified: i64,
}

impl CaptureState<'_> {
    fn key(&self) -> i64 {
        let mut hash = ContentHash::default();
        hash.field(self.path.as_bytes());
        hash.field(self.status.as_bytes());
        let numbers = [self.id as u64, self.same_as.unwrap_or(0) as u64, self.size, self.modified.cast_unsigned()];
        let fingerprint = self.fingerprint.unwrap_or(0).cast_unsigned();
        numbers.into_iter().chain([fingerprint]).for_each(|number| hash.update(&number.to_le_bytes()));
        hash.key()
    }
}

impl Snapshot {
    /// A text that differs where captures do. It is a sum over all captures, so they may come in any order.
    ///
    /// # Errors
    /// If the checkpoint cannot be read.
    pub(crate) fn state_of_captures(&self) -> Result<String> {
        let (mut sum, mut count) = (0_i64, 0_u64);
        let mut add = |state: &CaptureState<'_>| {
            sum = sum.wrapping_add(state.key());
            count += 1;
        };
        for entry in self.inputs.values() {
            add(&CaptureState {
                path: &path_text::to_text(&entry.input.absolute),
                status: entry.status.name(),
                fingerprint: entry.input.fingerprint.as_deref().map(content_key),
                id: entry.id,
                same_as: entry.same_as,
                size: entry.input.size,
                modified: entry.input.modified,
            });
        }
        if let Some(base) = &self.base {
            each(&base.layers, Kind::Captures, &[BYTES, MODIFIED, STATUS, FINGERPRINT], &mut |rows, first| {
                let id = rows.capture(1).unwrap_or(0);
                if !base.loaded.contains(&id) {
                    add(&CaptureState {
                        path: rows.key().unwrap_or_default(),
                        status: rows.text(first + 2).unwrap_or_default(),
                        fingerprint: rows.int(first + 3),
                        id,
                        same_as: rows.capture(2),
                        size: rows.int(first).and_then(|bytes| u64::try_from(bytes).ok()).unwrap_or(0),
                        modified: rows.int(first + 1).unwrap_or(0),
                    });
                }
                Ok(())
            })?;
        }
        Ok(format!("{count} captures, {:016x}", sum.cast_unsigned()))
    }
}

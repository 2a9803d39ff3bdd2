//! The checkpoint of a transaction.

use std::path::PathBuf;

use crate::error::Result;
use crate::lake::layout::Layout;
use crate::lake::manifest_text::CHECKPOINT_VERSION;
use crate::lake::snapshot::Snapshot;
use crate::lake::transaction::Transaction;

use super::make::{MadeCheckpoint, next_checkpoint, whole_checkpoint};

/// Bytes of a manifest for each of its captures, about.
const BYTES_OF_A_CAPTURE: u64 = 640;

impl Transaction {
    /// Makes the checkpoint of this commit, if it is time for one: then the manifest names it. Returns files that go with the commit.
    pub(in crate::lake) fn make_checkpoint(
        &mut self,
        lake: &Layout,
        after: &mut Snapshot,
        lets_go: bool,
    ) -> Result<Vec<PathBuf>> {
        let number = self.manifest.sequence;
        let mut obsolete = Vec::new();
        let made = if self.says_everything {
            // Of the old ones, nothing is named any more.
            obsolete.extend(self.checkpoint.iter().flat_map(|(_, last)| last.files()).map(|file| file.path.clone()));
            let is_large = after.inputs.len() as u64 * BYTES_OF_A_CAPTURE >= self.checkpoint_after;
            if is_large { Some(whole_checkpoint(lake, after, number)?) } else { None }
        } else {
            next_checkpoint(lake, self.checkpoint.as_ref(), number, self.checkpoint_after, || {
                if lets_go {
                    after.let_go();
                }
            })?
        };
        let Some(MadeCheckpoint { checkpoint, moves, removes }) = made else {
            let last = self.checkpoint.as_ref().filter(|_| !self.says_everything);
            self.manifest.checkpoint_at = last.map(|(number, _)| *number);
            return Ok(obsolete);
        };
        if self.says_everything {
            self.manifest.version = CHECKPOINT_VERSION;
            after.is_in_checkpoint();
        }
        self.moves.extend(moves);
        obsolete.extend(removes);
        if let Some(bucket) = lake.bucket() {
            // Who begins here must know what the manifests before this one's are worth.
            self.manifest.base_at = bucket.base().filter(|_| !self.says_everything);
            let last = self.checkpoint.iter().flat_map(|(_, last)| last.files());
            let needed = checkpoint.files().chain(last).map(|file| file.path.as_path()).collect();
            obsolete.extend(bucket.old_segments(&needed)?);
        }
        after.checkpoint = Some((number, checkpoint.clone()));
        (self.manifest.checkpoint, self.manifest.checkpoint_at) = (Some(checkpoint), Some(number));
        Ok(obsolete)
    }
}

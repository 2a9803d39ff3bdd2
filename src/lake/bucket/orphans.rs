//! Uploads that dead runs have left open: nobody sees them, and they are billed.

use std::collections::{BTreeSet, HashSet};
use std::io;
use std::path::Path;
use std::sync::atomic::Ordering;

use crate::error::Result;
use crate::lake::layout::{Layout, PACKETS, SUMMARIES, is_below};
use crate::storage::objects::OpenUpload;

use super::many::at_once;
use super::objects::Objects;
use super::open::Bucket;

/// How old an upload is that no living run will complete, in nanoseconds. Runs refuse to commit far younger ones.
const OLD: i64 = 7 * 24 * 3600 * 1_000_000_000;

/// The uploads of a list that are older than a week by the store's clock. What the store says of `own` ones, which this run began just
/// now, tells its clock. A store that says nothing of them, or a time that never changes, is not believed, and none is old.
fn orphans(listed: Vec<OpenUpload>, own: &HashSet<String>) -> Vec<OpenUpload> {
    let is_own = |found: &&OpenUpload| own.contains(&found.upload);
    let Some(now) = listed.iter().filter(is_own).filter_map(|found| found.since).min() else { return Vec::new() };
    let is_old = |found: &OpenUpload| found.since.is_some_and(|since| since < now.saturating_sub(OLD));
    listed.into_iter().filter(|found| !own.contains(&found.upload) && is_old(found)).collect()
}

impl Objects {
    /// Gives up the old uploads of dead runs, and says how many they were.
    fn abandon_orphans(&self, own: &HashSet<String>) -> io::Result<u64> {
        let prefix = self.key(Path::new(""));
        let mut found = orphans(self.store.uploads(&prefix)?, own);
        // A lake may be a whole bucket, which others use too.
        let is_of_a_lake = |path: &Path| {
            [PACKETS.into(), SUMMARIES.into(), Layout::own("")].iter().any(|folder| is_below(path, folder))
        };
        found.retain(|found| found.key.strip_prefix(&prefix).is_some_and(|path| is_of_a_lake(Path::new(path))));
        if !found.is_empty() {
            let needed = self.needed_uploads().map_err(io::Error::other)?;
            found.retain(|found| !needed.contains(&found.upload));
        }
        let abandoned = at_once(&found, |found| Ok(self.store.abandon(&found.key, &found.upload).is_ok()));
        Ok(abandoned.map_err(io::Error::other)?.into_iter().filter(|is_abandoned| *is_abandoned).count() as u64)
    }

    /// The uploads of commits that are decided and not carried out.
    fn needed_uploads(&self) -> Result<BTreeSet<String>> {
        let last = self.manifests()?.last_key_value().map(|(last, _)| *last);
        let manifest = last.map(|last| self.manifest(last)).transpose()?.flatten();
        let pending = manifest.and_then(|(manifest, _)| manifest.pending);
        let uploads = pending.iter().flat_map(|pending| pending.parts.iter().chain(&pending.tables));
        Ok(uploads.map(|held| held.upload.clone()).collect())
    }
}

impl Bucket {
    /// Gives up what dead runs uploaded, once a run. `own` are uploads of this run that are open. Returns how many there were.
    ///
    /// # Errors
    /// If the store does not list its uploads. No commit depends on that.
    pub(super) fn sweep_uploads(&self, own: &HashSet<String>) -> io::Result<u64> {
        if own.is_empty() || self.has_swept.swap(true, Ordering::Relaxed) {
            return Ok(0);
        }
        self.objects().map_err(io::Error::other)?.abandon_orphans(own)
    }

    /// As [`Bucket::sweep_uploads`], of a run that has uploaded nothing: it begins an upload to learn the store's clock.
    ///
    /// # Errors
    /// If the store does not list its uploads, or nothing may be uploaded.
    pub(in crate::lake) fn sweep_uploads_alone(&self) -> io::Result<u64> {
        if self.has_swept.load(Ordering::Relaxed) {
            return Ok(0);
        }
        let objects = self.objects().map_err(io::Error::other)?;
        let key = objects.key(&Layout::own(&format!("clock-{}", self.run())));
        let upload = objects.store.begin(&key)?;
        let swept = self.sweep_uploads(&[upload.clone()].into());
        objects.store.abandon(&key, &upload)?;
        swept
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 24 * 3600 * 1_000_000_000;

    fn open(upload: &str, days: Option<i64>) -> OpenUpload {
        OpenUpload {
            key: format!("lake/packets/{upload}"),
            upload: upload.to_owned(),
            since: days.map(|days| days * DAY),
        }
    }

    fn names(listed: &[OpenUpload], own: &[&str]) -> Vec<String> {
        let own = own.iter().map(|upload| (*upload).to_owned()).collect();
        orphans(listed.to_vec(), &own).into_iter().map(|found| found.upload).collect()
    }

    #[test]
    fn uploads_are_old_by_the_clock_of_the_store_and_own_ones_never() {
        let listed = [
            open("own", Some(20_000)),
            open("of-a-week", Some(19_993)),
            open("old", Some(19_992)),
            open("of-today", Some(20_000)),
            open("timeless", None),
            open("own-and-old", Some(20_000)),
        ];
        assert_eq!(names(&listed, &["own", "own-and-old"]), ["old"]);
        // The clock of this machine does not matter, nor one that stands still.
        let standing: Vec<_> = listed.iter().map(|found| OpenUpload { since: Some(DAY), ..found.clone() }).collect();
        assert_eq!(names(&standing, &["own"]), [""; 0]);
    }

    #[test]
    fn a_store_that_does_not_tell_its_clock_is_not_believed() {
        let listed = [open("old", Some(1)), open("own", None)];
        assert_eq!(names(&listed, &["own"]), [""; 0]);
        assert_eq!(names(&listed, &["elsewhere"]), [""; 0]);
        assert_eq!(names(&listed, &[]), [""; 0]);
    }
}

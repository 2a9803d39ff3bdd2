//! What dead runs have left, and what has served its time.

use std::collections::{BTreeSet, HashSet};
use std::path::PathBuf;

use crate::clock::now_ms;
use crate::error::Result;
use crate::lake::layout::Layout;

use super::many::at_once;
use super::open::Bucket;

/// How old something is that no living run needs, in nanoseconds.
const OLD: i64 = 7 * 24 * 3600 * 1_000_000_000;

impl Bucket {
    /// Removes partial summaries that runs wrote and did not commit: those that are not `needed`. Also their texts for the Delta log, and manifests that
    /// another one has taken the place of for a week: until then a run that slept could win an old number again.
    ///
    /// # Errors
    /// If the store fails.
    pub(in crate::lake) fn sweep(&self, needed: &HashSet<PathBuf>) -> Result<()> {
        let objects = self.objects()?;
        let now = now_ms().saturating_mul(1_000_000);
        let old = |modified: i64| modified < now.saturating_sub(OLD);
        let mut gone: Vec<PathBuf> = Vec::new();
        let partials = objects.list(&Layout::partial_folder())?;
        gone.extend(
            partials
                .into_iter()
                .filter(|(path, facts)| !needed.contains(path) && old(facts.modified))
                .map(|(path, _)| path),
        );
        let texts = objects.list(&Layout::own("delta"))?;
        gone.extend(texts.into_iter().filter(|(_, facts)| old(facts.modified)).map(|(path, _)| path));
        let manifests = objects.list(&Layout::manifests())?;
        let base = self.mirror.lock().unwrap_or_else(std::sync::PoisonError::into_inner).base();
        if let Some(base) = base {
            let path = super::decide::manifest_path(base);
            if manifests.get(&path).is_some_and(|facts| old(facts.modified)) {
                let earlier: BTreeSet<_> = manifests.into_keys().filter(|other| *other < path).collect();
                gone.extend(earlier);
            }
        }
        at_once(&gone, |path| objects.remove(path))?;
        Ok(())
    }

    /// Removes files whose names were retired: late completions of a commit that was undone.
    ///
    /// # Errors
    /// If the store fails.
    pub(in crate::lake) fn discard(&self, paths: &[PathBuf]) -> Result<()> {
        let objects = self.objects()?;
        at_once(paths, |path| objects.remove(path))?;
        Ok(())
    }
}

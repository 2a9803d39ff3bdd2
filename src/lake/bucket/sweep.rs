//! What dead runs have left, and what has served its time.

use std::collections::HashSet;
use std::path::PathBuf;

use crate::clock::now_ms;
use crate::error::Result;
use crate::lake::layout::Layout;

use super::many::at_once;
use super::open::Bucket;

/// How old something is that no living run needs, in nanoseconds.
pub(super) const OLD: i64 = 7 * 24 * 3600 * 1_000_000_000;

impl Bucket {
    /// Removes partial summaries that runs wrote and did not commit: those that are not `needed`. Also manifests that another one has taken the place of for a week: until then a run that slept could win an old
    /// number again; and with a commit that says everything (`is_base`), texts of dead runs for the Delta log. All that is so old was there
    /// when the run began, so nothing is listed twice.
    ///
    /// # Errors
    /// If the store fails.
    pub(in crate::lake) fn sweep(&self, needed: &HashSet<PathBuf>, is_base: bool) -> Result<()> {
        let objects = self.objects()?;
        let before = now_ms().saturating_mul(1_000_000).saturating_sub(OLD);
        let mut gone = self.replaced_before(before);
        let partials = self.partials()?;
        let unneeded = partials.iter().filter(|(path, facts)| !needed.contains(*path) && facts.modified < before);
        gone.extend(unneeded.map(|(path, _)| path.clone()));
        if is_base {
            let texts = objects.list(&Layout::own("delta"))?;
            gone.extend(texts.into_iter().filter(|(_, facts)| facts.modified < before).map(|(path, _)| path));
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

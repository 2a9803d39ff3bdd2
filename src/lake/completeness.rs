//! Whether all manifests of a lake are there: what shows that one is lost.

use std::path::Path;

use crate::error::{Error, Lack, Result};
use crate::storage::local;

use super::last::last;
use super::layout::Layout;
use super::losses::has_data;
use super::manifest::{files, number_of};

/// The problem of a lake without manifests.
const ALL_LOST: &str = "has packets and no manifest that says what they are, so it is no new lake";

/// A lake that is not whole, for what is wrong with this path.
pub(super) fn incomplete(path: &Path, problem: String) -> Error {
    Error::Incomplete { path: path.to_path_buf(), problem, lacks: Lack::Manifest }
}

/// What shows that the newest manifests, or all of them, are lost.
pub(super) fn missing_at_the_end(lake: &Layout, sequence: u64) -> Result<Option<Error>> {
    // A decided commit puts its number in place before its manifest. In a bucket the manifest itself decides.
    let number = if lake.bucket().is_some() { None } else { last(lake) };
    if let Some(last) = number.filter(|last| *last > sequence && !local::exists(&lake.pending())) {
        let problem = format!("the manifest of commit {last} is missing; the last one is that of commit {sequence}");
        return Ok(Some(incomplete(&lake.manifest(), if sequence > 0 { problem } else { ALL_LOST.to_owned() })));
    }
    let is_lost = sequence == 0 && has_data(lake)?;
    Ok(is_lost.then(|| incomplete(lake.root(), ALL_LOST.to_owned())))
}

/// As [`Layout::check_is_whole`].
pub(super) fn check_names(lake: &Layout) -> Result<()> {
    if lake.is_pending()? {
        return Ok(());
    }
    let numbers: Vec<u64> = files(lake)?.iter().filter_map(|path| number_of(path)).collect();
    let newest = numbers.last().copied().unwrap_or(0);
    missing_at_the_end(lake, newest)?.map_or(Ok(()), Err)
}

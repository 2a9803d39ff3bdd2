//! Staged files on another file system than their places: they are copied there first, so that only a move is left.

use std::collections::BTreeSet;
use std::io;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::bug::bug;
use crate::error::{Error, Result};
use crate::lake::layout::{Layout, is_below};
use crate::path_text;
use crate::storage::local;

use super::Move;
use super::staging::sweep;

/// The name of a folder for copies of staged files, in each folder of a lake that is on another file system than the
/// staging folder. Readers skip it, because its name begins with a dot and its files do not end in `.parquet`.
pub(super) const BESIDE: &str = ".parcap-staging";

/// Copies staged files to where a rename moves them into their places, and makes the names of the copies durable.
///
/// # Errors
/// If one cannot be copied or synced.
pub(super) fn bring_beside(lake: &Layout, steps: Vec<&mut Move>) -> Result<()> {
    let folders: BTreeSet<_> =
        steps.iter().filter_map(|step| step.to.parent().map(|folder| folder.join(BESIDE))).collect();
    Linked { folders: folders.iter().cloned().collect() }.write(lake)?;
    for step in steps {
        step.from = copy_beside(lake, step)?;
    }
    folders.iter().try_for_each(|folder| lake.sync_folder(&lake.resolve(folder)))
}

/// Copies a staged file to where a rename moves it into its place. The copy is synced, but its name is not. Returns the
/// copy's path below the lake.
pub(super) fn copy_beside(lake: &Layout, step: &Move) -> Result<PathBuf> {
    let (Some(parent), Some(name)) = (step.to.parent(), step.to.file_name()) else { return Err(bug!()) };
    let below = parent.join(BESIDE);
    lake.make_folder(&below)?;
    let mut name = name.to_owned();
    name.push(".staged");
    let copy = below.join(name);
    local::copy_synced(&lake.resolve(&step.from), &lake.resolve(&copy))?;
    Ok(copy)
}

/// The folders outside of staging that hold staged files, so that they can be swept.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Linked {
    #[serde(with = "path_text::list")]
    folders: Vec<PathBuf>,
}

impl Linked {
    fn path(lake: &Layout) -> PathBuf {
        lake.resolve(&Layout::staging().join("beside.json"))
    }

    fn write(&self, lake: &Layout) -> Result<()> {
        let path = Self::path(lake);
        let text = serde_json::to_vec(self).map_err(|source| Error::io("write", &path)(io::Error::other(source)))?;
        local::write(&path, &text).map_err(Error::io("write", &path))
    }

    /// Removes them, if they exist. A list that cannot be read names none.
    pub(super) fn sweep(lake: &Layout) -> Result<()> {
        let text = local::read(&Self::path(lake)).unwrap_or_default();
        let beside: Self = serde_json::from_slice(&text).unwrap_or_default();
        let ours = beside.folders.iter().filter(|folder| is_below(folder, "") && folder.ends_with(BESIDE));
        ours.into_iter().try_for_each(|folder| sweep(&lake.resolve(folder)))
    }
}

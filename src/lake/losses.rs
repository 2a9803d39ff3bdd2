//! What a lake has lost: files that its manifests name, but that do not exist or have another size. Also files where
//! readers look that no manifest names: a lost manifest leaves such files.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::bug::bug;
use crate::day::Day;
use crate::error::{Error, Lack, Result};
use crate::lake::manifest;
use crate::storage::local;

use super::bucket::{Bucket, Listed};
use super::layout::{Layout, PACKETS, SUMMARIES};
use super::snapshot::Snapshot;

/// The depth of nested folders in which readers look: a date, an hour, a protocol, and as many again.
const DEPTH: usize = 6;

/// Files of a lake that are lost, by their paths below the lake, each with its problem.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Losses(BTreeMap<PathBuf, String>);

impl Losses {
    /// Checks every file that the manifests name, by its name and size. None is opened.
    ///
    /// # Errors
    /// [`Error::Incomplete`] if there is a Parquet file where readers look that no manifest names.
    pub fn find(lake: &Layout, snapshot: &Snapshot) -> Result<Self> {
        let mut losses = Self::default();
        let parts = snapshot.parts.values().map(|part| (part.path.as_path(), part.bytes));
        let tables = snapshot.tables.values().map(|table| (table.path.as_path(), table.bytes));
        let named: BTreeMap<&Path, u64> = parts.chain(tables).collect();
        let (there, partials_there) = match lake.bucket() {
            None => (data_files(lake)?, None),
            Some(bucket) => files_in_bucket(bucket).map(|(there, partials)| (there, Some(partials)))?,
        };
        let is_named = |path: &Path| named.contains_key(path) || snapshot.retained.contains_key(path);
        let strays = there.keys().filter(|path| !is_named(path));
        // A commit that was undone may have left what a run that slept completed after that.
        let (late, strays): (Vec<_>, Vec<_>) = strays.partition(|path| snapshot.retired.contains_key(path.as_path()));
        if let Some(bucket) = lake.bucket().filter(|_| !late.is_empty()) {
            bucket.discard(&late.into_iter().cloned().collect::<Vec<_>>())?;
        }
        if let Some(first) = strays.first()
            && !is_being_changed(lake, snapshot)?
        {
            let more = match strays.len() {
                1 => String::new(),
                count => format!(" (and {} more files)", count - 1),
            };
            let problem = format!("is in no manifest of the lake, and readers count its rows{more}");
            return Err(Error::Incomplete { path: lake.shown(first), problem, lacks: Lack::Mention });
        }
        let partials = snapshot.partials.values().map(|partial| (partial.path.as_path(), partial.bytes));
        for (path, bytes) in named.iter().map(|(path, bytes)| (*path, *bytes)).chain(partials) {
            let found = match (there.get(path), &partials_there) {
                (Some(found), _) => Ok(*found),
                (None, Some(there)) => {
                    there.get(path).map(|facts| facts.size).ok_or_else(|| io::ErrorKind::NotFound.into())
                }
                (None, None) => local::facts(&lake.resolve(path)).map(|found| found.size),
            };
            match found {
                Ok(found) if found == bytes => {}
                Ok(found) => losses.add(path, format!("its size is {found} bytes instead of {bytes} bytes")),
                Err(error) => {
                    let error = Error::io("read", path)(error);
                    if !is_loss(&error) {
                        return Err(error);
                    }
                    losses.add(path, problem_of(&error));
                }
            }
        }
        Ok(losses)
    }

    /// Adds a file.
    pub fn add(&mut self, path: &Path, problem: String) {
        self.0.insert(path.to_path_buf(), problem);
    }

    /// Whether a file is lost.
    #[must_use]
    pub fn contains(&self, path: &Path) -> bool {
        self.0.contains_key(path)
    }

    /// The files, each with its problem.
    pub fn iter(&self) -> impl Iterator<Item = (&Path, &str)> {
        self.0.iter().map(|(path, problem)| (path.as_path(), problem.as_str()))
    }

    /// The dates whose sums are lost. Their tables cannot be made.
    #[must_use]
    pub fn days_without_sums(&self, snapshot: &Snapshot) -> BTreeSet<Day> {
        let partials = self.0.keys().filter_map(|path| snapshot.partials.get(path));
        partials.flat_map(|partial| partial.days.iter().copied()).collect()
    }
}

/// Whether an error says that a file is lost: it does not exist, or is another one. A disk that fails for a moment has
/// lost nothing, and what a run left out because of it would stay left out.
#[must_use]
pub fn is_loss(error: &Error) -> bool {
    match error {
        Error::Io { source, .. } => matches!(
            source.kind(),
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory | io::ErrorKind::IsADirectory
        ),
        Error::FileDiffers { .. } => true,
        _ => false,
    }
}

/// The text of an error about a file whose path is shown already.
#[must_use]
pub fn problem_of(error: &Error) -> String {
    match error {
        Error::Io { source, .. } if source.kind() == io::ErrorKind::NotFound => "is not there".to_owned(),
        Error::Io { action, source, .. } => format!("cannot {action}: {source}"),
        Error::FileDiffers { what, expected, found, .. } => format!("its {what} is {found} instead of {expected}"),
        other => other.to_string(),
    }
}

/// Whether another run is changing the lake now. Then what was read of it may differ from what is there.
fn is_being_changed(lake: &Layout, snapshot: &Snapshot) -> Result<bool> {
    lake.look_again();
    Ok(lake.is_pending()? || manifest::newest(lake)? != snapshot.sequence)
}

/// The Parquet files where readers look, by their paths below the lake, with their sizes. A folder that cannot be listed
/// gives none.
///
/// # Errors
/// If the folder of the packets or of the summaries cannot be read.
pub fn data_files(lake: &Layout) -> Result<BTreeMap<PathBuf, u64>> {
    if let Some(bucket) = lake.bucket() {
        return Ok(data_of(bucket.list_all(&[PACKETS, SUMMARIES].map(Path::new))?));
    }
    let mut files = BTreeMap::new();
    for folder in [PACKETS, SUMMARIES] {
        walk(lake, Path::new(folder), DEPTH, &mut |path, bytes| {
            files.insert(path, bytes);
            true
        })
        .map_err(Error::io("read", lake.resolve(Path::new(folder))))?;
    }
    Ok(files)
}

/// The same of a bucket, and its partial summaries.
fn files_in_bucket(bucket: &Bucket) -> Result<(BTreeMap<PathBuf, u64>, Arc<Listed>)> {
    let partials = Layout::partial_folder();
    let mut listed = bucket.list_all(&[Path::new(PACKETS), Path::new(SUMMARIES), &partials])?;
    let partials = Arc::new(listed.pop().ok_or_else(|| bug!())?);
    bucket.know_partials(Arc::clone(&partials));
    Ok((data_of(listed), partials))
}

fn data_of(listed: Vec<Listed>) -> BTreeMap<PathBuf, u64> {
    let objects = listed.into_iter().flatten().filter(|(path, _)| is_data(path));
    objects.map(|(path, facts)| (path, facts.size)).collect()
}

/// Whether readers take an object for data: its name ends with `.parquet`, and no name above it begins with a dot or an
/// underscore.
pub(super) fn is_data(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "parquet")
        && path.iter().all(|name| !matches!(name.as_encoded_bytes().first(), Some(b'.' | b'_')))
}

/// Whether there is a Parquet file where readers look.
pub(super) fn has_data(lake: &Layout) -> Result<bool> {
    let mut found = false;
    for folder in [PACKETS, SUMMARIES] {
        walk(lake, Path::new(folder), DEPTH, &mut |_, _| {
            found = true;
            false
        })
        .map_err(Error::io("read", lake.resolve(Path::new(folder))))?;
    }
    Ok(found)
}

/// Calls `each` with every Parquet file below a folder, and its size, as long as it returns true. Readers skip names that
/// begin with a dot or an underscore, and so does this.
fn walk(lake: &Layout, folder: &Path, depth: usize, each: &mut dyn FnMut(PathBuf, u64) -> bool) -> io::Result<bool> {
    let entries = match local::list(&lake.resolve(folder)) {
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(true);
        }
        entries => entries?,
    };
    for entry in entries {
        let name = entry?.name();
        if matches!(name.as_encoded_bytes().first(), Some(b'.' | b'_')) {
            continue;
        }
        let path = folder.join(&name);
        // Links are followed, as readers do.
        let Ok(found) = local::facts(&lake.resolve(&path)) else { continue };
        if found.is_folder() {
            // A folder that cannot be listed has nothing for a reader either.
            if depth > 0 && matches!(walk(lake, &path, depth - 1, each), Ok(false)) {
                return Ok(false);
            }
        } else if path.extension().is_some_and(|extension| extension == "parquet") && !each(path, found.size) {
            return Ok(false);
        }
    }
    Ok(true)
}

//! Exchanges a partition of the packets as a whole when files in it are replaced. Summary tables are one file a partition,
//! and are moved one by one. A reader that lists its folder sees the old files or
//! the new ones, never a part beside the part that replaces it.
//!
//! The new folder is built of hard links, where runs stage their files, before the commit is decided. That takes no room,
//! and staged files stay where they are. Then the two folders are exchanged in one call (`renameat2` with
//! `RENAME_EXCHANGE`), and the old one is removed with the staged files. A file that only the new folder
//! has, or only the old one, is the witness: where it lies tells whether the exchange has been done, so that a commit may
//! be carried out twice.
//!
//! Not here: several partitions at once. A reader of many dates may see one before its exchange and another after it.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::bug::bug;
use crate::error::{Error, Result};
use crate::lake::layout::Layout;
use crate::path_text;
use crate::storage::{EntryKind, Mount, exchange, is_unsupported, local, may_change};

use super::Move;
use super::staging::sweep;

/// Two folders that are exchanged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Exchange {
    /// The folder of the partition, below the lake.
    #[serde(with = "path_text")]
    pub(super) folder: PathBuf,
    /// The folder that was built, below the lake.
    #[serde(with = "path_text")]
    pub(super) built: PathBuf,
    /// The files that are added, below the folder.
    #[serde(with = "path_text::list")]
    pub(super) adds: Vec<PathBuf>,
    /// The files that are removed, below the folder.
    #[serde(with = "path_text::list")]
    pub(super) removes: Vec<PathBuf>,
    /// A file that only one of the folders has, below them.
    #[serde(with = "path_text")]
    pub(super) witness: PathBuf,
    /// Whether that folder is the built one.
    pub(super) comes: bool,
}

/// The partition that a file is in. Of nested ones, the outermost: `packets/date=2024-03-11`.
fn partition_of(file: &Path) -> Option<&Path> {
    let folders: Vec<_> = file.parent()?.ancestors().collect();
    folders.into_iter().rev().find(|folder| is_partition(folder))
}

/// Whether a folder is that of a partition: `date=2024-03-11`.
pub(super) fn is_partition(folder: &Path) -> bool {
    folder.file_name().is_some_and(|name| name.to_string_lossy().contains('='))
}

/// Removes the partitions to be exchanged from the lists of moves and removals, and builds their new folders. Where a
/// folder cannot be built, the files are moved one by one, and that is noted.
///
/// # Errors
/// If something fails that does not just mean that a folder cannot be built here.
pub(super) fn build(lake: &Layout, moves: &mut Vec<Move>, removes: &mut Vec<PathBuf>) -> Result<Vec<Exchange>> {
    let mut going: BTreeMap<PathBuf, Vec<PathBuf>> = BTreeMap::new();
    for path in removes.iter() {
        if let Some(folder) = partition_of(path) {
            going.entry(folder.to_path_buf()).or_default().push(path.clone());
        }
    }
    let mut exchanges = Vec::new();
    for (folder, goes) in going {
        let comes: Vec<_> = moves.iter().filter(|step| partition_of(&step.to) == Some(&folder)).collect();
        let Some((witness, is_new)) = witness(lake, &comes, &goes) else { continue };
        let built = Layout::staging().join("exchange").join(exchanges.len().to_string());
        match Built::new(lake, &folder, &built).and_then(|mut new| new.fill(&comes, &goes)) {
            Ok(()) => {}
            Err(Hindrance::Fault(error)) => return Err(error),
            Err(Hindrance::Cannot(why)) => {
                note(lake, &folder, &why);
                sweep(&lake.resolve(&built))?;
                continue;
            }
        }
        let below = |path: &Path| path.strip_prefix(&folder).map(Path::to_path_buf).map_err(|_| bug!());
        exchanges.push(Exchange {
            adds: comes.iter().map(|step| below(&step.to)).collect::<Result<_>>()?,
            removes: goes.iter().map(|path| below(path)).collect::<Result<_>>()?,
            witness: below(&witness)?,
            comes: is_new,
            folder: folder.clone(),
            built,
        });
        let gone: HashSet<_> = goes.into_iter().collect();
        removes.retain(|path| !gone.contains(path));
        moves.retain(|step| partition_of(&step.to) != Some(&folder));
    }
    Ok(exchanges)
}

/// A file that is only in one of the folders, and whether that is the new one. `None` if nothing is added, or if nothing
/// that exists is removed: then no reader sees anything twice.
fn witness(lake: &Layout, comes: &[&Move], goes: &[PathBuf]) -> Option<(PathBuf, bool)> {
    let is_there = |path: &Path| local::name_exists(&lake.resolve(path));
    let old = goes.iter().find(|path| is_there(path))?;
    let new = comes.iter().find(|step| !is_there(&step.to)).map(|step| (step.to.clone(), true));
    new.or_else(|| (!comes.is_empty()).then(|| (old.clone(), false)))
}

pub(super) fn note(lake: &Layout, folder: &Path, why: &str) {
    lake.note("exchange", || {
        let folder = path_text::printable(&lake.resolve(folder));
        format!(
            "{folder}: cannot be exchanged as a whole ({why}); a reader that lists it while files are replaced may see an old one beside the new one"
        )
    });
}

/// Why a folder was not built.
enum Hindrance {
    /// The file system, or the kind of file there, does not allow it.
    Cannot(String),
    Fault(Error),
}

impl Hindrance {
    /// What a failed call means.
    fn of(action: &'static str, path: &Path, error: io::Error) -> Self {
        // Links may be refused across file systems, for files of other users, for files that may not change, or at all.
        let cannot = matches!(
            error.kind(),
            io::ErrorKind::CrossesDevices
                | io::ErrorKind::PermissionDenied
                | io::ErrorKind::TooManyLinks
                | io::ErrorKind::AlreadyExists
                | io::ErrorKind::ReadOnlyFilesystem
        );
        if cannot || is_unsupported(&error) {
            Self::Cannot(format!("{action} {}: {error}", path_text::printable(path)))
        } else {
            Self::Fault(Error::io(action, path)(error))
        }
    }
}

/// A folder while it is being built.
struct Built<'a> {
    lake: &'a Layout,
    /// The folder that it will replace, and its own; both below the lake.
    folder: &'a Path,
    built: &'a Path,
    mount: Mount,
    /// The folders that were made, as paths below it.
    made: BTreeSet<PathBuf>,
}

impl<'a> Built<'a> {
    fn new(lake: &'a Layout, folder: &'a Path, built: &'a Path) -> Result<Self, Hindrance> {
        let cannot = |why: &str| Err(Hindrance::Cannot(why.to_owned()));
        let place = lake.resolve(folder);
        if local::is_link(&place) {
            return cannot("it is a link");
        }
        let impossible = || Hindrance::Fault(bug!());
        let above = lake.resolve(built.parent().ok_or_else(impossible)?);
        local::make_folders(&above).map_err(|error| Hindrance::of("create", &above, error))?;
        let mount = |path: &Path| Mount::of(path).map_err(|error| Hindrance::of("read", path, error));
        let over = place.parent().ok_or_else(impossible)?;
        let here = mount(&place)?;
        if here != mount(&above)? || here != mount(over)? {
            return cannot("it is on another file system than what runs stage");
        }
        may_change(over).map_err(|error| Hindrance::of("write", over, error))?;
        Ok(Self { lake, folder, built, mount: here, made: BTreeSet::new() })
    }

    /// Links files that stay, then files that come, and makes all names durable.
    fn fill(&mut self, comes: &[&Move], goes: &[PathBuf]) -> Result<(), Hindrance> {
        let without: HashSet<&Path> =
            goes.iter().map(PathBuf::as_path).chain(comes.iter().map(|step| step.to.as_path())).collect();
        let mut folders = vec![self.folder.to_path_buf()];
        while let Some(folder) = folders.pop() {
            let path = self.lake.resolve(&folder);
            let mount = Mount::of(&path).and_then(|mount| may_change(&path).map(|()| mount));
            if mount.map_err(|error| Hindrance::of("write", &path, error))? != self.mount {
                return Err(Hindrance::Cannot(format!("{} is on another file system", path_text::printable(&path))));
            }
            for entry in local::list(&path).map_err(|error| Hindrance::of("read", &path, error))? {
                let entry = entry.map_err(|error| Hindrance::of("read", &path, error))?;
                let kind = entry.kind().map_err(|error| Hindrance::of("read", &path, error))?;
                let place = folder.join(entry.name());
                if kind == EntryKind::Folder {
                    folders.push(place);
                } else if kind != EntryKind::File {
                    return Err(Hindrance::Cannot(format!("{} is no file", path_text::printable(&entry.path()))));
                } else if !without.contains(place.as_path()) {
                    self.link(&place, &place)?;
                }
            }
        }
        comes.iter().try_for_each(|step| self.link(&step.from, &step.to))?;
        let sync = |folder: &Path| self.lake.sync_folder(&self.lake.resolve(folder)).map_err(Hindrance::Fault);
        self.made.iter().rev().try_for_each(|below| sync(&self.built.join(below)))?;
        sync(self.built.parent().ok_or_else(|| Hindrance::Fault(bug!()))?)
    }

    /// Gives a file a second name: the name that it will have once the folders are exchanged.
    fn link(&mut self, file: &Path, place: &Path) -> Result<(), Hindrance> {
        let below = place.strip_prefix(self.folder).ok();
        let (Some(below), Some(above)) = (below, below.and_then(Path::parent)) else {
            return Err(Hindrance::Fault(bug!()));
        };
        self.make(above)?;
        let link = self.lake.resolve(&self.built.join(below));
        local::link(&self.lake.resolve(file), &link).map_err(|error| Hindrance::of("link", &link, error))
    }

    /// Makes a folder in it, with the permissions of the folder that it replaces.
    fn make(&mut self, below: &Path) -> Result<(), Hindrance> {
        if self.made.contains(below) {
            return Ok(());
        }
        if let Some(above) = below.parent() {
            self.make(above)?;
        }
        let (path, old) = (self.lake.resolve(&self.built.join(below)), self.lake.resolve(&self.folder.join(below)));
        local::make_folder(&path).map_err(|error| Hindrance::of("create", &path, error))?;
        self.made.insert(below.to_path_buf());
        if local::make_alike(&path, &old).map_err(|error| Hindrance::of("read", &path, error))? {
            return Ok(());
        }
        let old = path_text::printable(&old);
        Err(Hindrance::Cannot(format!("{old} is another group's, or has permissions that cannot be given")))
    }
}

/// The result of an exchange.
pub(super) enum ExchangeOutcome {
    Done,
    /// The file system does not support it, which shows only in the attempt.
    Cannot(io::Error),
}

impl Exchange {
    /// Whether the folder that was built is in its place.
    pub(super) fn is_done(&self, lake: &Layout) -> bool {
        local::name_exists(&lake.resolve(&self.folder).join(&self.witness)) == self.comes
    }

    /// Puts the built folder in its place. Does nothing if it is there.
    ///
    /// # Errors
    /// If that fails.
    pub(super) fn carry_out(&self, lake: &Layout) -> Result<ExchangeOutcome> {
        // If the folder does not exist, none of the removed files do either, which looks like a finished exchange.
        if !local::exists(&lake.resolve(&self.folder)) || !self.is_done(lake) {
            self.swap(lake)
        } else {
            Ok(ExchangeOutcome::Done)
        }
    }

    /// Puts the old folder in its place again. Does nothing if it is there.
    ///
    /// # Errors
    /// As [`Exchange::carry_out`].
    pub(super) fn undo(&self, lake: &Layout) -> Result<()> {
        if !self.is_done(lake) {
            return Ok(());
        }
        match self.swap(lake)? {
            ExchangeOutcome::Done => Ok(()),
            ExchangeOutcome::Cannot(error) => Err(Error::io("exchange", lake.resolve(&self.folder))(error)),
        }
    }

    fn swap(&self, lake: &Layout) -> Result<ExchangeOutcome> {
        let (place, built) = (lake.resolve(&self.folder), lake.resolve(&self.built));
        let swapped = if local::name_exists(&place) { exchange(&built, &place) } else { local::rename(&built, &place) };
        match swapped {
            Ok(()) => Ok(ExchangeOutcome::Done),
            Err(error) if is_unsupported(&error) || error.kind() == io::ErrorKind::CrossesDevices => {
                Ok(ExchangeOutcome::Cannot(error))
            }
            Err(error) => Err(Error::io("exchange", &place)(error)),
        }
    }
}

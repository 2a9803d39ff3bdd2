//! A partition in which files are replaced is exchanged as a whole: whoever lists its folder sees the old files or the new
//! ones, and never a part beside the one that replaces it.
//!
//! The folder that will be is built where runs stage what they write, of hard links, before the commit is decided: it costs
//! no room, and what is staged stays where it is. Then the two folders change places in one call
//! (`renameat2` with `RENAME_EXCHANGE`), and the old one goes with what else is staged. Which of the two is in its place is
//! told by one file that only one of them has, so that a commit may be carried out twice.
//!
//! Not here: several partitions at once. A reader of many dates may see one before the exchange and another behind it.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::bug::bug;
use crate::error::{Error, Result};
use crate::path_text;

use super::journal::Move;
use super::layout::Layout;
use crate::storage::{Mount, exchange, is_unsupported, may_change};

/// Two folders that change places.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Exchange {
    /// The partition's, below the lake.
    #[serde(with = "path_text")]
    pub(super) folder: PathBuf,
    /// The one that was built, below the lake.
    #[serde(with = "path_text")]
    pub(super) built: PathBuf,
    /// The files that come, below the folder.
    #[serde(with = "path_text::list")]
    pub(super) adds: Vec<PathBuf>,
    /// The files that go, below the folder.
    #[serde(with = "path_text::list")]
    pub(super) removes: Vec<PathBuf>,
    /// A file that only one of the folders has, below them.
    #[serde(with = "path_text")]
    pub(super) witness: PathBuf,
    /// Whether that is the one that was built.
    pub(super) comes: bool,
}

/// The partition that a file is in: of nested ones the outermost, `packets/date=2024-03-11`.
fn partition_of(file: &Path) -> Option<&Path> {
    let folders: Vec<_> = file.parent()?.ancestors().collect();
    folders.into_iter().rev().find(|folder| is_partition(folder))
}

/// Whether a folder is one of a partition: `date=2024-03-11`.
pub(super) fn is_partition(folder: &Path) -> bool {
    folder.file_name().is_some_and(|name| name.to_string_lossy().contains('='))
}

/// Takes out of what comes and what goes the partitions that are exchanged, and builds their new folders. Where that cannot
/// be done the files are moved one by one, and it is noted.
///
/// # Errors
/// If something fails for another reason than that it cannot be done here.
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
                super::journal::sweep(&lake.resolve(&built))?;
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

/// A file that is only in the new folder, or only in the old one, and in which; none if nothing comes, or nothing goes that
/// is there, for then nobody sees anything twice.
fn witness(lake: &Layout, comes: &[&Move], goes: &[PathBuf]) -> Option<(PathBuf, bool)> {
    let is_there = |path: &Path| lake.resolve(path).symlink_metadata().is_ok();
    let old = goes.iter().find(|path| is_there(path))?;
    let new = comes.iter().find(|step| !is_there(&step.to)).map(|step| (step.to.clone(), true));
    new.or_else(|| (!comes.is_empty()).then(|| (old.clone(), false)))
}

pub(super) fn note(lake: &Layout, folder: &Path, why: &str) {
    lake.note("exchange", || {
        let folder = path_text::printable(&lake.resolve(folder));
        format!(
            "{folder}: cannot be exchanged as a whole ({why}); whoever reads while files are replaced may see an old one beside the new one"
        )
    });
}

/// Why a folder was not built.
enum Hindrance {
    /// The file system, or what lies there, does not have it.
    Cannot(String),
    Fault(Error),
}

impl Hindrance {
    /// What a failed call says.
    fn of(action: &'static str, path: &Path, error: io::Error) -> Self {
        // Links are refused across file systems, of files of others, of files that may not change, or at all.
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

/// A folder while it is built.
struct Built<'a> {
    lake: &'a Layout,
    /// The folder in whose place it will be, and its own; both below the lake.
    folder: &'a Path,
    built: &'a Path,
    mount: Mount,
    /// The folders that were made, their paths below it.
    made: BTreeSet<PathBuf>,
}

impl<'a> Built<'a> {
    fn new(lake: &'a Layout, folder: &'a Path, built: &'a Path) -> Result<Self, Hindrance> {
        let cannot = |why: &str| Err(Hindrance::Cannot(why.to_owned()));
        let place = lake.resolve(folder);
        if place.is_symlink() {
            return cannot("it is a link");
        }
        let impossible = || Hindrance::Fault(bug!());
        let above = lake.resolve(built.parent().ok_or_else(impossible)?);
        fs::create_dir_all(&above).map_err(|error| Hindrance::of("create", &above, error))?;
        let mount = |path: &Path| Mount::of(path).map_err(|error| Hindrance::of("read", path, error));
        let over = place.parent().ok_or_else(impossible)?;
        let here = mount(&place)?;
        if here != mount(&above)? || here != mount(over)? {
            return cannot("it is on another file system than what runs stage");
        }
        may_change(over).map_err(|error| Hindrance::of("write", over, error))?;
        Ok(Self { lake, folder, built, mount: here, made: BTreeSet::new() })
    }

    /// Links what stays, then what comes, and makes all names durable.
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
            for entry in fs::read_dir(&path).map_err(|error| Hindrance::of("read", &path, error))? {
                let entry = entry.map_err(|error| Hindrance::of("read", &path, error))?;
                let kind = entry.file_type().map_err(|error| Hindrance::of("read", &path, error))?;
                let place = folder.join(entry.file_name());
                if kind.is_dir() {
                    folders.push(place);
                } else if !kind.is_file() {
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

    /// A second name for a file: the one that it will have when the folders have changed places.
    fn link(&mut self, file: &Path, place: &Path) -> Result<(), Hindrance> {
        let below = place.strip_prefix(self.folder).ok();
        let (Some(below), Some(above)) = (below, below.and_then(Path::parent)) else {
            return Err(Hindrance::Fault(bug!()));
        };
        self.make(above)?;
        let link = self.lake.resolve(&self.built.join(below));
        fs::hard_link(self.lake.resolve(file), &link).map_err(|error| Hindrance::of("link", &link, error))
    }

    /// Makes a folder in it, for those who may enter the one that it takes the place of.
    fn make(&mut self, below: &Path) -> Result<(), Hindrance> {
        if self.made.contains(below) {
            return Ok(());
        }
        if let Some(above) = below.parent() {
            self.make(above)?;
        }
        let (path, old) = (self.lake.resolve(&self.built.join(below)), self.lake.resolve(&self.folder.join(below)));
        fs::create_dir(&path).map_err(|error| Hindrance::of("create", &path, error))?;
        self.made.insert(below.to_path_buf());
        let Ok(as_it_was) = fs::metadata(&old) else { return Ok(()) };
        let read = |path: &Path| fs::metadata(path).map_err(|error| Hindrance::of("read", path, error));
        let new = read(&path)?;
        if (new.uid(), new.gid()) != (as_it_was.uid(), as_it_was.gid()) {
            // Only root may give things away; the group is what matters.
            let _ = chown(&path, Some(as_it_was.uid()), Some(as_it_was.gid()))
                .or_else(|_| chown(&path, None, Some(as_it_was.gid())));
        }
        let mode = as_it_was.mode() & 0o7777;
        if read(&path)?.mode() & 0o7777 != mode {
            let _ = fs::set_permissions(&path, Permissions::from_mode(mode));
        }
        let new = read(&path)?;
        if new.gid() != as_it_was.gid() || new.mode() != as_it_was.mode() {
            let old = path_text::printable(&old);
            return Err(Hindrance::Cannot(format!(
                "{old} is another group's, or has permissions that cannot be given"
            )));
        }
        Ok(())
    }
}

/// What became of an exchange.
pub(super) enum ExchangeOutcome {
    Done,
    /// The file system does not have it, which shows only when it is asked for it.
    Cannot(io::Error),
}

impl Exchange {
    /// Whether the folder that was built is in its place.
    pub(super) fn is_done(&self, lake: &Layout) -> bool {
        lake.resolve(&self.folder).join(&self.witness).symlink_metadata().is_ok() == self.comes
    }

    /// Puts the folder that was built in its place; nothing, if it is there.
    ///
    /// # Errors
    /// If that fails.
    pub(super) fn carry_out(&self, lake: &Layout) -> Result<ExchangeOutcome> {
        // Without a folder nothing of what goes is there, and that looks like the end.
        if !lake.resolve(&self.folder).exists() || !self.is_done(lake) {
            self.swap(lake)
        } else {
            Ok(ExchangeOutcome::Done)
        }
    }

    /// Puts the old folder in its place again; nothing, if it is there.
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
        let swapped =
            if place.symlink_metadata().is_ok() { exchange(&built, &place) } else { fs::rename(&built, &place) };
        match swapped {
            Ok(()) => Ok(ExchangeOutcome::Done),
            Err(error) if is_unsupported(&error) || error.kind() == io::ErrorKind::CrossesDevices => {
                Ok(ExchangeOutcome::Cannot(error))
            }
            Err(error) => Err(Error::io("exchange", &place)(error)),
        }
    }
}

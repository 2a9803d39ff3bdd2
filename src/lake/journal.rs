//! Publishing: everything of a run becomes visible, or nothing does.
//!
//! Before this begins, staged files are whole and synced, and so are the folders of partitions to be exchanged. First all
//! steps are checked to be possible. Then the list of steps is written, synced and renamed into place: from that moment
//! the commit is decided. Then it is carried out ([`crate::lake::carry`]), the manifest last, and the list is removed. A
//! run that finds a list carries it out first; steps that have been done are not done twice. If a step
//! turns out to be impossible all the same, the commit is undone, as long as the manifest is not in its place. Until
//! then, everything that a commit replaces or removes is kept.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::bug::bug;
use crate::error::{Error, Result};
use crate::lake::{exchange, last};
use crate::path_text;
use crate::storage::{Mount, local, open_own};

use super::carry::{carry_out, undo};
use super::check::checked;
use super::exchange::Exchange;
use super::ground::Ground;
use super::layout::{Layout, PACKETS, SUMMARIES, is_below};
use super::manifest::Manifest;

/// A staged file and its place, both below the lake.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Move {
    /// Where it is.
    #[serde(with = "path_text")]
    pub from: PathBuf,
    /// Where it goes, in place of an existing file.
    #[serde(with = "path_text")]
    pub to: PathBuf,
}

/// The steps of a commit, once it is decided.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Journal {
    /// Files that are added. Earlier versions called the field `moves`. The new name keeps them from carrying out half of
    /// a commit.
    #[serde(alias = "moves")]
    pub(super) adds: Vec<Move>,
    /// Partitions that are exchanged as a whole.
    #[serde(default)]
    pub(super) exchanges: Vec<Exchange>,
    /// Files that are removed, below the lake.
    #[serde(default, with = "path_text::list")]
    pub(super) removes: Vec<PathBuf>,
    pub(super) manifest: Move,
    /// Whether everything that is replaced is kept, so that the commit can be undone until the manifest is in its place.
    #[serde(default)]
    pub(super) kept: bool,
    /// Whether it could not be carried out, and is being undone.
    #[serde(default)]
    pub(super) undo: bool,
}

/// The name of a folder for copies of staged files, in each folder of a lake that is on another file system than the
/// staging folder. Readers skip it, because its name begins with a dot and its files do not end in `.parquet`.
const BESIDE: &str = ".parcap-staging";

impl Journal {
    /// Where the file is kept that an added file replaces, by number, below the lake.
    pub(super) fn kept(number: usize) -> PathBuf {
        Layout::staging().join("kept").join(number.to_string())
    }

    /// Where files that go are kept.
    pub(super) fn gone_folder() -> PathBuf {
        Layout::staging().join("gone")
    }

    /// Where a removed file is kept.
    pub(super) fn gone(number: usize) -> PathBuf {
        Self::gone_folder().join(number.to_string())
    }

    /// Whether a manifest of this commit is in its place: then it can only be finished.
    pub(super) fn is_published(&self, lake: &Layout) -> bool {
        !local::name_exists(&lake.resolve(&self.manifest.from)) && local::exists(&lake.resolve(&self.manifest.to))
    }

    /// Writes the journal, and renames it into place.
    pub(super) fn write(&self, lake: &Layout) -> Result<()> {
        let (draft, pending) = (lake.pending_draft(), lake.pending());
        let mut text =
            serde_json::to_vec_pretty(self).map_err(|source| Error::io("write", &draft)(io::Error::other(source)))?;
        text.push(b'\n');
        local::write_synced(&draft, &text)?;
        local::rename(&draft, &pending).map_err(Error::io("rename", &pending))
    }

    /// Reads the journal of a lake, if a commit is decided and not carried out. Checks that all files in it are where
    /// such files belong.
    fn read(lake: &Layout) -> Result<Option<Self>> {
        let pending = lake.pending();
        let mut text = Vec::new();
        match open_own(&pending).and_then(|mut file| file.read_to_end(&mut text)) {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Error::io("read", &pending)(error)),
        }
        let name = path_text::printable(&pending);
        let journal: Self =
            serde_json::from_slice(&text).map_err(|source| Error::Json { name, what: "journal", source })?;
        match journal.strange() {
            Some(named) => Err(Error::Outside { path: pending, named: path_text::printable(named) }),
            None => Ok(Some(journal)),
        }
    }

    /// The first path that is not where such a file belongs.
    fn strange(&self) -> Option<&Path> {
        let is_place = |path: &Path| {
            [
                PathBuf::from(PACKETS),
                SUMMARIES.into(),
                Layout::partial_folder(),
                Layout::names_folder(),
                Layout::aside_folder(),
            ]
            .iter()
            .any(|folder| is_below(path, folder))
                || *path == Layout::own(last::NAME)
        };
        // A damaged part is not staged: it comes from where readers see it.
        let is_aside = |step: &Move| is_below(&step.from, PACKETS) && is_below(&step.to, Layout::aside_folder());
        let is_staged = |path: &Path| is_below(path, Layout::staging()) || is_below(path, Layout::units());
        let is_beside = |step: &Move| step.to.parent().is_some_and(|folder| is_below(&step.from, folder.join(BESIDE)));
        let is_manifest = |path: &Path| is_below(path, Layout::manifests());
        let (adds, exchanges) = (self.adds.iter(), self.exchanges.iter());
        let from = adds.clone().chain([&self.manifest]);
        let from = from.filter(|step| !is_staged(&step.from) && !is_beside(step) && !is_aside(step));
        let from = from.map(|step| &step.from);
        let to = adds.map(|step| &step.to).filter(|path| !is_place(path));
        let goes = self.removes.iter().filter(|path| !is_place(path) && !is_manifest(path));
        let manifest = [&self.manifest.to].into_iter().filter(|path| !is_manifest(path));
        let folders = exchanges.clone().map(|exchange| &exchange.folder);
        let folders = folders.filter(|path| !is_below(path, PACKETS) && !is_below(path, SUMMARIES));
        let built = exchanges.clone().map(|exchange| &exchange.built).filter(|path| !is_below(path, Layout::staging()));
        let within = exchanges.flat_map(|exchange| {
            exchange.adds.iter().chain(&exchange.removes).chain([&exchange.witness]).filter(|path| !is_below(path, ""))
        });
        let mut all = from.chain(to).chain(goes).chain(manifest).chain(folders).chain(built).chain(within);
        all.next().map(PathBuf::as_path)
    }
}

/// Publishes staged files, removes files of `removes` that are not written again, and publishes the manifest.
///
/// # Errors
/// If staged files differ from what the manifest says; if something is in the way; if anything cannot be written, synced
/// or moved. Before the commit is decided, the lake then stays as it was. After that, the next run finishes or undoes the
/// commit.
pub fn publish(lake: &Layout, moves: Vec<Move>, removes: Vec<PathBuf>, manifest: &Manifest) -> Result<()> {
    let mut ground = Ground::of(lake);
    match decide(lake, &mut ground, moves, removes, manifest) {
        Ok(mut journal) => {
            lake.sync_parent(&lake.pending())?;
            carry_out(lake, &mut journal)
        }
        Err(error) => {
            ground.give_back();
            Err(error)
        }
    }
}

/// Everything that can go wrong goes wrong here, before the last line.
fn decide(
    lake: &Layout,
    ground: &mut Ground<'_>,
    mut moves: Vec<Move>,
    mut removes: Vec<PathBuf>,
    manifest: &Manifest,
) -> Result<Journal> {
    is_staged(lake, &moves, manifest)?;
    let staging = Layout::staging();
    let folder = lake.make_folder(&staging)?;
    let name = Manifest::file_name(manifest.sequence);
    let mut step = Move { from: staging.join(&name), to: Layout::manifests().join(&name) };
    manifest.write(&lake.resolve(&step.from))?;
    let written: HashSet<&PathBuf> = moves.iter().map(|step| &step.to).collect();
    removes.retain(|path| !written.contains(path));
    removes.iter().try_for_each(|path| ground.removal(path))?;
    if !removes.is_empty() {
        // Made now, while there is room for it.
        lake.make_folder(&Journal::gone_folder())?;
    }
    let exchanges = exchange::build(lake, &mut moves, &mut removes)?;
    let kept = keep(lake, &moves)?;
    bring(lake, ground, moves.iter_mut().chain([&mut step]).collect())?;
    // The names of all files in the list are durable before the list is.
    let folders: BTreeSet<_> = moves.iter().filter_map(|step| step.from.parent()).collect();
    folders.iter().try_for_each(|folder| lake.sync_folder(&lake.resolve(folder)))?;
    lake.sync_folder(&folder)?;
    let journal = Journal { adds: moves, exchanges, removes, manifest: step, kept, undo: false };
    debug_assert_eq!(journal.strange(), None, "the next run would refuse to finish it");
    journal.write(lake)?;
    Ok(journal)
}

/// Checks that staged files are what the manifest says. Files that this process wrote, hashed and synced need only have
/// the right size. Files that were converted elsewhere came over unknown networks and disks, so they are read whole.
fn is_staged(lake: &Layout, moves: &[Move], manifest: &Manifest) -> Result<()> {
    let parts = manifest.parts.iter().map(|part| (&part.path, part.bytes, &part.checksum));
    let partials = manifest.partials.iter().map(|partial| (&partial.path, partial.bytes, &partial.checksum));
    let tables = manifest.tables.iter().map(|table| (&table.path, table.bytes, &table.checksum));
    let known: HashMap<_, _> =
        parts.chain(partials).chain(tables).map(|(path, bytes, checksum)| (path, (bytes, checksum))).collect();
    for step in moves {
        let from = lake.resolve(&step.from);
        let found = local::facts(&from).map_err(Error::io("commit", &from))?;
        match known.get(&step.to) {
            Some((bytes, checksum)) if step.from.starts_with(Layout::units()) => checked(&from, *bytes, checksum)?,
            Some((bytes, _)) if found.size != *bytes => {
                let (expected, found) = (format!("{bytes} bytes"), format!("{} bytes", found.size));
                return Err(Error::FileDiffers { path: from, what: "size", expected, found });
            }
            _ => {}
        }
    }
    Ok(())
}

/// Gives second names to files that will be replaced, until the manifest says that they were. Returns whether all of them
/// have one.
fn keep(lake: &Layout, moves: &[Move]) -> Result<bool> {
    let folder = Layout::staging().join("kept");
    let (mut all, mut some) = (true, false);
    for (number, step) in moves.iter().enumerate() {
        let place = lake.resolve(&step.to);
        if !local::name_exists(&place) {
            continue;
        }
        if !some {
            lake.make_folder(&folder)?;
            some = true;
        }
        all &= local::link(&place, &lake.resolve(&Journal::kept(number))).is_ok();
    }
    if some {
        lake.sync_folder(&lake.resolve(&folder))?;
    }
    Ok(all)
}

/// Checks that each file can be put in its place. A file that is on another file system than its place is copied there,
/// so that only a rename is left to do for each.
fn bring(lake: &Layout, ground: &mut Ground<'_>, mut steps: Vec<&mut Move>) -> Result<()> {
    let mut mounts: HashMap<PathBuf, Mount> = HashMap::new();
    let mut abroad = Vec::new();
    for (place, step) in steps.iter().enumerate() {
        let there = ground.place(&step.to)?;
        let folder = step.from.parent().ok_or_else(|| bug!())?.to_path_buf();
        let path = lake.resolve(&folder);
        let here = match mounts.get(&folder) {
            Some(mount) => *mount,
            None => Mount::of(&path).map_err(Error::io("read", &path))?,
        };
        mounts.insert(folder, here);
        if here != there {
            abroad.push(place);
        }
    }
    if abroad.is_empty() {
        return Ok(());
    }
    let is_abroad: HashSet<_> = abroad.into_iter().collect();
    let steps = steps.iter_mut().enumerate().filter(|(place, _)| is_abroad.contains(place));
    let mut steps: Vec<_> = steps.map(|(_, step)| step).collect();
    let folders: BTreeSet<_> =
        steps.iter().filter_map(|step| step.to.parent().map(|folder| folder.join(BESIDE))).collect();
    Linked { folders: folders.iter().cloned().collect() }.write(lake)?;
    for step in &mut steps {
        step.from = copy_beside(lake, step)?;
    }
    folders.iter().try_for_each(|folder| lake.sync_folder(&lake.resolve(folder)))
}

/// Copies a staged file to where it can be renamed into its place. The copy is synced, but its name is not. Returns the
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
struct Linked {
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
    fn sweep(lake: &Layout) -> Result<()> {
        let text = local::read(&Self::path(lake)).unwrap_or_default();
        let beside: Self = serde_json::from_slice(&text).unwrap_or_default();
        let ours = beside.folders.iter().filter(|folder| is_below(folder, "") && folder.ends_with(BESIDE));
        ours.into_iter().try_for_each(|folder| sweep(&lake.resolve(folder)))
    }
}

/// Finishes a commit that was decided and not carried out, or undoes it if that is not possible. Then sweeps what dead
/// runs have staged.
///
/// # Errors
/// If the journal is not a journal, or leads out of the lake; if a commit can neither be finished nor undone.
pub fn recover(lake: &Layout) -> Result<()> {
    if let Some(mut journal) = Journal::read(lake)? {
        let carried_out = if journal.undo { Ok(()) } else { carry_out(lake, &mut journal) };
        match carried_out {
            Ok(()) if journal.undo => undo(lake, &mut journal)?,
            Ok(()) => {}
            Err(error) if journal.kept && !journal.is_published(lake) => {
                // The error to report is the first one, which was in the way.
                if undo(lake, &mut journal).is_err() {
                    return Err(error);
                }
                lake.note("undone", || {
                    format!("a commit that had been decided could not be carried out, and was undone; do again what it was of ({error})")
                });
            }
            Err(error) => return Err(error),
        }
    }
    sweep_staging(lake)
}

/// Removes what runs have staged, at the end of a run or the beginning of the next. Not while a commit is decided and not
/// carried out: then the staged files are part of it.
///
/// # Errors
/// If it cannot be removed.
pub fn sweep_staging(lake: &Layout) -> Result<()> {
    // If this cannot be told, a commit counts as decided.
    match local::facts_of_name(&lake.pending()) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Linked::sweep(lake)?;
            let draft = lake.pending_draft();
            match local::remove(&draft) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(Error::io("remove", &draft)(error));
                }
                _ => {}
            }
            sweep(&lake.resolve(&Layout::staging()))
        }
        _ => Ok(()),
    }
}

/// Removes a folder of staged files, if it exists.
///
/// # Errors
/// If it cannot be removed.
pub fn sweep(folder: &Path) -> Result<()> {
    match local::remove_tree(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Error::io("remove", folder)(error)),
        _ => Ok(()),
    }
}

//! A lake of a few captures, in which each part is the text of its capture, and the one table is the text of all of them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::config::{CHECKPOINT_AFTER, Settings};
use crate::error::{Error, Result};
use crate::hash::{ContentHash, checksum};
use crate::lake::bucket::Bucket;
use crate::lake::bucket::objects::Objects;
use crate::lake::committer::Move;
use crate::lake::layout::Layout;
use crate::lake::losses::Losses;
use crate::lake::manifest::Action;
use crate::lake::record::CommittedTable;
use crate::lake::snapshot::Snapshot;
use crate::lake::transaction::Transaction;
use crate::plan::{PartEntry, PartialEntry};
use crate::storage::local;
use crate::storage::objects::{ObjectAddress, Store};

use super::world::{Process, World};

const URL: &str = "s3://bucket/lake";
const DATE: &str = "packets/date=2024-03-11";
pub(super) const TABLE: &str = "summaries/captures/date=2024-03-11/captures.parquet";

/// Which captures something is done with.
type IsSuch = Box<dyn Fn(&str) -> bool>;

/// What a run does.
#[derive(Clone, Copy, Debug)]
pub(super) enum Change {
    /// Converts a capture, in place of what the lake has of it.
    Convert(&'static str, u32),
    /// Takes a capture out.
    Forget(&'static str),
    /// Makes one part of all, and one manifest.
    Compact,
}

/// What a lake holds after these changes.
pub(super) fn expected(changes: &[Change]) -> BTreeSet<String> {
    let mut captures = BTreeSet::new();
    for change in changes {
        match change {
            Change::Convert(capture, version) => {
                captures.retain(|other: &String| !other.starts_with(capture));
                captures.insert(format!("{capture}{version}"));
            }
            Change::Forget(capture) => captures.retain(|other| !other.starts_with(capture)),
            Change::Compact => {}
        }
    }
    captures
}

/// A world in which these changes were made, for any number of tries.
pub(super) fn world_after(changes: &[Change]) -> impl Fn() -> Arc<Mutex<World>> + use<> {
    world_with(changes, Settings::default(), CHECKPOINT_AFTER)
}

/// As [`world_after`]. Each commit makes a checkpoint.
pub(super) fn world_with_checkpoints(changes: &[Change]) -> impl Fn() -> Arc<Mutex<World>> + use<> {
    world_with(changes, Settings::default(), 0)
}

/// As [`world_after`]. The lake has a Delta log from its first commit on.
pub(super) fn world_with_log(changes: &[Change]) -> impl Fn() -> Arc<Mutex<World>> + use<> {
    world_with(changes, Settings { delta: true, ..Settings::default() }, CHECKPOINT_AFTER)
}

/// How long the lakes retain that retain what they remove, in milliseconds.
pub(super) const RETAIN: i64 = 3_600_000;

/// As [`world_with_log`]. The lake retains what it removes.
pub(super) fn world_that_retains(changes: &[Change]) -> impl Fn() -> Arc<Mutex<World>> + use<> {
    let settings = Settings { delta: true, retain_ms: Some(RETAIN.unsigned_abs()), ..Settings::default() };
    world_with(changes, settings, CHECKPOINT_AFTER)
}

fn world_with(changes: &[Change], settings: Settings, checkpoint_after: u64) -> impl Fn() -> Arc<Mutex<World>> + use<> {
    let world = Arc::default();
    for change in changes {
        let lake = lake(&Arc::new(Process::new(&world)));
        run_with(&lake, *change, settings.clone(), Path::new(TABLE), checkpoint_after).unwrap();
    }
    let world: World = world.lock().unwrap_or_else(PoisonError::into_inner).clone();
    move || Arc::new(Mutex::new(world.clone()))
}

/// The lake as one process has it.
pub(super) fn lake(process: &Arc<Process>) -> Layout {
    let address = ObjectAddress::of(Path::new(URL)).unwrap();
    let mut objects = Objects::new(Store::of(process.clone()), address);
    objects.patience = Duration::ZERO;
    Layout::in_bucket(Bucket::of(objects, Path::new(URL)).unwrap())
}

/// The captures in a part, by its name: `part-a1_b2-00000.parquet`.
fn captures_in(part: &Path) -> BTreeSet<String> {
    let name = part.file_name().unwrap().to_str().unwrap();
    name.split('-').nth(1).unwrap().split('_').map(str::to_owned).collect()
}

fn captures_of(snapshot: &Snapshot) -> BTreeSet<String> {
    snapshot.parts.keys().flat_map(|part| captures_in(part)).collect()
}

fn text_of(captures: &BTreeSet<String>) -> String {
    captures.iter().map(|capture| format!("{capture}\n")).collect()
}

fn sum(text: &str) -> String {
    let mut hash = ContentHash::default();
    hash.update(text.as_bytes());
    checksum(&hash)
}

fn stage(lake: &Layout, name: &str, text: &str) -> Result<PathBuf> {
    let staged = Layout::staging().join(name);
    let place = lake.make_room(&staged)?;
    local::write(&place, text.as_bytes()).map_err(Error::io("write", &place))?;
    Ok(staged)
}

/// One run. It begins as all do: by finishing what another one began.
pub(super) fn run(lake: &Layout, change: Change) -> Result<()> {
    run_with(lake, change, Settings::default(), Path::new(TABLE), CHECKPOINT_AFTER)
}

/// A run that makes a checkpoint.
pub(super) fn run_with_checkpoint(lake: &Layout, change: Change) -> Result<()> {
    run_with(lake, change, Settings::default(), Path::new(TABLE), 0)
}

/// A run that writes its table to a place, and a checkpoint if manifests have this many bytes.
pub(super) fn run_with(
    lake: &Layout,
    change: Change,
    settings: Settings,
    table: &Path,
    checkpoint_after: u64,
) -> Result<()> {
    lake.bucket().unwrap().recover()?;
    // Only one that is read whole can be written as one manifest.
    let snapshot = if matches!(change, Change::Compact) { Snapshot::read(lake)? } else { Snapshot::begin(lake)? };
    Losses::find(lake, &snapshot)?;
    let action = match change {
        Change::Convert(..) => Action::Convert,
        Change::Forget(_) => Action::Forget,
        Change::Compact => Action::Compact,
    };
    let mut transaction = Transaction::new(&snapshot, action, settings);
    (transaction.checkpoint_after, transaction.is_read_again) = (checkpoint_after, true);
    let (goes, comes): (IsSuch, BTreeSet<String>) = match change {
        Change::Convert(capture, version) => {
            (Box::new(move |other| other.starts_with(capture)), [format!("{capture}{version}")].into())
        }
        Change::Forget(capture) => (Box::new(move |other| other.starts_with(capture)), BTreeSet::new()),
        Change::Compact => (Box::new(|_| true), captures_of(&snapshot)),
    };
    let mut units = Vec::from_iter((!comes.is_empty()).then_some(comes));
    for (path, part) in &snapshot.parts {
        let held = captures_in(path);
        let left: BTreeSet<String> = held.iter().filter(|capture| !goes(capture)).cloned().collect();
        if left.len() < held.len() {
            transaction.remove_part(part);
            units.extend((!left.is_empty()).then_some(left));
        }
    }
    for partial in snapshot.partials.values() {
        if partial.unit.split('_').any(&goes) {
            transaction.remove_partial(&partial.path);
        }
    }
    for captures in units {
        let unit = captures.iter().cloned().collect::<Vec<_>>().join("_");
        let text = text_of(&captures);
        let path = Path::new(DATE).join(format!("part-{unit}-00000.parquet"));
        let (bytes, checksum) = (text.len() as u64, sum(&text));
        let staged = stage(lake, &format!("{unit}.parquet"), &text)?;
        let part = PartEntry {
            staged,
            path,
            rows: 1,
            bytes,
            checksum: checksum.clone(),
            ranges: Vec::new(),
            held: None,
            stats: None,
        };
        transaction.add_part(&unit, &part, &[])?;
        let staged = stage(lake, &format!("{unit}.arrow"), &text)?;
        let path = Layout::partial_path(&unit);
        let partial = PartialEntry { staged, path, bytes, checksum, days: [].into() };
        transaction.add_partial(&unit, &partial, Vec::new())?;
    }
    let mut after = snapshot.clone();
    after.add(transaction.manifest.clone());
    let text = text_of(&captures_of(&after));
    let from = stage(lake, "table.parquet", &text)?;
    let path = table.to_path_buf();
    if snapshot.tables.contains_key(&Layout::earlier_captures()) {
        transaction.remove_table(&Layout::earlier_captures());
    }
    let table = CommittedTable { path: path.clone(), rows: 1, bytes: text.len() as u64, checksum: sum(&text) };
    transaction.add_table((Move { from, to: path }, table));
    let mut after = snapshot;
    if matches!(change, Change::Compact) {
        transaction.replace_manifests(lake.manifest_files()?);
    }
    after.add(transaction.manifest.clone());
    transaction.publish(lake, &mut after)?;
    assert_eq!(lake.delta_lacks(), None);
    Ok(())
}

/// What readers of the Delta log see: the files of the table, and which commits of the lake made it.
fn replayed(world: &World) -> (BTreeSet<String>, Vec<u64>) {
    let (mut live, mut commits) = (BTreeSet::new(), Vec::new());
    for (version, key) in world.keys_below("lake/_delta_log/").iter().enumerate() {
        assert_eq!(*key, format!("lake/_delta_log/{version:020}.json"));
        for line in world.text(key).unwrap().lines() {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            let path = |action: &str| line[action]["path"].as_str().map(|path| format!("lake/{path}"));
            path("remove").iter().for_each(|path| assert!(live.remove(path), "{path}"));
            path("add").into_iter().for_each(|path| assert!(live.insert(path)));
            commits.extend(line["txn"]["version"].as_u64());
        }
    }
    (live, commits)
}

/// What the lake holds once the next run has begun. Checks all that must hold of it: nothing is left to do, numbers have no
/// gaps, files are those of the manifests with the bytes that they say, and the table is that of the parts.
pub(super) fn captures(world: &Arc<Mutex<World>>) -> BTreeSet<String> {
    captures_and(world, true)
}

/// As [`captures`]. The bytes of the table are not looked at where a completion may come after a later one: files that are
/// replaced in their place cannot be protected from that.
pub(super) fn captures_beside_the_table(world: &Arc<Mutex<World>>) -> BTreeSet<String> {
    captures_and(world, false)
}

fn captures_and(world: &Arc<Mutex<World>>, is_table_right: bool) -> BTreeSet<String> {
    let lake = lake(&Arc::new(Process::new(world)));
    lake.bucket().unwrap().recover().unwrap();
    let snapshot = Snapshot::read(&lake).unwrap();
    assert!(!lake.is_pending().unwrap(), "nothing is left to do");
    let lost = Losses::find(&lake, &snapshot).unwrap();
    let lost: Vec<_> = lost.iter().filter(|(path, _)| is_table_right || *path != Path::new(TABLE)).collect();
    assert_eq!(lost, []);
    let world = world.lock().unwrap_or_else(PoisonError::into_inner);
    let mut numbers: Vec<u64> = Vec::new();
    for key in world.keys_below("lake/_parcap/manifest/") {
        numbers.push(key.rsplit('/').next().unwrap().trim_end_matches(".json").parse().unwrap());
        assert!(!world.text(&key).unwrap().contains("\"pending\""), "{key}");
    }
    assert!(numbers.windows(2).all(|pair| pair[1] == pair[0] + 1), "{numbers:?}");
    let named: Vec<String> = snapshot.parts.keys().map(|path| format!("lake/{}", path.display())).collect();
    let retained = snapshot.retained.keys().map(|path| format!("lake/{}", path.display()));
    let mut there: Vec<String> = named.iter().cloned().chain(retained).collect();
    there.sort();
    assert_eq!(world.keys_below("lake/packets/"), there);
    for (path, part) in &snapshot.parts {
        let text = world.text(&format!("lake/{}", path.display())).unwrap();
        assert_eq!((text.clone(), sum(&text)), (text_of(&captures_in(path)), part.checksum.clone()), "{path:?}");
    }
    for (path, partial) in &snapshot.partials {
        let text = world.text(&format!("lake/{}", path.display())).unwrap();
        assert_eq!(sum(&text), partial.checksum, "{path:?}");
    }
    if snapshot.delta.is_some() {
        let (live, commits) = replayed(&world);
        assert_eq!(live.into_iter().collect::<Vec<_>>(), named, "the log is the lake");
        assert_eq!(commits.last(), Some(&snapshot.last_change));
        assert!(commits.windows(2).all(|pair| pair[0] < pair[1]), "each commit is in it once: {commits:?}");
    }
    let captures = captures_of(&snapshot);
    if let Some(table) = snapshot.tables.get(Path::new(TABLE)).filter(|_| is_table_right) {
        let text = world.text(&format!("lake/{TABLE}")).unwrap();
        assert_eq!(
            (text.clone(), sum(&text)),
            (text_of(&captures), table.checksum.clone()),
            "the table is of the parts"
        );
    }
    captures
}

impl Snapshot {
    /// The files of the last checkpoint.
    pub(super) fn checkpoint_files(&self) -> impl Iterator<Item = &CommittedTable> {
        self.checkpoint.iter().flat_map(|(_, checkpoint)| checkpoint.files())
    }
}

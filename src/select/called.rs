//! Finds the captures of a lake that the user means, by absolute paths of files and folders, in one pass over the
//! captures.
//!
//! The same name in another folder is another capture. Where a name may mean something more, the choices are named and
//! the user decides.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Component, Path, PathBuf};

use crate::error::{Result, Unheld};
use crate::lake::{CaptureBrief, CaptureVisitor, InputEntry, Snapshot};
use crate::path_text::printable;
use crate::storage::objects::is_object;
use crate::storage::{absolute, true_name};

/// How many of the captures that a name may mean are listed.
const LISTED: usize = 20;
/// Begins the name of a capture from standard input. There may be several; the beginning of the fingerprint follows.
const STREAM: &str = "stdin:";

/// What the given names mean in a lake.
#[derive(Debug, Default)]
pub(crate) struct Called {
    /// Captures, by number.
    pub(crate) captures: BTreeSet<usize>,
    /// Files that are known to be no captures, by absolute path.
    pub(crate) refused: Vec<PathBuf>,
}

/// Everything in a lake.
///
/// # Errors
/// If its checkpoint cannot be read.
pub(crate) fn of_all(snapshot: &Snapshot) -> Result<Called> {
    let mut all = AllNumbers(BTreeSet::new());
    snapshot.visit_captures(&mut all)?;
    Ok(Called { captures: all.0, refused: snapshot.quarantine.keys().cloned().collect() })
}

/// The numbers of all captures.
struct AllNumbers(BTreeSet<usize>);

impl CaptureVisitor for AllNumbers {
    fn asks_what_was_found(&self) -> bool {
        false
    }

    fn meet(&mut self, brief: &CaptureBrief<'_>) -> Result<bool> {
        self.0.insert(brief.id);
        Ok(false)
    }

    fn take(&mut self, _: &InputEntry) -> Result<()> {
        Ok(())
    }
}

impl Called {
    /// The captures and files at these paths or below them. Names that are none of these are looked for among all captures: of a lake
    /// with a base, the outer result is `None` then.
    ///
    /// # Errors
    /// If the checkpoint cannot be read. The inner one is of the names that match nothing in the lake, or more than one thing.
    pub(crate) fn of(named: &[PathBuf], snapshot: &Snapshot) -> Result<Option<std::result::Result<Self, Vec<Unheld>>>> {
        let places = NamePlaces::of(named.iter().map(|name| vec![true_name(name), plain(name)]));
        let mut found = vec![false; named.len()];
        let mut called = Self::default();
        snapshot.each_file(|id, absolute, _| {
            if places.note(absolute, &mut found) {
                called.captures.insert(id);
            }
        })?;
        for path in snapshot.quarantine.keys() {
            if places.note(path, &mut found) {
                called.refused.push(path.clone());
            }
        }
        let left: Vec<_> = named.iter().zip(&found).filter(|(_, found)| !**found).map(|(name, _)| name).collect();
        let is_known = left.is_empty() || !snapshot.has_base();
        Ok(is_known.then(|| called.and_others(named, left, snapshot)))
    }

    /// Adds what names mean that are no path of a capture.
    fn and_others(
        self,
        named: &[PathBuf],
        mut left: Vec<&PathBuf>,
        snapshot: &Snapshot,
    ) -> std::result::Result<Self, Vec<Unheld>> {
        let mut called = self;
        let mut unheld = Vec::new();
        if !left.is_empty() {
            called.find_by_old_names(&mut left, snapshot, &mut unheld);
            called.find_streams(&mut left, snapshot, &mut unheld);
        }
        if !left.is_empty() {
            unheld.extend(elsewhere(&left, snapshot));
        }
        // In the order in which they were given.
        if unheld.len() > 1 {
            let places: HashMap<_, _> =
                named.iter().rev().zip(0..).map(|(name, place)| (printable(name), place)).collect();
            unheld.sort_by_key(|unheld| std::cmp::Reverse(places.get(&unheld.name).copied()));
        }
        if unheld.is_empty() { Ok(called) } else { Err(unheld) }
    }

    /// Finds captures by the absolute paths under which they were converted. A link on such a path may be gone, or lead
    /// elsewhere by now.
    fn find_by_old_names(&mut self, left: &mut Vec<&PathBuf>, snapshot: &Snapshot, unheld: &mut Vec<Unheld>) {
        let places = NamePlaces::of(left.iter().map(|name| vec![plain(name)]));
        // By name and old path, because two captures may have had the same path.
        let mut found: Vec<BTreeMap<&Path, Vec<&InputEntry>>> = vec![BTreeMap::new(); left.len()];
        for entry in snapshot.inputs.values().filter(|entry| entry.input.path.is_absolute()) {
            for name in places.above(&entry.input.path) {
                let by_path = found.get_mut(name).map(|found| found.entry(&entry.input.path).or_default());
                by_path.into_iter().for_each(|entries| entries.push(entry));
            }
        }
        let mut still = Vec::new();
        for (name, by_path) in left.drain(..).zip(found) {
            let several: Vec<_> = by_path.values().filter(|entries| entries.len() > 1).flatten().collect();
            if by_path.is_empty() {
                still.push(name);
            } else if several.is_empty() {
                self.captures.extend(by_path.values().flatten().map(|entry| entry.id));
            } else {
                let instead = several.iter().map(|entry| printable(&entry.input.absolute)).collect();
                unheld.push(listed(name, "holds several captures that were called so", instead));
            }
        }
        *left = still;
    }

    /// Finds captures from standard input: `-` if there is one, `stdin:` and the beginning of its fingerprint if there
    /// are several.
    fn find_streams(&mut self, left: &mut Vec<&PathBuf>, snapshot: &Snapshot, unheld: &mut Vec<Unheld>) {
        let streams: Vec<_> = snapshot.inputs.values().filter(|entry| entry.input.is_stdin()).collect();
        left.retain(|name| {
            let text = name.to_string_lossy();
            let Some(known) = text.strip_prefix(STREAM).or((text == "-").then_some("")) else { return true };
            let meant = streams.iter().filter(|entry| digits(entry).unwrap_or_default().starts_with(known));
            let meant: Vec<_> = meant.collect();
            match meant.as_slice() {
                [] => return true,
                [entry] => self.captures.extend([entry.id]),
                several => {
                    let instead = several.iter().map(|entry| {
                        format!("{STREAM}{} ({} rows)", digits(entry).unwrap_or_default(), entry.found.rows)
                    });
                    let instead = instead.collect();
                    unheld.push(listed(name, "holds several captures from standard input", instead));
                }
            }
            false
        });
    }
}

/// The digits of a fingerprint, without the prefix that says how it was made.
fn digits(entry: &InputEntry) -> Option<&str> {
    let fingerprint = entry.input.fingerprint.as_deref()?;
    Some(fingerprint.rsplit_once(':').map_or(fingerprint, |(_, digits)| digits))
}

/// What to say about names that match nothing in the lake. A relative name may mean captures in other folders.
fn elsewhere(left: &[&PathBuf], snapshot: &Snapshot) -> Vec<Unheld> {
    let relative = |name: &Path| {
        let parts = name.components().filter(|part| *part != Component::CurDir);
        if name.is_relative() { parts.collect() } else { PathBuf::new() }
    };
    let places = NamePlaces::of(left.iter().map(|name| vec![relative(name)]));
    let mut found: Vec<BTreeSet<&Path>> = vec![BTreeSet::new(); left.len()];
    for entry in snapshot.inputs.values().filter(|entry| !entry.input.is_stdin()) {
        let absolute = entry.input.absolute.as_path();
        let mut tail = absolute.components();
        let mut names = places.above(&entry.input.path);
        while tail.next().is_some() {
            names.extend(places.names.get(tail.as_path()).into_iter().flatten());
        }
        for name in names {
            found.get_mut(name).into_iter().for_each(|found| found.extend([absolute]));
        }
    }
    let said = left.iter().zip(found).map(|(name, found)| {
        let why = if found.is_empty() { "holds nothing of it" } else { "holds nothing of it here, but elsewhere" };
        listed(name, why, found.into_iter().map(printable).collect())
    });
    said.collect()
}

fn listed(name: &Path, why: &'static str, mut instead: Vec<String>) -> Unheld {
    let more = instead.len().saturating_sub(LISTED);
    instead.truncate(LISTED);
    if more > 0 {
        instead.push(format!("and {more} more"));
    }
    Unheld { name: printable(name), why, instead }
}

/// Names by the paths that they mean.
struct NamePlaces {
    names: HashMap<PathBuf, Vec<usize>>,
}

impl NamePlaces {
    fn of(paths: impl Iterator<Item = Vec<PathBuf>>) -> Self {
        let mut names: HashMap<PathBuf, Vec<usize>> = HashMap::new();
        for (name, paths) in paths.enumerate() {
            for path in paths.into_iter().filter(|path| !path.as_os_str().is_empty()) {
                names.entry(path).or_default().push(name);
            }
        }
        Self { names }
    }

    /// The names of a path, and of the folders above it.
    fn above(&self, path: &Path) -> Vec<usize> {
        path.ancestors().filter_map(|path| self.names.get(path)).flatten().copied().collect()
    }

    /// Marks these names as found, if there is one.
    fn note(&self, path: &Path, found: &mut [bool]) -> bool {
        let names = self.above(path);
        names.iter().for_each(|name| found.get_mut(*name).into_iter().for_each(|found| *found = true));
        !names.is_empty()
    }
}

/// The absolute path as it is written: a file that no longer exists has no links that could be followed.
fn plain(name: &Path) -> PathBuf {
    let absolute = absolute(name);
    if is_object(&absolute) {
        return absolute;
    }
    let mut plain = PathBuf::new();
    for part in absolute.components() {
        match part {
            Component::ParentDir => drop(plain.pop()),
            part => plain.push(part),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_path_has_no_way_back_in_it() {
        for (name, path) in [("/a/./b/../c", "/a/c"), ("/../a", "/a"), ("/a/b/", "/a/b")] {
            assert_eq!(plain(Path::new(name)), Path::new(path), "{name}");
        }
        assert!(plain(Path::new("a")).is_absolute());
    }
}

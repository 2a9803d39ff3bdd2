//! Which captures are the same, or go on from one another, whatever they are called and however they are packed.
//!
//! Two captures are compared only if they have the same fingerprint, or begin with the same record. Then:
//!
//! - the same file at another path, with the same time of modification, or with the same bytes from the first record to the
//!   last: it is the same capture, moved if nothing (or something else) is where it was, and a copy if it is still there;
//! - one begins with all that the lake holds of the other, and goes on: it takes its place, if the other was being written,
//!   was cut, or is not where it was;
//! - one is cut, and another one begins as it does and is longer: it is on its way to become that one, and left out.
//!
//! Always: what is said rests on the bytes of all records, never on samples.

use std::collections::{HashMap, HashSet};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use crate::discover::{Candidate, Input};
use crate::error::Result;
use crate::lake::{FileStamp, InputEntry, Snapshot};

use super::same_content::{Look, Scan, is_same_file, is_whole};
use super::selection::is_same_content;

/// What a capture is to those that are known.
#[derive(Debug)]
pub(super) enum Kin<'a> {
    /// The lake holds it under another name, where it is not any more.
    Moved(&'a InputEntry),
    /// Another one has the same content.
    Copy(Double),
    /// It is another name of the same file.
    SameFile(Double),
    /// It is cut, and another one begins as it does and has more.
    Beginning(Double),
    /// Nothing to any of them.
    Stranger,
}

/// The capture that stands for another one.
#[derive(Clone, Debug)]
pub(super) struct Double {
    /// As it was named, or met.
    pub(super) path: PathBuf,
    /// Its absolute path.
    pub(super) absolute: PathBuf,
}

impl Double {
    fn of(input: &Input) -> Self {
        Self { path: input.path.clone(), absolute: input.absolute.clone() }
    }
}

/// How a capture compares with one that the lake holds.
enum Relation {
    Same,
    /// It has all of the other's records, and more.
    Longer,
    /// It is cut, and the other one begins as it does.
    Shorter,
    Other,
    /// The same fingerprint, and nobody knows more.
    PerhapsSame,
}

/// A capture, and those of the lake whose place it takes.
#[derive(Debug)]
pub(super) struct Match<'a> {
    pub(super) kin: Kin<'a>,
    /// Captures that go on in it.
    pub(super) goes_on_from: Vec<usize>,
    /// Captures that it may be, if it gives the same packets: an earlier version kept only their fingerprints.
    pub(super) may_be: Vec<usize>,
}

/// Captures by what is known of them.
pub(super) struct ContentIndex<'a> {
    held: &'a Snapshot,
    look: Look<'a>,
    by_fingerprint: HashMap<&'a str, Vec<&'a InputEntry>>,
    by_head: HashMap<&'a str, Vec<&'a InputEntry>>,
    /// Captures of the lake that were met at their path tonight, and whether they are as they were, or go on there.
    met: HashMap<usize, bool>,
    /// The others that were asked about.
    is_there: HashMap<usize, bool>,
    /// Captures of the lake that have been found under another name.
    pub(super) found: HashSet<usize>,
    /// Captures that were opened tonight, by their heads.
    tonight: HashMap<String, Vec<Input>>,
    scans: HashMap<PathBuf, Scan>,
}

impl<'a> ContentIndex<'a> {
    /// `opened` are the captures of tonight that are not as they were, `met` those of the lake that were met.
    pub(super) fn new<'i>(
        held: &'a Snapshot,
        look: Look<'a>,
        opened: impl Iterator<Item = &'i Input> + Clone,
        met: HashMap<usize, bool>,
    ) -> Self {
        let mut known = Self {
            held,
            look,
            by_fingerprint: HashMap::new(),
            by_head: HashMap::new(),
            met,
            is_there: HashMap::new(),
            found: HashSet::new(),
            tonight: HashMap::new(),
            scans: HashMap::new(),
        };
        let fingerprints: HashSet<&str> = opened.clone().filter_map(|input| input.fingerprint.as_deref()).collect();
        let heads: HashSet<&str> = opened.clone().filter_map(|input| input.head.as_deref()).collect();
        for entry in held.inputs.values().map(AsRef::as_ref) {
            // Those without packets are all alike.
            if entry.same_as.is_some() || entry.input.is_stdin() || entry.found.records == 0 {
                continue;
            }
            if let Some(known_by) = entry.input.fingerprint.as_deref().filter(|it| fingerprints.contains(it)) {
                known.by_fingerprint.entry(known_by).or_default().push(entry);
            }
            if let Some(head) = entry.input.head.as_deref().filter(|it| heads.contains(it)) {
                known.by_head.entry(head).or_default().push(entry);
            }
        }
        opened.for_each(|input| known.add(input));
        known
    }

    /// Adds a capture of tonight.
    pub(super) fn add(&mut self, input: &Input) {
        if let Some(head) = &input.head {
            self.tonight.entry(head.clone()).or_default().push(input.clone());
        }
    }

    /// What a capture is; `own` is what the lake holds under its path. One that it holds under another name is found once.
    ///
    /// # Errors
    /// If a signal has arrived.
    pub(super) fn find(&mut self, input: &Input, own: Option<&InputEntry>) -> Result<Match<'a>> {
        let mut found = Match { kin: Kin::Stranger, goes_on_from: Vec::new(), may_be: Vec::new() };
        if input.head.is_none() {
            return Ok(found);
        }
        // One that is looked at again where it is has not come from anywhere.
        let is_at_home = own.is_some_and(|own| is_same_content(&own.input, input));
        let (mut moved, mut double): (Vec<&InputEntry>, _) = (Vec::new(), None);
        for entry in self.candidates(input) {
            let is_there = self.is_there(entry, input);
            match self.relation(input, entry)? {
                Relation::Same if !is_there && (is_at_home || self.found.contains(&entry.id)) => {}
                Relation::Same if !is_there => moved.push(entry),
                Relation::Same => {
                    let of_it = Double::of(&entry.input);
                    let is_same_file = is_same_file(input, &entry.input);
                    double.get_or_insert(if is_same_file { Kin::SameFile(of_it) } else { Kin::Copy(of_it) });
                }
                Relation::Longer if !is_there || !is_whole(entry) => found.goes_on_from.push(entry.id),
                Relation::Shorter => drop(double.get_or_insert(Kin::Beginning(Double::of(&entry.input)))),
                Relation::PerhapsSame if !is_there => found.may_be.push(entry.id),
                _ => {}
            }
        }
        found.may_be.extend(self.packed_otherwise(input).map(|entry| entry.id));
        // Where another one took its place, that one replaces it; where nothing is, it can only have been moved.
        let gone = |entry: &&InputEntry| entry.input.absolute.symlink_metadata().is_ok();
        let moved = moved.into_iter().min_by_key(|entry| (gone(entry), entry.id));
        // One that is cut is first of all on its way to become another one.
        if !matches!(double, Some(Kin::Beginning(_))) && moved.is_none_or(|entry| !is_whole(entry)) {
            match self.of_tonight(input)? {
                Kin::Stranger => {}
                kin @ Kin::Beginning(_) => double = Some(kin),
                kin => drop(double.get_or_insert(kin)),
            }
        }
        found.kin = match (moved, double) {
            (Some(_), Some(kin @ Kin::Beginning(_))) | (None, Some(kin)) => kin,
            (Some(entry), _) => {
                self.found.insert(entry.id);
                Kin::Moved(entry)
            }
            (None, None) => Kin::Stranger,
        };
        // What was to be found in it is in its double.
        if matches!(found.kin, Kin::Beginning(_)) {
            found.goes_on_from.extend(moved.map(|entry| entry.id));
        }
        Ok(found)
    }

    /// Whether a capture of the lake was met at its path tonight, as it was or longer.
    pub(super) fn is_at_home(&self, entry: &InputEntry) -> bool {
        self.met.get(&entry.id) == Some(&true)
    }

    /// What a capture holds; it is read once.
    ///
    /// # Errors
    /// If a signal has arrived.
    pub(super) fn scan(&mut self, input: &Input) -> Result<Scan> {
        if let Some(scan) = self.scans.get(&input.absolute) {
            return Ok(scan.clone());
        }
        let scan = self.look.scan(input)?;
        self.scans.insert(input.absolute.clone(), scan.clone());
        Ok(scan)
    }

    /// Captures of the lake at other paths that may be the same, or the beginning of it.
    fn candidates(&self, input: &Input) -> Vec<&'a InputEntry> {
        let by_fingerprint = input.fingerprint.as_deref().and_then(|known_by| self.by_fingerprint.get(known_by));
        let by_head = input.head.as_deref().and_then(|head| self.by_head.get(head));
        let mut entries: Vec<_> = by_fingerprint.into_iter().chain(by_head).flatten().copied().collect();
        entries.retain(|entry| entry.input.absolute != input.absolute);
        entries.sort_by_key(|entry| entry.id);
        entries.dedup_by_key(|entry| entry.id);
        entries
    }

    fn relation(&mut self, input: &Input, entry: &InputEntry) -> Result<Relation> {
        let is_alike = is_same_content(&entry.input, input);
        if is_alike && entry.input.modified == input.modified {
            return Ok(Relation::Same);
        }
        let Some(content) = &entry.found.content else {
            return Ok(if is_alike { Relation::PerhapsSame } else { Relation::Other });
        };
        if input.head != entry.input.head {
            return Ok(Relation::Other);
        }
        let scan = self.scan(input)?;
        if scan.end() < content.end() {
            // What the lake knows of it is one hash of more; only the file itself tells.
            let begins_so = scan.is_cut()
                && is_as_it_was(entry)
                && scan.content.as_ref().map_or(Ok(false), |of_it| self.look.begins_with(&entry.input, of_it))?;
            return Ok(if begins_so { Relation::Shorter } else { Relation::Other });
        }
        if !self.look.begins_with(input, content)? {
            return Ok(Relation::Other);
        }
        Ok(match (scan.end() > content.end(), scan.is_whole(), is_whole(entry)) {
            (true, ..) | (false, true, false) => Relation::Longer,
            (false, false, true) if scan.is_cut() => Relation::Shorter,
            (false, false, true) => Relation::Other,
            _ => Relation::Same,
        })
    }

    /// Whether a capture of the lake is still where it was, and as it was. A link that leads to a copy by now has moved it.
    fn is_there(&mut self, entry: &InputEntry, input: &Input) -> bool {
        if let Some(is_there) = self.met.get(&entry.id) {
            return *is_there;
        }
        let is_reached = entry
            .input
            .reached
            .as_deref()
            .or(Some(&entry.input.path).filter(|path| path.is_absolute()).map(PathBuf::as_path));
        if input.reached.is_some() && input.reached.as_deref() == is_reached {
            return false;
        }
        *self.is_there.entry(entry.id).or_insert_with(|| is_as_it_was(entry))
    }

    /// What a capture is to the others that were opened tonight.
    fn of_tonight(&mut self, input: &Input) -> Result<Kin<'a>> {
        let others = input.head.as_ref().and_then(|head| self.tonight.get(head)).cloned().unwrap_or_default();
        if others.len() < 2 {
            return Ok(Kin::Stranger);
        }
        let scan = self.scan(input)?;
        let mut longest: Option<(Scan, &Input)> = None;
        for other in &others {
            let of_other = self.scan(other)?;
            let is_longer = |held: &Scan| (of_other.end(), of_other.is_whole()) > (held.end(), held.is_whole());
            if longest.as_ref().is_none_or(|(held, _)| is_longer(held)) {
                longest = Some((of_other, other));
            }
        }
        if let (true, Some((other, of_it)), Some(content)) = (scan.is_cut(), longest, &scan.content)
            && (other.end(), other.is_whole()) > (scan.end(), false)
            && self.look.begins_with(of_it, content)?
        {
            return Ok(Kin::Beginning(Double::of(of_it)));
        }
        for earlier in others.iter().take_while(|other| other.absolute != input.absolute) {
            let other = self.scan(earlier)?;
            if other.content.is_some() && (&other.content, other.is_whole()) == (&scan.content, scan.is_whole()) {
                let of_it = Double::of(earlier);
                return Ok(if is_same_file(input, earlier) { Kin::SameFile(of_it) } else { Kin::Copy(of_it) });
            }
        }
        Ok(Kin::Stranger)
    }

    /// A capture that an earlier version converted, is gone, and has the same name as this one but for a suffix of
    /// compression.
    fn packed_otherwise(&self, input: &Input) -> Option<&'a InputEntry> {
        let plain = without_packing(&input.absolute);
        let names = std::iter::once(plain.clone()).chain(PACKINGS.map(|suffix| with_suffix(&plain, suffix)));
        let entries = names.filter(|name| *name != input.absolute).filter_map(|name| self.held.input_at(&name));
        let mut gone = entries.filter(|entry| entry.input.absolute.symlink_metadata().is_err());
        gone.find(|entry| entry.found.content.is_none() && entry.input.compression != input.compression)
    }
}

/// Whether a file has the size and time that it had when it was converted.
fn is_as_it_was(entry: &InputEntry) -> bool {
    Candidate::of(&entry.input.absolute, true)
        .is_ok_and(|now| super::selection::same(&FileStamp::of_input(&entry.input), &now))
}

/// Suffixes of compressed captures.
const PACKINGS: [&str; 6] = [".gz", ".zst", ".zstd", ".xz", ".bz2", ".lz4"];

fn without_packing(path: &Path) -> PathBuf {
    let bytes = path.as_os_str().as_bytes();
    let plain = PACKINGS.iter().find_map(|suffix| bytes.strip_suffix(suffix.as_bytes()));
    plain.map_or_else(|| path.to_path_buf(), |plain| PathBuf::from(OsStr::from_bytes(plain)))
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

//! Which captures are the same, or continue one another, whatever they are called and however they are compressed.
//!
//! Two captures are compared only if they have the same fingerprint, or begin with the same record. What a run does with
//! a capture follows from its [`Relation`] to a capture of the lake at another path, and from whether that one is there:
//! at its path, unchanged or longer.
//!
//! | relation | the lake's capture | the run | its report |
//! |---|---|---|---|
//! | `Same` | not there | notes the new path, converts nothing | `renamed` |
//! | `Same` | there, and the same file | leaves the capture out | `duplicates`, left out |
//! | `Same` | there, another file | converts it; with `dedupe`, leaves it out if its path is new | `duplicates` |
//! | `Longer` | not there, damaged or being written | converts it; then the rows of the other go | `renamed` |
//! | `Longer` | there and whole | converts it | |
//! | `Shorter` | there | leaves it out | `duplicates`, left out, a beginning |
//! | `PerhapsSame` | not there | converts it; rows of the other go if packets are the same, and its path is new | `renamed` |
//! | `PerhapsSame` | there | converts it | |
//! | `Other` | either | converts it | |
//!
//! Of several relations, a beginning goes before a new name, and that before a copy. A capture of the lake gets one new
//! name, but none from a capture that is the same as the one the lake has at its path. It is converted if it has to be
//! read again. Captures of one run compare as if each was there, whole ones with earlier ones, cut ones with the longest.
//!
//! Always: the answer rests on the bytes of all records, never on samples.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;

use crate::discover::{Candidate, Input};
use crate::error::Result;
use crate::lake::{FileStamp, InputEntry, Snapshot};
use crate::storage::may_exist;

use super::packed_names::packed_names;
use super::same_content::{Look, ReadContent, is_same_file, is_whole};
use super::selection::is_same_content;

/// How a capture relates to the captures that are known.
#[derive(Debug)]
pub(super) enum Kin<'a> {
    /// The lake has it under another name, where it no longer is.
    Renamed(&'a InputEntry),
    /// Another one has the same content.
    Copy(Double),
    /// It is another name of the same file.
    SameFile(Double),
    /// It is cut, and another one begins as it does and has more.
    Beginning(Double),
    /// It is related to none of them.
    Stranger,
}

/// The capture that stands for another one.
#[derive(Clone, Debug)]
pub(super) struct Double {
    /// The path as it was given, or found.
    pub(super) path: PathBuf,
    /// Its absolute path.
    pub(super) absolute: PathBuf,
}

impl Double {
    fn of(input: &Input) -> Self {
        Self { path: input.path.clone(), absolute: input.absolute.clone() }
    }
}

/// How a capture compares with a capture of the lake.
enum Relation {
    Same,
    /// It has all records of the other, and more. Or it is cut after them, and the other is not there: it may get more.
    Longer,
    /// It is cut, and the other, which is there, begins as it does.
    Shorter,
    Other,
    /// The fingerprints are equal, and nothing more is known.
    PerhapsSame,
}

/// A capture's relation, and the captures of the lake whose place it takes.
#[derive(Debug)]
pub(super) struct Match<'a> {
    pub(super) kin: Kin<'a>,
    /// Captures that it continues.
    pub(super) goes_on_from: Vec<usize>,
    /// Captures that it may be, if it gives the same packets: an earlier version kept only their fingerprints.
    pub(super) may_be: Vec<usize>,
}

/// Captures by what is known about them.
pub(super) struct ContentIndex<'a> {
    snapshot: &'a Snapshot,
    look: Look<'a>,
    by_fingerprint: HashMap<&'a str, Vec<&'a InputEntry>>,
    by_head: HashMap<&'a str, Vec<&'a InputEntry>>,
    /// Captures of the lake at whose path this run found a capture. `true`: the same one, unchanged or with more packets.
    /// `false`: another one. A path where nothing was found is not in here.
    met: HashMap<usize, bool>,
    /// Other captures of the lake that were looked for, and whether they are at their path.
    is_there: HashMap<usize, bool>,
    /// Captures of the lake that have been found under another name.
    pub(super) found: HashSet<usize>,
    /// Captures whose rows this run removes. None is found in them, and they are found nowhere.
    pub(super) removed: HashSet<usize>,
    /// Captures that this run has opened, by their heads.
    of_this_run: HashMap<String, Vec<Input>>,
    scans: HashMap<PathBuf, ReadContent>,
}

impl<'a> ContentIndex<'a> {
    /// `opened` are the captures of this run that are not unchanged. `met` are the captures of the lake that were found.
    pub(super) fn new<'i>(
        snapshot: &'a Snapshot,
        look: Look<'a>,
        opened: impl Iterator<Item = &'i Input> + Clone,
        met: HashMap<usize, bool>,
    ) -> Self {
        let mut known = Self {
            snapshot,
            look,
            by_fingerprint: HashMap::new(),
            by_head: HashMap::new(),
            met,
            is_there: HashMap::new(),
            found: HashSet::new(),
            removed: HashSet::new(),
            of_this_run: HashMap::new(),
            scans: HashMap::new(),
        };
        known.open(opened);
        known
    }

    /// Takes in captures that this run has opened, and what the lake has that may be like them.
    pub(super) fn open<'i>(&mut self, opened: impl Iterator<Item = &'i Input> + Clone) {
        let known_by = opened.clone().filter_map(|input| input.fingerprint.as_deref());
        let fingerprints: HashSet<&str> = known_by.filter(|it| !self.by_fingerprint.contains_key(it)).collect();
        let heads = opened.clone().filter_map(|input| input.head.as_deref());
        let heads: HashSet<&str> = heads.filter(|it| !self.by_head.contains_key(it)).collect();
        for entry in self.snapshot.inputs.values().map(AsRef::as_ref) {
            // Captures without packets are all alike.
            if entry.same_as.is_some() || entry.input.is_stdin() || entry.found.records == 0 {
                continue;
            }
            if let Some(known_by) = entry.input.fingerprint.as_deref().filter(|it| fingerprints.contains(it)) {
                self.by_fingerprint.entry(known_by).or_default().push(entry);
            }
            if let Some(head) = entry.input.head.as_deref().filter(|it| heads.contains(it)) {
                self.by_head.entry(head).or_default().push(entry);
            }
        }
        for (head, input) in opened.filter_map(|input| Some((input.head.clone()?, input))) {
            self.of_this_run.entry(head).or_default().push(input.clone());
        }
    }

    /// How a capture relates to others. `own` is what the lake has under its path. A capture of the lake is found once
    /// under another name.
    ///
    /// # Errors
    /// If a signal has arrived.
    pub(super) fn find(&mut self, input: &Input, own: Option<&InputEntry>) -> Result<Match<'a>> {
        let mut found = Match { kin: Kin::Stranger, goes_on_from: Vec::new(), may_be: Vec::new() };
        if input.head.is_none() {
            return Ok(found);
        }
        // A capture that is looked at again at its own path was not renamed.
        let is_at_home = own.is_some_and(|own| is_same_content(&own.input, input));
        let (mut renamed, mut double): (Vec<&InputEntry>, _) = (Vec::new(), None);
        for entry in self.candidates(input) {
            let is_there = self.is_there(entry, input);
            match self.relation(input, entry, is_there)? {
                Relation::Same if !is_there && (is_at_home || self.found.contains(&entry.id)) => {}
                Relation::Same if !is_there => renamed.push(entry),
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
        // Best is a capture with nothing at its old path: it can only have been renamed. Where another capture is at the
        // path, that one replaces it.
        let is_occupied = |entry: &&InputEntry| may_exist(&entry.input.absolute);
        let renamed = renamed.into_iter().min_by_key(|entry| (is_occupied(entry), entry.id));
        // A cut capture is first of all the beginning of a longer one.
        if !matches!(double, Some(Kin::Beginning(_))) && renamed.is_none_or(|entry| !is_whole(entry)) {
            match self.of_this_run(input)? {
                Kin::Stranger => {}
                kin @ Kin::Beginning(_) => double = Some(kin),
                kin => drop(double.get_or_insert(kin)),
            }
        }
        found.kin = match (renamed, double) {
            (Some(_), Some(kin @ Kin::Beginning(_))) | (None, Some(kin)) => kin,
            (Some(entry), _) => {
                self.found.insert(entry.id);
                Kin::Renamed(entry)
            }
            (None, None) => Kin::Stranger,
        };
        // Whatever could be found in it is in its double.
        if matches!(found.kin, Kin::Beginning(_)) {
            found.goes_on_from.extend(renamed.map(|entry| entry.id));
        }
        Ok(found)
    }

    /// Whether this run found a capture of the lake at its path, unchanged or longer.
    pub(super) fn is_at_home(&self, entry: &InputEntry) -> bool {
        self.met.get(&entry.id) == Some(&true)
    }

    /// The content of a capture. It is read once.
    ///
    /// # Errors
    /// If a signal has arrived.
    pub(super) fn scan(&mut self, input: &Input) -> Result<ReadContent> {
        if let Some(scan) = self.scans.get(&input.absolute) {
            return Ok(scan.clone());
        }
        let scan = self.look.scan(input)?;
        self.scans.insert(input.absolute.clone(), scan.clone());
        Ok(scan)
    }

    /// Captures of the lake at other paths that may be the same, or its beginning.
    fn candidates(&self, input: &Input) -> Vec<&'a InputEntry> {
        let by_fingerprint = input.fingerprint.as_deref().and_then(|known_by| self.by_fingerprint.get(known_by));
        let by_head = input.head.as_deref().and_then(|head| self.by_head.get(head));
        let mut entries: Vec<_> = by_fingerprint.into_iter().chain(by_head).flatten().copied().collect();
        entries.retain(|entry| entry.input.absolute != input.absolute && !self.removed.contains(&entry.id));
        entries.sort_by_key(|entry| entry.id);
        entries.dedup_by_key(|entry| entry.id);
        entries
    }

    fn relation(&mut self, input: &Input, entry: &InputEntry, is_there: bool) -> Result<Relation> {
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
            // The lake has one hash over more records than these. Only the file itself can tell.
            let begins_so = scan.is_cut()
                && (self.is_at_home(entry) || is_as_it_was(entry))
                && scan.content.as_ref().map_or(Ok(false), |of_it| self.look.begins_with(&entry.input, of_it))?;
            return Ok(if begins_so { Relation::Shorter } else { Relation::Other });
        }
        if !self.look.begins_with(input, content)? {
            return Ok(Relation::Other);
        }
        Ok(match (scan.end() > content.end(), scan.is_whole(), is_whole(entry)) {
            (true, ..) | (false, true, false) => Relation::Longer,
            // Where the other is not there, something else may be, and its rows may go in this run.
            (false, false, true) if scan.is_cut() => {
                if is_there {
                    Relation::Shorter
                } else {
                    Relation::Longer
                }
            }
            (false, false, true) => Relation::Other,
            _ => Relation::Same,
        })
    }

    /// Whether a capture of the lake is still at its path, unchanged. It was renamed if the link by which it was found
    /// leads to this input by now, which may be its copy on another disk.
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

    /// How a capture relates to the others that this run has opened.
    fn of_this_run(&mut self, input: &Input) -> Result<Kin<'a>> {
        let others = input.head.as_ref().and_then(|head| self.of_this_run.get(head)).cloned().unwrap_or_default();
        if others.len() < 2 {
            return Ok(Kin::Stranger);
        }
        let scan = self.scan(input)?;
        let mut longest: Option<(ReadContent, &Input)> = None;
        for other in &others {
            let of_other = self.scan(other)?;
            let is_longer = |held: &ReadContent| (of_other.end(), of_other.is_whole()) > (held.end(), held.is_whole());
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

    /// A capture that an earlier version converted, that is gone, and whose name differs from this one only by a
    /// compression suffix.
    fn packed_otherwise(&self, input: &Input) -> Option<&'a InputEntry> {
        let names = packed_names(&input.absolute);
        let entries = names.filter(|name| *name != input.absolute).filter_map(|name| self.snapshot.input_at(&name));
        let mut gone = entries.filter(|entry| !may_exist(&entry.input.absolute));
        gone.find(|entry| entry.found.content.is_none() && entry.input.compression != input.compression)
    }
}

/// Whether a file has the size and time that it had when it was converted.
fn is_as_it_was(entry: &InputEntry) -> bool {
    Candidate::of(&entry.input.absolute, true)
        .is_ok_and(|now| super::selection::same(&FileStamp::of_input(&entry.input), &now))
}

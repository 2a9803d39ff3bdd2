//! The sections of a unit, of a date, of anything: in memory up to a limit, then in runs.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::partition::Day;

use super::Section;
use super::held::{Held, Sums};
use super::merge::Merge;
use super::run::{Run, RunWriter};

/// Bytes of keys and sums in memory; more is spilled.
const ROOM: usize = 16 << 20;
/// Runs that are read at the same time; as many become one.
const FAN_IN: usize = 32;

/// Sums by key in any number of sections.
#[derive(Debug)]
pub struct Tallies {
    held: BTreeMap<Section, Held>,
    /// Runs by how often their keys have been merged already.
    runs: Vec<Vec<Run>>,
    /// Where runs are spilled: files without a name, which go when the process does.
    folder: PathBuf,
    room: usize,
}

impl Tallies {
    /// None yet; `folder` is where runs are spilled.
    #[must_use]
    pub fn new(folder: &Path) -> Self {
        Self { held: BTreeMap::new(), runs: Vec::new(), folder: folder.to_path_buf(), room: ROOM }
    }

    /// The same with another limit of memory, in bytes.
    #[must_use]
    pub fn with_room(mut self, room: usize) -> Self {
        self.room = room;
        self
    }

    /// Where runs are spilled.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The keys of a section that are in memory, to add to. Whoever adds many calls [`Tallies::keep_within`] now and
    /// then.
    pub fn section(&mut self, section: Section) -> &mut Held {
        self.held.entry(section).or_insert_with(|| Held::new(section.rule))
    }

    /// Adds under a key.
    ///
    /// # Errors
    /// As [`Tallies::keep_within`].
    pub fn add(&mut self, section: Section, key: &[u8], sums: Sums) -> Result<()> {
        let held = self.section(section);
        held.add(key, sums);
        // Looking at every section each time would cost more than adding does.
        if held.len().is_multiple_of(1024) { self.keep_within() } else { Ok(()) }
    }

    /// Spills what is in memory, if it is more than there is room for.
    ///
    /// # Errors
    /// If a run cannot be written.
    pub fn keep_within(&mut self) -> Result<()> {
        if self.bytes() <= self.room {
            return Ok(());
        }
        self.settle();
        // What was added up may have shrunk; but sorting again and again for little is no gain.
        if self.held.is_empty() || self.bytes() <= self.room / 2 {
            return Ok(());
        }
        let run = self.write_run(|writer| {
            self.held.iter().try_for_each(|(section, held)| {
                writer.begin(*section)?;
                writer.push_all(held)
            })
        })?;
        self.held.clear();
        self.add_run(run, 0)
    }

    /// How many runs there are.
    #[cfg(test)]
    pub(super) fn runs(&self) -> usize {
        self.runs.iter().flatten().count()
    }

    fn bytes(&self) -> usize {
        self.held.values().map(Held::bytes).sum()
    }

    fn settle(&mut self) {
        self.held.values_mut().for_each(Held::settle);
    }

    fn write_run(&self, write: impl FnOnce(&mut RunWriter) -> io::Result<()>) -> Result<Run> {
        let failed = || Error::io("spill", &self.folder);
        let file = tempfile::tempfile_in(&self.folder).map_err(failed())?;
        let mut writer = RunWriter::new(file).map_err(failed())?;
        write(&mut writer).and_then(|()| writer.finish()).and_then(Run::open).map_err(failed())
    }

    /// Adds a run; a level that is full becomes one run of the next.
    fn add_run(&mut self, run: Run, level: usize) -> Result<()> {
        if self.runs.len() <= level {
            self.runs.resize_with(level + 1, Vec::new);
        }
        let Some(runs) = self.runs.get_mut(level) else { return Ok(()) };
        runs.push(run);
        if runs.len() < FAN_IN {
            return Ok(());
        }
        let runs = std::mem::take(runs);
        let sections: BTreeSet<_> = runs.iter().flat_map(Run::sections).collect();
        let merged = self.write_run(|writer| {
            sections.into_iter().try_for_each(|section| {
                writer.begin(section)?;
                let mut merge = Merge::new(section.rule, None, cursors(runs.iter(), section)?, &self.folder);
                merge.each(|key, sums| writer.push(key, sums))
            })
        })?;
        self.add_run(merged, level + 1)
    }

    /// Adds all that other tallies hold.
    ///
    /// # Errors
    /// If a run cannot be written.
    pub fn append(&mut self, other: Self) -> Result<()> {
        for (section, more) in other.held {
            match self.held.entry(section) {
                std::collections::btree_map::Entry::Occupied(mut held) => held.get_mut().append(&more),
                std::collections::btree_map::Entry::Vacant(place) => {
                    place.insert(more);
                }
            }
        }
        for (level, runs) in other.runs.into_iter().enumerate() {
            runs.into_iter().try_for_each(|run| self.add_run(run, level))?;
        }
        self.keep_within()
    }

    /// Adds what [`Tallies::save`] has written. The file is read when somebody asks for its keys.
    ///
    /// # Errors
    /// If the file cannot be read, or is none that [`Tallies::save`] wrote.
    pub fn append_file(&mut self, path: &Path) -> Result<()> {
        let run = File::open(path).and_then(Run::open).map_err(Error::io("read", path))?;
        self.add_run(run, 0)
    }

    /// Moves the keys of one date to another.
    pub fn rename(&mut self, from: Day, to: Day) {
        let sections: Vec<_> = self.held.keys().copied().filter(|section| section.day == from).collect();
        for section in sections {
            if let Some(held) = self.held.remove(&section) {
                self.section(Section { day: to, ..section }).append(&held);
            }
        }
        self.runs.iter_mut().flatten().for_each(|run| run.rename(from, to));
    }

    /// The sections that have keys, in order.
    #[must_use]
    pub fn sections(&self) -> BTreeSet<Section> {
        let held = self.held.iter().filter(|(_, held)| !held.is_empty()).map(|(section, _)| *section);
        held.chain(self.runs.iter().flatten().flat_map(Run::sections)).collect()
    }

    /// Reads a section's keys in order, each once.
    ///
    /// # Memory
    /// One batch of some 250 KiB a run; there are at most some 32 for each time that keys were merged.
    /// # Errors
    /// If a run cannot be read.
    pub fn read(&mut self, section: Section) -> Result<Merge<'_>> {
        if let Some(held) = self.held.get_mut(&section) {
            held.settle();
        }
        self.merge(section).map_err(Error::io("read sums in", &self.folder))
    }

    /// As [`Tallies::read`], of several sections at once.
    ///
    /// # Errors
    /// If a run cannot be read.
    pub fn read_many<const N: usize>(&mut self, sections: [Section; N]) -> Result<[Merge<'_>; N]> {
        self.settle();
        let merges: io::Result<Vec<_>> = sections.into_iter().map(|section| self.merge(section)).collect();
        let merges = merges.map_err(Error::io("read sums in", &self.folder))?;
        merges.try_into().map_err(|_| Error::io("read sums in", &self.folder)(io::Error::other("sections are missing")))
    }

    fn merge(&self, section: Section) -> io::Result<Merge<'_>> {
        let cursors = cursors(self.runs.iter().flatten(), section)?;
        Ok(Merge::new(section.rule, self.held.get(&section), cursors, &self.folder))
    }

    /// Writes all as one run with a name, synced; returns its bytes. The bytes follow from the keys and sums alone.
    ///
    /// # Errors
    /// If the file exists, or cannot be written or synced.
    pub fn save(&mut self, path: &Path) -> Result<u64> {
        self.settle();
        let file = File::create_new(path).map_err(Error::io("create", path))?;
        let write = || -> io::Result<u64> {
            let mut writer = RunWriter::new(file)?;
            for section in self.sections() {
                writer.begin(section)?;
                self.merge(section)?.each(|key, sums| writer.push(key, sums))?;
            }
            let file = writer.finish()?;
            file.sync_all()?;
            Ok(file.metadata()?.len())
        };
        write().map_err(Error::io("write", path))
    }
}

fn cursors<'a>(runs: impl Iterator<Item = &'a Run>, section: Section) -> io::Result<Vec<super::run::Cursor>> {
    runs.flat_map(|run| run.read(section)).collect()
}

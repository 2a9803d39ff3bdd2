//! The sums of a unit, of a date, of anything: in memory up to a limit, then in runs.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;

use crate::bug::bug;
use crate::day::Day;
use crate::error::{Error, Result};
use crate::storage::{HashedFile, LocalFile};

use super::buffer::{Buffer, Measure, Sums};
use super::group::Group;
use super::merge::Merge;
use super::run_writer::RunWriter;
use super::sorted_run::{Owners, SortedRun};
use super::spill::Space;

/// The attempted action, for errors.
const READ: &str = "read sums in";
/// Runs that are read at the same time. When there are this many of one level, they are merged into one.
const FAN_IN: usize = 32;

/// Sums by key in any number of groups.
#[derive(Debug)]
pub struct Aggregator {
    held: BTreeMap<Group, Buffer>,
    /// Runs by how often their keys have been merged already.
    runs: Vec<Vec<SortedRun>>,
    space: Space,
    /// Whether something was subtracted.
    difference: bool,
}

/// A file that [`Aggregator::save`] wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Saved {
    /// Its bytes.
    pub bytes: u64,
    /// XXH3 of its bytes.
    pub checksum: String,
    /// The dates that it has keys of, in order.
    pub days: Vec<Day>,
}

impl Aggregator {
    /// No sums yet.
    #[must_use]
    pub fn new(space: &Space) -> Self {
        Self { held: BTreeMap::new(), runs: Vec::new(), space: space.clone(), difference: false }
    }

    /// Where runs are spilled. Aggregators that are made from this one share it.
    #[must_use]
    pub fn space(&self) -> &Space {
        &self.space
    }

    /// The keys of a group that are in memory, to add to. A caller that adds many must call [`Aggregator::keep_within`]
    /// now and then.
    pub fn group(&mut self, group: Group) -> &mut Buffer {
        self.held.entry(group).or_insert_with(|| Buffer::new(group.measure))
    }

    /// Adds under a key.
    ///
    /// # Errors
    /// As [`Aggregator::keep_within`].
    pub fn add(&mut self, group: Group, key: &[u8], sums: Sums) -> Result<()> {
        let held = self.group(group);
        held.add(key, sums);
        // Checking every group each time would cost more than adding does.
        if held.len().is_multiple_of(1024) { self.keep_within() } else { Ok(()) }
    }

    /// Spills the sums in memory if they exceed the limit.
    ///
    /// # Errors
    /// If a run cannot be written.
    pub fn keep_within(&mut self) -> Result<()> {
        if self.bytes() <= self.space.room() {
            return Ok(());
        }
        self.settle()?;
        self.held.values_mut().for_each(Buffer::trim);
        // What was added up may have shrunk; but sorting again and again for little is no gain.
        if self.held.is_empty() || self.bytes() <= self.space.room() / 4 * 3 {
            return Ok(());
        }
        let run = self.spill(self.held.keys().copied(), |group| {
            Ok(Merge::new(group.measure, self.held.get(&group), Vec::new(), &self.space))
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
        self.held.values().map(Buffer::bytes).sum()
    }

    fn settle(&mut self) -> Result<()> {
        self.held.values_mut().try_for_each(Buffer::settle)
    }

    /// Writes groups as a run without a name.
    fn spill<'a>(
        &self,
        groups: impl IntoIterator<Item = Group>,
        merge: impl Fn(Group) -> Result<Merge<'a>>,
    ) -> Result<SortedRun> {
        let folder = self.space.folder();
        let file = HashedFile::nameless(folder).map_err(Error::io("write sums to", folder))?;
        let (file, _) = write(RunWriter::new(file, folder)?, groups, merge, |_, _| Ok(true))?;
        SortedRun::open(file.into_file()).map_err(Error::io(READ, folder))
    }

    /// Adds a run. A level that is full becomes one run of the next level.
    fn add_run(&mut self, run: SortedRun, level: usize) -> Result<()> {
        if self.runs.len() <= level {
            self.runs.resize_with(level + 1, Vec::new);
        }
        let Some(runs) = self.runs.get_mut(level) else { return Err(bug!()) };
        runs.push(run);
        if runs.len() < FAN_IN {
            return Ok(());
        }
        let runs = std::mem::take(runs);
        let groups: BTreeSet<_> = runs.iter().flat_map(SortedRun::groups).collect();
        let merged = self.spill(groups, |group| merge_of(group, None, runs.iter(), &self.space))?;
        self.add_run(merged, level + 1)
    }

    /// Adds all sums of another aggregator.
    ///
    /// # Errors
    /// If a run cannot be written.
    pub fn append(&mut self, other: Self) -> Result<()> {
        for (group, more) in other.held {
            match self.held.entry(group) {
                Entry::Occupied(mut held) => held.get_mut().append(&more),
                Entry::Vacant(place) => {
                    place.insert(more);
                }
            }
        }
        self.difference |= other.difference;
        for (level, runs) in other.runs.into_iter().enumerate() {
            runs.into_iter().try_for_each(|run| self.add_run(run, level))?;
        }
        self.keep_within()
    }

    /// Whether nothing was spilled.
    #[must_use]
    pub fn is_in_memory(&self) -> bool {
        self.runs.iter().all(Vec::is_empty)
    }

    /// The same sums, with owners removed from the keys as [`Owners::AddUp`] does.
    #[must_use]
    pub fn without_owners(mut self) -> Self {
        let owned: Vec<_> = self.held.extract_if(.., |group, _| group.by_owner).collect();
        for (group, held) in owned {
            held.without_owners_into(self.group(Group { by_owner: false, ..group }));
        }
        for run in self.runs.iter_mut().flatten() {
            run.add_owners_up();
        }
        self
    }

    /// Subtracts all sums of another aggregator. They must have been added before, here or in the sums that these were
    /// made from.
    ///
    /// # Errors
    /// If a run cannot be written.
    pub fn subtract(&mut self, mut other: Self) -> Result<()> {
        self.difference = true;
        other.held.values_mut().for_each(Buffer::negate);
        for runs in &mut other.runs {
            *runs = runs.drain(..).map(SortedRun::negated).collect();
        }
        self.append(other)
    }

    /// Adds what [`Aggregator::save`] has written. The file is read when its keys are asked for.
    ///
    /// # Errors
    /// If the file cannot be read, or was not written by [`Aggregator::save`].
    pub fn append_file(&mut self, path: &Path, owners: Owners) -> Result<()> {
        let run = LocalFile::open(path).and_then(SortedRun::open_checked).map_err(Error::io("read", path))?;
        self.add_run(run.with_owners(owners), 0)
    }

    /// As [`Aggregator::append_file`], but only the wanted groups.
    ///
    /// # Errors
    /// As [`Aggregator::append_file`].
    pub fn append_groups(&mut self, path: &Path, owners: Owners, wanted: &dyn Fn(Group) -> bool) -> Result<()> {
        let run = LocalFile::open(path).and_then(SortedRun::open_checked).map_err(Error::io("read", path))?;
        self.add_run(run.only(wanted).with_owners(owners), 0)
    }

    /// Moves the keys of one date to another.
    pub fn redate(&mut self, from: Day, to: Day) {
        let moved: Vec<_> = self.held.extract_if(.., |group, _| group.day == from).collect();
        for (group, held) in moved {
            self.group(Group { day: to, ..group }).append(&held);
        }
        self.runs.iter_mut().flatten().for_each(|run| run.redate(from, to));
    }

    /// The groups that have keys, in order.
    #[must_use]
    pub fn groups(&self) -> BTreeSet<Group> {
        let held = self.held.iter().filter(|(_, held)| !held.is_empty()).map(|(group, _)| *group);
        held.chain(self.runs.iter().flatten().flat_map(SortedRun::groups)).collect()
    }

    /// Reads a group's keys in order, each once.
    ///
    /// # Memory
    /// One batch of some 250 KiB a run. There are at most some 32 runs for each time that keys were merged.
    /// # Errors
    /// If a run cannot be read.
    pub fn read(&mut self, group: Group) -> Result<Merge<'_>> {
        if let Some(held) = self.held.get_mut(&group) {
            held.settle()?;
        }
        self.merge(group)
    }

    /// As [`Aggregator::read`], for several groups at once.
    ///
    /// # Errors
    /// If a run cannot be read.
    pub fn read_together<const N: usize>(&mut self, groups: [Group; N]) -> Result<[Merge<'_>; N]> {
        self.settle()?;
        let merges = groups.into_iter().map(|group| self.merge(group)).collect::<Result<Vec<_>>>()?;
        merges.try_into().map_err(|_| bug!())
    }

    fn merge(&self, group: Group) -> Result<Merge<'_>> {
        merge_of(group, self.held.get(&group), self.runs.iter().flatten(), &self.space)
    }

    /// Writes all sums as one run with a name, synced. The bytes follow from the keys and sums alone. Keys whose sums
    /// were subtracted completely are left out.
    ///
    /// # Errors
    /// If the file exists, or cannot be written or synced; if more was subtracted than there was.
    pub fn save(&mut self, path: &Path) -> Result<Saved> {
        self.settle()?;
        let file = HashedFile::create(path).map_err(Error::io("create", path))?;
        let is_left = |group: Group, sums: &Sums| {
            if !self.difference || group.measure == Measure::Span {
                return Ok(true);
            }
            let [a, b] = sums.more;
            let numbers = [sums.bytes, sums.packets, a, b];
            if numbers.iter().any(|number| *number < 0) {
                let problem = "more is to be taken out of sums than was ever added";
                return Err(Error::io(READ, path)(io::Error::new(io::ErrorKind::InvalidData, problem)));
            }
            Ok(numbers != [0; 4])
        };
        let written = write(RunWriter::new(file, path)?, self.groups(), |group| self.merge(group), is_left)?;
        let (file, days) = written;
        let (bytes, checksum) = file.finish().map_err(Error::io("sync", path))?;
        Ok(Saved { bytes, checksum, days })
    }
}

/// Writes the wanted groups, with the keys of each as they are merged.
fn write<'a>(
    mut writer: RunWriter,
    groups: impl IntoIterator<Item = Group>,
    merge: impl Fn(Group) -> Result<Merge<'a>>,
    wanted: impl Fn(Group, &Sums) -> Result<bool>,
) -> Result<(HashedFile, Vec<Day>)> {
    for group in groups {
        writer.begin(group)?;
        let mut merge = merge(group)?;
        while let Some((key, sums)) = merge.next()? {
            if wanted(group, &sums)? {
                writer.push(key, sums)?;
            }
        }
    }
    writer.finish()
}

fn merge_of<'a, 'r>(
    group: Group,
    held: Option<&'a Buffer>,
    runs: impl Iterator<Item = &'r SortedRun>,
    space: &Space,
) -> Result<Merge<'a>> {
    let cursors: io::Result<Vec<_>> = runs.flat_map(|run| run.read(group)).collect();
    Ok(Merge::new(group.measure, held, cursors.map_err(Error::io(READ, space.folder()))?, space))
}

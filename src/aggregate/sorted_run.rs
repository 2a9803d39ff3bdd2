//! A sorted run on disk: an Arrow IPC file with a footer. Each batch belongs to one group, which the footer says.

use std::io;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::day::Day;
use crate::storage::LocalFile;

use super::buffer::Measure;
use super::group::Group;
use super::run_cursor::{Cursor, metadata};

/// The key in a file's metadata under which it says which batches belong to which group.
pub(super) const SECTIONS: &str = "parcap.sections";

/// The batches of a file that belong to one group.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Stretch {
    pub(super) day: Day,
    pub(super) kind: u8,
    #[serde(rename = "rule")]
    pub(super) measure: Measure,
    #[serde(rename = "owned", default)]
    pub(super) by_owner: bool,
    pub(super) first_batch: usize,
    pub(super) batches: usize,
}

impl Stretch {
    fn group(self) -> Group {
        Group { day: self.day, kind: self.kind, measure: self.measure, by_owner: self.by_owner }
    }
}

/// What to do with the owners of keys when a run is read.
#[derive(Clone, Debug, Default)]
pub enum Owners {
    /// Owners stay in the keys.
    #[default]
    Stay,
    /// Owners are removed from the keys, and sums of keys that become equal are added up.
    AddUp,
    /// The new number of each owner by its old one. `None` for an owner whose keys are stepped over. Numbers keep their
    /// order.
    Renumber(Arc<[Option<u32>]>),
}

/// A run that can be read, group by group.
#[derive(Debug)]
pub struct SortedRun {
    file: Arc<LocalFile>,
    stretches: Vec<Stretch>,
    owners: Owners,
    /// Whether its sums are subtracted instead of added.
    negative: bool,
}

impl SortedRun {
    /// Opens a run that any program may have written.
    ///
    /// # Errors
    /// As [`SortedRun::open`], and if a length in it cannot be right.
    pub fn open_checked(file: LocalFile) -> io::Result<Self> {
        super::bounds::check(&file)?;
        Self::open(file)
    }

    /// Opens a run that was written by this process.
    ///
    /// # Errors
    /// If the file cannot be read, or is no run.
    pub fn open(file: LocalFile) -> io::Result<Self> {
        let file = Arc::new(file);
        let text = metadata(&file, SECTIONS)?;
        let text = text.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "it is no partial summary"))?;
        let stretches = serde_json::from_str(&text)?;
        Ok(Self { file, stretches, owners: Owners::Stay, negative: false })
    }

    /// The same run, with this done to the owners of its keys.
    pub(super) fn with_owners(self, owners: Owners) -> Self {
        Self { owners, ..self }
    }

    /// Removes owners from its keys.
    pub(super) fn add_owners_up(&mut self) {
        self.owners = Owners::AddUp;
    }

    /// The same run, with only the wanted groups.
    pub(super) fn only(mut self, wanted: &dyn Fn(Group) -> bool) -> Self {
        self.stretches.retain(|stretch| wanted(stretch.group()));
        self
    }

    /// The same run, with its sums subtracted instead of added.
    pub(super) fn negated(self) -> Self {
        Self { negative: !self.negative, ..self }
    }

    /// The group of a stretch, as a reader of the run sees it.
    fn group_of(&self, stretch: &Stretch) -> Group {
        let group = stretch.group();
        Group { by_owner: group.by_owner && !matches!(self.owners, Owners::AddUp), ..group }
    }

    /// The groups that it has keys of.
    pub fn groups(&self) -> impl Iterator<Item = Group> {
        self.stretches.iter().map(|stretch| self.group_of(stretch))
    }

    /// Moves the keys of one date to another.
    pub(super) fn redate(&mut self, from: Day, to: Day) {
        self.stretches.iter_mut().filter(|stretch| stretch.day == from).for_each(|stretch| stretch.day = to);
    }

    /// Readers of the keys of a group: one, or perhaps two after [`SortedRun::redate`].
    pub(super) fn read(&self, group: Group) -> impl Iterator<Item = io::Result<Cursor>> {
        let of_section = move |stretch: &&Stretch| {
            let held = self.group_of(stretch);
            (held.day, held.kind, held.by_owner) == (group.day, group.kind, group.by_owner)
        };
        self.stretches.iter().filter(of_section).map(move |stretch| {
            // Stepping over it would lose sums without an error.
            if stretch.measure != group.measure {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    "sums were written by another version of parcap",
                ));
            }
            let owners = if stretch.by_owner { self.owners.clone() } else { Owners::Stay };
            Cursor::open(&self.file, stretch, owners, self.negative)
        })
    }
}

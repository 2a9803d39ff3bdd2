//! Rows of the table of captures while they are put in order, in bounded memory.

use std::collections::{BTreeSet, HashSet};
use std::path::{Component, Path};

use crate::aggregate::{Aggregator, Group, Measure, Space, Sums};
use crate::bug::bug;
use crate::day::Day;
use crate::error::Result;
use crate::tables::Table;

use super::captures::{CaptureRow, table_of};
use super::record::InputEntry;

/// Rows that are handed on at a time.
const PIECE: usize = 8192;

/// Bytes of the length that ends each key.
const LENGTH: usize = 4;

/// Rows of captures by date, each date in the order of the absolute paths. They come in any order.
///
/// # Memory
/// As [`Aggregator`]; besides, the names that several captures of one date share, while that date is read.
pub(super) struct CaptureRows {
    /// Keys are the path, the number, and then the row with its length.
    rows: Aggregator,
    /// Keys are the names as they were given, and how many captures have each is their number of packets.
    names: Aggregator,
    key: Vec<u8>,
}

impl CaptureRows {
    /// No rows.
    #[must_use]
    pub(super) fn new(space: &Space) -> Self {
        Self { rows: Aggregator::new(space), names: Aggregator::new(space), key: Vec::new() }
    }

    /// Adds the row of a capture to those of a date.
    ///
    /// # Errors
    /// If rows that do not fit into memory cannot be written.
    pub(super) fn add(&mut self, day: Day, entry: &InputEntry) -> Result<()> {
        let row = CaptureRow::of(entry);
        self.names.add(group(day), row.name.as_bytes(), Sums::of(0, 1))?;
        let key = &mut self.key;
        key.clear();
        put_in_order(&entry.input.absolute, key);
        key.extend((entry.id as u64).to_be_bytes());
        let start = key.len();
        serde_json::to_writer(&mut *key, &row).map_err(|_| bug!())?;
        let length = u32::try_from(key.len() - start).map_err(|_| bug!())?;
        key.extend(length.to_be_bytes());
        self.rows.add(group(day), key, Sums::default())
    }

    /// The dates that have rows.
    #[must_use]
    pub(super) fn days(&self) -> BTreeSet<Day> {
        self.rows.groups().into_iter().map(|group| group.day).collect()
    }

    /// Reads the rows of a date in order, some thousand at a time. Which names are shared is judged among them alone.
    ///
    /// # Errors
    /// If rows that were written cannot be read, or `each` fails.
    pub(super) fn read(&mut self, day: Day, mut each: impl FnMut(Table) -> Result<()>) -> Result<()> {
        let mut shared: HashSet<Vec<u8>> = HashSet::new();
        let mut names = self.names.read(group(day))?;
        while let Some((name, sums)) = names.next()? {
            if sums.packets > 1 {
                shared.insert(name.to_vec());
            }
        }
        let is_shared = |name: &str| shared.contains(name.as_bytes());
        let mut piece = Vec::new();
        let mut rows = self.rows.read(group(day))?;
        while let Some((key, _)) = rows.next()? {
            piece.push(row_of(key)?);
            if piece.len() == PIECE {
                each(table_of(std::mem::take(&mut piece), is_shared))?;
            }
        }
        if piece.is_empty() { Ok(()) } else { each(table_of(piece, is_shared)) }
    }
}

fn group(day: Day) -> Group {
    Group { day, kind: 0, measure: Measure::Plain, by_owner: false }
}

/// Appends a path, so that the order of bytes is that of paths: names are compared one by one. No name contains a zero, and a
/// path comes before those below it.
fn put_in_order(path: &Path, key: &mut Vec<u8>) {
    for name in path.components() {
        // The root comes before all names, as it does where paths are compared.
        if name != Component::RootDir {
            key.extend(name.as_os_str().as_encoded_bytes());
        }
        key.push(0);
    }
    key.push(0);
}

fn row_of(key: &[u8]) -> Result<CaptureRow> {
    let (rest, length) = key.split_last_chunk::<LENGTH>().ok_or_else(|| bug!())?;
    let length = usize::try_from(u32::from_be_bytes(*length)).map_err(|_| bug!())?;
    let start = rest.len().checked_sub(length).ok_or_else(|| bug!())?;
    serde_json::from_slice(rest.get(start..).unwrap_or_default()).map_err(|_| bug!())
}

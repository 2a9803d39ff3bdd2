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

/// Rows of captures by date, each date in the order of their places. They come in any order.
///
/// # Memory
/// As [`Aggregator`]; besides, the names that several captures of one date share, while that date is read.
#[derive(Debug)]
pub struct CaptureRows {
    /// Keys are the path, the number, and then the row with its length.
    rows: Aggregator,
    /// Keys are the names as they were given, and how many captures have each is their number of packets.
    names: Aggregator,
    key: Vec<u8>,
}

impl CaptureRows {
    /// No rows.
    #[must_use]
    pub fn new(space: &Space) -> Self {
        Self { rows: Aggregator::new(space), names: Aggregator::new(space), key: Vec::new() }
    }

    /// Adds the row of a capture to those of a date. Its place there is that of the path, and then of the number.
    ///
    /// # Errors
    /// If rows that do not fit into memory cannot be written.
    pub fn add(&mut self, day: Day, (path, number): (&Path, usize), entry: &InputEntry) -> Result<()> {
        let row = CaptureRow::of(entry);
        self.names.add(group(day), row.name.as_bytes(), Sums::of(0, 1))?;
        let key = &mut self.key;
        key.clear();
        put_in_order(path, key);
        key.extend((number as u64).to_be_bytes());
        let start = key.len();
        serde_json::to_writer(&mut *key, &row).map_err(|_| bug!())?;
        let length = u32::try_from(key.len() - start).map_err(|_| bug!())?;
        key.extend(length.to_be_bytes());
        self.rows.add(group(day), key, Sums::default())
    }

    /// The dates that have rows.
    #[must_use]
    pub fn days(&self) -> BTreeSet<Day> {
        self.rows.groups().into_iter().map(|group| group.day).collect()
    }

    /// Reads the rows of a date in order, some thousand at a time. Which names are shared is judged among them alone.
    ///
    /// # Errors
    /// If rows that were written cannot be read, or `each` fails.
    pub fn read(&mut self, day: Day, mut each: impl FnMut(Table) -> Result<()>) -> Result<()> {
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

#[cfg(test)]
mod tests {
    use super::*;

    use std::path::PathBuf;

    use crate::discover::Input;
    use crate::plan::CaptureEntry;
    use crate::tables::TableColumn;

    fn entry(id: usize, name: &str, absolute: &str) -> InputEntry {
        let mut entry = InputEntry::of(Input::unread(Path::new(name)), CaptureEntry::default());
        entry.input.absolute = absolute.into();
        entry.id = id;
        entry
    }

    fn shown(rows: &mut CaptureRows, day: Day) -> Vec<String> {
        let mut shown = Vec::new();
        rows.read(day, |piece| {
            match piece.column("capture") {
                Some(TableColumn::Text(names)) => shown.extend(names.iter().flatten().map(str::to_owned)),
                _ => panic!("no names"),
            }
            Ok(())
        })
        .unwrap();
        shown
    }

    fn rows(folder: &Path) -> CaptureRows {
        // Less than a hundred rows: the others are spilled.
        CaptureRows::new(&Space::new(folder).with_room(16 << 10))
    }

    #[test]
    fn rows_come_in_the_order_of_paths_however_many_there_are_and_in_whichever_order_they_came() {
        let folder = tempfile::tempdir().unwrap();
        let of = |place: usize| match place % 5 {
            0 => format!("/a/b/{place}"),
            1 => format!("/a-b/{place}"),
            2 => format!("/a/b-{place}/c"),
            3 => format!("/a/b.{place}"),
            _ => format!("s3://bucket/{place}"),
        };
        let mut paths: Vec<PathBuf> = (0..20_000).map(|place| of(place).into()).collect();
        let mut rows = rows(folder.path());
        for place in 0..paths.len() {
            // Each once, and far from the one before.
            let place = place * 7919 % paths.len();
            let path = of(place);
            rows.add(Day(7), (Path::new(&path), place), &entry(place, &path, &path)).unwrap();
        }
        // Paths are compared name by name.
        paths.sort();
        assert_eq!(rows.days(), [Day(7)].into());
        let found = shown(&mut rows, Day(7));
        assert!(found.len() > 2 * PIECE);
        assert_eq!(found, paths.iter().map(|path| path.to_str().unwrap().to_owned()).collect::<Vec<_>>());
    }

    #[test]
    fn a_name_is_shared_by_captures_of_one_date_however_far_apart_they_are() {
        let folder = tempfile::tempdir().unwrap();
        let mut rows = rows(folder.path());
        let mut add = |day: i32, id: usize, name: &str, absolute: &str| {
            rows.add(Day(day), (Path::new(absolute), id), &entry(id, name, absolute)).unwrap();
        };
        add(1, 1, "x.pcap", "/a/x.pcap");
        (0..20_000).for_each(|place| add(1, place + 9, &format!("{place}.pcap"), &format!("/b/{place}.pcap")));
        add(1, 2, "x.pcap", "/c/x.pcap");
        add(2, 3, "x.pcap", "/d/x.pcap");
        let found = shown(&mut rows, Day(1));
        assert_eq!((found[0].as_str(), found[20_001].as_str()), ("/a/x.pcap", "/c/x.pcap"));
        assert_eq!(found.iter().filter(|name| name.starts_with('/')).count(), 2);
        assert_eq!(shown(&mut rows, Day(2)), ["x.pcap"]);
    }
}

//! Partial summaries on disk: one table of keys and sums, sorted, readable by anybody.

use std::path::Path;

use crate::columns::{NO_PROTOCOL, Table, TableColumn};
use crate::decode::IpAddress;
use crate::error::Result;
use crate::partition::Day;
use crate::write::{read_table, write_tables};

use super::partial::{DayPartial, Partial, Volume};

const DESTINATION: &str = "destination";
const PROTOCOL: &str = "protocol";
const WINDOW: &str = "window";
const NAME: &str = "name";

/// Rows of the table that are in memory at a time.
const PIECE: usize = 8192;

/// One row of the table.
struct Line<'a> {
    day: Day,
    kind: &'static str,
    address: Option<IpAddress>,
    number: Option<i64>,
    name: Option<&'a str>,
    volume: Volume,
}

/// Writes a partial summary as a new file, synced; returns its bytes.
///
/// Rows are sorted by date, then table, then key.
///
/// # Errors
/// If it cannot be written.
pub fn save(path: &Path, partial: &Partial) -> Result<u64> {
    let mut lines = partial.days.iter().flat_map(|(day, sums)| lines(*day, sums));
    let pieces = std::iter::from_fn(|| {
        let piece: Vec<_> = lines.by_ref().take(PIECE).collect();
        (!piece.is_empty()).then(|| table(&piece))
    });
    write_tables(path, table(&[]), pieces)
}

fn lines(day: Day, sums: &DayPartial) -> impl Iterator<Item = Line<'_>> {
    let line = move |kind, volume| Line { day, kind, address: None, number: None, name: None, volume };
    let mut destinations: Vec<_> = sums.destinations.iter().collect();
    destinations.sort_unstable_by_key(|(address, _)| **address);
    let mut names: Vec<_> = sums.names.iter().collect();
    names.sort_unstable();
    let protocols = sums.protocols.iter();
    let windows = sums.windows.iter();
    destinations
        .into_iter()
        .map(move |(address, volume)| Line { address: *address, ..line(DESTINATION, *volume) })
        .chain(names.into_iter().map(move |((address, name), count)| {
            let volume = Volume { bytes: 0, packets: *count };
            Line { address: Some(*address), name: Some(name), ..line(NAME, volume) }
        }))
        .chain(
            protocols.map(move |(number, volume)| Line { number: Some(i64::from(*number)), ..line(PROTOCOL, *volume) }),
        )
        .chain(windows.map(move |(start, volume)| Line { number: *start, ..line(WINDOW, *volume) }))
}

fn table(lines: &[Line<'_>]) -> Table {
    let ints = |pick: &dyn Fn(&Line<'_>) -> Option<i64>| TableColumn::Int(lines.iter().map(pick).collect());
    let texts = |pick: &dyn Fn(&Line<'_>) -> Option<String>| TableColumn::Text(lines.iter().map(pick).collect());
    Table::new([
        ("day", ints(&|line| Some(i64::from(line.day.0)))),
        ("kind", texts(&|line| Some(line.kind.to_owned()))),
        ("address", texts(&|line| line.address.map(|address| address.to_string()))),
        ("number", ints(&|line| line.number)),
        ("name", texts(&|line| line.name.map(str::to_owned))),
        ("bytes", ints(&|line| Some(line.volume.bytes))),
        ("packets", ints(&|line| Some(line.volume.packets))),
    ])
}

/// Reads what [`save`] wrote; of all dates, or of those that `wanted` accepts.
///
/// # Errors
/// If the file cannot be read.
pub fn load(path: &Path, wanted: impl Fn(Day) -> bool) -> Result<Partial> {
    let mut partial = Partial::default();
    read_table(path, |table| add_lines(&mut partial, table, &wanted))?;
    Ok(partial)
}

fn add_lines(partial: &mut Partial, table: &Table, wanted: impl Fn(Day) -> bool) {
    let ints = |name: &str| match table.column(name) {
        Some(TableColumn::Int(values)) => values.as_slice(),
        _ => &[],
    };
    let texts = |name: &str| match table.column(name) {
        Some(TableColumn::Text(values)) => values.as_slice(),
        _ => &[],
    };
    let keys = ints("day").iter().zip(texts("kind")).zip(texts("address")).zip(ints("number")).zip(texts("name"));
    let sums = ints("bytes").iter().zip(ints("packets"));
    for (((((day, kind), address), number), name), (bytes, packets)) in keys.zip(sums) {
        let day = Day(day.and_then(|day| i32::try_from(day).ok()).unwrap_or(0));
        if !wanted(day) {
            continue;
        }
        let volume = Volume { bytes: bytes.unwrap_or(0), packets: packets.unwrap_or(0) };
        let address = address.as_deref().and_then(parse_address);
        let sums = partial.days.entry(day).or_default();
        match (kind.as_deref(), address, name) {
            (Some(DESTINATION), address, _) => *sums.destinations.entry(address).or_default() += volume,
            (Some(PROTOCOL), ..) => {
                let protocol = number.and_then(|number| u16::try_from(number).ok()).unwrap_or(NO_PROTOCOL);
                *sums.protocols.entry(protocol).or_default() += volume;
            }
            (Some(WINDOW), ..) => *sums.windows.entry(*number).or_default() += volume,
            (Some(NAME), Some(address), Some(name)) => {
                *sums.names.entry((address, name.clone())).or_default() += volume.packets;
            }
            _ => {}
        }
    }
}

fn parse_address(text: &str) -> Option<IpAddress> {
    Some(match text.parse().ok()? {
        std::net::IpAddr::V4(address) => IpAddress::V4(address.to_bits()),
        std::net::IpAddr::V6(address) => IpAddress::V6(address.to_bits()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_saved_is_loaded() {
        let mut partial = Partial::default();
        for day in [-1, 0, 18_405] {
            let sums = partial.days.entry(Day(day)).or_default();
            let volume = Volume { bytes: 7, packets: 3 };
            sums.destinations.insert(None, volume);
            sums.destinations.insert(Some(IpAddress::V4(0x0a00_0001)), volume);
            sums.destinations.insert(Some(IpAddress::V6(1)), volume);
            sums.protocols.insert(NO_PROTOCOL, volume);
            sums.windows.insert(None, volume);
            sums.windows.insert(Some(-1_000_000), volume);
            sums.names.insert((IpAddress::V4(1), "a\\032b.".to_owned()), 4);
        }
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("partial.parquet");
        save(&path, &partial).unwrap();
        assert_eq!(load(&path, |_| true).unwrap(), partial);
        assert_eq!(load(&path, |day| day == Day(0)).unwrap().days(), [Day(0)]);
    }
}

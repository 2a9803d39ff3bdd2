//! Partial summaries on disk: one table of keys and sums, sorted, readable by anybody.

use std::path::Path;

use crate::columns::{Table, TableColumn};
use crate::decode::IpAddress;
use crate::error::Result;
use crate::partition::Day;
use crate::write::{read_table, write_table};

use super::partial::{Partial, Volume};

const DESTINATION: &str = "destination";
const PROTOCOL: &str = "protocol";
const WINDOW: &str = "window";
const NAME: &str = "name";

/// One line of the table.
type Line = (i64, &'static str, Option<String>, Option<i64>, Option<String>, Volume);

/// Writes a partial summary as a new file, synced; returns its bytes.
///
/// # Errors
/// If it cannot be written.
pub fn save(path: &Path, partial: &Partial) -> Result<u64> {
    let mut lines: Vec<Line> = Vec::new();
    for (day, sums) in &partial.days {
        let day = i64::from(day.0);
        for (address, volume) in &sums.destinations {
            lines.push((day, DESTINATION, address.map(|address| address.to_string()), None, None, *volume));
        }
        for (protocol, volume) in &sums.protocols {
            lines.push((day, PROTOCOL, None, Some(i64::from(*protocol)), None, *volume));
        }
        for (start, volume) in &sums.windows {
            lines.push((day, WINDOW, None, *start, None, *volume));
        }
        for ((address, name), count) in &sums.names {
            let volume = Volume { bytes: 0, packets: *count };
            lines.push((day, NAME, Some(address.to_string()), None, Some(name.clone()), volume));
        }
    }
    lines.sort_by(|a, b| (a.0, a.1, &a.2, a.3, &a.4).cmp(&(b.0, b.1, &b.2, b.3, &b.4)));
    let mut columns = (Vec::new(), Vec::new(), Vec::new(), Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (day, kind, address, number, name, volume) in lines {
        columns.0.push(Some(day));
        columns.1.push(Some(kind.to_owned()));
        columns.2.push(address);
        columns.3.push(number);
        columns.4.push(name);
        columns.5.push(Some(volume.bytes));
        columns.6.push(Some(volume.packets));
    }
    let table = Table::new([
        ("day", TableColumn::Int(columns.0)),
        ("kind", TableColumn::Text(columns.1)),
        ("address", TableColumn::Text(columns.2)),
        ("number", TableColumn::Int(columns.3)),
        ("name", TableColumn::Text(columns.4)),
        ("bytes", TableColumn::Int(columns.5)),
        ("packets", TableColumn::Int(columns.6)),
    ]);
    write_table(path, &table)
}

/// Reads what [`save`] wrote; of all dates, or of those that `wanted` accepts.
///
/// # Errors
/// If the file cannot be read.
pub fn load(path: &Path, wanted: impl Fn(Day) -> bool) -> Result<Partial> {
    let table = read_table(path)?;
    let mut partial = Partial::default();
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
                let protocol = number.and_then(|number| u16::try_from(number).ok()).unwrap_or(0);
                *sums.protocols.entry(protocol).or_default() += volume;
            }
            (Some(WINDOW), ..) => *sums.windows.entry(*number).or_default() += volume,
            (Some(NAME), Some(address), Some(name)) => {
                *sums.names.entry((address, name.clone())).or_default() += volume.packets;
            }
            _ => {}
        }
    }
    Ok(partial)
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
    use crate::columns::NO_PROTOCOL;

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

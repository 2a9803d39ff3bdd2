//! The tables that people look at, made of the sums of a date.

use std::cmp::Reverse;
use std::collections::HashMap;

use crate::columns::{NO_PROTOCOL, Table, TableColumn};
use crate::decode::{IpAddress, protocol_name};

use super::partial::{DayPartial, Named, Volume};

/// The name of an address that has none, as in the notebook this replaces.
pub const NO_NAME: &str = "N/A";

/// Bytes and packets by destination address, largest first; null for packets without one.
#[must_use]
pub fn volume_by_ip(sums: &DayPartial) -> Table {
    let rows = sums.destinations.iter().map(|(address, volume)| (address.map(|address| address.to_string()), *volume));
    by_volume("ip_dst", rows.collect())
}

/// Bytes and packets by name of the destination, largest first: `N/A` for addresses without a name, null for packets
/// without an address.
///
/// An address bears the name that DNS gave it most often on the date, the alphabetically first of several.
#[must_use]
pub fn volume_by_name(sums: &DayPartial) -> Table {
    let names = best_names(&sums.names);
    let mut by_name: HashMap<Option<&str>, Volume> = HashMap::new();
    for (address, volume) in &sums.destinations {
        let name = address.map(|address| names.get(&address).copied().unwrap_or(NO_NAME));
        *by_name.entry(name).or_default() += *volume;
    }
    by_volume("name_dst", by_name.into_iter().map(|(name, volume)| (name.map(str::to_owned), volume)).collect())
}

fn best_names<S>(names: &HashMap<Named, i64, S>) -> HashMap<IpAddress, &str> {
    let mut best: HashMap<IpAddress, (i64, Reverse<&str>)> = HashMap::new();
    for ((address, name), count) in names {
        let candidate = (*count, Reverse(name.as_str()));
        best.entry(*address).and_modify(|held| *held = (*held).max(candidate)).or_insert(candidate);
    }
    best.into_iter().map(|(address, (_, Reverse(name)))| (address, name)).collect()
}

/// Bytes and packets by protocol, largest first; null for packets without an IP header.
#[must_use]
pub fn protocols(sums: &DayPartial) -> Table {
    let rows = sums.protocols.iter().map(|(protocol, volume)| (protocol_text(*protocol), *volume));
    by_volume("protocol", rows.collect())
}

fn protocol_text(protocol: u16) -> Option<String> {
    if protocol == NO_PROTOCOL {
        return None;
    }
    let name = u8::try_from(protocol).ok().and_then(protocol_name);
    Some(name.map_or_else(|| protocol.to_string(), str::to_owned))
}

/// Bytes, packets and rate of each window in which there was a packet, in the order of time; a null window for packets
/// without a time comes last. Windows are `window` microseconds long and begin at multiples of it since the epoch.
#[must_use]
pub fn send_rates(sums: &DayPartial, window: i64) -> Table {
    let mut rows: Vec<_> = sums.windows.iter().map(|(start, volume)| (*start, *volume)).collect();
    rows.sort_by_key(|(start, _)| (start.is_none(), *start));
    rates(&rows, window)
}

/// The windows of [`send_rates`], largest first.
#[must_use]
pub fn busiest_windows(sums: &DayPartial, window: i64) -> Table {
    let mut rows: Vec<_> = sums.windows.iter().map(|(start, volume)| (*start, *volume)).collect();
    rows.sort_by_key(|(start, volume)| (Reverse((volume.bytes, volume.packets)), start.is_none(), *start));
    rates(&rows, window)
}

fn rates(rows: &[(Option<i64>, Volume)], window: i64) -> Table {
    let length_s = seconds(window);
    Table::new([
        ("window_start", TableColumn::Time(rows.iter().map(|(start, _)| *start).collect())),
        ("window_s", TableColumn::Float(rows.iter().map(|(start, _)| start.map(|_| length_s)).collect())),
        ("bytes", TableColumn::Int(rows.iter().map(|(_, volume)| Some(volume.bytes)).collect())),
        ("packets", TableColumn::Int(rows.iter().map(|(_, volume)| Some(volume.packets)).collect())),
        (
            "bytes_per_s",
            TableColumn::Float(rows.iter().map(|(start, volume)| start.map(|_| rate(volume.bytes, window))).collect()),
        ),
    ])
}

#[expect(clippy::cast_precision_loss, reason = "a window is at most a day, far below 2^53 microseconds")]
fn seconds(micros: i64) -> f64 {
    micros as f64 / 1e6
}

#[expect(clippy::cast_precision_loss, reason = "a rate is an approximation; bytes of a window are far below 2^53")]
fn rate(bytes: i64, window: i64) -> f64 {
    bytes as f64 / seconds(window)
}

/// The names that DNS gave, with how often: by address, most often first.
#[must_use]
pub fn dns_names(sums: &DayPartial) -> Table {
    let mut rows: Vec<_> = sums.names.iter().map(|((address, name), count)| (address, Reverse(count), name)).collect();
    rows.sort_unstable();
    Table::new([
        ("address", TableColumn::Text(rows.iter().map(|(address, ..)| Some(address.to_string())).collect())),
        ("name", TableColumn::Text(rows.iter().map(|(.., name)| Some((*name).clone())).collect())),
        ("answers", TableColumn::Int(rows.iter().map(|(_, Reverse(count), _)| Some(**count)).collect())),
    ])
}

/// Largest first; equal sums in the order of their keys, null last.
fn by_volume(key: &str, mut rows: Vec<(Option<String>, Volume)>) -> Table {
    rows.sort_by(|(a, x), (b, y)| (y.bytes, y.packets, a.is_none(), a).cmp(&(x.bytes, x.packets, b.is_none(), b)));
    Table::new([
        ("bytes", TableColumn::Int(rows.iter().map(|(_, volume)| Some(volume.bytes)).collect())),
        ("packets", TableColumn::Int(rows.iter().map(|(_, volume)| Some(volume.packets)).collect())),
    ])
    .with_first(key, TableColumn::Text(rows.into_iter().map(|(key, _)| key).collect()))
}

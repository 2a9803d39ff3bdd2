//! The table of captures, from the manifest.

use std::collections::HashMap;

use crate::capture::Timestamp;
use crate::path_text;
use crate::summary::Preview;
use crate::tables::{Table, TableColumn};

use super::record::InputEntry;

/// The table of captures.
#[must_use]
pub fn captures<'a>(inputs: impl Iterator<Item = &'a InputEntry>) -> Table {
    let inputs: Vec<_> = inputs.collect();
    let mut named: HashMap<String, u32> = HashMap::new();
    inputs.iter().for_each(|entry| *named.entry(entry.input.name()).or_default() += 1);
    // The same name may be given in two working directories. Those are two captures.
    let name = |entry: &InputEntry| match named.get(&entry.input.name()) {
        Some(2..) if !entry.input.is_stdin() => path_text::printable(&entry.input.absolute),
        _ => entry.input.name(),
    };
    let texts = |pick: &dyn Fn(&InputEntry) -> Option<String>| {
        TableColumn::Text(inputs.iter().map(|entry| pick(entry)).collect())
    };
    // Of a size that the column cannot hold, which no file system gives, nothing is said.
    let ints = |pick: &dyn Fn(&InputEntry) -> Option<u64>| {
        let value = |entry: &&InputEntry| pick(entry).and_then(|value| i64::try_from(value).ok());
        TableColumn::Int(inputs.iter().map(value).collect())
    };
    let times = |pick: &dyn Fn(&InputEntry) -> Option<Timestamp>| {
        TableColumn::Time(inputs.iter().map(|entry| pick(entry).map(Timestamp::micros)).collect())
    };
    Table::new([
        ("capture", texts(&|entry| Some(name(entry)))),
        ("format", texts(&|entry| entry.found.format.map(|format| format.to_string()))),
        ("compression", texts(&|entry| entry.found.compression.map(|compression| compression.to_string()))),
        (
            "link_types",
            texts(&|entry| {
                let names: Vec<_> = entry.found.link_types.iter().map(|(name, _)| name).collect();
                (!names.is_empty()).then(|| names.join(", "))
            }),
        ),
        ("file_bytes", ints(&|entry| Some(entry.input.size))),
        ("packets", ints(&|entry| Some(entry.found.records))),
        ("bytes", ints(&|entry| u64::try_from(entry.found.length).ok())),
        ("first_time", times(&|entry| entry.found.earliest)),
        ("last_time", times(&|entry| entry.found.latest)),
        ("status", texts(&|entry| Some(entry.status.name().to_owned()))),
        (
            "damage",
            texts(&|entry| {
                entry.found.refused.clone().or_else(|| entry.found.damage.as_ref().map(ToString::to_string))
            }),
        ),
        ("damage_offset", ints(&|entry| entry.found.damage.as_ref().map(|damage| damage.offset))),
        ("gap_bytes", ints(&|entry| (!entry.found.gaps.is_empty()).then_some(entry.found.gaps.bytes))),
    ])
}

/// The first rows of the table of captures.
#[must_use]
pub fn listed_captures<'a>(inputs: impl ExactSizeIterator<Item = &'a InputEntry>, top: usize) -> Preview {
    Preview { name: "captures", rows: inputs.len() as u64, first: captures(inputs.take(top)) }
}

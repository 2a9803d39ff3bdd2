//! The tables of the dates that a run touched, made again from the partial summaries of all their units.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use crate::columns::{Table, TableColumn};
use crate::commit::{InputEntry, Lake, Move, SUMMARIES};
use crate::config::Settings;
use crate::error::{Error, Result};
use crate::partition::Day;
use crate::write::write_table;

use super::partial::DayPartial;
use super::store::load;
use super::tables::{dns_names, protocols, send_rates, volume_by_ip, volume_by_name};

/// A table that has rows of one date each, and how it is made of the date's sums.
type Make = fn(&DayPartial, &Settings) -> Table;

/// The tables that are partitioned by date.
const TABLES: [(&str, Make); 5] = [
    ("volume_by_ip", |sums, _| volume_by_ip(sums)),
    ("volume_by_name", |sums, _| volume_by_name(sums)),
    ("send_rates", |sums, settings| send_rates(sums, settings.window)),
    ("protocols", |sums, _| protocols(sums)),
    ("dns_names", |sums, _| dns_names(sums)),
];

/// Summary tables that are staged, and what they say.
#[derive(Debug, Default)]
pub struct Staged {
    /// Where each staged file goes.
    pub moves: Vec<Move>,
    /// The sums of each date that was touched, for whoever shows them.
    pub days: BTreeMap<Day, DayPartial>,
}

/// Makes the tables of `days` from partial summaries (their paths, below the lake, with the dates to which each
/// contributes), and stages them.
///
/// # Memory
/// One date's sums for each date touched.
/// # Errors
/// If a partial summary cannot be read, or a table cannot be written.
pub fn stage(
    lake: &Lake,
    settings: &Settings,
    days: &BTreeSet<Day>,
    partials: &[(PathBuf, Vec<Day>)],
) -> Result<Staged> {
    let mut staged = Staged::default();
    for (path, contributes) in partials {
        if contributes.iter().any(|day| days.contains(day)) {
            for (day, sums) in load(&lake.resolve(path), |day| days.contains(&day))?.days {
                *staged.days.entry(day).or_default() += sums;
            }
        }
    }
    for (day, sums) in &staged.days {
        for (name, make) in TABLES {
            let folder = Path::new(name).join(format!("date={}", day.text()));
            let step = stage_table(lake, &folder, name, make(sums, settings))?;
            staged.moves.push(step);
        }
    }
    Ok(staged)
}

fn stage_table(lake: &Lake, folder: &Path, name: &str, table: Table) -> Result<Move> {
    let below = Path::new(SUMMARIES).join(folder).join(format!("{name}.parquet"));
    let from = Lake::staging().join(&below);
    let path = lake.resolve(&from);
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
    }
    write_table(&path, table)?;
    Ok(Move { from, to: below })
}

/// Makes and stages the table of captures: one row for each that the lake holds, by path.
///
/// # Errors
/// If it cannot be written.
pub fn stage_captures<'a>(lake: &Lake, inputs: impl Iterator<Item = &'a InputEntry>) -> Result<Move> {
    stage_table(lake, Path::new("captures"), "captures", captures(inputs))
}

/// The table of captures.
#[must_use]
pub fn captures<'a>(inputs: impl Iterator<Item = &'a InputEntry>) -> Table {
    let inputs: Vec<_> = inputs.collect();
    let texts = |pick: &dyn Fn(&InputEntry) -> Option<String>| {
        TableColumn::Text(inputs.iter().map(|entry| pick(entry)).collect())
    };
    let ints = |pick: &dyn Fn(&InputEntry) -> Option<u64>| {
        let value = |entry: &&InputEntry| pick(entry).and_then(|value| i64::try_from(value).ok());
        TableColumn::Int(inputs.iter().map(value).collect())
    };
    let times = |pick: &dyn Fn(&InputEntry) -> Option<crate::read::Timestamp>| {
        TableColumn::Time(inputs.iter().map(|entry| pick(entry).map(crate::read::Timestamp::micros)).collect())
    };
    Table::new([
        ("capture", texts(&|entry| Some(entry.input.name()))),
        ("format", texts(&|entry| entry.found.format.map(|format| format.to_string()))),
        ("compression", texts(&|entry| entry.found.compression.map(|compression| compression.to_string()))),
        (
            "link_types",
            texts(&|entry| {
                let names: Vec<_> = entry.found.link_types.keys().map(String::as_str).collect();
                (!names.is_empty()).then(|| names.join(", "))
            }),
        ),
        ("file_bytes", ints(&|entry| Some(entry.input.size))),
        ("packets", ints(&|entry| Some(entry.found.records))),
        ("bytes", ints(&|entry| u64::try_from(entry.found.length).ok())),
        ("first_time", times(&|entry| entry.found.earliest)),
        ("last_time", times(&|entry| entry.found.latest)),
        ("status", texts(&|entry| Some(entry.status.clone()))),
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

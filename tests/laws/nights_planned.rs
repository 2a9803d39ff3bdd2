//! Law 15 in pieces: a night that is planned, converted unit by unit in any order, some of them twice, and committed, gives
//! the lake that one run gives, to the byte: packets, summaries, partial summaries and manifests.
//!
//! Whatever a night of `nights` begins with is tried: the lake is copied before it, and the night happens to both.

use std::fs;
use std::path::{Path, PathBuf};

use parcap::commands::{CommitOptions, ConvertRequest, Plan, Planned, commit, convert_unit, plan_holding};
use parcap::outcome::Report;
use parcap::plan::{Unit, UnitResult};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::support::{commit_options, convert, files, hashes};

use super::portions::assert_same_parts_and_tables;

/// A night in one run; and, in copies of the lake, in pieces that are committed together, and in pieces of which each is committed by
/// itself, by a commit that fails at the last one and is called again.
pub(crate) fn night_in_one_and_in_pieces(night: &ConvertRequest) -> Report {
    let folder = super::folder();
    let [copy, portions] = ["lake", "portions"].map(|name| {
        let lake = folder.path().join(name);
        copy_all(&night.lake, &lake);
        ConvertRequest { lake, ..night.clone() }
    });
    let pieces = in_pieces(&copy);
    let whole = convert(night);
    assert_eq!(told(&pieces), told(&whole));
    assert_eq!(files(&copy.lake), files(&night.lake));
    assert_eq!(hashes(&copy.lake), hashes(&night.lake), "the lake of the pieces is another one");
    in_portions(&portions);
    assert_same_parts_and_tables(&portions.lake, &night.lake);
    whole
}

/// `plan | convert-unit | commit`.
pub(super) fn in_pieces(night: &ConvertRequest) -> Report {
    let planned = planned(night);
    let Some(plan) = planned.plan else { return planned.report };
    let rows = converted(&planned.units.iter().map(Result::unwrap).collect::<Vec<_>>(), night);
    commit(&night.lake, rows, options(&plan, night)).unwrap()
}

/// The same, with a commit for each unit. The first time, a file of the last unit is not there.
fn in_portions(night: &ConvertRequest) {
    let planned = planned(night);
    let Some(plan) = planned.plan else { return };
    let rows = converted(&planned.units.iter().map(Result::unwrap).collect::<Vec<_>>(), night);
    let by_unit = || CommitOptions { commit_every: 1, ..options(&plan, night) };
    let last = plan.units.last().and_then(|last| rows.iter().rfind(|row| row.unit.id == last.id));
    if let Some(part) = last.and_then(|last| last.parts.first()) {
        // Of a unit that was converted twice, an attempt without its files does not count.
        let once: Vec<_> =
            plan.units.iter().filter_map(|unit| rows.iter().rfind(|row| row.unit.id == unit.id)).cloned().collect();
        let [file, away] = [part.staged.clone(), "away".into()].map(|path: PathBuf| night.lake.join(path));
        fs::rename(&file, &away).unwrap();
        commit(&night.lake, once, by_unit()).unwrap_err();
        fs::rename(&away, &file).unwrap();
    }
    commit(&night.lake, rows, by_unit()).unwrap();
}

/// A plan. However many captures are held in memory to make it, it is the same.
fn planned(night: &ConvertRequest) -> Planned {
    let [few, some, all] = [0, 2, usize::MAX].map(|held| {
        plan_holding(held, &night.named, &night.lake, &night.settings, &night.rules, &night.cancel).unwrap()
    });
    for other in [few, some] {
        assert_eq!(other.plan, all.plan);
        assert!(other.units.iter().map(Result::unwrap).eq(all.units.iter().map(Result::unwrap)));
        assert_eq!(told(&other.report), told(&all.report));
    }
    all
}

/// The rows of units, some of which are converted twice. In which order they are converted and arrive follows from their names, and is
/// none that anything else has.
pub(super) fn converted(units: &[Unit], night: &ConvertRequest) -> Vec<UnitResult> {
    let mut shuffled = units.to_vec();
    shuffled.sort_by(|a, b| a.id.chars().rev().cmp(b.id.chars().rev()));
    let all = shuffled.iter().chain(units.iter().step_by(3));
    let rows = all.map(|unit| convert_unit(&posted(unit), &night.lake, 2, Default::default()).unwrap());
    posted(&rows.collect())
}

pub(super) fn options(plan: &Plan, night: &ConvertRequest) -> CommitOptions {
    CommitOptions {
        plan: Some(posted::<Plan>(plan)),
        strict: night.strict,
        checkpoint_after: night.checkpoint_after,
        ..commit_options()
    }
}

/// As it goes from one program to the next.
fn posted<T: Serialize + DeserializeOwned>(value: &T) -> T {
    serde_json::from_str(&serde_json::to_string(value).unwrap()).unwrap()
}

/// What a report says, but for how long it took.
fn told(report: &Report) -> serde_json::Value {
    let mut told = serde_json::to_value(report).unwrap();
    for field in ["lake", "seconds", "packets_per_second"] {
        told.as_object_mut().unwrap().remove(field);
    }
    told
}

pub(super) fn copy_all(from: &Path, to: &Path) {
    for file in files(from) {
        let place = to.join(&file);
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        fs::copy(from.join(&file), place).unwrap();
    }
}

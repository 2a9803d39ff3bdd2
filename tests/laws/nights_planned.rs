//! Law 15 in pieces: a night that is planned, converted unit by unit in any order, some of them twice, and committed, gives
//! the lake that one run gives, to the byte: packets, summaries, partial summaries and manifests.
//!
//! Whatever a night of `nights` begins with is tried: the lake is copied before it, and the night happens to both.

use std::fs;
use std::path::Path;

use parcap::commands::{CommitOptions, ConvertRequest, Plan, Planned, commit, convert_unit, plan};
use parcap::outcome::Report;
use parcap::plan::{Unit, UnitResult};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::support::{commit_options, convert, files, hashes};

/// A night in one run; and, in a copy of the lake, in pieces.
pub(crate) fn night_in_one_and_in_pieces(night: &ConvertRequest) -> Report {
    let folder = super::folder();
    let copy = ConvertRequest { lake: folder.path().join("lake"), ..night.clone() };
    copy_all(&night.lake, &copy.lake);
    let pieces = in_pieces(&copy);
    let whole = convert(night);
    assert_eq!(told(&pieces), told(&whole));
    assert_eq!(files(&copy.lake), files(&night.lake));
    assert_eq!(hashes(&copy.lake), hashes(&night.lake), "the lake of the pieces is another one");
    whole
}

/// `plan | convert-unit | commit`. In which order the units are converted and arrive follows from their names, and is
/// none that anything else has.
pub(crate) fn in_pieces(night: &ConvertRequest) -> Report {
    let Planned { plan, mut units, report } =
        plan(&night.named, &night.lake, &night.settings, &night.rules, &night.cancel).unwrap();
    let Some(plan) = plan else { return report };
    let again: Vec<_> = units.iter().step_by(3).cloned().collect();
    units.sort_by(|a, b| a.id.chars().rev().cmp(b.id.chars().rev()));
    units.extend(again);
    let convert = |unit: &Unit| convert_unit(&posted(unit), &night.lake, 2, Default::default()).unwrap();
    let rows: Vec<UnitResult> = units.iter().map(convert).collect();
    let options = CommitOptions {
        plan: Some(posted::<Plan>(&plan)),
        strict: night.strict,
        checkpoint_after: night.checkpoint_after,
        ..commit_options()
    };
    commit(&night.lake, posted(&rows), options).unwrap()
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

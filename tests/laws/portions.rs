//! Law 26: portions change no byte. A run that commits now and then, one that commits at its end, and one that ends early and is
//! gone on with, whatever its portions then, give the same parts and the same tables.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use parcap::cancel::Cancel;
use parcap::commands::{
    CommitOptions, ConvertRequest, Incomplete, Planned, commit, compact_lake, convert as try_to_convert, plan,
};
use parcap::config::Settings;
use parcap::error::Error;
use parcap::lake::{Layout, Snapshot};
use parcap::outcome::MaxDamaged;
use parcap::plan::UnitResult;
use proptest::prelude::*;

use crate::support::{convert, folder, hashes, request, save};

use super::archive::content;
use super::checkpoints::assert_checkpoint_is_sum_of_manifests;
use super::nights::{assert_sound, rewrite_of, sorted};
use super::nights_planned::{converted, copy_all, options};

/// The visible files of a lake, and what they hold.
fn visible(lake: &Path) -> [BTreeMap<PathBuf, (usize, u64)>; 2] {
    ["packets", "summaries"].map(|folder| hashes(&lake.join(folder)))
}

/// A night in one commit; and, in a copy of the lake, in a commit for each unit.
pub(super) fn night_in_one_and_in_portions(night: &ConvertRequest) {
    let folder = folder();
    let [once, portions] = ["once", "portions"].map(|name| folder.path().join(name));
    for (lake, commit_every) in [(&once, 0), (&portions, 1)] {
        copy_all(&night.lake, lake);
        convert(&ConvertRequest { lake: lake.clone(), commit_every, ..night.clone() });
    }
    // Where few captures are selected together, work may be done twice, and rows are the same.
    let few = ConvertRequest { lake: folder.path().join("few"), batch: 1, commit_every: 1, ..night.clone() };
    copy_all(&night.lake, &few.lake);
    convert(&few);
    assert!(sorted(&few.lake) == sorted(&once), "captures that are selected one by one give other rows");
    assert_sound(&few.lake);
    assert_checkpoint_is_sum_of_manifests(&few.lake);
    assert_same_parts_and_tables(&portions, &once);
}

/// A lake that was made in portions is sound, and as one that was made at once.
pub(super) fn assert_same_parts_and_tables(portions: &Path, once: &Path) {
    let [of_once, of_portions] = [once, portions].map(visible);
    assert!(of_portions[1] == of_once[1], "the portions give other tables");
    assert_eq!(unnamed(&of_portions[0]), unnamed(&of_once[0]), "the portions give other parts");
    assert_sound(portions);
}

/// The folder and the content of each part. The name of one from which captures have been taken tells from which part they were taken,
/// and that may have been one that others had been taken from.
fn unnamed(parts: &BTreeMap<PathBuf, (usize, u64)>) -> Vec<(PathBuf, (usize, u64))> {
    let mut parts: Vec<_> =
        parts.iter().map(|(path, content)| (path.parent().unwrap().to_path_buf(), *content)).collect();
    parts.sort();
    parts
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn a_run_that_ends_early_and_goes_on_gives_the_lake_of_one_commit(
        sizes in prop::collection::vec(1..60_u8, 2..16),
        chunk_size in prop::sample::select(vec![64 << 20, 1000_u64]),
        target_file_size in prop::sample::select(vec![128 << 20, 400_u64, 100]),
        portions in prop::collection::vec(prop::sample::select(vec![0, 1, 1500, 4000, 1 << 30_u64]), 1..4),
        bad in any::<prop::sample::Index>(),
        // How many captures are selected together.
        batch in prop::sample::select(vec![1, 3, 1 << 20]),
    ) {
        let folder = folder();
        let archive = folder.path().join("archive");
        fs::create_dir(&archive).unwrap();
        for (place, packets) in sizes.iter().enumerate() {
            // None begins as another one does: a cut one would be left out.
            let bytes = content(u8::try_from(place).unwrap(), *packets);
            fs::write(archive.join(format!("{place:02}.pcap")), bytes).unwrap();
        }
        let settings = Settings { chunk_size, target_file_size, ..Settings::default() };
        let of = |name: &str, commit_every| {
            let asked = request(&[&archive], &folder.path().join(name));
            ConvertRequest { settings: settings.clone(), commit_every, ..asked }
        };
        let once = of("once", 0);
        let whole = convert(&once);
        prop_assert_eq!(whole.commits, 1);

        // The first run of all meets a damaged capture which is one too many, and is gone when the next one comes.
        let lake = ConvertRequest { batch, ..of("lake", 0) };
        let damaged = archive.join(format!("{:02}.pcap", bad.index(sizes.len())));
        let whole_bytes = fs::read(&damaged).unwrap();
        let mut cut = whole_bytes.clone();
        cut.truncate(whole_bytes.len() - 3);
        let kept = folder.path().join("kept");
        fs::rename(&damaged, &kept).unwrap();
        fs::write(&damaged, cut).unwrap();
        let first = ConvertRequest {
            max_damaged: Some(MaxDamaged::Captures(0)),
            commit_every: portions[0],
            ..lake.clone()
        };
        let failed = try_to_convert(&first);
        let refused = matches!(failed, Err(Error::TooManyDamaged { damaged: 1, .. }));
        prop_assert!(refused, "{failed:?}");
        fs::rename(&kept, &damaged).unwrap();
        let mut converted = 0;
        for commit_every in portions.iter().skip(1).chain([&0]) {
            converted += convert(&ConvertRequest { commit_every: *commit_every, ..lake.clone() }).inputs;
        }
        prop_assert!(converted <= whole.inputs);
        prop_assert_eq!(visible(&lake.lake), visible(&once.lake));
        assert_sound(&lake.lake);
    }
}

#[test]
fn what_was_committed_stays_when_a_run_fails_and_the_report_is_of_the_whole_run() {
    let folder = folder();
    let names = ["a", "b", "c", "d"];
    let captures: Vec<PathBuf> =
        names.iter().map(|name| save(&folder, &format!("{name}.pcap"), &content(name.as_bytes()[0], 30))).collect();
    let settings = Settings { target_file_size: 100, ..Settings::default() };
    let once = ConvertRequest { settings, commit_every: 0, ..request(&captures, &folder.path().join("once")) };
    let whole = convert(&once);
    let portions = ConvertRequest { commit_every: 1, lake: folder.path().join("portions"), ..once.clone() };
    let report = convert(&portions);
    assert_eq!((report.commits, report.inputs, report.parts), (4, 4, whole.parts));
    assert_eq!((report.rows, report.records, report.bytes_in), (whole.rows, whole.records, whole.bytes_in));
    let tables = |report: &parcap::outcome::Report| serde_json::to_string(&report.summaries).unwrap();
    assert_eq!(tables(&report), tables(&whole));
    assert_eq!(visible(&portions.lake), visible(&once.lake));

    // The third is damaged, and that is one too many: the first two stay.
    let lake = folder.path().join("lake");
    let third = fs::read(&captures[2]).unwrap();
    fs::write(&captures[2], &third[..third.len() - 3]).unwrap();
    let strict = ConvertRequest { max_damaged: Some(MaxDamaged::Captures(0)), lake: lake.clone(), ..portions };
    match try_to_convert(&strict) {
        Err(Error::TooManyDamaged { damaged: 1, all: 4, commits: 2 }) => {}
        other => panic!("{other:?}"),
    }
    let report = convert(&ConvertRequest { max_damaged: None, ..strict.clone() });
    assert_eq!((report.inputs, report.unchanged, report.damaged.len(), report.commits), (2, 2, 1, 2));
    assert_sound(&lake);

    // A share counts of all captures that the run was given, not of those that it has got to.
    let lake = folder.path().join("a-share");
    let report = convert(&ConvertRequest { max_damaged: Some(MaxDamaged::Percent(25.0)), lake, ..strict });
    assert_eq!((report.inputs, report.damaged.len(), report.commits), (4, 1, 4));
}

#[test]
fn what_was_committed_of_a_plan_stays_when_the_commit_fails_and_the_next_one_goes_on() {
    let folder = folder();
    let names = ["a", "b", "c", "d"];
    let mut captures: Vec<PathBuf> =
        names.iter().map(|name| save(&folder, &format!("{name}.pcap"), &content(name.as_bytes()[0], 30))).collect();
    // One more name of the first: it is left out, once.
    captures.push(folder.path().join("link.pcap"));
    fs::hard_link(&captures[0], &captures[4]).unwrap();
    let once = convert(&request(&captures, &folder.path().join("once")));
    // In a lake with a Delta log each portion is a version.
    for (batch, portions, delta) in [(1, 4, false), (2, 2, false), (1, 4, true)] {
        let settings = Settings { target_file_size: 100, delta, ..Settings::default() };
        let lake = folder.path().join(format!("by-{batch}-{delta}"));
        let night = ConvertRequest { settings: settings.clone(), ..request(&captures, &lake) };
        let lake = &night.lake;
        let Planned { plan, units, .. } = plan(&night.named, lake, &settings, &night.rules, &night.cancel).unwrap();
        let (plan, units) = (plan.unwrap(), units.iter().map(Result::unwrap).collect::<Vec<_>>());
        assert_eq!(units.len(), 4);
        let in_order = |rows: Vec<UnitResult>| -> Vec<UnitResult> {
            units.iter().map(|unit| rows.iter().find(|row| row.unit.id == unit.id).unwrap().clone()).collect()
        };
        let rows = in_order(converted(&units, &night));
        let how = || CommitOptions { commit_every: 1 << 40, batch, ..options(&plan, &night) };
        let part = lake.join(&rows[2].parts[0].staged);
        let away = folder.path().join("away");
        fs::rename(&part, &away).unwrap();
        commit(lake, rows.clone(), how()).unwrap_err();
        let progress = Snapshot::read(&Layout::at(lake)).unwrap().plan.unwrap();
        assert_eq!((progress.plan.as_str(), progress.units), (plan.plan.as_str(), 2));

        // Another process that has only the plan's first line and the rows goes on with it, also after the lake was compacted.
        fs::rename(&away, &part).unwrap();
        compact_lake(&rewrite_of(lake)).unwrap();
        let report = commit(lake, rows.clone(), how()).unwrap();
        assert_eq!((report.records, report.commits), (60, portions / 2));
        assert_sound(lake);
        assert!(sorted(lake) == sorted(&folder.path().join("once")), "other rows");
        assert_eq!(Snapshot::read(&Layout::at(lake)).unwrap().inputs.len(), 5);
        let known = commit(lake, Vec::new(), how()).unwrap();
        assert!(known.notes.iter().any(|note| note == "the lake holds all of the plan already"), "{:?}", known.notes);
        assert_eq!(convert(&night).unchanged, once.inputs + 1);
    }
}

/// A run that goes on names what the run before it has left out.
#[test]
fn a_commit_that_goes_on_names_what_was_left_out_before() {
    let folder = folder();
    let captures = [1, 2, 3].map(|seed| save(&folder, &format!("{seed}.pcap"), &content(seed, 30)));
    let settings = Settings { target_file_size: 100, ..Settings::default() };
    let night = ConvertRequest { settings, ..request(&captures, &folder.path().join("lake")) };
    let Planned { plan, units, .. } =
        plan(&night.named, &night.lake, &night.settings, &night.rules, &night.cancel).unwrap();
    let plan = plan.unwrap();
    let rows = converted(&units.iter().map(Result::unwrap).collect::<Vec<_>>(), &night);
    let of_unit = |place: usize| rows.iter().find(|row| row.unit.id == plan.units[place].id).unwrap().clone();
    let commit = || {
        let how = CommitOptions { commit_every: 1, incomplete: Incomplete::LeaveOut, ..options(&plan, &night) };
        commit(&night.lake, vec![of_unit(1), of_unit(2)], how)
    };
    // A signal ends it before a portion, and not after the last one.
    let stopped = Cancel::default();
    stopped.signal(2);
    let how = CommitOptions { commit_every: 1, cancel: stopped, ..options(&plan, &night) };
    let failed = parcap::commands::commit(&night.lake, rows.clone(), how).unwrap_err();
    assert!(matches!(failed, Error::Interrupted { .. }), "{failed:?}");
    assert_eq!(Snapshot::read(&Layout::at(&night.lake)).unwrap().sequence, 0);
    // Something is where the part of the last unit belongs.
    let place = night.lake.join(&of_unit(2).parts[0].path);
    fs::create_dir_all(&place).unwrap();
    commit().unwrap_err();
    fs::remove_dir(&place).unwrap();
    let report = commit().unwrap();
    assert_eq!(report.commits, 1);
    assert_eq!(report.refused.iter().map(|refused| &refused.path).collect::<Vec<_>>(), [&captures[0]]);
    assert_eq!(convert(&night).inputs, 1);
    assert_sound(&night.lake);
}

/// As many captures as before, and others: one was touched, one was rewritten, one has another name.
#[test]
fn a_plan_is_old_where_a_capture_of_the_lake_has_changed_since() {
    type Change = fn(&Path);
    let changes: [(&str, Change); 3] = [
        ("touched", |path| fs::File::open(path).unwrap().set_modified(std::time::UNIX_EPOCH).unwrap()),
        ("rewritten", |path| fs::write(path, content(9, 40)).unwrap()),
        ("renamed", |path| fs::rename(path, path.with_file_name("c.pcap")).unwrap()),
    ];
    for (name, change) in changes {
        let folder = folder();
        let archive = folder.path().join("archive");
        fs::create_dir(&archive).unwrap();
        fs::write(archive.join("a.pcap"), content(1, 30)).unwrap();
        let night = request(&[&archive], &folder.path().join("lake"));
        convert(&night);
        fs::write(archive.join("b.pcap"), content(2, 30)).unwrap();
        let Planned { plan, units, .. } =
            plan(&night.named, &night.lake, &night.settings, &night.rules, &night.cancel).unwrap();
        let rows = converted(&units.iter().map(Result::unwrap).collect::<Vec<_>>(), &night);
        fs::rename(archive.join("b.pcap"), folder.path().join("b.pcap")).unwrap();
        change(&archive.join("a.pcap"));
        convert(&night);
        fs::rename(folder.path().join("b.pcap"), archive.join("b.pcap")).unwrap();
        let old = commit(&night.lake, rows, options(&plan.unwrap(), &night)).unwrap_err();
        assert!(matches!(old, Error::PlanIsOld { .. }), "{name}: {old:?}");
        assert_eq!(convert(&night).inputs, 1, "{name}");
    }
}

#[test]
fn a_plan_that_has_begun_is_old_where_the_lake_has_got_other_captures_since() {
    let folder = folder();
    let [a, b, other] = [(1, "a"), (2, "b"), (3, "other")]
        .map(|(seed, name)| save(&folder, &format!("{name}.pcap"), &content(seed, 30)));
    let settings = Settings { target_file_size: 100, ..Settings::default() };
    let night = ConvertRequest { settings, ..request(&[&a, &b], &folder.path().join("lake")) };
    let Planned { plan, units, .. } =
        plan(&night.named, &night.lake, &night.settings, &night.rules, &night.cancel).unwrap();
    let plan = plan.unwrap();
    let rows = converted(&units.iter().map(Result::unwrap).collect::<Vec<_>>(), &night);
    let how = || CommitOptions { commit_every: 1, ..options(&plan, &night) };
    let last = rows.iter().find(|row| row.unit.id == plan.units[1].id).unwrap();
    let part = night.lake.join(&last.parts[0].staged);
    fs::rename(&part, folder.path().join("away")).unwrap();
    let of_plan = |id: &str| rows.iter().find(|row| row.unit.id == id).unwrap().clone();
    let once = || plan.units.iter().map(|unit| of_plan(&unit.id)).collect::<Vec<_>>();
    commit(&night.lake, once(), how()).unwrap_err();
    fs::rename(folder.path().join("away"), &part).unwrap();
    convert(&ConvertRequest { named: vec![other], ..night.clone() });
    let old = commit(&night.lake, once(), how()).unwrap_err();
    assert!(matches!(old, Error::PlanIsOld { .. }), "{old:?}");
    assert_eq!(convert(&night).inputs, 1);
    assert_sound(&night.lake);
}

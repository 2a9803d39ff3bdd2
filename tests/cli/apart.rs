//! `plan | convert-unit | commit`: the work of a conversion, done apart, gives what `convert` gives.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::support::{Ran, hashes, run, run_with, sample, save, summary, text};

use super::capture;

/// The arguments of a conversion into small chunks and small parts, so that captures are cut and have several units; and
/// what a commit must not forget about their summaries.
fn shape() -> Vec<&'static str> {
    let [chunks, parts, groups] = [["--chunk-size", "900"], ["--target-file-size", "64"], ["--row-group-rows", "11"]];
    let [conversations, window] = [["--conversations", "3"], ["--window", "250ms"]];
    [chunks, parts, groups, conversations, window].concat()
}

fn inputs(folder: &tempfile::TempDir) -> Vec<String> {
    vec![text(&save(folder, "capture.pcap", &capture().bytes)), sample("vlan.pcap"), sample("web.pcap.gz")]
}

/// The units that `parcap plan` prints.
fn plan(inputs: &[String], lake: &Path) -> Vec<String> {
    let mut args = vec!["plan".to_owned()];
    args.extend(inputs.iter().cloned());
    args.extend(["--out".to_owned(), text(lake)]);
    args.extend(shape().into_iter().map(str::to_owned));
    let ran = run(&args);
    assert_eq!((ran.status, ran.stderr.as_str()), (Some(0), ""));
    ran.stdout.lines().skip(1).map(str::to_owned).collect()
}

fn convert_unit(unit: &str, lake: &Path, jobs: &str) -> String {
    let ran = run_with(["convert-unit", "--out", &text(lake), "--jobs", jobs], unit.as_bytes());
    assert_eq!((ran.status, ran.stderr.as_str()), (Some(0), ""));
    assert_eq!(ran.stdout.lines().count(), 1);
    ran.stdout
}

fn commit(rows: &[String], lake: &Path) -> Ran {
    run_with(["commit", &text(lake), "--format", "json"], rows.concat().as_bytes())
}

/// What a lake shows: every part by its name, and every summary.
type Shown = (BTreeMap<PathBuf, (usize, u64)>, BTreeMap<PathBuf, (usize, u64)>);

fn shown(lake: &Path) -> Shown {
    (hashes(&lake.join("packets")), hashes(&lake.join("summaries")))
}

fn converted(inputs: &[String], lake: &Path) -> Shown {
    let mut args = vec!["convert".to_owned()];
    args.extend(inputs.iter().cloned());
    args.extend(["--out".to_owned(), text(lake)]);
    args.extend(shape().into_iter().map(str::to_owned));
    let ran = run(&args);
    assert_eq!(ran.status, Some(0), "{ran:?}");
    shown(lake)
}

#[test]
fn units_that_are_converted_apart_give_the_same_parts_in_whatever_order_and_however_often() {
    let folder = crate::support::folder();
    let inputs = inputs(&folder);
    let whole = converted(&inputs, &folder.path().join("whole"));

    let in_order = folder.path().join("in-order");
    let units = plan(&inputs, &in_order);
    assert!(units.len() > 5, "{} units", units.len());
    assert!(!in_order.exists(), "a plan writes nothing");
    let rows: Vec<_> = units.iter().map(|unit| convert_unit(unit, &in_order, "1")).collect();
    assert_eq!(shown(&in_order), Shown::default(), "nothing is visible before the commit");
    let ran = commit(&rows, &in_order);
    assert_eq!((ran.status, &ran.json()["rows"]), (Some(0), &(90 + 110 + 172).into()), "{ran:?}");
    assert_eq!(shown(&in_order), whole);
    let conversations = summary(&in_order, "conversations");
    let rests = conversations.iter().filter(|row| row.get("rest").is_some()).count();
    // Three dates; on each more than three pairs of addresses.
    assert_eq!((rests, conversations.iter().filter(|row| row.get("ip_src").is_some()).count()), (3, 9));
    assert!(summary(&in_order, "send_rates").iter().all(|row| row.float("window_s") == Some(0.25)));

    let backwards = folder.path().join("backwards");
    let mut rows: Vec<_> = units.iter().rev().map(|unit| convert_unit(unit, &backwards, "3")).collect();
    // A scheduler that lost an answer runs a unit again, and hands both answers in.
    rows.extend([convert_unit(&units[0], &backwards, "1"), convert_unit(&units[units.len() - 1], &backwards, "2")]);
    let ran = commit(&rows, &backwards);
    assert_eq!(ran.status, Some(0), "{ran:?}");
    assert_eq!(shown(&backwards), whole);

    // What is committed is held: neither a plan nor a commit takes it once more.
    assert_eq!(plan(&inputs, &backwards), Vec::<String>::new());
    assert_eq!(summary(&backwards, "captures").len(), inputs.len());
}

#[test]
fn a_commit_without_all_units_of_a_capture_is_refused() {
    let folder = crate::support::folder();
    let inputs = inputs(&folder);
    let lake = folder.path().join("lake");
    let units = plan(&inputs[..1], &lake);
    let rows: Vec<_> = units.iter().map(|unit| convert_unit(unit, &lake, "1")).collect();
    for some in [&rows[1..], &rows[..rows.len() - 1], &[&rows[..1], &rows[2..]].concat()] {
        let ran = commit(some, &lake);
        assert_eq!(ran.status, Some(1), "{ran:?}");
        assert_eq!(shown(&lake), Shown::default());
    }
    // Nothing is lost: the whole of it can still be committed.
    assert_eq!(commit(&rows, &lake).status, Some(0));
    assert_eq!(crate::support::packets(&lake).len(), 90);
}

#[test]
fn a_row_that_points_out_of_the_lake_is_refused() {
    let folder = crate::support::folder();
    let lake = folder.path().join("lake");
    let units = plan(&inputs(&folder)[1..2], &lake);
    let secret = save(&folder, "secret", b"not a part");
    for unit in units {
        let mut row: serde_json::Value = serde_json::from_str(&convert_unit(&unit, &lake, "1")).unwrap();
        row["parts"][0]["staged"] = "_parcap/units/../../../secret".into();
        let ran = commit(&[row.to_string()], &lake);
        assert_eq!(ran.status, Some(1), "{ran:?}");
    }
    assert_eq!((shown(&lake), secret.exists()), (Shown::default(), true));
}

#[test]
fn a_row_of_captures_that_its_unit_does_not_have_is_refused() {
    let folder = crate::support::folder();
    let lake = folder.path().join("lake");
    let units = plan(&inputs(&folder)[1..2], &lake);
    let rows: Vec<_> = units.iter().map(|unit| convert_unit(unit, &lake, "1")).collect();
    let row: serde_json::Value = serde_json::from_str(&rows[0]).unwrap();
    let (mut of_another, mut of_none) = (row.clone(), row.clone());
    of_another["parts"][0]["ranges"][0]["input"] = 7.into();
    of_none["captures"] = serde_json::Value::Array(Vec::new());
    for row in [of_another, of_none] {
        let ran = commit(&[row.to_string()], &lake);
        assert_eq!(
            (ran.status, ran.complaint().contains("is not a row as `parcap convert-unit` prints it")),
            (Some(1), true)
        );
    }
    assert_eq!(shown(&lake), Shown::default());
    assert_eq!(commit(&rows, &lake).status, Some(0));
}

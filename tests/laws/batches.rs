//! Law 2, for runs: in how many runs, and in which order, captures come into a lake changes neither its rows nor its
//! summaries.

use std::path::{Path, PathBuf};

use parcap::commands::ConvertRequest;
use parcap::config::{Decapsulation, FLOW_TIMEOUT, Settings};
use parcap::outcome::RunOutcome;

use crate::support::{Row, convert, folder, hashes, packets, request, save, summary, summary_names};

use super::{mixed_pcapng, plain_pcap};

fn captures(folder: &tempfile::TempDir) -> Vec<PathBuf> {
    let mut names = vec![
        save(folder, "plain.pcap", &plain_pcap().bytes),
        save(folder, "mixed.pcapng", &mixed_pcapng().bytes),
        save(folder, "cut.pcap", &plain_pcap().bytes[..3000]),
        save(folder, "same.pcap", &plain_pcap().bytes),
        save(folder, "empty.pcap", &[]),
    ];
    // Names and addresses, for volume_by_name and dns_names.
    names.extend(["dns.pcapng", "office-hour.pcap"].map(|name| crate::support::repository("data/captures").join(name)));
    names
}

/// The rows of each partition, in no order, for runs order the captures of a partition.
fn sorted(lake: &Path) -> Vec<Row> {
    let mut rows = packets(lake);
    rows.sort();
    rows
}

#[test]
fn one_run_or_several_in_any_order_give_the_same_rows_and_summaries() {
    let folder = folder();
    let mut captures = captures(&folder);
    captures.push(crate::support::repository("data/captures/tunnels.pcap"));
    let asking = |captures: &[PathBuf], lake: &Path| {
        let settings =
            Settings { decapsulate: Decapsulation::all(), flow_timeout: Some(FLOW_TIMEOUT), ..Settings::default() };
        ConvertRequest { settings, ..request(captures, lake) }
    };
    let once = asking(&captures, &folder.path().join("once"));
    convert(&once);
    let rows = sorted(&once.lake);
    assert!(summary_names().all(|name| !summary(&once.lake, name).is_empty()));

    let one_by_one: Vec<Vec<PathBuf>> = captures.iter().rev().map(|path| vec![path.clone()]).collect();
    let (even, odd): (Vec<_>, Vec<_>) = captures.iter().cloned().enumerate().partition(|(place, _)| place % 2 == 0);
    let halves: Vec<Vec<PathBuf>> =
        [odd, even].into_iter().map(|half| half.into_iter().map(|(_, path)| path).collect()).collect();
    for (batches, name) in [(one_by_one, "one-by-one"), (halves, "halves")] {
        let lake = folder.path().join(name);
        for batch in batches {
            convert(&asking(&batch, &lake));
        }
        assert_eq!(sorted(&lake), rows, "{name}");
        for table in summary_names() {
            assert_eq!(summary(&lake, table), summary(&once.lake, table), "{name}: {table}");
        }
    }
}

#[test]
fn a_second_run_over_the_same_captures_changes_nothing() {
    let folder = folder();
    let captures = captures(&folder);
    let request = request(&captures, &folder.path().join("lake"));
    // The cut capture is left out: another one begins as it does.
    assert_eq!(convert(&request).inputs, captures.len() as u64 - 1);
    let before = hashes(&request.lake);
    let again = convert(&request);
    assert_eq!((again.inputs, again.unchanged, again.records, again.parts), (0, captures.len() as u64, 0, 0));
    assert_eq!(hashes(&request.lake), before);
}

#[test]
fn a_later_run_converts_only_what_is_new() {
    let folder = folder();
    let mut captures = captures(&folder);
    let new = captures.split_off(2);
    let lake = folder.path().join("lake");
    convert(&request(&captures, &lake));
    let before = hashes(&lake.join("packets"));
    captures.extend(new.iter().cloned());
    let report = convert(&request(&captures, &lake));
    assert_eq!((report.inputs, report.unchanged), (new.len() as u64 - 1, 2));
    let after = hashes(&lake.join("packets"));
    assert!(before.iter().all(|(path, hash)| after.get(path) == Some(hash)), "a part of the first run has changed");
}

#[test]
fn what_has_changed_is_replaced() {
    let folder = folder();
    let path = save(&folder, "grows.pcap", &plain_pcap().bytes[..3000]);
    let request = request(&[&path], &folder.path().join("lake"));
    convert(&request);
    std::fs::write(&path, plain_pcap().bytes).unwrap();
    let report = convert(&request);
    assert_eq!((report.replaced, report.outcome()), (1, RunOutcome::Complete));
    let fresh = crate::support::request(&[&path], &folder.path().join("fresh"));
    convert(&fresh);
    assert_eq!(hashes(&request.lake.join("packets")), hashes(&fresh.lake.join("packets")));
    assert_eq!(hashes(&request.lake.join("summaries")), hashes(&fresh.lake.join("summaries")));
}

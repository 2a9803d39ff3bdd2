//! A command that is called as a function gives what the command prints, and prints nothing.

use std::sync::Arc;

use parcap::cli::{CallResult, FailureKind, call, summary_tables};
use parcap::{Cancel, Unobserved};

use crate::support::{folder, repository, run, run_with, sample, text};

fn damaged(name: &str) -> String {
    text(&repository("data/damaged").join(name))
}

fn called(arguments: &[&str], input: &[&str]) -> CallResult {
    let input = input.iter().map(|line| (*line).to_owned()).collect();
    call(arguments.iter().map(Into::into), input, Arc::new(Unobserved), &Cancel::default())
}

#[test]
fn a_call_gives_what_the_command_prints() {
    let folder = folder();
    let lake = text(&folder.path().join("lake"));
    let (capture, cut) = (sample("office-hour.pcap"), damaged("cut-in-packet.pcap"));
    assert_eq!(run(["convert", &capture, &cut, "--out", &lake]).status, Some(3));
    for arguments in [
        &["inspect", &capture, &cut, "--format", "json"][..],
        &["inspect", &capture, &cut, "--format", "table"],
        &["summarize", &lake, "--format", "csv", "--table", "volume_by_ip"],
        &["summarize", &lake],
        &["summarize", &cut, "--protocol", "UDP"],
        &["verify", &lake, "--format", "json"],
        &["convert", &capture, "--out", &lake, "--dry-run"],
        &["plan", &capture, &cut, "--out", &text(&folder.path().join("planned"))],
        &["forget", &lake, &capture, "--dry-run"],
        &["completions", "bash"],
        &["--version"],
        &["convert", "--help"],
        &["summarize", "--nonsense"],
        &["summarize", &lake, "--top", "all"],
        &["convert", &capture, "--out", &lake, "--timestamp-unit", "ns"],
        &["forget", &lake, "never-converted.pcap"],
    ] {
        let (ran, called) = (run(arguments), called(arguments, &[]));
        assert_eq!(Some(i32::from(called.status)), ran.status, "{arguments:?}");
        assert_eq!(called.results, ran.stdout, "{arguments:?}");
        assert!(ran.stderr.starts_with(&called.messages), "{arguments:?}: {called:?} {ran:?}");
        match &called.failure {
            Some(failure) => {
                assert!(ran.stderr.contains(&format!("error: {}", failure.message)), "{arguments:?}: {called:?}");
                assert!(failure.hint.iter().all(|hint| ran.stderr.contains(&format!("hint: {hint}"))), "{arguments:?}");
            }
            None => assert_eq!(called.messages, ran.stderr, "{arguments:?}"),
        }
    }
}

#[test]
fn units_are_converted_and_committed_from_the_lines_of_a_caller() {
    let folder = folder();
    let lakes = ["called", "command"].map(|name| text(&folder.path().join(name)));
    let capture = sample("office-hour.pcap");
    let planned = lakes.each_ref().map(|lake| run(["plan", &capture, "--out", lake]).stdout);
    let lines: Vec<_> = planned[0].lines().collect();
    let rows = called(&["convert-unit", "--out", &lakes[0]], &lines).results;
    assert_eq!(rows.lines().count(), lines.len());
    let rows: Vec<_> = rows.lines().collect();
    assert_eq!(called(&["commit", &lakes[0]], &rows).status, 0);
    let rows = run_with(["convert-unit", "--out", &lakes[1]], planned[1].as_bytes()).stdout;
    assert_eq!(run_with(["commit", &lakes[1]], rows.as_bytes()).status, Some(0));
    let verified = lakes.map(|lake| run(["verify", &lake, "--deep"]));
    assert_eq!(verified[0].stdout, verified[1].stdout);
}

#[test]
fn a_failure_has_its_kind() {
    let folder = folder();
    let lake = text(&folder.path().join("lake"));
    let (capture, cut) = (sample("office-hour.pcap"), damaged("cut-in-packet.pcap"));
    assert_eq!(run(["convert", &capture, "--out", &lake]).status, Some(0));
    for (arguments, kind) in [
        (&["convert", &capture, "--out", &lake, "--length", "captured"][..], FailureKind::SettingsDiffer),
        (&["convert", &cut, "--out", &lake, "--max-damaged", "0"], FailureKind::Damaged),
        (&["convert", &capture], FailureKind::Usage),
        (&["report", &capture, "--out", "/nowhere/page.html"], FailureKind::Io),
        (&["convert", &capture, "--out", &capture], FailureKind::Usage),
    ] {
        assert_eq!(called(arguments, &[]).failure.map(|failure| failure.kind), Some(kind), "{arguments:?}");
    }
    let cancel = Cancel::default();
    cancel.signal(2);
    let arguments = ["inspect", &capture].map(Into::into);
    let interrupted = call(arguments, Vec::new(), Arc::new(Unobserved), &cancel);
    assert_eq!(interrupted.failure.map(|failure| failure.kind), Some(FailureKind::Interrupted));
    assert_eq!(interrupted.status, 130);
}

#[test]
fn tables_have_all_of_their_rows() {
    let capture = sample("office-hour.pcap");
    let csv = run(["summarize", &capture, "--format", "csv", "--table", "volume_by_ip"]).stdout;
    let arguments = [&capture, "--table", "volume_by_ip"].map(Into::into);
    let (tables, messages) = summary_tables(arguments, &Cancel::default()).unwrap();
    assert_eq!((tables.len(), tables[0].name, messages.as_str()), (1, "volume_by_ip", ""));
    assert_eq!(tables[0].first.rows(), csv.lines().count() - 1);
    let wrong = [&capture, "--table", "nonsense"].map(Into::into);
    assert_eq!(summary_tables(wrong, &Cancel::default()).unwrap_err().kind, FailureKind::Usage);
}

//! What cannot be done is refused by its exit status and its first line, and leaves nothing that was not there.

use std::fs;

use crate::support::{Ran, command, files, finish, folder, packets, run, sample, save, text};

use super::capture;

/// Runs `parcap` in a folder that holds a text, an empty file, an empty folder and a capture cut in its header; whatever
/// fails must leave the folder as it is.
fn refused(args: &[&str]) -> Ran {
    let folder = folder();
    fs::create_dir(folder.path().join("empty")).unwrap();
    save(&folder, "notes.txt", b"hello\n");
    save(&folder, "file", b"");
    save(&folder, "half.pcap", &capture().bytes[..7]);
    let listed = || {
        let entries = fs::read_dir(folder.path()).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        (names, files(folder.path()))
    };
    let before = listed();
    let ran = finish(command().args(args).current_dir(folder.path()));
    assert_eq!(listed(), before, "{args:?} left something: {ran:?}");
    assert_eq!(ran.stdout, "", "{args:?}");
    ran
}

#[test]
fn what_cannot_be_done_is_refused_with_its_status_and_first_line_and_leaves_nothing() {
    let good = sample("vlan.pcap");
    let good = good.as_str();
    for (args, status, complaint) in [
        (vec![], 2, "Packet captures into a Parquet lake"),
        (vec!["convert", "--out", "lake"], 2, "error: the following required arguments were not provided:"),
        (vec!["convert", good], 2, "error: the following required arguments were not provided:"),
        (vec!["convert", good, "--out", "lake", "--wat"], 2, "error: unexpected argument '--wat' found"),
        (vec!["frobnicate"], 2, "error: unrecognized subcommand 'frobnicate'"),
        (
            vec!["convert", good, "--out", "lake", "--jobs", "many"],
            2,
            "error: invalid value 'many' for '--jobs <N>': invalid digit found in string",
        ),
        (
            vec!["convert", good, "--out", "lake", "--partition-by", "hour"],
            2,
            "error: invalid value 'hour' for '--partition-by <KEYS>': give date, date,hour or date,hour,protocol",
        ),
        (
            vec!["convert", good, "--out", "lake", "--columns", "ip,ttl"],
            2,
            "error: invalid value 'ip,ttl' for '--columns <SETS>': `ttl` is none of the further columns; give the sets capture, \
             link, ip, transport, flow, dns, tunnel, tls, or names of their columns",
        ),
        (
            vec!["convert", good, "--out", "lake", "--decapsulate", "vxlan,smoke"],
            2,
            "error: invalid value 'vxlan,smoke' for '--decapsulate <KINDS>': `smoke` is no kind of tunnel; there are vxlan, \
             geneve, gre, erspan, gtpu, ipip, l2tp, tzsp, mplsudp, teredo",
        ),
        (
            vec!["convert", good, "--out", "lake", "--decapsulate", "gre", "--tunnel-port", "vxlan=14789"],
            2,
            "error: `--tunnel-port vxlan=14789`: `vxlan` is not looked into, so it needs no port",
        ),
        (
            vec!["plan", good, "--out", "lake", "--decapsulate", "all", "--tunnel-port", "gre=47"],
            2,
            "error: `--tunnel-port gre=47`: `gre` has no ports; vxlan, geneve, gtpu, l2tp, tzsp, mplsudp, teredo have",
        ),
        (
            vec!["convert", good, "--out", "lake", "--chunk-size", "0"],
            2,
            "error: invalid value '0' for '--chunk-size <SIZE>': give a size such as 64MiB, 1GB or 4096",
        ),
        (
            vec!["plan", "-", "--out", "lake"],
            2,
            "error: invalid value '-' for '<INPUT>...': standard input cannot be converted elsewhere; use `parcap convert -`",
        ),
        (
            vec!["convert", good, "--out", "lake", "--memory", "207MiB"],
            2,
            "error: `--memory` gives 207 MiB, and a run with one worker needs 208 MiB",
        ),
        (
            vec!["convert", good, "--out", "lake", "--memory", "208MiB", "--row-group-rows", "1000000"],
            2,
            "error: `--memory` gives 208 MiB, and a run with one worker needs 633 MiB",
        ),
        (vec!["convert", good, "--out", "file"], 2, "error: file: is a file, and a lake is a directory"),
        (vec!["convert", "nowhere.pcap", "--out", "lake"], 1, "error: nowhere.pcap: does not exist"),
        (vec!["convert", "x*.pcap", "--out", "lake"], 1, "error: x*.pcap: is a pattern that matches no file"),
        (vec!["convert", "notes.txt", "--out", "lake"], 3, "error: notes.txt: is not a capture: it begins with text"),
        (vec!["convert", "empty", "--out", "lake"], 1, "error: empty: holds no capture"),
        (vec!["plan", "nowhere.pcap", "--out", "lake"], 1, "error: nowhere.pcap: does not exist"),
    ] {
        let ran = refused(&args);
        assert_eq!((ran.status, ran.complaint()), (Some(status), complaint), "{args:?}: {ran:?}");
    }
}

#[test]
fn an_output_that_cannot_be_written_is_a_failure() {
    // Not by permissions: root is refused nothing by them.
    let good = sample("vlan.pcap");
    let ran = refused(&["convert", &good, "--out", "file/lake"]);
    assert_eq!(ran.status, Some(1), "{ran:?}");
    assert!(ran.complaint().starts_with("error: file/lake/_parcap/manifest: cannot "), "{ran:?}");
    assert!(ran.complaint().ends_with(": Not a directory (os error 20)"), "{ran:?}");
}

#[test]
fn what_is_no_unit_is_refused_by_name() {
    let folder = folder();
    let lake = text(&folder.path().join("lake"));
    for (args, stdin, complaint) in [
        (vec!["convert-unit", "--out", &lake], "{", "error: stdin, line 1: not a valid unit: "),
        (vec!["commit", &lake], "{}\n", "error: stdin, line 1: not a valid unit row: "),
    ] {
        let ran = crate::support::run_with(&args, stdin.as_bytes());
        assert_eq!(ran.status, Some(1), "{ran:?}");
        assert!(ran.complaint().starts_with(complaint), "{ran:?}");
    }
    assert_eq!(files(folder.path()), Vec::<std::path::PathBuf>::new());
}

#[test]
fn a_broken_capture_among_good_ones_is_named_and_the_good_ones_are_converted() {
    let folder = folder();
    let broken = text(&save(&folder, "broken.pcap", &capture().bytes[..700]));
    let lake = folder.path().join("lake");
    let (first, last, missing) = (sample("vlan.pcap"), sample("any.pcap"), text(&folder.path().join("gone.pcap")));
    let ran = run(["convert", &first, &broken, &missing, &last, "--out", &text(&lake)]);
    assert_eq!(ran.status, Some(3), "{ran:?}");
    assert!(ran.complaint().starts_with(&format!("warning: {broken}: packet ")), "{ran:?}");
    assert!(ran.stderr.contains(&format!("error: {missing}: does not exist\n")), "{ran:?}");
    let whole = capture().boundaries.iter().rev().find(|(boundary, _)| *boundary <= 700).unwrap().1;
    // 110 and 22: EXPECTED.tsv.
    assert_eq!(packets(&lake).len(), 110 + 22 + whole);
}

#[test]
fn a_lake_of_other_settings_is_refused_and_stays() {
    let folder = folder();
    let lake = text(&folder.path().join("lake"));
    assert_eq!(run(["convert", &sample("vlan.pcap"), "--out", &lake]).status, Some(0));
    let before = crate::support::hashes(folder.path());
    for (held, asked) in [
        ("`--partition-by date`", "`--partition-by date,hour`"),
        ("`--partition-by date`", "`--partition-by date,protocol`"),
        ("no `--columns`", "`--columns ip_ttl,tcp_flags`"),
        ("no `--decapsulate`", "`--decapsulate all`"),
        ("no `--decapsulate`", "`--decapsulate vxlan,gre --tunnel-port vxlan=14789`"),
        ("`--timestamp-unit us`", "`--timestamp-unit ns`"),
        ("`--length wire`", "`--length captured`"),
        ("`--window 1s`", "`--window 250ms`"),
        ("summaries", "`--no-summary`"),
    ] {
        // What is shown is what is typed.
        let typed = asked.trim_matches('`').split(' ');
        let ran = run(["convert", &sample("any.pcap"), "--out", &lake].into_iter().chain(typed));
        let complaint = format!("error: {lake}: was made with {held}, and this run asks for {asked}");
        assert_eq!((ran.status, ran.complaint()), (Some(2), complaint.as_str()));
        assert!(ran.stderr.contains("\nhint: "), "{ran:?}");
    }
    let bare = text(&folder.path().join("bare"));
    assert_eq!(run(["convert", &sample("vlan.pcap"), "--out", &bare, "--no-summary"]).status, Some(0));
    let ran = run(["plan", &sample("any.pcap"), "--out", &bare]);
    let complaint = format!("error: {bare}: was made with `--no-summary`, and this run asks for summaries");
    assert_eq!((ran.status, ran.complaint()), (Some(2), complaint.as_str()));
    fs::remove_dir_all(&bare).unwrap();
    assert_eq!(crate::support::hashes(folder.path()), before);
}

#[test]
fn a_path_in_the_place_of_a_command_hints_at_the_command() {
    let folder = folder();
    save(&folder, "a.pcap", &capture().bytes);
    save(&folder, "without suffix", &capture().bytes);
    let lake = folder.path().join("lake");
    assert_eq!(run(["convert", &sample("vlan.pcap"), "--out", &text(&lake)]).status, Some(0));
    let before = crate::support::hashes(folder.path());
    let of = |args: &[&str]| {
        let ran = finish(command().args(args).current_dir(folder.path()));
        assert_eq!((ran.status, ran.stdout.as_str()), (Some(2), ""), "{args:?}");
        assert!(ran.complaint().starts_with("error: unrecognized subcommand "), "{ran:?}");
        ran.stderr.lines().find_map(|line| line.strip_prefix("hint: ")).unwrap_or_default().to_owned()
    };
    let hint = |typed: &str, looks: &str| {
        format!("a command comes first: `parcap convert {typed}` converts, `parcap inspect {looks}` only looks")
    };
    assert_eq!(of(&["a.pcap"]), hint("a.pcap --out lake", "a.pcap"));
    // Also one that is not there, if its name says what it is; and what has no such name, if it is there.
    assert_eq!(of(&["gone.pcapng.gz"]), hint("gone.pcapng.gz --out lake", "gone.pcapng.gz"));
    assert_eq!(of(&["without suffix"]), hint("'without suffix' --out lake", "'without suffix'"));
    assert_eq!(of(&["a.pcap", "--out", "there"]), hint("a.pcap --out there", "a.pcap"));
    assert_eq!(of(&["a.pcap", "b.pcap", "-q"]), hint("a.pcap b.pcap -q --out lake", "a.pcap"));
    assert_eq!(of(&["a.pcap", "b", "c", "d", "e"]), hint("a.pcap … --out lake", "a.pcap"));
    assert_eq!(of(&["lake"]), "lake is a lake: `parcap summarize lake` shows its summaries");
    assert_eq!(of(&["frobnicate"]), "");
    assert_eq!(crate::support::hashes(folder.path()), before);
}

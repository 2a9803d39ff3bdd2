//! Options: where they come from, that the help names them, what they print.

use std::collections::BTreeSet;
use std::fs;

use super::common::{command, files, finish, folder, packets, run};
use super::{capture, sample, save, text};

const SETTINGS: [&str; 10] = [
    "--partition-by",
    "--compression",
    "--target-file-size",
    "--chunk-size",
    "--row-group-rows",
    "--timestamp-unit",
    "--length",
    "--window",
    "--names",
    "--conversations",
];
const SHOWN: [&str; 3] = ["--format", "--top", "--quiet"];
const PTR: [&str; 6] =
    ["--resolver", "--ptr-private", "--ptr-timeout", "--ptr-budget", "--ptr-concurrency", "--ptr-limit"];

/// The commands and their options, as lake.md has them, of what there is today.
fn commands() -> Vec<(&'static str, Vec<&'static str>)> {
    let convert = ["--out", "--jobs", "--memory", "--no-summary", "--dry-run", "--progress", "--salvage", "--strict"];
    let nightly = ["--dedupe", "--max-damaged", "--wait", "--metrics-file", "--log-format"];
    let rules = ["--force", "--retry-damaged", "--settle", "--allow-empty"];
    vec![
        ("convert", [&convert[..], &nightly, &rules, &SETTINGS, &SHOWN, &PTR].concat()),
        ("plan", [&["--out", "--no-summary", "--salvage"][..], &rules, &SETTINGS].concat()),
        ("convert-unit", vec!["--out", "--jobs"]),
        ("commit", [&["--jobs", "--strict", "--wait"][..], &SHOWN, &PTR].concat()),
        ("verify", vec!["--jobs", "--wait", "--format", "--deep"]),
        ("compact", vec!["--jobs", "--wait", "--format", "--target-file-size", "--rewrite"]),
        ("forget", vec!["--jobs", "--wait", "--format", "--dry-run"]),
        (
            "summarize",
            [
                &["--format", "--table", "--top", "--exact", "--from", "--to", "--protocol", "--net", "--window"][..],
                &["--align", "--names", "--length", "--salvage", "--jobs"],
                &PTR,
            ]
            .concat(),
        ),
        (
            "report",
            [
                &["--out", "--title", "--svg", "--from", "--to", "--names", "--top"][..],
                &["--window", "--length", "--salvage", "--jobs"],
                &PTR,
            ]
            .concat(),
        ),
        ("inspect", vec!["--jobs", "--salvage", "--format"]),
        ("completions", vec![]),
        ("man", vec![]),
    ]
}

/// Options of a help text: what comes first on a line, perhaps behind a short one.
fn named(help: &str) -> BTreeSet<String> {
    let words = help.lines().filter_map(|line| line.trim().split(", ").find(|word| word.starts_with("--")));
    words.map(|word| word.split([' ', '[']).next().unwrap().to_owned()).collect()
}

#[test]
fn the_help_of_each_command_names_its_options_and_their_environment() {
    for (name, mut options) in commands() {
        let help = run([name, "--help"]);
        assert_eq!((help.status, help.stderr.as_str()), (Some(0), ""), "{name}");
        for option in &options {
            let mut variable = format!("PARCAP_{}", option.trim_start_matches('-').replace('-', "_").to_uppercase());
            // Elsewhere that is the lake; a page must never be written where somebody has his lake.
            if (name, *option) == ("report", "--out") {
                variable = "PARCAP_REPORT".to_owned();
            }
            assert!(help.stdout.contains(&variable), "{name} --help does not name {variable}");
        }
        options.extend(["--config", "--help"]);
        let options: BTreeSet<_> = options.into_iter().map(str::to_owned).collect();
        assert_eq!(named(&help.stdout), options, "{name}");
        // The short help is shorter, not poorer.
        assert_eq!(named(&run([name, "-h"]).stdout), options, "{name} -h");
    }
    for status in ["0 ", "1 ", "2 ", "3 ", "75 ", "130, 143 "] {
        assert!(run(["--help"]).stdout.lines().any(|line| line.trim_start().starts_with(status)), "{status}");
    }
}

#[test]
fn completions_and_the_manual_page_name_the_options() {
    for shell in ["bash", "zsh", "fish"] {
        let ran = run(["completions", shell]);
        assert_eq!((ran.status, ran.stderr.as_str()), (Some(0), ""));
        for word in ["convert-unit", "partition-by", "row-group-rows"] {
            assert!(ran.stdout.contains(word), "{shell} does not know {word}");
        }
    }
    let ran = run(["man"]);
    assert_eq!((ran.status, ran.stderr.as_str()), (Some(0), ""));
    assert!(ran.stdout.contains(".TH"), "{}", ran.stdout);
    for (name, options) in commands() {
        for option in options {
            // In roff, a hyphen that is to stay one is `\-`.
            assert!(ran.stdout.contains(&option.replace('-', "\\-")), "the manual page lacks {option} of {name}");
        }
    }
}

#[test]
fn the_command_line_beats_the_environment_and_that_the_configuration_file() {
    let folder = folder();
    let config = text(&save(&folder, "parcap.toml", b"partition-by = \"date,hour\"\njobs = 1\nquiet = true\n"));
    let input = text(&save(&folder, "capture.pcap", &capture().bytes));
    let levels = |name: &str, environment: Option<&str>, argument: Option<&str>| {
        let lake = folder.path().join(name);
        let mut command = command();
        command.args(["convert", &input, "--out", &text(&lake), "--config", &config]);
        command.envs(environment.map(|keys| ("PARCAP_PARTITION_BY", keys)));
        command.args(argument.map(|keys| ["--partition-by", keys]).into_iter().flatten());
        let ran = finish(&mut command);
        // `quiet` comes from the file in every case.
        assert_eq!((ran.status, ran.stderr.as_str()), (Some(0), ""));
        let partition = packets(&lake)[0].partition.clone();
        partition.split('/').map(|key| key.split('=').next().unwrap()).collect::<Vec<_>>().join(",")
    };
    assert_eq!(levels("file", None, None), "date,hour");
    assert_eq!(levels("environment", Some("date,protocol"), None), "date,protocol");
    assert_eq!(levels("argument", Some("date,protocol"), Some("date,hour,protocol")), "date,hour,protocol");
    assert_eq!(levels("argument-only", None, Some("date")), "date");
}

#[test]
fn a_configuration_file_that_says_what_there_is_not_is_refused() {
    let folder = folder();
    let input = sample("vlan.pcap");
    for (name, toml, problem) in [
        ("key", "chunks = 3\n", "there is no option `chunks`"),
        ("list", "jobs = [1]\n", "`jobs` must be a text, a number or true"),
    ] {
        let config = text(&save(&folder, name, toml.as_bytes()));
        let ran = run(["convert", &input, "--out", &text(&folder.path().join("lake")), "--config", &config]);
        let complaint = format!("error: configuration file {config}: {problem}");
        assert_eq!((ran.status, ran.complaint()), (Some(2), complaint.as_str()));
    }
    let config = text(&save(&folder, "value", b"jobs = \"many\"\n"));
    assert_eq!(run(["convert", &input, "--out", "lake", "--config", &config]).status, Some(2));
    let gone = text(&folder.path().join("gone.toml"));
    let ran = run(["convert", &input, "--out", "lake", "--config", &gone]);
    assert_eq!(ran.status, Some(2));
    assert!(ran.complaint().starts_with(&format!("error: configuration file {gone}: cannot be read: ")), "{ran:?}");
    assert!(!folder.path().join("lake").exists());
    // One file serves all commands: an option of another one is no mistake.
    let config = text(&save(&folder, "other", b"dry-run = true\n"));
    assert_eq!(run(["commit", &text(&folder.path().join("lake")), "--config", &config]).status, Some(0));
}

#[test]
fn a_dry_run_says_what_it_would_do_and_writes_nothing() {
    let folder = folder();
    let input = save(&folder, "capture.pcap", &capture().bytes);
    let lake = folder.path().join("lake");
    let ran = run(["convert", &text(&input), "--out", &text(&lake), "--dry-run", "--format", "json"]);
    assert_eq!(ran.status, Some(0), "{ran:?}");
    let report = ran.json();
    assert_eq!((&report["inputs"], &report["bytes_in"]), (&1.into(), &capture().bytes.len().into()));
    let ran = run(["convert", &text(&input), "--out", &text(&lake), "--dry-run"]);
    assert!(ran.stdout.starts_with("would convert 1 capture"), "{ran:?}");
    assert_eq!(files(folder.path()), [std::path::PathBuf::from("capture.pcap")]);
    assert!(!lake.exists());
}

#[test]
fn json_is_one_document_and_nothing_else_is_on_stdout() {
    let folder = folder();
    let input = save(&folder, "capture.pcap", &capture().bytes);
    let damaged = save(&folder, "damaged.pcap", &capture().bytes[..700]);
    let lake = folder.path().join("lake");
    let ran = run(["convert", &text(&input), &text(&damaged), "--out", &text(&lake), "--format", "json", "--top", "2"]);
    assert_eq!(ran.status, Some(3));
    assert_eq!(ran.stdout.lines().count(), 1);
    let report = ran.json();
    let fields: BTreeSet<_> = report.as_object().unwrap().keys().map(String::as_str).collect();
    let expected = [
        "version",
        "lake",
        "inputs",
        "unchanged",
        "touched",
        "replaced",
        "settling",
        "quarantined",
        "changing",
        "renamed",
        "stepped_over",
        "captures_missing",
        "newest_packet_timestamp_seconds",
        "away",
        "records",
        "rows",
        "bytes_in",
        "bytes_out",
        "parts",
        "seconds",
        "packets_per_second",
        "damaged",
        "refused",
        "odd",
        "duplicates",
        "summaries",
    ];
    assert_eq!(fields, BTreeSet::from(expected));
    let whole = capture().boundaries.iter().rev().find(|(boundary, _)| *boundary <= 700).unwrap().1;
    assert_eq!((&report["inputs"], &report["rows"]), (&2.into(), &(90 + whole).into()));
    assert_eq!(report["damaged"][0]["path"], text(&damaged));
    let tables: Vec<_> = report["summaries"].as_array().unwrap().iter().map(|table| &table["name"]).collect();
    assert_eq!(tables, super::common::summary_names().collect::<Vec<_>>());
    for table in report["summaries"].as_array().unwrap() {
        assert!(table["first"].as_array().unwrap().len() <= 2, "{table}");
    }
    let bytes_out: u64 = files(&lake.join("packets"))
        .iter()
        .map(|path| fs::metadata(lake.join("packets").join(path)).unwrap().len())
        .sum();
    assert_eq!(report["bytes_out"], bytes_out);
}

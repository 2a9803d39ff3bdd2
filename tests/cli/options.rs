//! Options: where they come from, that the help names them, what they print.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::support::{command, files, finish, folder, packets, run, sample, save, text};

use super::{capture, minute};

const SETTINGS: [&str; 17] = [
    "--partition-by",
    "--compression",
    "--target-file-size",
    "--chunk-size",
    "--row-group-rows",
    "--timestamp-unit",
    "--length",
    "--window",
    "--names",
    "--columns",
    "--decapsulate",
    "--tunnel-port",
    "--conversations",
    "--flows",
    "--flow-timeout",
    "--delta",
    "--retain",
];
const SHOWN: [&str; 3] = ["--format", "--top", "--quiet"];
const PTR: [&str; 6] =
    ["--resolver", "--ptr-private", "--ptr-timeout", "--ptr-budget", "--ptr-concurrency", "--ptr-limit"];

/// The commands and their options, as lake.md has them, of what there is today.
fn commands() -> Vec<(&'static str, Vec<&'static str>)> {
    let convert = [
        "--out",
        "--jobs",
        "--memory",
        "--fetches",
        "--scratch",
        "--no-summary",
        "--dry-run",
        "--progress",
        "--salvage",
        "--strict",
    ];
    let nightly = ["--commit-every", "--max-damaged", "--wait", "--metrics-file", "--log-format"];
    let rules = ["--force", "--retry-damaged", "--dedupe", "--settle", "--allow-empty"];
    vec![
        ("convert", [&convert[..], &nightly, &rules, &SETTINGS, &SHOWN, &PTR].concat()),
        (
            "plan",
            [&["--out", "--keep", "--jobs", "--no-summary", "--salvage", "--scratch"][..], &rules, &SETTINGS].concat(),
        ),
        ("convert-unit", vec!["--out", "--jobs", "--fetches", "--scratch", "--of", "--unit"]),
        (
            "commit",
            [
                &["--jobs", "--strict", "--commit-every", "--wait", "--plan", "--incomplete", "--abandon", "--scratch"]
                    [..],
                &SHOWN,
                &PTR,
            ]
            .concat(),
        ),
        ("verify", vec!["--jobs", "--wait", "--format", "--deep", "--repair", "--scratch"]),
        ("compact", vec!["--jobs", "--wait", "--format", "--target-file-size", "--rewrite", "--retain", "--scratch"]),
        ("delta", vec!["--wait", "--format", "--off", "--scratch"]),
        ("forget", vec!["--jobs", "--wait", "--format", "--dry-run", "--before", "--older-than", "--scratch"]),
        (
            "summarize",
            [
                &["--format", "--table", "--top", "--exact", "--from", "--to", "--protocol", "--net", "--window"][..],
                &[
                    "--align",
                    "--flow-timeout",
                    "--names",
                    "--length",
                    "--salvage",
                    "--jobs",
                    "--decapsulate",
                    "--tunnel-port",
                    "--scratch",
                ],
                &PTR,
            ]
            .concat(),
        ),
        (
            "report",
            [
                &["--out", "--title", "--svg", "--from", "--to", "--protocol", "--net", "--names", "--top"][..],
                &[
                    "--window",
                    "--flows",
                    "--flow-timeout",
                    "--length",
                    "--salvage",
                    "--jobs",
                    "--decapsulate",
                    "--tunnel-port",
                    "--scratch",
                ],
                &PTR,
            ]
            .concat(),
        ),
        ("inspect", vec!["--jobs", "--salvage", "--format"]),
        (
            "extract",
            [
                &["--out", "--rows", "--from", "--to", "--protocol", "--net", "--port", "--order"][..],
                &["--format", "--log-format", "--quiet", "--scratch"],
            ]
            .concat(),
        ),
        ("completions", vec![]),
        ("man", vec![]),
    ]
}

/// Options of a help text: what comes first on a line, perhaps after a short one.
fn named(help: &str) -> BTreeSet<String> {
    let words = help.lines().filter_map(|line| line.trim().split(", ").find(|word| word.starts_with("--")));
    words.map(|word| word.split([' ', '[']).next().unwrap().to_owned()).collect()
}

/// The variable of an option, and its name in the configuration file but for the letters.
fn variable(name: &str, option: &str) -> String {
    // Elsewhere that is the lake; a page must never be written where somebody has his lake.
    match (name, option) {
        ("report", "--out") => return "PARCAP_REPORT".to_owned(),
        ("extract", "--out") => return "PARCAP_EXTRACT".to_owned(),
        // What others print is no format of a capture.
        ("extract", "--format") => return "PARCAP_EXTRACT_FORMAT".to_owned(),
        _ => {}
    }
    format!("PARCAP_{}", option.trim_start_matches('-').replace('-', "_").to_uppercase())
}

#[test]
fn the_help_of_each_command_names_its_options_and_says_once_where_else_they_are_set() {
    for (name, mut options) in commands() {
        options.extend(["--config", "--help"]);
        let options: BTreeSet<_> = options.into_iter().map(str::to_owned).collect();
        // The short help is shorter, not poorer.
        for flag in ["--help", "-h"] {
            let help = run([name, flag]);
            assert_eq!((help.status, help.stderr.as_str()), (Some(0), ""), "{name}");
            assert_eq!(named(&help.stdout), options, "{name} {flag}");
            assert!(!help.stdout.contains("[env:"), "{name} {flag}: {}", help.stdout);
            // The file alone says nothing to these.
            let rule = usize::from(!["completions", "man"].contains(&name));
            assert_eq!(help.stdout.matches("PARCAP_<OPTION>").count(), rule, "{name} {flag}");
            let own = variable(name, "--out");
            assert_eq!(
                help.stdout.contains("But --out is PARCAP_REPORT here"),
                own == "PARCAP_REPORT",
                "{name} {flag}"
            );
        }
    }
    for status in ["0 ", "1 ", "2 ", "3 ", "75 ", "130, 143 "] {
        assert!(run(["--help"]).stdout.lines().any(|line| line.trim_start().starts_with(status)), "{status}");
    }
}

/// Law: what the help says of each option is so: its variable reaches it. A value that no option takes is refused by name.
#[test]
fn the_variable_of_each_option_reaches_it() {
    // Whatever is said is a path or a text to these; a path that cannot be written or read is complained of.
    let free = ["--out", "--metrics-file", "--title", "--svg", "--plan", "--rows"];
    for (name, options) in commands() {
        for option in options.into_iter().filter(|option| !free.contains(option)) {
            let mut command = command();
            command.args([name, "nowhere/at-all"]).env(variable(name, option), "!");
            if ["convert", "plan", "convert-unit", "report", "extract"].contains(&name) {
                command.args(["--out", "nowhere/lake"]);
            }
            if name == "convert-unit" {
                command = crate::support::command();
                command.args([name, "--out", "nowhere/lake"]).env(variable(name, option), "!");
            }
            if name == "forget" {
                command.arg("capture.pcap");
            }
            let ran = finish(&mut command);
            let refused = format!("error: invalid value '!' for '{option}");
            assert_eq!(
                (ran.status, ran.complaint().starts_with(&refused)),
                (Some(2), true),
                "{name} {option}: {ran:?}"
            );
        }
    }
    let folder = folder();
    let (lake, page) = (text(&folder.path().join("lake")), text(&folder.path().join("page.html")));
    let figures = text(&folder.path().join("figures.prom"));
    let mut convert = command();
    convert.args(["convert", &sample("vlan.pcap")]).env("PARCAP_OUT", &lake).env("PARCAP_METRICS_FILE", &figures);
    assert_eq!(finish(&mut convert).status, Some(0));
    assert_eq!(packets(lake.as_ref()).len(), 110);
    assert!(fs::read_to_string(&figures).unwrap().contains("parcap_"));
    // The lake's variable, and its name in a file, are not those of the page.
    let mut report = command();
    report.args(["report", &lake]).env("PARCAP_OUT", &page);
    assert_eq!(finish(&mut report).status, Some(2));
    let config = text(&save(&folder, "lake.toml", format!("out = '{page}'\n").as_bytes()));
    assert_eq!(run(["report", &lake, "--config", &config]).status, Some(2));
    assert!(!Path::new(&page).exists());
    report.env("PARCAP_REPORT", &page).env("PARCAP_TITLE", "As said elsewhere");
    assert_eq!(finish(&mut report).status, Some(0));
    assert!(fs::read_to_string(&page).unwrap().contains("As said elsewhere"));
    fs::remove_file(&page).unwrap();
    let config = text(&save(&folder, "page.toml", format!("report = '{page}'\n").as_bytes()));
    assert_eq!(run(["report", &lake, "--config", &config]).status, Some(0));
    assert!(Path::new(&page).exists());
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
    for word in [".TH", "PARCAP_<OPTION>", "PARCAP_REPORT"] {
        assert!(ran.stdout.contains(word), "the manual page lacks {word}");
    }
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
    // 1024 bytes are a KiB.
    let size = format!("{:.2} KiB", f64::from(u32::try_from(capture().bytes.len()).unwrap()) / 1024.0);
    let lines = format!("{size}  new  {}\nwould convert 1 capture of {size}\n", input.display());
    assert_eq!((ran.status, ran.stdout), (Some(0), lines));
    assert_eq!(files(folder.path()), [std::path::PathBuf::from("capture.pcap")]);
    assert!(!lake.exists());
}

#[test]
fn json_is_one_document_and_nothing_else_is_on_stdout() {
    let folder = folder();
    let input = save(&folder, "capture.pcap", &capture().bytes);
    let damaged = save(&folder, "damaged.pcap", &minute(1, 20)[..700]);
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
        "retired",
        "changing",
        "renamed",
        "stepped_over",
        "commits",
        "captures_missing",
        "newest_packet_timestamp_seconds",
        "away",
        "lost",
        "held_back",
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
    // A file header of 24 bytes, and records of 16 + 14 + 20 + 8 + 60.
    let whole = (700 - 24) / 118;
    assert_eq!((&report["inputs"], &report["rows"]), (&2.into(), &(90 + whole).into()));
    assert_eq!(report["damaged"][0]["path"], text(&damaged));
    let tables: Vec<_> = report["summaries"].as_array().unwrap().iter().map(|table| &table["name"]).collect();
    // None of them looks into tunnels, or counts flows.
    let is_there = |name: &&str| !["tunnels", "flows"].contains(name);
    assert_eq!(tables, crate::support::summary_names().filter(is_there).collect::<Vec<_>>());
    for table in report["summaries"].as_array().unwrap() {
        assert!(table["first"].as_array().unwrap().len() <= 2, "{table}");
    }
    let bytes_out: u64 = files(&lake.join("packets"))
        .iter()
        .map(|path| fs::metadata(lake.join("packets").join(path)).unwrap().len())
        .sum();
    assert_eq!(report["bytes_out"], bytes_out);
}

/// Law: with `--quiet --top 0` a run that goes well prints nothing, whatever it did and whatever is in the captures.
#[test]
fn quiet_and_no_rows_is_silence() {
    let folder = folder();
    let bytes = capture().bytes;
    let (first, second) = (text(&save(&folder, "a.pcap", &bytes)), text(&save(&folder, "b.pcap", &bytes)));
    let lake = text(&folder.path().join("lake"));
    let silent = |args: &[&str]| {
        let ran = run(args);
        assert_eq!((ran.status, ran.stdout.as_str(), ran.stderr.as_str()), (Some(0), "", ""), "{args:?}");
    };
    let quiet = ["--out", &lake, "--quiet", "--top", "0"];
    // New, the same content once more (which is worth a note otherwise), nothing to do, forced, renamed.
    silent(&[&["convert", &first], &quiet[..]].concat());
    let loud = ["convert", &first, &second, "--out", &lake, "--dry-run"];
    assert!(run(loud).stderr.starts_with("note: "));
    silent(&[&["convert", &first, &second], &quiet[..]].concat());
    silent(&[&["convert", &first, &second], &quiet[..]].concat());
    silent(&[&["convert", &first, "--force"], &quiet[..]].concat());
    let renamed = text(&folder.path().join("c.pcap"));
    fs::rename(&second, &renamed).unwrap();
    silent(&[&["convert", &renamed], &quiet[..]].concat());
    silent(&["summarize", &lake, "--top", "0"]);
    silent(&["summarize", &first, "--top", "0"]);
    // A capture without a packet has tables without a row.
    silent(&[&["convert", &text(&save(&folder, "none.pcap", &bytes[..24]))], &quiet[..]].concat());
    // What went wrong is said.
    let damaged = text(&save(&folder, "damaged.pcap", &minute(6, 20)[..700]));
    let ran = run([&["convert", &damaged], &quiet[..]].concat());
    assert_eq!((ran.status, ran.stdout.as_str()), (Some(3), ""));
    assert!(ran.complaint().starts_with("warning: "), "{ran:?}");
}

/// Law: a dry run names exactly the captures that the run then converts.
#[test]
fn a_dry_run_names_each_capture_with_its_size_and_why() {
    let folder = folder();
    let archive = folder.path().join("archive");
    fs::create_dir(&archive).unwrap();
    let write = |name: &str, bytes: &[u8]| fs::write(archive.join(name), bytes).unwrap();
    let (archive_text, lake) = (text(&archive), text(&folder.path().join("lake")));
    let args = ["convert", &archive_text, "--out", &lake];
    let whys = |options: &[&str]| {
        let dry = [&args[..], options, &["--dry-run"]].concat();
        let shown = run(&dry);
        let report = run([&dry[..], &["--format", "json"]].concat()).json();
        let listed = report["would_convert"].as_array().unwrap().clone();
        assert_eq!(report["inputs"], listed.len());
        assert_eq!(shown.stdout.lines().count(), listed.len() + 1, "{}", shown.stdout);
        let why = |entry: &serde_json::Value| {
            let path = entry["path"].as_str().unwrap();
            let size = fs::metadata(path).unwrap().len();
            assert_eq!(entry["bytes"], size);
            let line = shown.stdout.lines().find(|line| line.ends_with(path)).unwrap();
            let (number, unit) = line.trim().split_once(' ').unwrap();
            let unit_bytes = if unit.starts_with("KiB") { 1024.0 } else { 1.0 };
            let shown_bytes = number.parse::<f64>().unwrap() * unit_bytes;
            assert!((shown_bytes - f64::from(u32::try_from(size).unwrap())).abs() < 6.0, "{line}");
            (path.rsplit('/').next().unwrap().to_owned(), entry["why"].as_str().unwrap().to_owned())
        };
        let whys: Vec<_> = listed.iter().map(why).collect();
        (whys, shown.stdout)
    };
    let expect = |options: &[&str], expected: &[(&str, &str)]| {
        let (whys, shown) = whys(options);
        let whys: Vec<_> = whys.iter().map(|(name, why)| (name.as_str(), why.as_str())).collect();
        assert_eq!(whys, expected, "{options:?}");
        shown
    };
    write("cut.pcap", &minute(1, 20)[..700]);
    write("grows.pcap", &minute(2, 10));
    write("plain.pcap", &minute(3, 20));
    write("none.pcap", b"no capture at all");
    let shown = expect(&[], &[("cut.pcap", "new"), ("grows.pcap", "new"), ("plain.pcap", "new")]);
    assert!(shown.contains("  new  ") && shown.ends_with(", 1 refused\n"), "{shown}");
    assert!(!folder.path().join("lake").exists());
    let ran = run([&args[..], &["--format", "json"]].concat());
    assert_eq!((ran.status, &ran.json()["inputs"]), (Some(3), &3.into()));
    assert_eq!(ran.json().get("would_convert"), None);
    let shown = expect(&[], &[]);
    assert!(shown.starts_with("would convert 0 captures of 0 B, 3 unchanged"), "{shown}");

    write("grows.pcap", &minute(2, 60));
    write("another.pcap", &minute(4, 30));
    fs::remove_file(archive.join("plain.pcap")).unwrap();
    let packed = zstd::encode_all(&*minute(3, 30), 1).unwrap();
    write("plain.pcap.zst", &packed);
    let changed = [("another.pcap", "new"), ("grows.pcap", "changed"), ("plain.pcap.zst", "goes_on")];
    let shown = expect(&[], &changed);
    assert!(shown.contains("  changed, was "), "{shown}");
    let retried = [changed[0], ("cut.pcap", "damaged_and_retried"), changed[1], changed[2]];
    expect(&["--retry-damaged"], &retried);
    write("none.pcap", &minute(5, 5));
    let refused = [changed[0], changed[1], ("none.pcap", "refused_and_retried"), changed[2]];
    expect(&[], &refused);
    let forced = [changed[0], ("cut.pcap", "forced"), changed[1], refused[2], changed[2]];
    expect(&["--force"], &forced);
    // As it is said, so it is done.
    assert_eq!(run([&args[..], &["--format", "json"]].concat()).json()["inputs"], 4);
    expect(&[], &[]);
}

//! `--names`: where the names of addresses come from, and what is asked over the network for them.
//!
//! The destinations of `counted`: 192.0.2.1 with 800 bytes, 2001:db8::2 with 500, 192.0.2.2 with 250, none with 64.

use std::path::Path;

use parcap::address::IpAddress;
use serde_json::{Value, json};

use crate::support::build::{Capture, dns_answer, udp};
use crate::support::nameserver::{Says, Server};
use crate::support::{Ran, files, folder, hashes, packets, rows_of, run, run_with, save, summary, text};

use super::summarize::{both, counted, csv};

const HEADER: &str = "name_dst,bytes,packets\n";
const NO_NAMES: &str = "name_dst,bytes,packets\nN/A,1550,6\n,64,1\n";

fn convert(input: &str, lake: &str, options: &[&str]) -> Ran {
    run([&["convert", input, "--out", lake, "--format", "json"], options].concat())
}

/// The volumes by name that a lake's table holds, largest first.
fn volumes(lake: &str) -> Vec<(Option<String>, i64)> {
    let rows = summary(Path::new(lake), "volume_by_name");
    let mut sums = std::collections::BTreeMap::new();
    for row in &rows {
        *sums.entry(row.get("name_dst").map(str::to_owned)).or_insert(0) += row.int("bytes").unwrap();
    }
    let mut sums: Vec<_> = sums.into_iter().collect();
    sums.sort_by_key(|(_, bytes)| -bytes);
    sums
}

fn named(volumes: &[(&str, i64)]) -> Vec<(Option<String>, i64)> {
    let name = |name: &str| (!name.is_empty()).then(|| name.to_owned());
    volumes.iter().map(|(text, bytes)| (name(text), *bytes)).collect()
}

#[test]
fn a_hosts_file_names_addresses_and_its_first_line_wins() {
    let folder = folder();
    let [lake, path] = both(&folder, &counted());
    let lines = b"# ours\n192.0.2.1 First.Example second\n192.0.2.1 third\n2001:db8::2 six.\n";
    let hosts = format!("hosts:{}", save(&folder, "hosts", lines).display());
    let expected = format!("{HEADER}first.example.,800,3\nsix.,500,1\nN/A,250,2\n,64,1\n");
    for input in [&lake, &path] {
        assert_eq!(csv(input, "volume_by_name", &[]), NO_NAMES);
        assert_eq!(csv(input, "volume_by_name", &["--names", &hosts]), expected);
        // A name may come from any of several files.
        let more = format!("hosts:{},{hosts}", save(&folder, "more", b"192.0.2.2 two\n192.0.2.1 one\n").display());
        let both = format!("{HEADER}one.,800,3\nsix.,500,1\ntwo.,250,2\n,64,1\n");
        assert_eq!(csv(input, "volume_by_name", &["--names", &more]), both);
    }
    let other = text(&folder.path().join("other"));
    assert_eq!(convert(&path, &other, &["--names", &hosts]).status, Some(0));
    assert_eq!(volumes(&other), named(&[("first.example.", 800), ("six.", 500), ("N/A", 250), ("", 64)]));
    // What a lake was made with is what it is shown with, unless it is said.
    assert_eq!(csv(&other, "volume_by_name", &[]), expected);
    assert_eq!(csv(&other, "volume_by_name", &["--names", "off"]), NO_NAMES);
}

#[test]
fn lines_of_a_hosts_file_that_say_nothing_are_noted_once() {
    let folder = folder();
    let [lake, path] = both(&folder, &counted());
    for (lines, said) in [
        (
            &b"# ours\n192.0.2.1 one\nno line\n\n192.0.2.2\nx y\n"[..],
            "line 3 and 2 other lines are no address and a name, and were",
        ),
        (b"192.0.2.1\n", "line 1 is no address and a name, and was"),
    ] {
        let file = save(&folder, "hosts", lines);
        let names = format!("hosts:{}", file.display());
        let note = format!("note: {}: {said} passed over\n", file.display());
        for input in [&lake, &path] {
            let ran = run(["summarize", input, "--names", &names, "--top", "0"]);
            assert_eq!((ran.status, ran.stderr.as_str()), (Some(0), note.as_str()), "{ran:?}");
        }
        let other = text(&folder.path().join("other"));
        let ran = run(["convert", &path, "--out", &other, "--names", &names, "--top", "0", "--quiet"]);
        assert_eq!((ran.status, ran.stderr.as_str()), (Some(0), note.as_str()), "{ran:?}");
        std::fs::remove_dir_all(&other).unwrap();
    }
}

#[test]
fn the_first_source_that_knows_a_name_gives_it() {
    let mut capture = Capture::pcap();
    // To 192.0.2.0: 42 bytes, 12 of header, 12 and 4 of question, 16 of answer.
    capture.record(2, 0, dns_answer(5, &[b"dns", b"example"], &[[192, 0, 2, 1]]));
    capture.record(2, 0, udp(1, &[0; 58]));
    capture.record(2, 0, udp(2, &[0; 158]));
    let folder = folder();
    let hosts = save(&folder, "hosts", b"192.0.2.1 hosts.example\n192.0.2.2 two.example\n");
    let (first, last) = (format!("hosts:{},dns", hosts.display()), format!("dns,hosts:{}", hosts.display()));
    for input in both(&folder, &capture) {
        for (names, rows) in [
            (first.as_str(), "two.example.,200,1\nhosts.example.,100,1\nN/A,87,1\n"),
            (&last, "two.example.,200,1\ndns.example.,100,1\nN/A,87,1\n"),
            ("dns", "N/A,287,2\ndns.example.,100,1\n"),
            ("off", "N/A,387,3\n"),
        ] {
            assert_eq!(csv(&input, "volume_by_name", &["--names", names]), format!("{HEADER}{rows}"), "{names}");
        }
    }
}

#[test]
fn names_may_differ_from_run_to_run_of_one_lake() {
    let folder = folder();
    let [lake, _] = both(&folder, &counted());
    let mut more = Capture::pcap();
    more.record(3, 0, udp(1, &[0; 58]));
    let more = text(&save(&folder, "more.pcap", &more.bytes));
    let hosts = format!("hosts:{}", save(&folder, "hosts", b"192.0.2.1 one\n").display());
    assert_eq!(volumes(&lake), named(&[("N/A", 1550), ("", 64)]));
    assert_eq!(convert(&more, &lake, &["--names", &hosts]).status, Some(0));
    // The tables of the date that the second run touched have its names: 400 + 100 bytes; the other date keeps its own.
    assert_eq!(volumes(&lake), named(&[("N/A", 1150), ("one.", 500), ("", 64)]));
    assert_eq!(convert(&more, &lake, &["--names", "off"]).status, Some(0));
}

/// An empty lake was left.
#[test]
fn a_missing_hosts_file_fails_before_anything_is_written() {
    let folder = folder();
    let [lake, path] = both(&folder, &counted());
    let missing = text(&folder.path().join("gone"));
    let names = format!("dns,hosts:{missing}");
    let more = text(&save(&folder, "more.pcap", &Capture::pcap().bytes));
    let page = text(&folder.path().join("page.html"));
    let before = hashes(folder.path());
    let new = text(&folder.path().join("new"));
    for args in [
        vec!["convert", &path, "--out", &new],
        vec!["convert", &more, "--out", &lake],
        vec!["summarize", &path],
        vec!["summarize", &lake],
        vec!["report", &lake, "--out", &page],
    ] {
        let ran = run([&args[..], &["--names", &names]].concat());
        let complaint = format!("error: {missing}: cannot open: No such file or directory (os error 2)\n");
        assert_eq!((ran.status, ran.stdout.as_str(), ran.stderr), (Some(1), "", complaint), "{args:?}");
    }
    assert!(!Path::new(&new).exists());
    assert_eq!(hashes(folder.path()), before);
}

/// What is said of the destinations: a name, that there is none, a name that is shown escaped.
fn resolver() -> Server {
    let v4 = |last: u32| IpAddress::V4(0xc000_0200 + last);
    Server::start([
        (v4(1), Says::name("One.Example", 86_400)),
        (v4(2), Says::no_name(3, 86_400)),
        (IpAddress::V6(0x2001_0db8 << 96 | 2), Says::name("six\x1b[2J", 86_400)),
    ])
}

/// The numbers of a report's `names`.
fn asked(report: &Value) -> [u64; 6] {
    let number = |name: &str| report["names"][name].as_u64().unwrap();
    ["asked", "named", "without_name", "failed", "cached", "not_asked_private"].map(number)
}

#[test]
fn reverse_lookups_name_addresses_and_their_answers_are_kept_in_the_lake() {
    let server = resolver();
    let folder = folder();
    let [plain, path] = both(&folder, &counted());
    let lake = text(&folder.path().join("asked"));
    let resolver = server.address.to_string();
    let options = ["--names", "dns,ptr", "--resolver", &resolver];
    let private = [&options[..], &["--ptr-private"]].concat();

    // Nobody is asked for addresses that the public DNS knows nothing of.
    let ran = convert(&path, &text(&folder.path().join("private")), &options);
    assert_eq!((ran.status, asked(&ran.json()), server.questions()), (Some(0), [0, 0, 0, 0, 0, 3], 0));

    let ran = convert(&path, &lake, &private);
    assert_eq!((ran.status, ran.stderr.as_str()), (Some(0), ""));
    assert_eq!((asked(&ran.json()), ran.json()["names"]["problem"].clone()), ([3, 2, 1, 0, 0, 0], Value::Null));
    assert_eq!(server.questions(), 3);
    let names = [("one.example.", 800), ("six\\027[2j.", 500), ("N/A", 250), ("", 64)];
    assert_eq!(volumes(&lake), named(&names));
    let cache = Path::new(&lake).join("_parcap/names/ptr.parquet");
    let mut kept: Vec<_> = rows_of(&cache, "")
        .iter()
        .map(|row| (row.get("address").unwrap().to_owned(), row.get("name").map(str::to_owned)))
        .collect();
    kept.sort();
    let expected = [("192.0.2.1", Some("one.example.")), ("192.0.2.2", None), ("2001:db8::2", Some("six\\027[2j."))];
    assert_eq!(kept, expected.map(|(address, name)| (address.to_owned(), name.map(str::to_owned))));

    // Another capture with the same addresses asks nothing, and neither does who looks at the lake.
    let mut again = counted();
    again.record(3, 1, udp(1, &[]));
    let again = text(&save(&folder, "again.pcap", &again.bytes));
    let ran = convert(&again, &lake, &private);
    assert_eq!((ran.status, asked(&ran.json()), server.questions()), (Some(0), [0, 0, 0, 0, 3, 0], 3));
    let rows = "one.example.,1642,7\nsix\\027[2j.,1000,2\nN/A,500,4\n,128,2\n";
    assert_eq!(csv(&lake, "volume_by_name", &[]), format!("{HEADER}{rows}"));
    assert_eq!(csv(&lake, "volume_by_name", &private), format!("{HEADER}{rows}"));
    let page = text(&folder.path().join("page.html"));
    assert_eq!(run(["report", &lake, "--out", &page]).status, Some(0));
    assert!(std::fs::read_to_string(&page).unwrap().contains("one.example."));
    assert_eq!(server.questions(), 3);

    // Captures have nowhere to keep answers. A lake that never asked has none.
    let rows = "one.example.,800,3\nsix\\027[2j.,500,1\nN/A,250,2\n,64,1\n";
    assert_eq!(csv(&path, "volume_by_name", &private), format!("{HEADER}{rows}"));
    assert_eq!(server.questions(), 6);
    assert_eq!(csv(&plain, "volume_by_name", &private), NO_NAMES);
    // Of what a source before it knows, or a filter leaves out, nobody is asked.
    let hosts = format!("hosts:{},ptr", save(&folder, "hosts", b"192.0.2.1 ours\n").display());
    let rows = "ours.,800,3\nN/A,50,1\n";
    let filter = ["--names", &hosts, "--resolver", &resolver, "--ptr-private", "--net", "10.1.0.1,10.1.0.7"];
    assert_eq!(csv(&path, "volume_by_name", &filter), format!("{HEADER}{rows}"));
    assert_eq!(server.questions(), 7);
}

#[test]
fn a_commit_asks_for_the_names_that_its_plan_wants() {
    let server = resolver();
    let folder = folder();
    let path = text(&save(&folder, "counted.pcap", &counted().bytes));
    let lake = text(&folder.path().join("lake"));
    let units = run(["plan", &path, "--out", &lake, "--names", "ptr"]).stdout;
    let row = run_with(["convert-unit", "--out", &lake], units.as_bytes()).stdout;
    let resolver = server.address.to_string();
    let args = ["commit", &lake, "--resolver", &resolver, "--ptr-private", "--format", "json"];
    let ran = run_with(args, row.as_bytes());
    assert_eq!((ran.status, asked(&ran.json()), server.questions()), (Some(0), [3, 2, 1, 0, 0, 0], 3));
    let names = [("one.example.", 800), ("six\\027[2j.", 500), ("N/A", 250), ("", 64)];
    assert_eq!(volumes(&lake), named(&names));
}

#[test]
fn a_resolver_that_says_nothing_fails_no_run() {
    let server = Server::start([]);
    let folder = folder();
    let path = text(&save(&folder, "counted.pcap", &counted().bytes));
    let resolver = server.address.to_string();
    let options = ["--names", "ptr", "--resolver", &resolver, "--ptr-private"];
    let no_names = named(&[("N/A", 1550), ("", 64)]);
    // An option that is not heeded leaves 4 s for a question, and 60 s for all.
    let within = |report: &Value, seconds: f64| report["names"]["seconds"].as_f64().unwrap() < seconds;
    // Each question ends by itself.
    let lake = text(&folder.path().join("timeout"));
    let ran = convert(&path, &lake, &[&options[..], &["--ptr-timeout", "200ms"]].concat());
    let note = format!("note: no resolver answered: {resolver}\n");
    assert_eq!((ran.status, ran.stderr.as_str(), asked(&ran.json())), (Some(0), note.as_str(), [3, 0, 0, 3, 0, 0]));
    assert!(within(&ran.json(), 3.5), "{ran:?}");
    assert_eq!((volumes(&lake), packets(Path::new(&lake)).len()), (no_names.clone(), 7));
    // All of them end together, and are left over for the next run.
    let lake = text(&folder.path().join("budget"));
    let ran = convert(&path, &lake, &[&options[..], &["--ptr-budget", "200ms", "--ptr-timeout", "60s"]].concat());
    assert_eq!((ran.status, &ran.json()["names"]["left_over"]), (Some(0), &json!(3)), "{ran:?}");
    assert!(within(&ran.json(), 30.0), "{ran:?}");
    assert_eq!((volumes(&lake), files(&Path::new(&lake).join("_parcap/names"))), (no_names, vec![]));
    let rows = csv_of(&run([
        &["summarize", &path, "--ptr-timeout", "200ms", "--format", "csv", "--table", "volume_by_name"],
        &options[..],
    ]
    .concat()));
    assert_eq!(rows, NO_NAMES);
}

fn csv_of(ran: &Ran) -> String {
    assert_eq!(ran.status, Some(0), "{ran:?}");
    ran.stdout.clone()
}

//! The table `names`: of a lake and of captures, and of lakes that earlier versions made, which lack it.
//!
//! The destinations of `counted`: 192.0.2.1 with 800 bytes and 192.0.2.2 with 250 on two dates, 2001:db8::2 with 500 on
//! the second.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::support::build::{Capture, udp};
use crate::support::{Row, files, folder, manifests, run, save, summary, text};

use super::summarize::{both, counted, csv};

#[test]
fn names_of_a_lake_and_of_captures_are_one_table() {
    let folder = folder();
    let [lake, path] = both(&folder, &counted());
    let lines = b"192.0.2.1 First.Example second\n10.1.0.2 source\n2001:db8::2 six\n203.0.113.9 nobody\n";
    let hosts = format!("hosts:{}", save(&folder, "hosts", lines).display());
    for input in [&lake, &path] {
        assert_eq!(csv(input, "names", &[]), "address,name,source\n");
        let rows = "10.1.0.2,source.,hosts\n192.0.2.1,first.example.,hosts\n2001:db8::2,six.,hosts\n";
        assert_eq!(csv(input, "names", &["--names", &hosts]), format!("address,name,source\n{rows}"));
        // Of the packets that are asked for only; the largest come first where some are shown: 200 to 300 bytes.
        let of_net = ["--names", &hosts, "--net", "10.1.0.2"];
        assert_eq!(csv(input, "names", &of_net), "address,name,source\n10.1.0.2,source.,hosts\n");
        let shown = run(["summarize", input, "--names", &hosts, "--table", "names", "--format", "json", "--top", "2"]);
        let row = |address: &str, name: &str| json!({"address": address, "name": name, "source": "hosts"});
        let first = [row("192.0.2.1", "first.example."), row("2001:db8::2", "six.")];
        assert_eq!(shown.json()["tables"], json!([{"name": "names", "rows": 3, "first": first}]));
    }
}

/// Makes of a lake what a version without the table of names has left: neither its files nor a word of them in a manifest.
fn without_names(lake: &str) {
    for (number, mut manifest) in (1..).zip(manifests(Path::new(lake))) {
        let before = manifest["tables"].as_array().unwrap().len();
        let of_names = |table: &Value| table["path"].as_str().unwrap().starts_with("summaries/names/");
        manifest["tables"].as_array_mut().unwrap().retain(|table| !of_names(table));
        assert!(manifest["tables"].as_array().unwrap().len() < before);
        let path = Path::new(lake).join(format!("_parcap/manifest/{number:010}.json"));
        assert!(path.exists());
        fs::write(path, manifest.to_string()).unwrap();
    }
    fs::remove_dir_all(Path::new(lake).join("summaries/names")).unwrap();
}

/// The dates, addresses and names of the table.
fn rows(lake: &str) -> Vec<[String; 3]> {
    let cell = |row: &Row, column| row.get(column).unwrap().to_owned();
    let rows = summary(Path::new(lake), "names").into_iter();
    rows.map(|row| [row.partition.clone(), cell(&row, "address"), cell(&row, "name")]).collect()
}

#[test]
fn a_lake_without_the_table_is_read_verified_and_extended() {
    let folder = folder();
    let hosts =
        format!("hosts:{}", save(&folder, "hosts", b"192.0.2.1 one\n192.0.2.2 two\n192.0.2.3 three\n").display());
    let path = text(&save(&folder, "counted.pcap", &counted().bytes));
    let lake = text(&folder.path().join("lake"));
    assert_eq!(run(["convert", &path, "--out", &lake, "--names", &hosts, "-q"]).status, Some(0));
    let [first, second] = ["date=2020-02-29", "date=2020-03-01"];
    let of = |date, named: &[[&str; 2]]| {
        named.iter().map(|[address, name]| [date, *address, *name].map(str::to_owned)).collect::<Vec<_>>()
    };
    let before = [["192.0.2.1", "one."], ["192.0.2.2", "two."]];
    assert_eq!(rows(&lake), [of(first, &before), of(second, &before)].concat());
    without_names(&lake);
    let succeeds = |args: &[&str]| {
        let ran = run(args);
        assert_eq!((ran.status, ran.stderr.as_str()), (Some(0), ""), "{args:?}");
    };
    let verify = || succeeds(&["verify", &lake, "--deep", "--format", "json"]);
    verify();
    // What was counted tells the names; nothing is written for that.
    assert_eq!(csv(&lake, "names", &[]), "address,name,source\n192.0.2.1,one.,hosts\n192.0.2.2,two.,hosts\n");
    assert_eq!(csv(&lake, "names", &["--names", "off"]), "address,name,source\n");
    assert_eq!(files(&Path::new(&lake).join("summaries/names")), Vec::<std::path::PathBuf>::new());
    // A run makes the table of the dates that it touches.
    let mut more = Capture::pcap();
    more.record(3, 0, udp(3, &[0; 58]));
    let more = text(&save(&folder, "more.pcap", &more.bytes));
    succeeds(&["convert", &more, "--out", &lake, "--names", &hosts, "-q", "--format", "json"]);
    let after = [&before[..], &[["192.0.2.3", "three."]]].concat();
    assert_eq!(rows(&lake), of(second, &after));
    verify();
    succeeds(&["compact", &lake, "--format", "json"]);
    assert_eq!(rows(&lake), of(second, &after));
    verify();
    // Without the second capture, 192.0.2.3 has no packet on that date.
    succeeds(&["forget", &lake, &more, "--format", "json"]);
    assert_eq!(rows(&lake), of(second, &before));
    verify();
}

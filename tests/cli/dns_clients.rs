//! The table of the clients of DNS as it is asked for, of lakes of this and of earlier versions.

use std::net::IpAddr;
use std::path::Path;

use parcap::cancel::Cancel;
use parcap::commands::{commit, convert_unit, plan};
use parcap::config::{Setting, Settings};
use parcap::error::Error;
use parcap::plan::UnitResult;
use parcap::select::SelectOptions;
use serde_json::Value;

use crate::support::build::Capture;
use crate::support::dns::{Question, assert_balances, succeeds};
use crate::support::losing::{Piece, repair};
use crate::support::{
    commit_options, convert, files, folder, manifests, packets, repository, request, run, sample, save, summary, text,
};

fn ask(client: u8, name: String, code: Option<u8>) -> Question {
    Question { client: IpAddr::from([192, 0, 2, client]), day: 3, name: Some(name), kind: 1, code, cut: false }
}

/// The example of the specification: one client asks 300 names that do not exist, beside others that ask what there is.
#[test]
fn a_client_that_asks_300_names_that_do_not_exist_is_first_of_those_that_failed() {
    let folder = folder();
    let mut capture = Capture::pcap();
    for number in 0..300 {
        for code in [None, Some(3)] {
            capture.record(3, number, ask(31, format!("{number:x}q.example."), code).frame());
        }
        // Four names, by two clients.
        let client = 10 + u8::from(number % 5 == 0);
        for code in [None, Some(if number == 7 { 3 } else { 0 })] {
            capture.record(3, number, ask(client, format!("www{}.example.", number % 4), code).frame());
        }
    }
    let path = text(&save(&folder, "storm.pcap", &capture.bytes));
    let lake = text(&folder.path().join("lake"));
    succeeds(&["convert", &path, "--out", &lake, "--quiet"]);
    // By hand: 300 queries and as many failures of 31; 60 of 300 queries are of 11; number 7 is of 10 and failed.
    let expected = "client,rcode,queries,names\n\
        192.0.2.31,NXDOMAIN,300,300\n\
        192.0.2.31,,300,300\n\
        192.0.2.10,,240,4\n\
        192.0.2.10,NOERROR,239,4\n\
        192.0.2.11,NOERROR,60,4\n\
        192.0.2.11,,60,4\n\
        192.0.2.10,NXDOMAIN,1,1\n";
    for input in [&lake, &path] {
        for top in [&["--top", "all"][..], &["--top", "7"]] {
            let command = [&["summarize", input, "--table", "dns_clients", "--format", "csv"], top].concat();
            assert_eq!(succeeds(&command), expected, "{command:?}");
        }
    }
    // Packets of a capture are filtered one by one, by the client or the server; a lake has counted clients only.
    let filtered = succeeds(&["summarize", &path, "--net", "192.0.2.11", "--table", "dns_clients", "--format", "csv"]);
    assert_eq!(filtered, "client,rcode,queries,names\n192.0.2.11,NOERROR,60,4\n192.0.2.11,,60,4\n");
    let of_lake = run(["summarize", &lake, "--net", "192.0.2.11"]);
    let left_out = "note: dns_clients is left out: it was not counted by protocol or address\n";
    assert!(of_lake.stderr.contains(left_out), "{of_lake:?}");
}

/// That a verification would tell.
#[test]
fn a_table_of_clients_that_lacks_messages_is_named() {
    let folder = folder();
    let [one, two] = [("one", 5), ("two", 9)].map(|(name, more)| {
        let lake = folder.path().join(name);
        let mut capture = Capture::pcap();
        (0..more).for_each(|micros| capture.record(3, micros, ask(9, "one.example.".to_owned(), None).frame()));
        let path = save(&folder, &format!("{name}.pcap"), &capture.bytes);
        convert(&request(&[path], &lake));
        lake
    });
    let table = "summaries/dns_clients/date=2020-03-01/dns_clients.parquet";
    let manifest = "_parcap/manifest/0000000001.json";
    assert!(one.join(manifest).exists() && one.join(table).exists() && two.join(table).exists());
    succeeds(&["verify", &text(&one)]);
    // A table that says something else, and a manifest that names it: as a version that counts wrong would leave both.
    let read = |lake: &Path| -> Value { serde_json::from_slice(&std::fs::read(lake.join(manifest)).unwrap()).unwrap() };
    let (mut said, other) = (read(&one), read(&two));
    let of = |manifest: &Value| -> Value {
        let tables = manifest["tables"].as_array().unwrap();
        tables.iter().find(|entry| entry["path"] == table).unwrap().clone()
    };
    let (before, after) = (of(&said), of(&other));
    *said["tables"].as_array_mut().unwrap().iter_mut().find(|entry| **entry == before).unwrap() = after;
    // One without a checksum is taken as it is.
    said.as_object_mut().unwrap().remove("checksum").unwrap();
    std::fs::copy(two.join(table), one.join(table)).unwrap();
    std::fs::write(one.join(manifest), serde_json::to_vec(&said).unwrap()).unwrap();
    let ran = run(["verify", &text(&one)]);
    let problem = "of 2020-03-01, adds up to 9 messages with no response code; `dns_queries` has 5";
    assert!(ran.stdout.contains(problem) || ran.stderr.contains(problem), "{ran:?}");
}

/// The settings of a lake that an earlier version began: its manifests do not say that it counts clients.
fn earlier() -> Settings {
    Settings { dns_clients: false, ..Settings::default() }
}

/// A lake that does not count clients: nothing of them is in its files or in what is said of it.
fn assert_has_none(lake: &Path) {
    assert!(!lake.join("summaries/dns_clients").exists() && lake.join("summaries/dns_queries").exists());
    assert!(manifests(lake).iter().all(|manifest| manifest["settings"].get("dns_clients").is_none()));
    succeeds(&["verify", "--deep", &text(lake)]);
    let ran = run(["summarize", &text(lake), "--format", "json"]);
    let note =
        "note: dns_clients is left out: the lake was begun by an earlier version of parcap, which did not count this\n";
    assert_eq!((ran.status, ran.stderr.as_str()), (Some(0), note));
    let shown = ran.json();
    assert_eq!(shown["left_out"], serde_json::json!(["dns_clients"]));
    assert!(shown["tables"].as_array().unwrap().iter().all(|table| table["name"] != "dns_clients"));
    let asked = run(["summarize", &text(lake), "--table", "dns_clients"]);
    let said = format!(
        "error: {}: dns_clients cannot be made as asked: the lake was begun by an earlier version of parcap, which did not \
         count this\nhint: sum up the captures instead: `parcap summarize CAPTURE… --table dns_clients`; to have it in a lake, \
         convert its captures into a new one\n",
        text(lake)
    );
    assert_eq!((asked.status, asked.stderr), (Some(2), said));
}

/// The lake of `data/earlier` goes on as it began: with new captures, fewer, compacted, repaired, and after all manifests are lost.
#[test]
fn a_lake_of_an_earlier_version_does_not_begin_to_count_clients() {
    let folder = folder();
    let lake = folder.path().join("lake");
    for path in files(&repository("data/earlier/lake")) {
        std::fs::create_dir_all(lake.join(&path).parent().unwrap()).unwrap();
        std::fs::copy(repository("data/earlier/lake").join(&path), lake.join(&path)).unwrap();
    }
    assert_has_none(&lake);
    let report = run(["convert", &sample("web.pcap.gz"), "--out", &text(&lake), "--format", "json"]);
    assert_eq!(report.status, Some(0), "{report:?}");
    let shown = report.json();
    let named: Vec<_> = shown["summaries"].as_array().unwrap().iter().map(|table| table["name"].clone()).collect();
    assert!(named.contains(&"dns_queries".into()) && !named.contains(&"dns_clients".into()), "{named:?}");
    assert_has_none(&lake);
    succeeds(&["forget", &text(&lake), "/captures/vlan.pcap"]);
    assert_has_none(&lake);
    succeeds(&["compact", &text(&lake), "--rewrite"]);
    assert_has_none(&lake);
    assert!(!summary(&lake, "dns_queries").is_empty());
    for lost in [Piece::Table, Piece::Partial, Piece::Own] {
        assert!(lost.lose(&lake, 0));
        repair(&lake);
        assert_has_none(&lake);
    }
}

/// What parts do not say, the tables do: a lake that has lost all of `_parcap` goes on counting, if it did.
#[test]
fn a_lake_that_counts_clients_does_so_after_all_manifests_are_lost() {
    let folder = folder();
    let lake = folder.path().join("lake");
    convert(&request(&[sample("web.pcap.gz")], &lake));
    let before = packets(&lake);
    assert!(Piece::Own.lose(&lake, 0));
    repair(&lake);
    assert_eq!(manifests(&lake).last().unwrap()["settings"]["dns_clients"], true);
    assert_eq!(packets(&lake), before);
    let mut again = request(&[sample("web.pcap.gz")], &lake);
    again.rules.force = true;
    convert(&again);
    assert_balances(&lake);
    assert!(!summary(&lake, "dns_clients").is_empty());
    succeeds(&["verify", "--deep", &text(&lake)]);
}

/// Units that were converted for other settings: those that count fit a lake that does not, and not the other way round.
#[test]
fn units_of_an_earlier_version_are_refused_where_clients_are_counted() {
    let folder = folder();
    let units = |lake: &Path, settings: &Settings| -> Vec<UnitResult> {
        let named = [sample("web.pcap.gz").into()];
        let planned =
            plan(&named, &folder.path().join("nothing"), settings, &SelectOptions::default(), &Cancel::default());
        let units: Vec<_> = planned.unwrap().units.iter().map(Result::unwrap).collect();
        units.iter().map(|unit| convert_unit(unit, lake, 1, Cancel::default()).unwrap()).collect()
    };
    let lake_of = |name: &str, settings: Settings| {
        let lake = folder.path().join(name);
        let mut first = request(&[sample("vlan.pcap")], &lake);
        first.settings = settings;
        convert(&first);
        lake
    };
    let (old, new) = (lake_of("old", earlier()), lake_of("new", Settings::default()));
    assert_has_none(&old);
    commit(&old, units(&old, &Settings::default()), commit_options()).unwrap();
    assert!(summary(&old, "captures").len() == 2);
    assert_has_none(&old);
    match commit(&new, units(&new, &earlier()), commit_options()) {
        Err(Error::SettingsDiffer { held: Setting::DnsClients(true), asked: Setting::DnsClients(false), .. }) => {}
        other => panic!("{other:?}"),
    }
    commit(&new, units(&new, &Settings::default()), commit_options()).unwrap();
    assert_balances(&new);
    // A plan for a lake is for what the lake counts.
    let named = [sample("two-interfaces.pcapng").into()];
    let planned = plan(&named, &old, &Settings::default(), &SelectOptions::default(), &Cancel::default()).unwrap();
    assert!(!planned.plan.unwrap().settings.dns_clients);
    assert!(planned.units.iter().all(|unit| !unit.unwrap().settings.dns_clients));
}

#[test]
fn a_lake_without_summaries_says_nothing_of_clients() {
    let folder = folder();
    let lake = folder.path().join("lake");
    succeeds(&["convert", &sample("web.pcap.gz"), "--out", &text(&lake), "--no-summary", "--quiet"]);
    assert!(manifests(&lake)[0]["settings"].get("dns_clients").is_none());
    succeeds(&["convert", &sample("vlan.pcap"), "--out", &text(&lake), "--no-summary", "--quiet"]);
    succeeds(&["verify", "--deep", &text(&lake)]);
}

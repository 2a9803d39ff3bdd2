//! `--from` and `--to` as times of day. The sums are counted by hand from the packets of `counted`.

use serde_json::json;

use crate::support::build::{Capture, dns_answer, interface, packet, section, simple, udp};
use crate::support::{folder, run, save, text};

use super::summarize::{both, counted, csv};

/// Tables whose rows add up to the packets.
const VOLUMES: [&str; 7] = [
    "volume_by_ip",
    "volume_by_src",
    "volume_by_name",
    "conversations",
    "protocols",
    "send_rates_by_protocol",
    "send_rates",
];

fn bytes(csv: &str) -> i64 {
    let place = csv.lines().next().unwrap().split(',').position(|name| name == "bytes").unwrap();
    csv.lines().skip(1).map(|line| line.split(',').nth(place).unwrap().parse::<i64>().unwrap()).sum()
}

#[test]
fn rates_of_a_lake_are_those_of_its_captures_from_a_time_up_to_another() {
    let folder = folder();
    for input in both(&folder, &counted()) {
        for (options, expected) in [
            (&["--from", "2020-02-29T00:00:01Z", "--to", "2020-02-29T00:00:02Z"][..], 300),
            (&["--from", "2020-02-29T00:00Z", "--to", "2020-02-29T00:00:01Z"], 0),
            (&["--to", "2020-02-29T00:00:01Z"], 0),
            (&["--from", "2020-02-29T23:59:59Z", "--to", "2020-03-01T00:00:01Z"], 1264),
            // One hour east of Greenwich.
            (&["--from", "2020-03-01T00:59:59+01:00", "--to", "2020-03-01T01:00:01+01:00"], 1264),
            (&["--from", "2020-03-01T00:00:01Z"], 50),
            (&["--from", "2020-02-29T00:00:02Z", "--to", "2020-02-29"], 300),
            (&["--from", "2020-03-01", "--to", "2020-03-01T00:00:01Z"], 964),
            (&["--from", "2020-03-01T00:00:00Z", "--to", "2020-03-01T00:00:01Z", "--protocol", "UDP"], 900),
        ] {
            for table in ["send_rates", "send_rates_by_protocol"] {
                assert_eq!(bytes(&csv(&input, table, options)), expected, "{input} {table} {options:?}");
            }
        }
        // Midnight is where dates begin, so that these are dates, and all tables know them.
        for options in [
            &["--from", "2020-02-29T00:00:00Z", "--to", "2020-03-01T00:00Z"][..],
            &["--from", "2020-02-29T00:00Z", "--to", "2020-02-29"],
        ] {
            for table in VOLUMES {
                assert_eq!(bytes(&csv(&input, table, options)), 600, "{input} {table} {options:?}");
            }
        }
    }
}

#[test]
fn of_captures_every_table_is_of_the_packets_from_a_time_up_to_another() {
    let folder = folder();
    let path = text(&save(&folder, "counted.pcap", &counted().bytes));
    for (options, expected) in [
        (&["--from", "2020-02-29T00:00:01.5Z", "--to", "2020-02-29T23:59:59.999999Z"][..], 200),
        (&["--from", "2020-02-29T00:00:01.500001Z", "--to", "2020-02-29T23:59:59.999999Z"], 0),
        (&["--from", "2020-02-29T00:00:01.500Z", "--to", "2020-03-01T00:00:00.00001Z"], 900),
        (&["--from", "2020-03-01T00:00:00.000020Z"], 550),
        (&["--to", "2020-03-01T00:00:00.000001Z", "--net", "192.0.2.1"], 800),
        (&["--from", "2020-03-01T00:00:00.000010Z", "--to", "2020-03-01T12:00Z", "--window", "1d"], 564),
    ] {
        for table in VOLUMES {
            assert_eq!(bytes(&csv(&path, table, options)), expected, "{table} {options:?}");
        }
    }
    // Windows may begin with the first packet that counts.
    let options = ["--from", "2020-02-29T00:00:01.2Z", "--to", "2020-02-29T12:00Z", "--align", "first"];
    let rows = "window_start,window_s,bytes,packets,bytes_per_s\n2020-02-29T00:00:01.5Z,1,200,1,200\n";
    assert_eq!(csv(&path, "send_rates", &options), rows);
}

/// A window that does not divide the date begins on the date before.
#[test]
fn a_window_over_midnight_has_the_packets_that_count() {
    let folder = folder();
    let path = text(&save(&folder, "counted.pcap", &counted().bytes));
    // 1583013600, a multiple of 50400, is 2020-02-29T22:00:00Z.
    let options = ["--window", "14h", "--from", "2020-03-01T00:00:00.00001Z", "--to", "2020-03-01T23:00Z"];
    let rows = csv(&path, "send_rates", &options);
    assert_eq!(rows.lines().nth(1), Some("2020-02-29T22:00:00Z,50400,564,2,0.01119047619047619"), "{rows}");
    assert_eq!(rows.lines().count(), 2);
}

#[test]
fn what_a_lake_was_not_counted_by_is_left_out_and_named() {
    let folder = folder();
    let [lake, path] = both(&folder, &counted());
    let options = ["--from", "2020-02-29T23:59:59Z", "--to", "2020-03-01T00:00:01Z", "--format", "json"];
    let ran = run([&["summarize", &lake], &options[..]].concat());
    let left_out = [
        "dns_names",
        "names",
        "dns_clients",
        "dns_queries",
        "ports",
        "protocols",
        "conversations",
        "volume_by_src",
        "volume_by_name",
        "volume_by_ip",
    ];
    let why = "it was counted by date, not by time of day";
    let notes: String = left_out.iter().map(|name| format!("note: {name} is left out: {why}\n")).collect();
    assert_eq!((ran.status, ran.stderr.as_str()), (Some(0), notes.as_str()));
    let document = ran.json();
    assert_eq!(document["left_out"], json!(left_out));
    let of_captures = run([&["summarize", &path], &options[..]].concat());
    assert_eq!((of_captures.status, of_captures.stderr.as_str()), (Some(0), ""));
    // What is shown is what the captures show.
    let of_captures = of_captures.json();
    assert_eq!((document["tables"].as_array().unwrap().len(), &of_captures["left_out"]), (3, &json!([])));
    for table in document["tables"].as_array().unwrap() {
        let others = of_captures["tables"].as_array().unwrap();
        assert_eq!(others.iter().find(|other| other["name"] == table["name"]), Some(table));
    }
    // Captures are listed as a whole, if they may have packets of that time.
    let capture = &of_captures["tables"][0]["first"];
    assert_eq!((&capture[0]["bytes"], &capture[0]["packets"]), (&json!(1614), &json!(7)));
    for input in [&lake, &path] {
        let lines = |options: &[&str]| csv(input, "captures", options).lines().count() - 1;
        assert_eq!(lines(&["--from", "2020-03-01T23:59:59.999999Z"]), 1);
        assert_eq!(lines(&["--from", "2020-03-02T00:00:00.5Z"]), 0);
        assert_eq!(lines(&["--to", "2020-02-29T00:00:01Z"]), 0);
        assert_eq!(lines(&["--to", "2020-02-29T00:00:01.000001Z"]), 1);
    }
}

#[test]
fn messages_count_by_their_time_and_addresses_keep_their_names() {
    let mut capture = Capture::pcap();
    capture.record(2, 10_000_000, dns_answer(1, &[b"first"], &[[192, 0, 2, 2]]));
    capture.record(2, 20_000_000, dns_answer(1, &[b"second"], &[[192, 0, 2, 9]]));
    capture.record(2, 21_000_000, udp(2, &[]));
    let folder = folder();
    let path = text(&save(&folder, "names.pcap", &capture.bytes));
    let options = ["--from", "2020-02-29T00:00:15Z", "--to", "2020-02-29T00:00:21.5Z"];
    let names = "address,name,answers,first_seen,last_seen\n\
                 192.0.2.9,second.,1,2020-02-29T00:00:20Z,2020-02-29T00:00:20Z\n";
    assert_eq!(csv(&path, "dns_names", &options), names);
    let queries = csv(&path, "dns_queries", &options);
    assert_eq!((queries.lines().count(), queries.contains("second.,")), (2, true), "{queries}");
    // It was named before.
    assert!(csv(&path, "volume_by_name", &options).contains("first.,42,1\n"));
}

#[test]
fn a_packet_without_a_time_counts_in_dates_and_in_no_time_of_day() {
    // 2020-02-29T12:00:00Z.
    let noon = 1_582_977_600_000_000;
    let bytes = [section(), interface(1, 0, 6, 0), packet(0, noon, &udp(1, &[])), simple(&udp(2, &[]))].concat();
    let folder = folder();
    let path = text(&save(&folder, "untimed.pcapng", &bytes));
    let lake = text(&folder.path().join("lake"));
    assert_eq!(run(["convert", &path, "--out", &lake, "--quiet", "--top", "0"]).status, Some(0));
    for input in [&lake, &path] {
        let of = |options: &[&str]| bytes_of(input, options);
        assert_eq!(of(&["--from", "2020-02-29", "--to", "2020-02-29"]), 84);
        assert_eq!(of(&["--from", "2020-02-29T00:00:00Z", "--to", "2020-03-01T00:00:00Z"]), 84);
        assert_eq!(of(&["--from", "2020-02-29T12:00:00Z"]), 42);
        assert_eq!(of(&["--from", "2020-02-29", "--to", "2020-02-29T13:00:00Z"]), 42);
    }
}

fn bytes_of(input: &str, options: &[&str]) -> i64 {
    bytes(&csv(input, "send_rates", options))
}

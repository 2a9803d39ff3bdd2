//! `parcap summarize`: what it shows of a lake and of captures. The sums are counted by hand from the packets of `counted`.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::support::build::{Capture, dns_answer, ip, other, udp, udp6};
use crate::support::{Ran, folder, run, run_with, save, text};

/// The tables, in the order in which they are shown.
const TABLES: [&str; 13] = [
    "captures",
    "dns_names",
    "names",
    "dns_clients",
    "dns_queries",
    "ports",
    "send_rates_by_protocol",
    "send_rates",
    "protocols",
    "conversations",
    "volume_by_src",
    "volume_by_name",
    "volume_by_ip",
];

/// Seven packets of 1614 bytes; those of the 29th of February have 600 bytes.
pub(super) fn counted() -> Capture {
    let mut capture = Capture::pcap();
    let zeros = |length: usize| vec![0; length];
    // Ethernet, IPv4 and UDP have 42 bytes, with IPv6 62.
    capture.record(2, 1_000_000, udp(1, &zeros(100 - 42)));
    capture.record(2, 1_500_000, udp(2, &zeros(200 - 42)));
    capture.record_at(2, 86_399, 999_999, ip(6, 1, &zeros(300 - 42)));
    capture.record(3, 0, udp(1, &zeros(400 - 42)));
    capture.record(3, 10, other(&zeros(64 - 14)));
    capture.record(3, 20, udp6(&zeros(500 - 62)));
    capture.record_at(3, 86_399, 999_999, ip(253, 7, &zeros(50 - 42)));
    capture
}

/// A lake of a capture, and the capture.
pub(super) fn both(folder: &tempfile::TempDir, capture: &Capture) -> [String; 2] {
    let path = text(&save(folder, "counted.pcap", &capture.bytes));
    let lake = text(&folder.path().join("lake"));
    assert_eq!(run(["convert", &path, "--out", &lake, "--quiet", "--top", "0"]).status, Some(0));
    [lake, path]
}

fn summarize(input: &str, options: &[&str]) -> Ran {
    run([&["summarize", input], options].concat())
}

/// One table as CSV, without complaints.
pub(super) fn csv(input: &str, table: &str, options: &[&str]) -> String {
    let ran = summarize(input, &[&["--format", "csv", "--table", table], options].concat());
    assert_eq!((ran.status, ran.stderr.as_str()), (Some(0), ""), "{options:?}");
    ran.stdout
}

/// The sum of a column of numbers.
fn sum(csv: &str, column: &str) -> i64 {
    let place = csv.lines().next().unwrap().split(',').position(|name| name == column).unwrap();
    csv.lines().skip(1).map(|line| line.split(',').nth(place).unwrap().parse::<i64>().unwrap()).sum()
}

#[test]
fn a_lake_and_its_captures_show_the_same_tables_in_order() {
    let folder = folder();
    let [lake, path] = both(&folder, &counted());
    let shown = [&lake, &path].map(|input| {
        let ran = summarize(input, &[]);
        assert_eq!((ran.status, ran.stderr.as_str()), (Some(0), ""));
        let headings = ran.stdout.split("\n\n").filter_map(|table| table.lines().next());
        assert_eq!(headings.collect::<Vec<_>>(), TABLES, "{}", ran.stdout);
        ran.stdout
    });
    assert_eq!(shown[0], shown[1]);
    let documents = [&lake, &path].map(|input| {
        let ran = summarize(input, &["--format", "json"]);
        assert_eq!((ran.status, ran.stderr.as_str(), ran.stdout.lines().count()), (Some(0), "", 1));
        ran.json()
    });
    assert_eq!(documents[0], documents[1]);
    let [document, _] = documents;
    assert_eq!(document.as_object().unwrap().keys().collect::<Vec<_>>(), ["left_out", "tables", "version"]);
    assert_eq!(document["left_out"], json!([]));
    let tables = document["tables"].as_array().unwrap();
    assert_eq!(tables.iter().map(|table| &table["name"]).collect::<Vec<_>>(), TABLES);
    let protocols = json!([
        {"protocol": "UDP", "bytes": 1200, "packets": 4},
        {"protocol": "TCP", "bytes": 300, "packets": 1},
        {"protocol": null, "bytes": 64, "packets": 1},
        {"protocol": "253", "bytes": 50, "packets": 1},
    ]);
    assert_eq!(tables[8], json!({"name": "protocols", "rows": 4, "first": protocols}));
    let conversations = tables[9]["first"].as_array().unwrap();
    let largest = json!({"ip_src": "10.1.0.1", "ip_dst": "192.0.2.1", "bytes": 800, "packets": 3, "rest": null});
    assert_eq!((conversations.len(), &conversations[0]), (5, &largest));
    let rates = tables[7]["first"].as_array().unwrap();
    let first = json!({"window_start": "2020-03-01T00:00:00Z", "window_s": 1.0, "bytes": 964, "packets": 3, "bytes_per_s": 964.0});
    assert_eq!((rates.len(), &rates[0]), (4, &first));
}

#[test]
fn csv_is_one_table_with_a_header_and_all_rows() {
    let folder = folder();
    for input in both(&folder, &counted()) {
        let all = "ip_dst,bytes,packets\n192.0.2.1,800,3\n2001:db8::2,500,1\n192.0.2.2,250,2\n,64,1\n";
        assert_eq!(csv(&input, "volume_by_ip", &[]), all);
        assert_eq!(csv(&input, "volume_by_ip", &["--top", "all"]), all);
        assert_eq!(
            csv(&input, "volume_by_ip", &["--top", "2"]).lines().collect::<Vec<_>>(),
            all.lines().take(3).collect::<Vec<_>>()
        );
        assert_eq!(csv(&input, "volume_by_ip", &["--top", "0"]), "ip_dst,bytes,packets\n");
        let names = "name_dst,bytes,packets\nN/A,1550,6\n,64,1\n";
        assert_eq!(csv(&input, "volume_by_name", &[]), names);
        // In the order of their start, not of their size.
        let rates = "window_start,window_s,bytes,packets,bytes_per_s\n2020-02-29T00:00:01Z,1,300,2,300\n\
                     2020-02-29T23:59:59Z,1,300,1,300\n2020-03-01T00:00:00Z,1,964,3,964\n2020-03-01T23:59:59Z,1,50,1,50\n";
        assert_eq!(csv(&input, "send_rates", &[]), rates);
        for table in TABLES {
            let columns = parcap::summary::Summary::of(table).unwrap().columns.iter().map(|column| column.name);
            let header = columns.collect::<Vec<_>>().join(",");
            assert_eq!(csv(&input, table, &[]).lines().next(), Some(header.as_str()), "{table}");
        }
    }
}

/// More rows than are in memory at a time.
#[test]
fn csv_of_many_rows_has_each_once_and_one_header() {
    let mut capture = Capture::pcap();
    let mut expected = "ip_src,bytes,packets\n".to_owned();
    for number in 0..9000_u16 {
        capture.record(2, number.into(), udp(number, &[]));
        let [high, low] = number.to_be_bytes();
        writeln!(expected, "10.1.{high}.{low},42,1").unwrap();
    }
    let folder = folder();
    for input in both(&folder, &capture) {
        assert_eq!(csv(&input, "volume_by_src", &[]), expected);
        assert_eq!(csv(&input, "volume_by_src", &["--top", "8999"]).lines().count(), 9000);
    }
}

#[test]
fn a_range_of_dates_includes_both_ends() {
    let folder = folder();
    for input in both(&folder, &counted()) {
        for (options, bytes) in [
            (&["--from", "2020-02-29", "--to", "2020-02-29"][..], 600),
            (&["--from", "2020-03-01"], 1014),
            (&["--to", "2020-02-29"], 600),
            (&["--from", "2020-02-29", "--to", "2020-03-01"], 1614),
            (&["--from", "2020-03-02"], 0),
            (&["--to", "2020-02-28"], 0),
        ] {
            for table in ["volume_by_ip", "volume_by_src", "volume_by_name", "protocols", "send_rates", "conversations"]
            {
                assert_eq!(sum(&csv(&input, table, options), "bytes"), bytes, "{input} {table} {options:?}");
            }
            let captures = csv(&input, "captures", options).lines().count() - 1;
            assert_eq!(captures, usize::from(bytes > 0), "{input} {options:?}");
        }
    }
}

#[test]
fn filters_by_protocol_and_by_address() {
    let folder = folder();
    for input in both(&folder, &counted()) {
        for (options, bytes) in [
            (&["--protocol", "udp"][..], 1200),
            (&["--protocol", "UDP"], 1200),
            (&["--protocol", "17"], 1200),
            (&["--protocol", "tCp,253"], 350),
            (&["--protocol", "6", "--protocol", "253"], 350),
            (&["--protocol", "0"], 0),
            (&["--net", "192.0.2.2"], 250),
            // As a source.
            (&["--net", "10.1.0.1"], 800),
            (&["--net", "10.1.0.0/30"], 1000),
            // Of a prefix only its first bits count.
            (&["--net", "192.0.2.3/30"], 1050),
            (&["--net", "0.0.0.0/0"], 1050),
            (&["--net", "2001:db8::/32"], 500),
            (&["--net", "2001:db8:1::1"], 500),
            (&["--net", "2001:db8:2::/48"], 0),
            (&["--net", "::/0"], 500),
            (&["--net", "192.0.2.2,::/0"], 750),
            (&["--net", "10.1.0.1", "--protocol", "UDP"], 500),
            (&["--net", "::/0", "--protocol", "TCP"], 0),
            (&["--net", "10.1.0.1", "--protocol", "UDP", "--from", "2020-03-01"], 400),
        ] {
            for table in ["volume_by_ip", "volume_by_src", "volume_by_name", "protocols", "conversations"] {
                assert_eq!(sum(&csv(&input, table, options), "bytes"), bytes, "{input} {table} {options:?}");
            }
        }
    }
}

#[test]
fn tables_that_a_filter_cannot_be_applied_to_are_left_out_and_named() {
    let folder = folder();
    let [lake, path] = both(&folder, &counted());
    let whole = ("captures", "its rows are of whole captures");
    let queries = ("dns_queries", "it was not counted by protocol or address");
    let address = "it was not counted by address";
    let clients = ("dns_clients", queries.1);
    let by_address =
        [whole, clients, queries, ("ports", address), ("send_rates_by_protocol", address), ("send_rates", address)];
    for (input, options, left_out) in [
        (
            &lake,
            &["--protocol", "UDP"][..],
            &[whole, ("dns_names", "it was not counted by protocol"), clients, queries][..],
        ),
        (&lake, &["--net", "::/0"], &by_address),
        (&path, &["--net", "::/0"], &[whole]),
        (&path, &["--protocol", "UDP"], &[whole, ("dns_names", "it is not counted by protocol")]),
    ] {
        let ran = summarize(input, &[&["--format", "json"], options].concat());
        let notes: String = left_out.iter().map(|(name, why)| format!("note: {name} is left out: {why}\n")).collect();
        let left_out: Vec<_> = left_out.iter().map(|(name, _)| *name).collect();
        assert_eq!((ran.status, ran.stderr.as_str()), (Some(0), notes.as_str()), "{options:?}");
        let document = ran.json();
        assert_eq!(document["left_out"], json!(left_out));
        let names: Vec<_> = document["tables"].as_array().unwrap().iter().map(|table| &table["name"]).collect();
        let expected: Vec<_> = TABLES.into_iter().filter(|name| !left_out.contains(name)).collect();
        assert_eq!(names, expected, "{options:?}");
    }
    // Only of what is asked for.
    let ran = summarize(&lake, &["--net", "::/0", "--table", "protocols", "--format", "json"]);
    assert_eq!((ran.status, ran.stderr.as_str(), &ran.json()["left_out"]), (Some(0), "", &json!([])));
}

#[test]
fn bytes_are_in_units_for_people_or_exact() {
    let folder = folder();
    for input in both(&folder, &counted()) {
        let human = summarize(&input, &["--table", "protocols,send_rates", "--top", "1"]);
        let expected = "send_rates\n window_start          window_s  bytes  packets  bytes_per_s\n \
                        2020-03-01T00:00:00Z     1.000  964 B        3      964 B/s\n … and 3 more rows\n\n\
                        protocols\n protocol    bytes  packets\n UDP       1.20 kB        4\n … and 3 more rows\n\n";
        assert_eq!((human.status, human.stdout.as_str()), (Some(0), expected));
        let exact = summarize(&input, &["--table", "protocols", "--top", "1", "--exact"]);
        let expected = "protocols\n protocol  bytes  packets\n UDP       1,200        4\n … and 3 more rows\n\n";
        assert_eq!((exact.status, exact.stdout.as_str()), (Some(0), expected));
    }
}

/// Names and paths that would clear a screen, end a line, begin a formula.
#[test]
fn nothing_from_a_capture_steers_a_terminal_or_a_spreadsheet() {
    let mut capture = Capture::pcap();
    let labels: [&[u8]; 5] = [b"\x1b[2Jx", b"a\rb\nc", b"\x9b31m\x07\x00\xff", b"=1+2", b"+,\"q\""];
    for (number, label) in (0_u16..).zip(labels) {
        let [_, low] = number.to_be_bytes();
        capture.record(2, number.into(), dns_answer(number, &[label, b"example"], &[[192, 0, 2, low]]));
        capture.record(2, number.into(), udp(number, &[]));
    }
    // RFC 1035 5.1: bytes that are not printed stand as their decimal digits.
    let names = ["\\027[2jx.", "a\\013b\\010c.", "\\15531m\\007\\000\\255.", "=1+2.", "+,\"q\"."];
    let names = names.map(|name| format!("{name}example."));
    let folder = folder();
    let path = folder.path().join("\x1b]0;t\x07\r\n\u{9b}1m=.pcap");
    std::fs::write(&path, &capture.bytes).unwrap();
    let lake = folder.path().join("lake");
    assert_eq!(run([Path::new("convert"), &path, Path::new("--out"), &lake, Path::new("--quiet")]).status, Some(0));
    let steers = |text: &str| text.chars().any(|character| character.is_control() && character != '\n');
    for input in [text(&lake), text(&path)] {
        let mut printed = vec![summarize(&input, &[]), summarize(&input, &["--format", "json"])];
        printed.extend(TABLES.map(|table| summarize(&input, &["--format", "csv", "--table", table])));
        for ran in &printed {
            assert_eq!((ran.status, steers(&ran.stdout), ran.stderr.as_str()), (Some(0), false, ""), "{ran:?}");
        }
        let document = printed[1].json();
        let rows = document["tables"][1]["first"].as_array().unwrap();
        assert_eq!(rows.iter().map(|row| &row["name"]).collect::<Vec<_>>(), names.iter().collect::<Vec<_>>());
        let shown = "\\u{1b}]0;t\\u{7}\\r\\n\\u{9b}1m=.pcap";
        assert!(document["tables"][0]["first"][0]["capture"].as_str().unwrap().ends_with(shown), "{document}");
        let cells: Vec<_> = printed[3].stdout.lines().skip(1).map(|line| line.split_once(',').unwrap().1).collect();
        for (cell, start) in
            cells.iter().zip([&names[0], &names[1], &names[2], "'=1+2.example.", "\"'+,\"\"q\"\".example.\""])
        {
            assert!(cell.starts_with(start), "{cell} {start}");
        }
    }
    // A path that begins a formula, as it is named in its own folder.
    std::fs::write(folder.path().join("=cmd.pcap"), &capture.bytes).unwrap();
    let mut command = crate::support::command();
    command.current_dir(folder.path()).args(["summarize", "=cmd.pcap", "--format", "csv", "--table", "captures"]);
    let ran = crate::support::finish(&mut command);
    assert!(ran.stdout.lines().nth(1).unwrap().starts_with("'=cmd.pcap,"), "{ran:?}");
}

#[test]
fn a_damaged_capture_is_summed_up_as_far_as_it_goes_and_named() {
    let folder = folder();
    let capture = counted();
    let (cut, _) = capture.boundaries[3];
    let damaged = text(&save(&folder, "cut.pcap", &capture.bytes[..cut + 20]));
    let whole = text(&save(&folder, "whole.pcap", &capture.bytes));
    let missing = text(&folder.path().join("gone.pcap"));
    let ran = run(["summarize", &damaged, &whole, &missing, "--format", "csv", "--table", "protocols"]);
    // Three packets of the one, seven of the other.
    let expected = "protocol,bytes,packets\nUDP,1500,6\nTCP,600,2\n,64,1\n253,50,1\n";
    assert_eq!((ran.status, ran.stdout.as_str()), (Some(3), expected));
    let fault = format!(
        "warning: {damaged}: packet 4 is cut off at byte {cut}: its header announces 400 captured bytes, the file has 4\n\
         hint: the 3 packets before it were converted\nerror: {missing}: does not exist\n"
    );
    assert_eq!(ran.stderr, fault);
}

#[test]
fn salvage_and_captured_lengths_are_as_in_a_conversion() {
    let folder = folder();
    let mut capture = Capture::pcap();
    for number in 0..40 {
        let mut frame = udp(number, &[9; 30]);
        frame.orig_len += 1000;
        capture.record(4, number.into(), frame);
    }
    let (fault, _) = capture.boundaries[10];
    capture.bytes[fault + 8..fault + 12].copy_from_slice(&u32::MAX.to_le_bytes());
    let path = text(&save(&folder, "broken.pcap", &capture.bytes));
    for (options, line) in
        [(&[][..], "UDP,10720,10"), (&["--salvage"], "UDP,41808,39"), (&["--length", "captured"], "UDP,720,10")]
    {
        let ran = summarize(&path, &[&["--format", "csv", "--table", "protocols"], options].concat());
        assert_eq!((ran.status, ran.stdout.lines().nth(1)), (Some(3), Some(line)), "{options:?}");
    }
}

#[test]
fn standard_input_and_compressed_captures_are_summed_up_alike() {
    let folder = folder();
    let capture = counted();
    let [lake, path] = both(&folder, &capture);
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(&capture.bytes).unwrap();
    let gzip = gzip.finish().unwrap();
    let zstd = zstd::encode_all(capture.bytes.as_slice(), 1).unwrap();
    let mut seen = Vec::new();
    for bytes in [&capture.bytes, &gzip, &zstd] {
        let ran = run_with(["summarize", "-", "--format", "json"], bytes);
        assert_eq!((ran.status, ran.stderr.as_str()), (Some(0), ""));
        let mut document = ran.json();
        let row = document["tables"][0]["first"][0].take();
        assert_eq!((&row["capture"], &row["file_bytes"]), (&json!("stdin"), &json!(bytes.len())));
        seen.push(document);
    }
    let packed = save(&folder, "counted.gz", &gzip);
    for input in [&lake, &path, &text(&packed)] {
        let mut document = summarize(input, &["--format", "json"]).json();
        document["tables"][0]["first"][0] = Value::Null;
        seen.push(document);
    }
    assert!(seen.windows(2).all(|two| two[0] == two[1]), "{seen:?}");
}

#[test]
fn what_is_not_there_is_named_and_no_table_of_nothing_is_drawn() {
    let folder = folder();
    let missing = text(&folder.path().join("lake"));
    let empty = folder.path().join("empty");
    std::fs::create_dir(&empty).unwrap();
    let ran = summarize(&missing, &[]);
    let complaint = format!("error: {missing}: does not exist\n");
    assert_eq!((ran.status, ran.stdout.as_str(), ran.stderr), (Some(1), "", complaint));
    let ran = summarize(&text(&empty), &[]);
    let complaint = format!("error: {}: holds no capture", empty.display());
    assert_eq!((ran.status, ran.stdout.as_str(), ran.complaint()), (Some(1), "", complaint.as_str()));
    assert_eq!(crate::support::files(folder.path()), Vec::<PathBuf>::new());
    // A capture without packets is one: its tables are there, and empty.
    let none = text(&save(&folder, "none.pcap", &Capture::pcap().bytes));
    assert_eq!(csv(&none, "volume_by_ip", &[]), "ip_dst,bytes,packets\n");
    let ran = summarize(&none, &["--format", "json"]);
    assert_eq!((ran.status, ran.json()["tables"].as_array().unwrap().len()), (Some(0), 13));
}

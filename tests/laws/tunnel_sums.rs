//! Law 24, over the nights: the table of tunnels has the packets that were taken out of one, whether the lake has columns of them or
//! not, and whatever happened to other captures. What is expected is added up where the frames are made.
//!
//! Sources of the headers: RFC 7348 5 (VXLAN), RFC 2784 2 and RFC 2890 2 (GRE), RFC 2003 3.1 and RFC 2473 3 (IP in IP),
//! draft-foschiano-erspan-03 4.2 (ERSPAN).

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use parcap::commands::ConvertRequest;
use parcap::packets::further_columns;
use proptest::prelude::*;
use tempfile::TempDir;

use crate::support::build::{Capture, DAYS, Frame, udp, udp6};
use crate::support::losing::{Piece, repair};
use crate::support::{Row, convert, files, folder, hashes, packets, request, run, save, summary, text};

const COLUMNS: [&str; 4] = ["tunnel", "tunnel_id", "outer_ip_src", "outer_ip_dst"];

/// Bytes and packets by date and the four columns.
type Sums = BTreeMap<(String, [String; 4]), (i64, i64)>;

/// A packet that is made: how it is wrapped, by which number and sender, on which day, with how many bytes inside.
#[derive(Clone, Copy, Debug)]
struct Wrapped {
    how: u8,
    number: u16,
    sender: u8,
    day: usize,
    bytes: u8,
}

fn any_wrapped() -> impl Strategy<Value = Wrapped> {
    // Two of seven are in no tunnel, or the whole night is.
    (0..7_u8, 0..3_u16, 0..3_u8, 3..5_usize, 0..40_u8).prop_map(|(how, number, sender, day, bytes)| Wrapped {
        how,
        number,
        sender,
        day,
        bytes,
    })
}

impl Wrapped {
    /// The frame, and what the four columns say of it, unless it is in no tunnel.
    fn frame(self) -> (Frame, Option<[String; 4]>) {
        let inner = udp(self.number, &vec![7; self.bytes.into()]);
        let packet = inner.data[14..].to_vec();
        let [high, low] = self.number.to_be_bytes();
        let (name, id, protocol, payload) = match self.how {
            1 => {
                let length = u16::try_from(16 + inner.data.len()).unwrap().to_be_bytes();
                let header = [0xc3, 0x50, 0x12, 0xb5, length[0], length[1], 0, 0, 8, 0, 0, 0, 0, high, low, 0];
                ("VXLAN", true, 17, [&header[..], &inner.data].concat())
            }
            2 => ("GRE", false, 47, [&[0, 0, 8, 0][..], &packet].concat()),
            3 => ("GRE", true, 47, [&[0x20, 0, 8, 0, 0, 0, high, low][..], &packet].concat()),
            4 => {
                let header = [0x10, 0, 0x88, 0xbe, 0, 0, 0, 1, 0x10, 0, high, low, 0, 0, 0, 0];
                ("GRE/ERSPAN", true, 47, [&header[..], &inner.data].concat())
            }
            5 => ("IPIP", false, 4, packet),
            6 => {
                let mut data = udp6(&packet[8..]).data;
                data[20] = 4;
                data[54..].copy_from_slice(&packet);
                let said = ["IPIP", "-", "2001:db8:1::1", "2001:db8::2"].map(str::to_owned);
                return (Frame { orig_len: u32::try_from(data.len()).unwrap(), data, ..inner }, Some(said));
            }
            _ => return (inner, None),
        };
        let mut data = vec![2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0, 0x45, 0];
        data.extend(u16::try_from(20 + payload.len()).unwrap().to_be_bytes());
        data.extend([0, 0, 0, 0, 64, protocol, 0, 0, 203, 0, 113, self.sender, 198, 51, 100, 1]);
        data.extend(payload);
        let id = if id { self.number.to_string() } else { "-".to_owned() };
        let said = [name.to_owned(), id, format!("203.0.113.{}", self.sender), "198.51.100.1".to_owned()];
        (Frame { orig_len: u32::try_from(data.len()).unwrap(), data, ..inner }, Some(said))
    }
}

/// A capture that begins as no other does: with a packet of this number. `more` packets of VXLAN come after the others.
fn capture(number: u16, wrapped: &[Wrapped], more: usize) -> (Vec<u8>, Sums) {
    let mut capture = Capture::pcap();
    let mut sums = Sums::new();
    capture.record(3, 0, udp(1000 + number, b"first"));
    let rest = Wrapped { how: 1, number: 9, sender: 9, day: 3, bytes: 1 };
    for (micros, wrapped) in (1..).zip(wrapped.iter().chain(std::iter::repeat_n(&rest, more))) {
        let (frame, said) = wrapped.frame();
        if let Some(said) = said {
            let sum = sums.entry((format!("date={}", DAYS[wrapped.day].1), said)).or_default();
            *sum = (sum.0 + i64::from(frame.orig_len), sum.1 + 1);
        }
        capture.record(wrapped.day, micros, frame);
    }
    (capture.bytes, sums)
}

/// A request to convert captures with all tunnels taken off, with or without the columns of them.
fn looking(captures: &[PathBuf], lake: &Path, with_columns: bool) -> ConvertRequest {
    let mut request = request(captures, lake);
    request.settings.decapsulate = "all".parse().unwrap();
    request.settings.columns = further_columns(if with_columns { "tunnel" } else { "" }).unwrap();
    request
}

fn key(row: &Row) -> (String, [String; 4]) {
    (row.partition.clone(), COLUMNS.map(|column| row.get(column).unwrap_or("-").to_owned()))
}

/// What a lake's table says. It is in the order of volume, and there only on dates that have tunnels.
fn said(lake: &Path) -> Sums {
    let rows = summary(lake, "tunnels");
    let size = |row: &Row| (row.int("bytes").unwrap(), row.int("packets").unwrap());
    for pair in rows.windows(2).filter(|pair| pair[0].partition == pair[1].partition) {
        assert!(size(&pair[0]) >= size(&pair[1]), "{pair:?}");
    }
    let sums: Sums = rows.iter().map(|row| (key(row), size(row))).collect();
    assert_eq!(sums.len(), rows.len(), "a key is there twice");
    let dates: BTreeSet<_> = sums.keys().map(|(date, _)| Path::new(date).join("tunnels.parquet")).collect();
    assert_eq!(files(&lake.join("summaries/tunnels")).into_iter().collect::<BTreeSet<_>>(), dates);
    sums
}

/// What the columns of the packets table say.
fn of_rows(lake: &Path) -> Sums {
    let mut sums = Sums::new();
    for row in packets(lake).iter().filter(|row| row.get("tunnel").is_some()) {
        let sum = sums.entry(key(row)).or_default();
        *sum = (sum.0 + row.int("length").unwrap(), sum.1 + 1);
    }
    sums
}

fn all<'a>(captures: impl IntoIterator<Item = &'a Sums>) -> Sums {
    let mut sums = Sums::new();
    for (key, (bytes, packets)) in captures.into_iter().flatten() {
        let sum = sums.entry(key.clone()).or_default();
        *sum = (sum.0 + bytes, sum.1 + packets);
    }
    sums
}

fn parcap(arguments: &[&str]) -> String {
    let ran = run(arguments);
    assert_eq!(ran.status, Some(0), "{arguments:?}: {ran:?}");
    ran.stdout
}

/// A night. Before its run, captures are made again or forgotten. The last field says whether the lake is compacted afterwards.
type Night = (Vec<(usize, Option<Vec<Wrapped>>)>, bool);

fn any_night() -> impl Strategy<Value = Night> {
    let content = prop::option::weighted(0.7, prop::collection::vec(any_wrapped(), 0..12));
    (prop::collection::vec((0..4_usize, content), 0..4), any::<bool>())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn sums_are_those_of_the_captures_that_are_there(
        nights in prop::collection::vec(any_night(), 1..5),
        with_columns: bool,
        chunk_size in prop::sample::select(vec![64 << 20, 300_u64]),
        jobs in 1..3_usize,
        several_units: bool,
        lost in prop::sample::select(vec![Piece::Manifest, Piece::Partial, Piece::Table]),
        which in 0..9_usize,
    ) {
        let folder = folder();
        let lake = folder.path().join("lake");
        let mut held: BTreeMap<usize, (PathBuf, Sums)> = BTreeMap::new();
        for (number, (events, compacted)) in nights.into_iter().enumerate() {
            for (place, (name, content)) in events.into_iter().enumerate() {
                match content {
                    Some(wrapped) => {
                        // Longer than before, or it would not take its place.
                        let (bytes, sums) = capture(u16::try_from(number * 10 + place).unwrap(), &wrapped, number * 20 + place * 13);
                        held.insert(name, (save(&folder, &format!("{name}.pcap"), &bytes), sums));
                    }
                    None if held.len() > 1 && lake.exists() => {
                        if let Some((path, _)) = held.remove(&name) {
                            // It is not in the lake if it was made this night.
                            let ran = run(["forget", &text(&lake), &text(&path)]);
                            prop_assert!(matches!(ran.status, Some(0 | 2)), "{ran:?}");
                            std::fs::remove_file(path).unwrap();
                        }
                    }
                    None => {}
                }
            }
            let paths: Vec<_> = held.values().map(|(path, _)| path.clone()).collect();
            if paths.is_empty() {
                continue;
            }
            let mut night = looking(&paths, &lake, with_columns);
            (night.settings.chunk_size, night.jobs) = (chunk_size, jobs);
            if several_units {
                night.settings.target_file_size = 500;
            }
            convert(&night);
            if compacted {
                parcap(&["compact", &text(&lake)]);
            }
            let expected = all(held.values().map(|(_, sums)| sums));
            prop_assert_eq!(&said(&lake), &expected);
            if with_columns {
                prop_assert_eq!(of_rows(&lake), expected);
            }
            parcap(&["verify", "--deep", &text(&lake)]);
        }
        if lake.exists() {
            let before = hashes(&lake.join("summaries"));
            lost.lose(&lake, which);
            let repaired = repair(&lake);
            let is_named = |path: &PathBuf| repaired.stderr.contains(&format!("{}: its packets in tunnels", text(path)));
            let kept = all(held.values().filter(|(path, _)| !is_named(path)).map(|(_, sums)| sums));
            let (found, whole) = (said(&lake), all(held.values().map(|(_, sums)| sums)));
            // What is gone is of captures that are named.
            for (key, least) in &kept {
                prop_assert!(found.get(key) >= Some(least), "{key:?}: {found:?} {kept:?}");
            }
            for (key, some) in &found {
                prop_assert!(whole.get(key) >= Some(some), "{key:?}: {found:?} {whole:?}");
            }
            if matches!(lost, Piece::Table) {
                prop_assert_eq!(&found, &whole);
                prop_assert_eq!(hashes(&lake.join("summaries")), before);
            }
        }
    }
}

/// Two captures with tunnels of all kinds, on two days, and one without any.
fn three(folder: &TempDir) -> (Vec<PathBuf>, Vec<Sums>) {
    let wrapped = |hows: std::ops::Range<u8>, times: u16| -> Vec<Wrapped> {
        let of = move |how| {
            (0..times).map(move |number| Wrapped { how, number, sender: how, day: 3 + usize::from(how > 3), bytes: 8 })
        };
        hows.flat_map(of).collect()
    };
    let made = [("a", wrapped(1..7, 5)), ("b", wrapped(1..4, 9)), ("none", wrapped(0..1, 7))];
    let made = (0..).zip(made).map(|(number, (name, wrapped))| {
        let (bytes, sums) = capture(number, &wrapped, 0);
        (save(folder, &format!("{name}.pcap"), &bytes), sums)
    });
    made.unzip()
}

#[test]
fn a_date_whose_tunnels_go_loses_its_table() {
    let folder = folder();
    let lake = folder.path().join("lake");
    let (paths, sums) = three(&folder);
    for with_columns in [false, true] {
        convert(&looking(&paths, &lake, with_columns));
        assert_eq!(said(&lake), all(&sums));
        parcap(&["forget", &text(&lake), &text(&paths[0])]);
        // The second capture has tunnels on one of the days only.
        assert_eq!(said(&lake), sums[1]);
        parcap(&["forget", &text(&lake), &text(&paths[1])]);
        assert_eq!((said(&lake), packets(&lake).is_empty()), (Sums::new(), false));
        parcap(&["verify", "--deep", &text(&lake)]);
        std::fs::remove_dir_all(&lake).unwrap();
    }
}

#[test]
fn lost_sums_are_named_where_there_may_have_been_tunnels() {
    let folder = folder();
    let lake = folder.path().join("lake");
    let (paths, sums) = three(&folder);
    for with_columns in [false, true] {
        convert(&looking(&paths, &lake, with_columns));
        assert!(Piece::Partial.lose(&lake, 0));
        let repaired = repair(&lake);
        let is_named = |path: &PathBuf| repaired.stderr.contains(&format!("{}: its packets in tunnels", text(path)));
        // Columns tell that the last one has none.
        assert_eq!([0, 1, 2].map(|place| is_named(&paths[place])), [true, true, !with_columns], "{repaired:?}");
        assert_eq!(said(&lake), Sums::new());
        let mut again = looking(&paths, &lake, with_columns);
        again.rules.force = true;
        convert(&again);
        assert_eq!(said(&lake), all(&sums));
        std::fs::remove_dir_all(&lake).unwrap();
    }
}

#[test]
fn a_capture_that_lost_some_of_its_sums_is_named() {
    let folder = folder();
    let lake = folder.path().join("lake");
    let (paths, sums) = three(&folder);
    for with_columns in [false, true] {
        let mut request = looking(&paths[..1], &lake, with_columns);
        (request.settings.chunk_size, request.settings.target_file_size) = (500, 500);
        convert(&request);
        assert_eq!((said(&lake), Piece::Partial.files(&lake).len() > 1), (sums[0].clone(), true));
        assert!(Piece::Partial.lose(&lake, 1));
        let repaired = repair(&lake);
        assert!(repaired.stderr.contains(&format!("{}: its packets in tunnels", text(&paths[0]))), "{repaired:?}");
        assert!(said(&lake) != sums[0]);
        std::fs::remove_dir_all(&lake).unwrap();
    }
}

#[test]
fn more_tunnels_than_are_counted_at_a_time_add_up_alike_in_chunks_and_without_a_lake() {
    let folder = folder();
    let wrapped = |number: u16| Wrapped {
        how: 3,
        number: number % 5000,
        sender: 1,
        day: 3 + usize::from(number.is_multiple_of(997)),
        bytes: 0,
    };
    let (bytes, sums) = capture(1, &(0..12_000).map(wrapped).collect::<Vec<_>>(), 3);
    assert!(sums.len() > 5000);
    let path = save(&folder, "many.pcap", &bytes);
    let mut hash = None;
    for (jobs, chunk_size) in [(1, 64 << 20), (1, 70_000), (3, 70_000)] {
        let lake = folder.path().join(format!("lake{jobs}-{chunk_size}"));
        let mut request = looking(std::slice::from_ref(&path), &lake, false);
        (request.jobs, request.settings.chunk_size) = (jobs, chunk_size);
        convert(&request);
        assert_eq!(said(&lake), sums);
        let found = hashes(&lake.join("summaries/tunnels"));
        assert_eq!(hash.get_or_insert_with(|| found.clone()), &found);
        let csv = ["--format", "csv", "--table", "tunnels"];
        let of_lake = parcap(&[&["summarize", &text(&lake)][..], &csv].concat());
        let of_capture = parcap(&[&["summarize", &text(&path), "--decapsulate", "gre,vxlan"][..], &csv].concat());
        assert_eq!((of_lake.lines().count() > 5000, of_lake), (true, of_capture));
    }
}

#[test]
fn the_table_is_shown_where_there_are_tunnels_or_it_is_asked_for() {
    let folder = folder();
    let (paths, sums) = three(&folder);
    let [inside, plain] = ["inside", "plain"].map(|name| text(&folder.path().join(name)));
    convert(&looking(&paths, Path::new(&inside), true));
    convert(&request(&paths, Path::new(&plain)));
    let tables = |arguments: &[&str]| {
        let document: serde_json::Value =
            serde_json::from_str(&parcap(&[&["summarize", "--format", "json"], arguments].concat())).unwrap();
        let tables = document["tables"].as_array().unwrap().clone();
        tables
            .into_iter()
            .find(|table| table["name"] == "tunnels")
            .map(|table| table["first"].as_array().unwrap().clone())
    };
    let (path, other) = (text(&paths[0]), text(&paths[2]));
    // The largest are those of IP in IPv6: 14 + 40 bytes around 36 of IPv4 and UDP with 8 bytes, five times.
    let total: i64 = all(&sums).values().map(|(_, packets)| packets).sum();
    let largest = serde_json::json!({
        "tunnel": "IPIP", "tunnel_id": null, "outer_ip_src": "2001:db8:1::1", "outer_ip_dst": "2001:db8::2", "bytes": 450, "packets": 5,
    });
    for arguments in [&[inside.as_str()][..], &[&path, &text(&paths[1]), "--decapsulate", "all"]] {
        let found = tables(&[arguments, &["--top", "100"]].concat()).unwrap();
        assert!(found.contains(&largest), "{found:?}");
        assert_eq!(found.iter().map(|row| row["packets"].as_i64().unwrap()).sum::<i64>(), total);
    }
    for arguments in [&[plain.as_str()][..], &[&path], &[&other, "--decapsulate", "all"]] {
        assert_eq!(tables(arguments), None);
        assert_eq!(tables(&[arguments, &["--table", "tunnels"]].concat()), Some(Vec::new()));
    }
    assert!(!Path::new(&plain).join("summaries/tunnels").exists());
    // Packets of a capture are filtered one by one, by the addresses inside; a lake has sums of whole dates.
    let some = tables(&[&path, "--decapsulate", "all", "--net", "10.1.0.4"]).unwrap();
    assert!(!some.is_empty() && some.len() < 12, "{some:?}");
    let notes = |lake: &str| run(["summarize", lake, "--net", "10.1.0.4"]).stderr;
    assert!(notes(&inside).contains("note: tunnels is left out: it was not counted by protocol or address"));
    assert!(!notes(&plain).contains("tunnels"));
    // Pairs of addresses are those inside, too.
    let pairs = parcap(&["summarize", &inside, "--table", "conversations", "--format", "csv"]);
    assert!(pairs.contains("10.1.0.4,192.0.2.4,") && !pairs.contains("198.51.100.1"), "{pairs}");
}

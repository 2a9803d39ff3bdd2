//! Laws 4 and 5: what is said of units and chunks adds up to what is said of the whole, in any order and grouping, and
//! records framed are rows written; of captures that are whole, and of captures with any byte wrong.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use parcap::cancel::Cancel;
use parcap::capture::CaptureReader;
use parcap::commands::{Planned, commit, convert_unit, plan};
use parcap::plan::{CaptureEntry, ChunkShare, UnitResult, unproved};
use proptest::prelude::*;
use serde_json::Value;

use crate::support::build::{Capture, other, udp};
use crate::support::{
    Row, commit_options, convert, folder, hashes, manifests, packets, repository, request, save, summary, summary_names,
};

use super::random::{any_capture, wanted};
use super::tally::tried;
use super::{Settings, chunks_of, input, mixed_pcapng, plain_pcap};

/// All that a lake and its manifest say of one capture, but for where it was cut into units.
#[derive(Debug, PartialEq)]
pub(super) struct Said {
    rows: Vec<Row>,
    found: Value,
    summaries: BTreeMap<&'static str, Vec<Row>>,
}

impl Said {
    pub(super) fn of(lake: &Path) -> Self {
        let manifest = manifests(lake).remove(0);
        let rows = packets(lake);
        let mut found = manifest["inputs"][0]["found"].clone();
        for place in ["entry", "exit"] {
            found.as_object_mut().unwrap().remove(place);
        }
        if let Some(content) = found.get_mut("content") {
            // In pieces that fit together, whichever they are.
            let pieces = content["pieces"].as_array().unwrap();
            let end = pieces.last().map(|piece| piece["end"].clone());
            *content = serde_json::json!([content["start"], end]);
        }
        let count = |value: &Value| value.as_u64().unwrap();
        let records = count(&found["records"]);
        // Law 5, and the counts that must add up to it.
        assert_eq!((count(&found["rows"]), rows.len() as u64, count(&manifest["rows"])), (records, records, records));
        assert_eq!(found["link_types"].as_object().unwrap().values().map(count).sum::<u64>(), records);
        let length: i64 = rows.iter().map(|row| row.int("length").unwrap()).sum();
        assert_eq!(found["length"].as_i64().unwrap(), length);
        let summaries = summary_names().map(|name| (name, summary(lake, name))).collect();
        Self { rows, found, summaries }
    }
}

/// Converts in one run, by this many workers.
fn in_one_run(capture: &Path, lake: &Path, settings: &Settings, jobs: usize) -> Said {
    let mut request = request(&[capture], lake);
    (request.settings, request.jobs) = (settings.clone(), jobs);
    let report = convert(&request);
    let said = Said::of(lake);
    assert_eq!((report.records, report.rows), (said.rows.len() as u64, said.rows.len() as u64));
    assert_eq!(serde_json::to_value(&report.odd).unwrap(), said.found["odd"]);
    let damage = report.damaged.first().map(|damaged| serde_json::to_value(&damaged.damage).unwrap());
    assert_eq!(damage.as_ref(), said.found.get("damage"));
    said
}

/// `plan` and `convert-unit`.
fn units_of(capture: &Path, lake: &Path, settings: &Settings) -> Vec<UnitResult> {
    let Planned { units, .. } =
        plan(&[capture.to_path_buf()], lake, settings, &parcap::select::SelectOptions::default(), &Default::default())
            .unwrap();
    let units: Vec<_> = units.iter().map(Result::unwrap).collect();
    units.iter().map(|unit| convert_unit(unit, lake, 1, Cancel::default()).unwrap()).collect()
}

/// `plan`, `convert-unit` and `commit`, which is given the units in another order.
fn in_pieces(capture: &Path, lake: &Path, settings: &Settings, turn: usize) -> Said {
    let mut rows = units_of(capture, lake, settings);
    let turn = turn % rows.len().max(1);
    rows.rotate_left(turn);
    if turn % 2 == 1 {
        rows.reverse();
    }
    // As it goes from one program to the next.
    let rows = serde_json::from_str(&serde_json::to_string(&rows).unwrap()).unwrap();
    let report = commit(lake, rows, commit_options()).unwrap();
    let said = Said::of(lake);
    assert_eq!((report.records, report.rows), (said.rows.len() as u64, said.rows.len() as u64));
    said
}

/// Settings that make a unit of every chunk.
fn units_of_bytes(bytes: u64) -> Settings {
    Settings { target_file_size: 16, ..chunks_of(bytes) }
}

/// The captures of these tests: whole, cut in the middle, with a length that cannot be right in the middle.
fn captures(folder: &tempfile::TempDir) -> Vec<PathBuf> {
    let mut paths = Vec::new();
    for (capture, name) in [(plain_pcap(), "plain"), (mixed_pcapng(), "mixed")] {
        let (middle, _) = capture.boundaries[capture.boundaries.len() / 2];
        let mut broken = capture.bytes.clone();
        broken[middle + 6..middle + 12].fill(0xff);
        paths.push(save(folder, name, &capture.bytes));
        paths.push(save(folder, &format!("{name}-cut"), &capture.bytes[..middle + 23]));
        paths.push(save(folder, &format!("{name}-broken"), &broken));
    }
    paths
}

#[test]
fn units_and_chunks_of_any_size_add_up_to_the_whole() {
    let mut chunkings = 0;
    let folder = folder();
    for path in captures(&folder) {
        let name = path.file_name().unwrap().to_str().unwrap();
        let whole = in_one_run(&path, &folder.path().join(format!("lake-{name}")), &Settings::default(), 1);
        let size = std::fs::metadata(&path).unwrap().len();
        for bytes in [size / 19, size / 6, size / 2, size - 1] {
            let settings = units_of_bytes(bytes);
            let place = |way: &str| folder.path().join(format!("lake-{name}-{bytes}-{way}"));
            let turn = usize::try_from(bytes).unwrap();
            assert_eq!(in_pieces(&path, &place("pieces"), &settings, turn), whole, "{name} in units of {bytes}");
            assert_eq!(in_one_run(&path, &place("run"), &settings, 3), whole, "{name} in units of {bytes}");
            // The same units, so the same bytes.
            for table in ["packets", "summaries"] {
                let (pieces, run) = (hashes(&place("pieces").join(table)), hashes(&place("run").join(table)));
                assert_eq!(pieces, run, "{name} in units of {bytes}: {table}");
            }
            chunkings += 2;
        }
    }
    tried("chunkings", chunkings);
}

/// Of the samples, which have names, questions and more conversations than are kept.
#[test]
fn what_shapes_summaries_is_the_same_in_units_and_in_one_run() {
    let folder = folder();
    let (captures, hosts) = (repository("data/captures"), save(&folder, "hosts", b"192.0.2.10 ours\n"));
    let shape = |conversations, window, names: &str| Settings {
        conversations,
        window,
        names: names.parse().unwrap(),
        ..units_of_bytes(9000)
    };
    let named = format!("hosts:{},dns", hosts.display());
    let mut seen = BTreeSet::new();
    for (number, settings) in
        [shape(2, 250_000, &named), shape(0, 60_000_000, "off"), shape(1000, 1_000_000, "dns")].iter().enumerate()
    {
        let place = |way: &str| folder.path().join(format!("{way}-{number}"));
        let mut rows = units_of(&captures, &place("pieces"), settings);
        assert!(rows.len() > 5, "{} units", rows.len());
        rows.rotate_left(number + 1);
        commit(&place("pieces"), rows, commit_options()).unwrap();
        let mut request = request(&[&captures], &place("run"));
        request.settings = settings.clone();
        convert(&request);
        let [pieces, run] = ["pieces", "run"].map(|way| hashes(&place(way).join("summaries")));
        assert_eq!(pieces, run);
        assert_eq!(pieces.keys().filter_map(|path| path.iter().next()).collect::<BTreeSet<_>>().len(), 13);
        for way in ["pieces", "run"] {
            assert_eq!(manifests(&place(way))[0]["settings"], serde_json::to_value(settings).unwrap());
        }
        // What was chosen shows: rows of their own a date besides the one of packets without addresses, and windows.
        let conversations = summary(&place("pieces"), "conversations");
        let mut dates = BTreeMap::<_, usize>::new();
        for row in conversations.iter().filter(|row| row.get("ip_src").is_some()) {
            *dates.entry(row.partition.clone()).or_default() += 1;
        }
        assert!(dates.values().all(|rows| *rows <= settings.conversations), "{dates:?}");
        assert_eq!(conversations.iter().any(|row| row.get("rest").is_some()), settings.conversations < 1000);
        #[expect(clippy::cast_precision_loss, reason = "small numbers")]
        let window_s = settings.window as f64 / 1e6;
        let rates = summary(&place("pieces"), "send_rates");
        assert!(rates.iter().filter_map(|row| row.float("window_s")).all(|length| length == window_s));
        let names = summary(&place("pieces"), "volume_by_name");
        let names: BTreeSet<_> = names.iter().filter_map(|row| row.get("name_dst")).map(str::to_owned).collect();
        assert_eq!(names.contains("ours."), number == 0, "{names:?}");
        seen.insert(names);
    }
    assert_eq!(seen.len(), 3);
}

/// Entries of consecutive units, added up two by two in the order of the numbers.
fn grouped(mut entries: Vec<CaptureEntry>, order: &[usize]) -> CaptureEntry {
    for number in order.iter().copied().chain(std::iter::repeat(0)) {
        if entries.len() < 2 {
            break;
        }
        let place = number % (entries.len() - 1);
        let next = entries.remove(place + 1);
        entries[place] += next;
    }
    entries.remove(0)
}

/// Regression: what is said of a capture without a whole record did not add up, and a random capture is seldom one.
#[test]
fn a_capture_whose_first_record_is_damaged_adds_up() {
    let folder = folder();
    for (capture, name) in [(plain_pcap(), "plain"), (mixed_pcapng(), "mixed")] {
        let (first, _) = *capture.boundaries.iter().rfind(|(_, packets)| *packets == 0).unwrap();
        let mut broken = capture.bytes.clone();
        broken[first + 4..first + 12].fill(0xff);
        let path = save(&folder, name, &broken);
        let place = |way: &str| folder.path().join(format!("{name}-{way}"));
        let whole = in_one_run(&path, &place("whole"), &Settings::default(), 1);
        assert!(whole.rows.is_empty() && whole.found.get("damage").is_some());
        for bytes in [100, 700] {
            let settings = units_of_bytes(bytes);
            assert_eq!(in_one_run(&path, &place(&format!("{bytes}")), &settings, 2), whole);
            assert_eq!(in_pieces(&path, &place(&format!("{bytes}-pieces")), &settings, 1), whole);
        }
    }
}

/// Packets on which every guess is right, so that units which are converted apart fit together: some cut by the snapshot
/// length, times forwards and backwards.
fn easy() -> Capture {
    let mut capture = Capture::pcap();
    for number in 0..90_u16 {
        let mut frame = if number % 7 == 3 { other(&[9; 30]) } else { udp(number, &vec![0; usize::from(number % 13)]) };
        frame.orig_len += u32::from(number % 3) * 500;
        let day = [1, 2, 2, 4, 3][usize::from(number / 18)];
        capture.record(day, u32::from(number % 17) * 1_000_003, frame);
    }
    capture
}

#[test]
fn entries_of_units_add_up_in_any_grouping() {
    let folder = folder();
    let lake = folder.path().join("lake");
    let bytes = easy().bytes;
    let mut groupings = 0;
    for (name, size) in [("whole", bytes.len()), ("cut", bytes.len() - 5)] {
        let path = save(&folder, name, &bytes[..size]);
        let mut whole = units_of(&path, &lake, &Settings::default()).remove(0).captures.remove(0);
        for chunk in [300, 1001, 2500] {
            let rows = units_of(&path, &lake, &units_of_bytes(chunk));
            assert!(
                rows.len() > 2 && unproved(&rows.iter().flat_map(ChunkShare::of).collect::<Vec<_>>()).is_empty(),
                "{name} in {} units of {chunk}",
                rows.len()
            );
            let entries: Vec<_> = rows.into_iter().flat_map(|row| row.captures).collect();
            for step in 0..100_usize {
                let order: Vec<_> = (0..entries.len()).map(|place| (place + step) * (step * 7 + 1) % 97).collect();
                let sum = grouped(entries.clone(), &order);
                // Where a capture is read as one, nothing is said of where it began and ended.
                (whole.entry, whole.exit) = (sum.entry.clone(), sum.exit.clone());
                // Nor is it hashed in pieces.
                let extent = |entry: &CaptureEntry| entry.content.as_ref().map(|of_it| (of_it.start(), of_it.end()));
                assert_eq!(extent(&sum), extent(&whole));
                whole.content.clone_from(&sum.content);
                assert_eq!(sum, whole, "{name} in units of {chunk}, in the order {order:?}");
                groupings += 1;
            }
        }
    }
    tried("groupings of units", groupings);
}

/// A change to the bytes of a capture.
#[derive(Clone, Debug)]
enum Change {
    Set(usize, u8),
    Flip(usize, u8),
    Cut(usize),
    Remove(usize, usize),
    Repeat(usize, usize),
    /// Zeros put in, or in the place of what was there.
    Hole(usize, usize),
    Zeros(usize, usize),
    /// Another capture, after this one or in its midst.
    Append,
    Insert(usize),
}

fn any_change() -> impl Strategy<Value = Change> {
    let place = || any::<usize>();
    prop_oneof![
        4 => (place(), prop::sample::select(vec![0, 1, 0x7f, 0x80, 0xff])).prop_map(|(at, byte)| Change::Set(at, byte)),
        4 => (place(), 0..8_u8).prop_map(|(at, bit)| Change::Flip(at, bit)),
        1 => place().prop_map(Change::Cut),
        1 => (place(), 1..200_usize).prop_map(|(at, count)| Change::Remove(at, count)),
        2 => (place(), 1..200_usize).prop_map(|(at, count)| Change::Repeat(at, count)),
        1 => (place(), 1..1500_usize).prop_map(|(at, count)| Change::Hole(at, count)),
        1 => (place(), 1..200_usize).prop_map(|(at, count)| Change::Zeros(at, count)),
        1 => Just(Change::Append),
        1 => place().prop_map(Change::Insert),
    ]
}

impl Change {
    /// Leaves the first bytes alone, so that it stays a capture.
    fn apply(&self, bytes: &mut Vec<u8>) {
        const KEPT: usize = 28;
        let at = |at: usize, bytes: &[u8]| KEPT + at % (bytes.len() - KEPT);
        if bytes.len() <= KEPT {
            return;
        }
        match *self {
            Self::Set(place, byte) => {
                let place = at(place, bytes);
                bytes[place] = byte;
            }
            Self::Flip(place, bit) => {
                let place = at(place, bytes);
                bytes[place] ^= 1 << bit;
            }
            Self::Cut(place) => bytes.truncate(at(place, bytes)),
            Self::Remove(place, count) => {
                let place = at(place, bytes);
                bytes.drain(place..bytes.len().min(place + count));
            }
            Self::Hole(place, count) => {
                let place = at(place, bytes);
                bytes.splice(place..place, vec![0; count]);
            }
            Self::Zeros(place, count) => {
                let place = at(place, bytes);
                let end = bytes.len().min(place + count);
                bytes[place..end].fill(0);
            }
            Self::Append => {
                let mut other = few(Capture::pcap());
                other[20] = 101;
                bytes.extend(other);
            }
            Self::Insert(place) => {
                let place = at(place, bytes);
                bytes.splice(place..place, few(Capture::pcapng()));
            }
            Self::Repeat(place, count) => {
                let place = at(place, bytes);
                let again = bytes[place..bytes.len().min(place + count)].to_vec();
                bytes.splice(place..place, again);
            }
        }
    }
}

/// A capture with a few packets.
fn few(mut capture: Capture) -> Vec<u8> {
    let pcapng = capture.bytes.starts_with(&[0x0a]);
    for number in 0..5_u16 {
        let frame = udp(number, &[1; 9]);
        if pcapng { capture.packet(4, number.into(), frame) } else { capture.record(4, number.into(), frame) }
    }
    capture.bytes
}

/// The records that a plain reader finds.
fn framed(path: &Path) -> u64 {
    let mut reader = CaptureReader::open(&input(path)).unwrap();
    while let Ok(Some(_)) = reader.next() {}
    reader.frames()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_capture_with_any_bytes_wrong_says_the_same_in_any_pieces(
        is_pcapng in any::<bool>(),
        wanted in prop::collection::vec(wanted(), 4..60),
        changes in prop::collection::vec(any_change(), 0..4),
        (bytes, jobs, turn) in (40_u64..3000, 1..5_usize, any::<u16>()),
    ) {
        let mut capture = any_capture(&wanted, is_pcapng).bytes;
        changes.iter().for_each(|change| change.apply(&mut capture));
        let folder = folder();
        let path = save(&folder, "capture", &capture);
        let place = |way: &str| folder.path().join(way);
        let whole = in_one_run(&path, &place("whole"), &Settings::default(), 1);
        prop_assert_eq!(framed(&path), whole.rows.len() as u64);
        prop_assert_eq!(&in_one_run(&path, &place("chunks"), &chunks_of(bytes), jobs), &whole);
        prop_assert_eq!(&in_one_run(&path, &place("units"), &units_of_bytes(bytes), jobs), &whole);
        prop_assert_eq!(&in_pieces(&path, &place("pieces"), &units_of_bytes(bytes), turn.into()), &whole);
    }
}

//! Salvage invents nothing: after a fault only records of the undamaged capture are found, in their order, whatever the
//! packets carry; and nearly all of them are found.

use std::io::Write as _;
use std::ops::Range;
use std::sync::Arc;

use parcap::capture::{CaptureReader, DamageKind, Gaps, LinkType, Source, Timestamp};
use parcap::cli::complaints;
use parcap::config::Settings;
use parcap::discover::Compression;

use crate::support::build::{Capture, block, pcap_record, udp};
use crate::support::{convert, files, folder, manifests, packets, repository, request, save};

use super::adversary::{hostile_pcap, hostile_pcapng};
use super::payload;

/// What tells records of a capture apart: time, lengths, link type.
type Key = (Option<i64>, u32, u32, Option<LinkType>);

/// Keys of the records, how many of them precede the first fault, and what was stepped over.
fn read(bytes: &[u8], salvage: bool) -> Option<(Vec<Key>, Vec<Range<usize>>, Gaps)> {
    // A file, for a stream cannot go back to where an impossible block began.
    let mut file = tempfile::tempfile_in("/dev/shm").or_else(|_| tempfile::tempfile()).unwrap();
    file.write_all(bytes).unwrap();
    let source = Source::File { file: Arc::new(file.into()), at: 0, end: bytes.len() as u64, read: 0 };
    let mut reader = CaptureReader::from_source(source, Compression::None).ok()?.salvaging(salvage, None);
    let (mut keys, mut places) = (Vec::new(), Vec::new());
    while let Ok(Some(record)) = reader.next() {
        keys.push((record.time.map(Timestamp::micros), record.cap_len, record.orig_len, record.link_type));
        let start = usize::try_from(record.offset).unwrap();
        places.push(start..start + record.data.len());
    }
    Some((keys, places, reader.take_gaps()))
}

/// The ways to damage a capture near a place.
const FAULTS: [&str; 6] = ["length", "header", "region", "deleted", "inserted", "random byte"];

/// Damages a copy. `place` is where a record or block begins; the answer also says up to where bytes were touched, in the
/// undamaged capture and in the damaged one.
fn damage(bytes: &[u8], pcapng: bool, place: usize, fault: &str, random: &mut Random) -> (Vec<u8>, usize, usize) {
    let mut damaged = bytes.to_vec();
    let noise: Vec<u8> = (0..400).map(|_| random.byte()).collect();
    let mut overwrite = |at: usize, count: usize| {
        let end = (at + count).min(damaged.len());
        let at = at.min(end);
        damaged[at..end].copy_from_slice(&noise[..end - at]);
        (end, end)
    };
    let (before, after) = match fault {
        "length" if pcapng => overwrite(place + 4, 4),
        "length" => overwrite(place + 8, 4),
        "header" => overwrite(place, if pcapng { 28 } else { 16 }),
        "region" => overwrite(place + random.below(30), 1 + random.below(400)),
        "deleted" => {
            let at = (place + random.below(60)).min(damaged.len());
            let end = (at + 1 + random.below(200)).min(damaged.len());
            damaged.drain(at..end);
            (end, at)
        }
        "inserted" => {
            let at = (place + random.below(60)).min(damaged.len());
            let count = 1 + random.below(200);
            damaged.splice(at..at, noise[..count].iter().copied());
            (at, at + count)
        }
        _ => overwrite(place + random.below(40), 1),
    };
    (damaged, before, after)
}

/// The same numbers in every run (xorshift64, Marsaglia 2003).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound as u64).unwrap()
    }

    fn byte(&mut self) -> u8 {
        self.next().to_le_bytes()[3]
    }
}

/// Damages a capture in every way at every `step`-th record but the last few; returns how many faults there were, how many
/// records they left, and how many of those were found.
fn plant(bytes: &[u8], name: &str, step: usize, spared: usize, random: &mut Random) -> (usize, usize, usize) {
    let pcapng = bytes.starts_with(&[0x0a, 0x0d, 0x0d, 0x0a]);
    let Some((original, places, _)) = read(bytes, false) else {
        return (0, 0, 0);
    };
    let (mut planted, mut left, mut found) = (0, 0, 0);
    for place in places.iter().take(places.len().saturating_sub(spared)).step_by(step) {
        for fault in FAULTS {
            let (damaged, before, after) = damage(bytes, pcapng, place.start, fault, random);
            let (Some((prefix, ..)), Some((salvaged, at, gaps))) = (read(&damaged, false), read(&damaged, true)) else {
                continue;
            };
            assert_eq!(salvaged[..prefix.len()], prefix, "{name}: {fault} at {place:?}: what precedes the fault");
            // What is found after the fault must be records that were there, except that a header which was touched
            // and still looks right is taken as it is.
            let after: Vec<_> =
                salvaged.iter().zip(at).skip(prefix.len()).filter(|(_, at)| at.start >= after).collect();
            let mut rest = original.iter();
            let invented = after.iter().find(|(key, _)| !rest.any(|known| known == *key));
            assert_eq!(invented, None, "{name}: {fault} at {place:?}, gaps {gaps:?}");
            if !gaps.is_empty() {
                planted += 1;
                left += places.iter().filter(|record| record.start >= before).count();
                found += after.len();
            }
        }
    }
    (planted, left, found)
}

/// Packets of a day without anything strange.
fn plain(count: u16, pcapng: bool) -> Capture {
    let mut capture = if pcapng { Capture::pcapng() } else { Capture::pcap() };
    for number in 0..count {
        let frame = udp(number, &payload(usize::from(number)));
        let micros = u32::from(number) * 1_003;
        if pcapng { capture.packet(4, micros, frame) } else { capture.record(4, micros, frame) }
    }
    capture
}

/// A capture of its own transfer: each packet carries one record of the same second, and ends with it.
fn remote() -> Capture {
    let mut capture = Capture::pcap();
    for number in 0..150_u16 {
        let inner = pcap_record(1_709_164_800, u32::from(number), &udp(number, &payload(usize::from(number) + 3)));
        capture.record(4, u32::from(number) * 3, udp(number, &inner));
    }
    capture
}

#[expect(clippy::print_stdout, reason = "shown with --nocapture: what was tried is a figure of the law")]
fn say(name: &str, planted: usize, left: usize, found: usize) {
    println!("salvage of {name}: faults planted: {planted}, records after them: {left}, found: {found}");
}

#[test]
fn nearly_everything_after_a_fault_is_found_and_nothing_else() {
    for pcapng in [false, true] {
        let (planted, left, found) = plant(&plain(120, pcapng).bytes, "plain", 3, 0, &mut Random(7));
        say("plain", planted, left, found);
        assert!(planted > 100, "{planted} faults");
        // A run of three at the end is not believed, so the last faults leave some.
        assert!(found * 100 >= left * 94, "{found} of {left}");
    }
}

#[test]
fn records_that_packets_carry_are_not_taken_for_records() {
    for (capture, name) in [(hostile_pcap(), "pcap"), (hostile_pcapng(), "pcapng"), (remote(), "remote")] {
        // What the last packet carries cannot be told from records once the packet's own header is gone.
        let (planted, left, found) = plant(&capture.bytes, name, 2, 5, &mut Random(11));
        say(name, planted, left, found);
        assert!(planted > 10, "{name}: {planted} faults");
    }
}

#[test]
fn nothing_is_invented_on_the_captures_at_hand() {
    let shared = std::env::var_os("PARCAP_SHARED").map_or_else(|| repository("../shared"), Into::into);
    let (mut captures, mut planted, mut left, mut found) = (0, 0, 0, 0);
    for folder in [repository("data/captures"), shared.join("captures")] {
        for name in files(&folder) {
            let bytes = std::fs::read(folder.join(&name)).unwrap();
            let Some((records, ..)) = read(&bytes, false).filter(|(records, ..)| !records.is_empty()) else {
                continue;
            };
            // Large captures are damaged at fewer places.
            let step = (records.len() / if bytes.len() > 500_000 { 2 } else { 8 }).max(1);
            let (more, after, again) = plant(&bytes, &name.display().to_string(), step, 0, &mut Random(13));
            (captures, planted, left, found) = (captures + 1, planted + more, left + after, found + again);
        }
    }
    say(&format!("{captures} captures"), planted, left, found);
    assert!(captures >= 15 && planted > 300, "{captures} captures, {planted} faults");
}

#[test]
fn salvage_is_the_same_at_any_chunk_size_and_names_its_gaps() {
    for (capture, name) in [(plain(3000, false), "a.pcap"), (plain(3000, true), "a.pcapng")] {
        let pcapng = !capture.bytes.starts_with(&[0xd4]);
        let mut bytes = capture.bytes.clone();
        let places = read(&bytes, false).unwrap().1;
        for place in [places.len() / 4, places.len() / 2, places.len() - 50] {
            bytes = damage(&bytes, pcapng, places[place].start, "length", &mut Random(5)).0;
        }
        let (keys, _, gaps) = read(&bytes, true).unwrap();
        assert_eq!(gaps.count, 3, "{name}");
        assert!(keys.len() + 9 > capture.known.len(), "{name}: {} of {}", keys.len(), capture.known.len());
        let folder = folder();
        let path = save(&folder, name, &bytes);
        let mut usual = None;
        for (chunk_size, jobs) in [(1 << 20, 1), (3001, 3), (20_000, 2), (50_021, 7)] {
            let mut request = request(&[&path], &folder.path().join(format!("{chunk_size}")));
            request.settings = Settings { chunk_size, salvage: true, ..Settings::default() };
            request.jobs = jobs;
            let report = convert(&request);
            assert_eq!(report.rows, keys.len() as u64);
            assert_eq!(report.damaged[0].gaps, gaps, "{name}: {chunk_size} bytes a chunk");
            assert_eq!(manifests(&request.lake)[0]["inputs"][0]["status"], "damaged");
            let rows = packets(&request.lake);
            assert_eq!(usual.get_or_insert_with(|| rows.clone()), &rows, "{name}: {chunk_size} bytes a chunk");
        }
    }
}

#[test]
fn a_gap_up_to_the_end_is_a_gap() {
    let capture = plain(20, false);
    let (at, packets) = capture.boundaries[18];
    let mut bytes = capture.bytes[..at].to_vec();
    bytes.extend([0xff; 1000]);
    let (keys, _, gaps) = read(&bytes, true).unwrap();
    assert_eq!((keys.len(), gaps.count, gaps.bytes), (packets, 1, 1000));
    assert_eq!(gaps.first[0].resumed_at, None);
    assert_eq!(gaps.first[0].damage.offset, at as u64);
}

/// Few packets among many other blocks are no run, wherever a buffer or a chunk happens to end.
#[test]
fn what_is_believed_does_not_depend_on_buffers() {
    let mut capture = Capture::pcapng();
    for number in 0..3000_u16 {
        capture.packet(4, u32::from(number), udp(number, &[1; 40]));
        if number == 10 {
            let mut bad = block(6, &[0; 40]);
            bad[40..].fill(0xee);
            capture.block(&bad);
            capture.block(&vec![0xff; 1 << 20]);
        }
        if number == 14 {
            (0..12).for_each(|_| capture.block(&block(4, &[0; 60_000])));
        }
    }
    let folder = folder();
    let path = save(&folder, "a.pcapng", &capture.bytes);
    let mut usual = None;
    for chunk_size in [64 << 20, 190_000, 61_001, 1_400_000] {
        let mut request = request(&[&path], &folder.path().join(format!("{chunk_size}")));
        request.settings = Settings { chunk_size, salvage: true, ..Settings::default() };
        let report = convert(&request);
        assert!(report.rows > 2900, "{}", report.rows);
        let found = (report.rows, report.damaged[0].gaps.clone());
        assert_eq!(usual.get_or_insert_with(|| found.clone()), &found, "{chunk_size} bytes a chunk");
    }
}

/// The header of a block overwritten by chance announces gigabytes of an unknown kind.
#[test]
fn a_block_that_announces_gigabytes_is_not_stepped_over_in_a_stream() {
    let capture = plain(200, true);
    let (fault, before) = capture.boundaries[20];
    let mut bytes = capture.bytes.clone();
    bytes[fault..fault + 8].copy_from_slice(&[0x17, 0x2b, 0x91, 0x77, 0xfc, 0xff, 0xff, 0xf0]);
    let folder = folder();
    let mut rows = Vec::new();
    for (name, packed) in
        [("a.pcapng", bytes.clone()), ("b.pcapng.zst", zstd::encode_all(bytes.as_slice(), 1).unwrap())]
    {
        let path = save(&folder, name, &packed);
        let mut request = request(&[&path], &folder.path().join(format!("lake of {name}")));
        request.settings.salvage = true;
        assert_eq!(convert(&request).damaged[0].damage.frame, before as u64 + 1);
        rows.push(packets(&request.lake));
    }
    assert_eq!(rows[0].len(), capture.known.len() - 1);
    assert_eq!(rows[0], rows[1]);
}

/// A capture with a fault inside that is also cut short has two faults, and both are told.
#[test]
fn the_end_of_a_salvaged_capture_is_told_too() {
    let capture = plain(60, false);
    let (fault, _) = capture.boundaries[10];
    let mut bytes = capture.bytes.clone();
    bytes[fault + 8..fault + 12].fill(0xff);
    let kinds = |bytes: &[u8]| {
        let (.., gaps) = read(bytes, true).unwrap();
        gaps.first.iter().map(|gap| gap.damage.kind).collect::<Vec<_>>()
    };
    // Seven bytes of a record header. The run before them does not end with the capture, so nothing of it is believed.
    let mut cut = bytes.clone();
    cut.extend([0; 7]);
    assert_eq!(kinds(&cut), [DamageKind::CapLenImplausible]);
    // Long enough to be believed for its length.
    let mut long = bytes;
    let more = plain(3000, false);
    let header = more.boundaries[0].0;
    long.extend(&more.bytes[header..]);
    assert_eq!(kinds(&long), [DamageKind::CapLenImplausible]);
    long.extend([0; 7]);
    assert_eq!(kinds(&long), [DamageKind::CapLenImplausible, DamageKind::RecordHeaderCut]);
    let folder = folder();
    let packed = zstd::encode_all(long.as_slice(), 1).unwrap();
    let path = save(&folder, "cut.pcap.zst", &packed[..packed.len() - 20]);
    let mut request = request(&[&path], &folder.path().join("lake"));
    request.settings.salvage = true;
    let report = convert(&request);
    let told: Vec<_> = report.damaged[0].gaps.first.iter().map(|gap| gap.damage.kind).collect();
    assert_eq!(told, [DamageKind::CapLenImplausible, DamageKind::CompressedCut]);
    let text = complaints(&report);
    assert!(text.contains("the compressed stream is cut off"), "{text}");
}

/// Section headers too short to be any are not resumed at, one after the other.
#[test]
fn what_the_reader_refuses_is_not_credible() {
    let mut bytes = plain(3, true).bytes;
    bytes.extend([0xff; 50]);
    for _ in 0..500 {
        let mut header = vec![0x0a, 0x0d, 0x0d, 0x0a, 24, 0, 0, 0, 0x4d, 0x3c, 0x2b, 0x1a, 1, 0, 0, 0];
        header.extend([0, 0, 0, 0, 24, 0, 0, 0]);
        bytes.extend(header);
    }
    let (keys, _, gaps) = read(&bytes, true).unwrap();
    assert_eq!((keys.len(), gaps.count), (3, 1));
}

//! Law 19: captures one after the other in a file give the packets of all, each by its own file header, at any chunk size,
//! with any number of workers, however they are packed; what only looks like a file header begins nothing.

use parcap::cancel::Cancel;
use parcap::capture::{CaptureReader, LinkType};
use parcap::commands::{commit, convert_unit, plan};
use parcap::config::Settings;
use proptest::prelude::*;

use crate::support::build::{Capture, interface, other, packet, pcap_header, pcap_record, section, udp};
use crate::support::{commit_options, convert, folder, manifests, packets, request, save};

use super::packing::PACKERS;
use super::tally::tried;
use super::wire::{Built, Kind, Order};
use super::{chunks_of, cut_wire, input, known, payload};

const SECOND: u32 = 1_709_164_800;

/// Each variant of both formats.
fn variants() -> Vec<Built> {
    let kinds = Kind::ALL.into_iter().flat_map(|kind| Order::BOTH.map(|order| cut_wire::pcap(kind, order)));
    kinds.chain(Order::BOTH.map(cut_wire::pcapng)).collect()
}

/// Offset of a packet's record, its bytes and its wire length.
type Packet = (u64, Vec<u8>, u32);

/// The bytes and the packets of captures one after the other; and how many were appended. A section
/// of a pcapng after a pcapng is no other capture.
fn joined(captures: &[&Built]) -> (Vec<u8>, Vec<Packet>, u64) {
    let (mut bytes, mut all, mut appended) = (Vec::new(), Vec::new(), 0);
    let is_pcapng = |built: &Built| built.bytes.starts_with(&[0x0a]);
    for (place, built) in captures.iter().enumerate() {
        let pairs = built.boundaries.windows(2).filter(|pair| pair[1].1 > pair[0].1);
        let starts = pairs.map(|pair| (bytes.len() + pair[0].0) as u64);
        all.extend(starts.zip(&built.packets).map(|(start, (data, orig_len))| (start, data.clone(), *orig_len)));
        bytes.extend(&built.bytes);
        let follows_pcapng = place > 0 && is_pcapng(captures[place - 1]);
        appended += u64::from(place > 0 && !(follows_pcapng && is_pcapng(built)));
    }
    (bytes, all, appended)
}

#[test]
fn any_two_captures_and_three_one_after_the_other_give_all_packets_in_chunks_of_any_size() {
    let folder = folder();
    let variants = variants();
    let pairs = variants.iter().flat_map(|first| variants.iter().map(move |second| vec![first, second]));
    let threes =
        (0..variants.len()).map(|place| [0, 3, 7].map(|step| &variants[(place + step) % variants.len()]).to_vec());
    let mut chunkings = 0;
    for (number, captures) in pairs.chain(threes).enumerate() {
        let (bytes, all, appended) = joined(&captures);
        let input = input(&save(&folder, "joined", &bytes));
        for chunk in [1, 7, 24, 97, 512, bytes.len() + 1].map(|chunk| chunk + number % 5) {
            let mut position = CaptureReader::open(&input).unwrap().position().clone();
            let (mut edge, mut found, mut begun) = (0, Vec::new(), 0);
            while edge < bytes.len() {
                edge += chunk;
                let mut reader = CaptureReader::resume(&input, position, edge as u64).unwrap().unwrap();
                while let Some(record) = reader.next().unwrap() {
                    assert!(record.offset < edge as u64);
                    found.push((record.offset, record.data.to_vec(), record.orig_len));
                }
                begun += reader.appended();
                position = reader.position().clone();
            }
            assert_eq!((found.len(), begun), (all.len(), appended), "{number}: chunks of {chunk}");
            assert!(found == all, "{number}: chunks of {chunk}");
            chunkings += 1;
        }
    }
    tried("chunkings of captures one after the other", chunkings);
}

/// What is appended next: a pcap of microseconds or nanoseconds, of Ethernet or raw IP, or a pcapng.
#[derive(Clone, Copy, Debug)]
enum Next {
    Micros,
    Nanos,
    Raw,
    Pcapng,
}

/// A file of these captures, each with this number of packets.
fn file(parts: &[(Next, u16)]) -> Capture {
    let mut capture = Capture::default();
    for (place, (next, count)) in parts.iter().enumerate() {
        let mut header = pcap_header();
        match next {
            Next::Nanos => header[..2].copy_from_slice(&[0x4d, 0x3c]),
            Next::Raw => header[20] = 101,
            Next::Micros | Next::Pcapng => {}
        }
        match next {
            Next::Pcapng => [section(), interface(1, 0, 9, 0)].iter().for_each(|block| capture.block(block)),
            _ => capture.block(&header),
        }
        for number in 0..*count {
            let mut frame =
                if number % 5 == 4 { other(&payload(number.into())) } else { udp(number, &payload(number.into())) };
            let (day, micros) = ([4, 3, 2, 5][place % 4], u32::from(number) * 977);
            let midnight = crate::support::build::DAYS[day].0;
            let seconds = u32::try_from(midnight).unwrap();
            let bytes = match next {
                Next::Micros => pcap_record(seconds, micros, &frame),
                Next::Nanos => pcap_record(seconds, micros * 1000, &frame),
                Next::Raw => {
                    frame = udp(number, &payload(number.into()));
                    frame.data.drain(..14);
                    pcap_record(seconds, micros, &frame)
                }
                Next::Pcapng => packet(0, u64::from(seconds) * 1_000_000_000 + u64::from(micros) * 1000, &frame),
            };
            capture.timed(&bytes, day, micros.into(), frame);
        }
    }
    capture
}

fn any_next() -> impl Strategy<Value = Next> {
    prop::sample::select(vec![Next::Micros, Next::Nanos, Next::Raw, Next::Pcapng])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn rows_of_captures_one_after_the_other_are_those_of_all(
        parts in prop::collection::vec((any_next(), 0..40_u16), 2..5),
        (chunk_size, jobs) in (60_u64..6000, 1..6_usize),
        // Plain as often as packed.
        packer in 0..2 * PACKERS.len(),
    ) {
        let capture = file(&parts);
        let folder = folder();
        let bytes = PACKERS.get(packer).map_or_else(|| capture.bytes.clone(), |(_, pack)| pack(&capture.bytes));
        let path = save(&folder, "joined", &bytes);
        let mut request = request(&[&path], &folder.path().join("lake"));
        (request.settings, request.jobs) = (chunks_of(chunk_size), jobs);
        let report = convert(&request);
        let found = if report.rows > 0 { known(&packets(&request.lake)) } else { Vec::new() };
        prop_assert_eq!(found, capture.rows());
        prop_assert!(report.damaged.is_empty());
        let sections = parts.windows(2).filter(|pair| matches!(pair, [(Next::Pcapng, _), (Next::Pcapng, _)])).count();
        let appended = u64::try_from(parts.len() - 1 - sections).unwrap();
        prop_assert_eq!(report.odd.get("appended_captures").unwrap_or_default(), appended);
    }
}

/// Guesses rest on the first capture, and are wrong about the others.
#[test]
fn units_of_captures_one_after_the_other_that_are_converted_apart_fit_together() {
    let capture =
        file(&[(Next::Micros, 90), (Next::Raw, 90), (Next::Nanos, 90), (Next::Micros, 90), (Next::Pcapng, 90)]);
    let folder = folder();
    let path = save(&folder, "joined", &capture.bytes);
    for (chunk_size, jobs) in [(700, 1), (1500, 3), (4000, 2)] {
        let lake = folder.path().join(format!("{chunk_size}"));
        let settings = Settings { chunk_size, target_file_size: 16, ..Settings::default() };
        let named = std::slice::from_ref(&path);
        let planned =
            plan(named, &lake, &settings, &parcap::select::SelectOptions::default(), &Default::default()).unwrap();
        let units: Vec<_> = planned.units.iter().map(Result::unwrap).collect();
        assert!(units.len() > 4, "{} units", units.len());
        let rows = units.iter().map(|unit| convert_unit(unit, &lake, jobs, Cancel::default()).unwrap());
        commit(&lake, rows.collect(), commit_options()).unwrap();
        assert_eq!(known(&packets(&lake)), capture.rows(), "chunks of {chunk_size}");
        assert_eq!(manifests(&lake)[0]["inputs"][0]["found"]["odd"]["appended_captures"], 4);
    }
}

/// After a fault, too, a capture that was appended is read by its own header.
#[test]
fn salvage_finds_a_capture_that_was_appended() {
    let first = file(&[(Next::Micros, 60)]);
    for next in [Next::Micros, Next::Nanos, Next::Raw, Next::Pcapng] {
        let second = file(&[(next, 80)]);
        // Zeros as long as a block of a disk; and a packet that was cut before it.
        for gap in [&[0; 4096][..], &[0xee; 300]] {
            let bytes = [&first.bytes[..], gap, &second.bytes].concat();
            let folder = folder();
            let path = save(&folder, "joined", &bytes);
            let mut lakes = Vec::new();
            for (chunk_size, jobs) in [(1 << 20, 1), (700, 3), (3001, 2)] {
                let mut request = request(&[&path], &folder.path().join(format!("{chunk_size}")));
                (request.settings, request.jobs) = (Settings { salvage: true, ..chunks_of(chunk_size) }, jobs);
                let report = convert(&request);
                let gaps = &report.damaged[0].gaps;
                assert_eq!((gaps.count, gaps.bytes), (1, gap.len() as u64), "{next:?}");
                assert_eq!(report.odd.get("appended_captures"), Some(1), "{next:?}");
                lakes.push(known(&packets(&request.lake)));
            }
            let expected = crate::support::build::in_lake_order([first.known.clone(), second.known.clone()].concat());
            assert!(lakes.iter().all(|lake| *lake == expected), "{next:?}");
        }
    }
}

/// A record of the second in which the magic number is the time, packets that carry captures, and blocks of a type that
/// reads as the magic number.
#[test]
fn what_only_looks_like_a_file_header_begins_nothing() {
    let folder = folder();
    let mut lookalike = udp(1, &[7; 20]);
    let mut bytes = pcap_header();
    bytes.extend(pcap_record(0xa1b2_c3d4, 0x0004_0002, &lookalike));
    lookalike.data = pcap_header();
    bytes.extend(pcap_record(0xa1b2_c3d4, 1, &lookalike));
    bytes.extend(pcap_record(SECOND, 0, &udp(2, &pcap_header())));
    let in_pcap = (bytes, vec![0xa1b2_c3d4, 0xa1b2_c3d4, SECOND]);
    let blocks = [
        section(),
        interface(1, 0, 0, 0),
        super::block(0xa1b2_c3d4, &[1; 40]),
        packet(0, SECOND.into(), &udp(2, &pcap_header())),
        super::block(0x4d3c_b2a1, &[]),
        packet(0, SECOND.into(), &udp(3, &section())),
    ];
    for (bytes, seconds) in [in_pcap, (blocks.concat(), vec![SECOND; 2])] {
        let mut reader = CaptureReader::open(&input(&save(&folder, "capture", &bytes))).unwrap();
        let mut found = Vec::new();
        while let Some(record) = reader.next().unwrap() {
            assert_eq!(record.link_type, Some(LinkType(1)));
            found.push(u32::try_from(record.time.unwrap().seconds()).unwrap());
        }
        assert_eq!((found, reader.appended()), (seconds, 0));
    }
}

//! Law 20: zeros where a record or block should be are no packets: what precedes them is read, their place and length are
//! told, and salvage goes on after them, at any chunk size; zeros between and after the members of a packed file are
//! nothing, and other bytes there are told.

use parcap::capture::{CaptureReader, Damage, DamageKind};
use parcap::config::Settings;
use parcap::discover::Candidate;

use crate::support::build::{Capture, Known, in_lake_order, pcap_header, pcap_record, udp};
use crate::support::{convert, folder, packets, request, save};

use super::cut_wire::{drain, pcap, pcapng};
use super::packing::PACKERS;
use super::tally::tried;
use super::wire::{Kind, Order};
use super::{chunks_of, input, known, mixed_pcapng, payload, plain_pcap};

/// Reads a capture chunk by chunk, and says how many records there are and what ended it.
fn in_chunks(input: &parcap::discover::Input, chunk: u64) -> (usize, Option<Damage>) {
    let mut position = CaptureReader::open(input).unwrap().position().clone();
    let (mut edge, mut records, mut damage) = (0, 0, None::<Damage>);
    while edge < input.size {
        edge += chunk;
        let mut reader = CaptureReader::resume(input, position, edge).unwrap().unwrap();
        loop {
            match reader.next() {
                Ok(Some(_)) => records += 1,
                Ok(None) => break,
                Err(found) => {
                    let frame = found.frame + records as u64 - reader.frames();
                    assert_eq!(damage.replace(Damage { frame, ..found }), None, "damage is told once");
                }
            }
        }
        position = reader.position().clone();
    }
    (records, damage)
}

#[test]
fn zeros_at_any_boundary_end_a_capture_of_any_variant() {
    let kinds =
        Kind::ALL.into_iter().flat_map(|kind| Order::BOTH.map(|order| (pcap(kind, order), kind.record_header())));
    let all = kinds.chain(Order::BOTH.map(|order| (pcapng(order), 12)));
    let mut places = 0;
    for (built, header) in all {
        let folder = folder();
        // After the file header, or the section header without which there is no capture.
        let first = if header == 12 { 28 } else { 24 };
        for (boundary, before) in built.boundaries.iter().copied().filter(|(boundary, _)| *boundary >= first) {
            for count in [header, header + 1, 2 * header + 3, 4096] {
                for (after, kind) in [(&built.bytes[boundary..], DamageKind::ZeroGap), (&[], DamageKind::ZeroTail)] {
                    if kind == DamageKind::ZeroGap && after.is_empty() {
                        continue;
                    }
                    let leading = after.iter().take_while(|byte| **byte == 0).count();
                    let bytes = [&built.bytes[..boundary], &vec![0; count], after].concat();
                    let input = input(&save(&folder, "zeros", &bytes));
                    let expected = Damage {
                        kind,
                        frame: before as u64 + 1,
                        offset: boundary as u64,
                        announced: 0,
                        found: (count + leading) as u64,
                        detail: None,
                    };
                    for chunk in [1 << 20, 61, 512] {
                        let found = in_chunks(&input, chunk);
                        assert_eq!(found, (before, Some(expected.clone())), "{count} at {boundary}, chunks of {chunk}");
                    }
                    places += 1;
                }
            }
        }
    }
    tried("places and lengths of zeros", places);
}

/// Fewer zeros than a header has are a header that was cut, as any bytes are.
#[test]
fn fewer_zeros_than_a_header_are_one_that_is_cut() {
    let folder = folder();
    for (bytes, most, kind) in
        [(plain_pcap().bytes, 15, DamageKind::RecordHeaderCut), (mixed_pcapng().bytes, 11, DamageKind::BlockCut)]
    {
        for count in 1..=most {
            let path = save(&folder, "zeros", &[&bytes[..], &vec![0; count]].concat());
            let (_, damage) = in_chunks(&input(&path), 1 << 20);
            let damage = damage.unwrap();
            assert_eq!((damage.kind, damage.found), (kind, count as u64));
        }
    }
}

/// A writer whose clock was not set, and packets of which nothing was on the wire.
#[test]
fn a_record_of_nothing_in_1970_stays_before_others_of_1970() {
    let folder = folder();
    let nothing = || [0; 16].to_vec();
    let (frame, mut bytes) = (udp(1, &[1; 9]), pcap_header());
    bytes.extend(nothing());
    (0..2).for_each(|micros| bytes.extend(pcap_record(0, micros, &frame)));
    bytes.extend(nothing());
    (7..9).for_each(|micros| bytes.extend(pcap_record(1, micros, &frame)));
    let size = bytes.len() as u64;
    for chunk in [16, 1000] {
        assert_eq!(in_chunks(&input(&save(&folder, "clock", &bytes)), chunk), (6, None));
    }
    // Alone at the end, two in a row, or before a record of today, they are zeros.
    let two = [nothing(), nothing(), pcap_record(2, 0, &frame)].concat();
    let one = [nothing(), pcap_record(1_709_164_800, 0, &frame)].concat();
    for (more, kind) in [(nothing(), DamageKind::ZeroTail), (two, DamageKind::ZeroGap), (one, DamageKind::ZeroGap)] {
        let (records, damage) = in_chunks(&input(&save(&folder, "clock", &[bytes.clone(), more].concat())), 1000);
        assert_eq!((records, damage.map(|damage| (damage.kind, damage.offset))), (6, Some((kind, size))));
    }
    // A time, and then nothing more: the rest of the header was not written.
    let begun = [&bytes[..], &[9, 0, 0, 0, 7], &[0; 100]].concat();
    let (records, damage) = in_chunks(&input(&save(&folder, "clock", &begun)), 1000);
    let found = damage.map(|damage| (damage.kind, damage.offset, damage.found));
    assert_eq!((records, found), (6, Some((DamageKind::ZeroTail, size, 100))));
}

/// Rows and damage of a conversion.
type Converted = (Vec<Known>, Vec<(DamageKind, u64, u64)>);

fn converted(path: &std::path::Path, chunk_size: u64, jobs: usize, salvage: bool) -> Converted {
    let folder = folder();
    let mut request = request(&[path], &folder.path().join("lake"));
    (request.settings, request.jobs) = (Settings { salvage, ..chunks_of(chunk_size) }, jobs);
    let report = convert(&request);
    let damage = |damage: &Damage| (damage.kind, damage.offset, damage.found);
    let told = report.damaged.iter().flat_map(|damaged| match damaged.gaps.first.as_slice() {
        [] => vec![damage(&damaged.damage)],
        gaps => gaps.iter().map(|gap| damage(&gap.damage)).collect(),
    });
    (known(&packets(&request.lake)), told.collect())
}

/// Packets of a day, in order.
fn steady(pcapng: bool) -> Capture {
    let mut capture = if pcapng { Capture::pcapng() } else { Capture::pcap() };
    for number in 0..80_u16 {
        let (micros, frame) = (u32::from(number) * 1003, udp(number, &payload(number.into())));
        if pcapng { capture.packet(4, micros, frame) } else { capture.record(4, micros, frame) }
    }
    capture
}

/// Whole chunks of zeros, a hole in the middle and a tail; packed and plain.
#[test]
fn zeros_change_no_row_at_any_chunk_size_and_salvage_goes_on_after_them() {
    for capture in [steady(false), steady(true)] {
        let (at, before) = capture.boundaries[capture.boundaries.len() / 3];
        let hole = 30_011;
        let bytes = [&capture.bytes[..at], &vec![0; hole], &capture.bytes[at..], &[0; 20_000]].concat();
        let leading = capture.bytes[at..].iter().take_while(|byte| **byte == 0).count();
        let gap = (DamageKind::ZeroGap, at as u64, (hole + leading) as u64);
        let tail = (DamageKind::ZeroTail, (capture.bytes.len() + hole) as u64, 20_000);
        let folder = folder();
        let mut files = vec![save(&folder, "plain", &bytes)];
        files.extend(PACKERS.map(|(name, pack)| save(&folder, name, &pack(&bytes))));
        let cut = in_lake_order(capture.known[..before].to_vec());
        for (number, path) in files.iter().enumerate() {
            let sizes: &[(u64, usize)] =
                if number == 0 { &[(1 << 20, 1), (700, 3), (4096, 2), (9001, 5)] } else { &[(1 << 20, 2)] };
            for (chunk_size, jobs) in sizes.iter().copied() {
                assert_eq!(
                    converted(path, chunk_size, jobs, false),
                    (cut.clone(), vec![gap]),
                    "chunks of {chunk_size}"
                );
                let (rows, told) = converted(path, chunk_size, jobs, true);
                assert_eq!(told, [gap, tail], "chunks of {chunk_size}");
                assert_eq!(rows, capture.rows(), "chunks of {chunk_size}");
            }
        }
    }
}

/// More zeros than a buffer holds, and nothing else after the file header.
#[test]
fn a_file_header_and_zeros_are_a_capture_without_packets() {
    let folder = folder();
    for count in [16, 4096, 3 << 20, (3 << 20) + 1] {
        let path = save(&folder, "zeros", &[pcap_header(), vec![0; count]].concat());
        for chunk in [1 << 20, 100_003] {
            let (records, damage) = in_chunks(&input(&path), chunk);
            let damage = damage.map(|damage| (damage.kind, damage.frame, damage.offset, damage.found));
            assert_eq!((records, damage), (0, Some((DamageKind::ZeroTail, 1, 24, count as u64))));
        }
    }
}

/// Members of a packed capture with bytes between and after them.
#[test]
fn zeros_between_and_after_members_are_padding_and_other_bytes_are_told() {
    let built = pcap(Kind::Micros, Order::Little);
    let (half, _) = built.boundaries[5];
    let folder = folder();
    let read = |bytes: &[u8]| {
        let path = save(&folder, "packed", bytes);
        drain(CaptureReader::open(&Candidate::of(&path, true).unwrap().probe().unwrap()).unwrap())
    };
    let mut paddings = 0;
    for (name, pack) in PACKERS {
        // Inside a record, and between two.
        for seam in [half, half + 9] {
            let [first, second] = [&built.bytes[..seam], &built.bytes[seam..]].map(pack);
            for count in [0, 1, 3, 4, 511, 512, 200_001] {
                let zeros = vec![0; count];
                let padded = [&first[..], &zeros, &second, &zeros].concat();
                assert_eq!(read(&padded), (built.packets.clone(), None), "{name}, {count} zeros");
                let trailing = [&padded[..], b"no stream, but a trailer"].concat();
                let (records, damage) = read(&trailing);
                let damage = damage.unwrap();
                assert_eq!(records, built.packets, "{name}, {count} zeros");
                assert_eq!(
                    (damage.kind, damage.offset),
                    (DamageKind::CompressedTrailing, built.bytes.len() as u64),
                    "{name}"
                );
                assert!(
                    damage.to_string().contains(&format!("at byte {} of the packed file", padded.len())),
                    "{name}: {damage}"
                );
                paddings += 2;
            }
        }
    }
    tried("paddings of packed captures", paddings);
}

/// `cat a.gz b.gz`, of whole captures and with zeros between them.
#[test]
fn packed_captures_one_after_the_other_are_converted() {
    let (first, second) = (plain_pcap(), mixed_pcapng());
    let expected = in_lake_order([first.known.clone(), second.known.clone()].concat());
    let folder = folder();
    for (name, pack) in PACKERS {
        for zeros in [0, 512] {
            let bytes = [pack(&first.bytes), vec![0; zeros], pack(&second.bytes)].concat();
            let path = save(&folder, name, &bytes);
            assert_eq!(converted(&path, 1 << 20, 2, false), (expected.clone(), Vec::new()), "{name}");
        }
    }
}

/// Rule 2 of salvage: what stands between zeros is a run if it ends where zeros go on to the end.
#[test]
fn a_few_records_between_zeros_are_found() {
    let mut capture = Capture::pcap();
    (0..20).for_each(|number| capture.record(4, number, udp(number.try_into().unwrap(), &[3; 11])));
    let (at, _) = capture.boundaries[15];
    let folder = folder();
    for tail in [16, 4096, 100_000] {
        let bytes = [&capture.bytes[..at], &[0; 1000], &capture.bytes[at..], &vec![0; tail]].concat();
        let (rows, told) = converted(&save(&folder, "zeros", &bytes), 1 << 20, 1, true);
        assert_eq!((rows, told.len()), (capture.rows(), 2), "{tail} zeros");
    }
}

//! Law 3: thousands of record headers and blocks inside the packets, at every alignment and shifted against the chunks by
//! every number of bytes, change no row. See `adversary` for how far such captures fool a guess.

use parcap::cancel::Cancel;
use parcap::commands::{commit, convert_unit, plan};
use parcap::config::Settings;

use crate::support::build::{Capture, interface, other, packet, pcap_header, pcap_record, section, simple, udp};
use crate::support::{commit_options, folder, packets, save};

use super::adversary::fooled;
use super::tally::tried;
use super::{chunks_of, known, rows_with};

const SECOND: u32 = 1_709_164_800;

/// A capture, and how many record headers or blocks its packets carry.
struct Hostile {
    capture: Capture,
    inside: usize,
}

/// Packets that carry whole captures and chains of records, which begin at every offset modulo 16 and end with the packet,
/// so that a chain goes on into the real records.
fn pcap(packets: u16, shift: usize) -> Hostile {
    let mut hostile = Hostile { capture: Capture::pcap(), inside: 0 };
    hostile.capture.record(4, 0, other(&vec![0; shift]));
    for number in 0..packets {
        let mut payload = vec![0xa5; usize::from(number % 16)];
        if number % 5 == 4 {
            payload.extend(pcap_header());
        }
        for inner in 0..150_u16 {
            let mut frame = other(&[]);
            // One to eight bytes, so that headers come at every alignment.
            frame.data.truncate(usize::from(1 + (inner + number) % 8));
            frame.orig_len = u32::from(inner % 3) * 40 + 20;
            payload.extend(pcap_record(SECOND + u32::from(inner), u32::from(number), &frame));
            hostile.inside += 1;
        }
        hostile.capture.record(4, u32::from(number), udp(number, &payload));
    }
    hostile
}

/// The same of blocks: packets with and without time, interfaces of other link types and units, whole sections.
fn pcapng(packets: u16, shift: usize) -> Hostile {
    let mut hostile = Hostile { capture: Capture::pcapng(), inside: 0 };
    hostile.capture.packet(4, 0, other(&vec![0; shift]));
    for number in 0..packets {
        // 28 bytes of block fields and 42 of headers come before this: two more, and it lies at a multiple of four.
        let mut payload = vec![0xa5; usize::from(2 + if number % 3 == 2 { number % 4 } else { 0 })];
        for inner in 0..80_u16 {
            let ticks = u64::from(SECOND) * 1_000_000 + u64::from(inner);
            let frame = other(&vec![1; usize::from((inner + number) % 5)]);
            let block = match (inner + number) % 20 {
                7 => interface(101, 64, 9, 3600),
                11 => simple(&frame),
                13 => section(),
                17 => interface(1, 0, 6, 0),
                _ => packet(0, ticks, &frame),
            };
            payload.extend(block);
            hostile.inside += 1;
        }
        hostile.capture.packet(4, u32::from(number), udp(number, &payload));
    }
    hostile
}

/// The rows do not depend on chunk size and workers. Without the summaries, which have laws of their own.
fn same_rows(hostile: &Hostile, name: &str, ways: &[(u64, usize)]) {
    let folder = folder();
    let path = save(&folder, name, &hostile.capture.bytes);
    let expected = hostile.capture.rows();
    for (chunk_size, jobs) in ways.iter().copied() {
        let settings = Settings { summaries: false, ..chunks_of(chunk_size) };
        let rows = rows_with(&path, &settings, jobs);
        assert_eq!(known(&rows), expected, "{name}: {chunk_size} bytes a chunk, {jobs} workers");
    }
    tried("chunkings", ways.len());
}

#[test]
fn thousands_of_headers_inside_change_no_row_at_any_chunk_size() {
    for (hostile, name) in [(pcap(40, 0), "dense.pcap"), (pcapng(40, 0), "dense.pcapng")] {
        assert!(hostile.inside > 3000, "{name}: {}", hostile.inside);
        tried("headers inside packets", hostile.inside);
        let (fooled, guesses) = fooled(&hostile.capture, name, 1009);
        assert!(guesses > 90 && fooled * 3 > guesses * 2, "{name}: {fooled} of {guesses} guesses are wrong");
        let size = hostile.capture.bytes.len() as u64;
        // Powers of two, primes, and sizes about that of the packets.
        let mut sizes = vec![499, 997, 1024, 2039, 4093, 8192, 10_007, 30_011, 65_536, size / 2, size - 1, size];
        sizes.extend((3000..5000).step_by(331));
        let ways: Vec<_> = sizes.into_iter().enumerate().map(|(number, size)| (size, 2 + number % 3)).collect();
        same_rows(&hostile, name, &ways);
    }
}

#[test]
fn headers_at_every_shift_against_the_chunks_change_no_row() {
    for shift in 0..32 {
        let hostile = pcap(6, shift);
        tried("headers inside packets", hostile.inside);
        same_rows(&hostile, "shifted.pcap", &[(1024, 2), (1531, 3)]);
    }
    // Blocks begin at multiples of four.
    for shift in (0..64).step_by(4) {
        let hostile = pcapng(6, shift);
        tried("headers inside packets", hostile.inside);
        same_rows(&hostile, "shifted.pcapng", &[(1024, 2), (1531, 3)]);
    }
}

#[test]
fn thousands_of_headers_inside_change_no_row_of_units_that_are_converted_apart() {
    for (hostile, name) in [(pcap(20, 3), "dense.pcap"), (pcapng(20, 4), "dense.pcapng")] {
        tried("headers inside packets", hostile.inside);
        let folder = folder();
        let path = save(&folder, name, &hostile.capture.bytes);
        for chunk_size in [2999, 8192, 20_001] {
            let lake = folder.path().join(format!("lake-{chunk_size}"));
            let settings = Settings { chunk_size, target_file_size: 16, ..Settings::default() };
            let parcap::commands::Planned { units, .. } = plan(
                std::slice::from_ref(&path),
                &lake,
                &settings,
                &parcap::select::SelectOptions::default(),
                &Default::default(),
            )
            .unwrap();
            let units: Vec<_> = units.iter().map(Result::unwrap).collect();
            assert!(units.len() > 3);
            let rows = units.iter().rev().map(|unit| convert_unit(unit, &lake, 2, Cancel::default()).unwrap());
            commit(&lake, rows.collect(), commit_options()).unwrap();
            assert_eq!(known(&packets(&lake)), hostile.capture.rows(), "{name} in units of {chunk_size}");
            tried("chunkings", 1);
        }
    }
}

//! Law 1, through the whole conversion too: a capture that is cut anywhere gives exactly its whole records, and is damaged
//! exactly if it is cut inside one.

use std::collections::BTreeMap;
use std::io::Cursor;

use parcap::capture::{CaptureReader, Damage, Source};
use parcap::discover::{Compression, Refusal};

use crate::support::build::{Capture, interface, other, packet, section, simple, udp};
use crate::support::{convert, folder, manifests, packets, request, save, sum};

use super::{block, told_apart};

/// Bytes before which there is no capture: the header of a pcap, the fixed part of a section header.
const PCAP_HEADER: usize = 24;
const SECTION_HEADER: usize = 28;
/// Where the first interface says its snapshot length.
const SNAP_LEN: usize = 56;

/// A record's bytes, and its length on the wire.
type Record = (Vec<u8>, u32);

fn small_pcap() -> Capture {
    let mut capture = Capture::pcap();
    for (number, length) in [(0, 5), (1, 0), (2, 40), (3, 1)] {
        capture.record(2, u32::from(number) * 500_000, udp(number, &vec![7; length]));
    }
    let mut empty = other(&[]);
    empty.data.clear();
    capture.record(2, 9, empty);
    capture
}

/// Packets of three kinds and two sections, with blocks between them that are none.
fn small_pcapng() -> Capture {
    let mut capture = Capture::pcapng();
    capture.packet(4, 1, udp(1, b"first"));
    capture.block(&block(4, &[0, 0, 0, 0]));
    capture.block(&interface(1, 64, 9, 0));
    let frame = udp(2, b"second");
    capture.timed(&packet(1, 1_709_164_800_000_000_007, &frame), 4, 0, frame);
    capture.timeless(&simple(&udp(3, b"no time")), udp(3, b"no time"));
    capture.block(&block(0x0bad_cafe, b"unknown"));
    capture.block(&block(5, &[0; 12]));
    capture.block(&section());
    capture.block(&interface(1, 0, 6, 0));
    capture.packet(5, 2, other(b"last"));
    capture
}

fn read(bytes: &[u8]) -> Result<(Vec<Record>, Option<Damage>), Refusal> {
    let source = Source::Stream { bytes: Box::new(Cursor::new(bytes.to_vec())), origin: Default::default() };
    let mut reader = CaptureReader::from_source(source, Compression::None)?;
    let mut records = Vec::new();
    loop {
        match reader.next() {
            Ok(Some(record)) => records.push((record.data.to_vec(), record.orig_len)),
            Ok(None) => return Ok((records, None)),
            Err(damage) => {
                assert_eq!(reader.next().unwrap().map(|record| record.offset), None, "nothing follows damage");
                return Ok((records, Some(damage)));
            }
        }
    }
}

/// The last boundary at or before a cut, and the packets before it.
fn before(capture: &Capture, cut: usize) -> (usize, usize) {
    capture.boundaries.iter().copied().take_while(|(boundary, _)| *boundary <= cut).last().unwrap_or((0, 0))
}

fn cut_everywhere(capture: &Capture, header: usize) {
    let all: Vec<Record> = capture.frames.iter().map(|frame| (frame.data.clone(), frame.orig_len)).collect();
    for cut in 0..=capture.bytes.len() {
        let found = read(&capture.bytes[..cut]);
        if (1..header).contains(&cut) {
            assert!(found.is_err(), "cut at {cut}: a part of a header is no capture");
            continue;
        }
        let (records, damage) = found.unwrap();
        let (boundary, packets) = before(capture, cut);
        assert_eq!(records, all[..packets], "cut at {cut}");
        let expected = (boundary != cut).then_some((boundary as u64, packets as u64 + 1));
        assert_eq!(damage.map(|damage| (damage.offset, damage.frame)), expected, "cut at {cut}");
    }
}

#[test]
fn a_pcap_cut_at_every_byte_gives_its_whole_records() {
    cut_everywhere(&small_pcap(), PCAP_HEADER);
}

#[test]
fn a_pcapng_cut_at_every_byte_gives_its_whole_packets() {
    cut_everywhere(&small_pcapng(), SECTION_HEADER);
}

/// The same through the whole conversion: each cut is a file, and one run takes them all. Every boundary, and every third
/// byte between them.
#[test]
fn a_cut_capture_is_converted_up_to_its_fault_and_named() {
    for (capture, header) in [(small_pcap(), PCAP_HEADER), (small_pcapng(), SECTION_HEADER)] {
        let folder = folder();
        let captures = folder.path().join("captures");
        std::fs::create_dir(&captures).unwrap();
        let cuts = (0..=capture.bytes.len()).filter(|cut| cut % 3 == 1 || capture.is_boundary(*cut as u64));
        for cut in cuts.clone() {
            let bytes = told_apart(&capture.bytes[..cut], if header == PCAP_HEADER { 16 } else { SNAP_LEN }, cut);
            save(&folder, &format!("captures/{cut:05}.pcap"), &bytes);
        }
        let request = request(&[captures], &folder.path().join("lake"));
        let report = convert(&request);
        let name = |path: &std::path::Path| path.file_stem().unwrap().to_str().unwrap().parse::<usize>().unwrap();

        let refused: Vec<_> = report.refused.iter().map(|refused| name(&refused.path)).collect();
        assert_eq!(refused, cuts.clone().filter(|cut| *cut < header).collect::<Vec<_>>());
        let damaged: BTreeMap<_, _> =
            report.damaged.iter().map(|damaged| (name(&damaged.path), damaged.damage.offset)).collect();
        let cuts = cuts.filter(|cut| *cut >= header);
        let expected = cuts.clone().map(|cut| (cut, before(&capture, cut).0));
        let expected = expected.filter(|(cut, boundary)| cut != boundary).map(|(cut, at)| (cut, at as u64));
        assert_eq!(damaged, expected.collect());

        let counts = |cut: &usize| {
            let whole = &capture.known[..before(&capture, *cut).1];
            (whole.len() as u64, whole.iter().map(|known| known.length).sum::<i64>())
        };
        let manifest = manifests(&request.lake).remove(0);
        let inputs = manifest["inputs"].as_array().unwrap().iter().filter(|input| input["status"] != "refused");
        assert_eq!(inputs.clone().count(), cuts.clone().count());
        for input in inputs {
            let cut = name(input["path"].as_str().unwrap().as_ref());
            let found = (input["found"]["records"].as_u64().unwrap(), input["found"]["length"].as_i64().unwrap());
            assert_eq!(found, counts(&cut), "cut at {cut}");
        }
        let rows = packets(&request.lake);
        assert_eq!(rows.len() as u64, cuts.clone().map(|cut| counts(&cut).0).sum::<u64>());
        assert_eq!(sum(&rows, "length"), cuts.map(|cut| counts(&cut).1).sum::<i64>());
    }
}

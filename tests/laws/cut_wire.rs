//! Law 1: a capture of any variant that is cut at any byte gives its whole records, and says that it is cut exactly when
//! it is: where, at which packet, what was announced there and what was found.

use std::io::Cursor;

use parcap::capture::{CaptureReader, Damage, DamageKind, Source};
use parcap::discover::{Compression, Refusal};

use crate::support::build::{other, udp};

use super::tally::tried;
use super::wire::{Built, Kind, Order};

const SECOND: u32 = 1_709_164_800;

/// Records of all sizes about the header's, an empty one, and one cut by the snapshot length.
pub(super) fn pcap(kind: Kind, order: Order) -> Built {
    let mut built = Built::pcap(kind, order);
    for (number, length) in [0, 1, 2, 3, 31, 64].into_iter().enumerate() {
        let mut frame = udp(u16::try_from(number).unwrap(), &vec![7; length]);
        frame.orig_len += if number == 4 { 1000 } else { 0 };
        built.record(kind, SECOND, u32::try_from(number).unwrap(), &frame);
        let mut empty = other(&[]);
        (empty.data, empty.orig_len) = (Vec::new(), 60);
        built.record(kind, SECOND, 9, &empty);
    }
    built
}

/// Three sections of both orders, with every kind of block that the draft names, and two that it does not.
pub(super) fn pcapng(first: Order) -> Built {
    let ticks = u64::from(SECOND) * 1_000_000;
    let mut built = Built::new(first);
    let second = if first == Order::Big { Order::Little } else { Order::Big };
    for (section, order) in [first, second, first].into_iter().enumerate() {
        built.section(order, if section == 1 { b"" } else { b"a comment" });
        built.interface(1, Some(6), None);
        // Name resolution, interface statistics, journal, decryption secrets, custom ones.
        for (kind, length) in [(4, 4), (5, 12), (9, 5), (0xa, 8), (0x0bad, 16), (0x4000_0bad, 7)] {
            built.block(kind, &vec![0; length]);
        }
        let number = u16::try_from(section).unwrap();
        built.enhanced(0, ticks, &udp(number, b"enhanced"));
        built.interface(1, Some(9), Some(-1));
        built.enhanced(1, ticks * 1000, &udp(number, b"enhance"));
        built.obsolete(0, ticks, &udp(number, b"obs"));
        built.simple(&udp(number, b"simpl"));
        built.block(0xcafe_0001, &[]);
        built.block(0xcafe_0002, &[1; 33]);
        built.enhanced(0, ticks, &other(b""));
    }
    built
}

type Found = Result<(Vec<(Vec<u8>, u32)>, Option<Damage>), Refusal>;

/// Everything a reader says, and that nothing follows what it says last.
pub(super) fn drain(mut reader: CaptureReader) -> (Vec<(Vec<u8>, u32)>, Option<Damage>) {
    let mut records = Vec::new();
    let damage = loop {
        match reader.next() {
            Ok(Some(record)) => records.push((record.data.to_vec(), record.orig_len)),
            Ok(None) => break None,
            Err(damage) => break Some(damage),
        }
    };
    assert!(matches!(reader.next(), Ok(None)), "nothing follows the end or damage");
    assert_eq!(reader.frames(), records.len() as u64);
    (records, damage)
}

fn read(bytes: &[u8]) -> Found {
    let source = Source::Stream { bytes: Box::new(Cursor::new(bytes.to_vec())), origin: Default::default() };
    Ok(drain(CaptureReader::from_source(source, Compression::None)?))
}

/// What must be said of a cut inside a record or block: kind, announced and found bytes.
type Said = (DamageKind, u64, u64);

fn cut_everywhere(built: &Built, header: usize, said: impl Fn(&Built, usize, usize) -> Said) -> usize {
    let size = built.bytes.len();
    for cut in 0..=size {
        let found = read(&built.bytes[..cut]);
        if (1..header).contains(&cut) {
            assert!(found.is_err(), "cut at {cut}: a part of a header is no capture");
            continue;
        }
        let (records, damage) = found.unwrap();
        let (boundary, packets) = built.before(cut);
        assert_eq!(records, built.packets[..packets], "cut at {cut} of {size}");
        let expected = (boundary != cut).then(|| {
            let (kind, announced, found) = said(built, boundary, cut - boundary);
            Damage { kind, frame: packets as u64 + 1, offset: boundary as u64, announced, found, detail: None }
        });
        assert_eq!(damage, expected, "cut at {cut} of {size}, {} bytes into a record or block", cut - boundary);
    }
    size + 1
}

#[test]
fn every_variant_of_pcap_cut_at_every_byte_gives_its_whole_records() {
    for kind in Kind::ALL {
        for order in Order::BOTH {
            let header = kind.record_header();
            let cuts = cut_everywhere(&pcap(kind, order), 24, |built, boundary, found| {
                let record = built.boundaries.iter().find(|(start, _)| *start == boundary).unwrap().1;
                if found < header {
                    (DamageKind::RecordHeaderCut, header as u64, found as u64)
                } else {
                    (DamageKind::PacketCut, built.packets[record].0.len() as u64, (found - header) as u64)
                }
            });
            tried("cut positions of plain captures", cuts);
        }
    }
}

#[test]
fn every_block_of_a_pcapng_cut_at_every_byte_gives_the_whole_packets_before_it() {
    for order in Order::BOTH {
        let cuts = cut_everywhere(&pcapng(order), 28, |built, boundary, found| {
            let next = built.boundaries.iter().find(|(start, _)| *start > boundary).unwrap().0;
            let announced = if found < 12 { 12 } else { next - boundary };
            (DamageKind::BlockCut, announced as u64, found as u64)
        });
        tried("cut positions of plain captures", cuts);
    }
}

/// A block that is too long to hold is stepped over unread, and cut there all the same.
#[test]
fn a_block_of_many_megabytes_cut_anywhere_is_cut() {
    let mut built = pcapng(Order::Little);
    built.block(0xcafe_0003, &vec![5; (16 << 20) + 5]);
    built.enhanced(0, 0, &udp(1, b"behind it"));
    let (start, packets) = built.before(built.bytes.len() - (1 << 20));
    let (end, _) = built.boundaries[built.boundaries.len() - 2];
    let cuts: Vec<_> = (start + 1..start + 16).chain((end - 9..=end + 3).step_by(1)).collect();
    for cut in cuts.iter().copied() {
        let (records, damage) = read(&built.bytes[..cut]).unwrap();
        assert_eq!(records.len(), packets, "cut at {cut}");
        let expected = match cut {
            _ if cut == end => None,
            _ if cut > end => Some(end as u64),
            _ => Some(start as u64),
        };
        assert_eq!(damage.map(|damage| damage.offset), expected, "cut at {cut}");
    }
    tried("cut positions of plain captures", cuts.len());
}

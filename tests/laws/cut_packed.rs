//! Law 1 for compressed captures: cut at any byte of the packed file, they give the whole records of what still unpacks,
//! and say that they are cut exactly when they are.
//!
//! How much still unpacks is asked of each library's lowest level, which knows neither readers nor frames in a row.

use parcap::capture::{CaptureReader, DamageKind};
use parcap::discover::{Candidate, Refusal};

use crate::support::build::udp;
use crate::support::{folder, save};

use super::cut_wire::{drain, pcap, pcapng};
use super::packing::{PACKERS, Pack};
use super::tally::tried;
use super::wire::{Built, Kind, Order};

/// The bytes that a prefix of one frame gives.
fn unpacked(name: &str, frame: &[u8], room: usize) -> usize {
    let mut out = vec![0; room + 1];
    match name {
        "gzip" => {
            // RFC 1952 section 2.3: ten bytes of header where no flag is set, as here.
            let mut stream = flate2::Decompress::new(false);
            let body = frame.get(10..).unwrap_or_default();
            let _ = stream.decompress(body, &mut out, flate2::FlushDecompress::Sync);
            usize::try_from(stream.total_out()).unwrap()
        }
        "zstd" => {
            use zstd::stream::raw::Operation as _;
            let mut stream = zstd::stream::raw::Decoder::new().unwrap();
            let (mut read, mut written) = (0, 0);
            while let Ok(status) = stream.run_on_buffers(&frame[read..], &mut out[written..]) {
                (read, written) = (read + status.bytes_read, written + status.bytes_written);
                if status.bytes_read + status.bytes_written == 0 || read == frame.len() {
                    break;
                }
            }
            written
        }
        "xz" => {
            let mut stream = liblzma::stream::Stream::new_stream_decoder(u64::MAX, 0).unwrap();
            let _ = stream.process(frame, &mut out, liblzma::stream::Action::Run);
            usize::try_from(stream.total_out()).unwrap()
        }
        "bzip2" => {
            let mut stream = bzip2::Decompress::new(false);
            let _ = stream.decompress(frame, &mut out);
            usize::try_from(stream.total_out()).unwrap()
        }
        "lz4" => {
            // The LZ4 frame format: seven bytes of header without sizes, then blocks after four bytes of length, whose
            // highest bit says that they are stored. Here each block stands for itself.
            let (mut at, mut written) = (7, 0);
            while let Some(length) = frame.get(at..at + 4).map(|bytes| u32::from_le_bytes(bytes.try_into().unwrap())) {
                let end = at + 4 + usize::try_from(length & 0x7fff_ffff).unwrap();
                let Some(block) = frame.get(at + 4..end).filter(|block| !block.is_empty()) else { break };
                written += match length >> 31 {
                    0 => lz4_flex::block::decompress_into(block, &mut out[written..]).unwrap(),
                    _ => block.len(),
                };
                at = end;
            }
            written
        }
        other => unreachable!("{other} has no decoder here"),
    }
}

/// Cuts a capture that is packed in frames which end at these unpacked offsets.
fn cut_everywhere(built: &Built, header: usize, name: &str, pack: Pack, seams: &[usize]) -> usize {
    cut_where(|_| true, built, header, (name, pack), seams)
}

fn cut_where(
    wanted: impl Fn(usize) -> bool,
    built: &Built,
    header: usize,
    (name, pack): (&str, Pack),
    seams: &[usize],
) -> usize {
    let folder = folder();
    // Offsets of frames in the packed and in the unpacked file.
    let mut frames = vec![(0, 0)];
    let mut packed = Vec::new();
    for seam in seams.windows(2) {
        packed.extend(pack(&built.bytes[seam[0]..seam[1]]));
        frames.push((packed.len(), seam[1]));
    }
    assert_eq!(unpacked(name, &packed[..frames[1].0], built.bytes.len()), seams[1], "the first {name} frame, whole");
    let cuts = (0..=packed.len()).filter(|cut| wanted(*cut));
    for cut in cuts.clone() {
        let at = format!("{name} in {} frames, cut at {cut} of {}", frames.len() - 1, packed.len());
        let path = save(&folder, "packed", &packed[..cut]);
        let found =
            Candidate::of(&path, true).unwrap().probe().and_then(|input| CaptureReader::open(&input)).map(drain);
        let (start, before) = frames[frames.partition_point(|(start, _)| *start <= cut) - 1];
        let whole_frames = start == cut;
        let there = before + unpacked(name, &packed[start..cut], built.bytes.len());
        if cut > 0 && there < header {
            assert!(found.is_err(), "{at}: {there} bytes unpack");
            let refusal = found.err().unwrap();
            assert!(there > 0 || matches!(refusal, Refusal::Packing { .. } | Refusal::NotACapture { .. }), "{at}");
            continue;
        }
        let (records, damage) = found.unwrap();
        let (boundary, packets) = built.before(there);
        assert_eq!(records, built.packets[..packets], "{at}: {there} bytes unpack");
        let damage = damage.map(|damage| (damage.offset, damage.frame, damage.kind));
        let place = (boundary as u64, packets as u64 + 1);
        if whole_frames {
            assert_eq!(damage.is_some(), boundary != there, "{at}: as the plain capture cut at {there}: {damage:?}");
        } else {
            assert_eq!(damage, Some((place.0, place.1, DamageKind::CompressedCut)), "{at}: {there} bytes unpack");
        }
    }
    cuts.count()
}

/// In one frame, and in seven with seams inside a record header, inside a packet and between two packets.
fn cut_all_ways(built: &Built, header: usize) {
    let size = built.bytes.len();
    let (third, _) = built.boundaries[3];
    let (late, _) = built.boundaries[built.boundaries.len() - 3];
    let seams = [0, 40, third + 7, third + 21, size / 2 + 1, late, late + 20, size];
    for (name, pack) in PACKERS {
        let cuts =
            cut_everywhere(built, header, name, pack, &[0, size]) + cut_everywhere(built, header, name, pack, &seams);
        tried("cut positions of packed captures", cuts);
    }
}

#[test]
fn a_packed_pcap_cut_at_every_byte_gives_what_unpacks() {
    cut_all_ways(&pcap(Kind::Micros, Order::Little), 24);
}

#[test]
fn a_packed_pcapng_cut_at_every_byte_gives_what_unpacks() {
    cut_all_ways(&pcapng(Order::Big), 28);
}

fn lz4_in_small_blocks(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write as _;
    let info = lz4_flex::frame::FrameInfo::new().block_size(lz4_flex::frame::BlockSize::Max64KB);
    let mut packer = lz4_flex::frame::FrameEncoder::with_frame_info(info, Vec::new());
    packer.write_all(bytes).unwrap();
    packer.finish().unwrap()
}

/// A frame of several blocks, cut near where one ends and the next begins: nothing but its end mark ends a frame.
#[test]
fn an_lz4_frame_cut_between_its_blocks_is_cut() {
    let mut built = Built::pcap(Kind::Micros, Order::Little);
    // Records of a power of two after a first one that fills up: blocks of 64 KiB or more end where a record does.
    for (number, length) in [4096 - 24].into_iter().chain([4096; 135]).enumerate() {
        let frame = udp(u16::try_from(number).unwrap(), &vec![0; length - 16 - 42]);
        built.record(Kind::Micros, 1_709_164_800, 0, &frame);
    }
    let size = built.bytes.len();
    let packed = lz4_in_small_blocks(&built.bytes);
    let mut blocks = vec![7];
    while let Some(length) = packed.get(*blocks.last().unwrap()..).and_then(|rest| rest.first_chunk()) {
        let length = usize::try_from(u32::from_le_bytes(*length) & 0x7fff_ffff).unwrap();
        blocks.push(blocks.last().unwrap() + 4 + length);
    }
    assert!(blocks.len() > 3, "{blocks:?}");
    let near = |cut: usize| blocks.iter().any(|block| cut.abs_diff(*block) < 7);
    tried("cut positions of packed captures", cut_where(near, &built, 24, ("lz4", lz4_in_small_blocks), &[0, size]));
}

/// Over a mebibyte packed, so that a thread of its own unpacks it ahead of the reader.
#[test]
fn a_big_packed_capture_cut_anywhere_gives_what_unpacks() {
    let mut built = Built::pcap(Kind::Nanos, Order::Big);
    let mut state = 1_u64;
    while built.bytes.len() < 1_300_000 {
        let mut frame = udp(1, &[0; 1400]);
        for byte in &mut frame.data[42..] {
            // Knuth's MMIX generator: bytes that do not pack.
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            *byte = state.to_be_bytes()[0];
        }
        built.record(Kind::Nanos, 1_709_164_800, 0, &frame);
    }
    let size = built.bytes.len();
    // Most of them after the first mebibyte.
    let wanted = |cut: usize| cut % 400_009 == 17 || cut > 1 << 20 && cut % 60_013 == 5;
    for (name, pack) in PACKERS.into_iter().take(3) {
        let seams = [0, size / 3, size];
        tried("cut positions of packed captures", cut_where(wanted, &built, 24, (name, pack), &seams));
    }
}

//! Law 2, for compressions: however a capture is packed, and by whatever way it comes in, its rows are the same.

use std::io::Write as _;

use parcap::config::Settings;

use crate::support::build::{Capture, udp};
use crate::support::{folder, manifests, packets, run_with, save};

use super::{chunks_of, known, plain_pcap, rows_with};

/// Packs bytes into one frame.
pub(crate) type Pack = fn(&[u8]) -> Vec<u8>;

/// The compressions, by name.
pub(crate) const PACKERS: [(&str, Pack); 5] =
    [("gzip", gzip), ("zstd", zstd), ("xz", xz), ("bzip2", bzip2), ("lz4", lz4)];

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packer.write_all(bytes).unwrap();
    packer.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::stream::encode_all(bytes, 1).unwrap()
}

fn xz(bytes: &[u8]) -> Vec<u8> {
    let mut packer = liblzma::write::XzEncoder::new(Vec::new(), 1);
    packer.write_all(bytes).unwrap();
    packer.finish().unwrap()
}

fn bzip2(bytes: &[u8]) -> Vec<u8> {
    let mut packer = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    packer.write_all(bytes).unwrap();
    packer.finish().unwrap()
}

fn lz4(bytes: &[u8]) -> Vec<u8> {
    let mut packer = lz4_flex::frame::FrameEncoder::new(Vec::new());
    packer.write_all(bytes).unwrap();
    packer.finish().unwrap()
}

/// Four frames or members, with seams inside a file header, a record header and a packet, and an empty one.
fn in_pieces(bytes: &[u8], pack: fn(&[u8]) -> Vec<u8>) -> Vec<u8> {
    let seams = [0, 13, 30, 30, bytes.len() / 2 + 1, bytes.len()];
    seams.windows(2).flat_map(|seam| pack(&bytes[seam[0]..seam[1]])).collect()
}

#[test]
fn any_compression_in_one_piece_or_several_gives_the_same_rows() {
    let capture = plain_pcap();
    let folder = folder();
    let plain = rows_with(&save(&folder, "plain.pcap", &capture.bytes), &Settings::default(), 2);
    assert_eq!(known(&plain), capture.rows());
    for (name, pack) in PACKERS {
        for (pieces, bytes) in [(1, pack(&capture.bytes)), (5, in_pieces(&capture.bytes, pack))] {
            // No suffix says what it is.
            let path = save(&folder, &format!("{name}-{pieces}"), &bytes);
            for settings in [Settings::default(), chunks_of(500)] {
                assert_eq!(rows_with(&path, &settings, 3), plain, "{name} in {pieces} pieces");
            }
        }
    }
}

#[test]
fn a_zstd_that_begins_with_a_skippable_frame_is_a_zstd() {
    let capture = plain_pcap();
    let folder = folder();
    // RFC 8878 section 3.1.2: magic 184D2A50, a length, that number of bytes.
    let mut bytes = vec![0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3];
    bytes.extend(zstd(&capture.bytes));
    let rows = rows_with(&save(&folder, "skippable", &bytes), &Settings::default(), 1);
    assert_eq!(known(&rows), capture.rows());
}

/// Over a mebibyte packed: unpacked by a thread of its own.
#[test]
fn a_big_compressed_capture_gives_the_same_rows() {
    let mut capture = Capture::pcap();
    let mut state = 1_u64;
    for number in 0..1000_u16 {
        let payload: Vec<u8> = (0..1400)
            .map(|_| {
                // Knuth's MMIX generator: bytes that do not pack.
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                state.to_be_bytes()[0]
            })
            .collect();
        capture.record(4, u32::from(number) * 1000, udp(number, &payload));
    }
    let packed = in_pieces(&capture.bytes, gzip);
    assert!(packed.len() > 1 << 20);
    let folder = folder();
    let rows = rows_with(&save(&folder, "big.pcap.gz", &packed), &Settings::default(), 2);
    assert_eq!(known(&rows), capture.rows());
}

#[test]
fn standard_input_gives_the_same_rows_packed_or_not() {
    let capture = plain_pcap();
    let inputs =
        [("none", capture.bytes.clone()), ("gzip", gzip(&capture.bytes)), ("lz4", in_pieces(&capture.bytes, lz4))];
    for (compression, bytes) in inputs {
        let folder = folder();
        let lake = folder.path().join("lake");
        let out = lake.to_str().unwrap();
        let ran = run_with(["convert", "-", "--out", out, "--jobs", "2"], &bytes);
        assert_eq!(ran.status, Some(0), "{ran:?}");
        assert_eq!(known(&packets(&lake)), capture.rows(), "{compression}");
        let found = manifests(&lake)[0]["inputs"][0]["found"].clone();
        assert_eq!(found["compression"], compression);
        assert_eq!(found["records"], 60);
        // The same bytes once more are in the lake already.
        let again = run_with(["convert", "-", "--out", out], &bytes);
        assert_eq!(again.status, Some(0), "{again:?}");
        assert_eq!(packets(&lake).len(), 60, "{compression}");
    }
}

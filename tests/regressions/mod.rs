//! Every fault that was found once, by the name of what broke.

use parcap::capture::{CaptureReader, Damage, DamageKind, Resolution, Timestamp};
use parcap::discover::Candidate;

/// The section header that the captures below begin with: 28 bytes, little endian.
const SECTION: &str = "0a0d0d0a1c0000004d3c2b1a01000000ffffffffffffffff1c000000";

/// Reads a capture given in hexadecimal to its damage.
fn damage_of(hex: &str) -> Damage {
    let bytes: Vec<u8> =
        (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(hex.get(at..at + 2).unwrap(), 16).unwrap()).collect();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("capture.pcapng");
    std::fs::write(&path, bytes).unwrap();
    let input = Candidate::of(&path, true).unwrap().probe().unwrap();
    let mut reader = CaptureReader::open(&input).unwrap();
    loop {
        match reader.next() {
            Ok(record) => assert!(record.is_some(), "the capture ends without damage"),
            Err(damage) => {
                // A reader that was asked once more stood elsewhere, and the next chunk began there.
                let position = reader.position().clone();
                assert_eq!(position.offset, damage.offset);
                assert!(reader.next().unwrap().is_none());
                assert_eq!(*reader.position(), position);
                return damage;
            }
        }
    }
}

/// The padded length of the longest block overflowed 32 bits, and the rest of the file was skipped without a word.
#[test]
fn the_longest_block_length_does_not_overflow() {
    let damage = damage_of(&format!("{SECTION}ffffffffffffffffffffffff"));
    assert_eq!((damage.kind, damage.offset), (DamageKind::BlockCut, 28));
    assert_eq!((damage.announced, damage.found), (0xffff_ffff, 12));
}

/// A long block that is stepped over and turns out to be cut was reported at the end of the file.
#[test]
fn a_long_block_that_is_cut_is_reported_where_it_begins() {
    let damage = damage_of(&format!("{SECTION}ad0b00001000000100000000"));
    assert_eq!((damage.kind, damage.offset), (DamageKind::BlockCut, 28));
    assert_eq!((damage.announced, damage.found), (0x0100_0010, 12));
}

/// A capture that is refused when it is read, and not when it is recognised, was held as if it had been converted.
#[test]
fn a_refused_capture_is_named_in_every_run() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("twelve-bytes.pcap");
    std::fs::write(&path, b"\xd4\xc3\xb2\xa1\x02\0\x04\0\0\0\0\0").unwrap();
    for _ in 0..2 {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_parcap"))
            .arg("convert")
            .arg(&path)
            .arg("--out")
            .arg(folder.path().join("lake"))
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(3));
        assert!(String::from_utf8_lossy(&output.stderr).contains("its header needs 24 bytes, the file has 12"));
    }
}

/// Ticks of 2^-20 s were cut off to attoseconds, which have 18 digits where one tick has 20.
#[test]
fn a_difference_of_one_binary_tick_is_exact() {
    let time = |ticks: u64| Timestamp::from_pcapng((1_709_164_800 << 20) + ticks, Resolution(0x80 | 20), 0).unwrap();
    assert_eq!(time(8).since(time(7)), 0.000_000_953_674_316_406_25);
}

/// Seconds from 2^63 on were out of range before the offset that brings them back was added.
#[test]
fn an_offset_may_bring_back_seconds_over_63_bits() {
    let time = Timestamp::from_pcapng(1 << 63, Resolution(0), i64::MIN);
    assert_eq!(time.map(Timestamp::micros), Some(0));
}

/// The product of the seconds overflowed before the nanoseconds that bring it back were added.
#[test]
fn the_first_second_of_nanoseconds_in_64_bits_is_whole() {
    let time = Timestamp::from_pcapng(145_224_192, Resolution(9), -9_223_372_037).unwrap();
    assert_eq!(time.nanos(), Some(i64::MIN));
}

/// An lz4 frame that ended before a block, and not at its end mark, was taken for a whole one.
#[test]
fn an_lz4_frame_without_its_end_mark_is_cut() {
    use std::io::Write as _;
    let header = b"\xd4\xc3\xb2\xa1\x02\0\x04\0\0\0\0\0\0\0\0\0\0\0\x04\0\x01\0\0\0";
    let mut packer = lz4_flex::frame::FrameEncoder::new(Vec::new());
    packer.write_all(header).unwrap();
    let packed = packer.finish().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("capture.pcap.lz4");
    for (end, whole) in [(packed.len(), true), (packed.len() - 4, false)] {
        std::fs::write(&path, &packed[..end]).unwrap();
        let input = Candidate::of(&path, true).unwrap().probe().unwrap();
        let found = CaptureReader::open(&input).unwrap().next().map(|record| record.is_none());
        assert_eq!(found.map_err(|damage| damage.kind), if whole { Ok(true) } else { Err(DamageKind::CompressedCut) });
    }
}

//! Every fault that was found once, by the name of what broke.

#![expect(clippy::unwrap_used, reason = "a test helper may stop at the first surprise")]

use parcap::discover::Candidate;
use parcap::read::{CaptureReader, Damage, DamageKind};

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
            Err(damage) => return damage,
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

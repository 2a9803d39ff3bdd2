//! Where another capture begins after the records of one: `cat a b`, `tcpdump -w - >> x`.
//!
//! In: the bytes where a record or block should be. Out: how the bytes from there on are framed. Only a whole and
//! plausible file header counts, because a record may begin with the same four bytes: its time is then the second
//! `a1b2c3d4`, on 2055-12-19. To pass for a file header, such a record would have to say version 2.4 as its fraction, and
//! no bytes captured of none on the wire. A section header in a pcapng begins a section, not another capture.

use std::sync::Arc;

use crate::capture::{pcap, pcapng};
use crate::discover::{Format, MAGIC_LEN, format};

use super::damage::DamageKind;
use super::frame::Fault;
use super::pcapng::ByteOrder;
use super::position::{Framing, Section};

/// Bytes that decide: the fixed part of a section header, and more than the file header of a pcap.
pub(super) const HEADER: usize = 28;
/// The most by which local time differs from UTC, in seconds. Old writers noted the difference in the file header.
const ZONE_S: u32 = 86_400;
/// The most digits that times are accurate to. No writer notes the accuracy; 0 is usual.
const DIGITS: u32 = 9;

/// A capture that begins here.
#[derive(Clone, Debug)]
pub(super) struct Begun {
    pub(super) format: Format,
    pub(super) framing: Framing,
    /// Bytes of the file header before the first record. 0 for a pcapng, whose section header is a block.
    pub(super) header: usize,
}

/// The capture that begins with these bytes. There are [`HEADER`] of them unless the capture ends sooner.
///
/// # Errors
/// If the bytes end within the file header.
pub(super) fn begins(bytes: &[u8]) -> Result<Option<Begun>, Fault> {
    let Some(format) = bytes.get(..MAGIC_LEN).and_then(format) else { return Ok(None) };
    let begun = if format == Format::Pcapng { pcapng(bytes)? } else { pcap(bytes, format)? };
    Ok(begun.map(|(framing, header)| Begun { format, framing, header }))
}

fn pcap(bytes: &[u8], format: Format) -> Result<Option<(Framing, usize)>, Fault> {
    if !bytes.get(4..8).is_some_and(|version| matches!(version, [2, 0, 0..=4, 0] | [0, 2, 0, 0..=4])) {
        return Ok(None);
    }
    let Some((head, _)) = bytes.split_first_chunk::<{ pcap::FILE_HEADER }>() else {
        return Err(cut(pcap::FILE_HEADER, bytes));
    };
    let Ok(header) = pcap::parse(*head, format) else { return Ok(None) };
    let order = ByteOrder { big_endian: header.big_endian };
    let [_, _, _, _, _, _, _, _, z0, z1, z2, z3, d0, d1, d2, d3, ..] = *head;
    let zone = order.u32([z0, z1, z2, z3]).cast_signed().unsigned_abs();
    let is_plausible = zone <= ZONE_S && order.u32([d0, d1, d2, d3]) <= DIGITS;
    Ok(is_plausible.then_some((Framing::Pcap(header), pcap::FILE_HEADER)))
}

fn pcapng(bytes: &[u8]) -> Result<Option<(Framing, usize)>, Fault> {
    let Some((head, _)) = bytes.split_first_chunk::<HEADER>() else { return Err(cut(HEADER, bytes)) };
    let [_, _, _, _, l0, l1, l2, l3, m0, m1, m2, m3, v0, v1, v2, v3, ..] = *head;
    let Ok(big_endian) = pcapng::section_order([m0, m1, m2, m3]) else { return Ok(None) };
    let order = ByteOrder { big_endian };
    let is_long_enough = order.u32([l0, l1, l2, l3]) as usize >= HEADER;
    let is_plausible = is_long_enough && pcapng::is_version(order.u16([v0, v1]), order.u16([v2, v3]));
    let section = Section { big_endian, interfaces: Arc::default(), gapped: false };
    Ok(is_plausible.then_some((Framing::Pcapng(section), 0)))
}

fn cut(needed: usize, bytes: &[u8]) -> Fault {
    Fault::new(DamageKind::FileHeaderCut, needed as u64, bytes.len() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LITTLE: [u8; 24] = [0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 1, 0, 0, 0];
    const SECTION: [u8; 28] = [
        0x0a, 0x0d, 0x0d, 0x0a, 0, 0, 0, 28, 0x1a, 0x2b, 0x3c, 0x4d, 0, 1, 0, 0, 255, 255, 255, 255, 255, 255, 255,
        255, 0, 0, 0, 28,
    ];

    fn changed<const N: usize>(mut bytes: [u8; N], at: usize, to: &[u8]) -> [u8; N] {
        bytes[at..at + to.len()].copy_from_slice(to);
        bytes
    }

    #[test]
    fn a_whole_file_header_begins_a_capture() {
        let format_of = |bytes: &[u8]| begins(bytes).unwrap().map(|begun| (begun.format, begun.header));
        assert_eq!(format_of(&LITTLE), Some((Format::PcapUs, 24)));
        assert_eq!(format_of(&SECTION), Some((Format::Pcapng, 0)));
        // An hour west of Greenwich, as writers before 1999 noted it.
        assert_eq!(format_of(&changed(LITTLE, 8, &(-3600_i32).to_le_bytes())), Some((Format::PcapUs, 24)));
        assert_eq!(format_of(&changed(LITTLE, 0, &[0x4d, 0x3c])), Some((Format::PcapNs, 24)));
    }

    #[test]
    fn a_record_that_begins_like_one_does_not() {
        for bytes in [
            // A fraction that is no version; 60 bytes captured of 60; 200000 bytes captured, which is no zone.
            changed(LITTLE, 4, &[3, 0, 4, 0]),
            changed(LITTLE, 8, &[60, 0, 0, 0, 60, 0, 0, 0]),
            changed(LITTLE, 8, &200_000_u32.to_le_bytes()),
        ] {
            assert!(begins(&bytes).unwrap().is_none(), "{bytes:02x?}");
        }
        for bytes in [changed(SECTION, 7, &[24]), changed(SECTION, 13, &[9]), changed(SECTION, 8, &[9])] {
            assert!(begins(&bytes).unwrap().is_none(), "{bytes:02x?}");
        }
    }

    #[test]
    fn a_file_header_that_ends_early_is_cut() {
        for len in 0..24 {
            assert_eq!(begins(&LITTLE[..len]).is_err(), len >= MAGIC_LEN, "{len} bytes");
        }
        for len in 0..28 {
            assert_eq!(begins(&SECTION[..len]).is_err(), len >= MAGIC_LEN, "{len} bytes");
        }
    }
}

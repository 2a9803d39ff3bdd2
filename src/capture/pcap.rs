//! Framing of classic pcap: the file header, and one record at a time.
//!
//! In: a [`ReadBuffer`]. Out: where the next record's bytes lie. Source: draft-ietf-opsawg-pcap sections 4 and 5; the order
//! of the lengths in old versions and the limit on captured lengths are libpcap's (sf-pcap.c).

use pcap_file::Endianness;
use pcap_file::pcap::{PcapHeader, PcapTsResolution};

use crate::capture::appended;
use crate::discover::{Format, Refusal, zeros};

use super::damage::DamageKind;
use super::frame::{Fault, Frame, Halt};
use super::link_type::LinkType;
use super::position::{FileHeader, LengthOrder};
use super::read_buffer::ReadBuffer;
use super::record::RecordAnomaly;
use super::time::Timestamp;

/// Bytes of the file header.
pub(super) const FILE_HEADER: usize = 24;
/// Captured lengths up to here are accepted at any snapshot length: libpcap's maximum.
const USUAL_MAX: u32 = 262_144;
/// The earliest second at which a record reads as a file header: that of `a1b2_3c4d`, in 2055.
const FIRST_MAGIC: u32 = 0xa1b2_3c4d;
/// From this second on, a clock counts as set: nobody captured before 1980, and no unset clock has run that long.
const CLOCK_SET: u32 = 315_532_800;
/// Captured lengths over this are never accepted, at any snapshot length.
const ABSOLUTE_MAX: u32 = 16 << 20;

/// Reads the file header, and leaves the buffer at the first byte after it.
pub(super) fn file_header(window: &mut ReadBuffer, format: Format) -> Result<FileHeader, Refusal> {
    let held = window.fill(FILE_HEADER);
    let Some((bytes, _)) = held.split_first_chunk() else {
        return Err(Refusal::HeaderCut { needed: FILE_HEADER as u64, found: held.len() as u64 });
    };
    let header = parse(*bytes, format)?;
    window.consume(FILE_HEADER);
    Ok(header)
}

/// Reads the 24 bytes of a file header.
pub(super) fn parse(mut bytes: [u8; FILE_HEADER], format: Format) -> Result<FileHeader, Refusal> {
    if format == Format::PcapModified {
        // The same header under another magic number, which the library does not know.
        let magic: [u8; 4] =
            if bytes.first() == Some(&0xa1) { [0xa1, 0xb2, 0xc3, 0xd4] } else { [0xd4, 0xc3, 0xb2, 0xa1] };
        if let Some(field) = bytes.first_chunk_mut() {
            *field = magic;
        }
    }
    let (_, header) = PcapHeader::from_slice(&bytes)
        .map_err(|error| Refusal::NotACapture { found: format!("a header that cannot be read: {error}") })?;
    let length_order = match (header.version_major, header.version_minor) {
        (2, 0..=2) | (543, _) => LengthOrder::OrigLenFirst,
        (2, 3) => LengthOrder::SmallerIsCapLen,
        (2, 4) => LengthOrder::CapLenFirst,
        (major, minor) => return Err(Refusal::Version { major, minor }),
    };
    Ok(FileHeader {
        big_endian: header.endianness == Endianness::Big,
        nanoseconds: header.ts_resolution == PcapTsResolution::NanoSecond,
        record_header: if format == Format::PcapModified { 24 } else { 16 },
        length_order,
        snap_len: header.snaplen,
        link_type: LinkType(link_type_field(u32::from(header.datalink))),
    })
}

/// The link type without the bits that share its field: bits 16 to 27 are reserved, 28 to 31 tell the FCS length
/// (draft-ietf-opsawg-pcap section 4). An FCS needs no care here: IP says where its payload ends.
fn link_type_field(field: u32) -> u16 {
    (field & 0xffff) as u16
}

/// The record at the front of these bytes, if it is a usual one and all of it is there: what nearly all records are. Inlined, so that
/// nothing of it is written down before it is used.
#[inline(always)]
pub(super) fn usual(held: &[u8], header: FileHeader) -> Option<Frame> {
    let fields = fields(*held.first_chunk()?, header);
    let total = usize::from(header.record_header) + fields.cap_len as usize;
    (!is_unusual(fields, header) && total <= held.len()).then(|| frame(fields, header))
}

/// The next record, whole, left at the front of the buffer. `None` at the end of the file.
pub(super) fn next(window: &mut ReadBuffer, header: FileHeader) -> Result<Option<Frame>, Halt> {
    let header_len = usize::from(header.record_header);
    let held = window.fill(header_len);
    let Some((head, _)) = held.split_first_chunk::<16>().filter(|_| held.len() >= header_len) else {
        if held.is_empty() {
            return Ok(None);
        }
        return Err(Fault::new(DamageKind::RecordHeaderCut, header_len as u64, held.len() as u64).into());
    };
    let mut fields = fields(*head, header);
    if is_unusual(fields, header) {
        fields = unusual(window, header)?;
    }
    let announced = fields.cap_len as usize;
    let held = window.fill(header_len + announced).len() - header_len;
    if held < announced {
        return Err(Fault::new(DamageKind::PacketCut, announced as u64, held as u64).into());
    }
    Ok(Some(frame(fields, header)))
}

/// Whether a record needs a second look: no captured bytes; too many of them; a time at which a record may read as a file header of
/// this byte order; and every record of an old writer, because a section header may pass for one with a length that can be right.
#[inline(always)]
fn is_unusual(fields: RecordFields, header: FileHeader) -> bool {
    // One branch for all of it.
    (fields.cap_len.wrapping_sub(1) >= plausible_cap_len(header))
        | (fields.seconds >= FIRST_MAGIC)
        | (header.length_order != LengthOrder::CapLenFirst)
}

/// A record whose bytes are all there.
#[inline(always)]
fn frame(fields: RecordFields, header: FileHeader) -> Frame {
    let data = usize::from(header.record_header);
    let total = data + fields.cap_len as usize;
    Frame {
        time: Some(Timestamp::from_pcap(fields.seconds, fields.fraction, header.nanoseconds)),
        orig_len: fields.orig_len,
        cap_len: fields.cap_len,
        link_type: Some(header.link_type),
        interface: None,
        data: data..total,
        total,
        odd: RecordAnomaly::FRACTION_CARRIED.when(fields.fraction >= per_second(header))
            | RecordAnomaly::CAP_LEN_OVER_SNAP_LEN.when(header.snap_len != 0 && fields.cap_len > header.snap_len),
    }
}

/// Reads on where a record is not usual. It is a record all the same, another capture, or bytes that were never written.
#[cold]
#[inline(never)]
fn unusual(window: &mut ReadBuffer, header: FileHeader) -> Result<RecordFields, Halt> {
    if let Some(begun) = appended::begins(window.fill(appended::HEADER))? {
        return Err(Halt::Begins(begun));
    }
    let fields = record_fields(window.bytes(), header)?;
    if fields.cap_len == 0
        && fields.orig_len == 0
        && let Some(written) = unwritten(window, header)
    {
        return Err(Fault::zeros(written).into());
    }
    Ok(fields)
}

/// How many bytes of a record header were written, where zeros follow them. The header then says nothing at all, or only
/// a time, and its packet had no byte on the wire. `None` if it is a record all the same.
fn unwritten(window: &mut ReadBuffer, header: FileHeader) -> Option<usize> {
    let header_len = usize::from(header.record_header);
    let (head, after) = window.fill(2 * header_len).split_at_checked(header_len)?;
    let written = head.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    let after = after.get(..header_len).unwrap_or(after);
    let zeros_follow = zeros(after) == after.len();
    if written > 0 {
        return (zeros_follow && !after.is_empty()).then_some(written);
    }
    (zeros_follow || !records_follow(window, header_len, header)).then_some(written)
}

/// Whether two credible records of an unset clock follow at once. Then a header of zeros is a record too. A record that
/// is cut off does not count as one.
fn records_follow(window: &mut ReadBuffer, mut at: usize, header: FileHeader) -> bool {
    (0..2).all(|_| {
        let Some(rest) = window.fill(at + usize::from(header.record_header)).get(at..) else { return false };
        let Ok(fields) = record_fields(rest, header) else { return false };
        at += usize::from(header.record_header) + fields.cap_len as usize;
        fields.seconds < CLOCK_SET && fields.fraction < per_second(header) && fields.cap_len <= fields.orig_len
    })
}

/// Units of a record's fraction.
#[inline]
pub(crate) fn per_second(header: FileHeader) -> u32 {
    if header.nanoseconds { 1_000_000_000 } else { 1_000_000 }
}

/// The four fields that every record header begins with.
#[derive(Clone, Copy, Debug)]
pub(super) struct RecordFields {
    pub(super) seconds: u32,
    pub(super) fraction: u32,
    pub(super) cap_len: u32,
    pub(super) orig_len: u32,
}

/// Reads a record header from the first bytes, and refuses a captured length that cannot be right.
#[inline]
pub(super) fn record_fields(bytes: &[u8], header: FileHeader) -> Result<RecordFields, Fault> {
    // By hand: the library frames a record by its first length field, which is not always the captured one, and expects
    // the bytes to be there.
    let Some((head, _)) = bytes.split_first_chunk::<16>() else {
        return Err(Fault::new(DamageKind::RecordHeaderCut, 16, bytes.len() as u64));
    };
    let fields = fields(*head, header);
    let plausible = plausible_cap_len(header);
    if fields.cap_len > plausible {
        return Err(Fault::new(DamageKind::CapLenImplausible, u64::from(fields.cap_len), u64::from(plausible)));
    }
    Ok(fields)
}

#[inline]
fn fields(head: [u8; 16], header: FileHeader) -> RecordFields {
    let [s0, s1, s2, s3, f0, f1, f2, f3, a0, a1, a2, a3, b0, b1, b2, b3] = head;
    let number = if header.big_endian { u32::from_be_bytes } else { u32::from_le_bytes };
    let (first, second) = (number([a0, a1, a2, a3]), number([b0, b1, b2, b3]));
    let (cap_len, orig_len) = match header.length_order {
        LengthOrder::CapLenFirst => (first, second),
        LengthOrder::OrigLenFirst => (second, first),
        LengthOrder::SmallerIsCapLen => (first.min(second), first.max(second)),
    };
    RecordFields { seconds: number([s0, s1, s2, s3]), fraction: number([f0, f1, f2, f3]), cap_len, orig_len }
}

/// The wire length of a record, whether or not its captured length can be right. `None` if the bytes are no whole record
/// header.
pub(super) fn orig_len(bytes: &[u8], header: FileHeader) -> Option<u32> {
    bytes.first_chunk().map(|head| fields(*head, header).orig_len)
}

/// The largest captured length that can be right.
#[inline]
fn plausible_cap_len(header: FileHeader) -> u32 {
    header.snap_len.clamp(USUAL_MAX, ABSOLUTE_MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::capture::source::Source;
    use crate::capture::stream_origin::StreamOrigin;

    use super::*;

    fn any_header() -> impl Strategy<Value = FileHeader> {
        let orders = vec![LengthOrder::CapLenFirst, LengthOrder::OrigLenFirst, LengthOrder::SmallerIsCapLen];
        let snap_len = prop::sample::select(vec![0, 64, 262_144, 1 << 20]);
        (any::<[bool; 3]>(), prop::sample::select(orders), snap_len).prop_map(
            |([big_endian, nanoseconds, is_modified], length_order, snap_len)| FileHeader {
                big_endian,
                nanoseconds,
                record_header: if is_modified { 24 } else { 16 },
                length_order,
                snap_len,
                link_type: LinkType(1),
            },
        )
    }

    /// A number of a record header: small, at a border, or anything.
    fn any_number() -> impl Strategy<Value = u32> {
        prop_oneof![
            4 => 0..100_u32,
            2 => Just(0),
            1 => prop::sample::select(vec![FIRST_MAGIC - 1, FIRST_MAGIC, 0x0a0d_0d0a, 999_999, 1_000_000, USUAL_MAX]),
            1 => any::<u32>(),
        ]
    }

    proptest! {
        /// Law: the short path says the same as the long one, or nothing. What it says nothing of is unusual, or not all there.
        #[test]
        fn a_usual_record_is_the_next_one(
            header in any_header(),
            numbers in prop::array::uniform4(any_number()),
            zeros in any::<bool>(),
            more in 0..300_usize,
            // The time zone of a file header that lies there instead: zero, as nearly all have it, or not.
            zone in prop_oneof![3 => Just(None), 1 => prop::sample::select(vec![Some(0), Some(16), Some(3600)])],
        ) {
            let of = |number: u32| if header.big_endian { number.to_be_bytes() } else { number.to_le_bytes() };
            let numbers = match zone {
                Some(zone) => [FIRST_MAGIC, if header.big_endian { 0x0002_0004 } else { 0x0004_0002 }, zone, 0],
                None => numbers,
            };
            let mut bytes: Vec<u8> = numbers.into_iter().flat_map(of).collect();
            bytes.extend(zone.into_iter().flat_map(|_| [of(65_535), of(1)]).flatten());
            bytes.extend((0..=250_u8).cycle().take(more).map(|byte| if zeros { 0 } else { byte }));
            prop_assert!(zone.is_none() || usual(&bytes, header).is_none(), "a file header is no usual record");
            let source = Source::Stream { bytes: Box::new(std::io::Cursor::new(bytes.clone())), origin: StreamOrigin::default() };
            let next = next(&mut ReadBuffer::new(source, 0), header);
            match (usual(&bytes, header), next) {
                (Some(usual), next) => prop_assert_eq!(Some(usual), next.unwrap()),
                (None, Ok(Some(frame))) => {
                    let [seconds, ..] = numbers;
                    let may_be_a_header = seconds >= FIRST_MAGIC || header.length_order != LengthOrder::CapLenFirst;
                    prop_assert!(may_be_a_header || frame.cap_len == 0 || frame.cap_len == plausible_cap_len(header));
                }
                (None, _) => {}
            }
        }
    }
}

//! Where the first record of a chunk probably begins.
//!
//! A worker that starts in the middle of a capture must not wait for the workers before it. A pass over the whole file
//! just to find boundaries costs as much as decoding it. So it guesses: it looks for bytes that read as several records
//! in a row. A guess decides nothing. It is proved when the chunk before it ends exactly there, and the chunk is redone
//! when it does not: a capture whose packets carry another capture fools any guess.

use crate::discover::{Input, Refusal};

use super::pcap::record_fields;
use super::pcapng::ByteOrder;
use super::position::{FileHeader, Framing, Position};
use super::read_buffer::ReadBuffer;
use super::reader::CaptureReader;
use super::source::Source;

/// Bytes that are searched for a boundary: more than the largest usual record.
const SEARCHED: usize = 1 << 20;
/// Records in a row that make a boundary credible.
const IN_A_ROW: usize = 6;
/// Seconds by which a credible record may differ from the first record of the capture: ten years.
const SPAN_S: i64 = 10 * 366 * 86_400;
/// How many records at the beginning of the capture are read to find its first time.
const HEAD_RECORDS: u64 = 64;

/// The position at which the first record at `offset` or later probably begins. `None` if nothing looks like a record, or
/// if the input can only be read from its beginning.
///
/// # Errors
/// If the input cannot be opened.
#[cfg(any(test, feature = "internal-api"))]
pub fn guess(input: &Input, offset: u64) -> Result<Option<Position>, Refusal> {
    Ok(guess_reader(input, offset, u64::MAX)?.map(|reader| reader.position().clone()))
}

/// A reader that stands where the first record at `offset` or later probably begins, up to the first record that begins at `limit` or later. What was searched is not read
/// again.
///
/// # Errors
/// If the input cannot be opened.
pub(crate) fn guess_reader(input: &Input, offset: u64, limit: u64) -> Result<Option<CaptureReader>, Refusal> {
    let mut head = CaptureReader::glance(input)?;
    while head.position().first_time.is_none() && head.frames() < HEAD_RECORDS {
        match head.next() {
            Ok(Some(_)) => {}
            Ok(None) | Err(_) => return Ok(None),
        }
    }
    let mut position = head.position().clone();
    let (source, _) = Source::open(input)?;
    let Some(mut source) = source.at_offset(offset) else {
        return Ok(None);
    };
    source.read_until(limit);
    let mut window = ReadBuffer::new(source, offset);
    let bytes = window.fill(SEARCHED);
    let ahead = match (&position.framing, position.first_time) {
        (Framing::Pcap(header), Some(first)) => find_record(bytes, *header, first.seconds()),
        (Framing::Pcapng(section), Some(_)) => {
            // Blocks begin at multiples of 4.
            let skew = (offset.wrapping_neg() % 4) as usize;
            let order = ByteOrder { big_endian: section.big_endian };
            find_block(bytes.get(skew..).unwrap_or_default(), order).map(|found| found + skew)
        }
        _ => None,
    };
    Ok(ahead.map(|ahead| {
        window.consume(ahead);
        position.offset = window.offset();
        head.at_other(window, position, limit, input)
    }))
}

fn find_record(bytes: &[u8], header: FileHeader, first_s: i64) -> Option<usize> {
    (0..bytes.len()).find(|&start| {
        let mut rest = bytes.get(start..).unwrap_or_default();
        for _ in 0..IN_A_ROW {
            let Ok(fields) = record_fields(rest, header) else {
                return false;
            };
            let credible = (i64::from(fields.seconds) - first_s).abs() < SPAN_S
                && fields.fraction < if header.nanoseconds { 1_000_000_000 } else { 1_000_000 }
                && fields.cap_len > 0
                && fields.cap_len <= fields.orig_len
                && fields.orig_len < 1 << 20;
            let next = rest.get(usize::from(header.record_header) + fields.cap_len as usize..);
            match next {
                _ if !credible => return false,
                // The file, or the searched range, ends with this record or inside it.
                None | Some([]) => return true,
                Some(next) => rest = next,
            }
        }
        true
    })
}

fn find_block(bytes: &[u8], order: ByteOrder) -> Option<usize> {
    (0..bytes.len()).step_by(4).find(|&start| {
        let mut rest = bytes.get(start..).unwrap_or_default();
        for _ in 0..IN_A_ROW {
            let Some(([t0, t1, t2, t3, l0, l1, l2, l3], _)) = rest.split_first_chunk() else {
                return false;
            };
            let (kind, length) = (order.u32([*t0, *t1, *t2, *t3]), order.u32([*l0, *l1, *l2, *l3]) as usize);
            // The block types that writers put between packets. A new section is none of them: it changes what the guess
            // rests on.
            if !matches!(kind, 1..=6 | 0xa | 0xbad) || length < 12 || length % 4 != 0 {
                return false;
            }
            let trailer = rest.get(length - 4..length).and_then(|bytes| bytes.first_chunk());
            match trailer.map(|bytes| order.u32(*bytes) as usize) {
                Some(trailer) if trailer != length => return false,
                None => return start + length > bytes.len(),
                Some(_) => {}
            }
            match rest.get(length..) {
                None | Some([]) => return true,
                Some(next) => rest = next,
            }
        }
        true
    })
}

//! DELTA_BINARY_PACKED: integers as differences, bit-packed in blocks.
//!
//! Source: Parquet format, `Encodings.md`, "Delta Encoding".

use parquet::basic::Encoding;

use super::rle_bitpack::varint;
use super::value::plain_integers;

/// Differences of a block.
const BLOCK: usize = 128;
/// Miniblocks of a block; each has a width of its own.
const MINIBLOCKS: usize = 4;
/// Differences of a miniblock.
const MINIBLOCK: usize = BLOCK / MINIBLOCKS;

/// Bits of the widest difference that all readers decode. fastparquet (seen in 2026.9) loses the upper bits of wider
/// ones, without an error. In microseconds, 28 bits are 268 s, between packets of which 32 stand together.
const WIDEST: u8 = 28;
/// The least rows of a page, except the last one, and the most rows of a page that has a jump in it.
const SHORT: usize = 1024;

/// How many rows the next page takes. It ends at a jump, because the first value of a page is no difference. Where one
/// jump follows another, they share a short page, and that page is plain.
pub(super) fn rows_until_jump(values: &[i64], most: usize, is_null: impl Fn(i64) -> bool) -> usize {
    // If all differences are below this, any two of them differ by less than 2^WIDEST.
    let jump = 1_u64 << (WIDEST - 1);
    let mut before = None;
    let mut has_jump = false;
    for (row, value) in values.iter().copied().take(most).enumerate() {
        if row >= SHORT && has_jump {
            return row;
        }
        if is_null(value) {
            continue;
        }
        if before.is_some_and(|before: i64| before.abs_diff(value) >= jump) {
            if row >= SHORT {
                return row;
            }
            has_jump = true;
        }
        before = Some(value);
    }
    most
}

/// Appends values as differences, or plainly if a difference takes more than [`WIDEST`] bits.
pub(super) fn encode_or_plain(values: &[i64], out: &mut Vec<u8>) -> Encoding {
    let start = out.len();
    if encode(values, out) <= WIDEST {
        return Encoding::DELTA_BINARY_PACKED;
    }
    out.truncate(start);
    plain_integers(values, out)
}

/// Appends values. Returns the bits that the widest difference takes.
fn encode(values: &[i64], out: &mut Vec<u8>) -> u8 {
    varint(BLOCK as u64, out);
    varint(MINIBLOCKS as u64, out);
    varint(values.len() as u64, out);
    let Some((first, rest)) = values.split_first() else {
        varint(0, out);
        return 0;
    };
    let mut widest = 0;
    varint(zigzag(*first), out);
    let mut before = *first;
    for block in rest.chunks(BLOCK) {
        let mut deltas = [0; BLOCK];
        for (delta, value) in deltas.iter_mut().zip(block) {
            // The decoder adds with the same overflow.
            *delta = value.wrapping_sub(before);
            before = *value;
        }
        widest = widest.max(self::block(deltas.get(..block.len()).unwrap_or_default(), out));
    }
    widest
}

fn block(deltas: &[i64], out: &mut Vec<u8>) -> u8 {
    let least = deltas.iter().copied().min().unwrap_or_default();
    varint(zigzag(least), out);
    let mut above = [0_u64; BLOCK];
    for (above, delta) in above.iter_mut().zip(deltas) {
        *above = delta.wrapping_sub(least).cast_unsigned();
    }
    let miniblocks = above.chunks(MINIBLOCK).take(deltas.len().div_ceil(MINIBLOCK));
    let mut widths = [0_u8; MINIBLOCKS];
    for (width, miniblock) in widths.iter_mut().zip(miniblocks.clone()) {
        let bits = miniblock.iter().fold(0, |bits, above| bits | above);
        [*width, ..] = (u64::BITS - bits.leading_zeros()).to_le_bytes();
    }
    out.extend_from_slice(&widths);
    for (miniblock, width) in miniblocks.zip(widths) {
        pack(miniblock, u32::from(width), out);
    }
    widths.into_iter().max().unwrap_or_default()
}

/// Appends 32 values side by side, lowest bit first.
fn pack(values: &[u64], width: u32, out: &mut Vec<u8>) {
    let (mut bits, mut held) = (0_u128, 0);
    for value in values {
        bits |= u128::from(*value) << held;
        held += width;
        if held >= 64 {
            let [low, _] = halves(bits);
            out.extend_from_slice(&low.to_le_bytes());
            bits >>= 64;
            held -= 64;
        }
    }
    // 32 values of any width fill words of 32 bits.
    let [low, _] = halves(bits);
    out.extend(low.to_le_bytes().iter().take(held as usize / 8));
}

#[expect(clippy::cast_possible_truncation, reason = "the low half is what is asked for")]
fn halves(bits: u128) -> [u64; 2] {
    [bits as u64, (bits >> 64) as u64]
}

/// Maps small numbers of either sign to small unsigned numbers.
fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)).cast_unsigned()
}

//! DELTA_BINARY_PACKED: integers as differences, bit-packed in blocks.
//!
//! Source: Parquet format, `Encodings.md`, "Delta Encoding".

use super::hybrid::varint;

/// Differences of a block.
const BLOCK: usize = 128;
/// Miniblocks of a block; each has a width of its own.
const MINIBLOCKS: usize = 4;
/// Differences of a miniblock.
const MINIBLOCK: usize = BLOCK / MINIBLOCKS;

/// Appends values.
pub(super) fn encode(values: &[i64], out: &mut Vec<u8>) {
    varint(BLOCK as u64, out);
    varint(MINIBLOCKS as u64, out);
    varint(values.len() as u64, out);
    let Some((first, rest)) = values.split_first() else {
        varint(0, out);
        return;
    };
    varint(zigzag(*first), out);
    let mut before = *first;
    for block in rest.chunks(BLOCK) {
        let mut deltas = [0; BLOCK];
        for (delta, value) in deltas.iter_mut().zip(block) {
            // The decoder adds with the same overflow.
            *delta = value.wrapping_sub(before);
            before = *value;
        }
        self::block(deltas.get_mut(..block.len()).unwrap_or_default(), out);
    }
}

fn block(deltas: &mut [i64], out: &mut Vec<u8>) {
    let least = deltas.iter().copied().min().unwrap_or_default();
    varint(zigzag(least), out);
    let mut above = [0_u64; BLOCK];
    for (above, delta) in above.iter_mut().zip(&*deltas) {
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

/// Small numbers of either sign become small numbers.
fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)).cast_unsigned()
}

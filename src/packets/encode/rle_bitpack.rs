//! The hybrid of run lengths and bit packing. Dictionary indexes and definition levels are written in it.
//!
//! Source: Parquet format, `Encodings.md`, "Run Length Encoding / Bit-Packing Hybrid".

/// Values that are packed together: their bits fill whole bytes.
const GROUP: usize = 8;
/// Bytes after a packed group that are written with it, and overwritten by the next group.
const SPILL: usize = 16;

/// Bits that numbers up to `largest` need.
pub(super) fn width(largest: u32) -> u32 {
    u32::BITS - largest.leading_zeros()
}

/// Bits of dictionary indexes up to `largest` in a page: 4, 8 or 16 where those are enough.
///
/// ZSTD looks for repeated bytes. Indexes of half a byte, one byte or two repeat as bytes wherever they repeat. Indexes
/// of 5 bits do so only if the repetition begins at the same bit. Files are a tenth smaller for it.
pub(super) fn index_width(largest: u32) -> u32 {
    match width(largest) {
        0 => 0,
        1..=4 => 4,
        5..=8 => 8,
        9..=16 => 16,
        wider => wider,
    }
}

/// Appends numbers of at most `width` bits. Eight or more equal numbers become a run; the numbers between runs are
/// bit-packed.
pub(super) fn encode(numbers: &[u32], width: u32, out: &mut Vec<u8>) {
    let mut unwritten = numbers;
    let mut rest = numbers;
    while let Some((group, after)) = rest.split_first_chunk::<GROUP>() {
        let [first, ..] = *group;
        // One branch for the group instead of one for each number: most groups have no run.
        if group.iter().fold(0, |differs, number| differs | (number ^ first)) != 0 {
            rest = after;
            continue;
        }
        let run = GROUP + after.iter().take_while(|number| **number == first).count();
        pack(unwritten.get(..unwritten.len() - rest.len()).unwrap_or_default(), width, out);
        repeat(first, run, width, out);
        rest = rest.get(run..).unwrap_or_default();
        unwritten = rest;
    }
    pack(unwritten, width, out);
}

/// Appends definition levels of an optional column, one bit a row, the first in the lowest bit of its byte.
pub(super) fn encode_levels(bits: &[u8], rows: usize, out: &mut Vec<u8>) {
    let whole = rows / GROUP;
    let mut unwritten = 0;
    let mut at = 0;
    let literal = |from: usize, to: usize, out: &mut Vec<u8>| {
        if let Some(bits) = bits.get(from..to).filter(|bits| !bits.is_empty()) {
            varint(((bits.len() as u64) << 1) | 1, out);
            out.extend_from_slice(bits);
        }
    };
    while at < whole {
        let byte = bits.get(at).copied().unwrap_or_default();
        let run = bits.iter().take(whole).skip(at).take_while(|next| **next == byte).count().max(1);
        // A run costs two bytes, and two more because it breaks the bit-packed group around it in two.
        if (byte == 0 || byte == u8::MAX) && run > 4 {
            literal(unwritten, at, out);
            repeat(u32::from(byte & 1), run * GROUP, 1, out);
            unwritten = at + run;
        }
        at += run;
    }
    literal(unwritten, rows.div_ceil(GROUP), out);
}

/// Appends a run of equal numbers.
pub(super) fn repeat(number: u32, count: usize, width: u32, out: &mut Vec<u8>) {
    varint((count as u64) << 1, out);
    out.extend(number.to_le_bytes().iter().take(width.div_ceil(8) as usize));
}

/// Appends numbers side by side. The last group is filled up with zeros.
fn pack(numbers: &[u32], width: u32, out: &mut Vec<u8>) {
    if numbers.is_empty() {
        return;
    }
    let groups = numbers.len().div_ceil(GROUP);
    varint(((groups as u64) << 1) | 1, out);
    let start = out.len();
    let bytes = groups * width as usize;
    out.resize(start + bytes + SPILL, 0);
    let packed = out.get_mut(start..).unwrap_or_default();
    match width {
        // The usual widths, known when this is compiled.
        4 => pack_groups(numbers, 4, packed, |group, _, out| pack_narrow(group, 4, out)),
        8 => pack_groups(numbers, 8, packed, |group, _, out| pack_narrow(group, 8, out)),
        16 => pack_groups(numbers, 16, packed, |group, _, out| pack_wide(group, 16, out)),
        0..=8 => pack_groups(numbers, width, packed, pack_narrow),
        9..=16 => pack_groups(numbers, width, packed, pack_wide),
        _ => pack_groups(numbers, width, packed, pack_widest),
    }
    out.truncate(start + bytes);
}

#[inline(always)]
fn pack_groups(numbers: &[u32], width: u32, out: &mut [u8], pack: impl Fn([u32; GROUP], u32, &mut [u8])) {
    let mut rest = out;
    let (groups, last) = numbers.as_chunks::<GROUP>();
    for group in groups {
        pack(*group, width, rest);
        rest = rest.get_mut(width as usize..).unwrap_or_default();
    }
    if !last.is_empty() {
        let mut group = [0; GROUP];
        group.iter_mut().zip(last).for_each(|(to, from)| *to = *from);
        pack(group, width, rest);
    }
}

/// Eight numbers of up to 8 bits.
#[inline(always)]
fn pack_narrow(group: [u32; GROUP], width: u32, out: &mut [u8]) {
    let bits = group.iter().rev().fold(0_u64, |bits, number| (bits << width) | u64::from(*number));
    if let Some(out) = out.first_chunk_mut() {
        *out = bits.to_le_bytes();
    }
}

/// Eight numbers of 9 to 16 bits.
#[inline(always)]
fn pack_wide(group: [u32; GROUP], width: u32, out: &mut [u8]) {
    let [a, b, c, d, e, f, g, h] = group.map(u64::from);
    let low = a | b << width | c << (2 * width) | d << (3 * width);
    let high = e | f << width | g << (2 * width) | h << (3 * width);
    if let Some(out) = out.first_chunk_mut() {
        *out = (u128::from(low) | u128::from(high) << (4 * width)).to_le_bytes();
    }
}

/// Eight numbers of up to 32 bits.
fn pack_widest(group: [u32; GROUP], width: u32, out: &mut [u8]) {
    let (mut bits, mut held) = (0_u64, 0);
    let mut out = out.iter_mut();
    for number in group {
        bits |= u64::from(number) << held;
        held += width;
        while held >= 8 {
            if let Some(byte) = out.next() {
                [*byte, ..] = bits.to_le_bytes();
            }
            bits >>= 8;
            held -= 8;
        }
    }
}

/// Appends a number, seven bits a byte, lowest first.
pub(super) fn varint(mut number: u64, out: &mut Vec<u8>) {
    while number >= 0x80 {
        let [low, ..] = number.to_le_bytes();
        out.push(low | 0x80);
        number >>= 7;
    }
    let [low, ..] = number.to_le_bytes();
    out.push(low);
}

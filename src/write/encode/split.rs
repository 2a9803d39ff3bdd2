//! BYTE_STREAM_SPLIT: the first bytes of all doubles, then the second ones, and so on.
//!
//! Source: Parquet format, `Encodings.md`, "Byte Stream Split". It saves nothing by itself; the streams of the high bytes
//! compress.

/// Bytes of a double.
const WIDTH: usize = 8;

/// Appends values.
pub(super) fn encode(values: &[f64], out: &mut Vec<u8>) {
    let start = out.len();
    out.resize(start + values.len() * WIDTH, 0);
    let mut streams = out.get_mut(start..).unwrap_or_default().chunks_exact_mut(values.len().max(1));
    let mut streams: [&mut [u8]; WIDTH] = std::array::from_fn(|_| streams.next().unwrap_or_default());
    let (eights, rest) = values.as_chunks::<WIDTH>();
    for (at, eight) in eights.iter().enumerate() {
        let bytes = transposed(eight.map(f64::to_bits));
        for (stream, bytes) in streams.iter_mut().zip(bytes) {
            if let Some(stream) = stream.get_mut(at * WIDTH..).and_then(|stream| stream.first_chunk_mut()) {
                *stream = bytes.to_le_bytes();
            }
        }
    }
    for (at, value) in rest.iter().enumerate() {
        for (stream, byte) in streams.iter_mut().zip(value.to_le_bytes()) {
            if let Some(place) = stream.get_mut(eights.len() * WIDTH + at) {
                *place = byte;
            }
        }
    }
}

/// Eight words of eight bytes become the words of their first bytes, of their second bytes, and so on: blocks of one, two
/// and four bytes change places across the diagonal.
#[inline]
fn transposed(mut words: [u64; WIDTH]) -> [u64; WIDTH] {
    exchange(&mut words, 1, 0x00ff_00ff_00ff_00ff);
    exchange(&mut words, 2, 0x0000_ffff_0000_ffff);
    exchange(&mut words, 4, 0x0000_0000_ffff_ffff);
    words
}

#[inline]
fn exchange(words: &mut [u64; WIDTH], distance: usize, mask: u64) {
    let shift = distance * 8;
    for pair in words.chunks_exact_mut(distance * 2) {
        let (upper, lower) = pair.split_at_mut(distance);
        for (upper, lower) in upper.iter_mut().zip(lower) {
            let moved = ((*upper >> shift) ^ *lower) & mask;
            *upper ^= moved << shift;
            *lower ^= moved;
        }
    }
}

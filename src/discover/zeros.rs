//! Runs of zeros: what tapes, `dd` and preallocated files leave after the data.

/// How many zeros the bytes begin with.
///
/// ```
/// assert_eq!(parcap::discover::zeros(&[0, 0, 7, 0]), 2);
/// ```
#[must_use]
pub fn zeros(bytes: &[u8]) -> usize {
    // One comparison for each piece costs a twentieth of looking at each byte.
    const PIECE: [u8; 4096] = [0; 4096];
    let whole = bytes.chunks_exact(PIECE.len()).take_while(|piece| *piece == PIECE).count() * PIECE.len();
    let rest = bytes.get(whole..).unwrap_or_default();
    whole + rest.iter().take_while(|byte| **byte == 0).count()
}

#[cfg(test)]
mod tests {
    use super::zeros;

    #[test]
    fn zeros_end_where_another_byte_is() {
        let mut bytes = vec![0; 3 * 4096 + 5];
        assert_eq!(zeros(&bytes), bytes.len());
        for place in [bytes.len() - 1, 2 * 4096 + 1, 2 * 4096, 2 * 4096 - 1, 4096, 4095, 1, 0] {
            bytes[place] = 1;
            assert_eq!(zeros(&bytes), place);
        }
        assert_eq!(zeros(&[]), 0);
    }
}

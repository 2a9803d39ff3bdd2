//! Single fields of a header, read at a byte offset.
//!
//! In: the bytes that a header starts with. Out: the field, or `None` where the bytes end before it. Nothing here panics.
//! It serves headers that etherparse does not know, and the rest of a header that is cut.

/// The `N` bytes at `at`.
#[inline]
pub(super) fn octets<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk().copied()
}

/// The big-endian 16 bits at `at`.
#[inline]
pub(super) fn be16(bytes: &[u8], at: usize) -> Option<u16> {
    octets(bytes, at).map(u16::from_be_bytes)
}

/// The little-endian 16 bits at `at`.
#[inline]
pub(super) fn le16(bytes: &[u8], at: usize) -> Option<u16> {
    octets(bytes, at).map(u16::from_le_bytes)
}

/// The big-endian 32 bits at `at`.
#[inline]
pub(super) fn be32(bytes: &[u8], at: usize) -> Option<u32> {
    octets(bytes, at).map(u32::from_be_bytes)
}

/// The little-endian 32 bits at `at`.
#[inline]
pub(super) fn le32(bytes: &[u8], at: usize) -> Option<u32> {
    octets(bytes, at).map(u32::from_le_bytes)
}

/// At most the first `len` bytes: the bytes within a length field.
#[inline]
pub(super) fn at_most(bytes: &[u8], len: usize) -> &[u8] {
    bytes.get(..len).unwrap_or(bytes)
}

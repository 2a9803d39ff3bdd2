//! How much memory a decompressor needs, from the first bytes of the compressed file.
//!
//! The encoder chooses the dictionary size, and says it at the beginning of each frame or block. Sources: RFC 8878
//! sections 3.1.1 and 3.1.2, the .xz file format sections 3.1 and 5.3.1.

use std::io;

use crate::discover::{Compression, Input, magic};
use crate::storage::CaptureFile;

/// First bytes of a compressed file, which say the size.
const HEAD: usize = 64;
/// What a decompressor takes besides its dictionary: blocks, tables.
pub(super) const AROUND: u64 = 1 << 20;

/// Bytes that the decompressor of a file needs, by its first frame or block. `None` where the format needs few in any
/// case, and where the file does not say.
pub(super) fn window_of(head: &[u8], compression: Compression) -> Option<u64> {
    if !has_window(compression) {
        return None;
    }
    window(head.get(..HEAD).unwrap_or(head))
}

fn has_window(compression: Compression) -> bool {
    matches!(compression, Compression::Zstd | Compression::Xz)
}

impl Input {
    /// Bytes that its decompressor needs, by its first frame or block. `None` where the format needs few in any case,
    /// where the capture does not say, and for standard input.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn window(&self) -> io::Result<Option<u64>> {
        if self.is_stdin() || !has_window(self.compression) {
            return Ok(None);
        }
        let file = CaptureFile::open(&self.absolute, &self.object_version(), self.size)?;
        Ok(window_of(&file.head(HEAD)?, self.compression))
    }
}

fn window(head: &[u8]) -> Option<u64> {
    let window = match magic::compression(head) {
        Compression::Zstd => of_zstd(head)?,
        Compression::Xz => of_xz(head)?,
        _ => return None,
    };
    Some(window.saturating_add(AROUND))
}

/// The dictionary size of the first frame that is not skippable. The decoder counts in powers of two.
fn of_zstd(mut bytes: &[u8]) -> Option<u64> {
    while let [0x50..=0x5f, 0x2a, 0x4d, 0x18, a, b, c, d, rest @ ..] = bytes {
        bytes = rest.get(usize::try_from(u32::from_le_bytes([*a, *b, *c, *d])).ok()?..)?;
    }
    let [0x28, 0xb5, 0x2f, 0xfd, descriptor, rest @ ..] = bytes else { return None };
    let window = if descriptor & 0x20 == 0 {
        let byte = *rest.first()?;
        let base = 1u64 << (10 + (byte >> 3));
        base + base / 8 * u64::from(byte & 7)
    } else {
        // A single segment: the dictionary is as large as the whole content.
        let dictionary = [0, 1, 2, 4].get(usize::from(descriptor & 3)).copied()?;
        let size = rest.get(dictionary..)?;
        match descriptor >> 6 {
            0 => u64::from(*size.first()?),
            1 => u64::from(u16::from_le_bytes(*size.first_chunk()?)) + 256,
            2 => u64::from(u32::from_le_bytes(*size.first_chunk()?)),
            _ => u64::from_le_bytes(*size.first_chunk()?),
        }
    };
    Some(window.checked_next_power_of_two().unwrap_or(u64::MAX))
}

/// The dictionary size of the first block's LZMA2 filter.
fn of_xz(bytes: &[u8]) -> Option<u64> {
    const LZMA2: u64 = 0x21;
    let mut rest = bytes.get(12..)?;
    let [size, flags, fields @ ..] = rest else { return None };
    if *size == 0 {
        // The index: there is no block.
        return None;
    }
    rest = fields;
    for present in [flags & 0x40, flags & 0x80] {
        if present != 0 {
            number(&mut rest)?;
        }
    }
    for _ in 0..=flags & 3 {
        let (id, properties) = (number(&mut rest)?, usize::try_from(number(&mut rest)?).ok()?);
        if id == LZMA2 {
            let bits = *rest.first()?;
            return Some(if bits >= 40 { u32::MAX.into() } else { u64::from(2 | bits & 1) << (bits / 2 + 11) });
        }
        rest = rest.get(properties..)?;
    }
    None
}

/// A number of seven bits a byte, the lowest bits first.
fn number(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..63).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_are_those_that_the_tools_announce() {
        // The first bytes of `zstd --long=27 -c big`, `zstd -19 -c <(cat big)`, `zstd -c 300-bytes`, `xz -9`, `xz -6`,
        // `xz -1 --x86`. The sizes are what `zstd -lv` and `xz -lvv` say.
        for (head, window_mib) in [
            (&[0x28, 0xb5, 0x2f, 0xfd, 0xa4, 0x00, 0xca, 0x9a, 0x3b, 0x88][..], 1024),
            (&[0x28, 0xb5, 0x2f, 0xfd, 0x04, 0x88], 128),
            (&[0x28, 0xb5, 0x2f, 0xfd, 0x04, 0x68], 8),
            (&[0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, 1, 2, 3, 4, 0x28, 0xb5, 0x2f, 0xfd, 0x04, 0xa8], 2048),
            (b"\xfd7zXZ\0\0\x04\xe6\xd6\xb4\x46\x02\x00\x21\x01\x1c\0\0\0", 64),
            (b"\xfd7zXZ\0\0\x04\xe6\xd6\xb4\x46\x02\x00\x21\x01\x16\0\0\0", 8),
            (b"\xfd7zXZ\0\0\x04\xe6\xd6\xb4\x46\x02\x01\x04\x00\x21\x01\x10\0\0", 1),
        ] {
            assert_eq!(window(head), Some((window_mib << 20) + AROUND), "{head:02x?}");
        }
        for head in [&b"\xfd7zXZ\0\0\x04\xe6\xd6\xb4\x46\0"[..], b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd", b"BZh9", b""] {
            assert_eq!(window(head), None, "{head:02x?}");
        }
    }
}

//! What a file is, from its first bytes.
//!
//! Sources: pcap (draft-ietf-opsawg-pcap section 4), pcapng (draft-ietf-opsawg-pcapng section 4.1), RFC 1952 section
//! 2.3.1, RFC 8878 section 3.1, the .xz file format section 2.1.1.1, the LZ4 frame format.

use super::candidate::Refusal;
use super::input::{Compression, Format};
use super::kind::kind;

/// First bytes of a file that decide.
pub const MAGIC_LEN: usize = 12;

/// How the bytes are compressed, by the first of them.
#[must_use]
pub(crate) fn compression(head: &[u8]) -> Compression {
    match head {
        [0x1f, 0x8b, 8, ..] => Compression::Gzip,
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Compression::Zstd,
        // A zstd file may begin with skippable frames: 184D2A50 to 184D2A5F, little endian.
        [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Compression::Zstd,
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Compression::Xz,
        [b'B', b'Z', b'h', b'1'..=b'9', ..] => Compression::Bzip2,
        [0x04, 0x22, 0x4d, 0x18, ..] => Compression::Lz4,
        _ => Compression::None,
    }
}

/// The format of decompressed bytes, by the first of them. `None` if they are no capture.
#[must_use]
pub fn format(head: &[u8]) -> Option<Format> {
    Some(match head {
        [] => Format::Empty,
        [0xa1, 0xb2, 0xc3, 0xd4, ..] | [0xd4, 0xc3, 0xb2, 0xa1, ..] => Format::PcapUs,
        [0xa1, 0xb2, 0x3c, 0x4d, ..] | [0x4d, 0x3c, 0xb2, 0xa1, ..] => Format::PcapNs,
        [0xa1, 0xb2, 0xcd, 0x34, ..] | [0x34, 0xcd, 0xb2, 0xa1, ..] => Format::PcapModified,
        // The section header's type reads the same in both byte orders; its byte-order magic comes after the length.
        [0x0a, 0x0d, 0x0d, 0x0a, _, _, _, _, 0x1a, 0x2b, 0x3c, 0x4d, ..]
        | [0x0a, 0x0d, 0x0d, 0x0a, _, _, _, _, 0x4d, 0x3c, 0x2b, 0x1a, ..] => Format::Pcapng,
        _ => return None,
    })
}

/// The refusal of a file that is no capture. `head` is its beginning, up to [`LOOKED_AT`](super::kind::LOOKED_AT) bytes.
#[must_use]
pub fn refusal(head: &[u8]) -> Refusal {
    kind(head).map_or_else(|| Refusal::NotACapture { found: describe(head) }, |kind| Refusal::OtherKind { kind })
}

/// What a file that is no capture looks like, where [`crate::discover::kind`] does not know it.
fn describe(head: &[u8]) -> String {
    if head.starts_with(&[0x0a, 0x0d, 0x0d, 0x0a]) {
        return "a pcapng section header without its byte-order magic".to_owned();
    }
    let head = head.get(..MAGIC_LEN).unwrap_or(head);
    if !head.is_empty() && head.iter().all(|byte| matches!(byte, b'\t' | b'\n' | b'\r' | 0x20..=0x7e)) {
        return "text".to_owned();
    }
    let bytes: Vec<String> = head.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    format!("the bytes {}", bytes.join(" "))
}

//! Where and why reading a capture stopped before its end.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::memory::Bytes;

/// A fault in the framing of a capture. The records before it are good. What follows it is read only to salvage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Damage {
    /// What is wrong.
    pub kind: DamageKind,
    /// The packet that would have come next, counted from 1 as Wireshark does.
    pub frame: u64,
    /// Offset in the decompressed capture of the record header or block at which reading stopped.
    pub offset: u64,
    /// What the capture announced there, in bytes; 0 where it announces nothing.
    pub announced: u64,
    /// What was found instead, in bytes.
    pub found: u64,
    /// What the system or the decompressor said, where one of them did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// Bytes that salvage stepped over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// The fault at which it begins.
    pub damage: Damage,
    /// Offset in the decompressed capture of the next credible record; `None` if there is none, and the gap goes to the
    /// end.
    pub resumed_at: Option<u64>,
    /// How many bytes it has.
    pub bytes: u64,
}

/// What salvage stepped over in a capture, or in some chunks of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gaps {
    /// How many gaps there are.
    pub count: u64,
    /// Bytes of all of them.
    pub bytes: u64,
    /// The first ones, up to [`Gaps::KEPT`].
    pub first: Vec<Gap>,
}

impl Gaps {
    /// Gaps that are kept one by one; the others are counted.
    pub const KEPT: usize = 32;

    /// Adds the next gap.
    pub fn add(&mut self, gap: Gap) {
        self.count += 1;
        self.bytes += gap.bytes;
        if self.first.len() < Self::KEPT {
            self.first.push(gap);
        }
    }

    /// Adds the gaps of the next chunk, which begins after `frames` packets.
    pub fn append(&mut self, next: Self, frames: u64) {
        // What a result of another process says may be any number.
        self.count = self.count.saturating_add(next.count);
        self.bytes = self.bytes.saturating_add(next.bytes);
        let room = Self::KEPT.saturating_sub(self.first.len());
        self.first.extend(next.first.into_iter().take(room).map(|mut gap| {
            gap.damage.frame = gap.damage.frame.saturating_add(frames);
            gap
        }));
    }

    /// Whether there are no gaps.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }
}

/// The kinds of damage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DamageKind {
    /// The file ends inside a record header.
    RecordHeaderCut,
    /// The file ends inside a packet's bytes.
    PacketCut,
    /// A captured length that cannot be right: over `max(snap_len, 262144)`, or over 16 MiB.
    CapLenImplausible,
    /// The file ends inside a pcapng block.
    BlockCut,
    /// A pcapng block length below 12 bytes, or too short for the fields that its type must have.
    BlockTooShort,
    /// A pcapng packet block over 16 MiB.
    BlockTooLong,
    /// The two lengths of a pcapng block disagree.
    BlockLengthsDiffer,
    /// A pcapng section header with a byte-order magic or version that is not one.
    SectionHeader,
    /// Zeros up to the end: the file was made longer than what was written into it.
    ZeroTail,
    /// Zeros where a record or block should be, and other bytes after them.
    ZeroGap,
    /// The file ends inside the file header of another capture that follows the records of one.
    FileHeaderCut,
    /// The compressed stream ends before its own end.
    CompressedCut,
    /// The compressed stream cannot be decompressed from here on.
    CompressedCorrupt,
    /// The compressed stream is whole, and what follows it in the file is neither zeros nor another stream.
    CompressedTrailing,
    /// The compressed stream gives far more bytes than a capture of its compressed size does.
    CompressedRatio,
    /// The compressed stream needs more memory from here on than its beginning announced, or than the run has.
    CompressedWindow,
    /// A pcapng section describes more interfaces than are kept.
    TooManyInterfaces,
    /// The operating system failed to read the file from here on.
    Unreadable,
}

impl DamageKind {
    /// The name that reports and tables use.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::RecordHeaderCut => "record_header_cut",
            Self::PacketCut => "packet_cut",
            Self::CapLenImplausible => "cap_len_implausible",
            Self::BlockCut => "block_cut",
            Self::BlockTooShort => "block_too_short",
            Self::BlockTooLong => "block_too_long",
            Self::BlockLengthsDiffer => "block_lengths_differ",
            Self::SectionHeader => "section_header",
            Self::ZeroTail => "zero_tail",
            Self::ZeroGap => "zero_gap",
            Self::FileHeaderCut => "file_header_cut",
            Self::CompressedCut => "compressed_cut",
            Self::CompressedCorrupt => "compressed_corrupt",
            Self::CompressedTrailing => "compressed_trailing",
            Self::CompressedRatio => "compressed_ratio",
            Self::CompressedWindow => "compressed_window",
            Self::TooManyInterfaces => "too_many_interfaces",
            Self::Unreadable => "unreadable",
        }
    }
}

impl DamageKind {
    /// Whether bytes may follow that are worth a search. Not so where the file or the compressed stream ends.
    #[must_use]
    pub fn leaves_bytes(self) -> bool {
        let ends = matches!(
            self,
            Self::RecordHeaderCut | Self::ZeroTail | Self::FileHeaderCut | Self::Unreadable | Self::TooManyInterfaces
        );
        let unpacks_no_further = matches!(
            self,
            Self::CompressedCut
                | Self::CompressedCorrupt
                | Self::CompressedTrailing
                | Self::CompressedRatio
                | Self::CompressedWindow
        );
        !ends && !unpacks_no_further
    }
}

impl Damage {
    /// Whether the bytes end too early, as in a capture that is still being written. Where a file was given its length
    /// beforehand, they end with zeros.
    #[must_use]
    pub fn is_at_the_end(&self) -> bool {
        matches!(
            self.kind,
            DamageKind::RecordHeaderCut
                | DamageKind::PacketCut
                | DamageKind::BlockCut
                | DamageKind::ZeroTail
                | DamageKind::FileHeaderCut
                | DamageKind::CompressedCut
        )
    }

    /// Whether more than the rest of the faulty packet or block may be found after it.
    #[must_use]
    pub fn may_be_salvaged(&self) -> bool {
        /// More than a packet has, jumbograms excepted.
        const USUAL: u64 = 65_536;
        let is_cut = matches!(self.kind, DamageKind::PacketCut | DamageKind::BlockCut);
        self.kind.leaves_bytes() && (!is_cut || self.found > USUAL)
    }
}

impl std::error::Error for Damage {}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, frame, offset, announced, found, detail } = self;
        let detail = detail.as_deref().unwrap_or("no reason given");
        match kind {
            DamageKind::RecordHeaderCut => write!(
                f,
                "packet {frame} is cut off at byte {offset}: a record header has {announced} bytes, the file has {found}"
            ),
            DamageKind::PacketCut => write!(
                f,
                "packet {frame} is cut off at byte {offset}: its header announces {announced} captured bytes, the file has {found}"
            ),
            DamageKind::CapLenImplausible => write!(
                f,
                "packet {frame} at byte {offset} cannot be right: its header announces {announced} captured bytes, at most {found} are plausible"
            ),
            DamageKind::BlockCut => write!(
                f,
                "the block at byte {offset} (packet {frame} would be next) is cut off: it announces {announced} bytes, the file has {found}"
            ),
            DamageKind::BlockTooShort => write!(
                f,
                "the block at byte {offset} (packet {frame} would be next) cannot be right: it announces {announced} bytes, its kind needs {found}"
            ),
            DamageKind::BlockTooLong => write!(
                f,
                "the block at byte {offset} (packet {frame} would be next) cannot be right: it announces {announced} bytes, at most {found} are plausible"
            ),
            DamageKind::BlockLengthsDiffer => write!(
                f,
                "the block at byte {offset} (packet {frame} would be next) has two lengths: {announced} at its beginning, {found} at its end"
            ),
            DamageKind::SectionHeader => {
                write!(f, "the section header at byte {offset} (packet {frame} would be next) cannot be read: {detail}")
            }
            DamageKind::ZeroTail => write!(
                f,
                "packet {frame} at byte {offset} was not written: the {found} bytes from there to the end of the file are zeros"
            ),
            DamageKind::ZeroGap => write!(
                f,
                "packet {frame} at byte {offset} was not written: {found} bytes there are zeros, and others follow them"
            ),
            DamageKind::FileHeaderCut => write!(
                f,
                "another capture begins at byte {offset}, before packet {frame}, and is cut off: its file header has {announced} bytes, the file has {found}"
            ),
            DamageKind::CompressedCut => write!(
                f,
                "the compressed stream is cut off: it ends after {offset} unpacked bytes, inside or before packet {frame}"
            ),
            DamageKind::CompressedCorrupt => write!(
                f,
                "the compressed stream does not unpack after byte {offset}, inside or before packet {frame}: {detail}"
            ),
            DamageKind::CompressedTrailing => write!(
                f,
                "the compressed stream is whole, and other bytes follow it, after byte {offset}, inside or before packet {frame}: {detail}"
            ),
            DamageKind::CompressedRatio => write!(
                f,
                "the compressed stream is not believed after byte {offset}, inside or before packet {frame}: its {announced} packed bytes so far gave {found}, over 1000 times as many"
            ),
            DamageKind::CompressedWindow => write!(
                f,
                "the compressed stream is not unpacked after byte {offset}, inside or before packet {frame}: it needs more memory there than the {} that there are",
                Bytes(*found)
            ),
            DamageKind::TooManyInterfaces => write!(
                f,
                "the block at byte {offset} (packet {frame} would be next) describes interface {announced} of its section, at most {found} are plausible"
            ),
            DamageKind::Unreadable => write!(f, "packet {frame} cannot be read after byte {offset}: {detail}"),
        }
    }
}

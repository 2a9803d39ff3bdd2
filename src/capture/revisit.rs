//! Finds records again whose offsets are known.
//!
//! In: a capture, and offsets of records in their order. Out: the reader that stands at each. What a record means follows
//! from all before it: the byte order of its section, its interfaces. To read all of that would take too long, so the
//! capture's first section is believed first. A record counts if the caller agrees with what it says. If the caller does
//! not, the records before it are read, once for all offsets.

use std::borrow::Cow;

use pcap_file::pcapng::blocks::block_common::{ENHANCED_PACKET_BLOCK, PACKET_BLOCK, SIMPLE_PACKET_BLOCK};

use crate::discover::{Input, Refusal};

use super::damage::Damage;
use super::pcapng::ByteOrder;
use super::position::{Framing, Interface};
use super::read_buffer::ReadBuffer;
use super::reader::CaptureReader;
use super::record::PacketRecord;
use super::reopen::is_read_forward;
use super::resolution::Resolution;
use super::source::Source;
use super::writer::PacketKind;

/// Records within this many bytes of the one before are read together with it.
const NEAR: u64 = 64 << 10;
/// This number of near ones in a row is worth a larger buffer.
const DENSE: u32 = 16;
/// Records between two checks whether to go on.
const STRIDE: u64 = 1 << 14;

/// A capture whose records are found by their offsets.
pub(crate) struct Revisit {
    input: Input,
    /// Memory for a decompressor.
    window: u64,
    salvage: bool,
    /// Goes straight to an offset, and believes what it knows of the capture. Only of plain files.
    jumper: Option<CaptureReader>,
    /// Near records in a row.
    near: u32,
    /// Reads record by record.
    walker: Option<CaptureReader>,
    /// Whether the record was found by walking.
    walked: bool,
}

/// Why no record was found at an offset.
#[derive(Debug)]
pub(crate) enum Missed<E> {
    /// There is none, or another one.
    Differs,
    /// The capture cannot be read.
    Unreadable(Refusal),
    /// It cannot be read as far as that.
    Damaged(Damage),
    /// The work is to end.
    Stopped(E),
}

impl Revisit {
    /// Opens a capture. `may_jump` says whether a record can be told from others by what the caller knows of it; `salvage`
    /// whether the offsets come from a reader that salvaged.
    ///
    /// # Errors
    /// If it cannot be opened, or is no capture any more.
    pub(crate) fn open(input: &Input, may_jump: bool, salvage: bool, window: u64) -> Result<Self, Refusal> {
        let jumper = if may_jump && !is_read_forward(input) { jumper(input)? } else { None };
        Ok(Self { input: input.clone(), window, salvage, jumper, near: 0, walker: None, walked: false })
    }

    /// Finds the record at an offset, which is greater than that of the record before. `agrees` tells whether it is the one
    /// that is meant.
    pub(crate) fn find<E>(
        &mut self,
        offset: u64,
        agrees: &dyn Fn(&PacketRecord<'_>) -> bool,
        go_on: &dyn Fn() -> Result<(), E>,
    ) -> Result<(), Missed<E>> {
        if let Some(jumper) = &mut self.jumper {
            jump(jumper, offset, &mut self.near);
            if matches!(jumper.next(), Ok(Some(record)) if record.offset == offset && agrees(&record)) {
                self.walked = false;
                return Ok(());
            }
        }
        self.walked = true;
        let walker = match &mut self.walker {
            Some(walker) => walker,
            none => {
                let opened = CaptureReader::open_within(&self.input, self.window).map_err(Missed::Unreadable)?;
                none.insert(opened.salvaging(self.salvage, None))
            }
        };
        loop {
            if walker.frames().is_multiple_of(STRIDE) {
                go_on().map_err(Missed::Stopped)?;
            }
            match walker.next() {
                Ok(Some(record)) if record.offset < offset => {}
                Ok(Some(record)) if record.offset == offset && agrees(&record) => break,
                Ok(_) => return Err(Missed::Differs),
                Err(damage) => return Err(Missed::Damaged(damage)),
            }
        }
        if let Some(jumper) = &mut self.jumper {
            jumper.position.framing = walker.position.framing.clone();
        }
        Ok(())
    }

    /// The reader that stands at the record that was found last.
    pub(crate) fn reader(&self) -> Option<&CaptureReader> {
        if self.walked { self.walker.as_ref() } else { self.jumper.as_ref() }
    }
}

/// A reader that knows what the capture says before its first packet.
fn jumper(input: &Input) -> Result<Option<CaptureReader>, Refusal> {
    let (source, compression) = Source::glance(input)?;
    let mut jumper = CaptureReader::glance_at(source, compression)?;
    // Whatever is wrong there, the walker says.
    let _ = jumper.next();
    Ok((!matches!(jumper.position.framing, Framing::Empty)).then_some(jumper))
}

/// Moves a reader to an offset.
fn jump(reader: &mut CaptureReader, offset: u64, near: &mut u32) {
    let end = reader.end_of_record();
    let is_near = offset.checked_sub(end).is_some_and(|gap| gap < NEAR);
    let before = *near;
    *near = if is_near { near.saturating_add(1) } else { 0 };
    reader.handed_out = 0;
    reader.position.ended = false;
    let ahead = offset.checked_sub(reader.window.offset()).and_then(|ahead| usize::try_from(ahead).ok());
    let buffer = match (before < DENSE, *near < DENSE) {
        (true, false) => {
            reader.window.source().at_offset(offset).map(|source| ReadBuffer::new(source.in_full(), offset))
        }
        (false, true) => reader.window.source().at_offset(offset).map(|source| {
            let mut small = ReadBuffer::small(source.glancing());
            small.go_back(offset);
            small
        }),
        _ => None,
    };
    match (buffer, ahead) {
        (Some(buffer), _) => reader.window = buffer,
        (None, Some(ahead)) if ahead <= reader.window.bytes().len() => reader.window.consume(ahead),
        _ => {
            reader.window.go_back(offset);
        }
    }
    reader.position.offset = offset;
}

impl CaptureReader {
    /// The bytes of the record that was handed out last, with its header.
    pub(crate) fn raw(&self) -> &[u8] {
        self.window.bytes().get(..self.handed_out).unwrap_or_default()
    }

    /// What is known of the interface with this number; of a pcap, what its file header says.
    pub(crate) fn interface(&self, number: Option<u32>) -> Option<Cow<'_, Interface>> {
        match &self.position.framing {
            Framing::Empty => None,
            Framing::Pcap(header) => Some(Cow::Owned(Interface {
                link_type: header.link_type,
                snap_len: header.snap_len,
                resolution: Resolution(if header.nanoseconds { 9 } else { 6 }),
                offset_s: 0,
                name: None,
            })),
            Framing::Pcapng(section) => section.interfaces.get(usize::try_from(number?).ok()?).map(Cow::Borrowed),
        }
    }

    /// How the record that was handed out last was framed. `None` if it is none that a writer knows.
    pub(crate) fn frame_of_last(&self) -> Option<RecordFrame> {
        match &self.position.framing {
            Framing::Empty => None,
            Framing::Pcap(header) => {
                let number = |bytes: &[u8; 4]| ByteOrder { big_endian: header.big_endian }.u32(*bytes).into();
                let (seconds, rest) = self.raw().split_first_chunk::<4>()?;
                let (seconds, fraction): (u64, u64) = (number(seconds), number(rest.first_chunk()?));
                let unit = if header.nanoseconds { 1_000_000_000 } else { 1_000_000 };
                let data_at = usize::from(header.record_header);
                Some(RecordFrame { kind: PacketKind::Timed, ticks: seconds * unit + fraction, data_at })
            }
            Framing::Pcapng(section) => {
                let order = ByteOrder { big_endian: section.big_endian };
                let (kind, rest) = self.raw().split_first_chunk()?;
                match order.u32(*kind) {
                    SIMPLE_PACKET_BLOCK => Some(RecordFrame { kind: PacketKind::Simple, ticks: 0, data_at: 12 }),
                    ENHANCED_PACKET_BLOCK | PACKET_BLOCK => {
                        let [h0, h1, h2, h3, l0, l1, l2, l3] = *rest.get(8..)?.first_chunk()?;
                        let (high, low) = (order.u32([h0, h1, h2, h3]), order.u32([l0, l1, l2, l3]));
                        let ticks = u64::from(high) << 32 | u64::from(low);
                        Some(RecordFrame { kind: PacketKind::Timed, ticks, data_at: 28 })
                    }
                    _ => None,
                }
            }
        }
    }
}

/// How a record was framed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RecordFrame {
    pub(crate) kind: PacketKind,
    /// Its time, in the unit of its interface.
    pub(crate) ticks: u64,
    /// Where its captured bytes begin, counted from its first byte.
    pub(crate) data_at: usize,
}

//! A packet whose record was found: all that is needed to write it.

use crate::bug::bug;
use crate::capture::{PacketKind, Timestamp};
use crate::error::Result;

use super::bytes::{KeyBytes, KeyWriter};

/// In place of an interface.
const NONE: u32 = u32::MAX;

/// A packet, and where its bytes are.
#[derive(Clone, Copy, Debug)]
pub(super) struct FoundPacket {
    pub(super) input: usize,
    pub(super) kind: PacketKind,
    /// The place of its interface, if its section has it.
    pub(super) interface: Option<usize>,
    /// The number of its interface in its section.
    pub(super) number: u32,
    pub(super) ticks: u64,
    pub(super) cap_len: u32,
    pub(super) orig_len: u32,
    /// Where its captured bytes are: in its capture, or among those that are kept.
    pub(super) at: u64,
    pub(super) len: u32,
    pub(super) is_kept: bool,
}

impl FoundPacket {
    /// Writes it after the bytes that decide its order.
    pub(super) fn write(&self, key: &mut KeyWriter) -> Result<()> {
        let number = |place: usize| u32::try_from(place).map_err(|_| bug!());
        key.u32(number(self.input)?).u64(self.at).u32(self.len);
        key.u8(u8::from(self.kind == PacketKind::Timed) | u8::from(self.is_kept) << 1);
        key.u32(self.interface.map_or(Ok(NONE), number)?).u32(self.number);
        key.u64(self.ticks).u32(self.cap_len).u32(self.orig_len);
        Ok(())
    }

    pub(super) fn read(key: &mut KeyBytes<'_>) -> Result<Self> {
        let (input, at, len, flags) = (key.u32()? as usize, key.u64()?, key.u32()?, key.u8()?);
        let (interface, number) = (key.u32()?, key.u32()?);
        Ok(Self {
            input,
            kind: if flags & 1 == 0 { PacketKind::Simple } else { PacketKind::Timed },
            interface: (interface != NONE).then_some(interface as usize),
            number,
            ticks: key.u64()?,
            cap_len: key.u32()?,
            orig_len: key.u32()?,
            at,
            len,
            is_kept: flags & 2 != 0,
        })
    }
}

/// The order of a packet among others.
pub(super) fn by_time(time: [u8; 16], input: usize, offset: u64, key: &mut KeyWriter) -> Result<()> {
    key.bytes(&time).u32(u32::try_from(input).map_err(|_| bug!())?).u64(offset);
    Ok(())
}

/// Bytes of [`by_time`].
pub(super) const BY_TIME: usize = 28;

/// The time of a packet of which only microseconds are known.
pub(super) fn micros_key(micros: i64) -> [u8; 16] {
    Timestamp::from_micros(micros).sort_key()
}

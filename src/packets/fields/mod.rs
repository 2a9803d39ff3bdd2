//! The further columns that are fields of records and headers: those of a set lie together, as packed rows do, and are appended at
//! once. Only the sets that are asked for are kept.

mod ip;
mod transport;

use serde::{Deserialize, Serialize};

use crate::capture::PacketRecord;
use crate::decode::{LinkTags, Packet};

use super::code_table::NO_CODE;
use super::further::NO_COUNT;
pub(super) use ip::IpFields;
pub(super) use transport::TransportFields;

/// Null in a field of 16 bits, none of which takes all of them.
const NONE: u16 = u16::MAX;

/// Which of them are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct FieldSets {
    pub(super) records: bool,
    pub(super) tags: bool,
    pub(super) ip: bool,
    pub(super) transport: bool,
}

/// The fields of all rows, set by set.
#[derive(Debug, Default)]
pub(super) struct FieldRows {
    kept: FieldSets,
    is_any: bool,
    pub(super) records: Vec<CaptureFields>,
    pub(super) tags: Vec<LinkTags>,
    pub(super) ip: Vec<IpFields>,
    pub(super) transport: Vec<TransportFields>,
}

/// Of the record.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(super) struct CaptureFields {
    pub(super) frame: i64,
    pub(super) offset: i64,
    pub(super) cap_len: u32,
    /// [`NO_CODE`] for null.
    pub(super) link_type: u32,
}

impl FieldRows {
    /// No rows, of these sets.
    pub(super) fn of(kept: FieldSets) -> Self {
        Self { kept, is_any: kept != FieldSets::default(), ..Self::default() }
    }

    #[inline]
    pub(super) fn append(&mut self, record: &PacketRecord<'_>, packet: &Packet<'_>) {
        if self.is_any {
            self.append_kept(record, packet);
        }
    }

    fn append_kept(&mut self, record: &PacketRecord<'_>, packet: &Packet<'_>) {
        if self.kept.records {
            self.records.push(CaptureFields::of(record));
        }
        if self.kept.tags {
            self.tags.push(packet.tags);
        }
        if self.kept.ip {
            self.ip.push(IpFields::of(record, packet));
        }
        if self.kept.transport {
            self.transport.push(TransportFields::of(record, packet));
        }
    }

    /// Makes room for the values of `rows` rows in all.
    pub(super) fn grow(&mut self, rows: usize) {
        if self.kept.records {
            self.records.resize(rows, CaptureFields { link_type: NO_CODE, ..CaptureFields::default() });
        }
        if self.kept.tags {
            self.tags.resize(rows, LinkTags::default());
        }
        if self.kept.ip {
            self.ip.resize(rows, IpFields::NULL);
        }
        if self.kept.transport {
            self.transport.resize(rows, TransportFields::NULL);
        }
    }

    /// Bytes of memory that a row takes.
    pub(super) fn per_row(&self) -> usize {
        let FieldSets { records, tags, ip, transport } = self.kept;
        let of = |is_kept: bool, bytes: usize| if is_kept { bytes } else { 0 };
        of(records, size_of::<CaptureFields>())
            + of(tags, size_of::<LinkTags>())
            + of(ip, size_of::<IpFields>())
            + of(transport, size_of::<TransportFields>())
    }

    pub(super) fn clear(&mut self) {
        self.records.clear();
        self.tags.clear();
        self.ip.clear();
        self.transport.clear();
    }
}

impl CaptureFields {
    /// The same, where the record was numbered from a place on that is after `before` records.
    pub(super) fn after_frames(self, before: u64) -> Self {
        Self { frame: self.frame.saturating_add_unsigned(before), ..self }
    }

    #[inline]
    fn of(record: &PacketRecord<'_>) -> Self {
        Self {
            frame: record.frame().cast_signed(),
            offset: record.offset.cast_signed(),
            cap_len: record.cap_len,
            link_type: record.link_type.map_or(NO_CODE, |link_type| link_type.0.into()),
        }
    }
}

/// A code of a field of 16 bits.
fn wider(field: u16) -> u32 {
    if field == NONE { NO_CODE } else { field.into() }
}

fn narrower(code: u32) -> u16 {
    u16::try_from(code).unwrap_or(NONE)
}

/// The code of a part of a field.
fn part(field: u16, of: impl Fn(u16) -> u16) -> u32 {
    if field == NONE { NO_CODE } else { of(field).into() }
}

/// A field whose bits of `kept` stay and whose others are those of a part, shifted. The parts of a field are null together.
fn with_part(field: u16, kept: u16, part: u16, shift: u32) -> u16 {
    match (field, part) {
        (_, NONE) => NONE,
        (NONE, part) => part << shift,
        (field, part) => field & kept | part << shift,
    }
}

/// A number of 32 bits as a count.
fn counted(number: u32) -> i64 {
    if number == NO_CODE { NO_COUNT } else { number.into() }
}

fn uncounted(count: i64) -> u32 {
    u32::try_from(count).unwrap_or(NO_CODE)
}

/// A tag of 16 bits, as a code and back.
pub(super) fn tag_code(tag: Option<u16>) -> u32 {
    tag.map_or(NO_CODE, u32::from)
}

pub(super) fn tag_of_code(code: u32) -> Option<u16> {
    u16::try_from(code).ok()
}

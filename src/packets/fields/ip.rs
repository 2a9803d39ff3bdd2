//! Fields of IP headers.

use serde::{Deserialize, Serialize};

use crate::capture::PacketRecord;
use crate::decode::Packet;

use super::super::code_table::NO_CODE;
use super::super::further::NO_FLAG;
use super::{NONE, counted, narrower, part, uncounted, wider, with_part};

/// Of the IP header.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(in crate::packets) struct IpFields {
    /// [`NO_CODE`] for null, as in the next two.
    total_length: u32,
    flow_label: u32,
    pub(in crate::packets) id: u32,
    /// [`NONE`] for null, as in the next two.
    ttl: u16,
    traffic_class: u16,
    /// The offset of a fragment, and whether more follow in the bit above.
    fragment: u16,
    /// 0 for null.
    version: u8,
}

impl IpFields {
    pub(super) const NULL: Self = Self {
        total_length: NO_CODE,
        flow_label: NO_CODE,
        id: NO_CODE,
        ttl: NONE,
        traffic_class: NONE,
        fragment: NONE,
        version: 0,
    };
    const MORE: u16 = 1 << 13;

    #[inline]
    pub(super) fn of(record: &PacketRecord<'_>, packet: &Packet<'_>) -> Self {
        let Some(version) = packet.ip_version() else { return Self::NULL };
        let fragment = packet.ip_fragment_offset().zip(packet.ip_more_fragments());
        let with_more = |(offset, more): (u16, bool)| offset | if more { Self::MORE } else { 0 };
        Self {
            total_length: packet.ip_total_length(record.data, record.orig_len).unwrap_or(NO_CODE),
            flow_label: packet.ip_flow_label().unwrap_or(NO_CODE),
            id: packet.ip_id().map_or(NO_CODE, u32::from),
            ttl: packet.ip_ttl().map_or(NONE, u16::from),
            traffic_class: packet.traffic_class().map_or(NONE, u16::from),
            fragment: fragment.map_or(NONE, with_more),
            version,
        }
    }

    pub(in crate::packets) fn version(&self) -> u32 {
        if self.version == 0 { NO_CODE } else { self.version.into() }
    }

    pub(in crate::packets) fn set_version(&mut self, version: u32) {
        self.version = u8::try_from(version).unwrap_or(0);
    }

    pub(in crate::packets) fn ttl(&self) -> u32 {
        wider(self.ttl)
    }

    pub(in crate::packets) fn set_ttl(&mut self, ttl: u32) {
        self.ttl = narrower(ttl);
    }

    pub(in crate::packets) fn dscp(&self) -> u32 {
        part(self.traffic_class, |class| class >> 2)
    }

    pub(in crate::packets) fn set_dscp(&mut self, dscp: u32) {
        self.traffic_class = with_part(self.traffic_class, 3, narrower(dscp), 2);
    }

    pub(in crate::packets) fn ecn(&self) -> u32 {
        part(self.traffic_class, |class| class & 3)
    }

    pub(in crate::packets) fn set_ecn(&mut self, ecn: u32) {
        self.traffic_class = with_part(self.traffic_class, !3, narrower(ecn), 0);
    }

    pub(in crate::packets) fn fragment_offset(&self) -> u32 {
        part(self.fragment, |fragment| fragment & (Self::MORE - 1))
    }

    pub(in crate::packets) fn set_fragment_offset(&mut self, offset: u32) {
        self.fragment = with_part(self.fragment, Self::MORE, narrower(offset), 0);
    }

    /// 0, 1, or [`NO_FLAG`].
    pub(in crate::packets) fn more_fragments(&self) -> u8 {
        match self.fragment {
            NONE => NO_FLAG,
            fragment => u8::from(fragment & Self::MORE != 0),
        }
    }

    pub(in crate::packets) fn set_more_fragments(&mut self, flag: u8) {
        let more = if flag == NO_FLAG { NONE } else { flag.into() };
        self.fragment = with_part(self.fragment, Self::MORE - 1, more, 13);
    }

    pub(in crate::packets) fn total_length(&self) -> i64 {
        counted(self.total_length)
    }

    pub(in crate::packets) fn set_total_length(&mut self, length: i64) {
        self.total_length = uncounted(length);
    }

    pub(in crate::packets) fn flow_label(&self) -> i64 {
        counted(self.flow_label)
    }

    pub(in crate::packets) fn set_flow_label(&mut self, label: i64) {
        self.flow_label = uncounted(label);
    }
}

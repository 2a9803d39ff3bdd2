//! Fields of transport headers.

use serde::{Deserialize, Serialize};

use crate::capture::PacketRecord;
use crate::decode::Packet;

use super::super::code_table::NO_CODE;
use super::super::further::NO_COUNT;
use super::{NONE, counted, narrower, uncounted, wider};

/// Of the transport header.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(in crate::packets) struct TransportFields {
    seq: u32,
    ack: u32,
    has_seq: bool,
    has_ack: bool,
    /// [`NONE`] for null, as in the next one.
    icmp_type: u16,
    icmp_code: u16,
    /// [`NO_CODE`] for null, as in the next one.
    pub(in crate::packets) window: u32,
    payload_length: u32,
}

impl TransportFields {
    pub(super) const NULL: Self = Self {
        seq: 0,
        ack: 0,
        has_seq: false,
        has_ack: false,
        icmp_type: NONE,
        icmp_code: NONE,
        window: NO_CODE,
        payload_length: NO_CODE,
    };

    #[inline]
    pub(super) fn of(record: &PacketRecord<'_>, packet: &Packet<'_>) -> Self {
        let (seq, ack) = (packet.tcp_seq(), packet.tcp_ack());
        Self {
            seq: seq.unwrap_or(0),
            ack: ack.unwrap_or(0),
            has_seq: seq.is_some(),
            has_ack: ack.is_some(),
            icmp_type: packet.icmp_type().map_or(NONE, u16::from),
            icmp_code: packet.icmp_code().map_or(NONE, u16::from),
            window: packet.tcp_window().map_or(NO_CODE, u32::from),
            payload_length: packet.payload_length(record.data, record.orig_len).unwrap_or(NO_CODE),
        }
    }

    pub(in crate::packets) fn seq(&self) -> i64 {
        if self.has_seq { self.seq.into() } else { NO_COUNT }
    }

    pub(in crate::packets) fn set_seq(&mut self, seq: i64) {
        (self.seq, self.has_seq) = (u32::try_from(seq).unwrap_or(0), seq != NO_COUNT);
    }

    pub(in crate::packets) fn ack(&self) -> i64 {
        if self.has_ack { self.ack.into() } else { NO_COUNT }
    }

    pub(in crate::packets) fn set_ack(&mut self, ack: i64) {
        (self.ack, self.has_ack) = (u32::try_from(ack).unwrap_or(0), ack != NO_COUNT);
    }

    pub(in crate::packets) fn icmp_type(&self) -> u32 {
        wider(self.icmp_type)
    }

    pub(in crate::packets) fn set_icmp_type(&mut self, kind: u32) {
        self.icmp_type = narrower(kind);
    }

    pub(in crate::packets) fn icmp_code(&self) -> u32 {
        wider(self.icmp_code)
    }

    pub(in crate::packets) fn set_icmp_code(&mut self, code: u32) {
        self.icmp_code = narrower(code);
    }

    pub(in crate::packets) fn payload_length(&self) -> i64 {
        counted(self.payload_length)
    }

    pub(in crate::packets) fn set_payload_length(&mut self, length: i64) {
        self.payload_length = uncounted(length);
    }
}

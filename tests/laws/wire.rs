//! Captures in every variant of the two formats, and what is in them, counted while they are written.
//!
//! Sources: draft-ietf-opsawg-pcap sections 4 and 5, libpcap's sf-pcap.c for the modified format and the old order of
//! lengths, draft-ietf-opsawg-pcapng sections 3 and 4 and its appendix on the obsolete Packet Block.

use crate::support::build::Frame;

/// The byte order of a file or section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Little,
    Big,
}

impl Order {
    pub(super) const BOTH: [Self; 2] = [Self::Little, Self::Big];

    pub(super) fn u16(self, number: u16) -> [u8; 2] {
        if self == Self::Big { number.to_be_bytes() } else { number.to_le_bytes() }
    }

    pub(super) fn u32(self, number: u32) -> [u8; 4] {
        if self == Self::Big { number.to_be_bytes() } else { number.to_le_bytes() }
    }

    fn u32s(self, numbers: &[u32]) -> Vec<u8> {
        numbers.iter().flat_map(|number| self.u32(*number)).collect()
    }
}

/// The variants of classic pcap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Micros,
    Nanos,
    /// Kuznetzov's: a record header of 24 bytes.
    Modified,
    /// Version 2.2: the wire length comes first.
    Old,
}

impl Kind {
    pub(super) const ALL: [Self; 4] = [Self::Micros, Self::Nanos, Self::Modified, Self::Old];

    pub(super) fn record_header(self) -> usize {
        if self == Self::Modified { 24 } else { 16 }
    }
}

/// A capture while it is written.
#[derive(Clone, Debug)]
pub(super) struct Built {
    pub(super) order: Order,
    pub(super) bytes: Vec<u8>,
    /// Bytes and wire length of each packet.
    pub(super) packets: Vec<(Vec<u8>, u32)>,
    /// Offsets between records or blocks, with the packets before each.
    pub(super) boundaries: Vec<(usize, usize)>,
}

impl Built {
    /// A capture without a byte.
    pub(super) fn new(order: Order) -> Self {
        Self { order, bytes: Vec::new(), packets: Vec::new(), boundaries: vec![(0, 0)] }
    }

    /// The file header of a pcap of Ethernet packets.
    pub(super) fn pcap(kind: Kind, order: Order) -> Self {
        let mut built = Self::new(order);
        let magic = match kind {
            Kind::Micros | Kind::Old => 0xa1b2_c3d4,
            Kind::Nanos => 0xa1b2_3c4d,
            Kind::Modified => 0xa1b2_cd34,
        };
        let mut bytes = order.u32(magic).to_vec();
        bytes.extend([order.u16(2), order.u16(if kind == Kind::Old { 2 } else { 4 })].concat());
        bytes.extend(order.u32s(&[0, 0, 262_144, 1]));
        built.add(&bytes);
        built
    }

    /// Bytes without a packet.
    pub(super) fn add(&mut self, bytes: &[u8]) {
        self.bytes.extend(bytes);
        self.boundaries.push((self.bytes.len(), self.packets.len()));
    }

    fn packet(&mut self, bytes: &[u8], frame: &Frame) {
        self.packets.push((frame.data.clone(), frame.orig_len));
        self.add(bytes);
    }

    /// A record of a pcap.
    pub(super) fn record(&mut self, kind: Kind, seconds: u32, fraction: u32, frame: &Frame) {
        let (cap_len, orig_len) = (u32::try_from(frame.data.len()).unwrap(), frame.orig_len);
        let lengths = if kind == Kind::Old { [orig_len, cap_len] } else { [cap_len, orig_len] };
        let mut bytes = self.order.u32s(&[seconds, fraction, lengths[0], lengths[1]]);
        bytes.resize(kind.record_header(), 0xee);
        bytes.extend(&frame.data);
        self.packet(&bytes, frame);
    }

    /// A block with this body, padded.
    fn framed(&self, kind: u32, body: &[u8]) -> Vec<u8> {
        let length = self.order.u32(u32::try_from(12 + body.len().next_multiple_of(4)).unwrap());
        let mut bytes = [self.order.u32(kind), length].concat();
        bytes.extend(body);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes.extend(length);
        bytes
    }

    /// A block that is no packet.
    pub(super) fn block(&mut self, kind: u32, body: &[u8]) {
        let bytes = self.framed(kind, body);
        self.add(&bytes);
    }

    /// A section header; its blocks are in this order.
    pub(super) fn section(&mut self, order: Order, comment: &[u8]) {
        self.order = order;
        let mut body = order.u32(0x1a2b_3c4d).to_vec();
        body.extend([order.u16(1), order.u16(0)].concat());
        body.extend([255; 8]);
        if !comment.is_empty() {
            body.extend([order.u16(1), order.u16(u16::try_from(comment.len()).unwrap())].concat());
            body.extend(comment);
            body.resize(body.len().next_multiple_of(4), 0);
            body.extend([0; 4]);
        }
        self.block(0x0a0d_0d0a, &body);
    }

    /// An interface description; `if_tsresol` and `if_tsoffset` only where they are given.
    pub(super) fn interface(&mut self, link_type: u16, resolution: Option<u8>, offset_s: Option<i64>) {
        let order = self.order;
        let mut body = [order.u16(link_type), [0, 0]].concat();
        body.extend(order.u32(0));
        if let Some(resolution) = resolution {
            body.extend([order.u16(9), order.u16(1)].concat());
            body.extend([resolution, 0, 0, 0]);
        }
        if let Some(offset_s) = offset_s {
            body.extend([order.u16(14), order.u16(8)].concat());
            body.extend(if order == Order::Big { offset_s.to_be_bytes() } else { offset_s.to_le_bytes() });
        }
        body.extend([0; 4]);
        self.block(1, &body);
    }

    /// An Enhanced Packet Block.
    pub(super) fn enhanced(&mut self, interface: u32, ticks: u64, frame: &Frame) {
        let bytes = self.timed(6, &self.order.u32(interface), ticks, frame);
        self.packet(&bytes, frame);
    }

    /// An obsolete Packet Block, with a count of drops.
    pub(super) fn obsolete(&mut self, interface: u16, ticks: u64, frame: &Frame) {
        let head = [self.order.u16(interface), self.order.u16(7)].concat();
        let bytes = self.timed(2, &head, ticks, frame);
        self.packet(&bytes, frame);
    }

    fn timed(&self, kind: u32, head: &[u8], ticks: u64, frame: &Frame) -> Vec<u8> {
        let (high, low) = (u32::try_from(ticks >> 32).unwrap(), u32::try_from(ticks & 0xffff_ffff).unwrap());
        let cap_len = u32::try_from(frame.data.len()).unwrap();
        let mut body = head.to_vec();
        body.extend(self.order.u32s(&[high, low, cap_len, frame.orig_len]));
        body.extend(&frame.data);
        body.resize(body.len().next_multiple_of(4), 0);
        // A comment, so that bytes follow the packet.
        body.extend([self.order.u16(1), self.order.u16(3)].concat());
        body.extend(*b"odd\0\0\0\0\0");
        self.framed(kind, &body)
    }

    /// A Simple Packet Block.
    pub(super) fn simple(&mut self, frame: &Frame) {
        let bytes = self.framed(3, &[&self.order.u32(frame.orig_len)[..], &frame.data].concat());
        self.packet(&bytes, frame);
    }

    /// The last boundary at or before an offset, and the packets before it.
    pub(super) fn before(&self, offset: usize) -> (usize, usize) {
        self.boundaries[self.boundaries.partition_point(|(boundary, _)| *boundary <= offset) - 1]
    }
}

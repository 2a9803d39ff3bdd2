//! Captures written byte by byte, and what their rows must say.
//!
//! Sources: draft-ietf-opsawg-pcap sections 4 and 5, draft-ietf-opsawg-pcapng sections 3 and 4, RFC 791, RFC 768.

use super::Row;

/// Dates, and the seconds at which they begin: `date -u -d DATE +%s`.
pub(crate) const DAYS: [(i64, &str); 6] = [
    (0, "1970-01-01"),
    (946_598_400, "1999-12-31"),
    (1_582_934_400, "2020-02-29"),
    (1_583_020_800, "2020-03-01"),
    (1_709_164_800, "2024-02-29"),
    (1_735_603_200, "2024-12-31"),
];

/// What is known of a packet without reading any lake.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Known {
    pub(crate) date: String,
    pub(crate) micros: Option<i64>,
    pub(crate) length: i64,
    pub(crate) addresses: Option<(String, String)>,
    pub(crate) ports: Option<(i64, i64)>,
}

impl Known {
    /// What a row says of the same.
    pub(crate) fn of(row: &Row) -> Self {
        let text = |column| row.get(column).map(str::to_owned);
        Self {
            date: row.partition.strip_prefix("date=").unwrap_or_default().to_owned(),
            micros: row.int("datetime"),
            length: row.int("length").unwrap_or(-1),
            addresses: text("ip_src").zip(text("ip_dst")),
            ports: row.int("port_src").zip(row.int("port_dst")),
        }
    }
}

/// As the lake has them: by date, and in the order of the capture within a date.
pub(crate) fn in_lake_order(mut known: Vec<Known>) -> Vec<Known> {
    known.sort_by(|a, b| a.date.cmp(&b.date));
    known
}

/// A packet: its bytes, what it says, and the bytes it had on the wire.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    pub(crate) data: Vec<u8>,
    pub(crate) orig_len: u32,
    pub(crate) addresses: Option<(String, String)>,
    pub(crate) ports: Option<(i64, i64)>,
}

impl Frame {
    /// What its row must say, at a time.
    pub(crate) fn known(&self, date: &str, micros: Option<i64>) -> Known {
        Known {
            date: date.to_owned(),
            micros,
            length: i64::from(self.orig_len),
            addresses: self.addresses.clone(),
            ports: self.ports,
        }
    }
}

/// Ethernet, IPv4 and UDP around a payload. No checksum is right, and nothing asks for one.
pub(crate) fn udp(number: u16, payload: &[u8]) -> Frame {
    let [high, low] = number.to_be_bytes();
    let (source, target) = (20_000 + number % 20_000, 40_000 + number % 7);
    let length = u16::try_from(28 + payload.len()).unwrap_or(u16::MAX);
    let mut data = vec![2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0];
    data.extend([0x45, 0]);
    data.extend(length.to_be_bytes());
    data.extend([0, 0, 0, 0, 64, 17, 0, 0, 10, 1, high, low, 192, 0, 2, low % 5]);
    data.extend(source.to_be_bytes());
    data.extend(target.to_be_bytes());
    data.extend((length - 20).to_be_bytes());
    data.extend([0, 0]);
    data.extend(payload);
    Frame {
        orig_len: u32::try_from(data.len()).unwrap_or(u32::MAX),
        data,
        addresses: Some((format!("10.1.{high}.{low}"), format!("192.0.2.{}", low % 5))),
        ports: Some((source.into(), target.into())),
    }
}

/// The same with another protocol in the IPv4 header; what follows shows ports to TCP only.
pub(crate) fn ip(protocol: u8, number: u16, payload: &[u8]) -> Frame {
    let mut frame = udp(number, payload);
    frame.data[23] = protocol;
    frame.ports = frame.ports.filter(|_| protocol == 6);
    frame
}

/// Ethernet, IPv6 (RFC 8200 3) and UDP around a payload: from `2001:db8:1::1` to `2001:db8::2`.
pub(crate) fn udp6(payload: &[u8]) -> Frame {
    let length = u16::try_from(8 + payload.len()).unwrap_or(u16::MAX).to_be_bytes();
    let mut data = vec![2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0x86, 0xdd, 0x60, 0, 0, 0];
    data.extend(length);
    data.extend([17, 64]);
    for (fifth, last) in [(1, 1), (0, 2)] {
        data.extend([0x20, 1, 0xd, 0xb8, 0, fifth, 0, 0, 0, 0, 0, 0, 0, 0, 0, last]);
    }
    data.extend([0x4e, 0x20, 0x9c, 0x40]);
    data.extend(length);
    data.extend([0, 0]);
    data.extend(payload);
    Frame {
        orig_len: u32::try_from(data.len()).unwrap_or(u32::MAX),
        data,
        addresses: Some(("2001:db8:1::1".to_owned(), "2001:db8::2".to_owned())),
        ports: Some((20_000, 40_000)),
    }
}

/// A DNS message (RFC 1035 4.1) that answers the question for a name, given by its labels, with IPv4 addresses; from
/// port 53.
pub(crate) fn dns_answer(number: u16, labels: &[&[u8]], addresses: &[[u8; 4]]) -> Frame {
    let count = u8::try_from(addresses.len()).unwrap_or(u8::MAX);
    let mut message = vec![0, 7, 0x81, 0x80, 0, 1, 0, count, 0, 0, 0, 0];
    for label in labels {
        message.push(u8::try_from(label.len()).unwrap_or(63));
        message.extend(*label);
    }
    message.extend([0, 0, 1, 0, 1]);
    for address in addresses {
        message.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 9, 0, 4]);
        message.extend(address);
    }
    let mut frame = udp(number, &message);
    frame.data[34..36].copy_from_slice(&53_u16.to_be_bytes());
    frame.ports = frame.ports.map(|(_, to)| (53, to));
    frame
}

/// A TCP segment with a ClientHello (RFC 8446 4.1.2) that asks for a server by its name (RFC 6066 3), and nothing else.
pub(crate) fn client_hello(number: u16, name: &[u8]) -> Frame {
    let with_length = |bytes: &[u8]| [&u16::try_from(bytes.len()).unwrap_or(u16::MAX).to_be_bytes(), bytes].concat();
    let list = with_length(&[&[0][..], &with_length(name)].concat());
    let extensions = with_length(&[&[0, 0][..], &with_length(&list)].concat());
    // Version, random bytes, no session, one cipher suite, no compression.
    let body = [&[3, 3][..], &[7; 32], &[0, 0, 2, 0x13, 1, 1, 0], &extensions].concat();
    let hello = [&[1, 0][..], &with_length(&body)].concat();
    let record = [&[22, 3, 1][..], &with_length(&hello)].concat();
    // Sequence numbers, a header of 20 bytes, PSH and ACK, a window: in place of what `udp` has after the ports.
    let header = [0, 0, 0, 1, 0, 0, 0, 1, 0x50, 0x18, 0xff, 0xff, 0, 0, 0, 0];
    let mut frame = ip(6, number, &[&header[4..], &record].concat());
    frame.data[38..42].copy_from_slice(&header[..4]);
    frame
}

/// Something that is not IP: an EtherType for local experiments (IEEE 802), and bytes.
pub(crate) fn other(payload: &[u8]) -> Frame {
    let mut data = vec![2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0x88, 0xb5];
    data.extend(payload);
    Frame { orig_len: u32::try_from(data.len()).unwrap_or(u32::MAX), data, addresses: None, ports: None }
}

/// The 24 bytes before the records: little endian, microseconds, version 2.4, snapshot length 262144, Ethernet.
pub(crate) fn pcap_header() -> Vec<u8> {
    vec![0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 1, 0, 0, 0]
}

/// One record of a pcap.
pub(crate) fn pcap_record(seconds: u32, micros: u32, frame: &Frame) -> Vec<u8> {
    let cap_len = u32::try_from(frame.data.len()).unwrap_or(u32::MAX);
    let mut bytes: Vec<u8> = [seconds, micros, cap_len, frame.orig_len].iter().flat_map(|n| n.to_le_bytes()).collect();
    bytes.extend(&frame.data);
    bytes
}

/// A block of a pcapng, little endian, padded to 32 bits.
pub(crate) fn block(kind: u32, body: &[u8]) -> Vec<u8> {
    let mut bytes = kind.to_le_bytes().to_vec();
    let length = u32::try_from(12 + body.len().next_multiple_of(4)).unwrap_or(u32::MAX);
    bytes.extend(length.to_le_bytes());
    bytes.extend(body);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes.extend(length.to_le_bytes());
    bytes
}

/// A Section Header Block of version 1.0 and unknown length, with a comment.
pub(crate) fn section() -> Vec<u8> {
    let mut body = vec![0x4d, 0x3c, 0x2b, 0x1a, 1, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255];
    body.extend(b"\x01\x00\x05\x00hello\0\0\0\0\0\0\0");
    block(0x0a0d_0d0a, &body)
}

/// An Interface Description Block: link type, snapshot length, `if_tsresol`, `if_tsoffset`.
pub(crate) fn interface(link_type: u16, snap_len: u32, resolution: u8, offset_s: i64) -> Vec<u8> {
    let mut body = link_type.to_le_bytes().to_vec();
    body.extend([0, 0]);
    body.extend(snap_len.to_le_bytes());
    body.extend([9, 0, 1, 0, resolution, 0, 0, 0, 14, 0, 8, 0]);
    body.extend(offset_s.to_le_bytes());
    body.extend([0, 0, 0, 0]);
    block(1, &body)
}

/// An Enhanced Packet Block.
pub(crate) fn packet(interface: u32, ticks: u64, frame: &Frame) -> Vec<u8> {
    let (high, low) = (u32::try_from(ticks >> 32).unwrap_or(0), u32::try_from(ticks & 0xffff_ffff).unwrap_or(0));
    let cap_len = u32::try_from(frame.data.len()).unwrap_or(u32::MAX);
    let mut body: Vec<u8> =
        [interface, high, low, cap_len, frame.orig_len].iter().flat_map(|number| number.to_le_bytes()).collect();
    body.extend(&frame.data);
    block(6, &body)
}

/// A Simple Packet Block, which has no time and belongs to the first interface.
pub(crate) fn simple(frame: &Frame) -> Vec<u8> {
    let mut body = frame.orig_len.to_le_bytes().to_vec();
    body.extend(&frame.data);
    block(3, &body)
}

/// A capture while it is written, with what is known of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Capture {
    pub(crate) bytes: Vec<u8>,
    pub(crate) frames: Vec<Frame>,
    pub(crate) known: Vec<Known>,
    /// Offsets between records or blocks, with the packets before each.
    pub(crate) boundaries: Vec<(usize, usize)>,
}

impl Capture {
    pub(crate) fn pcap() -> Self {
        Self::default().with(&pcap_header())
    }

    /// A pcapng whose interface 0 is Ethernet in microseconds.
    pub(crate) fn pcapng() -> Self {
        Self::default().with(&section()).with(&interface(1, 0, 6, 0))
    }

    /// Adds bytes in which there is no packet.
    pub(crate) fn with(mut self, bytes: &[u8]) -> Self {
        self.block(bytes);
        self
    }

    pub(crate) fn block(&mut self, bytes: &[u8]) {
        self.bytes.extend(bytes);
        self.boundaries.push((self.bytes.len(), self.known.len()));
    }

    /// Adds a packet of a pcap; the time is in microseconds of a day.
    pub(crate) fn record(&mut self, day: usize, micros: u32, frame: Frame) {
        self.record_at(day, micros / 1_000_000, micros % 1_000_000, frame);
    }

    /// The same, late in a day.
    pub(crate) fn record_at(&mut self, day: usize, second: u32, micros: u32, frame: Frame) {
        let (midnight, _) = DAYS.get(day).copied().unwrap_or_default();
        let bytes = pcap_record(u32::try_from(midnight).unwrap_or(0) + second, micros, &frame);
        self.timed(&bytes, day, i64::from(second) * 1_000_000 + i64::from(micros), frame);
    }

    /// Adds a packet of interface 0 of [`Capture::pcapng`]; the time is in microseconds of a day.
    pub(crate) fn packet(&mut self, day: usize, micros: u32, frame: Frame) {
        let (midnight, _) = DAYS.get(day).copied().unwrap_or_default();
        let ticks = u64::try_from(midnight).unwrap_or(0) * 1_000_000 + u64::from(micros);
        let bytes = packet(0, ticks, &frame);
        self.timed(&bytes, day, micros.into(), frame);
    }

    /// Adds the bytes of a packet; the time is in microseconds of a day.
    pub(crate) fn timed(&mut self, bytes: &[u8], day: usize, micros: i64, frame: Frame) {
        let (midnight, date) = DAYS.get(day).copied().unwrap_or_default();
        // Packets without a time that came before any with one belong here.
        self.known.iter_mut().filter(|known| known.date.is_empty()).for_each(|known| known.date = date.to_owned());
        self.known.push(frame.known(date, Some(midnight * 1_000_000 + micros)));
        self.frames.push(frame);
        self.block(bytes);
    }

    /// Adds the bytes of a packet without a time: it belongs to the date of the timed packet before it.
    pub(crate) fn timeless(&mut self, bytes: &[u8], frame: Frame) {
        let timed = self.known.iter().rev().find(|known| known.micros.is_some());
        let date = timed.map_or_else(String::new, |known| known.date.clone());
        self.known.push(frame.known(&date, None));
        self.frames.push(frame);
        self.block(bytes);
    }

    /// What the rows of a lake that holds only this must say, in their order.
    pub(crate) fn rows(&self) -> Vec<Known> {
        let mut known = self.known.clone();
        // No packet has a time: what lake.md says of such captures.
        known.iter_mut().filter(|known| known.date.is_empty()).for_each(|known| known.date = "1970-01-01".to_owned());
        in_lake_order(known)
    }

    /// Whether a record or block begins at this offset.
    pub(crate) fn is_boundary(&self, offset: u64) -> bool {
        self.boundaries.iter().any(|(boundary, _)| *boundary as u64 == offset)
    }
}

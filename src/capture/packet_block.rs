//! The blocks of pcapng that hold packets.

use super::frame::Frame;
use super::pcapng::ByteOrder;
use super::position::Interface;
use super::record::RecordAnomaly;
use super::time::Timestamp;

/// Section 4.3: interface, time, two lengths, the packet.
pub(super) fn enhanced_packet(body: &[u8], order: ByteOrder, interfaces: &[Interface], total: usize) -> Option<Frame> {
    let ([i0, i1, i2, i3, h0, h1, h2, h3, t0, t1, t2, t3, c0, c1, c2, c3, w0, w1, w2, w3], packet) =
        body.split_first_chunk()?;
    let interface = order.u32([*i0, *i1, *i2, *i3]);
    Some(timed_packet(
        interface,
        interfaces,
        (order.u32([*h0, *h1, *h2, *h3]), order.u32([*t0, *t1, *t2, *t3])),
        (order.u32([*c0, *c1, *c2, *c3]), order.u32([*w0, *w1, *w2, *w3])),
        28..28 + packet.len(),
        total,
    ))
}

/// Appendix A: as the Enhanced Packet Block, with a 16-bit interface and a count of drops.
pub(super) fn obsolete_packet(body: &[u8], order: ByteOrder, interfaces: &[Interface], total: usize) -> Option<Frame> {
    let ([i0, i1, _, _, h0, h1, h2, h3, t0, t1, t2, t3, c0, c1, c2, c3, w0, w1, w2, w3], packet) =
        body.split_first_chunk()?;
    Some(timed_packet(
        u32::from(order.u16([*i0, *i1])),
        interfaces,
        (order.u32([*h0, *h1, *h2, *h3]), order.u32([*t0, *t1, *t2, *t3])),
        (order.u32([*c0, *c1, *c2, *c3]), order.u32([*w0, *w1, *w2, *w3])),
        28..28 + packet.len(),
        total,
    ))
}

/// `times` are the high and low halves of the ticks. `lengths` are the captured and the wire length. `room` is where the
/// packet and the rest of its block lie in the buffer.
fn timed_packet(
    number: u32,
    interfaces: &[Interface],
    times: (u32, u32),
    (cap_len, orig_len): (u32, u32),
    room: std::ops::Range<usize>,
    total: usize,
) -> Frame {
    let interface = usize::try_from(number).ok().and_then(|number| interfaces.get(number));
    let ticks = u64::from(times.0) << 32 | u64::from(times.1);
    let time = interface.and_then(|found| Timestamp::from_pcapng(ticks, found.resolution, found.offset_s));
    let held = room.len().min(cap_len as usize);
    Frame {
        time,
        orig_len,
        cap_len,
        link_type: interface.map(|found| found.link_type),
        interface: Some(number),
        data: room.start..room.start + held,
        total,
        odd: RecordAnomaly::TIME_OUT_OF_RANGE.when(interface.is_some() && time.is_none())
            | RecordAnomaly::NO_INTERFACE.when(interface.is_none())
            | RecordAnomaly::CAP_LEN_OVER_BLOCK.when(cap_len as usize > room.len())
            | RecordAnomaly::CAP_LEN_OVER_SNAP_LEN
                .when(interface.is_some_and(|found| found.snap_len != 0 && cap_len > found.snap_len)),
    }
}

/// Section 4.4: the wire length and the packet. The packet belongs to the first interface, whose snapshot length says
/// where the packet ends and the padding begins. It has no time.
pub(super) fn simple_packet(body: &[u8], order: ByteOrder, interfaces: &[Interface], total: usize) -> Option<Frame> {
    let (orig_len, packet) = body.split_first_chunk()?;
    let orig_len = order.u32(*orig_len);
    let interface = interfaces.first();
    let snap_len = interface.map_or(0, |found| found.snap_len);
    let cap_len = if snap_len == 0 { orig_len } else { orig_len.min(snap_len) };
    let held = packet.len().min(cap_len as usize);
    Some(Frame {
        time: None,
        orig_len,
        cap_len,
        link_type: interface.map(|found| found.link_type),
        interface: Some(0),
        data: 12..12 + held,
        total,
        odd: RecordAnomaly::NO_INTERFACE.when(interface.is_none())
            | RecordAnomaly::CAP_LEN_OVER_BLOCK.when(cap_len as usize > packet.len()),
    })
}

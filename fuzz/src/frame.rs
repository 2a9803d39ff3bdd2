//! Bytes as one frame of any link type.
//!
//! Laws:
//! - decoding gives what it gave before, and gives nothing that contradicts itself: no port without a protocol that has
//!   ports, no DNS message off the ports of DNS;
//! - the text of an address reads back as the address; names are ASCII, end in a dot, and read back as their labels;
//! - appending the packet as a row keeps its addresses;
//! - the server name of TLS is of TCP, and no longer than the frame;
//! - cut: what decodes of a frame that is cut decodes alike of the whole one.

use std::net::{Ipv4Addr, Ipv6Addr};

use parcap::packets::{Rows, SETS, TableColumns, further_columns};
use parcap::config::{LengthKind, TimestampUnit};
use parcap::address::IpAddress;
use parcap::decode::{Packet, Stop, decode, protocol_name};
use parcap::capture::{LinkType, PacketRecord};

use super::{dns, mixed};

const WITH_PORTS: [u8; 5] = [6, 17, 33, 132, 136];
/// IPv6 extension headers: where the frame is cut among them, the header that was announced last is the protocol.
const EXTENSIONS: [u8; 8] = [0, 43, 44, 51, 60, 135, 139, 140];

/// Asserts every law.
pub fn check(link_type: LinkType, frame: &[u8]) {
    let packet = decode(link_type, frame);
    assert_eq!(packet, decode(link_type, frame));
    check_packet(&packet);
    check_row(link_type, frame, &packet);
    assert!(server_name(&packet).is_none_or(|name| name.len() < frame.len()));
    let cut = usize::try_from(mixed(frame) % (frame.len() as u64 + 1)).unwrap_or(0);
    check_cut(&packet, &decode(link_type, &frame[..cut]));
}

/// What holds of any packet by itself.
pub fn check_packet(packet: &Packet<'_>) {
    assert!(!protocol_text(packet).is_some_and(str::is_empty));
    for ip in [packet.ip_src, packet.ip_dst].into_iter().flatten() {
        let text = ip.to_string();
        match ip {
            IpAddress::V4(bits) => assert_eq!(text.parse(), Ok(Ipv4Addr::from_bits(bits))),
            IpAddress::V6(bits) => assert_eq!(text.parse(), Ok(Ipv6Addr::from_bits(bits))),
        }
    }
    for mac in [packet.mac_src, packet.mac_dst].into_iter().flatten() {
        assert!(mac.0 < 1 << 48);
        let read = mac.to_string().split(':').fold(0, |bits, octet| {
            assert_eq!(octet.len(), 2);
            bits << 8 | u64::from_str_radix(octet, 16).unwrap()
        });
        assert_eq!(read, mac.0);
    }
    // The source comes first, so a header that is cut between the two has that one alone.
    assert!(packet.ip_src.is_some() || packet.ip_dst.is_none(), "a destination without a source");
    assert!(packet.stop.is_some() || packet.ip_src.is_some() == packet.ip_dst.is_some(), "half a header, not cut");
    if packet.port_src.is_some() || packet.port_dst.is_some() {
        assert!(packet.protocol.is_some_and(|number| WITH_PORTS.contains(&number)), "ports without their protocol");
    }
    if let Some(message) = &packet.dns {
        let ports = [packet.port_src, packet.port_dst];
        assert!(ports.iter().any(|port| matches!(port, Some(53 | 5353 | 5355))), "a DNS message off its ports");
        assert!(matches!(packet.protocol, Some(6 | 17)));
        dns::check_message(message);
    }
}

/// The server name of a ClientHello.
fn server_name(packet: &Packet<'_>) -> Option<Vec<u8>> {
    let mut name = Vec::new();
    packet.tls_server_name(|piece| name.extend_from_slice(piece))?;
    assert!(!name.is_empty() && packet.protocol == Some(6));
    Some(name)
}

fn protocol_text(packet: &Packet<'_>) -> Option<&'static str> {
    packet.protocol.and_then(protocol_name)
}

/// The row of a packet keeps it, whatever columns there are.
pub fn check_row(link_type: LinkType, frame: &[u8], packet: &Packet<'_>) {
    let len = u32::try_from(frame.len()).unwrap_or(u32::MAX);
    let record = PacketRecord::of_bytes(link_type, frame, 24);
    let sets: Vec<_> = SETS.iter().map(|set| set.name).collect();
    let columns = further_columns(&sets.join(",")).expect("sets");
    let table = TableColumns::with(&columns).expect("columns");
    let mut rows = Rows::new(table.clone(), TimestampUnit::Us, LengthKind::Wire);
    assert_eq!(rows.append(0, &record, packet, None), i64::from(len));
    assert_eq!(rows.len(), 1);
    assert_eq!(rows.addresses_of(0), Some([packet.ip_dst, packet.ip_src]));
    // The destination is the first address that there is.
    let text = packet.ip_dst.and_then(|_| rows.addresses().text(0));
    assert_eq!(text.map(<[u8]>::to_vec), packet.ip_dst.map(|ip| ip.to_string().into_bytes()));
    let batch = rows.batch(0..1).expect("a row fits the schema");
    assert_eq!((batch.num_rows(), batch.num_columns()), (1, table.iter().count()));
}

/// What a cut frame says, the whole one says as well.
fn check_cut(whole: &Packet<'_>, cut: &Packet<'_>) {
    fn kept<T: PartialEq + std::fmt::Debug>(what: &str, cut: Option<T>, whole: Option<T>) {
        if cut.is_some() {
            assert_eq!(cut, whole, "{what} of the cut frame is not that of the whole one");
        }
    }
    kept("mac_dst", cut.mac_dst, whole.mac_dst);
    kept("mac_src", cut.mac_src, whole.mac_src);
    kept("ip_dst", cut.ip_dst, whole.ip_dst);
    kept("ip_src", cut.ip_src, whole.ip_src);
    kept("protocol", cut.protocol.filter(|number| !EXTENSIONS.contains(number)), whole.protocol);
    kept("ether_type", cut.tags.ether_type, whole.tags.ether_type);
    kept("vlan_id", cut.tags.vlan_id, whole.tags.vlan_id);
    kept("vlan_inner_id", cut.tags.vlan_inner_id, whole.tags.vlan_inner_id);
    kept("mpls_label", cut.tags.mpls_label, whole.tags.mpls_label);
    kept("ip_ttl", cut.ip_ttl(), whole.ip_ttl());
    kept("ip_fragment_offset", cut.ip_fragment_offset(), whole.ip_fragment_offset());
    kept("ip_id", cut.ip_id(), whole.ip_id());
    kept("tcp_flags", cut.tcp_flags(), whole.tcp_flags());
    kept("tcp_window", cut.tcp_window(), whole.tcp_window());
    kept("icmp_code", cut.icmp_code(), whole.icmp_code());
    kept("port_dst", cut.port_dst, whole.port_dst);
    kept("port_src", cut.port_src, whole.port_src);
    kept("tls_sni", server_name(cut), server_name(whole));
    let query = |packet: &Packet<'_>| packet.dns.and_then(|message| message.query_name()).map(|name| name.to_string());
    kept("dns_query", query(cut), query(whole));
    let response =
        |packet: &Packet<'_>| packet.dns.and_then(|message| message.response_name()).map(|name| name.to_string());
    // Inside the message, what follows decides whether an owner is an OPT's, and where pointers lead that go forward.
    if cut.stop != Some(Stop::DnsCut) {
        kept("dns_resp", response(cut), response(whole));
    }
}

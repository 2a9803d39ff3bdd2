//! The Community ID of a flow: one name for both of its directions, which Zeek, Suricata and Arkime give it too.
//!
//! In: a [`Packet`]. Out: its flow, if the specification covers it, and the name of a flow. Version 1 of the specification, with the
//! seed 0, as these tools have it unless they are told otherwise.
//!
//! Source: Community ID Flow Hashing, version 1 (corelight/community-id-spec); RFC 792 and RFC 4443 for messages that answer each
//! other.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha1::{Digest as _, Sha1};

use crate::address::IpAddress;

use super::headers::{ICMP, ICMP_V6};
use super::packet::Packet;
use super::transport::{SCTP, TCP, UDP};

/// What tells a flow from others: the same for both of its directions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FlowKey {
    /// The addresses of its ends: the lower one first, unless the flow has one direction only.
    pub ends: [IpAddress; 2],
    /// The port of each end. For ICMP its type, and the type of the answer or the code.
    pub ports: [u16; 2],
    /// IANA protocol number.
    pub protocol: u8,
    /// Whether the protocol has ports.
    has_ports: bool,
}

impl Packet<'_> {
    /// The flow of the packet. `None` where the packet is not IP, and where its ports are not known: in a later fragment, and where it
    /// is cut before them.
    #[must_use]
    pub fn flow(&self) -> Option<FlowKey> {
        let (src, dst, protocol) = (self.ip_src?, self.ip_dst?, self.protocol?);
        let (ports, has_ports, is_one_way) = match protocol {
            TCP | UDP | SCTP => ([self.port_src?, self.port_dst?], true, false),
            ICMP | ICMP_V6 => {
                let (kind, code) = (self.icmp_type()?, self.icmp_code()?);
                let answer = answer_to(protocol, kind);
                ([u16::from(kind), u16::from(answer.unwrap_or(code))], true, answer.is_none())
            }
            _ => ([0; 2], false, false),
        };
        if is_one_way {
            return Some(FlowKey { ends: [src, dst], ports, protocol, has_ports });
        }
        Some(FlowKey::between([src, dst], ports, (protocol, has_ports)))
    }
}

/// Both ends of a flow, as they are known without its packets.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FlowEnds {
    pub(crate) ips: [IpAddress; 2],
    pub(crate) protocol: u8,
    /// In the order of the addresses.
    pub(crate) ports: Option<(u16, u16)>,
}

/// The flow between two ends, whose Community ID each packet between them has. `None` where they may have several, as with ICMP, or have
/// none, as fragments without ports.
pub(crate) fn flow_between(FlowEnds { ips: [a, b], protocol, ports }: FlowEnds) -> Option<FlowKey> {
    let (ports, has_ports) = match (protocol, ports) {
        (TCP | UDP | SCTP, Some((a, b))) => ([a, b], true),
        (TCP | UDP | SCTP, None) | (ICMP | ICMP_V6, _) => return None,
        _ => ([0; 2], false),
    };
    Some(FlowKey::between([a, b], ports, (protocol, has_ports)))
}

impl FlowKey {
    /// The flow between two ends, whichever comes first.
    fn between([src, dst]: [IpAddress; 2], [src_port, dst_port]: [u16; 2], (protocol, has_ports): (u8, bool)) -> Self {
        let is_ordered = (src, src_port) <= (dst, dst_port);
        let (ends, ports) =
            if is_ordered { ([src, dst], [src_port, dst_port]) } else { ([dst, src], [dst_port, src_port]) };
        Self { ends, ports, protocol, has_ports }
    }
}

/// The type of the message that answers one, or that it answers.
fn answer_to(protocol: u8, kind: u8) -> Option<u8> {
    /// Echo, router discovery, timestamp, information, address mask.
    const V4: [[u8; 2]; 5] = [[8, 0], [10, 9], [13, 14], [15, 16], [17, 18]];
    /// Echo, listeners, routers, neighbors, node information, home agents.
    const V6: [[u8; 2]; 6] = [[128, 129], [130, 131], [133, 134], [135, 136], [139, 140], [144, 145]];
    let pairs = if protocol == ICMP { &V4[..] } else { &V6[..] };
    pairs.iter().find_map(|[asks, answers]| match kind {
        kind if kind == *asks => Some(*answers),
        kind if kind == *answers => Some(*asks),
        _ => None,
    })
}

/// Appends the Community ID of a flow: `1:`, and 28 characters of Base64.
pub fn write_community_id(flow: &FlowKey, text: &mut Vec<u8>) {
    /// Two bytes, first on the wire first.
    const SEED: [u8; 2] = [0; 2];
    let mut hash = Sha1::new();
    hash.update(SEED);
    for end in flow.ends {
        match end {
            IpAddress::V4(bits) => hash.update(bits.to_be_bytes()),
            IpAddress::V6(bits) => hash.update(bits.to_be_bytes()),
        }
    }
    hash.update([flow.protocol, 0]);
    if flow.has_ports {
        for port in flow.ports {
            hash.update(port.to_be_bytes());
        }
    }
    let mut encoded = [0; 28];
    // The 20 bytes of a hash have just this many characters.
    let length = STANDARD.encode_slice(hash.finalize(), &mut encoded).unwrap_or(0);
    text.extend_from_slice(b"1:");
    text.extend_from_slice(encoded.get(..length).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use super::super::decode;
    use super::*;
    use crate::capture::LinkType;

    /// An IPv4 or IPv6 packet without link header, with the first bytes of what it carries.
    fn packet(src: &str, dst: &str, protocol: u8, carried: &[u8]) -> Vec<u8> {
        let [src, dst] = [src, dst].map(|end| end.parse::<std::net::IpAddr>().unwrap());
        let length = u8::try_from(carried.len()).unwrap();
        let mut bytes = match src {
            std::net::IpAddr::V4(_) => vec![0x45, 0, 0, 20 + length, 0, 0, 0, 0, 64, protocol, 0, 0],
            std::net::IpAddr::V6(_) => vec![0x60, 0, 0, 0, 0, length, protocol, 64],
        };
        for end in [src, dst] {
            match end {
                std::net::IpAddr::V4(end) => bytes.extend(end.octets()),
                std::net::IpAddr::V6(end) => bytes.extend(end.octets()),
            }
        }
        bytes.extend(carried);
        bytes
    }

    fn id_of(bytes: &[u8]) -> Option<String> {
        let flow = decode(LinkType::RAW, bytes).flow()?;
        let mut text = Vec::new();
        write_community_id(&flow, &mut text);
        String::from_utf8(text).ok()
    }

    fn ports(src: u16, dst: u16) -> Vec<u8> {
        [&src.to_be_bytes()[..], &dst.to_be_bytes(), &[0, 0, 0, 0, 0, 0, 0, 0, 0x50, 0, 0, 0, 0, 0, 0, 0]].concat()
    }

    /// The specification's examples, as Zeek, Suricata and Elasticsearch have them in their tests.
    #[test]
    fn published_values_are_met_in_both_directions() {
        let udp = |src: u16, dst: u16| [&src.to_be_bytes()[..], &dst.to_be_bytes(), &[0, 8, 0, 0]].concat();
        let examples = [
            (
                "128.232.110.120",
                "66.35.250.204",
                6,
                ports(34855, 80),
                ports(80, 34855),
                "1:LQU9qZlK+B5F3KDmev6m5PMibrg=",
            ),
            ("192.168.1.52", "8.8.8.8", 17, udp(54585, 53), udp(53, 54585), "1:d/FP5EW3wiY1vCndhwleRRKHowQ="),
            ("192.168.0.89", "192.168.0.1", 1, vec![8, 0, 0, 0], vec![0, 0, 0, 0], "1:X0snYXpgwiv9TZtqg64sgzUn6Dk="),
            (
                "fe80::260:97ff:fe07:69ea",
                "ff02::1",
                58,
                vec![134, 0, 0, 0],
                vec![133, 0, 0, 0],
                "1:pkvHqCL88/tg1k4cPigmZXUtL00=",
            ),
        ];
        for (src, dst, protocol, there, back, id) in examples {
            assert_eq!(id_of(&packet(src, dst, protocol, &there)).as_deref(), Some(id));
            assert_eq!(id_of(&packet(dst, src, protocol, &back)).as_deref(), Some(id));
        }
    }

    /// The values are hashes of the bytes as the specification lays them out, made with Python's hashlib.
    #[test]
    fn a_message_that_nothing_answers_has_one_direction() {
        let unreachable = |src, dst| id_of(&packet(src, dst, 1, &[3, 1, 0, 0]));
        assert_eq!(unreachable("192.0.2.1", "192.0.2.2").as_deref(), Some("1:pRMyxe723XaSygE9L+z0m7WpPf4="));
        assert_eq!(unreachable("192.0.2.2", "192.0.2.1").as_deref(), Some("1:EBIAE7qvAT3HwYAIi4T6COC6KV8="));
    }

    #[test]
    fn without_ports_there_is_no_id() {
        let mut later = packet("192.0.2.1", "192.0.2.2", 17, &[0; 8]);
        later[7] = 1;
        assert_eq!(id_of(&later), None);
        let whole = packet("192.0.2.1", "192.0.2.2", 6, &ports(1, 2));
        assert!(id_of(&whole).is_some());
        assert_eq!(id_of(&whole[..22]), None);
        // GRE has none.
        assert!(id_of(&packet("192.0.2.1", "192.0.2.2", 47, &[])).is_some());
    }
}

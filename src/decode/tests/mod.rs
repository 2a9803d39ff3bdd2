//! Laws of decoding first, then frames by hand with what their bytes say.

mod frames;
mod headers;
mod laws;
mod link_types;
mod tags;
mod tls;
mod tunnel_bounds;
mod tunnel_laws;
mod tunnels;

use crate::capture::LinkType;
use crate::decode::{Packet, decode};

/// The bytes of a hex text; blanks are for the reader.
pub(crate) fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<char> = hex.chars().filter(|digit| !digit.is_whitespace()).collect();
    let byte = |pair: &[char]| u8::from_str_radix(&String::from_iter(pair), 16).unwrap();
    assert!(digits.len().is_multiple_of(2), "{hex}");
    digits.chunks(2).map(byte).collect()
}

/// `macs ips protocol ports stop`, each `-` if there is none and the two of a pair joined as `source>destination`.
/// `M` stands for the MACs `02:00:00:00:00:01>02:00:00:00:00:02`.
fn shown(link_type: u16, frame: &[u8]) -> String {
    said(&decode(LinkType(link_type), frame))
}

/// As [`shown`], of a packet.
fn said(packet: &Packet<'_>) -> String {
    fn pair<T: ToString>(src: Option<T>, dst: Option<T>) -> String {
        let text = |value: Option<T>| value.map_or("-".into(), |value| value.to_string());
        match (src, dst) {
            (None, None) => "-".into(),
            (src, dst) => format!("{}>{}", text(src), text(dst)),
        }
    }
    let macs = match pair(packet.mac_src, packet.mac_dst).as_str() {
        "02:00:00:00:00:01>02:00:00:00:00:02" => "M".to_string(),
        other => other.to_string(),
    };
    let protocol = packet.protocol.map_or("-".into(), |number| {
        crate::decode::protocol::protocol_name(number).map_or(number.to_string(), Into::into)
    });
    let ips = pair(packet.ip_src, packet.ip_dst);
    let ports = pair(packet.port_src, packet.port_dst);
    format!("{macs} {ips} {protocol} {ports} {}", packet.stop.map_or("-", crate::decode::stop::Stop::name))
}

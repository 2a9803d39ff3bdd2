//! The tunnels that a packet was taken out of.

use std::io::Write as _;

use crate::address::IpAddress;

use super::super::column_storage::Further;
use super::super::schema::Column;
use super::further;

const TUNNEL: &str = "tunnel";
const OUTER_IP_SRC: &str = "outer_ip_src";
const OUTER_IP_DST: &str = "outer_ip_dst";

/// The columns that have a value in each row of a packet that was taken out of a tunnel, and in no other.
pub(in crate::packets) const IN_EACH: [&str; 3] = [TUNNEL, OUTER_IP_SRC, OUTER_IP_DST];

#[rustfmt::skip]
pub(super) static COLUMNS: &[Column] = &[
    further(TUNNEL, Further::Text(|_, packet, text| {
        packet.tunnels.write_to(text);
        (!text.is_empty()).then_some(())
    }), "nothing was taken off, as in a lake that looks into no tunnels", "the tunnels that were taken off, the outermost first: `VXLAN`, `GRE/ERSPAN`"),
    further("tunnel_id", Further::Wide(|_, packet| packet.tunnels.id()), "no tunnel that was taken off has one", "number of the innermost tunnel that has one: VNI of VXLAN and Geneve, key of GRE (of PPTP its call), session of ERSPAN and L2TP, TEID of GTP-U"),
    further(OUTER_IP_SRC, Further::Text(|_, packet, text| address(packet.tunnels.outer_ip_src(), text)), "nothing was taken off", "source address of the outermost IP header"),
    further(OUTER_IP_DST, Further::Text(|_, packet, text| address(packet.tunnels.outer_ip_dst(), text)), "nothing was taken off", "destination address of the outermost IP header"),
];

fn address(address: Option<IpAddress>, text: &mut Vec<u8>) -> Option<()> {
    write!(text, "{}", address?).ok()
}

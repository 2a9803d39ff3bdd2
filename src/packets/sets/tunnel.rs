//! The tunnels that a packet was taken out of.

use std::io::Write as _;

use crate::address::IpAddress;

use super::super::column_storage::Further;
use super::super::schema::Column;
use super::further;

#[rustfmt::skip]
pub(super) static COLUMNS: &[Column] = &[
    further("tunnel", Further::Text(|_, packet, text| {
        for (place, kind) in packet.tunnels.kinds().enumerate() {
            text.extend_from_slice(if place > 0 { b"/" } else { b"" });
            text.extend_from_slice(kind.label().as_bytes());
        }
        (!text.is_empty()).then_some(())
    }), "nothing was taken off, as in a lake that looks into no tunnels", "the tunnels that were taken off, the outermost first: `VXLAN`, `GRE/ERSPAN`"),
    further("tunnel_id", Further::Wide(|_, packet| packet.tunnels.id()), "no tunnel that was taken off has one", "number of the innermost tunnel that has one: VNI of VXLAN and Geneve, key of GRE (of PPTP its call), session of ERSPAN and L2TP, TEID of GTP-U"),
    further("outer_ip_src", Further::Text(|_, packet, text| address(packet.tunnels.outer_ip_src(), text)), "nothing was taken off", "source address of the outermost IP header"),
    further("outer_ip_dst", Further::Text(|_, packet, text| address(packet.tunnels.outer_ip_dst(), text)), "nothing was taken off", "destination address of the outermost IP header"),
];

fn address(address: Option<IpAddress>, text: &mut Vec<u8>) -> Option<()> {
    write!(text, "{}", address?).ok()
}

//! Fields between the MACs and the IP header.

use super::super::column_storage::Further;
use super::super::schema::Column;
use super::further;

#[rustfmt::skip]
pub(super) static COLUMNS: &[Column] = &[
    further("ether_type", Further::Small32(|_, packet| packet.tags.ether_type.map(u32::from)), "a frame without one", "EtherType of the frame, before any tags: 33024 (0x8100) where the first tag is a VLAN"),
    further("vlan_id", Further::Small32(|_, packet| packet.tags.vlan_id.map(u32::from)), "no VLAN tag, or cut before it", "VLAN of the outermost tag, 0 for a tag that has only a priority"),
    further("vlan_inner_id", Further::Small32(|_, packet| packet.tags.vlan_inner_id.map(u32::from)), "fewer than two VLAN tags, or cut before it", "VLAN of the tag after that"),
    further("mpls_label", Further::Small32(|_, packet| packet.tags.mpls_label), "no MPLS label, or cut before it", "the top label"),
];

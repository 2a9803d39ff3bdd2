//! Fields between the MACs and the IP header.

use super::super::code_table::NO_CODE;
use super::super::column_storage::{Storage, field};
use super::super::fields::{tag_code, tag_of_code};
use super::super::schema::{Column, column};

#[rustfmt::skip]
pub(super) static COLUMNS: &[Column] = &[
    column("ether_type", Storage::Small32(field!(tags, row => tag_code(row.ether_type), value => row.ether_type = tag_of_code(value))), "a frame without one", "EtherType of the frame, before any tags: 33024 (0x8100) where the first tag is a VLAN"),
    column("vlan_id", Storage::Small32(field!(tags, row => tag_code(row.vlan_id), value => row.vlan_id = tag_of_code(value))), "no VLAN tag, or cut before it", "VLAN of the outermost tag, 0 for a tag that has only a priority"),
    column("vlan_inner_id", Storage::Small32(field!(tags, row => tag_code(row.vlan_inner_id), value => row.vlan_inner_id = tag_of_code(value))), "fewer than two VLAN tags, or cut before it", "VLAN of the tag after that"),
    column("mpls_label", Storage::Small32(field!(tags, row => row.mpls_label.unwrap_or(NO_CODE), value => row.mpls_label = Some(value).filter(|value| *value != NO_CODE))), "no MPLS label, or cut before it", "the top label"),
];

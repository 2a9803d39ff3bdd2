//! What names the flow of a packet in other tools.

use super::super::column_storage::Further;
use super::super::schema::Column;
use super::further;

#[rustfmt::skip]
pub(super) static COLUMNS: &[Column] = &[
    further("community_id", Further::Flow(|_, packet| packet.flow()), "no IP; ports or ICMP type not known: a later fragment, or cut before them", "Community ID of the flow, version 1 with seed 0, the same for both directions: what Zeek, Suricata and Arkime write").looked_up(),
];

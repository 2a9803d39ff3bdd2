//! Fields of the IP header.

use super::super::column_storage::Further;
use super::super::schema::Column;
use super::further;

#[rustfmt::skip]
pub(super) static COLUMNS: &[Column] = &[
    further("ip_version", Further::Small32(|_, packet| packet.ip_version().map(u32::from)), "no IP header", "4 or 6, of the outermost IP header, as all columns of this set"),
    further("ip_ttl", Further::Small32(|_, packet| packet.ip_ttl().map(u32::from)), "no IP header, or cut before it", "time to live, or hop limit"),
    further("ip_dscp", Further::Small32(|_, packet| packet.ip_dscp().map(u32::from)), "no IP header, or cut before it", "differentiated services code point"),
    further("ip_ecn", Further::Small32(|_, packet| packet.ip_ecn().map(u32::from)), "no IP header, or cut before it", "explicit congestion notification: 0 not capable, 1 and 2 capable, 3 congestion"),
    further("ip_id", Further::Small64(|_, packet| packet.ip_id().map(u32::from)), "not IPv4, or cut before it", "identification"),
    further("ip_fragment_offset", Further::Small32(|_, packet| packet.ip_fragment_offset().map(u32::from)), "no IP header, IPv6 without a fragment header, or cut before it", "where the bytes of a fragment belong in the whole, in units of eight bytes; 0 if IPv4 is not fragmented"),
    further("ip_more_fragments", Further::Flag(|_, packet| packet.ip_more_fragments()), "no IP header, IPv6 without a fragment header, or cut before it", "whether more fragments follow"),
    further("ip_total_length", Further::Wide(|record, packet| packet.ip_total_length(record.data, record.orig_len)), "no IP header, or cut before it", "bytes of the IP packet as its header says, with the header; where IPv4 says 0 (segmentation offload), all on the wire"),
    further("ip_flow_label", Further::Wide(|_, packet| packet.ip_flow_label()), "not IPv6", "flow label"),
];

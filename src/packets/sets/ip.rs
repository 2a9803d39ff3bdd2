//! Fields of the IP header.

use super::super::column_storage::{Storage, field};
use super::super::schema::{Column, column};

#[rustfmt::skip]
pub(super) static COLUMNS: &[Column] = &[
    column("ip_version", Storage::Small32(field!(ip, row => row.version(), value => row.set_version(value))), "no IP header", "4 or 6, of the outermost IP header, as all columns of this set"),
    column("ip_ttl", Storage::Small32(field!(ip, row => row.ttl(), value => row.set_ttl(value))), "no IP header, or cut before it", "time to live, or hop limit"),
    column("ip_dscp", Storage::Small32(field!(ip, row => row.dscp(), value => row.set_dscp(value))), "no IP header, or cut before it", "differentiated services code point"),
    column("ip_ecn", Storage::Small32(field!(ip, row => row.ecn(), value => row.set_ecn(value))), "no IP header, or cut before it", "explicit congestion notification: 0 not capable, 1 and 2 capable, 3 congestion"),
    column("ip_id", Storage::Small64(field!(ip, row => row.id, value => row.id = value)), "not IPv4, or cut before it", "identification"),
    column("ip_fragment_offset", Storage::Small32(field!(ip, row => row.fragment_offset(), value => row.set_fragment_offset(value))), "no IP header, IPv6 without a fragment header, or cut before it", "where the bytes of a fragment belong in the whole, in units of eight bytes; 0 if IPv4 is not fragmented"),
    column("ip_more_fragments", Storage::Flag(field!(ip, row => row.more_fragments(), value => row.set_more_fragments(value))), "no IP header, IPv6 without a fragment header, or cut before it", "whether more fragments follow"),
    column("ip_total_length", Storage::Wide(field!(ip, row => row.total_length(), value => row.set_total_length(value))), "no IP header, or cut before it", "bytes of the IP packet as its header says, with the header; where IPv4 says 0 (segmentation offload), all on the wire"),
    column("ip_flow_label", Storage::Wide(field!(ip, row => row.flow_label(), value => row.set_flow_label(value))), "not IPv6", "flow label"),
];

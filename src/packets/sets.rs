//! The columns that a lake has if they are asked for, in sets. They come after those of every lake, in this order.
//!
//! To add a column, add its entry to its set, and make `docs/tables.md` again.

use crate::config::FurtherColumns;

use super::column_storage::{Further, Storage};
use super::schema::{COLUMNS, Column, column};

/// Columns that belong together.
#[derive(Clone, Copy, Debug)]
pub struct ColumnSet {
    /// Its name.
    pub name: &'static str,
    /// Its columns, in their order.
    pub columns: &'static [Column],
}

const fn further(name: &'static str, of: Further, null_when: &'static str, meaning: &'static str) -> Column {
    column(name, Storage::Further(of), null_when, meaning)
}

const NO_TCP: &str = "no TCP, a later fragment, or cut before it";
const NO_ICMP: &str = "no ICMP or ICMPv6, a later fragment, or cut before it";

#[rustfmt::skip]
static IP: &[Column] = &[
    further("ip_version", Further::Small32(|_, packet| packet.ip_version().map(u16::from)), "no IP header", "4 or 6, of the outermost IP header, as all columns of this set"),
    further("ip_ttl", Further::Small32(|_, packet| packet.ip_ttl().map(u16::from)), "no IP header, or cut before it", "time to live, or hop limit"),
    further("ip_dscp", Further::Small32(|_, packet| packet.ip_dscp().map(u16::from)), "no IP header, or cut before it", "differentiated services code point"),
    further("ip_ecn", Further::Small32(|_, packet| packet.ip_ecn().map(u16::from)), "no IP header, or cut before it", "explicit congestion notification: 0 not capable, 1 and 2 capable, 3 congestion"),
    further("ip_id", Further::Small64(|_, packet| packet.ip_id()), "not IPv4, or cut before it", "identification"),
    further("ip_fragment_offset", Further::Small32(|_, packet| packet.ip_fragment_offset()), "no IP header, IPv6 without a fragment header, or cut before it", "where the bytes of a fragment belong in the whole, in units of eight bytes; 0 if IPv4 is not fragmented"),
    further("ip_more_fragments", Further::Flag(|_, packet| packet.ip_more_fragments()), "no IP header, IPv6 without a fragment header, or cut before it", "whether more fragments follow"),
    further("ip_total_length", Further::Wide(|record, packet| packet.ip_total_length(record.data, record.orig_len)), "no IP header, or cut before it", "bytes of the IP packet as its header says, with the header; where IPv4 says 0 (segmentation offload), all on the wire"),
    further("ip_flow_label", Further::Wide(|_, packet| packet.ip_flow_label()), "not IPv6", "flow label"),
];

#[rustfmt::skip]
static TRANSPORT: &[Column] = &[
    further("tcp_flags", Further::Small32(|_, packet| packet.tcp_flags()), NO_TCP, "sum of FIN 1, SYN 2, RST 4, PSH 8, ACK 16, URG 32, ECE 64, CWR 128, AE 256"),
    further("tcp_seq", Further::Wide(|_, packet| packet.tcp_seq()), NO_TCP, "sequence number, as it was sent"),
    further("tcp_ack", Further::Wide(|_, packet| packet.tcp_ack()), NO_TCP, "acknowledgment number, as it was sent, whether ACK is set or not"),
    further("tcp_window", Further::Small32(|_, packet| packet.tcp_window()), NO_TCP, "window, as it was sent and not scaled"),
    further("payload_length", Further::Wide(|record, packet| packet.payload_length(record.data, record.orig_len)), "no TCP, UDP, SCTP, DCCP or UDP-Lite header, a later fragment, or cut before it", "bytes that the IP length leaves after the transport header, captured or not"),
    further("icmp_type", Further::Small32(|_, packet| packet.icmp_type().map(u16::from)), NO_ICMP, "type of the message"),
    further("icmp_code", Further::Small32(|_, packet| packet.icmp_code().map(u16::from)), NO_ICMP, "code of the message"),
];

/// The sets, in their order.
pub static SETS: &[ColumnSet] =
    &[ColumnSet { name: "ip", columns: IP }, ColumnSet { name: "transport", columns: TRANSPORT }];

/// All further columns, in their order.
fn all() -> impl Iterator<Item = &'static Column> {
    SETS.iter().flat_map(|set| set.columns)
}

/// The column with a name, whether every lake has it or not.
pub fn find_column(name: &str) -> Option<&'static Column> {
    COLUMNS.iter().chain(all()).find(|column| column.name == name)
}

/// The further columns of some sets and single names, with commas between.
///
/// # Errors
/// The first name that is neither, and that of a column of every lake.
///
/// ```
/// # use parcap::packets::further_columns;
/// assert_eq!(further_columns("tcp_flags,ip_ttl").unwrap().to_string(), "ip_ttl,tcp_flags");
/// assert_eq!(further_columns("transport").unwrap().names().count(), 7);
/// assert!(further_columns("").unwrap().is_empty());
/// assert_eq!(further_columns("ip,ttl").unwrap_err(), "ttl");
/// ```
pub fn further_columns(asked: &str) -> Result<FurtherColumns, String> {
    let asked: Vec<&str> = asked.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
    let of_set = |name: &str| SETS.iter().find(|set| set.name == name).map_or(&[][..], |set| set.columns);
    let is_known = |name: &str| !of_set(name).is_empty() || all().any(|column| column.name == name);
    if let Some(name) = asked.iter().find(|name| !is_known(name)) {
        return Err((*name).to_owned());
    }
    let is_asked = |column: &Column| {
        asked.iter().any(|name| column.name == *name || of_set(name).iter().any(|one| one.name == column.name))
    };
    Ok(FurtherColumns(all().filter(|column| is_asked(column)).map(|column| column.name.to_owned()).collect()))
}

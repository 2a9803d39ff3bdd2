//! Fields of TCP, of ICMP, and the length of what they carry.

use super::super::column_storage::Further;
use super::super::schema::Column;
use super::further;

const NO_TCP: &str = "no TCP, a later fragment, or cut before it";
const NO_ICMP: &str = "no ICMP or ICMPv6, a later fragment, or cut before it";

#[rustfmt::skip]
pub(super) static COLUMNS: &[Column] = &[
    further("tcp_flags", Further::Small32(|_, packet| packet.tcp_flags().map(u32::from)), NO_TCP, "sum of FIN 1, SYN 2, RST 4, PSH 8, ACK 16, URG 32, ECE 64, CWR 128, AE 256"),
    further("tcp_seq", Further::Wide(|_, packet| packet.tcp_seq()), NO_TCP, "sequence number, as it was sent"),
    further("tcp_ack", Further::Wide(|_, packet| packet.tcp_ack()), NO_TCP, "acknowledgment number, as it was sent, whether ACK is set or not"),
    further("tcp_window", Further::Small32(|_, packet| packet.tcp_window().map(u32::from)), NO_TCP, "window, as it was sent and not scaled"),
    further("payload_length", Further::Wide(|record, packet| packet.payload_length(record.data, record.orig_len)), "no TCP, UDP, SCTP, DCCP or UDP-Lite header, a later fragment, or cut before it", "bytes that the IP length leaves after the transport header, captured or not"),
    further("icmp_type", Further::Small32(|_, packet| packet.icmp_type().map(u32::from)), NO_ICMP, "type of the message"),
    further("icmp_code", Further::Small32(|_, packet| packet.icmp_code().map(u32::from)), NO_ICMP, "code of the message"),
];

//! Fields of TCP, of ICMP, and the length of what they carry.

use super::super::column_storage::{Storage, field, part};
use super::super::packed::{flags_code, flags_of_code};
use super::super::schema::{Column, column};

/// The column of the flags of TCP.
pub(crate) const TCP_FLAGS: &str = "tcp_flags";
const NO_TCP: &str = "no TCP, a later fragment, or cut before it";
const NO_ICMP: &str = "no ICMP or ICMPv6, a later fragment, or cut before it";

#[rustfmt::skip]
pub(super) static COLUMNS: &[Column] = &[
    column(TCP_FLAGS, Storage::Small32(part!(facts, row => row.tcp_flags, flags_code, flags_of_code)), NO_TCP, "sum of FIN 1, SYN 2, RST 4, PSH 8, ACK 16, URG 32, ECE 64, CWR 128, AE 256"),
    column("tcp_seq", Storage::Wide(field!(transport, row => row.seq(), value => row.set_seq(value))), NO_TCP, "sequence number, as it was sent"),
    column("tcp_ack", Storage::Wide(field!(transport, row => row.ack(), value => row.set_ack(value))), NO_TCP, "acknowledgment number, as it was sent, whether ACK is set or not"),
    column("tcp_window", Storage::Small32(field!(transport, row => row.window, value => row.window = value)), NO_TCP, "window, as it was sent and not scaled"),
    column("payload_length", Storage::Wide(field!(transport, row => row.payload_length(), value => row.set_payload_length(value))), "no TCP, UDP, SCTP, DCCP or UDP-Lite header, a later fragment, or cut before it", "bytes that the IP length leaves after the transport header, captured or not"),
    column("icmp_type", Storage::Small32(field!(transport, row => row.icmp_type(), value => row.set_icmp_type(value))), NO_ICMP, "type of the message"),
    column("icmp_code", Storage::Small32(field!(transport, row => row.icmp_code(), value => row.set_icmp_code(value))), NO_ICMP, "code of the message"),
];

//! What a header says about the bytes after it.
//!
//! Every header below IP turns into one of these, so that a loop handles headers at any depth without recursion.

use crate::capture::LinkType;

use super::stop::Stop;

/// The bytes after a header, by what that header announces.
#[derive(Clone, Copy, Debug)]
pub(super) enum Payload<'a> {
    /// A frame of another link type (PKTAP, PPI, the frame itself).
    Link(LinkType, &'a [u8]),
    /// An Ethernet header.
    Ethernet(&'a [u8]),
    /// What this EtherType announces.
    EtherType(u16, &'a [u8]),
    /// An LLC header.
    Llc(&'a [u8]),
    /// A SNAP header: OUI and protocol.
    Snap(&'a [u8]),
    /// A network layer protocol identifier (ISO 9577).
    Nlpid(&'a [u8]),
    /// An MPLS label stack.
    Mpls(&'a [u8]),
    /// PPP, with or without its address and control bytes.
    Ppp(&'a [u8]),
    /// A Frame Relay address.
    FrameRelay(&'a [u8]),
    /// An IEEE 802.11 header, and whether it is padded to a multiple of 4 bytes.
    Wifi(&'a [u8], bool),
    /// IP, the version by its first nibble.
    Ip(&'a [u8]),
    /// IPv4, never IPv6.
    Ipv4(&'a [u8]),
    /// IPv4 whose protocol field holds a connection number: "uncompressed TCP" of RFC 1144.
    Ipv4OfConnection(&'a [u8]),
    /// IPv6, never IPv4.
    Ipv6(&'a [u8]),
    /// Nothing that leads to an IP header.
    Nothing,
}

/// What a header gives: the payload after it, or why it could not be read.
pub(super) type Step<'a> = Result<Payload<'a>, Stop>;

//! What decoding finds in one frame.
//!
//! Everything is a plain integer or borrows from the frame. Nothing allocates. Not here: an address as text, which is
//! [`packets`](crate::packets)'; and time and length, which belong to the record and not to the frame.

use serde::{Deserialize, Serialize};

use crate::address::{IpAddress, MacAddr};
use crate::decode::dns;

use super::stop::Stop;
use super::tunnels::Tunnels;

/// What decoding found in one frame, in its outermost headers; or, where tunnels were looked into, in those of the innermost
/// packet. `None`: the frame does not say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Packet<'a> {
    /// Source MAC; for IEEE 802.11 the SA, for Linux cooked captures their 6-byte address.
    pub mac_src: Option<MacAddr>,
    /// Destination MAC; for IEEE 802.11 the DA.
    pub mac_dst: Option<MacAddr>,
    /// Source address of the IP header.
    pub ip_src: Option<IpAddress>,
    /// Destination address of the IP header.
    pub ip_dst: Option<IpAddress>,
    /// IANA protocol number after the IP header and its extension headers; see
    /// [`super::protocol::protocol_name`].
    pub protocol: Option<u8>,
    /// Source port of TCP, UDP, SCTP, DCCP or UDP-Lite.
    pub port_src: Option<u16>,
    /// Destination port.
    pub port_dst: Option<u16>,
    /// The IP header and what follows it, as far as it was captured. Its further fields are read in `headers.rs`.
    pub(super) ip: Option<&'a [u8]>,
    /// What follows the IP headers, up to the end of the IP packet. Nothing in a later fragment.
    pub(super) transport: Option<&'a [u8]>,
    /// What lies between the MACs and the IP header.
    pub tags: LinkTags,
    /// The DNS message; `Some` exactly when one was recognised.
    pub dns: Option<dns::Message<'a>>,
    /// The tunnels that the packet was taken out of.
    pub tunnels: Tunnels<'a>,
    /// Why decoding ended early; `None` when all that was announced was read.
    pub stop: Option<Stop>,
}

/// What is found between the MACs and the IP header: the first of each kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkTags {
    /// The EtherType of the frame, before any tags; that of a SNAP or cooked header too.
    pub ether_type: Option<u16>,
    /// VLAN of the first tag (IEEE 802.1Q 9.6), 12 bits.
    pub vlan_id: Option<u16>,
    /// VLAN of the second tag.
    pub vlan_inner_id: Option<u16>,
    /// The top label of the first MPLS stack (RFC 3032), 20 bits.
    pub mpls_label: Option<u32>,
}

impl LinkTags {
    /// These of a frame, and the label of a packet without a frame that is in a tunnel within it.
    pub(super) fn with_label(self, inner: Self) -> Self {
        Self { mpls_label: inner.mpls_label.or(self.mpls_label), ..self }
    }

    /// Notes the VLAN of a tag.
    pub(super) fn note_vlan(&mut self, id: u16) {
        if self.vlan_id.is_none() {
            self.vlan_id = Some(id);
        } else if self.vlan_inner_id.is_none() {
            self.vlan_inner_id = Some(id);
        }
    }
}

impl Packet<'_> {
    /// Sets the MACs, unless a header further out did.
    pub(super) fn set_macs(&mut self, dst: Option<[u8; 6]>, src: Option<[u8; 6]>) {
        if self.mac_src.is_none() && self.mac_dst.is_none() {
            self.mac_dst = dst.map(MacAddr::from);
            self.mac_src = src.map(MacAddr::from);
        }
    }
}

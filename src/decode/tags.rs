//! What an EtherType announces: IP, or a tag between the MACs and IP.
//!
//! In: an EtherType and the bytes after it. Out: the next payload, with one tag taken off. An EtherType that is neither
//! (ARP, LLDP, any unknown one) ends the walk without a stop: the frame has no IP header, and nothing is wrong with it.
//! Not here: MACsec's encrypted frames, pseudowires (MPLS that does not carry IP).
//!
//! Source: IEEE 802.1Q 9, 802.1AE 9.3, 802.1CB 7.8, 802.1BR; RFC 3032 and RFC 4385 (MPLS), RFC 2516 (PPPoE),
//! RFC 6325 3.1 (TRILL), RFC 8300 (NSH).

use etherparse::SingleVlanHeaderSlice;

use super::ethernet::typed_or_length;
use super::field::{at_most, be16, be32};
use super::packet::LinkTags;
use super::payload::{Payload, Step};
use super::stop::Stop;

/// `found` gets the VLANs.
#[inline]
pub(super) fn decode<'a>(ether_type: u16, bytes: &'a [u8], found: &mut LinkTags) -> Step<'a> {
    match ether_type {
        0x0800 => Ok(Payload::Ipv4(bytes)),
        0x86dd => Ok(Payload::Ipv6(bytes)),
        // 802.1Q, 802.1ad, and the older numbers of stacked tags.
        0x8100 | 0x88a8 | 0x9100 | 0x9200 | 0x9300 => {
            found.note_vlan(be16(bytes, 0).ok_or(Stop::VlanCut)? & 0x0fff);
            let tag = SingleVlanHeaderSlice::from_slice(bytes).map_err(|_| Stop::VlanCut)?;
            let rest = bytes.get(tag.slice().len()..).unwrap_or_default();
            Ok(typed_or_length(tag.ether_type().0, rest))
        }
        0x8847 | 0x8848 => Ok(Payload::Mpls(bytes)),
        0x8864 => pppoe(bytes),
        0x880b => Ok(Payload::Ppp(bytes)),
        // TRILL: 6 bytes, then options in 4-byte words, then a whole Ethernet header.
        0x22f3 => {
            let flags = be16(bytes, 0).ok_or(Stop::TagCut)?;
            let options = usize::from(flags >> 6 & 0x1f) * 4;
            Ok(Payload::Ethernet(bytes.get(6 + options..).ok_or(Stop::TagCut)?))
        }
        // Cisco FabricPath: tree and time to live, then a whole Ethernet header.
        0x8903 => Ok(Payload::Ethernet(bytes.get(2..).ok_or(Stop::TagCut)?)),
        // IEEE 802.11 inside Ethernet, as Intel's drivers hand it over.
        0x2452 => Ok(Payload::Wifi(bytes, false)),
        // 802.1ah: flags and I-SID, then a whole Ethernet header.
        0x88e7 => Ok(Payload::Ethernet(bytes.get(4..).ok_or(Stop::TagCut)?)),
        // Transparent Ethernet bridging.
        0x6558 => Ok(Payload::Ethernet(bytes)),
        // LLC after an EtherType, for frames over 1500 bytes.
        0x8870 => Ok(Payload::Llc(bytes)),
        // VN-tag; 802.1CB R-tag; HSR: 4 bytes of tag.
        0x8926 | 0xf1c1 | 0x892f => tagged(bytes, 4),
        // 802.1BR E-tag; Cisco metadata (version, length, option, group).
        0x893f | 0x8909 => tagged(bytes, 6),
        0x88e5 => macsec(bytes),
        0x894f => nsh(bytes),
        _ => Ok(Payload::Nothing),
    }
}

/// A tag of `len` bytes, then an EtherType.
pub(super) fn tagged(bytes: &[u8], len: usize) -> Step<'_> {
    let value = be16(bytes, len).ok_or(Stop::TagCut)?;
    Ok(typed_or_length(value, bytes.get(len + 2..).unwrap_or_default()))
}

/// The label stack, then IP if the first nibble says so. A pseudowire's payload is not guessed.
pub(super) fn mpls<'a>(bytes: &'a [u8], found: &mut LinkTags) -> Step<'a> {
    if found.mpls_label.is_none() {
        found.mpls_label = be32(bytes, 0).map(|entry| entry >> 12);
    }
    let mut rest = bytes;
    loop {
        let [_, _, third, _, after @ ..] = rest else {
            return Err(Stop::MplsCut);
        };
        rest = after;
        if third & 1 != 0 {
            break;
        }
    }
    match rest {
        // A header length under 20 bytes is not IPv4. It is rather the MAC of an Ethernet pseudowire.
        [0x45..=0x4f | 0x60..=0x6f, ..] => Ok(Payload::Ip(rest)),
        // An associated channel header (RFC 4385 5). Its type names what is on the channel.
        [0x10..=0x1f, _, 0x00, 0x21, ip @ ..] => Ok(Payload::Ipv4(ip)),
        [0x10..=0x1f, _, 0x00, 0x57, ip @ ..] => Ok(Payload::Ipv6(ip)),
        [_, ..] => Ok(Payload::Nothing),
        [] => Err(Stop::MplsCut),
    }
}

/// PPPoE's session stage: version and type, code, session, length, then PPP.
pub(super) fn pppoe(bytes: &[u8]) -> Step<'_> {
    let [_, code, _, _, high, low, rest @ ..] = bytes else {
        return Err(Stop::PppoeCut);
    };
    if *code != 0 {
        return Ok(Payload::Nothing);
    }
    let len = u16::from_be_bytes([*high, *low]);
    Ok(Payload::Ppp(at_most(rest, usize::from(len))))
}

/// MACsec: the SecTAG, then an EtherType unless the frame is encrypted or changed.
fn macsec(bytes: &[u8]) -> Step<'_> {
    const SCI_PRESENT: u8 = 0x20;
    const ENCRYPTED: u8 = 0x08;
    const CHANGED: u8 = 0x04;
    let control = *bytes.first().ok_or(Stop::TagCut)?;
    if control & (ENCRYPTED | CHANGED) != 0 {
        return Ok(Payload::Nothing);
    }
    tagged(bytes, if control & SCI_PRESENT == 0 { 6 } else { 14 })
}

/// A network service header: its own length in 4-byte words, and the protocol after it.
fn nsh(bytes: &[u8]) -> Step<'_> {
    let [_, length, _, protocol, ..] = bytes else {
        return Err(Stop::TagCut);
    };
    // With fewer than two words, the header would end inside its own fixed part.
    let len = usize::from(length & 0x3f).max(2) * 4;
    let rest = bytes.get(len..).ok_or(Stop::TagCut)?;
    Ok(next_protocol(*protocol, rest))
}

/// What a "next protocol" announces. The extension of VXLAN has the same numbers (draft-ietf-nvo3-vxlan-gpe 3.2).
pub(super) fn next_protocol(protocol: u8, rest: &[u8]) -> Payload<'_> {
    match protocol {
        1 => Payload::Ipv4(rest),
        2 => Payload::Ipv6(rest),
        3 => Payload::Ethernet(rest),
        4 => Payload::EtherType(0x894f, rest),
        5 => Payload::Mpls(rest),
        _ => Payload::Nothing,
    }
}

//! What lies between MACs and IP, in frames by hand. The values follow from the bytes.

use crate::capture::LinkType;
use crate::decode::decode;

use super::bytes;

/// EtherType, outer and inner VLAN, top label; `-` for none.
fn shown(link_type: LinkType, hex: &str) -> String {
    let tags = decode(link_type, &bytes(hex)).tags;
    let number = |value: Option<u32>| value.map_or("-".to_owned(), |value| value.to_string());
    [tags.ether_type.map(u32::from), tags.vlan_id.map(u32::from), tags.vlan_inner_id.map(u32::from), tags.mpls_label]
        .map(number)
        .join(" ")
}

fn ethernet(hex: &str) -> String {
    shown(LinkType::ETHERNET, &format!("020000000002 020000000001 {hex}"))
}

#[test]
fn the_ether_type_is_that_of_the_frame_and_tags_come_in_their_order() {
    assert_eq!(ethernet("0800 45"), "2048 - - -");
    assert_eq!(ethernet("0806 0001"), "2054 - - -");
    // Priority 5, VLAN 100, then VLAN 4094, then a third tag, which no column has.
    assert_eq!(ethernet("88a8 a064 8100 0ffe 8100 0007 0800"), "34984 100 4094 -");
    // A tag that has only a priority.
    assert_eq!(ethernet("8100 e000 0806"), "33024 0 - -");
    // Label 18, not the last; label 1048575, the last.
    assert_eq!(ethernet("8847 000120ff fffff1ff 45"), "34887 - - 18");
    assert_eq!(ethernet("8100 0064 8848 fffff1ff 45"), "33024 100 - 1048575");
    // A whole frame after the tags of a backbone: what is further out counts.
    assert_eq!(ethernet("88e7 00000001 020000000003 020000000004 8100 0005 0800"), "35047 5 - -");
}

#[test]
fn other_links_have_ether_types_too() {
    // 802.3 with a length of 8: LLC and SNAP.
    assert_eq!(ethernet("0008 aaaa03 000000 0800"), "2048 - - -");
    // Without SNAP there is none.
    assert_eq!(ethernet("0003 424203"), "- - - -");
    // Linux cooked.
    assert_eq!(shown(LinkType::LINUX_SLL, "0000 0001 0006 020000000001 0000 8100 0003 86dd"), "33024 3 - -");
    assert_eq!(shown(LinkType::RAW, "45"), "- - - -");
    // Cisco HDLC. The SAPs of OSI are no EtherType, wherever the frame is cut.
    assert_eq!(shown(LinkType::C_HDLC, "0f00 0800"), "2048 - - -");
    for cut in ["0f00 fefe", "0f00 fefe 03", "0f00 fefe 03 81"] {
        assert_eq!(shown(LinkType::C_HDLC, cut), "- - - -");
    }
}

#[test]
fn what_is_cut_is_null() {
    assert_eq!(ethernet("81"), "- - - -");
    assert_eq!(ethernet("8100 00"), "33024 - - -");
    assert_eq!(ethernet("8100 0064"), "33024 100 - -");
    assert_eq!(ethernet("8847 000120"), "34887 - - -");
}

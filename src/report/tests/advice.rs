//! What is said below the picture of the traffic and the table of names, and when it is not.

use crate::config::LengthKind;
use crate::report::{html, plots};
use crate::summary::Preview;
use crate::tables::TableColumn;

use super::super::content::PageContent;
use super::super::implausible::ImplausibleCounts;
use super::sample::{day, ints, listed, texts};

fn page(content: &PageContent) -> String {
    html(content).unwrap()
}

/// Volumes by name, the first row with most.
fn by_name(first: Option<&str>) -> Preview {
    listed(2, [("name_dst", texts(&[first, Some("a.")])), ("bytes", ints(&[997, 3])), ("packets", ints(&[1, 1]))])
}

/// Whatever sources were used, the page offers the other ones, and none of these.
#[test]
fn a_page_without_names_says_what_would_give_them() {
    for bits in 0..8_usize {
        for of_captures in [false, true] {
            let sources: Vec<_> = ["dns", "hosts", "ptr"]
                .into_iter()
                .enumerate()
                .filter(|(n, _)| bits >> n & 1 == 1)
                .map(|(_, s)| s)
                .collect();
            let has = |source| sources.contains(&source);
            let content = PageContent {
                sources: sources.clone(),
                of_captures,
                by_name: by_name(Some("N/A")),
                ..PageContent::default()
            };
            let html = page(&content);
            let offered = |option: &str| html.contains(&format!("<code>{option}</code>"));
            assert_eq!(offered("dns"), !has("dns"), "{sources:?}");
            assert_eq!(offered("hosts"), !has("hosts"), "{sources:?}");
            assert_eq!((offered("ptr"), offered("private")), (!has("ptr"), has("ptr")), "{sources:?}");
            assert_eq!(html.contains("No names were asked for."), sources.is_empty());
            assert_eq!(html.contains("reverse lookups that the lake keeps"), has("ptr") && !of_captures);
        }
    }
    for first in [Some("b."), None] {
        assert!(!page(&PageContent { by_name: by_name(first), ..PageContent::default() }).contains("<code>dns"));
    }
    assert!(page(&day()).contains("Names come from the DNS answers in the captures."));
}

fn implausible(orig_len: u32, packets: u64) -> ImplausibleCounts {
    ImplausibleCounts { capture: "fuzzed<.pcap".to_owned(), frame: 1234, orig_len, cap_len: 60, packets }
}

#[test]
fn a_packet_that_dwarfs_all_is_named_with_its_share() {
    // 538,976,288 of 781,125,055 bytes are 69.0%.
    let of = |packets, length| PageContent {
        bytes: 781_125_055,
        implausible: vec![implausible(538_976_288, packets)],
        length,
        ..PageContent::default()
    };
    let html = page(&of(1, LengthKind::Wire));
    let says = "Packet 1,234 of <span class=\"data\">fuzzed&#60;.pcap</span> announces 538,976,288 bytes on the wire, and has 60 \
                bytes. No packet is that long; most likely its length is damaged. It is 69.0% of all bytes on this page.</p>";
    assert!(html.contains(says) && html.contains("lengths of the packets on the wire"), "{html}");
    assert!(page(&of(2, LengthKind::Wire)).contains(" The capture has 1 more packet like it.</p>"));
    // Where captured bytes were summed up, all of them exist.
    let html = page(&of(1, LengthKind::Captured));
    assert!(!html.contains("announces") && html.contains("Bytes are what was captured of the packets"));
    let many = PageContent { implausible: vec![implausible(1 << 30, 1); 7], ..of(1, LengthKind::Wire) };
    let html = page(&many);
    assert_eq!(html.matches("announces").count(), 5);
    assert!(html.contains("… and 2 more captures with such a packet."));
}

#[test]
fn what_has_no_port_has_its_protocol() {
    let ports = listed(
        3,
        [
            ("protocol", texts(&[Some("ICMP"), None, Some("TCP")])),
            ("port", TableColumn::Int(vec![None, None, Some(80)])),
            ("bytes", ints(&[3, 2, 1])),
        ],
    );
    let content = PageContent { ports, ..PageContent::default() };
    let html = page(&content);
    assert!(html.contains("<span class=\"data\">ICMP</span> <span class=\"absent\">(no port)</span>"));
    assert!(html.contains("<span class=\"absent\">(no IP)</span></th>") && html.contains(">TCP 80</span>"));
    let (_, plot) = plots(&content).into_iter().find(|(name, _)| name == "ports.svg").unwrap();
    assert!(
        plot.contains(">ICMP (no port)</text>") && plot.contains(">(no IP)</text>") && plot.contains(">TCP 80</text>")
    );
}

/// In each table of addresses, and in no other.
#[test]
fn names_stand_beside_addresses() {
    let volume = |column: &str| listed(1, [(column, texts(&[Some("192.0.2.1")])), ("bytes", ints(&[5]))]);
    let ends = ["192.0.2.1", "192.0.2.2"].map(|address| texts(&[Some(address)]));
    let [src, dst] = ends;
    let content = PageContent {
        by_ip: volume("ip_dst"),
        by_src: volume("ip_src"),
        conversations: listed(1, [("ip_src", src), ("ip_dst", dst), ("bytes", ints(&[5]))]),
        names: [("192.0.2.1".to_owned(), "one.example.".to_owned())].into(),
        ..PageContent::default()
    };
    let html = page(&content);
    let beside = "<span class=\"data\">192.0.2.1</span> <span class=\"name\">one.example.</span>";
    assert_eq!((html.matches(beside).count(), html.matches("192.0.2.1<").count()), (3, 3));
    assert!(html.contains("<span class=\"data\">192.0.2.2</span></td>"));
}

#[test]
fn a_title_takes_the_place_of_the_path() {
    let lake = || PageContent { lake: "/srv/lake".to_owned(), ..PageContent::default() };
    let html = page(&lake());
    assert!(html.contains("<h1>/srv/lake</h1>") && html.contains("<title>/srv/lake – parcap report</title>"));
    assert_eq!(html.matches("/srv/lake").count(), 2);
    let html = page(&PageContent { title: Some("March".to_owned()), ..lake() });
    assert!(html.contains("<h1>March</h1>") && html.contains("<title>March – parcap report</title>"));
    assert!(html.contains("parcap report of <span class=\"data\">/srv/lake</span>"));
}

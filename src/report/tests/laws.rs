//! Laws: whatever the text, the page is the same page.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use proptest::prelude::*;
use roxmltree::{Document, ParsingOptions};
use sha2::{Digest as _, Sha256};

use crate::report::{html, plots};
use crate::summary::{Preview, Series, Tracks};
use crate::tables::TableColumn;

use super::super::content::PageContent;
use super::super::implausible::ImplausibleCounts;
use super::super::page::{SCRIPT, SCRIPT_HASH, STYLE, STYLE_HASH};
use super::super::text::{Printable, text as text_of};
use super::super::traffic::{HEIGHT, UNITS};
use super::sample::{day, ints, listed, tracks, year};

/// A page with a distinct text in every place that takes one.
fn page_of(words: &[String; 32]) -> PageContent {
    let mut words = words.iter();
    let mut word = || words.next().unwrap().clone();
    let protocols_of_ports = TableColumn::Text([Some(word()), Some(word())].into_iter().collect());
    let mut text = || TableColumn::Text([Some(word())].into_iter().collect());
    let volume =
        |name: &str, key: TableColumn| listed(1, [(name, key), ("bytes", ints(&[5])), ("packets", ints(&[1]))]);
    let (by_name, by_ip) = (volume("name_dst", text()), volume("ip_dst", text()));
    let (by_src, protocols) = (volume("ip_src", text()), volume("protocol", text()));
    let port = TableColumn::Int(vec![Some(53), None]);
    let ports = listed(2, [("protocol", protocols_of_ports), ("port", port), ("bytes", ints(&[5, 4]))]);
    let conversations = listed(1, [("ip_src", text()), ("ip_dst", text()), ("bytes", ints(&[5]))]);
    let mut dns = || listed(1, [("name", text()), ("type", text()), ("response_code", text()), ("count", ints(&[2]))]);
    let (dns_queries, dns_failures) = (dns(), dns());
    let captures_table = listed(1, [("capture", text()), ("format", text()), ("status", text()), ("damage", text())]);
    // Each address has a name.
    let names = [(&by_ip, "ip_dst"), (&by_src, "ip_src"), (&conversations, "ip_src"), (&conversations, "ip_dst")];
    let names = names.map(|(listed, column)| (text_of(&listed.first, column, 0).unwrap().to_owned(), word()));
    let implausible = [ImplausibleCounts { capture: word(), frame: 2, orig_len: 7, cap_len: 1, packets: 2 }];
    let protocol = [word(), word(), word()].map(|name| (Some(name), vec![5, 0, 2]));
    let by_date = [(Some(word()), vec![5, 0, 2])];
    PageContent {
        title: Some(word()),
        lake: word(),
        names: names.into(),
        implausible: implausible.into(),
        dates: Some((word(), word())),
        made: word(),
        series: Series { protocols: tracks((0, 1_000_000), protocol.into()), ..Series::default() },
        names_by_date: Some(tracks((0, 86_400_000_000), by_date.into())),
        bytes: 9,
        ..PageContent {
            by_name,
            by_ip,
            by_src,
            protocols,
            ports,
            conversations,
            dns_queries,
            dns_failures,
            captures_table,
            ..PageContent::default()
        }
    }
}

/// Characters that mean something in HTML, XML, CSS, JavaScript or the templates, invisible ones, and any other.
fn hostile() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        prop::sample::select(vec![
            "<",
            ">",
            "&",
            "\"",
            "'",
            "`",
            "=",
            "/",
            "</title>",
            "</style>",
            "</script>",
            "<script>alert(1)</script>",
            "<!--",
            "-->",
            "]]>",
            "<![CDATA[",
            "<?x",
            "&lt;",
            "&#60;",
            "&nbsp;",
            "{{ x }}",
            "{% x %}",
            "onload=x ",
            "javascript:x",
            "\u{0}",
            "\u{1b}[31m",
            "\r\n",
            "\t",
            "\u{202e}",
            "\u{2066}",
            "\u{feff}",
            "\u{200d}",
            "\u{ffff}",
            "\u{fffd}",
            "\u{301}",
            "שלום",
            "\\u{202e}",
            "N/A.",
            "url(//x)",
        ])
        .prop_map(str::to_owned),
        any::<char>().prop_map(String::from),
        "[a-z0-9.-]{1,40}",
    ];
    prop::collection::vec(piece, 1..9).prop_map(|pieces| pieces.concat())
}

/// The names and attributes of all elements, and all text, of a page without its script and style.
pub(super) fn read(page: &str) -> (Vec<String>, String) {
    assert_eq!((page.matches(SCRIPT).count(), page.matches(STYLE).count()), (1, 1));
    read_xml(&page.replace(SCRIPT, "").replace(STYLE, ""))
}

fn read_xml(page: &str) -> (Vec<String>, String) {
    let options = ParsingOptions { allow_dtd: true, ..ParsingOptions::default() };
    let tree = Document::parse_with_options(page, options).unwrap_or_else(|error| panic!("{error}\n{page}"));
    let mut elements = Vec::new();
    for element in tree.root().descendants().filter(roxmltree::Node::is_element) {
        let attributes: Vec<_> = element.attributes().map(|attribute| attribute.name()).collect();
        assert!(
            attributes.iter().all(|name| !name.starts_with("on") && !["src", "style"].contains(name)),
            "{attributes:?}"
        );
        assert!(element.attribute("href").is_none_or(|target| target.starts_with('#')));
        elements.push(format!("{} {}", element.tag_name().name(), attributes.join(" ")));
    }
    let text = tree.root().descendants().filter(roxmltree::Node::is_text).filter_map(|node| node.text());
    (elements, text.collect::<Vec<_>>().join("\n"))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_text_wherever_it_stands(words in prop::array::uniform32(hostile())) {
        // All texts differ: an address has one name.
        let mut number = 0..;
        let words = words.map(|word| format!("{word}{}", number.next().unwrap()));
        let page = html(&page_of(&words)).unwrap();
        let (elements, text) = read(&page);
        let harmless = page_of(&std::array::from_fn(|_| "x.".to_owned()));
        let plain = html(&harmless).unwrap();
        prop_assert_eq!(page.matches('<').count(), plain.matches('<').count());
        prop_assert_eq!(elements, read(&plain).0);
        for word in &words {
            prop_assert!(text.contains(&Printable::new(word).to_string()), "{word:?}");
        }
        prop_assert!(!page.chars().any(|c| c != '\n' && Printable::new(&c.to_string()).to_string() != c.to_string()));
        for ((file, plot), (_, plain)) in plots(&page_of(&words)).into_iter().zip(plots(&harmless)) {
            prop_assert_eq!(read_xml(&plot).0, read_xml(&plain).0, "{}", file);
        }
    }
}

#[test]
fn the_page_allows_its_own_script_and_style_and_no_other() {
    let hash = |text: &str| BASE64_STANDARD.encode(Sha256::digest(text.as_bytes()));
    assert_eq!(
        (hash(STYLE), hash(SCRIPT)),
        (STYLE_HASH.to_owned(), SCRIPT_HASH.to_owned()),
        "put the left into page.rs"
    );
    assert!(!STYLE.contains("</") && !SCRIPT.contains("</") && !SCRIPT.contains("<!--"));
    assert!(!STYLE.contains("url(") && !STYLE.contains("@import"));
    // The script draws with the same sizes.
    assert!(SCRIPT.contains(&format!("UNITS = {UNITS}, HEIGHT = {HEIGHT}, ")));
    let page = html(&PageContent::default()).unwrap();
    assert!(page.contains("content=\"default-src 'none'; style-src 'sha256-"));
    let of_svg = page.replace("http://www.w3.org/2000/svg", "");
    assert!(!of_svg.contains("http:") && !of_svg.contains("https:") && !of_svg.contains("src="));
}

#[test]
fn an_empty_lake_has_a_page() {
    let page = html(&PageContent::default()).unwrap();
    let (_, text) = read(&page);
    for sentence in [
        "No dates",
        "No packet has a time.",
        "No packets.",
        "No DNS messages.",
        "No captures.",
        "No capture is damaged.",
    ] {
        assert!(text.contains(sentence), "{sentence}\n{text}");
    }
    assert!(plots(&PageContent::default()).iter().all(|(_, plot)| !read_xml(plot).0.is_empty()));
}

#[test]
fn a_day_has_a_page_and_its_plots() {
    let content = day();
    let page = html(&content).unwrap();
    assert_eq!(page, html(&content).unwrap());
    let (elements, text) = read(&page);
    for shown in [
        "(no IP)",
        "(no name)",
        "(no address)",
        "(3 others)",
        "… and 204 more rows",
        "… and 18,442 more rows",
        "(at byte 1,048,560)",
        "gpj.\\u{202e}exe.example.",
        "<script>alert('x')</script>.example.",
        "61 packets (48.2 kB) have no time",
    ] {
        assert!(text.contains(shown), "{shown}");
    }
    // In the table of captures, which is last.
    assert!(text.rfind("not-a-capture").unwrap() < text.rfind("eth0-07").unwrap());
    assert!(text.rfind("eth0-17").unwrap() < text.rfind("eth0-00").unwrap());
    // Headings go down one level at a time, and every id is there once.
    let headings = elements.iter().filter_map(|element| element.strip_prefix('h')?.chars().next()?.to_digit(10));
    let headings: Vec<u32> = headings.collect();
    assert!(headings.first() == Some(&1) && headings.windows(2).all(|pair| pair[1] <= pair[0] + 1), "{headings:?}");
    let mut ids: Vec<&str> = page.split(" id=\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    ids.sort_unstable();
    assert!(ids.windows(2).all(|pair| pair[0] != pair[1]), "{ids:?}");
    assert_eq!(page.matches("<table").count(), page.matches("<caption").count());

    let folder = tempfile::tempdir().unwrap();
    let folder = std::env::var_os("REPORT_SAMPLE").map_or_else(|| folder.path().to_owned(), Into::into);
    std::fs::write(folder.join("report.html"), &page).unwrap();
    std::fs::write(folder.join("empty.html"), html(&PageContent::default()).unwrap()).unwrap();
    for (file, plot) in plots(&content) {
        read_xml(&plot);
        std::fs::write(folder.join(file), plot).unwrap();
    }
}

#[test]
fn the_page_of_a_year_can_be_sent() {
    let size = html(&year()).unwrap().len();
    assert!(size < 400_000, "{size}");
}

#[test]
fn extremes_have_a_page() {
    let of = |bytes: Vec<i64>, bin| PageContent {
        series: Series {
            protocols: Tracks {
                untimed: (i64::MAX, i64::MAX),
                ..tracks((i64::MAX - 7, bin), vec![(Some("TCP".into()), bytes.clone()), (None, bytes.clone())])
            },
            ..Series::default()
        },
        names_by_date: Some(tracks((i64::MAX - 7, bin), vec![(None, bytes)])),
        captures: u64::MAX,
        damaged: u64::MAX,
        refused: 1,
        packets: i64::MAX,
        bytes: i64::MAX,
        by_ip: Preview {
            rows: u64::MAX,
            ..listed(
                2,
                [
                    ("ip_dst", TableColumn::Text([Some("a".repeat(255)), None].into_iter().collect())),
                    ("bytes", ints(&[i64::MAX, -1])),
                ],
            )
        },
        ..PageContent::default()
    };
    for content in [
        of(vec![7], 1),
        of(vec![i64::MAX; 3], i64::MAX),
        of((0..2000).collect(), 60_000_000),
        of(vec![0; 9], 0),
        of(vec![-5, 5], -1),
    ] {
        read(&html(&content).unwrap());
        assert!(plots(&content).iter().all(|(_, plot)| !read_xml(plot).0.is_empty()));
    }
}

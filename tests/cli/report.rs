//! `parcap report`: a page that needs nothing else, whatever captures and their names hold.

use std::fs;
use std::path::Path;

use roxmltree::{Document, ParsingOptions};
use serde_json::json;

use crate::support::build::{Capture, dns_answer, udp};
use crate::support::{Row, files, folder, manifests, packets, repository, run, save, sum, text};

/// A page read as XML, without its script and style, which are the same on every page.
struct Page {
    /// The elements, and the names of their attributes.
    elements: Vec<String>,
    /// All text, and all titles, a line each.
    text: Vec<String>,
}

fn read(xml: &str) -> Page {
    let mut xml = xml.to_owned();
    for name in ["script", "style"] {
        if let Some((start, end)) = xml.find(&format!("<{name}>")).zip(xml.find(&format!("</{name}>"))) {
            xml.replace_range(start..end + name.len() + 3, "");
        }
    }
    let options = ParsingOptions { allow_dtd: true, ..ParsingOptions::default() };
    let tree = Document::parse_with_options(&xml, options).unwrap();
    let (mut elements, mut text) = (Vec::new(), Vec::new());
    for node in tree.root().descendants() {
        text.extend(node.text().filter(|_| node.is_text()).map(|text| text.trim().to_owned()));
        text.extend(node.attribute("title").map(str::to_owned));
        if node.is_element() {
            let names: Vec<_> = node.attributes().map(|attribute| attribute.name()).collect();
            assert!(names.iter().all(|name| !name.starts_with("on") && !["src", "style"].contains(name)), "{names:?}");
            assert!(node.attribute("href").is_none_or(|target| target.starts_with('#')));
            assert!(!["script", "style"].contains(&node.tag_name().name()));
            elements.push(format!("{} {}", node.tag_name().name(), names.join(" ")));
        }
    }
    Page { elements, text }
}

impl Page {
    fn has(&self, text: &str) -> bool {
        self.text.iter().any(|held| held == text)
    }
}

/// The page of a lake, and its plots by name.
fn report(lake: &Path, options: &[&str]) -> (String, Vec<(String, String)>) {
    let folder = folder();
    let (out, svg) = (folder.path().join("page.html"), folder.path().join("made/plots"));
    let ran = run([&["report", &text(lake), "--out", &text(&out), "--svg", &text(&svg)], options].concat());
    assert_eq!((ran.status, ran.stdout.as_str(), ran.stderr.as_str()), (Some(0), "", ""));
    let plots = files(&svg).iter().map(|name| (text(name), fs::read_to_string(svg.join(name)).unwrap())).collect();
    (fs::read_to_string(out).unwrap(), plots)
}

fn convert(inputs: &Path, lake: &Path) -> Option<i32> {
    run([Path::new("convert"), inputs, Path::new("--out"), lake, Path::new("--quiet")]).status
}

#[test]
fn a_page_of_the_samples_needs_nothing_else_and_has_their_names_and_sums() {
    let folder = folder();
    let lake = folder.path().join("lake");
    assert_eq!(convert(&repository("data/captures"), &lake), Some(0));
    let (html, plots) = report(&lake, &[]);
    let page = read(&html);
    // The names of vocabularies are not loaded; what a browser would load, it finds after these words.
    let links = html.replace("http://www.w3.org/2000/svg", "");
    for word in ["http:", "https:", "src=", "url(", "import", "fetch", "//"] {
        let comment = |line: &&str| !line.trim_start().starts_with("// ");
        assert!(!links.lines().filter(comment).any(|line| line.contains(word)), "{word}");
    }
    // Rows and bytes: EXPECTED.tsv.
    let expected = fs::read_to_string(repository("data/captures/EXPECTED.tsv")).unwrap();
    let column =
        |place| expected.lines().skip(1).map(move |line| line.split('\t').nth(place).unwrap().parse::<u64>().unwrap());
    assert_eq!((column(1).sum::<u64>(), column(4).sum::<u64>()), (1331, 305_323));
    // 73,904 bytes: `SELECT sum(length) FROM packets WHERE ip_dst = '192.0.2.10'`.
    for word in ["1,331", "305,323 bytes", "www.example.com.", "192.0.2.10", "73,904 bytes", "No capture is damaged."] {
        assert!(page.has(word), "{word} is not in {:?}", page.text);
    }
    // Layers of each picture, from DuckDB: `GROUP BY protocol`; by name of the destination, or else of the source, joined with `names`
    // (docs/report.md has the statement).
    for (picture, layers) in [
        ("Bytes by protocol", [("TCP", "227,814 bytes"), ("UDP", "28,760 bytes"), ("(no IP)", "2,132 bytes")]),
        ("Packets by protocol", [("TCP", "889 packets"), ("UDP", "245 packets"), ("(no IP)", "36 packets")]),
        (
            "Bytes by name and date",
            [
                ("files.example.com.", "83,179 bytes"),
                ("www.example.com.", "78,517 bytes"),
                ("(no name)", "76,666 bytes"),
            ],
        ),
        (
            "Packets by name and date",
            [("files.example.com.", "246 packets"), ("www.example.com.", "351 packets"), ("(no name)", "378 packets")],
        ),
    ] {
        let title = format!(">{picture}</title>");
        let legend = html.split(&title).nth(1).unwrap().split("class=\"legend\"").nth(1).unwrap();
        let legend = legend.split("</ul>").next().unwrap();
        for (name, amount) in layers {
            let layer = legend.split("<li>").find(|layer| layer.contains(&format!(">{name}</b>"))).unwrap();
            assert!(layer.contains(&format!("title=\"{amount}\"")), "{picture}, {name}: {layer}");
        }
    }
    for line in expected.lines().skip(1) {
        let path = repository("data/captures").join(line.split('\t').next().unwrap());
        assert!(page.has(&text(&path)), "{}", path.display());
    }
    let names: Vec<_> = plots.iter().map(|(name, _)| name.as_str()).collect();
    let tables = [
        "conversations",
        "dns_failures",
        "dns_queries",
        "ports",
        "protocols",
        "traffic-by-name-packets",
        "traffic-by-name",
        "traffic-packets",
        "traffic",
    ];
    let volumes = ["volume_by_ip", "volume_by_name", "volume_by_src"];
    assert_eq!(names, tables.iter().chain(&volumes).map(|name| format!("{name}.svg")).collect::<Vec<_>>());
    for (name, plot) in &plots {
        assert_eq!(Document::parse(plot).unwrap().root_element().tag_name().name(), "svg", "{name}");
        assert!(!read(plot).elements.is_empty());
    }
}

#[test]
fn without_packets_that_have_a_time_there_is_no_picture() {
    let folder = folder();
    let empty = save(&folder, "empty.pcap", &fs::read(repository("data/captures/office-hour.pcap")).unwrap()[..24]);
    let lake = folder.path().join("lake");
    assert_eq!(convert(&empty, &lake), Some(0));
    let filtered: &[&str] = &["--protocol", "GRE"];
    let office = repository("data/captures/office-hour.pcap");
    for (named, options) in [(&empty, &[][..]), (&lake, &[]), (&office, filtered)] {
        let (html, plots) = report(named, options);
        assert!(read(&html).has("No packet has a time."), "{html}");
        // The script draws none, either.
        assert!(!html.contains("class=\"figure\""));
        assert!(plots.iter().any(|(name, plot)| name == "traffic.svg" && plot.contains("No packet has a time.")));
    }
}

/// Labels of a DNS name that a browser or a viewer would take for more than text.
const HOSTILE: [&[u8]; 5] =
    [b"<script>alert(1)</script>", b"\"><img/src=x/onerror=x>", b"'&lt;&#60;", b"]]>--><!--", b"{{7*7}}${7}"];

/// A lake of two captures with five names each, of which the paths are given.
fn named(labels: &[&[u8]; 5], file: &str) -> (Page, Vec<Page>) {
    let capture = |late: u32| {
        let mut capture = Capture::pcap();
        for (number, label) in (0_u16..).zip(labels) {
            let [_, low] = number.to_be_bytes();
            let micros = late + u32::from(number);
            capture.record(2, micros, dns_answer(number, &[label, b"example"], &[[192, 0, 2, low]]));
            capture.record(2, micros, udp(number, &[0; 300][..usize::from(number)]));
        }
        capture.bytes
    };
    let folder = folder();
    fs::create_dir(folder.path().join("captures")).unwrap();
    save(&folder, &format!("captures/{file}.pcap"), &capture(0));
    let cut = capture(9);
    save(&folder, &format!("captures/{file}-cut.pcap"), &cut[..cut.len() - 1]);
    let lake = folder.path().join("lake");
    assert_eq!(convert(&folder.path().join("captures"), &lake), Some(3));
    let (html, plots) = report(&lake, &[]);
    (read(&html), plots.iter().map(|(_, plot)| read(plot)).collect())
}

#[test]
fn markup_in_names_and_paths_is_text() {
    let file = "<script>alert(2)<\u{1b}[2J\n\r\u{202e}\u{9b}'\"&amp;]]><svg onload=x>";
    let (page, plots) = named(&HOSTILE, file);
    // The same elements, in the same order, as of names that are as long, and harmless.
    let mut letters = b'a'..;
    let harmless = HOSTILE.map(|label| vec![letters.next().unwrap(); label.len()]);
    let labels: Vec<&[u8]> = harmless.iter().map(Vec::as_slice).collect();
    let (other, other_plots) = named(labels.as_slice().try_into().unwrap(), "harmless");
    assert_eq!(page.elements, other.elements);
    for (plot, other) in plots.iter().zip(&other_plots) {
        assert_eq!(plot.elements, other.elements);
    }
    for label in HOSTILE {
        let name = format!("{}.example.", std::str::from_utf8(label).unwrap());
        assert!(page.has(&name), "{name} is not in {:?}", page.text);
        assert!(plots.iter().any(|plot| plot.has(&name)), "{name} is in no plot");
    }
    let shown = "<script>alert(2)<\\u{1b}[2J\\n\\r\\u{202e}\\u{9b}'\"&amp;]]><svg onload=x>.pcap";
    assert!(page.text.iter().any(|text| text.ends_with(shown)), "{:?}", page.text);
    let seen = |page: &Page| page.text.iter().all(|text| !text.contains(['\u{1b}', '\u{9b}', '\u{202e}']));
    assert!(seen(&page) && plots.iter().all(seen));
}

#[test]
fn a_page_of_some_dates_has_their_packets_only() {
    let folder = folder();
    let lake = folder.path().join("lake");
    assert_eq!(convert(&repository("data/captures"), &lake), Some(0));
    let rows = packets(&lake);
    for (options, from, to) in [
        (&["--from", "2024-03-11", "--to", "2024-03-11"][..], "2024-03-11", "2024-03-11"),
        (&["--to", "2024-02-29"], "0001-01-01", "2024-02-29"),
        (&["--from", "2024-03-12"], "2024-03-12", "9999-12-31"),
    ] {
        let (html, _) = report(&lake, options);
        let page = read(&html);
        let of = |date: &str| from <= date && date <= to;
        let rows: Vec<_> = rows.iter().filter(|row| of(row.partition.strip_prefix("date=").unwrap())).collect();
        let bytes = sum(rows.iter().copied(), "length");
        assert!(bytes > 0 && page.has(&format!("{},{:03} bytes", bytes / 1000, bytes % 1000)), "{options:?}: {bytes}");
        assert!(page.has(&rows.len().to_string()), "{options:?}: {}", rows.len());
    }
    let html = report(&lake, &["--from", "2030-01-01"]).0;
    assert!(read(&html).has("0 bytes") || read(&html).has("0 B"));
}

#[test]
fn the_same_lake_gives_the_same_page_but_for_when_it_was_made() {
    let folder = folder();
    let lake = folder.path().join("lake");
    assert_eq!(convert(&repository("data/captures/dns.pcapng"), &lake), Some(0));
    let made = |html: &str| {
        let (before, rest) = html.split_once(">made ").unwrap();
        let (made, after) = rest.split_once('<').unwrap();
        (made.parse::<jiff::Timestamp>().unwrap(), format!("{before}{after}"))
    };
    let before = jiff::Timestamp::now();
    let [(first, plots), (second, others)] = [report(&lake, &[]), report(&lake, &[])];
    let ((first, page), (second, other)) = (made(&first), made(&second));
    assert_eq!((page, plots), (other, others));
    let second_ago = before - jiff::SignedDuration::from_secs(1);
    assert!(second_ago <= first && first <= second && second <= jiff::Timestamp::now());
}

#[test]
fn what_cannot_be_written_is_a_failure_and_a_page_is_written_over() {
    let folder = folder();
    let lake = folder.path().join("lake");
    assert_eq!(convert(&repository("data/captures/vlan.pcap"), &lake), Some(0));
    let lake = text(&lake);
    let file = text(&save(&folder, "file", b""));
    let (out, nowhere) = (text(&folder.path().join("page.html")), text(&folder.path().join("no/where.html")));
    for (options, complaint) in [
        (vec!["--out", &nowhere], format!("error: {nowhere}: cannot write: No such file or directory (os error 2)")),
        (vec!["--out", &lake], format!("error: {lake}: cannot write: Is a directory (os error 21)")),
        (vec!["--out", &out, "--svg", &file], format!("error: {file}: cannot create: File exists (os error 17)")),
    ] {
        let ran = run([&["report", &lake], &options[..]].concat());
        assert_eq!((ran.status, ran.stdout.as_str(), ran.complaint()), (Some(1), "", complaint.as_str()));
    }
    fs::write(&out, "x".repeat(1 << 20)).unwrap();
    assert_eq!(run(["report", &lake, "--out", &out]).status, Some(0));
    assert!(fs::read_to_string(&out).unwrap().trim_end().ends_with("</html>"));
    // What cannot be read is named as `summarize` names it, and the page stays as it was.
    let before = fs::read(&out).unwrap();
    let missing = text(&folder.path().join("gone"));
    let empty = folder.path().join("empty");
    fs::create_dir(&empty).unwrap();
    for named in [&missing, &text(&empty)] {
        let (ran, summed) = (run(["report", named, "--out", &out]), run(["summarize", named]));
        assert_eq!((ran.status, ran.stdout, ran.stderr), (summed.status, summed.stdout, summed.stderr.clone()));
        assert!(ran.status != Some(0) && summed.stderr.starts_with(&format!("error: {named}: ")), "{}", summed.stderr);
    }
    assert_eq!(fs::read(&out).unwrap(), before);
    assert!(!Path::new(&missing).exists());
}

/// Without when it was made, what it is of, and how it would have flows.
fn comparable(html: &str) -> String {
    let (before, rest) = html.split_once(">made ").unwrap();
    let (_, after) = rest.split_once('<').unwrap();
    let (_, before) = before.split_once("</span></p>\n<h1>").unwrap();
    format!("{before}<{after}").replace("parcap report … --flows", "parcap convert … --flows")
}

#[test]
fn a_page_of_captures_is_that_of_a_lake_of_them() {
    let folder = folder();
    let (lake, captures) = (folder.path().join("lake"), repository("data/captures"));
    let hosts = format!("hosts:{},dns", save(&folder, "hosts", b"192.0.2.10 ours\n").display());
    for (number, options) in
        [&["--names", "dns"][..], &["--names", &hosts, "--window", "1m"], &["--length", "captured"]]
            .into_iter()
            .enumerate()
    {
        let lake = lake.join(number.to_string());
        let to = ["convert", &text(&captures), "--out", &text(&lake), "--quiet"].map(str::to_owned);
        let ran = run(to.into_iter().chain(options.iter().map(|option| (*option).to_owned())));
        assert_eq!(ran.status, Some(0));
        let (of_lake, lake_plots) = report(&lake, &["--title", "Both"]);
        let (of_captures, plots) = report(&captures, &[&["--title", "Both"], options].concat());
        assert_eq!(comparable(&of_captures), comparable(&of_lake), "{options:?}");
        assert_eq!(plots, lake_plots);
        let page = read(&of_captures);
        assert!(page.has("Both") && page.has(&text(&captures)), "{:?}", page.text);
        assert_eq!(page.has("ours."), number == 1);
    }
}

#[test]
fn captures_are_named_and_damage_is_told() {
    let folder = folder();
    let bytes = super::capture().bytes;
    let paths = [("a.pcap", bytes.len()), ("b.pcap", bytes.len() - 1)]
        .map(|(name, size)| text(&save(&folder, name, &bytes[..size])));
    let out = text(&folder.path().join("page.html"));
    let ran = run(["report", &paths[0], &paths[1], "--out", &out]);
    assert_eq!((ran.status, ran.stdout.as_str()), (Some(3), ""));
    assert!(ran.complaint().starts_with(&format!("warning: {}: packet 90 is cut off", paths[1])), "{}", ran.stderr);
    let page = read(&fs::read_to_string(&out).unwrap());
    for shown in [&format!("{} and 1 more", paths[0]), "179", "1 capture is damaged; packets up to the fault are here."]
    {
        assert!(page.text.iter().any(|text| text.contains(shown)), "{shown} is not in {:?}", page.text);
    }
}

/// A length on the wire that a fuzzer has made: four spaces.
const SPACES: u32 = 0x2020_2020;

#[test]
fn a_length_that_no_packet_has_is_named_below_the_traffic() {
    let folder = folder();
    let mut capture = Capture::pcap();
    for (day, number) in [(2, 0), (2, 1), (3, 2), (3, 3)] {
        let mut frame = udp(number, &[0; 58]);
        if number == 1 {
            frame.orig_len = SPACES;
        }
        capture.record(day, 0, frame);
    }
    save(&folder, "harmless.pcap", &super::capture().bytes);
    let path = save(&folder, "fuzzed.pcap", &capture.bytes);
    let lake = folder.path().join("lake");
    assert_eq!(convert(folder.path(), &lake), Some(0));
    // Of the second packet 100 bytes are there.
    let says = "announces 538,976,288 bytes on the wire, and has 100 bytes.";
    for named in [lake.as_path(), &path] {
        let (html, _) = report(named, &[]);
        let page = read(&html);
        assert!(
            page.text.iter().any(|text| text.contains(says) && text.contains("It is 100.0% of all bytes")),
            "{html}"
        );
        let at = html.find(says).unwrap();
        assert!(html[..at].ends_with(&format!("Packet 2 of <span class=\"data\">{}</span> ", text(&path))), "{html}");
        assert!(html.find("id=\"traffic\"").unwrap() < at && at < html.find("id=\"volume\"").unwrap());
        // On another date, and in captured bytes, it is none of what is shown.
        assert!(!report(named, &["--from", "2020-03-01"]).0.contains("announces"));
    }
    assert!(!report(&path, &["--length", "captured"]).0.contains("announces"));
    let odd = &manifests(&lake)[0]["inputs"][0]["found"];
    assert_eq!((&odd["odd"]["implausible_wire_length"], &odd["implausible"]["frame"]), (&json!(1), &json!(2)));
    // A lake that an earlier version made does not know of it, and has a page.
    let manifest = lake.join("_parcap/manifest/0000000001.json");
    let mut said = manifests(&lake).remove(0);
    said["inputs"][0]["found"].as_object_mut().unwrap().remove("implausible").unwrap();
    said["inputs"][0]["found"]["odd"].as_object_mut().unwrap().remove("implausible_wire_length").unwrap();
    fs::write(&manifest, said.to_string()).unwrap();
    assert!(!report(&lake, &[]).0.contains("announces"));
}

#[test]
fn names_stand_beside_the_addresses_of_the_page() {
    let folder = folder();
    let lake = folder.path().join("lake");
    assert_eq!(convert(&repository("data/captures"), &lake), Some(0));
    let beside = |html: &str, address: &str, name: &str| {
        html.matches(&format!("<span class=\"data\">{address}</span> <span class=\"name\">{name}</span>")).count()
    };
    let html = report(&lake, &["--top", "1000"]).0;
    // As a destination and as a source, and in each conversation of it, whose directions are one row.
    let rows = packets(&lake);
    for (address, name) in [("198.51.100.10", "www.example.com."), ("2001:db8:200::5", "api.example.net.")] {
        let ends = |row: &Row| {
            let mut ends = ["ip_src", "ip_dst"].map(|column| row.get(column).map(str::to_owned));
            ends.sort();
            ends
        };
        let pairs: std::collections::BTreeSet<_> =
            rows.iter().map(ends).filter(|ends| ends.contains(&Some(address.to_owned()))).collect();
        assert_eq!(beside(&html, address, name), 2 + pairs.len(), "{address}");
        // One date: the rows need not be added up.
        assert!(beside(&report(&lake, &["--to", "2024-03-11", "--from", "2024-03-11"]).0, address, name) >= 2);
    }
    assert!(!report(&lake, &["--names", "off"]).0.contains("class=\"name\""));
}

//! Law 24: looking into tunnels changes rows of tunnels and no others, and all that follows from rows: summaries, and what is counted
//! again of them. A lake that looks into none has no trace of it.

use parcap::commands::ConvertRequest;
use parcap::config::{Decapsulation, Settings};
use parcap::packets::{COLUMNS, further_columns};

use crate::support::{Row, convert, files, folder, hashes, packets, repository, request, run, sample, text};

/// The packets of the sample that have a tunnel, as `scripts/samples/make_captures.py` makes them: GRE, four times IP in IP, VXLAN.
const INSIDE: [[&str; 6]; 6] = [
    ["GRE", "-", "198.51.100.1", "TCP", "43000", "80"],
    ["IPIP", "-", "198.51.100.1", "TCP", "43000", "80"],
    ["IPIP", "-", "198.51.100.1", "UDP", "43001", "53"],
    ["IPIP", "-", "2001:db8:100::1", "UDP", "43001", "53"],
    ["IPIP", "-", "2001:db8:100::1", "TCP", "43000", "80"],
    ["VXLAN", "77", "198.51.100.1", "UDP", "43002", "53"],
];

fn usual(row: &Row) -> Vec<Option<&str>> {
    COLUMNS.iter().map(|column| row.get(column.name)).collect()
}

#[test]
fn rows_of_tunnels_are_of_the_packets_inside() {
    let folder = folder();
    let captures = [repository("data/captures/tunnels.pcap")];
    let lake = |name: &str, kinds: &str| {
        let lake = folder.path().join(name);
        let settings = Settings {
            decapsulate: kinds.parse().unwrap(),
            columns: further_columns("tunnel").unwrap(),
            ..Settings::default()
        };
        convert(&ConvertRequest { settings, ..request(&captures, &lake) });
        packets(&lake)
    };
    let (outer, inner, some) = (lake("outer", ""), lake("inner", "all"), lake("some", "vxlan"));
    assert_eq!((outer.len(), inner.len()), (10, 10));
    let said = |row: &Row| {
        let columns = ["tunnel", "tunnel_id", "outer_ip_dst", "protocol", "port_src", "port_dst"];
        columns.map(|column| row.get(column).unwrap_or("-").to_owned())
    };
    assert_eq!(inner.iter().take(6).map(said).collect::<Vec<_>>(), INSIDE);
    for (number, (outer, inner)) in outer.iter().zip(&inner).enumerate() {
        assert_eq!((outer.get("tunnel"), outer.get("outer_ip_src")), (None, None));
        assert_eq!(usual(outer) == usual(inner), number >= 6, "{number}");
        for column in ["length", "time", "datetime"] {
            assert_eq!(outer.get(column), inner.get(column));
        }
        let expected = if number == 5 { inner } else { outer };
        assert_eq!(usual(&some[number]), usual(expected), "{number}");
    }
    // A query, which is within VXLAN.
    assert_eq!((outer[5].get("dns_query"), inner[5].get("dns_query")), (None, Some("www.example.com.")));
}

#[test]
fn what_follows_from_rows_follows_from_those_inside() {
    let folder = folder();
    let lake = text(&folder.path().join("lake"));
    let (tunnels, office) = (sample("tunnels.pcap"), sample("office-hour.pcap"));
    let parcap = |arguments: &[&str]| {
        let ran = run(arguments);
        assert_eq!(ran.status, Some(0), "{arguments:?}: {ran:?}");
        ran.stdout
    };
    let asked = ["--decapsulate", "all"];
    parcap(&[&["convert", &office, &tunnels, "--out", &lake, "--quiet", "--top", "0"][..], &asked].concat());
    let ports = ["--format", "csv", "--table", "ports"];
    let of_lake = parcap(&[&["summarize", &lake][..], &ports].concat());
    let of_captures = parcap(&[&["summarize", &office, &tunnels][..], &ports, &asked].concat());
    let outer = parcap(&[&["summarize", &office, &tunnels][..], &ports].concat());
    assert_eq!(of_lake, of_captures);
    assert!(!of_lake.contains(",4789,") && outer.contains(",4789,"), "{outer}");
    // The lake's own choice may be said, and no other.
    assert_eq!(parcap(&[&["summarize", &lake][..], &ports, &asked].concat()), of_lake);
    let other = run([&["summarize", &lake, "--decapsulate", "vxlan"][..], &ports].concat());
    assert_eq!(other.status, Some(2), "{other:?}");
    assert!(other.complaint().contains("`--decapsulate all`"), "{other:?}");

    parcap(&["verify", "--deep", &lake]);
    parcap(&["forget", &lake, &office]);
    parcap(&["verify", "--deep", &lake]);
    let alone = text(&folder.path().join("alone"));
    parcap(&[&["convert", &tunnels, "--out", &alone, "--quiet", "--top", "0"][..], &asked].concat());
    let shown = |lake: &str| parcap(&[&["summarize", lake][..], &ports].concat());
    assert_eq!(shown(&lake), shown(&alone));
}

#[test]
fn a_lake_that_looks_into_none_has_no_trace_of_it() {
    let folder = folder();
    let [plain, empty] = ["plain", "empty"].map(|name| folder.path().join(name));
    let captures = [repository("data/captures/tunnels.pcap")];
    convert(&request(&captures, &plain));
    let settings = Settings { decapsulate: Decapsulation::default(), ..Settings::default() };
    convert(&ConvertRequest { settings, ..request(&captures, &empty) });
    assert_eq!(hashes(&plain.join("packets")), hashes(&empty.join("packets")));
    for file in files(&plain) {
        let bytes = std::fs::read(plain.join(&file)).unwrap();
        let found = bytes.windows(b"decapsulate".len()).any(|window| window == b"decapsulate");
        assert!(!found, "{}", file.display());
    }
}

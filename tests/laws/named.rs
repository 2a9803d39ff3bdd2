//! Law 16: the table of names is the one map from addresses to names: with it the packets table gives `volume_by_name`, row
//! by row; its names are those that the DNS answers, the ClientHellos and the hosts file say.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use parcap::config::Names;
use parcap::packets::further_columns;
use proptest::prelude::*;

use crate::support::build::{Capture, DAYS, Frame, client_hello, dns_answer, other, udp};
use crate::support::{Row, convert, folder, packets, repository, request, save, summary};

/// A packet, and the name and the addresses of the DNS answer that it carries, or the server name.
#[derive(Clone, Debug)]
struct Sent {
    frame: Frame,
    answer: Option<(&'static str, Vec<[u8; 4]>)>,
    server_name: Option<&'static str>,
}

const ADDRESSES: [[u8; 4]; 5] = [[192, 0, 2, 1], [192, 0, 2, 2], [198, 51, 100, 7], [10, 0, 0, 9], [9, 255, 0, 1]];
const LABELS: [&str; 4] = ["b", "a", "Upper", "zz"];
/// Two addresses, one of them with a line that comes too late, and one that no packet has.
const HOSTS: &str = "192.0.2.1 Host.One other\n192.0.2.1 late\n9.255.0.1 nine\n203.0.113.1 nobody\n";

fn any_packet() -> impl Strategy<Value = Sent> {
    let address = || prop::sample::select(ADDRESSES.to_vec());
    let answer = (prop::sample::select(LABELS.to_vec()), prop::collection::vec(address(), 0..4));
    // Some that are no names of DNS, and an address.
    let server_name = prop::sample::select(vec!["b", "Upper", "tls", "a", "10.0.0.9", "a..b", "tls."]);
    (address(), address(), prop::option::of(answer), server_name, 0..9_u8).prop_map(
        |(src, dst, answer, server_name, kind)| {
            let is_hello = answer.is_none() && kind >= 5;
            let mut frame = match &answer {
                None if kind == 0 => return Sent { frame: other(b"no IP"), answer: None, server_name: None },
                None if is_hello => client_hello(7, server_name.as_bytes()),
                None => udp(7, &vec![0; kind.into()]),
                Some((label, addresses)) => dns_answer(7, &[label.as_bytes()], addresses),
            };
            frame.data[26..30].copy_from_slice(&src);
            frame.data[30..34].copy_from_slice(&dst);
            Sent { frame, answer, server_name: is_hello.then_some(server_name) }
        },
    )
}

/// What the table of names says: by date and address the name and its source. No address is there twice, and they are in
/// their order.
fn map_of(lake: &Path) -> BTreeMap<(String, String), (String, String)> {
    let rows = summary(lake, "names");
    let order = |row: &Row| (row.partition.clone(), row.get("address").unwrap().parse::<std::net::IpAddr>().unwrap());
    assert!(rows.iter().map(order).is_sorted_by(|a, b| a < b), "{rows:?}");
    let text = |row: &Row, column| row.get(column).unwrap().to_owned();
    rows.iter()
        .map(|row| ((row.partition.clone(), text(row, "address")), (text(row, "name"), text(row, "source"))))
        .collect()
}

/// `volume_by_name`, made of the packets and the map alone.
fn volumes(rows: &[Row], map: &BTreeMap<(String, String), (String, String)>) -> BTreeMap<[String; 2], (i64, i64)> {
    let mut sums = BTreeMap::<_, (i64, i64)>::new();
    for row in rows {
        let name = row.get("ip_dst").map_or_else(String::new, |address| {
            let held = map.get(&(row.partition.clone(), address.to_owned()));
            held.map_or_else(|| "N/A".to_owned(), |(name, _)| name.clone())
        });
        let sum = sums.entry([row.partition.clone(), name]).or_default();
        *sum = (sum.0 + row.int("length").unwrap(), sum.1 + 1);
    }
    sums
}

/// The table and the map agree; gives the map.
fn check(lake: &Path) -> BTreeMap<(String, String), (String, String)> {
    let (rows, map) = (packets(lake), map_of(lake));
    let said = summary(lake, "volume_by_name");
    let sums = said.iter().map(|row| {
        let key = [row.partition.clone(), row.get("name_dst").unwrap_or_default().to_owned()];
        (key, (row.int("bytes").unwrap(), row.int("packets").unwrap()))
    });
    let sums: BTreeMap<_, _> = sums.collect();
    assert_eq!((sums.len(), &sums), (said.len(), &volumes(&rows, &map)));
    map
}

/// The name that the packets of a date gave an address most often, the first in order of several.
fn given(answers: &BTreeMap<(String, String), BTreeMap<String, u32>>, key: &(String, String)) -> Option<String> {
    let names = answers.get(key)?;
    let most = names.values().max()?;
    names.iter().find(|(_, count)| *count == most).map(|(name, _)| name.clone())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn names_are_one_map_from_addresses_to_names(
        sent in prop::collection::vec((any_packet(), 0..2_usize), 0..50),
        sources in prop::sample::select(
            vec!["dns", "hosts", "dns,hosts", "hosts,dns", "off", "sni", "dns,sni", "sni,dns", "sni,hosts,dns"],
        ),
    ) {
        let folder = folder();
        let hosts = save(&folder, "hosts", HOSTS.as_bytes());
        let names: Names = sources.replace("hosts", &format!("hosts:{}", hosts.display())).parse().unwrap();
        let mut capture = Capture::pcap();
        let mut answers = BTreeMap::<_, BTreeMap<String, u32>>::new();
        let mut hellos = BTreeMap::<_, BTreeMap<String, u32>>::new();
        let mut seen = BTreeSet::new();
        for (Sent { frame, answer, server_name }, day) in &sent {
            capture.record(day + 3, 0, frame.clone());
            let date = format!("date={}", DAYS[day + 3].1);
            let dotted = |bytes: &[u8]| bytes.iter().map(u8::to_string).collect::<Vec<_>>().join(".");
            if frame.data[12..14] == [8, 0] {
                seen.extend([26, 30].map(|at| (date.clone(), dotted(&frame.data[at..at + 4]))));
            }
            if let Some(name) = server_name.filter(|name| !["10.0.0.9", "a..b"].contains(name)) {
                let names = hellos.entry((date.clone(), dotted(&frame.data[30..34]))).or_default();
                *names.entry(format!("{}.", name.trim_end_matches('.').to_lowercase())).or_default() += 1;
            }
            for (label, address) in answer.iter().flat_map(|(label, all)| all.iter().map(move |one| (label, one))) {
                let names = answers.entry((date.clone(), dotted(address))).or_default();
                *names.entry(format!("{}.", label.to_lowercase())).or_default() += 1;
            }
        }
        let hosts = BTreeMap::from([("192.0.2.1", "host.one."), ("9.255.0.1", "nine.")]);
        let mut expected = BTreeMap::new();
        for key in seen {
            let name = sources.split(',').find_map(|source| match source {
                "dns" => Some((given(&answers, &key)?, source.to_owned())),
                "sni" => Some((given(&hellos, &key)?, source.to_owned())),
                "hosts" => Some(((*hosts.get(key.1.as_str())?).to_owned(), source.to_owned())),
                _ => None,
            });
            expected.extend(name.map(|name| (key, name)));
        }
        let mut request = request(&[save(&folder, "any.pcap", &capture.bytes)], &folder.path().join("lake"));
        request.settings.names = names;
        request.settings.columns = further_columns(if sources.contains("sni") { "tls" } else { "" }).unwrap();
        convert(&request);
        prop_assert_eq!(check(&request.lake), expected);
    }
}

/// Of captures that others made, IPv6 among them; over several nights.
#[test]
fn names_of_the_samples_are_one_map() {
    let folder = folder();
    let lake = folder.path().join("lake");
    convert(&request(&[repository("data/captures/dns.pcapng")], &lake));
    check(&lake);
    convert(&request(&[repository("data/captures")], &lake));
    let map = check(&lake);
    let (v4, v6): (Vec<_>, Vec<_>) = map.keys().partition(|(_, address)| !address.contains(':'));
    assert!(!v4.is_empty() && !v6.is_empty(), "{map:?}");
}

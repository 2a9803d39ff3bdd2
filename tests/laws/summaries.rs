//! Law 10: each summary table is what the packets table says, added up; DNS tables are what the messages say. Filters take
//! the same packets from a lake as from its captures.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use parcap::cancel::Cancel;
use parcap::commands::{SummarizeRequest, summarize};
use parcap::day::Day;
use parcap::summary::{Filter, LeftOut, Preview};
use proptest::prelude::*;

use crate::support::build::{Capture, Frame, dns_answer, pcap_header, pcap_record, udp};
use crate::support::{Row, convert, folder, packets, repository, request, save, summary};

use super::Settings;
use super::random::{any_capture, wanted};
use super::tally::tried;

type Key = Vec<Option<String>>;

/// Bytes and packets by date and some columns.
fn added_up(rows: &[Row], key: impl Fn(&Row) -> (String, Key)) -> BTreeMap<(String, Key), (i64, i64)> {
    let mut sums = BTreeMap::<_, (i64, i64)>::new();
    for row in rows {
        let sum = sums.entry(key(row)).or_default();
        *sum = (sum.0 + row.int("length").unwrap(), sum.1 + 1);
    }
    sums
}

/// What a summary table says, by date and some columns; each key must be there once.
fn said(lake: &Path, table: &str, columns: &[&str]) -> BTreeMap<(String, Key), (i64, i64)> {
    let rows = summary(lake, table);
    let sums = rows.iter().map(|row| {
        let key = columns.iter().map(|column| row.get(column).map(str::to_owned)).collect();
        ((row.partition.clone(), key), (row.int("bytes").unwrap(), row.int("packets").unwrap()))
    });
    let sums: BTreeMap<_, _> = sums.collect();
    assert_eq!(sums.len(), rows.len(), "{table} has a key twice");
    sums
}

fn by(columns: &'static [&'static str]) -> impl Fn(&Row) -> (String, Key) {
    move |row| (row.partition.clone(), columns.iter().map(|column| row.get(column).map(str::to_owned)).collect())
}

/// The date and the start of a row's window, in microseconds.
fn window_of(row: &Row, window: i64) -> (String, Option<String>) {
    match row.int("datetime") {
        Some(micros) => {
            let start = micros.div_euclid(window) * window;
            (format!("date={}", Day::of_seconds(start.div_euclid(1_000_000)).text()), Some(start.to_string()))
        }
        None => (row.partition.clone(), None),
    }
}

fn check(lake: &Path, settings: &Settings) {
    let rows = packets(lake);
    assert_eq!(said(lake, "volume_by_ip", &["ip_dst"]), added_up(&rows, by(&["ip_dst"])));
    assert_eq!(said(lake, "volume_by_src", &["ip_src"]), added_up(&rows, by(&["ip_src"])));
    assert_eq!(said(lake, "protocols", &["protocol"]), added_up(&rows, by(&["protocol"])));
    let rates = added_up(&rows, |row| {
        let (date, start) = window_of(row, settings.window);
        (date, vec![start])
    });
    assert_eq!(said(lake, "send_rates", &["window_start"]), rates);
    let rates = added_up(&rows, |row| {
        let (date, start) = window_of(row, settings.window);
        (date, vec![start, row.get("protocol").map(str::to_owned)])
    });
    assert_eq!(said(lake, "send_rates_by_protocol", &["window_start", "protocol"]), rates);
    for row in summary(lake, "send_rates") {
        let rate = row.float("window_s").map(|window_s| {
            #[expect(clippy::cast_precision_loss, reason = "as the table has it")]
            let bytes = row.int("bytes").unwrap() as f64;
            bytes / window_s
        });
        assert_eq!(row.float("bytes_per_s"), rate);
    }
    ports(lake, &rows);
    conversations(lake, &rows, settings.conversations);
}

fn ports(lake: &Path, rows: &[Row]) {
    let (to, from) = (added_up(rows, by(&["protocol", "port_dst"])), added_up(rows, by(&["protocol", "port_src"])));
    let mut sums: BTreeMap<_, [i64; 4]> = BTreeMap::new();
    for (key, (bytes, packets)) in to {
        sums.insert(key, [bytes, packets, 0, 0]);
    }
    for (key, (bytes, packets)) in from {
        let sums = sums.entry(key).or_default();
        (sums[2], sums[3]) = (bytes, packets);
    }
    let said = summary(lake, "ports");
    let said = said.iter().map(|row| {
        let key = ["protocol", "port"].map(|column| row.get(column).map(str::to_owned)).to_vec();
        let sums = ["bytes", "packets", "bytes_from", "packets_from"].map(|column| row.int(column).unwrap());
        ((row.partition.clone(), key), sums)
    });
    assert_eq!(said.collect::<BTreeMap<_, _>>(), sums);
}

/// An address in the order in which ties are broken: IPv4 before IPv6, numerically.
fn order(address: Option<&String>) -> (bool, Option<std::net::IpAddr>) {
    (address.is_none(), address.map(|text| text.parse().unwrap()))
}

fn conversations(lake: &Path, rows: &[Row], most: usize) {
    let mut dates = BTreeMap::<String, Vec<_>>::new();
    for ((date, key), sums) in added_up(rows, by(&["ip_src", "ip_dst"])) {
        dates.entry(date).or_default().push((key, sums));
    }
    let mut expected = Vec::new();
    for (date, mut pairs) in dates {
        let rank = |(key, (bytes, packets)): &(Key, (i64, i64))| {
            (-bytes, -packets, order(key[0].as_ref()), order(key[1].as_ref()))
        };
        pairs.sort_by_key(rank);
        let (nobody, pairs): (Vec<_>, Vec<_>) = pairs.into_iter().partition(|(key, _)| *key == [None, None]);
        let (largest, rest) = pairs.split_at(most.min(pairs.len()));
        let row = |(key, sums): &(Key, (i64, i64))| (date.clone(), key.clone(), *sums, None);
        expected.extend(nobody.iter().map(row));
        expected.extend(largest.iter().map(row));
        if !rest.is_empty() {
            let sums = rest.iter().fold((0, 0), |sum, (_, more)| (sum.0 + more.0, sum.1 + more.1));
            expected.push((date.clone(), vec![None, None], sums, Some(i64::try_from(rest.len()).unwrap())));
        }
    }
    let said = summary(lake, "conversations");
    let said = said.iter().map(|row| {
        let key = ["ip_src", "ip_dst"].map(|column| row.get(column).map(str::to_owned)).to_vec();
        let sums = (row.int("bytes").unwrap(), row.int("packets").unwrap());
        (row.partition.clone(), key, sums, row.int("rest"))
    });
    assert_eq!(said.collect::<Vec<_>>(), expected);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn tables_are_what_the_packets_add_up_to(
        wanted in prop::collection::vec(wanted(), 0..60),
        is_pcapng: bool,
        window in prop::sample::select(vec![1000, 250_000, 1_000_000, 7_000_000, 3_600_000_000, 86_400_000_000_i64]),
        conversations in prop_oneof![0..5_usize, Just(1000)],
    ) {
        let folder = folder();
        let capture = any_capture(&wanted, is_pcapng);
        let mut request = request(&[save(&folder, "any", &capture.bytes)], &folder.path().join("lake"));
        (request.settings.window, request.settings.conversations) = (window, conversations);
        request.settings.row_group_rows = 7;
        convert(&request);
        check(&request.lake, &request.settings);
    }
}

#[test]
fn tables_of_the_samples_are_what_their_packets_add_up_to() {
    let folder = folder();
    for (conversations, window) in [(1000, 1_000_000), (3, 100_000)] {
        let lake = folder.path().join(format!("{conversations}"));
        let mut request = request(&[repository("data/captures"), repository("data/damaged")], &lake);
        (request.settings.window, request.settings.conversations) = (window, conversations);
        convert(&request);
        check(&lake, &request.settings);
    }
}

/// A DNS message as it is put together.
#[derive(Clone, Debug)]
struct Message {
    name: Option<&'static str>,
    kind: u16,
    /// The response code; none for a query.
    code: Option<u8>,
    /// Names of CNAME records from the question on, and the last octet of each address that the last of them is given.
    aliases: Vec<&'static str>,
    addresses: Vec<u8>,
}

const NAMES: [&str; 5] = ["a.example.", "B.Example.", "b.example.", "long-name.of.some.labels.example.", "."];

fn any_message() -> impl Strategy<Value = Message> {
    let name = prop::option::weighted(0.9, prop::sample::select(NAMES.to_vec()));
    let aliases = prop::collection::vec(prop::sample::select(vec!["x.alias.", "y.alias.", "z.alias."]), 0..3);
    (
        name,
        prop::sample::select(vec![1, 28, 12, 65, 65280]),
        prop::option::of(0..16_u8),
        aliases,
        prop::collection::vec(0..4_u8, 0..4),
    )
        .prop_map(|(name, kind, code, mut aliases, addresses)| {
            // An alias once: a circle has no name that was asked.
            aliases.sort_unstable();
            aliases.dedup();
            Message { name, kind, code, aliases, addresses }
        })
}

fn wire(name: &str) -> Vec<u8> {
    let labels = name.split('.').filter(|label| !label.is_empty());
    let mut bytes: Vec<u8> =
        labels.flat_map(|label| [&[u8::try_from(label.len()).unwrap()], label.as_bytes()].concat()).collect();
    bytes.push(0);
    bytes
}

impl Message {
    fn bytes(&self) -> Vec<u8> {
        let records = self.aliases.len() + self.addresses.len();
        let flags = self.code.map_or(0x0100_u16, |code| 0x8180 | u16::from(code));
        let questions = u16::from(self.name.is_some());
        let counts = [7, flags, questions, u16::try_from(records).unwrap(), 0, 0];
        let mut bytes: Vec<u8> = counts.iter().flat_map(|number| number.to_be_bytes()).collect();
        if let Some(name) = self.name {
            bytes.extend(wire(name));
            bytes.extend(self.kind.to_be_bytes());
            bytes.extend([0, 1]);
        }
        let mut owner = self.asked();
        let record = |owner: &str, kind: u16, data: &[u8]| {
            let length = u16::try_from(data.len()).unwrap();
            [&wire(owner), kind.to_be_bytes().as_slice(), &[0, 1, 0, 0, 0, 9], &length.to_be_bytes(), data].concat()
        };
        for alias in &self.aliases {
            bytes.extend(record(owner, 5, &wire(alias)));
            owner = alias;
        }
        for last in &self.addresses {
            bytes.extend(record(owner, 1, &[203, 0, 113, *last]));
        }
        bytes
    }

    fn asked(&self) -> &'static str {
        self.name.unwrap_or("owner.example.")
    }

    /// Whether anything of it is recognised as DNS.
    fn is_recognised(&self) -> bool {
        self.name.is_some() || !self.aliases.is_empty() || !self.addresses.is_empty()
    }

    fn frame(&self) -> Frame {
        let mut frame = udp(1, &self.bytes());
        frame.data[34..36].copy_from_slice(&[0, 53]);
        frame
    }
}

fn type_name(kind: u16) -> String {
    match kind {
        1 => "A".to_owned(),
        12 => "PTR".to_owned(),
        28 => "AAAA".to_owned(),
        65 => "HTTPS".to_owned(),
        other => format!("TYPE{other}"),
    }
}

const CODES: [&str; 16] = [
    "NOERROR",
    "FORMERR",
    "SERVFAIL",
    "NXDOMAIN",
    "NOTIMP",
    "REFUSED",
    "YXDOMAIN",
    "YXRRSET",
    "NXRRSET",
    "NOTAUTH",
    "NOTZONE",
    "DSOTYPENI",
    "RCODE12",
    "RCODE13",
    "RCODE14",
    "RCODE15",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn dns_tables_are_what_the_messages_say(
        messages in prop::collection::vec((any_message(), 0..3_usize, 0..4_000_u32), 0..40),
    ) {
        let mut capture = Capture::pcap();
        let mut queries = BTreeMap::<(usize, Key), i64>::new();
        let mut names = BTreeMap::<(usize, u8, String), (i64, u32, u32)>::new();
        for (message, day, second) in &messages {
            capture.record(day + 3, second * 1_000_000, message.frame());
            if !message.is_recognised() {
                continue;
            }
            let code = message.code.map(|code| CODES[usize::from(code)].to_owned());
            let kind = message.name.map(|_| type_name(message.kind));
            *queries.entry((*day, vec![message.name.map(str::to_lowercase), kind, code])).or_default() += 1;
            for address in message.addresses.iter().filter(|_| message.code.is_some()) {
                let seen = names.entry((*day, *address, message.asked().to_lowercase())).or_insert((0, *second, *second));
                *seen = (seen.0 + 1, seen.1.min(*second), seen.2.max(*second));
            }
        }
        let folder = folder();
        let request = request(&[save(&folder, "dns.pcap", &capture.bytes)], &folder.path().join("lake"));
        convert(&request);
        let date = |day: usize| format!("date={}", crate::support::build::DAYS[day + 3].1);
        let said = summary(&request.lake, "dns_queries").into_iter().map(|row| {
            let key = ["name", "type", "response_code"].map(|column| row.get(column).map(str::to_owned)).to_vec();
            ((row.partition.clone(), key), row.int("count").unwrap())
        });
        let queries: BTreeMap<_, _> = queries.into_iter().map(|((day, key), count)| ((date(day), key), count)).collect();
        prop_assert_eq!(said.collect::<BTreeMap<_, _>>(), queries);
        let micros = |day: usize, second: u32| (crate::support::build::DAYS[day + 3].0 + i64::from(second)) * 1_000_000;
        let expected: Vec<_> = names
            .iter()
            .map(|((day, address, name), (answers, first, last))| {
                (date(*day), format!("203.0.113.{address}"), name.clone(), *answers, micros(*day, *first), micros(*day, *last))
            })
            .collect();
        let said: Vec<_> = summary(&request.lake, "dns_names")
            .iter()
            .map(|row| {
                let text = |column| row.get(column).unwrap().to_owned();
                let int = |column| row.int(column).unwrap();
                (row.partition.clone(), text("address"), text("name"), int("answers"), int("first_seen"), int("last_seen"))
            })
            .collect();
        prop_assert_eq!(said, expected);
    }
}

fn summarized(named: &[PathBuf], filter: &Filter, days: Option<(&str, &str)>) -> (Vec<Preview>, Vec<LeftOut>) {
    let day = |text| Day::of_text(text).unwrap();
    let request = SummarizeRequest {
        named: named.to_vec(),
        days: days.map_or(Day::FIRST..=Day::LAST, |(from, to)| day(from)..=day(to)),
        filter: filter.clone(),
        top: Some(10_000),
        ..SummarizeRequest::of_lake(Path::new(""), &Cancel::default())
    };
    let summarized = summarize(&request).unwrap();
    let left_out = summarized.left_out.clone();
    (summarized.listed().unwrap(), left_out)
}

/// A lake's sums, filtered, are those of its captures, whose packets are filtered one by one.
#[test]
fn filters_take_the_same_packets_from_a_lake_as_from_its_captures() {
    let folder = folder();
    let captures = vec![repository("data/captures")];
    let lake = folder.path().join("lake");
    convert(&request(&captures, &lake));
    let nets = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect();
    let mut compared = 0;
    for filter in [
        Filter::default(),
        Filter { protocols: vec![6], ..Filter::default() },
        Filter { protocols: vec![17, 58], nets: nets(&["2001:db8::/64"]), ..Filter::default() },
        Filter { nets: nets(&["192.0.2.10/32", "2001:db8:100::/48"]), ..Filter::default() },
        Filter { protocols: vec![200], ..Filter::default() },
        // 2024-03-11T09:00:05Z to 09:15:01Z, and from there on: `date -u -d … +%s`.
        Filter { times: Some(1_710_147_605_000_000..1_710_148_501_000_000), ..Filter::default() },
        Filter { protocols: vec![6], times: Some(1_710_148_501_000_000..i64::MAX), ..Filter::default() },
    ] {
        for days in [None, Some(("2024-03-11", "2024-03-11")), Some(("2024-02-28", "2024-02-29"))] {
            let (of_lake, left_out) = summarized(std::slice::from_ref(&lake), &filter, days);
            let (of_captures, _) = summarized(&captures, &filter, days);
            for listed in of_lake.iter().filter(|listed| listed.name != "captures") {
                let other = of_captures.iter().find(|other| other.name == listed.name).unwrap();
                assert_eq!(
                    (listed.rows, &listed.first),
                    (other.rows, &other.first),
                    "{}: {filter:?} {days:?}",
                    listed.name
                );
                compared += 1;
            }
            let left_out_too =
                of_lake.iter().find(|listed| left_out.iter().any(|left_out| left_out.name == listed.name));
            assert!(left_out_too.is_none(), "{left_out:?}");
        }
    }
    tried("filtered tables", compared);
    // What they show is what is in the lake.
    let (of_lake, left_out) = summarized(std::slice::from_ref(&lake), &Filter::default(), None);
    assert_eq!((of_lake.len(), left_out), (13, Vec::new()));
    let bytes = packets(&lake).iter().map(|row| row.int("length").unwrap()).sum::<i64>();
    for listed in of_lake.iter().filter(|listed| !listed.name.contains("names") && !listed.name.starts_with("dns")) {
        let Some(parcap::tables::TableColumn::Int(values)) = listed.first.column("bytes") else { panic!("{listed:?}") };
        assert_eq!(values.iter().flatten().sum::<i64>(), bytes, "{}", listed.name);
    }
}

/// Names that begin and end alike, and are as long, asked in turn: each is counted under its own.
#[test]
fn questions_that_look_alike_are_counted_apart() {
    let folder = folder();
    let mut bytes = pcap_header();
    let mut expected = BTreeMap::new();
    let mut number = 0;
    for round in 0..6 {
        for name in (1000..1600).filter(|name| name % 7 >= round) {
            let label = format!("question-{name}-of-many");
            bytes.extend(pcap_record(1_600_000_000, number, &dns_answer(7, &[label.as_bytes(), b"example"], &[])));
            *expected.entry(format!("{label}.example.")).or_insert(0) += 1;
            number += 1;
        }
    }
    let request = request(&[save(&folder, "questions.pcap", &bytes)], &folder.path().join("lake"));
    convert(&request);
    let rows = summary(&request.lake, "dns_queries");
    let found: BTreeMap<_, _> =
        rows.iter().map(|row| (row.get("name").unwrap().to_owned(), row.int("count").unwrap())).collect();
    assert_eq!((rows.len(), found), (600, expected));
}

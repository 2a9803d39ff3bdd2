//! Law of flows: their table is what the definition gives of all packets of the lake, by gaps and islands. In how many runs and units,
//! in chunks of which size, on how many threads, and in which order captures come, does not matter, nor that some were replaced or
//! forgotten.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use parcap::Lake;
use parcap::cancel::Cancel;
use parcap::commands::{ConvertRequest, SummarizeRequest, VerifyRequest, summarize, verify};
use parcap::config::Settings;
use proptest::prelude::*;

use crate::support::build::{Frame, other, pcap_header, pcap_record};
use crate::support::{Row, convert, files, folder, request, rows_in, save, summary};

use super::nights::assert_sound;
use super::nights_planned::in_pieces;

const DAY: i64 = 86_400_000_000;
/// 2024-03-11, in days since the epoch.
const FIRST_DAY: i64 = 19_793;
/// Microseconds of the timeout, and of what times are multiples of, so that gaps are often exactly the timeout.
const TIMEOUT: i64 = 60_000_000;
const STEP: i64 = 20_000_000;

const SYN: u8 = 2;
const SYN_ACK: u8 = 18;
const ACK: u8 = 16;
const FIN: u8 = 17;
const RST: u8 = 4;

/// A packet as the test makes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct FlowPacket {
    /// Microseconds since the epoch.
    micros: i64,
    src: u8,
    dst: u8,
    /// The ports of TCP and UDP.
    ports: (u16, u16),
    what: Carried,
    length: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Carried {
    Tcp(u8),
    Udp,
    Icmp,
    /// A later fragment of TCP: no ports, no flags.
    Fragment,
    NoIp,
}

impl FlowPacket {
    fn frame(&self) -> Frame {
        let (protocol, offset, payload) = match self.what {
            Carried::NoIp => return Frame { orig_len: self.length, ..other(&[0; 8]) },
            Carried::Tcp(flags) => {
                let mut header = vec![0; 20];
                header[..2].copy_from_slice(&self.ports.0.to_be_bytes());
                header[2..4].copy_from_slice(&self.ports.1.to_be_bytes());
                (header[12], header[13]) = (0x50, flags);
                (6, 0, header)
            }
            Carried::Udp => {
                let mut header = [self.ports.0.to_be_bytes(), self.ports.1.to_be_bytes()].concat();
                header.extend([0, 8, 0, 0]);
                (17, 0, header)
            }
            Carried::Icmp => (1, 0, vec![8, 0, 0, 0, 0, 0, 0, 0]),
            Carried::Fragment => (6, 100, vec![0; 24]),
        };
        let mut data = vec![2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, self.src, 8, 0, 0x45, 0];
        data.extend(u16::try_from(20 + payload.len()).unwrap().to_be_bytes());
        data.extend([0, 0, 0, offset, 64, protocol, 0, 0, 10, 0, 0, self.src, 10, 0, 0, self.dst]);
        data.extend(payload);
        Frame { data, orig_len: self.length, addresses: None, ports: None }
    }

    fn end(&self, is_src: bool) -> (u8, Option<u16>) {
        let (ip, port) = if is_src { (self.src, self.ports.0) } else { (self.dst, self.ports.1) };
        (ip, matches!(self.what, Carried::Tcp(_) | Carried::Udp).then_some(port))
    }

    fn protocol(&self) -> &'static str {
        match self.what {
            Carried::Tcp(_) | Carried::Fragment => "TCP",
            Carried::Udp => "UDP",
            Carried::Icmp => "ICMP",
            Carried::NoIp => "",
        }
    }

    fn flags(&self) -> Option<u8> {
        if let Carried::Tcp(flags) = self.what { Some(flags) } else { None }
    }
}

/// A row of the table, as text.
type Flow = Vec<String>;

const COLUMNS: [&str; 16] = [
    "first_time",
    "last_time",
    "ip_src",
    "port_src",
    "ip_dst",
    "port_dst",
    "protocol",
    "packets_out",
    "bytes_out",
    "packets_in",
    "bytes_in",
    "tcp_flags_out",
    "tcp_flags_in",
    "state",
    "is_cut",
    "duration_s",
];

/// The flows of packets by the definition.
fn expected(packets: &[FlowPacket]) -> BTreeSet<Flow> {
    let mut by_key: BTreeMap<_, Vec<FlowPacket>> = BTreeMap::new();
    for packet in packets.iter().filter(|packet| packet.what != Carried::NoIp) {
        let mut ends = [packet.end(true), packet.end(false)];
        // No port is above all ports.
        ends.sort_by_key(|(ip, port)| (*ip, port.map_or(u32::MAX, u32::from)));
        by_key.entry((ends, packet.protocol())).or_default().push(*packet);
    }
    let mut flows = BTreeSet::new();
    for ((ends, protocol), mut packets) in by_key {
        packets.sort_by_key(|packet| packet.micros);
        let mut runs: Vec<Vec<FlowPacket>> = Vec::new();
        for packet in packets {
            match runs.last_mut() {
                Some(run)
                    if packet.micros - run.last().unwrap().micros <= TIMEOUT
                        && packet.micros / DAY == run.last().unwrap().micros / DAY =>
                {
                    run.push(packet);
                }
                _ => runs.push(vec![packet]),
            }
        }
        for (place, run) in runs.iter().enumerate() {
            let (first, last) = (run[0].micros, run.last().unwrap().micros);
            let before = place.checked_sub(1).map(|before| runs[before].last().unwrap().micros);
            let after = runs.get(place + 1).map(|after| after[0].micros);
            let is_cut = before.is_some_and(|before| first - before <= TIMEOUT)
                || after.is_some_and(|after| after - last <= TIMEOUT);
            let at_first: Vec<&FlowPacket> = run.iter().filter(|packet| packet.micros == first).collect();
            let sends_first = |end| at_first.iter().any(|packet| packet.end(true) == end);
            let opens = |end| {
                at_first
                    .iter()
                    .any(|packet| packet.end(true) == end && packet.flags().is_some_and(|flags| flags & SYN_ACK == SYN))
            };
            let [lower, upper] = ends;
            let src = match (sends_first(lower), sends_first(upper)) {
                (true, true) if opens(upper) && !opens(lower) => upper,
                (true, _) => lower,
                _ => upper,
            };
            let dst = if src == lower { upper } else { lower };
            let out: Vec<&FlowPacket> = run.iter().filter(|packet| packet.end(true) == src).collect();
            let back: Vec<&FlowPacket> = run.iter().filter(|packet| packet.end(true) != src).collect();
            let has_flags = run.iter().any(|packet| packet.flags().is_some());
            let seen = |packets: &[&FlowPacket]| {
                packets.iter().filter_map(|packet| packet.flags()).fold(0, |all, flags| all | flags)
            };
            let opened = out.iter().any(|packet| packet.flags().is_some_and(|flags| flags & SYN_ACK == SYN));
            let state = has_flags
                .then(|| state(opened, seen(&out), seen(&back), back.iter().any(|packet| packet.flags().is_some())));
            let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
            let bytes = |packets: &[&FlowPacket]| {
                packets.iter().map(|packet| i64::from(packet.length)).sum::<i64>().to_string()
            };
            let flags = |packets: &[&FlowPacket]| or_dash(has_flags.then(|| seen(packets).to_string()));
            flows.insert(vec![
                first.to_string(),
                last.to_string(),
                format!("10.0.0.{}", src.0),
                or_dash(src.1.map(|port| port.to_string())),
                format!("10.0.0.{}", dst.0),
                or_dash(dst.1.map(|port| port.to_string())),
                protocol.to_owned(),
                out.len().to_string(),
                bytes(&out),
                back.len().to_string(),
                bytes(&back),
                flags(&out),
                flags(&back),
                or_dash(state.map(str::to_owned)),
                is_cut.to_string(),
                (f64::from(u32::try_from(last - first).unwrap()) / 1e6).to_string(),
            ]);
        }
    }
    flows
}

/// Zeek's words, as docs/tables.md tells them, each by its own condition.
fn state(opened: bool, out: u8, back: u8, answered: bool) -> &'static str {
    let (fin, syn, rst) = (1, 2, 4);
    let [o_fin, o_rst] = [fin, rst].map(|flag| out & flag > 0);
    let [r_fin, r_syn, r_rst] = [fin, syn, rst].map(|flag| back & flag > 0);
    let words = [
        ("OTH", !opened),
        ("REJ", opened && r_rst && !r_syn),
        ("RSTR", opened && r_rst && r_syn),
        ("RSTOS0", opened && !r_rst && o_rst && !r_syn),
        ("RSTO", opened && !r_rst && o_rst && r_syn),
        ("SF", opened && !r_rst && !o_rst && o_fin && r_fin),
        ("SH", opened && !r_rst && !o_rst && o_fin && !r_fin && !r_syn),
        ("S2", opened && !r_rst && !o_rst && o_fin && !r_fin && r_syn),
        ("S3", opened && !r_rst && !o_rst && !o_fin && r_fin),
        ("S1", opened && !r_rst && !o_rst && !o_fin && !r_fin && r_syn),
        ("S0", opened && !o_rst && !o_fin && !answered),
        ("OTH", opened && !r_rst && !o_rst && !o_fin && !r_fin && !r_syn && answered),
    ];
    let mut those = words.into_iter().filter(|(_, is)| *is).map(|(word, _)| word);
    let word = those.next().unwrap();
    assert_eq!(those.next(), None, "one state each");
    word
}

/// Asserts that two sets of flows are the same, and names those of one of them only.
fn assert_same(found: &BTreeSet<Flow>, expected: &BTreeSet<Flow>, when: &str) {
    let only = |a: &BTreeSet<Flow>, b: &BTreeSet<Flow>| a.difference(b).cloned().collect::<Vec<_>>();
    assert_eq!(only(found, expected), only(expected, found), "{when}");
}

/// A row as the test has it.
fn cells(row: &Row) -> Flow {
    let cell = |column: &str| match column {
        "duration_s" => row.float(column).unwrap().to_string(),
        _ => row.get(column).unwrap_or("-").to_owned(),
    };
    COLUMNS.map(cell).to_vec()
}

/// The table of a lake. It is in order of time, and each row is of its date.
fn found(lake: &Path) -> BTreeSet<Flow> {
    let rows = summary(lake, "flows");
    let times: Vec<_> = rows.iter().map(|row| (row.partition.clone(), row.int("first_time"))).collect();
    assert!(times.is_sorted(), "in order of time");
    for row in &rows {
        let of_date = (0..5).find(|day| row.partition == format!("date=2024-03-{}", 11 + day)).unwrap();
        assert_eq!(row.int("first_time").unwrap() / DAY, FIRST_DAY + of_date, "{row:?}");
        assert_eq!(row.int("last_time").unwrap() / DAY, FIRST_DAY + of_date, "{row:?}");
    }
    let flows: BTreeSet<Flow> = rows.iter().map(cells).collect();
    assert_eq!(flows.len(), rows.len(), "a flow is there twice");
    flows
}

fn capture(packets: &[FlowPacket]) -> Vec<u8> {
    let record = |packet: &FlowPacket| {
        let [seconds, micros] = [packet.micros / 1_000_000, packet.micros % 1_000_000];
        pcap_record(u32::try_from(seconds).unwrap(), u32::try_from(micros).unwrap(), &packet.frame())
    };
    pcap_header().into_iter().chain(packets.iter().flat_map(record)).collect()
}

/// Times around two midnights and in the middle of days, on a grid on which gaps are often the timeout, or a microsecond more.
fn any_time() -> impl Strategy<Value = i64> {
    let around = prop_oneof![4 => Just(DAY), 2 => Just(2 * DAY), 1 => Just(DAY / 2), 1 => Just(3 * DAY)];
    (around, -8..8_i64, -1..2_i64).prop_map(|(at, steps, more)| FIRST_DAY * DAY + at + steps * STEP + more)
}

fn any_made() -> impl Strategy<Value = FlowPacket> {
    let flags = prop::sample::select(vec![SYN, SYN_ACK, ACK, FIN, RST, RST | ACK, 1, 0, ACK | 8]);
    let what = prop_oneof![
        6 => flags.prop_map(Carried::Tcp),
        2 => Just(Carried::Udp),
        1 => Just(Carried::Icmp),
        1 => Just(Carried::Fragment),
        1 => Just(Carried::NoIp)
    ];
    let port = || prop::sample::select(vec![80_u16, 4000]);
    (any_time(), 1..4_u8, 1..4_u8, (port(), port()), what, 60..2000_u32)
        .prop_map(|(micros, src, dst, ports, what, length)| FlowPacket { micros, src, dst, ports, what, length })
}

/// Captures of a few packets each, which begin differently.
fn any_captures() -> impl Strategy<Value = Vec<Vec<FlowPacket>>> {
    let packets = prop::collection::vec(any_made(), 1..30);
    prop::collection::vec((packets, any::<bool>()), 1..6).prop_map(|captures| {
        let sorted = captures.into_iter().zip(0..).map(|((mut packets, is_sorted), number)| {
            if is_sorted {
                packets.sort_by_key(|packet| packet.micros);
            }
            packets[0].length = 3000 + number;
            packets
        });
        sorted.collect()
    })
}

fn asking(captures: &[PathBuf], lake: &Path) -> ConvertRequest {
    let settings = Settings { flow_timeout: Some(TIMEOUT), ..Settings::default() };
    ConvertRequest { settings, top: 0, ..request(captures, lake) }
}

fn saved(folder: &tempfile::TempDir, captures: &[Vec<FlowPacket>]) -> Vec<PathBuf> {
    captures.iter().enumerate().map(|(n, packets)| save(folder, &format!("{n}.pcap"), &capture(packets))).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_table_is_what_the_definition_gives_however_captures_come(
        captures in any_captures(),
        chunk in prop_oneof![Just(200_u64), Just(700), Just(64 << 20)],
        rows in prop_oneof![Just(1_usize), Just(7), Just(122_880)],
        order in any::<prop::sample::Index>(),
        by_hour in any::<bool>(),
    ) {
        let folder = folder();
        let paths = saved(&folder, &captures);
        let all: Vec<FlowPacket> = captures.concat();
        let flows = expected(&all);
        // At once, in small pieces.
        let mut once = asking(&paths, &folder.path().join("once"));
        (once.settings.chunk_size, once.settings.row_group_rows) = (chunk, rows);
        once.settings.partition_by.hour = by_hour;
        convert(&once);
        assert_same(&found(&once.lake), &flows, "at once");
        // One by one, from some one on.
        let lake = folder.path().join("nights");
        let first = order.index(paths.len());
        for place in (first..paths.len()).chain(0..first) {
            convert(&asking(&paths[place..=place], &lake));
        }
        assert_same(&found(&lake), &flows, "one by one");
        // From units that were converted elsewhere.
        let pieces = asking(&paths, &folder.path().join("pieces"));
        in_pieces(&ConvertRequest { settings: Settings { chunk_size: chunk, ..pieces.settings.clone() }, ..pieces });
        assert_same(&found(&folder.path().join("pieces")), &flows, "in pieces");
        assert_sound(&lake);
        // Without a lake.
        let asked = SummarizeRequest {
            named: paths,
            tables: vec!["flows".to_owned()],
            top: Some(usize::MAX),
            flow_timeout: Some(TIMEOUT),
            ..SummarizeRequest::of_lake(&lake, &Cancel::default())
        };
        let listed = summarize(&asked).unwrap().listed().unwrap();
        let table = listed.into_iter().find(|listed| listed.name == "flows").unwrap().first;
        let rows = rows_in(&table.to_batch().unwrap(), "");
        assert_same(&rows.iter().map(cells).collect(), &flows, "without a lake");
    }

    #[test]
    fn a_capture_that_is_replaced_or_forgotten_leaves_none_of_its_packets(
        captures in any_captures(),
        other in prop::collection::vec(any_made(), 1..20),
        which in any::<prop::sample::Index>(),
        is_packed in any::<bool>(),
    ) {
        let folder = folder();
        let paths = saved(&folder, &captures);
        let lake = folder.path().join("lake");
        if is_packed {
            convert(&asking(&paths, &lake));
        } else {
            paths.iter().for_each(|path| drop(convert(&asking(std::slice::from_ref(path), &lake))));
        }
        let which = which.index(captures.len());
        let mut other = other;
        // It begins as no other one does.
        other[0].length = 2999;
        std::fs::write(&paths[which], capture(&other)).unwrap();
        convert(&asking(&paths, &lake));
        let mut left = captures.clone();
        left[which] = other;
        assert_same(&found(&lake), &expected(&left.concat()), "replaced");
        Lake::open(&lake).unwrap().forget([&paths[which]]).unwrap();
        left.remove(which);
        assert_same(&found(&lake), &expected(&left.concat()), "forgotten");
    }
}

/// A connection that is opened, answered and ended on both sides, with a packet of another capture in between.
fn a_connection() -> Vec<Vec<FlowPacket>> {
    let at = |seconds: i64, (src, dst), (from, to), flags, length| FlowPacket {
        micros: FIRST_DAY * DAY + seconds * 1_000_000,
        src,
        dst,
        ports: (from, to),
        what: Carried::Tcp(flags),
        length,
    };
    let client = |seconds, flags, length| at(seconds, (9, 1), (4000, 80), flags, length);
    let server = |seconds, flags, length| at(seconds, (1, 9), (80, 4000), flags, length);
    let first = vec![client(100, SYN, 60), server(101, SYN_ACK, 60), client(250, FIN, 90)];
    vec![first, vec![client(130, ACK, 1000), server(190, ACK, 1400), server(251, FIN, 91)]]
}

#[test]
fn a_connection_in_two_captures_is_one_flow() {
    let folder = folder();
    let paths = saved(&folder, &a_connection());
    let lake = folder.path().join("lake");
    let flow = |last: &str, numbers: [&str; 4], flags: [&str; 2], state: &str, duration: &str| {
        let cells = ["1710115300000000", last, "10.0.0.9", "4000", "10.0.0.1", "80", "TCP"];
        let cells = cells.into_iter().chain(numbers).chain(flags).chain([state, "false", duration]);
        cells.map(str::to_owned).collect::<Flow>()
    };
    convert(&asking(&paths[..1], &lake));
    let alone = found(&lake);
    // The first capture by itself has a gap of 149 seconds.
    assert_eq!(alone.len(), 2);
    assert!(alone.contains(&flow("1710115301000000", ["1", "60", "1", "60"], ["2", "18"], "S1", "1")));
    convert(&asking(&paths, &lake));
    let whole = flow("1710115451000000", ["3", "1150", "3", "1551"], ["19", "19"], "SF", "151");
    assert_eq!(found(&lake), BTreeSet::from([whole]));
}

/// What is counted again from rows has its packets, bytes and times, and its flags if rows have them.
#[test]
fn flows_whose_sums_are_lost_are_counted_again() {
    for columns in ["", "tcp_flags"] {
        let folder = folder();
        let paths = saved(&folder, &a_connection());
        let lake = folder.path().join("lake");
        let mut asked = asking(&paths, &lake);
        asked.settings.columns = parcap::further_columns(columns).unwrap();
        convert(&asked);
        let before = found(&lake);
        let partials = lake.join("_parcap/partials");
        files(&partials).into_iter().for_each(|partial| std::fs::remove_file(partials.join(partial)).unwrap());
        let request = VerifyRequest {
            lake: lake.clone(),
            deep: true,
            repair: true,
            jobs: 1,
            wait: Duration::ZERO,
            cancel: Cancel::default(),
        };
        let verified = verify(&request).unwrap();
        assert_eq!(verified.faults, []);
        let repaired = verified.repaired.unwrap();
        if columns.is_empty() {
            assert_eq!(repaired.without_flags.len(), 2);
            let unknown = ["tcp_flags_out", "tcp_flags_in", "state"]
                .map(|name| COLUMNS.iter().position(|column| *column == name));
            let without = |mut flow: Flow| {
                unknown.into_iter().flatten().for_each(|place| flow[place] = "-".to_owned());
                flow
            };
            assert_eq!(found(&lake), before.into_iter().map(without).collect());
        } else {
            assert_eq!(repaired.without_flags, Vec::<PathBuf>::new());
            assert_eq!(found(&lake), before);
        }
    }
}

/// A night leaves the flows of the date before alone, unless some of them may go on.
#[test]
fn a_night_makes_flows_of_the_date_before_again_only_if_some_may_go_on() {
    let folder = folder();
    let at = |micros, length| FlowPacket {
        micros: FIRST_DAY * DAY + DAY + micros,
        src: 1,
        dst: 2,
        ports: (80, 4000),
        what: Carried::Udp,
        length,
    };
    let [first, far, near] = [at(-1, 100), at(TIMEOUT, 101), at(TIMEOUT - 1, 102)];
    let paths = saved(&folder, &[vec![first], vec![far], vec![near]]);
    let lake = folder.path().join("lake");
    let table = lake.join("summaries/flows/date=2024-03-11");
    let written = || std::fs::metadata(table.join(&files(&table)[0])).unwrap().modified().unwrap();
    convert(&asking(&paths[..1], &lake));
    let once = written();
    convert(&asking(&paths[..2], &lake));
    assert_eq!(written(), once);
    convert(&asking(&paths, &lake));
    assert_ne!(written(), once);
    assert_eq!(found(&lake), expected(&[first, far, near]));
    assert!(found(&lake).iter().all(|flow| flow[14] == "true"));
}

/// Sensors that see the same packets give pieces that are equal in all. Each counts.
#[test]
fn what_two_captures_have_in_common_counts_twice() {
    let folder = folder();
    let [first, _] = a_connection().try_into().unwrap();
    // They begin differently, and days apart from what they share.
    let other = |length| FlowPacket { micros: (FIRST_DAY + 2) * DAY + i64::from(length), length, ..first[0] };
    let captures = [3001, 3002, 3003].map(|length| [vec![other(length)], first.clone()].concat());
    let paths = saved(&folder, &captures);
    let all = expected(&captures.concat());
    // In one unit, and in several.
    let [packed, nights] = ["packed", "nights"].map(|name| folder.path().join(name));
    convert(&asking(&paths, &packed));
    paths.iter().for_each(|path| drop(convert(&asking(std::slice::from_ref(path), &nights))));
    for lake in [&packed, &nights] {
        assert_same(&found(lake), &all, "three captures");
        assert!(found(lake).iter().any(|flow| flow[7..11] == ["3", "180", "3", "180"].map(str::to_owned)));
        Lake::open(lake).unwrap().forget([&paths[1]]).unwrap();
        assert_same(&found(lake), &expected(&[&captures[0][..], &captures[2]].concat()), "two captures");
    }
}

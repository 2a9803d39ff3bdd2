//! Law 24: what is extracted from a lake is what was captured. Converted again, it gives the same rows, all of them or those
//! that a filter takes or a query names, however the captures are framed and packed, in whatever order, and however little
//! memory there is.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, Int32Array, Int64Array, RecordBatch, StringArray};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use parcap::Filter;
use parcap::cancel::Cancel;
use parcap::commands::{ConvertRequest, ExtractRequest, extract};
use parcap::config::{LengthKind, PartitionBy, Settings, TimestampUnit};
use parcap::day::Day;
use parcap::extract::{ExtractFormat, Extracted, PacketFilter, PacketOrder};
use parcap::packets::{COLUMNS, SETS, further_columns};
use parquet::arrow::ArrowWriter;

use crate::support::build::{Capture, block, interface, packet, section, simple, udp};
use crate::support::{Row, convert, files, folder, packets, repository, request, rows_of, save, text};

use super::adversary::{hostile_pcap, hostile_pcapng};
use super::packing::PACKERS;
use super::tally::tried;
use super::wire::{Built, Kind, Order};
use super::{cut_wire, mixed_pcapng, plain_pcap};

/// What says where a packet was, and not what it is.
const PLACE: [&str; 4] = ["time_normed", "capture", "frame", "offset"];

fn settings() -> Settings {
    let sets: Vec<_> = SETS.iter().map(|set| set.name).collect();
    Settings { columns: further_columns(&sets.join(",")).unwrap(), ..Settings::default() }
}

fn lake_of<P: AsRef<Path>>(captures: &[P], lake: &Path, settings: Settings) -> PathBuf {
    convert(&ConvertRequest { settings, ..request(captures, lake) });
    lake.to_path_buf()
}

/// A request for everything, to be changed before it is made.
fn everything(lake: &Path, out: &Path) -> ExtractRequest {
    ExtractRequest {
        lake: lake.to_path_buf(),
        filter: PacketFilter::default(),
        rows: None,
        out: out.to_path_buf(),
        order: PacketOrder::Time,
        format: ExtractFormat::Pcapng,
        room: None,
        cancel: Cancel::default(),
    }
}

/// What a row says of its packet, and not of where it was. A name of an interface is no number here.
fn said(row: &Row) -> Vec<(&'static str, Option<String>)> {
    let further = SETS.iter().flat_map(|set| set.columns);
    let columns = COLUMNS.iter().chain(further).filter(|column| !PLACE.contains(&column.name));
    let value = |name: &'static str| {
        let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        (name, row.get(name).filter(|text| name != "interface" || !is_number(text)).map(str::to_owned))
    };
    columns.map(|column| value(column.name)).collect()
}

fn sorted<'a>(rows: impl IntoIterator<Item = &'a Row>) -> Vec<Vec<(&'static str, Option<String>)>> {
    let mut rows: Vec<_> = rows.into_iter().map(said).collect();
    rows.sort();
    rows
}

/// The rows of what is extracted, converted with these settings.
fn again(request: &ExtractRequest, settings: Settings) -> (Extracted, Vec<Row>) {
    let extracted = extract(request).unwrap();
    let folder = folder();
    let lake = lake_of(&[&request.out], &folder.path().join("again"), settings);
    (extracted, packets(&lake))
}

/// A section whose second interface has other units, a name and an offset, and packets that no interface, no time, or more
/// bytes than their block belong to.
fn odd_pcapng(order: Order) -> Vec<u8> {
    let mut built = Built::new(order);
    built.section(order, b"");
    // The draft's default; nanoseconds an hour late; units finer than attoseconds; binary ones.
    for (resolution, offset_s) in [(None, None), (Some(9), Some(3600)), (Some(19), None), (Some(0x80 | 20), Some(-7))] {
        built.interface(1, resolution, offset_s);
    }
    let ticks = 1_709_164_800_000_000;
    for number in 0..40_u16 {
        let frame = udp(number, &vec![3; usize::from(number)]);
        match number % 8 {
            0 => built.enhanced(0, ticks + u64::from(number), &frame),
            1 => built.enhanced(1, ticks * 1000 + 7, &frame),
            2 => built.enhanced(2, 17_091_648_000_000_000_000 + u64::from(number), &frame),
            3 => built.enhanced(3, 1_709_164_800 << 20 | 77, &frame),
            4 => built.simple(&frame),
            // There is no such interface; a time before the year 1 or after 9999 is none.
            5 => built.enhanced(9, ticks, &frame),
            6 => built.enhanced(1, u64::MAX, &frame),
            _ => built.obsolete(1, ticks * 1000 + u64::from(number), &frame),
        }
    }
    // Another section, in the other order, whose only interface is not the one before.
    built.section(if order == Order::Big { Order::Little } else { Order::Big }, b"");
    built.interface(101, Some(3), None);
    let mut raw = udp(7, &[1; 5]);
    raw.data.drain(..14);
    built.enhanced(0, 1_709_164_800_123, &raw);
    built.simple(&raw);
    // A section without any interface.
    built.section(Order::Little, b"");
    built.simple(&raw);
    // More captured bytes announced than there are.
    let mut bytes = built.bytes;
    bytes.extend([section(), interface(1, 0, 6, 0)].concat());
    let mut short = packet(0, ticks, &udp(1, &[5; 30]));
    short[20..24].copy_from_slice(&200_u32.to_le_bytes());
    bytes.extend(short);
    bytes
}

/// Captures of all kinds.
fn captures(folder: &tempfile::TempDir) -> Vec<PathBuf> {
    let mut built: Vec<(String, Vec<u8>)> = vec![
        ("plain.pcap".to_owned(), plain_pcap().bytes),
        ("mixed.pcapng".to_owned(), mixed_pcapng().bytes),
        ("hostile.pcap".to_owned(), hostile_pcap().bytes),
        ("hostile.pcapng".to_owned(), hostile_pcapng().bytes),
    ];
    for order in Order::BOTH {
        built.push((format!("odd-{order:?}.pcapng"), odd_pcapng(order)));
        built.push((format!("wire-{order:?}.pcapng"), cut_wire::pcapng(order).bytes));
        built.extend(Kind::ALL.map(|kind| (format!("{kind:?}-{order:?}.pcap"), cut_wire::pcap(kind, order).bytes)));
    }
    let appended = [
        cut_wire::pcap(Kind::Nanos, Order::Big).bytes,
        plain_pcap().bytes,
        mixed_pcapng().bytes,
        cut_wire::pcap(Kind::Modified, Order::Little).bytes,
    ];
    built.push(("appended".to_owned(), appended.concat()));
    for (name, pack) in PACKERS {
        built.push((format!("packed.{name}"), pack(&odd_pcapng(Order::Big))));
    }
    let mut paths: Vec<_> = built.iter().map(|(name, bytes)| save(folder, name, bytes)).collect();
    for below in ["data/captures", "data/damaged"] {
        let below = repository(below);
        paths.extend(
            files(&below)
                .iter()
                .map(|path| below.join(path))
                .filter(|path| path.extension().is_none_or(|kind| kind != "md" && kind != "tsv")),
        );
    }
    paths
}

/// Single columns of a set, as a lake that was made by hand may have them.
fn these(names: &str) -> parcap::config::FurtherColumns {
    serde_json::from_value(names.split(',').collect()).unwrap()
}

#[test]
fn everything_comes_back_of_every_kind_of_capture() {
    let folder = folder();
    let (mut rows_of_all, mut kinds) = (0, 0);
    for capture in captures(&folder) {
        for salvage in [false, true] {
            let settings = Settings { salvage, ..settings() };
            let lake = tempfile::tempdir_in(folder.path()).unwrap();
            let lake = lake_of(&[&capture], &lake.path().join("lake"), settings.clone());
            let rows = packets(&lake);
            if rows.is_empty() {
                continue;
            }
            let out = folder.path().join("out.pcapng");
            let (extracted, found) = again(&everything(&lake, &out), settings);
            assert_eq!(extracted.packets, rows.len() as u64, "{}", capture.display());
            assert!(extracted.missing.is_empty(), "{}: {extracted:?}", capture.display());
            assert_eq!(sorted(&found), sorted(&rows), "{}", capture.display());
            rows_of_all += rows.len();
            kinds += 1;
        }
    }
    assert!(rows_of_all > 5000, "{rows_of_all}");
    assert!(kinds > 60, "{kinds}");
    tried("extracted and converted again", rows_of_all);
}

#[test]
fn all_captures_at_once_come_back_in_whatever_units_and_partitions_the_lake_has() {
    let folder = folder();
    let captures = captures(&folder);
    for (place, settings) in [
        settings(),
        Settings { timestamp_unit: TimestampUnit::Ns, length: LengthKind::Captured, row_group_rows: 100, ..settings() },
        Settings { partition_by: PartitionBy { hour: true, protocol: true }, chunk_size: 4096, ..settings() },
        // Without what tells a wrong interface, each record is read in its turn.
        Settings { columns: these("capture,offset"), ..settings() },
        Settings { columns: these("capture,offset,interface,ip_ttl"), ..settings() },
    ]
    .into_iter()
    .enumerate()
    {
        let lake = lake_of(&captures, &folder.path().join(format!("lake-{place}")), settings.clone());
        let out = folder.path().join("out.pcapng");
        let all = everything(&lake, &out);
        extract(&all).unwrap();
        let bytes = fs::read(&out).unwrap();
        // Keys that do not fit into memory are sorted on disk.
        extract(&ExtractRequest { room: Some(1), ..all.clone() }).unwrap();
        assert_eq!(fs::read(&out).unwrap(), bytes, "with little memory");
        let asked = Settings { columns: self::settings().columns, ..settings };
        let whole = lake_of(&captures, &folder.path().join(format!("whole-{place}")), asked.clone());
        let (_, found) = again(&all, asked);
        assert_eq!(sorted(&found), sorted(&packets(&whole)));
    }
}

/// What is said of a packet in a pcapng, by the bytes of the file: the type of its block, link type, unit, offset, name and
/// comment of its interface, its ticks, lengths and bytes.
#[derive(Debug, PartialEq, Eq)]
struct Block {
    kind: u32,
    interface: Option<(u16, u32, u8, i64, String, String)>,
    ticks: u64,
    cap_len: u32,
    orig_len: u32,
    data: Vec<u8>,
}

/// Reads a little endian pcapng (draft-ietf-opsawg-pcapng sections 3 and 4).
fn blocks(bytes: &[u8]) -> Vec<Block> {
    let u32_at = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
    let u16_at = |at: usize| u16::from_le_bytes(bytes[at..at + 2].try_into().unwrap());
    let (mut at, mut interfaces, mut found) = (0, Vec::new(), Vec::new());
    while at < bytes.len() {
        let (kind, length) = (u32_at(at), u32_at(at + 4) as usize);
        assert_eq!(u32_at(at + length - 4) as usize, length, "at {at}");
        match kind {
            0x0a0d_0d0a => interfaces.clear(),
            1 => {
                let mut interface = (u16_at(at + 8), u32_at(at + 12), 6, 0, String::new(), String::new());
                let mut option = at + 16;
                while option < at + length - 4 && u16_at(option) != 0 {
                    let size = usize::from(u16_at(option + 2));
                    let value = &bytes[option + 4..option + 4 + size];
                    match u16_at(option) {
                        1 => interface.5 = String::from_utf8(value.to_vec()).unwrap(),
                        2 => interface.4 = String::from_utf8(value.to_vec()).unwrap(),
                        9 => interface.2 = value[0],
                        14 => interface.3 = i64::from_le_bytes(value.try_into().unwrap()),
                        other => panic!("option {other}"),
                    }
                    option += 4 + size.next_multiple_of(4);
                }
                interfaces.push(interface);
            }
            6 => {
                let cap_len = u32_at(at + 20);
                let end = (at + 28 + cap_len as usize).min(at + length - 4);
                found.push(Block {
                    kind,
                    interface: interfaces.get(u32_at(at + 8) as usize).cloned(),
                    ticks: u64::from(u32_at(at + 12)) << 32 | u64::from(u32_at(at + 16)),
                    cap_len,
                    orig_len: u32_at(at + 24),
                    data: bytes[at + 28..end].to_vec(),
                });
            }
            3 => {
                let orig_len = u32_at(at + 8);
                let data = bytes[at + 12..(at + 12 + orig_len as usize).min(at + length - 4)].to_vec();
                let interface = interfaces.first().cloned();
                found.push(Block { kind, interface, ticks: 0, cap_len: orig_len, orig_len, data });
            }
            other => panic!("block {other}"),
        }
        at += length;
    }
    found
}

#[test]
fn a_pcapng_has_the_ticks_units_names_and_bytes_of_each_packet_and_names_its_capture() {
    let folder = folder();
    let named = |name: &[u8], resolution: u8| {
        let mut body = vec![1, 0, 0, 0, 0, 0, 1, 0, 2, 0, 4, 0];
        body.extend(name);
        body.extend([9, 0, 1, 0, resolution, 0, 0, 0, 0, 0, 0, 0]);
        block(1, &body)
    };
    let frame = udp(1, &[7; 11]);
    // Two sections that differ in the unit and the name of their first interface.
    let bytes = [
        [section(), named(b"eth0", 6), packet(0, 1_709_164_800_000_001, &frame)].concat(),
        [section(), named(b"wlan", 9), packet(0, 1_709_164_800_000_000_500, &frame), simple(&frame)].concat(),
    ];
    let ng = save(&folder, "two.pcapng", &bytes.concat());
    let mut pcap = Capture::pcap();
    pcap.record_at(4, 1, 5, frame.clone());
    let pcap = save(&folder, "one.pcap", &pcap.bytes);
    let lake = lake_of(&[&ng, &pcap], &folder.path().join("lake"), settings());
    let out = folder.path().join("out.pcapng");
    extract(&everything(&lake, &out)).unwrap();
    let from = |path: &Path| format!("from {}", path.display());
    let of = |kind, interface: (u16, u32, u8, i64, &str, String), ticks| {
        let (link_type, snap_len, resolution, offset, name, comment) = interface;
        let interface = Some((link_type, snap_len, resolution, offset, name.to_owned(), comment));
        let (length, data) = (u32::try_from(frame.data.len()).unwrap(), frame.data.clone());
        Block { kind, interface, ticks, cap_len: length, orig_len: length, data }
    };
    let wlan = || (1, 65_536, 9, 0, "wlan", from(&ng));
    assert_eq!(
        blocks(&fs::read(&out).unwrap()),
        [
            of(6, wlan(), 1_709_164_800_000_000_500),
            // It has no time, and stands where it stood.
            of(3, wlan(), 0),
            of(6, (1, 65_536, 6, 0, "eth0", from(&ng)), 1_709_164_800_000_001),
            of(6, (1, 262_144, 6, 0, "", from(&pcap)), 1_709_164_801_000_005),
        ]
    );
}

#[test]
fn packets_come_by_time_or_in_the_order_of_rows() {
    let folder = folder();
    let captures = [save(&folder, "a.pcap", &plain_pcap().bytes), save(&folder, "b.pcapng", &mixed_pcapng().bytes)];
    let lake = lake_of(&captures, &folder.path().join("lake"), settings());
    let out = folder.path().join("out.pcapng");
    let settings = Settings { columns: further_columns("capture").unwrap(), ..settings() };
    let order = |request: &ExtractRequest| -> Vec<Row> {
        extract(request).unwrap();
        let lake = tempfile::tempdir_in(folder.path()).unwrap();
        let lake = lake_of(
            &[&out],
            &lake.path().join("again"),
            Settings { columns: self::settings().columns, ..settings.clone() },
        );
        let mut rows = packets(&lake);
        rows.sort_by_key(|row| row.int("frame"));
        rows
    };
    let by_time = order(&everything(&lake, &out));
    let times: Vec<_> = by_time.iter().filter_map(|row| row.int("datetime")).collect();
    assert!(times.is_sorted() && times.len() > 300 && by_time.len() > times.len());
    // A packet without a time follows the packet that it followed in its capture, if that has a time.
    let rows = packets(&lake);
    let mut of_b: Vec<_> = rows.iter().filter(|row| row.get("capture") == Some(text(&captures[1]).as_str())).collect();
    of_b.sort_by_key(|row| row.int("frame"));
    let pairs: Vec<_> =
        of_b.windows(2).filter(|pair| pair[1].get("time").is_none() && pair[0].get("time").is_some()).collect();
    assert!(pairs.len() > 10);
    for pair in pairs {
        let place = by_time.iter().position(|row| said(row) == said(pair[0])).unwrap();
        assert_eq!(said(&by_time[place + 1]), said(pair[1]));
    }
    let in_rows = order(&ExtractRequest { order: PacketOrder::Rows, ..everything(&lake, &out) });
    let in_parts: Vec<_> =
        files(&lake.join("packets")).iter().flat_map(|part| rows_of(&lake.join("packets").join(part), "")).collect();
    assert_eq!(in_rows.iter().map(said).collect::<Vec<_>>(), in_parts.iter().map(said).collect::<Vec<_>>());
}

#[test]
fn packets_without_a_time_before_any_with_one_stand_before_that_one() {
    let folder = folder();
    let (first, second, timed) = (udp(1, &[1; 3]), udp(2, &[2; 5]), udp(3, &[3; 7]));
    let bytes = [
        [section(), interface(1, 0, 6, 0), simple(&first), simple(&second)].concat(),
        packet(0, 1_709_164_805_000_000, &timed),
    ];
    let ng = save(&folder, "late.pcapng", &bytes.concat());
    let mut pcap = Capture::pcap();
    pcap.record_at(4, 1, 0, udp(4, &[4; 9]));
    pcap.record_at(4, 9, 0, udp(5, &[5; 11]));
    let pcap = save(&folder, "around.pcap", &pcap.bytes);
    let lake = lake_of(&[&ng, &pcap], &folder.path().join("lake"), settings());
    let out = folder.path().join("out.pcapng");
    extract(&everything(&lake, &out)).unwrap();
    let lengths: Vec<_> = blocks(&fs::read(&out).unwrap()).iter().map(|block| block.orig_len - 42).collect();
    assert_eq!(lengths, [9, 3, 5, 7, 11]);
}

#[test]
fn a_filter_takes_the_rows_that_it_takes_of_the_lake() {
    let folder = folder();
    let below = repository("data/captures");
    let lake = |name: &str, partition_by, unit| {
        let settings = Settings { partition_by, timestamp_unit: unit, row_group_rows: 50, ..settings() };
        lake_of(&[&below], &folder.path().join(name), settings)
    };
    let by = |hour, protocol| PartitionBy { hour, protocol };
    let lakes = [lake("date", by(false, false), TimestampUnit::Us), lake("all", by(true, true), TimestampUnit::Ns)];
    let is_in = |row: &Row, prefix: &str| {
        ["ip_src", "ip_dst"].iter().any(|column| row.get(column).is_some_and(|address| address.starts_with(prefix)))
    };
    let port = |row: &Row, port| [row.int("port_src"), row.int("port_dst")].contains(&Some(port));
    let nets = |net: &str| Filter { nets: vec![net.parse().unwrap()], ..Filter::default() };
    let protocols = |names: &[&str]| {
        let protocols = names.iter().map(|name| Filter::protocol(name).unwrap()).collect();
        Filter { protocols, ..Filter::default() }
    };
    // The second half of the lake's time.
    let rows = packets(&lakes[0]);
    let mut times: Vec<_> = rows.iter().filter_map(|row| row.int("datetime")).collect();
    times.sort_unstable();
    let (middle, late) = (times[times.len() / 2], times[times.len() * 3 / 4]);
    let day = Day::of_seconds(middle / 1_000_000);
    let all = PacketFilter::default();
    type Takes<'a> = Box<dyn Fn(&Row) -> bool + 'a>;
    let within = |row: &Row, unit: i64| row.int("datetime").is_some_and(|time| (middle..late).contains(&(time / unit)));
    for (place, lake) in lakes.iter().enumerate() {
        let unit = [1, 1000][place];
        let cases: Vec<(&str, PacketFilter, Takes<'_>)> = vec![
            ("net", PacketFilter { of: nets("127.0.0.0/8"), ..all.clone() }, Box::new(|row| is_in(row, "127."))),
            ("net6", PacketFilter { of: nets("::1/128"), ..all.clone() }, Box::new(|row| is_in(row, "::1"))),
            (
                "port",
                PacketFilter { ports: vec![53, 80], ..all.clone() },
                Box::new(|row| port(row, 53) || port(row, 80)),
            ),
            (
                "protocol",
                PacketFilter { of: protocols(&["UDP", "ICMP"]), ..all.clone() },
                Box::new(|row| ["UDP", "ICMP"].map(Some).contains(&row.get("protocol"))),
            ),
            (
                "times",
                PacketFilter { of: Filter { times: Some(middle..late), ..Filter::default() }, ..all.clone() },
                Box::new(move |row| within(row, unit)),
            ),
            (
                "all of it",
                PacketFilter {
                    of: Filter { times: Some(middle..late), ..protocols(&["UDP"]) },
                    ports: vec![53],
                    ..all.clone()
                },
                Box::new(move |row| within(row, unit) && port(row, 53) && row.get("protocol") == Some("UDP")),
            ),
            (
                "date",
                PacketFilter { days: day..=day, ..all.clone() },
                Box::new(move |row| row.partition.starts_with(&format!("date={}", day.text()))),
            ),
            ("nothing", PacketFilter { ports: vec![1], ..all.clone() }, Box::new(|_| false)),
        ];
        let rows = packets(lake);
        for (name, filter, takes) in cases {
            let out = folder.path().join("filtered.pcapng");
            let unit = [TimestampUnit::Us, TimestampUnit::Ns][place];
            let request = ExtractRequest { filter, ..everything(lake, &out) };
            let (extracted, found) = again(&request, Settings { timestamp_unit: unit, ..settings() });
            let wanted: Vec<_> = rows.iter().filter(|row| takes(row)).collect();
            assert_eq!(extracted.packets, wanted.len() as u64, "{name}");
            assert_eq!(wanted.is_empty(), name == "nothing", "{name}");
            assert!(wanted.len() < rows.len(), "{name}");
            assert_eq!(sorted(&found), sorted(wanted), "{name}");
        }
    }
}

fn parquet(path: &Path, columns: Vec<(&str, ArrayRef)>) -> PathBuf {
    let batch =
        RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, array)| (name, array, true))).unwrap();
    let mut writer = ArrowWriter::try_new(fs::File::create(path).unwrap(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    path.to_path_buf()
}

#[test]
fn rows_of_a_query_name_their_packets_in_whatever_types_they_come() {
    let folder = folder();
    let captures = captures(&folder);
    let lake = lake_of(&captures, &folder.path().join("lake"), settings());
    let rows = packets(&lake);
    let wanted: Vec<_> = rows.iter().step_by(3).collect();
    let names = || -> ArrayRef { Arc::new(wanted.iter().map(|row| row.get("capture")).collect::<StringArray>()) };
    let names_as = |kind: DataType| cast(&names(), &kind).unwrap();
    let numbers = |column: &str| wanted.iter().map(|row| row.int(column).unwrap()).collect::<Vec<_>>();
    let (offsets, frames) = (numbers("offset"), numbers("frame"));
    let as_type = |numbers: &[i64], kind: DataType| cast(&Int64Array::from(numbers.to_vec()), &kind).unwrap();
    let dictionary = DataType::Dictionary(Box::new(DataType::Int16), Box::new(DataType::Utf8));
    let at = |name: &str| folder.path().join(name);
    let lines = |delimiter: char| {
        let line = |row: &&Row| {
            let path = row.get("capture").unwrap();
            format!("{}{delimiter}\"{path}\"{delimiter}{}", row.get("length").unwrap(), row.get("frame").unwrap())
        };
        let header = format!("\u{feff}length{delimiter}capture{delimiter}frame\r\n");
        header + &wanted.iter().map(line).collect::<Vec<_>>().join("\r\n")
    };
    let tables = [
        parquet(&at("plain"), vec![("offset", Arc::new(Int64Array::from(offsets.clone()))), ("capture", names())]),
        parquet(
            &at("doubles"),
            vec![
                ("x", Arc::new(Int32Array::from(vec![1; wanted.len()]))),
                ("CAPTURE", names_as(DataType::LargeUtf8)),
                ("OFFSET", as_type(&offsets, DataType::Float64)),
            ],
        ),
        parquet(
            &at("unsigned"),
            vec![("capture", names_as(dictionary)), ("frame", as_type(&frames, DataType::UInt64))],
        ),
        parquet(
            &at("views"),
            vec![("frame", as_type(&frames, DataType::Int32)), ("capture", names_as(DataType::Utf8View))],
        ),
        save(&folder, "commas.csv", lines(',').as_bytes()),
        save(&folder, "tabs.csv", lines('\t').as_bytes()),
        save(&folder, "semicolons.csv", lines(';').as_bytes()),
    ];
    for table in tables {
        let out = at("out.pcapng");
        let request = ExtractRequest { rows: Some(table.clone()), ..everything(&lake, &out) };
        let (extracted, found) = again(&request, settings());
        assert!(extracted.missing.is_empty(), "{}: {extracted:?}", table.display());
        assert_eq!(sorted(&found), sorted(wanted.iter().copied()), "{}", table.display());
        let bytes = fs::read(&out).unwrap();
        extract(&ExtractRequest { room: Some(1), ..request.clone() }).unwrap();
        assert_eq!(fs::read(&out).unwrap(), bytes, "{}", table.display());
        // In the order of the rows.
        extract(&ExtractRequest { order: PacketOrder::Rows, ..request }).unwrap();
        let found: Vec<_> = blocks(&fs::read(&out).unwrap()).iter().map(|block| i64::from(block.orig_len)).collect();
        assert_eq!(found, numbers("length"), "{}", table.display());
    }
}

#[test]
fn a_pcap_in_the_order_of_time_comes_back_to_the_byte() {
    let folder = folder();
    for (kind, magic) in [(Kind::Micros, 0xa1b2_c3d4_u32), (Kind::Nanos, 0xa1b2_3c4d)] {
        let mut built = Built::pcap(kind, Order::Little);
        for number in 0..50_u16 {
            let mut frame = udp(number, &vec![1; usize::from(number)]);
            frame.orig_len += u32::from(number % 3);
            built.record(kind, 1_709_164_800 + u32::from(number), 999_000 + u32::from(number), &frame);
        }
        assert_eq!(built.bytes[..4], magic.to_le_bytes());
        let capture = save(&folder, &format!("{kind:?}.pcap"), &built.bytes);
        let lake = lake_of(&[&capture], &folder.path().join(format!("{kind:?}")), settings());
        let out = folder.path().join("out.pcap");
        extract(&ExtractRequest { format: ExtractFormat::Pcap, ..everything(&lake, &out) }).unwrap();
        assert_eq!(fs::read(&out).unwrap(), built.bytes);
    }
}

//! Law 28: no Bloom filter denies a value of its row group, few affirm one that it does not have, and they take a fiftieth of its
//! pages at most. Parts that are written again have them too.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use arrow::array::AsArray as _;
use parcap::commands::ConvertRequest;
use parcap::config::Settings;
use parcap::packets::further_columns;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::file::metadata::RowGroupMetaData;
use twox_hash::XxHash64;

use crate::support::build::{Capture, client_hello, dns_answer, udp};
use crate::support::{convert, files, folder, request, run, save, text};

/// The columns that have filters.
const LOOKED_UP: [&str; 7] = ["community_id", "dns_query", "ip_dst", "ip_src", "mac_dst", "mac_src", "tls_sni"];

/// A filter as it is in a file, read as the format says (`BloomFilter.md`) and by nothing that wrote it.
struct Filter(Vec<u8>);

impl Filter {
    /// Of a column chunk. Before the blocks is a header, which is shorter than one block.
    fn of(group: &RowGroupMetaData, column: usize, file: &[u8]) -> Option<Self> {
        let chunk = group.column(column);
        let start = usize::try_from(chunk.bloom_filter_offset()?).unwrap();
        let bytes = &file[start..start + usize::try_from(chunk.bloom_filter_length().unwrap()).unwrap()];
        let header = &bytes[..bytes.len() % 32];
        // Thrift's compact protocol: the number of bytes; three unions, each with its first field set; the end.
        assert!(
            header[0] == 0x15 && header.ends_with(&[0x1c, 0x1c, 0, 0, 0x1c, 0x1c, 0, 0, 0x1c, 0x1c, 0, 0, 0]),
            "{header:x?}"
        );
        let said = header[1..].iter().take_while(|byte| **byte != 0x1c).enumerate();
        let said: usize = said.map(|(place, byte)| usize::from(byte & 127) << (7 * place)).sum::<usize>() / 2;
        let blocks = bytes[header.len()..].to_vec();
        assert_eq!(said, blocks.len());
        assert!(blocks.len().is_power_of_two(), "Arrow refuses {} bytes", blocks.len());
        Some(Self(blocks))
    }

    fn affirms(&self, value: &str) -> bool {
        const SALT: [u32; 8] =
            [0x47b6_137b, 0x4497_4d91, 0x8824_ad5b, 0xa2b7_289d, 0x7054_95c7, 0x2df1_424b, 0x9efc_4947, 0x5c6b_fb31];
        let hash = XxHash64::oneshot(0, value.as_bytes());
        let blocks = self.0.len() as u64 / 32;
        let block = usize::try_from(((hash >> 32) * blocks) >> 32).unwrap();
        let low = u32::try_from(hash & u64::from(u32::MAX)).unwrap();
        let words = self.0[block * 32..][..32].chunks_exact(4).map(|word| u32::from_le_bytes(word.try_into().unwrap()));
        words.zip(SALT).all(|(word, salt)| word >> (low.wrapping_mul(salt) >> 27) & 1 == 1)
    }
}

/// Holds the law for all parts of a lake. Returns how many row groups have a filter of each column, and how many row groups there are.
fn holds(lake: &Path) -> (BTreeMap<String, usize>, usize) {
    let packets = lake.join("packets");
    let parts: Vec<PathBuf> = files(&packets).into_iter().map(|part| packets.join(part)).collect();
    let (mut filters, mut groups) = (BTreeMap::new(), 0);
    for part in parts {
        let bytes = fs::read(&part).unwrap();
        let builder = || ParquetRecordBatchReaderBuilder::try_new(File::open(&part).unwrap()).unwrap();
        let metadata = builder().metadata().clone();
        for (place, group) in metadata.row_groups().iter().enumerate() {
            groups += 1;
            let mut taken = 0;
            for column in 0..group.num_columns() {
                let name = group.column(column).column_path().string();
                let Some(filter) = Filter::of(group, column, &bytes) else { continue };
                assert!(LOOKED_UP.contains(&name.as_str()), "{name}");
                taken += group.column(column).bloom_filter_length().unwrap();
                let mask = ProjectionMask::leaves(metadata.file_metadata().schema_descr(), [column]);
                let batches = builder().with_row_groups(vec![place]).with_projection(mask).build().unwrap();
                let mut values = BTreeSet::new();
                for batch in batches {
                    let batch = batch.unwrap();
                    values.extend(batch.column(0).as_string::<i32>().iter().flatten().map(str::to_owned));
                }
                assert!(values.len() > 1, "{name}: the bounds tell as much");
                for value in &values {
                    assert!(filter.affirms(value), "{}: {name} of row group {place} has {value}", part.display());
                }
                let others = (0..2000).map(|number| format!("203.0.{}.{}", number / 250, number % 250));
                let affirmed = others.filter(|other| !values.contains(other) && filter.affirms(other)).count();
                // 3 in 100 at 8 bits a value, and what chance adds: the standard deviation is 8 of 2000.
                assert!(affirmed < 2000 / 20, "{name} of row group {place}: {affirmed} of 2000");
                *filters.entry(name).or_insert(0) += 1;
            }
            let pages: i64 = group.columns().iter().map(|column| column.compressed_size()).sum();
            assert!(i64::from(taken) * 50 <= pages, "{}: {taken} of {pages}", part.display());
        }
    }
    (filters, groups)
}

/// A number below `below`, which looks random.
fn any(number: u64, below: u64) -> u16 {
    let mixed = (number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    u16::try_from(((mixed ^ mixed >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 33) % below).unwrap()
}

/// Some hundred hosts, from `first` on, which ask for names and open connections.
fn office(first: u16) -> Capture {
    let mut capture = Capture::pcap();
    for number in 0..40_000_u64 {
        let (host, name) = (first + any(number, 200), format!("www{}", any(number * 7, 250)));
        let mut frame = match number % 3 {
            0 => udp(host, b"payload"),
            1 => dns_answer(host, &[name.as_bytes(), b"example"], &[[192, 0, 2, 1]]),
            _ => client_hello(host, format!("{name}.example").as_bytes()),
        };
        // The source of the Ethernet header.
        frame.data[11] = host.to_le_bytes()[0];
        capture.record(4, u32::try_from(number).unwrap(), frame);
    }
    capture
}

/// Each packet is from another source, to one of a hundred.
fn scan() -> Capture {
    let mut capture = Capture::pcap();
    for number in 0..40_000_u16 {
        let mut frame = udp(number.wrapping_mul(31_337), b"");
        // The last byte of the destination.
        frame.data[33] = any(number.into(), 100).to_le_bytes()[0];
        capture.record(5, number.into(), frame);
    }
    capture
}

/// How many row groups have a filter of each column.
fn counts<const N: usize>(counts: [(&str, usize); N]) -> BTreeMap<String, usize> {
    counts.into_iter().map(|(name, count)| (name.to_owned(), count)).collect()
}

#[test]
fn filters_deny_no_value_also_of_parts_that_are_written_again() {
    let folder = folder();
    let lake = folder.path().join("lake");
    let settings =
        Settings { columns: further_columns("flow,tls").unwrap(), row_group_rows: 20_000, ..Settings::default() };
    let captures = [("one.pcap", office(0)), ("two.pcap", office(900)), ("scan.pcap", scan())];
    let captures = captures.map(|(name, capture)| save(&folder, name, &capture.bytes));
    for capture in &captures {
        convert(&ConvertRequest { settings: settings.clone(), ..request(&[capture], &lake) });
    }
    // Two row groups of each office. Of the scan, whose sources and flows are too many: two, of which those are known that it
    // goes to.
    let (office, scanned) = (4, 2);
    let expected = counts([
        ("community_id", office),
        ("dns_query", office),
        ("ip_dst", office + scanned),
        ("ip_src", office),
        ("mac_src", office),
        ("tls_sni", office),
    ]);
    assert_eq!(holds(&lake), (expected.clone(), office + scanned));
    // One part of the two offices.
    assert_eq!(run(["compact", &text(&lake)]).status, Some(0));
    assert_eq!(files(&lake.join("packets")).len(), 2);
    assert_eq!(holds(&lake), (expected, office + scanned));
    // The part is made of one office again.
    assert_eq!(run(["forget", &text(&lake), &text(&captures[0])]).status, Some(0));
    let expected = counts([
        ("community_id", 2),
        ("dns_query", 2),
        ("ip_dst", 2 + scanned),
        ("ip_src", 2),
        ("mac_src", 2),
        ("tls_sni", 2),
    ]);
    assert_eq!(holds(&lake), (expected, 2 + scanned));
}

/// A filter of what is small, or always the same, would tell nothing.
#[test]
fn small_columns_and_single_values_have_no_filter() {
    let folder = folder();
    let [small, same] = ["small", "same"].map(|name| folder.path().join(name));
    let (mut few, mut alike) = (Capture::pcap(), Capture::pcap());
    (0..300).for_each(|number| few.record(4, number.into(), udp(number, b"")));
    (0..9000).for_each(|number| alike.record(4, number, udp(3, b"")));
    convert(&request(&[save(&folder, "few.pcap", &few.bytes)], &small));
    convert(&request(&[save(&folder, "alike.pcap", &alike.bytes)], &same));
    assert_eq!([holds(&small), holds(&same)], [(BTreeMap::new(), 1), (BTreeMap::new(), 1)]);
}

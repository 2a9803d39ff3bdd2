//! Law 14: rows of many partitions are all there, in their order, in row groups that are no smaller than need be.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

use parcap::config::{PartitionBy, Settings};
use parquet::file::reader::{FileReader as _, SerializedFileReader};

use crate::support::build::{dns_answer, ip, pcap_header, pcap_record, udp};
use crate::support::{Row, convert, files, folder, hashes, packets, request, save};

/// Rows of each row group of a lake's packets.
fn row_groups(lake: &Path) -> Vec<i64> {
    let folder = lake.join("packets");
    let of_part = |path: &std::path::PathBuf| {
        let reader = SerializedFileReader::new(File::open(folder.join(path)).unwrap()).unwrap();
        reader.metadata().row_groups().iter().map(|group| group.num_rows()).collect::<Vec<_>>()
    };
    files(&folder).iter().flat_map(of_part).collect()
}

/// `rows` packets, one a date over and over again through `dates` of them, at different hours and of four protocols.
fn cycling(dates: u32, rows: u32) -> Vec<u8> {
    let mut bytes = pcap_header();
    for row in 0..rows {
        let frame = match row % 4 {
            0 => udp(1, b"hello"),
            protocol => ip(u8::try_from(protocol * 6).unwrap(), 1, b"hello"),
        };
        bytes.extend(pcap_record(row % dates * 86_400 + row % 24 * 3600, row, &frame));
    }
    bytes
}

/// The microseconds within a second are the place in the capture: by partition, they must rise.
fn in_order(rows: &[Row], count: u32) {
    let mut places: BTreeMap<&str, Vec<i64>> = BTreeMap::new();
    for row in rows {
        let micros = row.int("datetime").unwrap();
        assert!(row.partition.starts_with("date="), "{}", row.partition);
        places.entry(&row.partition).or_default().push(micros % 1_000_000);
    }
    assert!(places.values().all(|places| places.is_sorted()));
    let mut all: Vec<_> = places.into_values().flatten().collect();
    all.sort_unstable();
    assert!(all.into_iter().eq(0..i64::from(count)));
}

#[test]
fn a_capture_that_cycles_through_its_dates_has_a_row_group_a_date() {
    let folder = folder();
    let (dates, rows) = (600, 7200);
    let path = save(&folder, "cycling.pcap", &cycling(dates, rows));
    for by in [PartitionBy::default(), PartitionBy { hour: true, protocol: true }] {
        let lakes = [1, 3].map(|jobs| {
            let mut request = request(&[&path], &folder.path().join(format!("{by:?}-{jobs}")));
            request.settings = Settings { partition_by: by, summaries: false, ..Settings::default() };
            request.jobs = jobs;
            convert(&request);
            (request.lake.clone(), hashes(&request.lake))
        });
        assert_eq!(lakes[0].1, lakes[1].1);
        in_order(&packets(&lakes[0].0), rows);
        // Six hundred is a multiple of twenty-four and of four, so a date has one hour and one protocol.
        assert_eq!(row_groups(&lakes[0].0), vec![i64::from(rows / dates); dates as usize], "{by:?}");
    }
}

/// Where there is no room for all dates, each row group still has about as many rows as there is room for a date.
#[test]
fn more_dates_than_there_is_room_for_do_not_make_row_groups_of_a_row() {
    let folder = folder();
    let (dates, rows) = (100, 8000);
    let path = save(&folder, "cycling.pcap", &cycling(dates, rows));
    let mut request = request(&[&path], &folder.path().join("lake"));
    // Room for two row groups, which is ten rows a date.
    request.settings = Settings { row_group_rows: 500, summaries: false, ..Settings::default() };
    convert(&request);
    in_order(&packets(&request.lake), rows);
    let groups = row_groups(&request.lake);
    assert!(groups.len() <= 8000 / 7, "{} row groups", groups.len());
    assert!(groups.iter().filter(|rows| **rows < 3).count() <= groups.len() / 10, "{groups:?}");
}

#[test]
fn rows_with_long_names_make_row_groups_of_fewer_rows() {
    let folder = folder();
    let mut bytes = pcap_header();
    // 63 octets that are shown as four characters each, three times: some 760 bytes a name, and the same one twice a row.
    let count = 40_000_u32;
    for row in 0..count {
        let mut label = [200; 63];
        label[..3].copy_from_slice(&[14, 7, 0].map(|bits| 0x80 | (row >> bits).to_le_bytes()[0]));
        let frame = dns_answer(7, &[&label, &[255; 63], &[7; 63]], &[[10, 0, 0, 1]]);
        bytes.extend(pcap_record(1_600_000_000, row, &frame));
    }
    let path = save(&folder, "long.pcap", &bytes);
    let mut request = request(&[&path], &folder.path().join("lake"));
    request.settings = Settings { summaries: false, ..Settings::default() };
    convert(&request);
    let groups = row_groups(&request.lake);
    // 24 MiB of 760 bytes, for a row group holds each name once, and what a row takes else.
    assert!(groups.iter().all(|rows| (1000..33_000).contains(rows)) && groups.len() < 5, "{groups:?}");
    in_order(&packets(&request.lake), count);
}

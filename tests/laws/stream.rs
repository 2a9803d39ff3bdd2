//! Law 21: batches straight from captures have the rows that a lake of them has, in the order of the captures, at any chunk size,
//! number of workers, size of batches and packing; and they say the same about damage. Chunks of a capture, one after the other, have
//! the rows of the whole, and damage is said by the chunk in which it begins.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use parcap::config::{LengthKind, Settings, TimestampUnit};
use parcap::discover::Compression;
use parcap::stream::{PacketBatches, ReadCaptures};
use parcap::summary::Filter;

use crate::support::build::{Capture, udp};
use crate::support::{Row, convert, folder, packets, repository, request, rows_in, save};

use super::adversary::{hostile_pcap, hostile_pcapng};
use super::packing::PACKERS;
use super::{mixed_pcapng, plain_pcap};

/// All rows, in their order.
fn rows_of(batches: &mut PacketBatches) -> Vec<Row> {
    batches.flat_map(|batch| rows_in(&batch.unwrap(), "")).collect()
}

/// A damaged capture: its path, the number and offset of the packet, and how many packets there are.
type DamageFound = (PathBuf, u64, u64, u64);

/// The rows of a lake of these captures, in no order, and what was damaged.
fn in_a_lake(captures: &[PathBuf], settings: &Settings) -> (Vec<Row>, Vec<DamageFound>) {
    let folder = folder();
    let mut request = request(captures, &folder.path().join("lake"));
    request.settings = settings.clone();
    let report = convert(&request);
    let rows = packets(&request.lake).into_iter().map(|mut row| {
        row.partition.clear();
        row
    });
    let damaged = report.damaged.iter();
    let damaged = damaged.map(|it| (it.path.clone(), it.damage.frame, it.damage.offset, it.records)).collect();
    (sorted(rows.collect()), damaged)
}

fn sorted(mut rows: Vec<Row>) -> Vec<Row> {
    rows.sort();
    rows
}

/// The rows are those of a lake; and in one order, however they are read. Returns how many captures are damaged.
fn as_in_a_lake(captures: &[PathBuf], settings: &Settings, chunk_sizes: &[u64]) -> usize {
    let (lake, damaged) = in_a_lake(captures, settings);
    let read = || ReadCaptures::new(captures).salvage(settings.salvage).length(settings.length);
    let usual = rows_of(&mut read().jobs(1).chunk_size(u64::MAX).open().unwrap());
    assert_eq!(sorted(usual.clone()), lake);
    for (nth, chunk_size) in chunk_sizes.iter().enumerate() {
        for jobs in [1, 2, 5] {
            let batch_rows = [1, 7, 100_000][(nth + jobs) % 3];
            let mut batches = read().jobs(jobs).chunk_size(*chunk_size).batch_rows(batch_rows).open().unwrap();
            let rows = rows_of(&mut batches);
            assert_eq!(rows, usual, "{chunk_size} bytes a chunk, {jobs} workers, {batch_rows} rows a batch");
            let found = batches.damaged().iter();
            let found: Vec<_> =
                found.map(|it| (it.path.clone(), it.damage.frame, it.damage.offset, it.records)).collect();
            assert_eq!(found, damaged, "{chunk_size} bytes a chunk, {jobs} workers");
            // What was read twice counts once.
            let meter = Arc::clone(batches.meter());
            drop(batches);
            assert_eq!(meter.records.load(Ordering::Relaxed), usual.len() as u64);
        }
    }
    damaged.len()
}

#[test]
fn batches_have_the_rows_of_a_lake_at_any_chunk_size() {
    let folder = folder();
    for (bytes, name, sizes) in [
        (plain_pcap().bytes, "plain.pcap", &[70, 333, 1000, 4000][..]),
        (mixed_pcapng().bytes, "mixed.pcapng", &[400, 1000, 7777]),
        (hostile_pcap().bytes, "hostile.pcap", &[997, 5000]),
        (hostile_pcapng().bytes, "hostile.pcapng", &[997, 5000]),
    ] {
        assert_eq!(as_in_a_lake(&[save(&folder, name, &bytes)], &Settings::default(), sizes), 0, "{name}");
    }
}

#[test]
fn so_have_those_of_captures_that_are_cut_packed_or_damaged() {
    let folder = folder();
    let plain = plain_pcap().bytes;
    let mut broken = plain.clone();
    // The captured length of a record in the middle.
    let record = 24 + broken[24..].windows(4).position(|bytes| bytes == [0xff; 4]).map_or(2000, |at| at & !3);
    broken[record..record + 60].fill(0xee);
    let mut captures = vec![
        save(&folder, "cut.pcap", &plain[..plain.len() - 5]),
        save(&folder, "broken.pcap", &super::told_apart(&broken, 16, 1)),
        save(&folder, "empty.pcap", &[]),
    ];
    for (place, (name, pack)) in PACKERS.into_iter().enumerate() {
        captures.push(save(&folder, name, &pack(&super::told_apart(&plain, 16, 10 + place))));
    }
    for salvage in [false, true] {
        let settings = Settings { salvage, length: LengthKind::Captured, ..Settings::default() };
        assert_eq!(as_in_a_lake(&captures, &settings, &[333, 1000]), 2);
    }
}

/// What was damaged, at which packet and offset: the end of the reading, and with salvage each gap.
fn faults(batches: &PacketBatches) -> Vec<(PathBuf, u64, u64)> {
    let faults = batches.damaged().iter().flat_map(|damaged| {
        let gaps = damaged.gaps.first.iter().map(|gap| &gap.damage);
        let end = damaged.gaps.is_empty().then_some(&damaged.damage);
        gaps.chain(end).map(|damage| (damaged.path.clone(), damage.frame, damage.offset))
    });
    faults.collect()
}

/// Reads a capture whole and in chunks. Returns its number of rows and of faults.
fn chunks_are_the_whole(path: &Path, salvage: bool, sizes: &[u64]) -> (usize, usize) {
    let asked = ReadCaptures::new([path]).salvage(salvage).timestamp_unit(TimestampUnit::Ns);
    let mut whole = asked.clone().jobs(1).chunk_size(u64::MAX).open().unwrap();
    let (rows, found) = (rows_of(&mut whole), faults(&whole));
    let bytes = std::fs::metadata(path).unwrap().len();
    for (nth, size) in sizes.iter().enumerate() {
        let (mut of_chunks, mut said, mut chunks) = (Vec::new(), Vec::new(), 0);
        for start in (0..bytes.max(1)).step_by(usize::try_from(*size).unwrap()) {
            let batch_rows = [1, 7, 100_000][(nth + chunks) % 3];
            let chunk = asked.clone().jobs(chunks % 3).batch_rows(batch_rows).chunk(start..(start + size).min(bytes));
            let mut chunk = chunk.open().unwrap();
            of_chunks.extend(rows_of(&mut chunk));
            said.extend(faults(&chunk));
            assert_eq!(chunk.refused().len(), whole.refused().len(), "{}", path.display());
            chunks += 1;
        }
        assert_eq!(of_chunks, rows, "{}: {chunks} chunks of {size} bytes", path.display());
        assert_eq!(said, found, "{}: {chunks} chunks of {size} bytes", path.display());
    }
    (rows.len(), found.len())
}

/// All files below a folder.
fn files(folder: &str) -> Vec<PathBuf> {
    let files = walkdir::WalkDir::new(repository(folder)).sort_by_file_name();
    files.into_iter().map(Result::unwrap).filter(|it| it.file_type().is_file()).map(|it| it.into_path()).collect()
}

#[test]
fn chunks_of_the_samples_are_the_whole() {
    let (mut captures, mut rows, mut damaged) = (0, 0, 0);
    for path in [files("data/captures"), files("data/damaged")].concat() {
        let asked = ReadCaptures::new([&path]);
        let (found, _) = asked.find().unwrap();
        match &found[..] {
            [] => assert!(asked.chunk(0..100).open().unwrap().next().is_none()),
            [input] if input.compression != Compression::None => {
                let error = asked.chunk(0..100).open().unwrap_err().to_string();
                assert_eq!(error, format!("{}: is compressed, so no chunk of it can be read", path.display()));
            }
            _ => {
                let (more, faults) = chunks_are_the_whole(&path, false, &[1000, 4096, 64 << 20]);
                assert_eq!(chunks_are_the_whole(&path, true, &[1000]).1, faults);
                (captures, rows, damaged) = (captures + 1, rows + more, damaged + faults);
            }
        }
    }
    assert!(captures > 15 && rows > 1200 && damaged == 5, "{captures} captures, {rows} rows, {damaged} damaged");
}

#[test]
fn chunks_of_odd_captures_are_the_whole() {
    let folder = folder();
    let (plain, mixed) = (plain_pcap().bytes, mixed_pcapng().bytes);
    // Two faults, each before more records than a packet can carry.
    let mut broken = Capture::pcap();
    (0..900).for_each(|number| broken.record(4, u32::from(number) * 1000, udp(number, &[7; 300])));
    for record in [100, 500] {
        let (start, _) = broken.boundaries[record];
        broken.bytes[start + 8..start + 12].fill(0xff);
    }
    for (name, bytes, faults, salvaged) in [
        ("plain.pcap", plain.clone(), 0, 0),
        ("mixed.pcapng", mixed.clone(), 0, 0),
        ("appended", [&mixed[..], &plain, &mixed].concat(), 0, 0),
        ("hostile.pcap", hostile_pcap().bytes, 0, 0),
        ("hostile.pcapng", hostile_pcapng().bytes, 0, 0),
        ("cut.pcapng", mixed[..mixed.len() - 5].to_vec(), 1, 1),
        ("zeros.pcapng", [&mixed[..], &[0; 3000]].concat(), 1, 1),
        ("broken.pcap", broken.bytes, 1, 2),
        ("empty.pcap", Vec::new(), 0, 0),
    ] {
        let path = save(&folder, name, &bytes);
        let size = bytes.len() as u64 + 1;
        let sizes = if size > 100_000 { [3333, 9973, 40_000, 65_536, size] } else { [97, 333, 1000, 4096, size] };
        assert_eq!(chunks_are_the_whole(&path, false, &sizes).1, faults, "{name}");
        assert_eq!(chunks_are_the_whole(&path, true, &sizes[2..]).1, salvaged, "{name}");
    }
}

#[test]
fn of_several_captures_there_is_no_chunk() {
    let asked = ReadCaptures::new([office(), repository("data/captures/vlan.pcap")]).chunk(0..100);
    let error = asked.open().unwrap_err().to_string();
    assert!(error.ends_with("is one of several captures, so no chunk of it can be read"), "{error}");
    let error = ReadCaptures::new(["-"]).chunk(0..100).open().unwrap_err().to_string();
    assert_eq!(error, "-: is a stream, so no chunk of it can be read");
}

fn office() -> PathBuf {
    repository("data/captures/office-hour.pcap")
}

fn read(path: &Path) -> ReadCaptures {
    ReadCaptures::new([path]).chunk_size(20_000).jobs(2)
}

#[test]
fn a_description_is_read_as_often_as_one_likes() {
    let office = read(&office());
    let first = rows_of(&mut office.open().unwrap());
    assert_eq!(first.len(), 468);
    assert_eq!(rows_of(&mut office.open().unwrap()), first);
}

#[test]
fn columns_are_those_that_were_asked_for() {
    let all = rows_of(&mut read(&office()).open().unwrap());
    let names = ["length", "ip_src", "dns_query"];
    let mut some = read(&office()).columns(names).unwrap().open().unwrap();
    assert_eq!(some.schema().fields().iter().map(|field| field.name().as_str()).collect::<Vec<_>>(), names);
    for (some, all) in rows_of(&mut some).iter().zip(&all) {
        names.iter().for_each(|name| assert_eq!(some.get(name), all.get(name)));
    }
    let none = read(&office()).columns([]).unwrap().open().unwrap();
    assert_eq!(none.map(|batch| batch.unwrap().num_rows()).sum::<usize>(), all.len());
    assert_eq!(read(&office()).columns(["ip"]).unwrap_err().to_string(), "there is no column `ip`");
}

#[test]
fn a_filter_leaves_rows_out_and_changes_none() {
    let all = rows_of(&mut read(&office()).open().unwrap());
    let udp = Filter { protocols: vec![17], ..Filter::default() };
    let rows = rows_of(&mut read(&office()).filter(udp).open().unwrap());
    let expected: Vec<_> = all.iter().filter(|row| row.get("protocol") == Some("UDP")).cloned().collect();
    assert!(!expected.is_empty() && expected.len() < all.len());
    assert_eq!(rows, expected);
    for (column, value) in [
        ("is_dns", "true"),
        ("protocol", "ICMP"),
        ("port_dst", "53"),
        ("port_src", "53"),
        ("ip_src", "192.0.2.10"),
        ("ip_dst", "192.0.2.10"),
        ("mac_src", "00:00:5e:00:53:10"),
        ("mac_dst", "00:00:5e:00:53:10"),
    ] {
        let rows = rows_of(&mut read(&office()).one_of(column, [Some(value)]).unwrap().open().unwrap());
        let expected: Vec<_> = all.iter().filter(|row| row.get(column) == Some(value)).cloned().collect();
        assert!(!expected.is_empty() && expected.len() < all.len(), "{column}");
        assert_eq!(rows, expected, "{column}");
    }
    let rows = rows_of(&mut read(&office()).one_of("port", [Some("53")]).unwrap().open().unwrap());
    let is_of_it = |row: &&Row| [row.get("port_src"), row.get("port_dst")].contains(&Some("53"));
    assert_eq!(rows, all.iter().filter(is_of_it).cloned().collect::<Vec<_>>());
}

#[test]
fn what_is_no_capture_is_named_and_the_others_are_read() {
    let folder = folder();
    let text = save(&folder, "notes.txt", b"these are no packets");
    let gone = folder.path().join("gone.pcap");
    let mut batches = ReadCaptures::new([text.clone(), office(), gone.clone()]).open().unwrap();
    assert_eq!(rows_of(&mut batches).len(), 468);
    let mut refused: Vec<_> = batches.refused().iter().map(|refused| refused.path.clone()).collect();
    refused.sort();
    assert_eq!(refused, [gone, text]);
}

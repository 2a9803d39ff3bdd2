//! How fast each stage is by itself, and the conversion as a whole.
//!
//! The traffic is a recorded capture, repeated, with other IPv4 addresses in each copy, so that the tables of flows and addresses fill as
//! they do on an archive. It is made in memory; only the whole conversion touches a disk, in a temporary folder. See
//! `benches/README.md`.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a benchmark may stop at the first surprise, and prints what it measures"
)]

use std::hint::black_box;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::time::Duration;

use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main, measurement::WallTime};
use parcap::cancel::Cancel;
use parcap::capture::Source;
use parcap::capture::{CaptureReader, LinkType, PacketRecord, Timestamp};
use parcap::commands::{BATCH, COMMIT_EVERY, ConvertRequest, convert};
use parcap::config::CHECKPOINT_AFTER;
use parcap::config::Settings;
use parcap::config::{LengthKind, TimestampUnit};
use parcap::decode::{Packet, decode};
use parcap::discover::Compression;
use parcap::observer::Unobserved;
use parcap::packets::Encoder;
use parcap::packets::Rows;
use parcap::packets::TableColumns;
use parcap::select::SelectOptions;
use std::sync::Arc;

/// Copies of the recorded capture: 131 thousand packets, a row group.
const COPIES: u32 = 280;
const FILE_HEADER: usize = 24;
const RECORD_HEADER: usize = 16;
/// Where IPv4 source and destination lie after an Ethernet header.
const ADDRESSES: [usize; 2] = [26, 30];

/// The capture, and what there is to divide by.
struct Traffic {
    bytes: Vec<u8>,
    packets: u64,
}

impl Traffic {
    fn make() -> Self {
        let recorded = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/captures/office-hour.pcap");
        let recorded = std::fs::read(recorded).expect("a capture of data/captures");
        let (header, records) = recorded.split_at(FILE_HEADER);
        let (mut bytes, mut packets) = (header.to_vec(), 0);
        for copy in 0..COPIES {
            let mut left = records;
            while let Some((record, rest)) = split_record(left) {
                let start = bytes.len();
                bytes.extend_from_slice(record);
                let (record_header, frame) = bytes[start..].split_at_mut(RECORD_HEADER);
                // A copy lasts a minute: the capture's own seconds, moved.
                let seconds = le32(record_header) + copy * 60;
                record_header[..4].copy_from_slice(&seconds.to_le_bytes());
                vary(frame, copy);
                packets += 1;
                left = rest;
            }
        }
        Self { bytes, packets }
    }

    fn throughput(&self) -> Throughput {
        Throughput::ElementsAndBytes { elements: self.packets, bytes: self.bytes.len() as u64 }
    }

    fn reader(&self) -> CaptureReader {
        let source = Source::Stream { bytes: Box::new(Cursor::new(self.bytes.clone())), origin: Default::default() };
        CaptureReader::from_source(source, Compression::None).expect("a capture")
    }

    /// Every record, borrowed from the capture's bytes and not from a reader.
    fn records(&self) -> Vec<PacketRecord<'_>> {
        let (mut records, mut offset) = (Vec::new(), FILE_HEADER);
        while let Some((record, _)) = split_record(&self.bytes[offset..]) {
            let (header, data) = record.split_at(RECORD_HEADER);
            let mut framed = PacketRecord::of_bytes(LinkType::ETHERNET, data, offset as u64);
            framed.time = Some(Timestamp::from_pcap(le32(header), le32(&header[4..]), false));
            framed.orig_len = le32(&header[12..]);
            records.push(framed);
            offset += record.len();
        }
        records
    }
}

/// A record of a little-endian pcap, and what follows it.
fn split_record(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let cap_len = le32(bytes.get(8..12)?) as usize;
    bytes.split_at_checked(RECORD_HEADER + cap_len)
}

fn le32(bytes: &[u8]) -> u32 {
    u32::from_le_bytes(bytes[..4].try_into().expect("four bytes"))
}

/// Moves the IPv4 addresses of a frame to other networks, one of them a copy.
fn vary(frame: &mut [u8], copy: u32) {
    if frame.get(12..14) != Some(&[0x08, 0x00]) {
        return;
    }
    let [_, _, high, low] = copy.to_be_bytes();
    for address in ADDRESSES {
        if let Some([_, second, third, _]) = frame.get_mut(address..address + 4) {
            *second ^= high;
            *third ^= low;
        }
    }
}

fn rows(records: &[PacketRecord<'_>], packets: &[Packet<'_>], rows: &mut Rows) {
    rows.clear();
    let first = records.first().and_then(|record| record.time);
    for (record, packet) in records.iter().zip(packets) {
        rows.append(0, record, packet, first);
    }
}

fn stages(criterion: &mut Criterion) {
    let traffic = Traffic::make();
    println!("traffic: {} packets, {} bytes", traffic.packets, traffic.bytes.len());
    let records = traffic.records();
    let packets: Vec<_> = records.iter().map(|record| decode(LinkType::ETHERNET, record.data)).collect();
    assert_eq!(records.len() as u64, traffic.packets);
    let mut group = criterion.benchmark_group("stage");
    group.throughput(traffic.throughput());

    group.bench_function("read", |bencher| {
        bencher.iter_batched_ref(
            || traffic.reader(),
            |reader| {
                while let Some(record) = reader.next().expect("no damage") {
                    black_box(record);
                }
                assert_eq!(reader.frames(), traffic.packets);
            },
            criterion::BatchSize::PerIteration,
        );
    });
    group.bench_function("decode", |bencher| {
        bencher.iter(|| {
            for record in &records {
                black_box(decode(LinkType::ETHERNET, black_box(record.data)));
            }
        });
    });
    group.bench_function("append", |bencher| {
        let mut collected = Rows::new(TableColumns::default(), TimestampUnit::Us, LengthKind::Wire);
        bencher.iter(|| {
            rows(&records, &packets, &mut collected);
            black_box(collected.len())
        });
    });
    group.bench_function("encode", |bencher| {
        let encoder = Encoder::new(&Settings::default()).expect("an encoder");
        let mut collected = Rows::new(TableColumns::default(), TimestampUnit::Us, LengthKind::Wire);
        rows(&records, &packets, &mut collected);
        bencher.iter(|| encoder.encode(&collected).expect("a row group").bytes);
    });
    group.finish();
}

fn whole(criterion: &mut Criterion) {
    let traffic = Traffic::make();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let capture = folder.path().join("traffic.pcap");
    std::fs::write(&capture, &traffic.bytes).expect("the capture is written");
    let mut group = criterion.benchmark_group("convert");
    group.throughput(traffic.throughput());
    for (name, summaries) in [("packets", false), ("packets-and-summaries", true)] {
        conversion(&mut group, name, &capture, summaries, traffic.packets);
    }
    group.finish();
}

/// From a file to a committed lake, with one worker; the lake is removed outside the measurement.
fn conversion(group: &mut BenchmarkGroup<'_, WallTime>, name: &str, capture: &Path, summaries: bool, packets: u64) {
    group.bench_function(name, |bencher| {
        bencher.iter_batched_ref(
            || tempfile::tempdir().expect("a temporary folder"),
            |folder| {
                let report = convert(&request(capture, folder.path().join("lake"), summaries)).expect("a conversion");
                assert_eq!(report.rows, packets);
            },
            criterion::BatchSize::PerIteration,
        );
    });
}

fn request(capture: &Path, lake: PathBuf, summaries: bool) -> ConvertRequest {
    ConvertRequest {
        ptr: parcap::names::PtrOptions::default(),
        named: vec![capture.to_path_buf()],
        lake,
        settings: Settings { summaries, ..Settings::default() },
        jobs: 1,
        rules: SelectOptions::default(),
        memory: None,
        strict: false,
        commit_every: COMMIT_EVERY,
        batch: BATCH,
        checkpoint_after: CHECKPOINT_AFTER,
        max_damaged: None,
        wait: Duration::ZERO,
        top: 10,
        dry_run: false,
        observer: Arc::new(Unobserved),
        cancel: Cancel::default(),
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(4));
    targets = stages, whole
}
criterion_main!(benches);

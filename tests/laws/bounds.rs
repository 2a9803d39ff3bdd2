//! Laws 12 and 13: memory that is given changes no byte, and what would take too much of it, or unpacks to more than any capture, is refused.

use std::io::Write as _;
use std::path::Path;

use parcap::advice::Advice;
use parcap::capture::{CaptureReader, Damage, DamageKind};
use parcap::cli::complaints;
use parcap::config::Settings;
use parcap::memory::{FIXED, SMALL_WINDOW, WORKER};
use parcap::outcome::RunOutcome;
use proptest::prelude::*;

use crate::support::build::{Capture, interface, packet, pcap_header, pcap_record, section, udp};
use crate::support::{convert, folder, hashes, packets, request, save};

use super::packing::{PACKERS, Pack};
use super::{input, known, mixed_pcapng, plain_pcap};

/// A Zstandard frame (RFC 8878 3.1.1) of one raw block that announces a window of `2^log` bytes.
fn zstd_frame(log: u8, bytes: &[u8]) -> Vec<u8> {
    let block = u32::try_from(bytes.len() << 3 | 1).unwrap().to_le_bytes();
    [&[0x28, 0xb5, 0x2f, 0xfd, 0, (log - 10) << 3][..], &block[..3], bytes].concat()
}

fn xz(preset: u32, bytes: &[u8]) -> Vec<u8> {
    let mut packer = liblzma::write::XzEncoder::new(Vec::new(), preset);
    packer.write_all(bytes).unwrap();
    packer.finish().unwrap()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    packer.write_all(bytes).unwrap();
    packer.finish().unwrap()
}

/// Reads a capture to its end: its packets, and how it ended.
fn read(path: &Path) -> (u64, Option<Damage>) {
    let mut reader = CaptureReader::open(&input(path)).unwrap();
    loop {
        match reader.next() {
            Ok(Some(_)) => {}
            Ok(None) => return (reader.frames(), None),
            Err(damage) => return (reader.frames(), Some(damage)),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn any_memory_that_is_accepted_gives_the_same_bytes(
        workers in 1..5_u64, over in 0..WORKER, jobs in 1..6_usize, chunk_size in 500..5000_u64
    ) {
        let folder = folder();
        let plain = plain_pcap().bytes;
        let captures = folder.path().join("captures");
        std::fs::create_dir(&captures).unwrap();
        for (name, bytes) in [("plain.pcap", &plain), ("mixed.pcapng", &mixed_pcapng().bytes), ("z", &gzip(&plain))] {
            save(&folder, &format!("captures/{name}"), bytes);
        }
        let lakes = [None, Some(FIXED + workers * WORKER + over)].map(|memory| {
            let mut request = request(&[&captures], &folder.path().join(format!("{memory:?}")));
            request.settings = Settings { chunk_size, target_file_size: 4096, ..Settings::default() };
            (request.memory, request.jobs) = (memory, if memory.is_some() { jobs } else { 2 });
            convert(&request);
            hashes(&request.lake)
        });
        prop_assert_eq!(&lakes[0], &lakes[1]);
    }
}

/// Captures of which two, or only one, can be unpacked at a time, among others, in one unit: a task that waits for memory must
/// not hold up the task that has it.
#[test]
fn large_windows_wait_for_one_another_and_change_no_byte() {
    let folder = folder();
    let captures = folder.path().join("captures");
    std::fs::create_dir(&captures).unwrap();
    let capture = plain_pcap();
    for number in 0..24 {
        let bytes = match number % 4 {
            0 => capture.bytes.clone(),
            1 => zstd_frame(20, &capture.bytes),
            // 64 MiB and 2^7 MiB.
            2 => zstd_frame(26, &capture.bytes),
            _ => zstd_frame(27, &capture.bytes),
        };
        save(&folder, &format!("captures/{number:02}.pcap"), &bytes);
    }
    let memories = [(None, 1), (None, 5), (Some(FIXED + 4 * WORKER + (119 << 20)), 4)];
    let lakes = memories.map(|(memory, jobs)| {
        let mut request = request(&[&captures], &folder.path().join(format!("{memory:?}-{jobs}")));
        request.settings = Settings { chunk_size: 3000, target_file_size: 600, ..Settings::default() };
        (request.memory, request.jobs) = (memory, jobs);
        let report = convert(&request);
        assert_eq!((report.inputs, report.refused.len()), (24, 0), "{:?}", report.refused);
        hashes(&request.lake)
    });
    assert_eq!(lakes[0], lakes[1]);
    assert_eq!(lakes[0], lakes[2]);
}

#[test]
fn a_capture_that_needs_more_memory_than_there_is_is_refused_by_name_and_its_neighbours_are_not() {
    let folder = folder();
    let bytes = plain_pcap().bytes;
    let good = save(&folder, "good.pcap", &bytes);
    // `xz -7` has a dictionary of 16 MiB (xz(1)).
    for (name, packed, needed, memory, allowed) in [
        ("long.zst", zstd_frame(31, &bytes), "zstd file that takes 2049 MiB", None, 170),
        ("long28.zst", zstd_frame(28, &bytes), "zstd file that takes 257 MiB", None, 170),
        ("seven.xz", xz(7, &bytes), "xz file that takes 17 MiB", Some(FIXED + WORKER), 10),
    ] {
        let path = save(&folder, name, &packed);
        let mut request = request(&[&path, &good], &folder.path().join(format!("lake-{name}")));
        request.memory = memory;
        let report = convert(&request);
        assert_eq!((report.inputs, report.refused.len()), (1, 1));
        let refused = &report.refused[0];
        assert_eq!(
            (&refused.path, refused.reason.as_str()),
            (&path, format!("is a {needed} of memory to unpack, and there are {allowed} MiB").as_str())
        );
        assert_eq!(refused.hint, Some(Advice::MoreMemory));
        // With so much more it is converted, into the same lake.
        request.memory = Some(FIXED + 2 * WORKER + (2049 << 20) - SMALL_WINDOW);
        let report = convert(&request);
        assert_eq!((report.inputs, report.unchanged, report.refused.len()), (1, 1, 0));
        assert_eq!(packets(&request.lake).len(), 2 * 60);
    }
}

/// A walk steps over what does not claim to be a capture, and is none: the bytes say so, where they may not all be
/// unpacked too.
#[test]
fn a_walk_refuses_captures_that_need_more_memory_and_steps_over_what_is_none() {
    let folder = folder();
    let found = folder.path().join("found");
    std::fs::create_dir(&found).unwrap();
    let bytes = plain_pcap().bytes;
    for (name, bytes) in
        [("a.zst", zstd_frame(31, &bytes)), ("b", xz(7, &bytes)), ("c.xz", xz(7, b"no capture, a text"))]
    {
        save(&folder, &format!("found/{name}"), &bytes);
    }
    save(&folder, "found/d.zst", &zstd_frame(31, b"no capture, a text"));
    let mut request = request(&[&found], &folder.path().join("lake"));
    request.memory = Some(FIXED + WORKER);
    let report = convert(&request);
    let refused: Vec<_> = report.refused.iter().map(|refused| refused.path.clone()).collect();
    assert_eq!((refused, report.stepped_over), (vec![found.join("a.zst"), found.join("b")], 2));
}

#[test]
fn a_later_frame_that_needs_more_memory_than_the_first_is_damage() {
    let folder = folder();
    let capture = plain_pcap();
    let half = capture.boundaries[30].0;
    let (first, second) = capture.bytes.split_at(half);
    let path = save(&folder, "two.zst", &[zstd_frame(20, first), zstd_frame(27, second)].concat());
    let mut request = request(&[&path], &folder.path().join("lake"));
    request.jobs = 1;
    let report = convert(&request);
    let damage = &report.damaged[0].damage;
    assert_eq!((damage.kind, damage.offset, damage.found), (DamageKind::CompressedWindow, half as u64, SMALL_WINDOW));
    assert_eq!(known(&packets(&request.lake)), capture.rows()[..30]);
    // Without a limit, the usual one holds.
    assert_eq!(read(&path), (60, None));
}

/// Bytes of a packet of zeros: many, or gzip would not pack a thousand times.
const ZEROS: u64 = 4 << 20;

/// A pcap of packets of zeros, its snapshot length such that they are plausible.
fn zeros(packets: u32) -> Vec<u8> {
    let mut frame = udp(1, &[]);
    frame.data = vec![0; usize::try_from(ZEROS).unwrap()];
    let mut bytes = pcap_header();
    bytes[16..20].copy_from_slice(&u32::MAX.to_le_bytes());
    (0..packets).for_each(|number| bytes.extend(pcap_record(1_600_000_000 + number, 0, &frame)));
    bytes
}

#[test]
fn a_bomb_of_each_kind_is_left_where_it_is_not_believed_any_more() {
    let folder = folder();
    // 80 MiB; believed are 64 MiB, and what the decompressor gives at a time.
    let bytes = zeros(20);
    for (name, pack) in PACKERS.into_iter().map(|(name, pack)| (name, if name == "gzip" { gzip as Pack } else { pack }))
    {
        let path = save(&folder, name, &pack(&bytes));
        let packed = path.metadata().unwrap().len();
        let (frames, damage) = read(&path);
        if name == "lz4" {
            // It cannot pack over 255 times.
            assert_eq!((frames, damage), (20, None));
            continue;
        }
        let damage = damage.unwrap();
        assert_eq!(damage.kind, DamageKind::CompressedRatio, "{name}: {damage}");
        assert!(damage.announced <= packed && damage.found > 1000 * damage.announced, "{name}: {damage}");
        assert!((64 << 20..66 << 20).contains(&damage.found), "{name}: {damage}");
        // The records that are whole by then.
        assert_eq!((frames, damage.frame), ((damage.found - 24) / (16 + ZEROS), frames + 1), "{name}: {damage}");
        assert_eq!(damage.offset, 24 + frames * (16 + ZEROS), "{name}");
    }
}

#[test]
fn a_bomb_keeps_the_rows_before_it_and_says_what_to_do() {
    let folder = folder();
    let path = save(&folder, "bomb.pcap.zst", &zstd::encode_all(zeros(20).as_slice(), 1).unwrap());
    let lakes = [1, 3].map(|jobs| {
        let mut request = request(&[&path], &folder.path().join(format!("lake-{jobs}")));
        request.jobs = jobs;
        let report = convert(&request);
        let text = complaints(&report);
        // 24 bytes and sixteen records of 4,194,320.
        let begins =
            "bomb.pcap.zst: the compressed stream is not believed after byte 67109144, inside or before packet 17: ";
        assert!(text.contains(begins), "{text}");
        let ends = "the 16 packets before it were converted; if it is no trap, unpack it and convert the unpacked file";
        assert!(text.contains(ends), "{text}");
        assert_eq!((report.outcome(), report.rows), (RunOutcome::Incomplete, 16));
        hashes(&request.lake)
    });
    assert_eq!(lakes[0], lakes[1]);
}

#[test]
fn a_bomb_within_a_bomb_is_no_capture() {
    let folder = folder();
    let pack = |bytes: &[u8]| zstd::encode_all(bytes, 1).unwrap();
    let path = save(&folder, "nested.pcap.zst", &pack(&pack(&zeros(20))));
    let report = convert(&request(&[&path], &folder.path().join("lake")));
    assert_eq!(report.refused[0].reason, "is not a capture: it begins with the bytes 28 b5 2f fd");
}

#[test]
fn a_short_stream_is_believed_however_dense_it_is() {
    let folder = folder();
    let packed = zstd::encode_all(zeros(15).as_slice(), 1).unwrap();
    assert!(packed.len() < 60_000);
    assert_eq!(read(&save(&folder, "dense", &packed)), (15, None));
}

#[test]
fn a_section_has_as_many_interfaces_as_the_packet_block_can_number() {
    let folder = folder();
    let of = |count: u32| {
        let mut capture = Capture::default().with(&section());
        let interfaces = interface(1, 0, 6, 0).repeat(count as usize);
        capture.bytes.extend(&interfaces);
        capture.bytes.extend(packet(count - 1, 1_600_000_000_000_000, &udp(1, b"hello")));
        // A section of its own has its own.
        capture
            .bytes
            .extend([section(), interface(1, 0, 6, 0), packet(0, 1_600_000_000_000_000, &udp(2, b""))].concat());
        save(&folder, &format!("{count}.pcapng"), &capture.bytes)
    };
    assert_eq!(read(&of(1 << 16)), (2, None));
    let (frames, damage) = read(&of((1 << 16) + 1));
    let damage = damage.unwrap();
    assert_eq!(
        (frames, damage.kind, damage.announced, damage.found),
        (0, DamageKind::TooManyInterfaces, 65_537, 65_536)
    );
}

#[test]
fn the_same_packet_over_and_over_is_no_bomb() {
    let mut capture = pcap_header();
    let mut number = 0;
    while capture.len() < 70 << 20 {
        capture.extend(pcap_record(number / 1_000_000, number % 1_000_000, &udp(7, &[1; 1400])));
        number += 1;
    }
    let folder = folder();
    let path = save(&folder, "same.pcap.zst", &zstd::stream::encode_all(capture.as_slice(), 1).unwrap());
    let report = convert(&request(&[&path], &folder.path().join("lake")));
    assert_eq!((report.rows, report.outcome()), (u64::from(number), RunOutcome::Complete), "{}", complaints(&report));
}

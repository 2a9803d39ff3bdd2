//! Law 2: chunk `k` is the records whose first byte lies in `[k*C, (k+1)*C)`, for every chunk size `C` from a byte to the
//! file, in every variant of the formats; and any settings that do not shape rows give the same rows of a lake.

use parcap::cancel::Cancel;
use parcap::capture::CaptureReader;
use parcap::commands::{Planned, commit, convert_unit, plan};
use parcap::config::{PageCompression, Settings};
use proptest::prelude::*;

use crate::support::build::Capture;
use crate::support::{commit_options, folder, packets, save};

use super::cut_wire::{pcap, pcapng};
use super::packing::PACKERS;
use super::tally::tried;
use super::wire::{Built, Kind, Order};
use super::{input, known, mixed_pcapng, plain_pcap, rows_with};

/// Offsets of the packets' records or blocks.
fn starts(built: &Built) -> Vec<usize> {
    let pairs = built.boundaries.windows(2);
    pairs.filter(|pair| pair[1].1 > pair[0].1).map(|pair| pair[0].0).collect()
}

/// Reads a capture chunk by chunk, each from where the one before it ended.
fn every_chunk_size(built: &Built, step: usize) {
    let folder = folder();
    let input = input(&save(&folder, "capture", &built.bytes));
    let (starts, size) = (starts(built), built.bytes.len());
    assert_eq!(starts.len(), built.packets.len());
    let sizes = (1..=size + 1).step_by(step);
    for chunk in sizes.clone() {
        let mut position = CaptureReader::open(&input).unwrap().position().clone();
        let (mut edge, mut packets) = (0, 0);
        while edge < size {
            edge += chunk;
            let mut reader = CaptureReader::resume(&input, position, edge as u64).unwrap().unwrap();
            while let Some(record) = reader.next().unwrap() {
                assert_eq!(record.offset, starts[packets] as u64, "chunks of {chunk}");
                assert_eq!((record.data, record.orig_len), (&built.packets[packets].0[..], built.packets[packets].1));
                packets += 1;
            }
            let before = starts.partition_point(|start| *start < edge);
            assert_eq!(packets, before, "packets before {edge}, chunks of {chunk} bytes");
            position = reader.position().clone();
        }
        assert_eq!(packets, starts.len(), "chunks of {chunk}");
    }
    tried("chunkings", sizes.count());
}

#[test]
fn every_chunk_of_every_size_of_a_pcap_has_the_records_that_begin_in_it() {
    for kind in Kind::ALL {
        for order in Order::BOTH {
            every_chunk_size(&pcap(kind, order), 1);
        }
    }
}

#[test]
fn every_chunk_of_any_size_of_a_pcapng_has_the_packets_that_begin_in_it() {
    for order in Order::BOTH {
        every_chunk_size(&pcapng(order), 7);
    }
}

/// Settings that shape files and work, and no row.
fn any_settings() -> impl Strategy<Value = Settings> {
    let compression = prop_oneof![
        (1..4).prop_map(PageCompression::Zstd),
        Just(PageCompression::Snappy),
        Just(PageCompression::Lz4),
        Just(PageCompression::None)
    ];
    (58_u64..9000, 0_u32..24, 1..100_usize, compression, any::<bool>()).prop_map(
        |(chunk_size, target, row_group_rows, compression, summaries)| Settings {
            chunk_size,
            target_file_size: 1 << target,
            row_group_rows,
            compression,
            summaries,
            ..Settings::default()
        },
    )
}

fn check(capture: &Capture, settings: &Settings, jobs: usize, packer: usize) {
    let folder = folder();
    let bytes = match PACKERS.get(packer) {
        Some((_, pack)) => pack(&capture.bytes),
        None => capture.bytes.clone(),
    };
    let rows = rows_with(&save(&folder, "capture", &bytes), settings, jobs);
    assert_eq!(known(&rows), capture.rows(), "{jobs} workers, {settings:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn settings_that_shape_no_row_change_none(
        settings in any_settings(),
        jobs in 1..9_usize,
        // Plain as often as packed.
        packer in 0..2 * PACKERS.len(),
        is_pcapng in any::<bool>(),
    ) {
        check(&if is_pcapng { mixed_pcapng() } else { plain_pcap() }, &settings, jobs, packer);
    }
}

/// Every chunk size from the shortest record on, by steps that have no divisor in common with a record's length.
#[test]
fn chunk_sizes_from_one_record_to_the_file_give_the_rows_of_the_whole() {
    for (capture, step) in [(plain_pcap(), 101), (mixed_pcapng(), 997)] {
        let sizes = (58..=capture.bytes.len() as u64 + 1).step_by(step);
        for (number, chunk_size) in sizes.clone().enumerate() {
            let settings = Settings { chunk_size, summaries: false, ..Settings::default() };
            check(&capture, &settings, 1 + number % 8, usize::MAX);
        }
        tried("chunkings", sizes.count());
    }
}

/// A chunk that lies within a record has no packet. Begun by a guess, it knew no time to hand on, and the packet without a
/// time after it went to the date of the capture's first. Units that are converted apart all begin so.
#[test]
fn a_chunk_without_packets_hands_the_last_time_on() {
    let capture = mixed_pcapng();
    let folder = folder();
    let path = save(&folder, "capture", &capture.bytes);
    for (chunk_size, target_file_size) in [(58, 16), (58, 32), (58, 64), (71, 48)] {
        let lake = folder.path().join(format!("{chunk_size}-{target_file_size}"));
        let settings = Settings { chunk_size, target_file_size, summaries: false, ..Settings::default() };
        let Planned { units, .. } = plan(
            std::slice::from_ref(&path),
            &lake,
            &settings,
            &parcap::select::SelectOptions::default(),
            &Default::default(),
        )
        .unwrap();
        let units: Vec<_> = units.iter().map(Result::unwrap).collect();
        assert!(units.len() > 20, "{} units", units.len());
        let rows = units.iter().map(|unit| convert_unit(unit, &lake, 1, Cancel::default()).unwrap());
        commit(&lake, rows.collect(), commit_options()).unwrap();
        assert_eq!(known(&packets(&lake)), capture.rows(), "{} units of chunks of {chunk_size}", units.len());
    }
}

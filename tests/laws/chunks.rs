//! Law 2: neither the size of chunks, nor parts, nor row groups, nor the number of workers changes a row.

use parcap::config::Settings;

use crate::support::build::Capture;
use crate::support::{convert, folder, hashes, manifests, packets, request, save};

use super::packing::PACKERS;
use super::{chunks_of, known, mixed_pcapng, plain_pcap, rows_with, told_apart};

const JOBS: [usize; 4] = [1, 2, 3, 7];

/// Rows are those of the construction and those of the default settings, whatever the chunk size.
fn any_chunk_size(capture: &Capture, name: &str, sizes: &[u64]) {
    let folder = folder();
    let path = save(&folder, name, &capture.bytes);
    let usual = rows_with(&path, &Settings::default(), 2);
    assert_eq!(known(&usual), capture.rows());
    let size = capture.bytes.len() as u64;
    for chunk_size in sizes.iter().copied().chain([size - 1, size]) {
        for jobs in if chunk_size == 1000 { &JOBS[..] } else { &JOBS[1..2] } {
            let rows = rows_with(&path, &chunks_of(chunk_size), *jobs);
            assert_eq!(rows, usual, "{chunk_size} bytes a chunk, {jobs} workers");
        }
    }
}

#[test]
fn any_chunk_size_and_any_number_of_workers_give_the_rows_of_a_pcap() {
    // 70 bytes are less than any record with an IP header.
    any_chunk_size(&plain_pcap(), "plain.pcap", &[70, 333, 1000, 4000]);
}

#[test]
fn any_chunk_size_and_any_number_of_workers_give_the_rows_of_a_pcapng() {
    any_chunk_size(&mixed_pcapng(), "mixed.pcapng", &[400, 1000, 7777]);
}

#[test]
fn small_parts_and_row_groups_change_no_row() {
    let capture = plain_pcap();
    let folder = folder();
    let path = save(&folder, "plain.pcap", &capture.bytes);
    let usual = rows_with(&path, &Settings::default(), 2);
    for (chunk_size, target_file_size, row_group_rows) in
        [(500, 1, 1), (500, 64, 7), (1 << 20, 1, 3), (777, 1 << 20, 2)]
    {
        let settings = Settings { chunk_size, target_file_size, row_group_rows, ..Settings::default() };
        let rows = rows_with(&path, &settings, 3);
        assert_eq!(rows, usual, "{settings:?}");
    }
}

#[test]
fn the_number_of_workers_changes_no_byte_of_a_lake() {
    let (plain, mixed) = (plain_pcap().bytes, mixed_pcapng().bytes);
    let [(_, gzip), ..] = PACKERS;
    for (bytes, name) in [(gzip(&plain), "packed"), (plain, "plain.pcap"), (mixed, "mixed.pcapng")] {
        let folder = folder();
        let path = save(&folder, name, &bytes);
        // With row groups of few rows, many of what is packed are encoded beside the worker that reads.
        for (chunk_size, target_file_size, row_group_rows) in
            [(1000, 1 << 20, 1 << 17), (600, 64, 1 << 17), (1 << 20, 1 << 20, 3), (900, 2000, 2)]
        {
            let mut lakes = JOBS.map(|jobs| {
                let mut request = request(&[&path], &folder.path().join(format!("{chunk_size}-{jobs}")));
                request.settings = Settings { chunk_size, target_file_size, row_group_rows, ..Settings::default() };
                request.jobs = jobs;
                convert(&request);
                (jobs, hashes(&request.lake))
            });
            let (_, one) = lakes[0].clone();
            assert!(one.keys().any(|path| path.starts_with("packets")) && one.len() > 8, "{:?}", one.keys());
            for (jobs, lake) in &mut lakes {
                assert_eq!(*lake, one, "{chunk_size} bytes a chunk, {jobs} workers");
            }
        }
    }
}

/// Small captures share units, and a worker takes several at a stretch.
#[test]
fn the_number_of_workers_changes_no_byte_of_a_lake_of_many_small_captures() {
    let folder = folder();
    let captures = folder.path().join("captures");
    std::fs::create_dir(&captures).unwrap();
    let capture = plain_pcap();
    for number in 0..40 {
        // Whole and cut ones, and one without a byte.
        let size = number * capture.bytes.len() / 39;
        save(&folder, &format!("captures/{number:02}.pcap"), &told_apart(&capture.bytes[..size], 16, number));
    }
    let lakes = JOBS.map(|jobs| {
        let mut request = request(&[&captures], &folder.path().join(format!("lake-{jobs}")));
        request.settings = Settings { chunk_size: 20_000, ..Settings::default() };
        request.jobs = jobs;
        let report = convert(&request);
        assert!(report.inputs > 30 && report.parts > 0);
        assert!(manifests(&request.lake)[0]["units"].as_array().unwrap().len() < 20);
        hashes(&request.lake)
    });
    for (jobs, lake) in JOBS.into_iter().zip(&lakes) {
        assert_eq!(*lake, lakes[0], "{jobs} workers");
    }
}

#[test]
fn a_small_target_makes_several_units_of_a_capture() {
    // Or the tests above would not say anything about units.
    let folder = folder();
    let path = save(&folder, "plain.pcap", &plain_pcap().bytes);
    let mut request = request(&[&path], &folder.path().join("lake"));
    request.settings = Settings { chunk_size: 600, target_file_size: 64, ..Settings::default() };
    convert(&request);
    assert!(manifests(&request.lake)[0]["units"].as_array().unwrap().len() > 3);
    assert_eq!(known(&packets(&request.lake)), plain_pcap().rows());
}

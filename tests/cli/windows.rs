//! `parcap summarize --align first`: the rates of the notebook that this replaces, with windows from the first packet on.
//!
//! Unlike there, the last packet has a window even where it falls exactly on the start of one.

use crate::support::build::{Capture, DAYS, Frame, block, interface, packet, pcap_header, section, simple, udp};
use crate::support::{folder, run, save, text};

use super::summarize::csv;

const HEADER: &str = "window_start,window_s,bytes,packets,bytes_per_s\n";

/// A packet with this number of bytes.
fn frame(bytes: usize) -> Frame {
    udp(1, &vec![0; bytes - 42])
}

fn windows(capture: &[u8], name: &str, options: &[&str]) -> String {
    let folder = folder();
    let path = text(&save(&folder, name, capture));
    let rows = csv(&path, "send_rates", &[&["--align", "first"], options].concat());
    rows.strip_prefix(HEADER).unwrap().to_owned()
}

#[test]
fn windows_begin_with_the_first_packet_in_time_and_empty_ones_are_there() {
    let mut capture = Capture::pcap();
    for (micros, bytes) in [(2_300_000, 100), (700_000, 200), (1_699_999, 300), (5_000_000, 400)] {
        capture.record(2, micros, frame(bytes));
    }
    let expected = "2020-02-29T00:00:00.7Z,1,500,2,500\n2020-02-29T00:00:01.7Z,1,100,1,100\n\
                    2020-02-29T00:00:02.7Z,1,0,0,0\n2020-02-29T00:00:03.7Z,1,0,0,0\n2020-02-29T00:00:04.7Z,1,400,1,400\n";
    assert_eq!(windows(&capture.bytes, "a.pcap", &[]), expected);
    // The largest first, as of every table that is not shown whole.
    assert_eq!(windows(&capture.bytes, "a.pcap", &["--top", "1"]), "2020-02-29T00:00:00.7Z,1,500,2,500\n");
    let halves = windows(&capture.bytes, "a.pcap", &["--window", "2500ms"]);
    assert_eq!(halves, "2020-02-29T00:00:00.7Z,2.5,600,3,240\n2020-02-29T00:00:03.2Z,2.5,400,1,160\n");
}

/// The notebook loses it.
#[test]
fn a_last_packet_on_the_start_of_a_window_is_counted() {
    let mut capture = Capture::pcap();
    capture.record(2, 500_000, frame(100));
    capture.record(2, 1_500_000, frame(200));
    let expected = "2020-02-29T00:00:00.5Z,1,100,1,100\n2020-02-29T00:00:01.5Z,1,200,1,200\n";
    assert_eq!(windows(&capture.bytes, "a.pcap", &[]), expected);
    let mut one = Capture::pcap();
    one.record(2, 500_000, frame(100));
    assert_eq!(windows(&one.bytes, "a.pcap", &[]), "2020-02-29T00:00:00.5Z,1,100,1,100\n");
    assert_eq!(windows(&pcap_header(), "a.pcap", &[]), "");
}

/// By microseconds the second packet would be in the second window, and the third in the third.
#[test]
fn nanoseconds_decide() {
    // Magic 0xa1b23c4d, little endian.
    let mut bytes = pcap_header();
    bytes[..4].copy_from_slice(&[0x4d, 0x3c, 0xb2, 0xa1]);
    for (nanos, length) in [(1_000_000_900_u64, 100), (1_001_000_899, 200), (1_002_000_899, 300), (1_002_000_900, 400)]
    {
        let nanos = nanos + u64::try_from(DAYS[2].0).unwrap() * 1_000_000_000;
        let split = [nanos / 1_000_000_000, nanos % 1_000_000_000].map(|number| u32::try_from(number).unwrap());
        bytes.extend(crate::support::build::pcap_record(split[0], split[1], &frame(length)));
    }
    // The starts are cut to microseconds, like times everywhere.
    let expected = "2020-02-29T00:00:01Z,0.001,300,2,300000\n2020-02-29T00:00:01.001Z,0.001,300,1,300000\n\
                    2020-02-29T00:00:01.002Z,0.001,400,1,400000\n";
    assert_eq!(windows(&bytes, "a.pcap", &["--window", "1ms"]), expected);
}

#[test]
fn packets_without_a_time_are_one_row_at_the_end() {
    let midnight = u64::try_from(DAYS[2].0).unwrap() * 1_000_000;
    let blocks = [
        section(),
        interface(1, 0, 6, 0),
        simple(&frame(60)),
        packet(0, midnight + 1_000_000, &frame(100)),
        simple(&frame(70)),
        packet(0, midnight, &frame(200)),
        block(5, &[0; 12]),
    ];
    let expected = "2020-02-29T00:00:00Z,1,200,1,200\n2020-02-29T00:00:01Z,1,100,1,100\n,,130,2,\n";
    assert_eq!(windows(&blocks.concat(), "a.pcapng", &[]), expected);
    let untimed = [&blocks[..3], &[simple(&frame(80))]].concat().concat();
    assert_eq!(windows(&untimed, "a.pcapng", &[]), ",,140,2,\n");
}

/// Dates were of no account: all packets were in the windows.
#[test]
fn windows_begin_with_the_first_packet_of_the_dates_that_are_asked_for() {
    let midnight = u64::try_from(DAYS[3].0).unwrap() * 1_000_000;
    let capture = [
        section(),
        interface(1, 0, 6, 0),
        packet(0, midnight - 500_000, &frame(100)),
        simple(&frame(60)),
        packet(0, midnight + 1_250_000, &frame(200)),
        packet(0, midnight + 2_500_000, &frame(300)),
    ]
    .concat();
    let second = "2020-03-01T00:00:01.25Z,1,200,1,200\n2020-03-01T00:00:02.25Z,1,300,1,300\n";
    assert_eq!(windows(&capture, "a.pcapng", &["--from", "2020-03-01"]), second);
    let first = "2020-02-29T23:59:59.5Z,1,100,1,100\n,,60,1,\n";
    assert_eq!(windows(&capture, "a.pcapng", &["--to", "2020-02-29"]), first);
    let both = "2020-02-29T23:59:59.5Z,1,100,1,100\n2020-03-01T00:00:00.5Z,1,200,1,200\n\
                2020-03-01T00:00:01.5Z,1,0,0,0\n2020-03-01T00:00:02.5Z,1,300,1,300\n,,60,1,\n";
    assert_eq!(windows(&capture, "a.pcapng", &["--from", "2020-02-29"]), both);
}

#[test]
fn windows_are_of_the_packets_that_a_filter_takes_and_of_all_captures() {
    let mut capture = Capture::pcap();
    capture.record(2, 0, crate::support::build::ip(6, 1, &[0; 58]));
    capture.record(2, 250_000, frame(200));
    let rows = windows(&capture.bytes, "a.pcap", &["--protocol", "UDP"]);
    assert_eq!(rows, "2020-02-29T00:00:00.25Z,1,200,1,200\n");
    let folder = folder();
    let paths: Vec<_> = [("a.pcap", 1_900_000, 100), ("b.pcap", 0, 200), ("c.pcap", 999_999, 300)]
        .map(|(name, micros, bytes)| {
            let mut capture = Capture::pcap();
            capture.record(2, micros, frame(bytes));
            text(&save(&folder, name, &capture.bytes))
        })
        .to_vec();
    let args = ["summarize", &paths[0], &paths[1], &paths[2], "--align", "first", "--format", "csv", "--table"];
    let ran = run([&args[..], &["send_rates"]].concat());
    let expected = format!("{HEADER}2020-02-29T00:00:00Z,1,500,2,500\n2020-02-29T00:00:01Z,1,100,1,100\n");
    assert_eq!((ran.status, ran.stdout), (Some(0), expected));
    // What cannot be made of them is named.
    let ran = run(["summarize", &paths[0], "--align", "first"]);
    let note = "note: send_rates_by_protocol is left out: `--align first` is for all protocols together\n";
    assert_eq!((ran.status, ran.stderr.as_str()), (Some(0), note));
    let ran = run(["summarize", &paths[0], "--align", "first", "--table", "send_rates_by_protocol"]);
    let complaint = "error: send_rates_by_protocol cannot be made as asked: `--align first` is for all protocols together\n\
                     hint: leave `--align first` or the table out\n";
    assert_eq!((ran.status, ran.stdout.as_str(), ran.stderr.as_str()), (Some(2), "", complaint));
}

/// From 2020-02-29 to 2024-02-29 are 1461 days.
#[test]
fn more_windows_than_anybody_reads_are_refused_and_counted() {
    let mut capture = Capture::pcap();
    capture.record(2, 0, frame(100));
    capture.record(4, 0, frame(200));
    let folder = folder();
    let path = text(&save(&folder, "wrong-clock.pcap", &capture.bytes));
    let args = ["summarize", &path, "--align", "first", "--window", "1ms", "--format", "csv", "--table", "send_rates"];
    let ran = run(args);
    let complaint = "error: there would be at least 126230400001 windows between the first packet and the last one\n\
                     hint: give a longer `--window`, or look with `parcap inspect` for a wrong time\n";
    assert_eq!((ran.status, ran.stdout.as_str(), ran.stderr.as_str()), (Some(2), "", complaint));
    assert_eq!(windows(&capture.bytes, "a.pcap", &["--window", "1d"]).lines().count(), 1462);
}

//! Law 3: a capture whose packets carry other captures: record headers and blocks wherever one looks, so that a reader that guesses
//! where a record begins is fooled. Guesses decide nothing, so the rows are what they are.

use parcap::capture::guess;
use parcap::config::Settings;

use crate::support::build::{Capture, interface, packet, pcap_header, pcap_record, udp};
use crate::support::{commit_options, convert, folder, manifests, packets, request, save};

use super::{chunks_of, input, known, rows_with};

const SECOND: u32 = 1_709_164_800;

/// Record headers one after the other, as a capture of the same day has them.
fn inner_records(number: u16, count: u16) -> Vec<u8> {
    (0..count)
        .flat_map(|inner| {
            let frame = udp(inner, &vec![0; usize::from((inner * 7 + number) % 23)]);
            pcap_record(SECOND + u32::from(inner), u32::from(number), &frame)
        })
        .collect()
}

/// Packets around chains of records: some whole captures, some that begin anywhere and end nowhere.
pub(crate) fn hostile_pcap() -> Capture {
    let mut capture = Capture::pcap();
    for number in 0..24_u16 {
        let mut payload = match number % 4 {
            0 => Vec::new(),
            1 => pcap_header(),
            _ => vec![0xff; usize::from(number) * 3 % 41],
        };
        payload.extend(inner_records(number, 40));
        // A last inner record that announces more than there is, over the end of the outer one.
        payload.extend(pcap_record(SECOND, 0, &udp(1, &[0; 60])).get(..20 + usize::from(number)).unwrap_or_default());
        let payload = if number % 4 == 3 { inner_records(number, 40) } else { payload };
        capture.record(4, u32::from(number), udp(number, &payload));
    }
    capture
}

/// Packets around chains of blocks at multiples of four, also interface descriptions that would change what follows.
pub(crate) fn hostile_pcapng() -> Capture {
    let mut capture = Capture::pcapng();
    for number in 0..16_u16 {
        // 28 bytes of block fields and 42 of headers: two more, and the chain lies at a multiple of four.
        let mut payload = vec![0; 2];
        for inner in 0..30_u16 {
            let ticks = u64::from(SECOND) * 1_000_000 + u64::from(inner);
            payload.extend(packet(0, ticks, &udp(inner, &vec![1; usize::from((inner + number) % 13)])));
            if inner == number {
                payload.extend(interface(101, 0, 0, 1_000_000));
            }
        }
        capture.packet(4, u32::from(number), udp(number, &payload));
    }
    capture
}

/// At how many of these offsets the guess is a place where no record begins.
pub(super) fn fooled(capture: &Capture, name: &str, step: usize) -> (usize, usize) {
    let folder = folder();
    let input = input(&save(&folder, name, &capture.bytes));
    let offsets = (1..capture.bytes.len() as u64).step_by(step);
    let guesses = offsets.clone().filter_map(|offset| guess(&input, offset).unwrap());
    (guesses.filter(|position| !capture.is_boundary(position.offset)).count(), offsets.count())
}

#[test]
fn the_guess_is_fooled_by_these_captures() {
    // Or the laws below would hold without any proof. A better guess needs worse captures here.
    for (capture, name) in [(hostile_pcap(), "hostile.pcap"), (hostile_pcapng(), "hostile.pcapng")] {
        let (fooled, tried) = fooled(&capture, name, 997);
        assert!(tried > 30 && fooled * 2 > tried, "{name}: {fooled} of {tried} guesses");
    }
}

#[test]
fn captures_in_captures_change_no_row_at_any_chunk_size() {
    for (capture, name) in [(hostile_pcap(), "hostile.pcap"), (hostile_pcapng(), "hostile.pcapng")] {
        let folder = folder();
        let path = save(&folder, name, &capture.bytes);
        let usual = rows_with(&path, &Settings::default(), 1);
        assert_eq!(known(&usual), capture.rows());
        for (chunk_size, jobs) in [(997, 3), (2048, 7), (3001, 2), (10_000, 2), (10_000, 3), (10_000, 7), (40_000, 2)] {
            let rows = rows_with(&path, &chunks_of(chunk_size), jobs);
            assert_eq!(rows, usual, "{name}: {chunk_size} bytes a chunk, {jobs} workers");
        }
    }
}

#[test]
fn captures_in_captures_change_no_row_of_units_that_are_converted_apart() {
    for (capture, name) in [(hostile_pcap(), "hostile.pcap"), (hostile_pcapng(), "hostile.pcapng")] {
        let folder = folder();
        let path = save(&folder, name, &capture.bytes);
        let lake = folder.path().join("lake");
        let settings = Settings { chunk_size: 3001, target_file_size: 16, ..Settings::default() };
        let parcap::commands::Planned { units, .. } = parcap::commands::plan(
            &[path],
            &lake,
            &settings,
            &parcap::select::SelectOptions::default(),
            &Default::default(),
        )
        .unwrap();
        let units: Vec<_> = units.iter().map(Result::unwrap).collect();
        assert!(units.len() > 4, "{} units", units.len());
        let rows = units
            .iter()
            .map(|unit| parcap::commands::convert_unit(unit, &lake, 2, parcap::cancel::Cancel::default()).unwrap());
        let report = parcap::commands::commit(&lake, rows.collect(), commit_options()).unwrap();
        assert_eq!(report.rows, capture.known.len() as u64);
        assert_eq!(known(&packets(&lake)), capture.rows(), "{name}");
    }
}

/// A capture inside another, cut so that the outer one is damaged: the inner records are no rows either.
#[test]
fn damage_in_the_middle_of_chunks_ends_the_capture_for_all_of_them() {
    let mut capture = hostile_pcap();
    let (fault, rows) = capture.boundaries[12];
    // The captured length of the record there: over any limit.
    capture.bytes[fault + 8..fault + 12].copy_from_slice(&[0xff; 4]);
    capture.known.truncate(rows);
    let folder = folder();
    let path = save(&folder, "broken.pcap", &capture.bytes);
    for (chunk_size, jobs) in [(1500, 3), (5000, 1), (5000, 2), (5000, 7), (1 << 20, 2)] {
        let mut request = request(&[&path], &folder.path().join(format!("{chunk_size}-{jobs}")));
        (request.settings, request.jobs) = (chunks_of(chunk_size), jobs);
        let report = convert(&request);
        assert_eq!(known(&packets(&request.lake)), capture.rows(), "{chunk_size} bytes a chunk, {jobs} workers");
        let damaged: Vec<_> = report.damaged.iter().map(|d| (d.damage.offset, d.damage.frame, d.records)).collect();
        assert_eq!(damaged, [(fault as u64, rows as u64 + 1, rows as u64)]);
        assert_eq!(manifests(&request.lake)[0]["inputs"][0]["status"], "damaged");
    }
}

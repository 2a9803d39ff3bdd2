//! Several captures of the same content, and captures that were renamed, in a lake that has lost what says so.

use std::fs;
use std::path::{Path, PathBuf};

use parcap::commands::ConvertRequest;
use parcap::config::Settings;

use crate::support::build::{Capture, udp};
use crate::support::losing::{Piece, repair};
use crate::support::{convert, folder, packets, request, run, summary, text};

/// Packets of two dates.
fn of_two_dates() -> Vec<u8> {
    let mut capture = Capture::pcap();
    for number in 0..40_u16 {
        capture.record(usize::from(number / 20), u32::from(number), udp(number, &[7; 30]));
    }
    capture.bytes
}

fn sorted(lake: &Path) -> Vec<String> {
    let mut rows: Vec<_> = packets(lake).iter().map(|row| format!("{row:?}")).collect();
    rows.sort();
    rows
}

/// The names of a lake's captures and their packets, in order.
fn captures(lake: &Path) -> Vec<(String, i64)> {
    let name = |path: &str| path.rsplit('/').next().unwrap().to_owned();
    let rows = summary(lake, "captures");
    let mut captures: Vec<_> =
        rows.iter().map(|row| (name(row.get("capture").unwrap()), row.int("packets").unwrap())).collect();
    captures.sort();
    captures
}

/// Loses each piece of such a kind in turn. The lake is what it was after each repair.
fn assert_whole_without(lake: &Path, lost: Piece) {
    for place in 0..lost.files(lake).len() {
        let (rows, names) = (sorted(lake), captures(lake));
        assert!(lost.lose(lake, place));
        let repaired = repair(lake);
        assert!(sorted(lake) == rows, "{lost:?} {place}: {repaired:?}");
        assert_eq!(captures(lake), names, "{lost:?} {place}: {repaired:?}");
    }
}

#[test]
fn copies_stay_captures_of_their_own_when_what_says_so_is_lost() {
    // In one unit, and in several units each.
    for chunk_size in [64 << 20, 1_000] {
        for is_same_night in [true, false] {
            for is_compacted in [true, false] {
                for lost in [Piece::Manifest, Piece::Own] {
                    let folder = folder();
                    let [first, second] = ["a.pcap", "b.pcap"].map(|name| folder.path().join(name));
                    let lake = folder.path().join("lake");
                    let settings = Settings { chunk_size, ..Settings::default() };
                    let night = |captures: &[PathBuf]| {
                        convert(&ConvertRequest { settings: settings.clone(), ..request(captures, &lake) });
                    };
                    fs::write(&first, of_two_dates()).unwrap();
                    if is_same_night {
                        fs::copy(&first, &second).unwrap();
                        night(&[first.clone(), second.clone()]);
                    } else {
                        night(std::slice::from_ref(&first));
                        fs::copy(&first, &second).unwrap();
                        night(&[first.clone(), second.clone()]);
                    }
                    if is_compacted {
                        assert_eq!(run(["compact", &text(&lake)]).status, Some(0));
                    }
                    assert_eq!(sorted(&lake).len(), 80);
                    assert_whole_without(&lake, lost);
                }
            }
        }
    }
}

#[test]
fn a_capture_that_was_renamed_between_its_parts_is_one_capture() {
    let folder = folder();
    let [first, second, other] = ["a.pcap", "b.pcap", "other.pcap"].map(|name| folder.path().join(name));
    let lake = folder.path().join("lake");
    fs::write(&first, of_two_dates()).unwrap();
    convert(&request(std::slice::from_ref(&first), &lake));
    fs::rename(&first, &second).unwrap();
    let mut of_one_date = Capture::pcap();
    (0..9).for_each(|number| of_one_date.record(0, u32::from(number), udp(500 + number, &[1; 40])));
    fs::write(&other, &of_one_date.bytes).unwrap();
    convert(&request(&[second, other], &lake));
    // The part of one date is written again, under the new name. The other keeps the old one.
    assert_eq!(run(["compact", &text(&lake)]).status, Some(0));
    let rows = sorted(&lake);
    fs::remove_dir_all(lake.join("_parcap")).unwrap();
    repair(&lake);
    assert!(sorted(&lake) == rows);
    let captures = captures(&lake);
    assert_eq!(captures.iter().map(|(_, packets)| *packets).collect::<Vec<_>>(), [40, 9], "{captures:?}");
}

//! The command line: what it refuses and how it says so, what it prints, how it ends.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test helper may stop at the first surprise")]

#[path = "../common/mod.rs"]
mod common;
#[path = "../nameserver/mod.rs"]
#[expect(dead_code, reason = "most of it is for the tests of reverse lookups themselves")]
mod nameserver;

mod apart;
mod away;
mod bounds;
mod commits;
mod damage;
mod earlier;
mod forget;
mod inspect;
mod json;
mod json_page;
mod kept;
mod lost;
mod misuse;
mod named;
mod names;
mod nightly;
mod options;
mod outputs;
mod planned;
mod report;
mod runs;
mod streams;
mod summarize;
mod summarize_usage;
mod times;
mod verify;
mod windows;

use std::path::{Path, PathBuf};

use common::build::{Capture, other, udp};

/// A sample capture.
fn sample(name: &str) -> String {
    text(&common::repository("data/captures").join(name))
}

fn text(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

/// Packets in three hours of two dates, some of them not IP.
fn capture() -> Capture {
    let mut capture = Capture::pcap();
    for number in 0..90_u16 {
        let frame = if number % 7 == 3 { other(&[0; 50]) } else { udp(number, &vec![0; usize::from(number)]) };
        // 00:00, 07:00 and, half an hour before midnight, 23:30.
        let (day, hour) = [(2, 0), (2, 25_200), (4, 84_600)][usize::from(number) / 30];
        let micros = u64::from(number) + 1;
        let seconds = u32::try_from(common::build::DAYS[day].0).unwrap() + hour;
        let bytes = common::build::pcap_record(seconds, u32::from(number) + 1, &frame);
        capture.timed(&bytes, day, i64::from(hour) * 1_000_000 + i64::try_from(micros).unwrap(), frame);
    }
    capture
}

/// A capture of so many packets; each `second` gives other ones.
fn minute(second: u32, count: u32) -> Vec<u8> {
    let mut capture = Capture::pcap();
    (0..count).for_each(|micros| capture.record_at(1, second, micros, udp(9, &[0; 60])));
    capture.bytes
}

/// Writes it into a folder.
fn save(folder: &tempfile::TempDir, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    path
}

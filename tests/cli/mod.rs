//! The command line: what it refuses and how it says so, what it prints, how it ends.

mod apart;
mod away;
mod bounds;
mod called;
mod damage;
mod delta;
mod discover;
mod dns_clients;
mod extract;
mod forget;
mod inspect;
mod json;
mod json_page;
mod kept;
mod kept_plans;
mod misuse;
mod named;
mod names;
mod nightly;
mod options;
mod outputs;
mod planned;
mod report;
mod retained;
mod runs;
mod stands_out;
mod stands_out_flows;
mod streams;
mod summarize;
mod summarize_usage;
mod times;
mod windows;

use crate::support::build::{Capture, DAYS, other, pcap_record, udp};

/// Packets in three hours of two dates, some of them not IP.
fn capture() -> Capture {
    let mut capture = Capture::pcap();
    for number in 0..90_u16 {
        let frame = if number % 7 == 3 { other(&[0; 50]) } else { udp(number, &vec![0; usize::from(number)]) };
        // 00:00, 07:00 and, half an hour before midnight, 23:30.
        let (day, hour) = [(2, 0), (2, 25_200), (4, 84_600)][usize::from(number) / 30];
        let micros = u64::from(number) + 1;
        let seconds = u32::try_from(DAYS[day].0).unwrap() + hour;
        let bytes = pcap_record(seconds, u32::from(number) + 1, &frame);
        capture.timed(&bytes, day, i64::from(hour) * 1_000_000 + i64::try_from(micros).unwrap(), frame);
    }
    capture
}

/// A capture with this number of packets; each `second` gives other ones.
fn minute(second: u32, count: u32) -> Vec<u8> {
    let mut capture = Capture::pcap();
    (0..count).for_each(|micros| capture.record_at(1, second, micros, udp(9, &[0; 60])));
    capture.bytes
}

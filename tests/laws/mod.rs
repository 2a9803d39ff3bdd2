//! What holds for any capture: laws, over captures built here byte by byte.
//!
//! 1. A capture that is cut anywhere gives its whole records, and says that it is cut: `cut`, `cut_wire`, `cut_packed`.
//! 2. Neither chunks, nor workers, nor compressions, nor runs change a row: `chunks`, `chunk_edges`, `packing`, `batches`.
//! 3. Captures inside packets change no row: `adversary`, `adversary_dense`.
//! 4. Units and chunks add up to the whole: `adding_up`.
//! 5. Records framed are rows written, of damaged captures too: `adding_up`, `random`, and every conversion in a test.
//! 6. Times are exact: `times`.
//! 7. DNS names round-trip through their text: `names`.
//! 8. Addresses are the same as text and as numbers: `addresses`.
//! 9. Salvage invents no row: `salvage`.
//! 10. Summary tables are what the packets and the DNS messages add up to: `summaries`.
//! 11. Windows that begin with the first packet are those of the notebook, with the last packet: `windows`.
//! 12. The memory that is given changes no byte of a lake, and what would take more is refused: `bounds`.
//! 13. Streams that unpack to what nobody captures are left: `bounds`.
//! 14. Rows of many partitions are all there, in row groups that are no smaller than need be: `partitions`.
//! 15. Whatever happens to an archive between the nights, the lake holds what a conversion from scratch gives: `nights`.
//!     So it does where a few captures are selected at a time: `few_at_a_time`.
//!     It holds the same, to the byte, if the nights are planned, converted in pieces and committed: `nights_planned`.
//! 16. With the table of names the packets give the volumes by name: `named`. Names from TLS stay right when captures are
//!     replaced, taken out, put together and lost: `server_names`.
//! 17. Lengths on the wire that no packet has are counted, and the longest is told: `implausible`.
//! 18. What is older than a date goes capture by capture and stays out, and the rest is what there would be without it:
//!     `retention`.
//! 19. Captures one after the other give the packets of all: `appended`.
//! 20. Zeros where a record should be end what was written, and are padding after what is packed: `zeros`.
//! 21. Batches straight from captures have the rows of a lake, whatever the chunks, workers and packing; and so have
//!     chunks of a capture, one after the other: `stream`.
//! 22. A projection gives columns of those rows, in its order, and changes none, whatever the filter and the kind of text:
//!     `projections`.
//! 23. Columns that are asked for change nothing else, and have the values of batches, also when parts are written again:
//!     `columns`.
//! 24. Looking into tunnels changes rows of tunnels and no others, and what follows from rows: `tunnels`. The table of tunnels is
//!     that of the captures that are there: `tunnel_sums`.
//! 25. The Delta log of a lake leads to its files, or the run says that it does not: `delta`.
//! 26. Portions change no byte, and a run that ends early is gone on with: `portions`, and every night of `nights`.
//! 27. What is extracted from a lake is what was captured, and gives the same rows: `extract`.
//! 28. Bloom filters deny no value of their row group, affirm few others, and are small: `lookups`.
//! 29. While a lake retains what it removes, versions before can be read; what is forgotten is in no file: `retained`.
//! 30. Each capture of a lake has a row in the table of captures of one date, that of its earliest packet, after any nights; and a night
//!     leaves the tables of other dates alone: `capture_dates`, and every night of `nights`.
//! 31. What a checkpoint says is the sum of the manifests: `checkpoints`, and every night of `nights`.
//! 32. Rows of more dates than fit are the rows that there would be without sorting them on disk, in one part a date: `many_dates`.
//! 33. What commands say of a lake, and do with it, is the same whether it has a checkpoint or not: `beside_checkpoints`, and every night
//!     of `checkpoints`.
//! 34. The clients of DNS have the messages and the different names of the captures that are there, by response code as many as were
//!     asked and answered: `dns_clients`.
//! 35. The table of flows is what gaps and islands of all packets of the lake are: `flows`.
//!
//! `cargo test laws:: -- --nocapture` prints how much of each was tried (`tally`).

mod adding_up;
mod addresses;
mod adversary;
mod adversary_dense;
mod appended;
mod archive;
mod batches;
mod beside_checkpoints;
mod bounds;
mod capture_dates;
mod checkpoints;
mod chunk_edges;
mod chunks;
mod columns;
mod cut;
mod cut_packed;
mod cut_wire;
mod delta;
mod dns_clients;
mod extract;
mod few_at_a_time;
mod flows;
mod implausible;
mod lookups;
mod many_dates;
mod named;
mod names;
mod nights;
mod nights_in_a_bucket;
mod nights_planned;
pub(crate) mod packing;
mod partitions;
mod portions;
mod projections;
mod random;
mod retained;
mod retention;
mod salvage;
mod server_names;
mod stream;
mod summaries;
mod tally;
mod times;
mod tunnel_sums;
mod tunnels;
mod windows;
mod wire;
mod zeros;

use std::path::Path;

use parcap::config::Settings;
use parcap::discover::{Candidate, Input};

use crate::support::build::{Capture, Known, block, interface, other, packet, section, simple, udp};
use crate::support::{Row, convert, folder, packets, request};

/// Another snapshot length than any other one, so that captures which begin alike are not the same: what is cut would be
/// left out for another one that begins as it does. `at` is where it stands.
fn told_apart(bytes: &[u8], at: usize, number: usize) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    if let Some(place) = bytes.get_mut(at..at + 4) {
        place.copy_from_slice(&u32::try_from(100_000 + number).unwrap().to_le_bytes());
    }
    bytes
}

/// Opens a capture that must be one.
fn input(path: &Path) -> Input {
    Candidate::of(path, true).unwrap().probe().unwrap()
}

/// What the rows of a lake say.
fn known(rows: &[Row]) -> Vec<Known> {
    rows.iter().map(Known::of).collect()
}

/// The rows of one capture that is converted with these settings by `jobs` workers.
fn rows_with(capture: &Path, settings: &Settings, jobs: usize) -> Vec<Row> {
    let folder = folder();
    let mut request = request(&[capture], &folder.path().join("lake"));
    (request.settings, request.jobs) = (settings.clone(), jobs);
    convert(&request);
    packets(&request.lake)
}

fn chunks_of(bytes: u64) -> Settings {
    Settings { chunk_size: bytes, ..Settings::default() }
}

/// Payload bytes that look like nothing in particular.
fn payload(number: usize) -> Vec<u8> {
    (0..(number * 37) % 211).map(|place| u8::try_from((number * 131 + place * 17) % 251).unwrap()).collect()
}

/// Sixty packets on three dates, now and then backwards, one of them cut by the snapshot length, one empty.
pub(crate) fn plain_pcap() -> Capture {
    let mut capture = Capture::pcap();
    for number in 0..60_u16 {
        let place = usize::from(number);
        let mut frame = if number % 11 == 7 { other(&payload(place)) } else { udp(number, &payload(place)) };
        match number {
            20 => frame.orig_len += 1000,
            40 => (frame.data, frame.addresses, frame.ports) = (Vec::new(), None, None),
            _ => {}
        }
        let day = [2, 2, 3, 4, 3][place / 12];
        capture.record(day, 3_600_000_000 + u32::from(number % 9) * 1_000_003, frame);
    }
    capture
}

/// Three hundred packets of a pcapng: a second interface and a second section in the middle, packets without a time
/// among the others once the planner has seen enough of them, blocks that are no packets.
fn mixed_pcapng() -> Capture {
    let mut capture = Capture::pcapng();
    for number in 0..330_u16 {
        let frame = udp(number, &payload(usize::from(number) % 17));
        let (day, micros) = (if number < 290 { 4 } else { 5 }, u32::from(number) * 977);
        match number {
            // Raw IP in units of 2^-20 s, an hour late: 2^-20 s are 0.95 us.
            100..110 => {
                if number == 100 {
                    capture.block(&interface(101, 0, 0x80 | 20, 3600));
                }
                let mut raw = frame;
                raw.data.drain(..14);
                let ticks = (1_709_164_800_u64 - 3600) << 20 | u64::from(number) << 10;
                // floor(number * 2^10 / 2^20 s), in microseconds.
                let micros = i64::from(number) * 1024 * 1_000_000 / (1 << 20);
                capture.timed(&packet(1, ticks, &raw), 4, micros, raw);
            }
            200 => {
                capture.block(&section());
                capture.block(&interface(1, 0, 6, 0));
                capture.packet(day, micros, frame);
            }
            270..330 if number % 3 == 0 => capture.timeless(&simple(&frame), frame),
            280 => {
                capture.block(&block(0x0bad_cafe, &[1; 333]));
                capture.block(&block(5, &[0; 12]));
                capture.packet(day, micros, frame);
            }
            _ => capture.packet(day, micros, frame),
        }
    }
    capture
}

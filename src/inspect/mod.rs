//! What is in a capture, without converting it.
//!
//! In: an [`Input`]. Out: an [`Inspection`]: what the manifest would say about it, and what its headers say besides.
//! Always: counts, times and damage are those of a conversion, because the same code counts them.

mod table;
mod text;

pub use table::{HEADS, NUMBERS};

use serde::Serialize;

use crate::cancel::Cancel;
use crate::capture::{CaptureReader, Framing, Survey};
use crate::convert::Counts;
use crate::decode::{Packet, decode};
use crate::discover::{Input, Refusal};
use crate::error::Result;
use crate::plan::{APPENDED, BACKWARDS, CaptureEntry, StreamEntry};

/// Records between two checks for a signal.
const STRIDE: u64 = 4096;

/// What is in a capture.
#[derive(Clone, Debug, Serialize)]
pub struct Inspection {
    /// The capture.
    #[serde(flatten)]
    pub input: Input,
    /// What a conversion would find.
    pub found: CaptureEntry,
    /// Whether no packet is earlier than the timed one before it.
    pub in_order: bool,
    /// Sum of the captured lengths; `found.length` sums up the lengths on the wire.
    pub captured: u64,
    /// `little` or `big`: the byte order of the headers. For a pcapng, that of the last section.
    pub byte_order: Option<&'static str>,
    /// The snapshot length of a classic pcap, 0 for unlimited; each interface of a pcapng has its own.
    pub snap_len: Option<u32>,
    /// What a pcapng says besides its packets.
    pub survey: Survey,
    /// How a stream ended, if the input is one.
    #[serde(skip)]
    pub stream: Option<StreamEntry>,
}

impl Inspection {
    /// Reads a capture to its end.
    ///
    /// # Errors
    /// If the run is cancelled. The inner error says why the input is no capture.
    pub fn of(input: Input, salvage: bool, cancel: &Cancel) -> Result<Result<Self, (Input, Refusal)>> {
        let mut reader = match CaptureReader::open(&input) {
            Ok(reader) => reader.salvaging(salvage, None).surveying(),
            Err(refusal) => return Ok(Err((input, refusal))),
        };
        let first = reader.position().framing.clone();
        let mut counts = Counts::default();
        let mut captured = 0;
        let mut found = CaptureEntry::default();
        let end = loop {
            match reader.next() {
                Ok(Some(record)) => {
                    let packet =
                        record.link_type.map_or_else(Packet::default, |link_type| decode(link_type, record.data));
                    counts.add(&record, &packet);
                    captured += u64::from(record.cap_len);
                    found.length += i64::from(record.orig_len);
                }
                Ok(None) => break None,
                Err(damage) => break Some(damage),
            }
            if counts.records().is_multiple_of(STRIDE) {
                cancel.check()?;
            }
        };
        let mut input = input;
        if input.is_stdin() {
            // Nothing is known about it before this.
            (input.size, input.compression) = (reader.bytes_read(), reader.compression());
            (input.fingerprint, input.format) = (reader.fingerprint(), Some(reader.format()));
        }
        found.rows = counts.records();
        found.format = Some(reader.format());
        found.compression = Some(reader.compression());
        found.note_damage(end, reader.take_gaps());
        counts.into_entry(&mut found);
        found.count_odd(APPENDED, reader.appended());
        let in_order = found.odd.get(BACKWARDS).is_none();
        let (big_endian, snap_len) = match (&first, &reader.position().framing) {
            (Framing::Empty, _) => (None, None),
            (Framing::Pcap(header), _) => (Some(header.big_endian), Some(header.snap_len)),
            (Framing::Pcapng(_), Framing::Pcapng(last)) => (Some(last.big_endian), None),
            // Another capture was appended. The survey has its framing.
            (Framing::Pcapng(first), _) => (Some(first.big_endian), None),
        };
        let byte_order = big_endian.map(|big_endian| if big_endian { "big" } else { "little" });
        let survey = reader.take_survey();
        let stream = StreamEntry::of(&reader);
        Ok(Ok(Self { input, found, in_order, captured, byte_order, snap_len, survey, stream }))
    }

    /// Whether there is damage, which makes the exit status 3.
    #[must_use]
    pub fn is_damaged(&self) -> bool {
        self.found.damage.is_some()
    }
}

//! What is in a capture, without converting it.
//!
//! In: an [`Input`]. Out: an [`Inspection`]: what the manifest would say about it, and what its headers say besides.
//! Always: counts, times and damage are those of a conversion, because the same code counts them.

mod table;
mod text;

pub use table::{HEADS, NUMBERS};

use serde::Serialize;

use crate::cancel::Cancel;
use crate::capture::{CaptureReader, Framing, PacketRecord, Survey, Timestamp};
use crate::config::{Decapsulation, LengthKind};
use crate::convert::{Flow, Scan, Visitor};
use crate::decode::Packet;
use crate::discover::{Input, Refusal};
use crate::error::{Error, Result};
use crate::plan::{BACKWARDS, CaptureEntry, StreamEntry};

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
    pub fn of(mut input: Input, salvage: bool, cancel: &Cancel) -> Result<Result<Self, (Input, Refusal)>> {
        let reader = match CaptureReader::open(&input) {
            Ok(reader) => reader.salvaging(salvage, None).surveying(),
            Err(refusal) => return Ok(Err((input, refusal))),
        };
        let first = reader.position().framing.clone();
        let mut scan = Scan::new(reader, &Decapsulation::default(), cancel);
        let mut lengths = CapturedLength(0);
        scan.run(&mut lengths)?;
        let mut found = scan.take_entry(LengthKind::Wire);
        let mut reader = scan.into_reader();
        let stream = found.stream.take();
        if input.is_stdin() {
            // Nothing is known about it before this.
            (input.size, input.compression) = (reader.bytes_read(), reader.compression());
            (input.fingerprint, input.format) = (reader.fingerprint(), Some(reader.format()));
        }
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
        Ok(Ok(Self { input, found, in_order, captured: lengths.0, byte_order, snap_len, survey, stream }))
    }

    /// Whether there is damage, which makes the exit status 3.
    #[must_use]
    pub fn is_damaged(&self) -> bool {
        self.found.damage.is_some()
    }
}

/// Sum of the captured lengths, in bytes.
struct CapturedLength(u64);

impl Visitor for CapturedLength {
    type Stop = Error;

    fn packet(&mut self, record: &PacketRecord<'_>, _: &Packet<'_>, _: Option<Timestamp>) -> Result<Flow> {
        self.0 += u64::from(record.cap_len);
        Ok(Flow::On)
    }
}

//! What became of an extraction.

use std::collections::BTreeMap;
use std::fmt;

use crate::outcome::RunOutcome;

/// Names of captures that the lake does not have of which each is told.
const NAMED: usize = 100;

/// What was extracted, and what was not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extracted {
    /// Packets that were written.
    pub packets: u64,
    /// Their captured bytes.
    pub bytes: u64,
    /// The captures that they are from.
    pub captures: u64,
    /// What was left out.
    pub missing: Vec<MissingPackets>,
}

/// Packets that were left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MissingPackets {
    /// Their capture, by the path that it has now or that the rows name. Empty for rows that name no packet.
    pub capture: String,
    /// How many.
    pub packets: u64,
    /// Why.
    pub why: MissingWhy,
}

/// Why packets were left out.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum MissingWhy {
    /// The capture is not what it was when it was converted.
    Changed,
    /// Nothing is at the capture's path.
    Gone,
    /// The capture cannot be read.
    Unreadable(String),
    /// The capture came through a stream.
    Stream,
    /// The rows name packets of the capture that the lake does not have.
    NoRow,
    /// The lake has no such capture.
    NoCapture,
    /// The lake has several captures that had this path.
    Ambiguous(u64),
    /// The packets are longer than a block may be.
    TooLong,
    /// The rows lack the capture, or the offset or number of the packet.
    Unnamed,
    /// Further captures that the lake does not have.
    MoreCaptures,
}

impl MissingWhy {
    /// One word for programs.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Changed => "changed",
            Self::Gone => "gone",
            Self::Unreadable(_) => "unreadable",
            Self::Stream => "stream",
            Self::NoRow => "no_row",
            Self::NoCapture | Self::MoreCaptures => "no_capture",
            Self::Ambiguous(_) => "ambiguous",
            Self::TooLong => "too_long",
            Self::Unnamed => "unnamed",
        }
    }
}

impl fmt::Display for MissingWhy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Changed => f.write_str("has changed since it was converted"),
            Self::Gone => f.write_str("is not there any more"),
            Self::Unreadable(problem) => f.write_str(problem),
            Self::Stream => f.write_str("was a stream, which cannot be read again"),
            Self::NoRow => f.write_str("the lake has no such packets of it"),
            Self::NoCapture => f.write_str("the lake has no capture of this path"),
            Self::Ambiguous(captures) => write!(f, "was the path of {captures} captures"),
            Self::TooLong => f.write_str("has packets that are too long for a block of a pcapng"),
            Self::Unnamed => f.write_str("rows that name no packet"),
            Self::MoreCaptures => f.write_str("rows of more captures that the lake does not have"),
        }
    }
}

impl Extracted {
    /// Whether all that was wanted was extracted.
    #[must_use]
    pub fn outcome(&self) -> RunOutcome {
        if self.missing.is_empty() { RunOutcome::Complete } else { RunOutcome::Incomplete }
    }
}

/// Counts what is left out.
#[derive(Clone, Debug, Default)]
pub(crate) struct MissingCounts {
    held: BTreeMap<(String, MissingWhy), u64>,
    /// Captures that the lake does not have.
    unknown: usize,
}

impl MissingCounts {
    /// Counts packets of a capture.
    pub(super) fn add(&mut self, capture: &str, why: MissingWhy, packets: u64) {
        let mut key = (capture.to_owned(), why);
        if key.1 == MissingWhy::NoCapture && !self.held.contains_key(&key) {
            self.unknown += 1;
            // The rows of a wrong table may name any number of captures.
            if self.unknown > NAMED {
                key = (String::new(), MissingWhy::MoreCaptures);
            }
        }
        *self.held.entry(key).or_default() += packets;
    }

    pub(super) fn into_list(self) -> Vec<MissingPackets> {
        let of = |((capture, why), packets)| MissingPackets { capture, packets, why };
        self.held.into_iter().filter(|(_, packets)| *packets > 0).map(of).collect()
    }
}

//! Captures that take days from their first packet to their last one.

use std::cmp::Reverse;
use std::path::Path;

use crate::path_text::printable;

/// A capture is long if it takes this many microseconds: a day.
const LEAST: i64 = 86_400_000_000;
/// Captures that are kept.
const KEPT: usize = 8;

/// A long capture.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LongCapture {
    /// Its absolute path, as printable text.
    pub capture: String,
    /// The times of its first and its last packet, in microseconds since the Unix epoch.
    pub ends: (i64, i64),
}

impl LongCapture {
    /// How long it takes, in microseconds.
    pub(super) fn length(&self) -> i64 {
        self.ends.1.saturating_sub(self.ends.0)
    }
}

/// The longest captures of a day or more, at most eight.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LongCaptures {
    /// The longest first.
    pub longest: Vec<LongCapture>,
}

impl LongCaptures {
    /// Adds a capture by its absolute path.
    pub fn add(&mut self, path: &Path, first: i64, last: i64) {
        let added = LongCapture { capture: String::new(), ends: (first, last) };
        if added.length() < LEAST {
            return;
        }
        self.longest.push(LongCapture { capture: printable(path), ..added });
        self.longest.sort_by(|a, b| (Reverse(a.length()), &a.capture).cmp(&(Reverse(b.length()), &b.capture)));
        self.longest.truncate(KEPT);
    }
}

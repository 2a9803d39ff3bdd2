//! Packets whose announced length is not credible, and is much of all bytes of a report.

use std::cmp::Reverse;
use std::ops::RangeInclusive;

use crate::capture::Timestamp;
use crate::day::Day;
use crate::lake::InputEntry;
use crate::plan::IMPLAUSIBLE;

/// A packet that announces more bytes on the wire than a packet can have.
#[derive(Clone, Debug, Default)]
pub struct ImplausibleCounts {
    /// The capture, as it was given.
    pub capture: String,
    /// The packet, counted from 1.
    pub frame: u64,
    /// Bytes on the wire, as announced.
    pub orig_len: u32,
    /// Captured bytes.
    pub cap_len: u32,
    /// Packets of the capture with implausible lengths, this one included.
    pub packets: u64,
}

impl ImplausibleCounts {
    /// The packets of some captures and dates whose announced length is not credible and is a hundredth of all bytes or
    /// more, the longest first.
    #[must_use]
    pub fn of(captures: &[InputEntry], bytes: i64, days: &RangeInclusive<Day>) -> Vec<Self> {
        let shown = |time: Timestamp| days.contains(&Day::of_seconds(time.seconds()));
        let mut found: Vec<_> = captures
            .iter()
            .filter_map(|entry| {
                let longest = entry.found.implausible.as_deref()?;
                let part = i64::from(longest.orig_len);
                let matters = part <= bytes && part >= bytes / 100 && longest.time.is_none_or(shown);
                matters.then(|| Self {
                    capture: entry.input.name(),
                    frame: longest.frame,
                    orig_len: longest.orig_len,
                    cap_len: longest.cap_len,
                    packets: entry.found.odd.get(IMPLAUSIBLE).unwrap_or(1),
                })
            })
            .collect();
        found.sort_by_key(|implausible| Reverse(implausible.orig_len));
        found
    }
}

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
    /// The longest packet of a capture whose announced length is not credible, if it has one and that is of these dates.
    #[must_use]
    pub fn of(entry: &InputEntry, days: &RangeInclusive<Day>) -> Option<Self> {
        let shown = |time: Timestamp| days.contains(&Day::of_seconds(time.seconds()));
        let longest = entry.found.implausible.as_deref()?;
        longest.time.is_none_or(shown).then(|| Self {
            capture: entry.input.name(),
            frame: longest.frame,
            orig_len: longest.orig_len,
            cap_len: longest.cap_len,
            packets: entry.found.odd.get(IMPLAUSIBLE).unwrap_or(1),
        })
    }

    /// Those that are a hundredth of all bytes or more, the longest first.
    #[must_use]
    pub fn that_matter(mut found: Vec<Self>, bytes: i64) -> Vec<Self> {
        let matters = |part: i64| part <= bytes && part >= bytes / 100;
        found.retain(|implausible| matters(i64::from(implausible.orig_len)));
        found.sort_by_key(|implausible| Reverse(implausible.orig_len));
        found
    }
}

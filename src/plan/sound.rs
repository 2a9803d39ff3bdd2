//! Whether units and results are credible that another process planned or converted: they may be anything that parses.

use super::unit::Unit;
use super::unit_result::UnitResult;

impl Unit {
    /// Whether its chunks are those of its captures, so that it can be divided into tasks.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        let size = self.settings.chunk_size;
        size > 0
            && self.captures.iter().all(|capture| {
                capture.chunks.as_ref().is_none_or(|chunks| {
                    let is_within = chunks.end <= capture.input.size.div_ceil(size);
                    chunks.start < chunks.end && is_within && chunks.end.checked_mul(size).is_some()
                })
            })
    }
}

/// The sum of all numbers of a result; `None` if no number holds it.
#[must_use]
pub fn sum_of_numbers(result: &UnitResult) -> Option<u64> {
    let captures = result.captures.iter().flat_map(|found| [found.records, found.rows, found.length.unsigned_abs()]);
    let parts = result.parts.iter().flat_map(|part| [part.rows, part.bytes]);
    let ranges = result.parts.iter().flat_map(|part| &part.ranges);
    let ranges = ranges.flat_map(|range| [range.first_row, range.rows]);
    captures.chain(parts).chain(ranges).try_fold(0, u64::checked_add)
}

/// The first of some results whose numbers, with those of the results before it, are too many for any sum of them; by the
/// [sums](sum_of_numbers) of each. The others are added up without a check.
#[must_use]
pub fn first_beyond_sums(sums: impl IntoIterator<Item = Option<u64>>) -> Option<usize> {
    let mut left = i64::MAX.unsigned_abs();
    sums.into_iter().position(|sum| {
        let fits = sum.and_then(|sum| left.checked_sub(sum));
        fits.map(|now| left = now).is_none()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Settings;
    use crate::discover::{Compression, Input};
    use crate::plan::{CaptureEntry, UnitCapture};

    fn unit(chunks: std::ops::Range<u64>, settings: Settings) -> Unit {
        let input = Input {
            path: "a".into(),
            absolute: "/a".into(),
            reached: None,
            size: 2500,
            modified: 0,
            fingerprint: None,
            compression: Compression::None,
            format: None,
            head: None,
            etag: None,
            version: None,
        };
        Unit::new(vec![UnitCapture { input, chunks: Some(chunks), frames_before: None }], settings, 0)
    }

    #[test]
    fn chunks_lie_within_their_capture() {
        let settings = |chunk_size| Settings { chunk_size, ..Settings::default() };
        for (chunks, chunk_size, is_sound) in [
            (0..3, 1000, true),
            (1..2, 1000, true),
            (0..4, 1000, false),
            (0..u64::MAX, 1, false),
            (0..1, u64::MAX, true),
            (0..1, 0, false),
        ] {
            assert_eq!(unit(chunks.clone(), settings(chunk_size)).is_sound(), is_sound, "{chunks:?} of {chunk_size}");
        }
        let (start, end) = (2, 1);
        assert!(!unit(start..end, settings(1000)).is_sound());
    }

    #[test]
    fn the_result_that_no_sum_holds_is_named() {
        let result = |id: &str, records, length| {
            let mut unit = unit(0..1, Settings::default());
            unit.id = id.to_owned();
            let captures = vec![CaptureEntry { records, length, ..CaptureEntry::default() }];
            UnitResult { unit, captures, parts: vec![], partial: None }
        };
        let half = 1 << 62;
        let of = |results: &[UnitResult]| {
            let place = first_beyond_sums(results.iter().map(sum_of_numbers));
            place.map(|place| results[place].unit.id.clone())
        };
        assert_eq!(of(&[result("a", half, 0), result("b", half - 1, 0)]), None);
        assert_eq!(of(&[result("a", half, 0), result("b", half, 0)]).as_deref(), Some("b"));
        assert_eq!(of(&[result("a", u64::MAX, 0), result("b", 1, 0)]).as_deref(), Some("a"));
        assert_eq!(of(&[result("a", 0, i64::MIN)]).as_deref(), Some("a"));
    }
}

//! Cuts a run into portions. Each is a commit of its own: a run that ends early keeps those before.

use std::path::Path;

use super::unit::Unit;

/// Cuts units into portions of about this many `bytes` of captures; 0 for one portion. There is always one, perhaps
/// without units.
///
/// A portion is of whole captures, and ends only where packing has ended a unit. So the units do not depend on the portions,
/// and a run that goes on after some of them makes the units that are left as this one would have made them.
#[must_use]
pub fn portions(units: Vec<Unit>, bytes: u64) -> Vec<Vec<Unit>> {
    let mut portions = Vec::new();
    let (mut portion, mut held) = (Vec::<Unit>::new(), 0_u64);
    for unit in units {
        let goes_on = portion.last().is_some_and(|last| last_capture(last) == first_capture(&unit));
        if bytes > 0 && held >= bytes && !goes_on {
            portions.push(std::mem::take(&mut portion));
            held = 0;
        }
        held = held.saturating_add(unit.bytes());
        portion.push(unit);
    }
    portions.push(portion);
    portions
}

fn first_capture(unit: &Unit) -> Option<&Path> {
    unit.captures.first().map(|capture| capture.input.absolute.as_path())
}

fn last_capture(unit: &Unit) -> Option<&Path> {
    unit.captures.last().map(|capture| capture.input.absolute.as_path())
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::config::Settings;
    use crate::discover::{Compression, Format, Input};
    use crate::plan::{Sampled, plan};

    /// Units of captures of these bytes, where one of more than 1000 is cut.
    fn units(sizes: &[u64]) -> Vec<Unit> {
        units_from(0, sizes)
    }

    /// The units of the captures from one of them on.
    fn units_from(first: usize, sizes: &[u64]) -> Vec<Unit> {
        let sampled = sizes.iter().enumerate().skip(first).map(|(place, size)| {
            let input = Input {
                path: format!("{place:04}").into(),
                absolute: format!("/{place:04}").into(),
                reached: None,
                size: *size,
                modified: 0,
                fingerprint: Some(format!("{place}-{size}")),
                compression: Compression::None,
                format: Some(Format::PcapUs),
                head: None,
                etag: None,
                version: None,
            };
            Sampled { input, bytes_per_record: Some(128), starts_timed: true }
        });
        let settings = Settings { chunk_size: 1000, target_file_size: 500, ..Settings::default() };
        plan(sampled.collect(), &settings, &HashSet::new())
    }

    #[test]
    fn portions_are_the_units_in_their_order_whatever_their_size() {
        let sizes: Vec<u64> = (0..200).map(|place| 50 + place * 7919 % 3000).collect();
        let all = units(&sizes);
        for bytes in [0, 1, 500, 1000, 9999, 100_000, u64::MAX] {
            let cut = portions(all.clone(), bytes);
            assert_eq!(cut.concat(), all);
            let count = cut.len();
            for (place, portion) in cut.iter().enumerate() {
                let held: u64 = portion.iter().map(Unit::bytes).sum();
                assert!(held >= bytes.min(1) && (held >= bytes || place + 1 == count), "{held} of {bytes}");
            }
            assert!(cut.windows(2).all(|two| last_capture(two[0].last().unwrap()) != first_capture(&two[1][0])));
            assert_eq!(count == 1, bytes == 0 || bytes > 300_000, "{bytes}: {count}");
        }
    }

    #[test]
    fn what_is_left_is_planned_as_before() {
        let sizes: Vec<u64> = (0..60).map(|place| 50 + place * 7919 % 3000).collect();
        let cut = portions(units(&sizes), 5000);
        assert!(cut.len() > 5);
        for done in 1..cut.len() {
            let left: Vec<_> = cut[done..].concat();
            let first: usize = first_capture(&left[0]).unwrap().to_string_lossy()[1..].parse().unwrap();
            assert_eq!(left, units_from(first, &sizes), "from capture {first} on");
        }
    }

    #[test]
    fn without_units_there_is_a_portion_all_the_same() {
        assert_eq!(portions(Vec::new(), 0), [Vec::new()]);
        assert_eq!(portions(Vec::new(), 10), [Vec::new()]);
    }
}

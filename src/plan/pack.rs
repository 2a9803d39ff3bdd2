//! Makes units of inputs: large captures are cut, small ones share a unit.

use std::collections::HashSet;

use crate::config::Settings;
use crate::discover::{Compression, Input};

use super::unit::{Unit, UnitCapture};

/// Bytes that a row takes in a part, roughly. It decides how much input makes a part of the target size.
const PART_BYTES_PER_ROW: u64 = 16;
/// Bytes that a packet takes in a small capture, roughly: headers only, as archives capture them.
const USUAL_RECORD: u64 = 128;
/// The compression ratio, roughly.
const USUAL_RATIO: u64 = 4;
/// The most captures that share a unit: their names go into its parts' metadata.
const MAX_CAPTURES: usize = 4096;

/// An input with what a look at its first records tells.
#[derive(Clone, Debug)]
pub struct Sampled {
    /// The input.
    pub input: Input,
    /// Mean bytes of its first records, headers included; `None` if it has none.
    pub bytes_per_record: Option<u64>,
    /// Whether its first record has a time, and reading may begin anywhere. If it has none, the date of the first rows depends on a
    /// record that may be anywhere, and the capture is not cut.
    pub starts_timed: bool,
}

/// Makes units of inputs, and keeps the order of the inputs. `held` are the identities that the lake has already.
#[must_use]
pub fn plan(inputs: Vec<Sampled>, settings: &Settings, held: &HashSet<String>) -> Vec<Unit> {
    let mut packing = Packing::new(settings, held.clone());
    for sampled in inputs {
        packing.add(sampled);
    }
    packing.finish()
}

/// Makes units of inputs, one input after the other.
#[derive(Debug)]
pub struct Packing<'a> {
    settings: &'a Settings,
    taken: HashSet<String>,
    units: Vec<Unit>,
    packed: Vec<UnitCapture>,
    packed_bytes: u64,
}

impl<'a> Packing<'a> {
    /// No inputs yet. `held` are the identities that the lake has already.
    #[must_use]
    pub fn new(settings: &'a Settings, held: HashSet<String>) -> Self {
        Self { settings, taken: held, units: Vec::new(), packed: Vec::new(), packed_bytes: 0 }
    }

    /// Takes the units that are full. Those of a capture that is cut come together.
    pub fn full(&mut self) -> Vec<Unit> {
        std::mem::take(&mut self.units)
    }

    /// The units that have not been taken. No input comes after the last one.
    #[must_use]
    pub fn finish(mut self) -> Vec<Unit> {
        self.flush();
        self.units
    }

    /// Adds the next input.
    pub fn add(&mut self, sampled: Sampled) {
        let chunk_size = self.settings.chunk_size;
        let input = sampled.input;
        let packed = input.compression != Compression::None;
        let unpacked = input.size.saturating_mul(if packed { USUAL_RATIO } else { 1 });
        if input.is_stdin() || (unpacked > chunk_size && (packed || !sampled.starts_timed)) {
            self.flush();
            self.push(vec![UnitCapture { input, chunks: None, frames_before: None }]);
        } else if unpacked > chunk_size {
            self.flush();
            self.cut(input, sampled.bytes_per_record.unwrap_or(USUAL_RECORD));
        } else {
            if self.packed_bytes.saturating_add(unpacked) > self.bytes_per_unit(USUAL_RECORD)
                || self.packed.len() >= MAX_CAPTURES
            {
                self.flush();
            }
            self.packed_bytes = self.packed_bytes.saturating_add(unpacked);
            self.packed.push(UnitCapture { input, chunks: None, frames_before: None });
        }
    }

    /// Cuts a capture into units with numbers of chunks that are as equal as possible.
    fn cut(&mut self, input: Input, bytes_per_record: u64) {
        let chunks = input.size.div_ceil(self.settings.chunk_size);
        let per_unit = (self.bytes_per_unit(bytes_per_record) / self.settings.chunk_size).max(1);
        let units = chunks.div_ceil(per_unit);
        for unit in 0..units {
            let share = chunks * unit / units..chunks * (unit + 1) / units;
            self.push(vec![UnitCapture { input: input.clone(), chunks: Some(share), frames_before: None }]);
        }
    }

    /// Bytes of input whose rows fill a part of the target size.
    fn bytes_per_unit(&self, bytes_per_record: u64) -> u64 {
        (self.settings.target_file_size / PART_BYTES_PER_ROW).saturating_mul(bytes_per_record.max(PART_BYTES_PER_ROW))
    }

    fn flush(&mut self) {
        if !self.packed.is_empty() {
            let captures = std::mem::take(&mut self.packed);
            self.packed_bytes = 0;
            self.push(captures);
        }
    }

    fn push(&mut self, captures: Vec<UnitCapture>) {
        let mut unit = Unit::new(captures, self.settings.clone(), 0);
        let mut copy = 0;
        while !unit.id.is_empty() && !self.taken.insert(unit.id.clone()) {
            copy += 1;
            unit = Unit::new(unit.captures, unit.settings, copy);
        }
        self.units.push(unit);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::discover::Format;

    fn sampled(name: &str, size: u64, compression: Compression) -> Sampled {
        let input = Input {
            path: name.into(),
            absolute: format!("/{name}").into(),
            reached: None,
            size,
            modified: 0,
            fingerprint: Some(format!("{size}")),
            compression,
            format: Some(Format::PcapUs),
            head: None,
            etag: None,
            version: None,
        };
        Sampled { input, bytes_per_record: Some(128), starts_timed: true }
    }

    fn settings() -> Settings {
        Settings { chunk_size: 1000, target_file_size: 500, ..Settings::default() }
    }

    #[test]
    fn every_byte_of_a_cut_capture_is_in_exactly_one_unit() {
        for size in [1001, 4000, 4001, 99_999] {
            let units = plan(vec![sampled("big", size, Compression::None)], &settings(), &HashSet::new());
            let mut next = 0;
            for unit in &units {
                let [capture] = unit.captures.as_slice() else { panic!("one capture a unit") };
                let chunks = capture.chunks.clone().unwrap();
                assert_eq!(chunks.start, next);
                assert!(!chunks.is_empty());
                next = chunks.end;
            }
            assert_eq!(next, size.div_ceil(1000));
        }
    }

    #[test]
    fn small_captures_share_units_and_keep_their_order() {
        let inputs: Vec<_> = (1..=20).map(|n| sampled(&format!("{n:02}"), 300 + n, Compression::None)).collect();
        let units = plan(inputs, &settings(), &HashSet::new());
        let names: Vec<_> = units.iter().flat_map(|u| &u.captures).map(|c| c.input.name()).collect();
        assert_eq!(names, (1..=20).map(|n| format!("{n:02}")).collect::<Vec<_>>());
        assert!(units.len() < 20 && units.len() > 1, "{}", units.len());
        for unit in &units {
            let tasks = unit.tasks();
            assert_eq!(tasks.first().unwrap().captures.start, 0);
            assert_eq!(tasks.last().unwrap().captures.end, unit.captures.len());
            assert!(tasks.windows(2).all(|pair| pair[0].captures.end == pair[1].captures.start));
        }
    }

    #[test]
    fn the_same_content_under_two_names_has_two_identities() {
        let twice = vec![sampled("a", 2000, Compression::Gzip), sampled("b", 2000, Compression::Gzip)];
        let units = plan(twice, &settings(), &HashSet::new());
        assert_eq!(units.len(), 2);
        assert_ne!(units[0].id, units[1].id);
        let again =
            plan(vec![sampled("c", 2000, Compression::Gzip)], &settings(), &HashSet::from([units[0].id.clone()]));
        assert_eq!(again[0].id, units[1].id);
    }

    #[test]
    fn a_unit_survives_json() {
        for unit in plan(
            vec![sampled("a", 5000, Compression::None), sampled("b", 10, Compression::Xz)],
            &settings(),
            &HashSet::new(),
        ) {
            assert_eq!(serde_json::from_str::<Unit>(&serde_json::to_string(&unit).unwrap()).unwrap(), unit);
        }
    }
}

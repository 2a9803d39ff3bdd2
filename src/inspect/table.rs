//! Inspections as a table: a line a capture.

use indicatif::BinaryBytes;

use crate::discover::Compression;
use crate::inspect::Inspection;

use super::text::{number, time};

/// Heads of the columns.
pub const HEADS: [&str; 7] = ["path", "format", "status", "packets", "first", "last", "size"];
/// The columns that are numbers.
pub const NUMBERS: [usize; 2] = [3, 6];

impl Inspection {
    /// A cell for each of [`HEADS`]; `-` where there is nothing to say.
    #[must_use]
    pub fn row(&self) -> [String; HEADS.len()] {
        let none = || "-".to_owned();
        let packing = self.found.compression.filter(|packing| *packing != Compression::None);
        let format = self.found.format.map_or_else(none, |format| match packing {
            Some(packing) => format!("{format}+{}", packing.name()),
            None => format.to_string(),
        });
        [
            self.input.name(),
            format,
            self.found.status().name().to_owned(),
            number(self.found.records),
            self.found.earliest.map_or_else(none, time),
            self.found.latest.map_or_else(none, time),
            BinaryBytes(self.input.size).to_string(),
        ]
    }
}

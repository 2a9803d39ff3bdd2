//! What is added up together.

use crate::day::Day;

use super::buffer::Measure;

/// What is added up together: one table of one date.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Group {
    /// The date.
    pub day: Day,
    /// The table, by a number that the writer of the keys chooses.
    pub kind: u8,
    /// How its sums add up.
    pub measure: Measure,
    /// Whether the last [`OWNER`] bytes of its keys are the number of an owner. Then the contribution of one owner can be
    /// told from the rest.
    pub by_owner: bool,
}

/// Bytes of an owner's number, the highest first.
pub const OWNER: usize = 4;

impl Group {
    /// The same group, with owners in its keys.
    #[must_use]
    pub fn by_owner(self) -> Self {
        Self { by_owner: true, ..self }
    }
}

//! The state of a capture, in one word.

use serde::{Deserialize, Serialize};

/// The state of a capture, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// All of it was read, and nothing is odd except what a snapshot length cuts off.
    Whole,
    /// All of it was read, and something about it or its packets is unusual.
    Odd,
    /// It was read up to a fault or, with salvage, around faults.
    Damaged,
    /// It was being written when it was read. It will grow, and a cut at its end is no damage.
    Open,
    /// It was left out, because the lake has the rows of another capture with the same content.
    Duplicate,
    /// It gave no rows.
    Refused,
    /// Some of its rows were lost with a part, and have not been converted again.
    Incomplete,
}

impl Status {
    /// The meaning of the word, for readers who do not know it.
    #[must_use]
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Whole => "all of it was read",
            Self::Odd => "all of it was read, and each packet has its row; something is unusual",
            Self::Damaged => "it was read up to a fault, or with `--salvage` around faults",
            Self::Open => "it was being written, and was read up to its last whole packet",
            Self::Duplicate => "another capture with the same content stands for it",
            Self::Refused => "it gave no rows",
            Self::Incomplete => "some of its rows were lost with a part; it is converted again if it is still there",
        }
    }

    /// Every word, from the best to the worst.
    pub const ALL: [Self; 7] =
        [Self::Whole, Self::Odd, Self::Open, Self::Duplicate, Self::Incomplete, Self::Damaged, Self::Refused];

    /// A line for each word that is shown and whose meaning is not obvious.
    pub fn legend(is_shown: impl Fn(&str) -> bool) -> impl Iterator<Item = String> {
        let words = Self::ALL.into_iter().filter(move |status| *status != Self::Whole && is_shown(status.name()));
        words.map(|status| format!("{}: {}", status.name(), status.meaning()))
    }

    /// The name that reports and tables use.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Whole => "whole",
            Self::Odd => "odd",
            Self::Damaged => "damaged",
            Self::Open => "open",
            Self::Duplicate => "duplicate",
            Self::Refused => "refused",
            Self::Incomplete => "incomplete",
        }
    }
}

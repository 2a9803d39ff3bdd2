//! The sums of the only unit of a commit. They are in memory when its partial summary is written, so they are not read back.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::aggregate::Aggregator;

/// Where the unit leaves its sums for the final stage.
#[derive(Debug, Default)]
pub(crate) struct KeptSums(Mutex<Kept>);

#[derive(Debug, Default)]
enum Kept {
    #[default]
    Nothing,
    /// Of the unit whose partial summary has this place in the lake.
    Only(PathBuf, Aggregator),
    /// There is more than one unit, or it did not fit in memory. Then all are read.
    Left,
}

impl KeptSums {
    /// Keeps the sums of a unit, unless there is another one.
    pub(super) fn offer(&self, partial: &Path, sums: Aggregator) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *kept = match *kept {
            Kept::Nothing if sums.is_in_memory() => Kept::Only(partial.to_path_buf(), sums),
            _ => Kept::Left,
        };
    }

    /// Takes the sums of the only unit, with the place of its partial summary. What is offered then is of the next commit.
    pub(super) fn take(&self) -> Option<(PathBuf, Aggregator)> {
        match std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner)) {
            Kept::Only(partial, sums) => Some((partial, sums)),
            Kept::Nothing | Kept::Left => None,
        }
    }
}

//! Where the summary tables are in a lake.

use std::path::{Path, PathBuf};

use crate::day::Day;
use crate::error::Result;
use crate::tables::TableFile;

use super::captures::CAPTURES;
use super::committer::Move;
use super::layout::{Layout, SUMMARIES};
use super::record::CommittedTable;

impl Layout {
    /// The place of a table of one date, below the lake: `summaries/ports/date=2024-03-11/ports.parquet`.
    #[must_use]
    pub fn table(name: &str, day: Day) -> PathBuf {
        let date = format!("date={}", day.text());
        Path::new(SUMMARIES).join(name).join(date).join(format!("{name}.parquet"))
    }

    /// Where a table of one date is staged, and where it belongs. Its folder is made.
    ///
    /// # Errors
    /// If that fails.
    pub fn stage_table(&self, name: &str, day: Day) -> Result<(PathBuf, Move)> {
        let to = Self::table(name, day);
        // All in one folder: making a folder for each costs more than a small table does.
        let staged = to.iter().map(|part| part.to_string_lossy()).collect::<Vec<_>>().join("-");
        let from = Self::staging().join("tables").join(staged);
        let path = self.make_room(&from)?;
        Ok((path, Move { from, to }))
    }

    /// Whether a path below the lake is that of a table of the captures of one date.
    #[must_use]
    pub fn is_of_captures(path: &Path) -> bool {
        path.starts_with(Path::new(SUMMARIES).join(CAPTURES)) && Self::is_of_a_date(path)
    }

    /// Where lakes of earlier versions have their table of captures: one file for all dates. No version of today writes it, so its
    /// name is never given again.
    #[must_use]
    pub fn earlier_captures() -> PathBuf {
        Path::new(SUMMARIES).join(CAPTURES).join(format!("{CAPTURES}.parquet"))
    }
}

impl Move {
    /// The move of a table that was written where it is staged, and what the manifest says of it.
    #[must_use]
    pub fn of_table(self, file: TableFile) -> (Self, CommittedTable) {
        let TableFile { rows, bytes, checksum } = file;
        let path = self.to.clone();
        (self, CommittedTable { path, rows, bytes, checksum })
    }
}

//! A plan that is kept in its lake, and the rows of units that have been staged for it.
//!
//! In: the documents that go from `plan` to `convert-unit` to `commit`, as texts. Out: the same. Always: what has a name is
//! whole, for each file gets it by a rename when it has been synced; a row is written after the files that it names. A process that
//! sees the lake can go on with the work of a scheduler that died.

use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::lake::Layout;
use crate::plan::is_identity;

/// The first line of the plan. It is written last.
const PLAN: &str = "plan.json";
/// The folder of the rows, a file each, by the identity of the unit.
const ROWS: &str = "rows";
/// Units of a file: a process that wants one unit reads all of its file.
const UNITS_A_FILE: usize = 100;

/// The folder of a plan in its lake, `_parcap/units/PLAN`.
#[derive(Clone, Debug)]
pub struct KeptPlan {
    lake: Layout,
    /// Below the lake.
    folder: PathBuf,
}

impl KeptPlan {
    /// The place of a plan, which need not be there.
    ///
    /// # Errors
    /// If this is no identity of a plan.
    pub fn of(lake: &Path, plan: &str) -> Result<Self> {
        let kept = Self { lake: Layout::at(lake), folder: Layout::units().join(plan) };
        if is_identity(plan) { Ok(kept) } else { Err(kept.not_kept()) }
    }

    /// Writes a plan and its units, a document each. One that is there already is the same.
    ///
    /// # Errors
    /// If the lake cannot be written.
    pub fn write(&self, plan: &str, units: impl IntoIterator<Item = Result<String>>) -> Result<()> {
        if self.is_there()? {
            return Ok(());
        }
        let (mut text, mut held, mut files) = (String::new(), 0, 0);
        for unit in units {
            text.push_str(&unit?);
            held += 1;
            if held % UNITS_A_FILE == 0 {
                self.lake.write_text(&self.units_file(files), &std::mem::take(&mut text))?;
                files += 1;
            }
        }
        if !text.is_empty() {
            self.lake.write_text(&self.units_file(files), &text)?;
        }
        self.lake.write_text(&self.folder.join(PLAN), plan)
    }

    fn is_there(&self) -> Result<bool> {
        self.lake.has(&self.folder.join(PLAN))
    }

    /// The first line of the plan.
    ///
    /// # Errors
    /// If there is no such plan, or it cannot be read.
    pub fn plan(&self) -> Result<String> {
        self.lake.read_text(&self.folder.join(PLAN))?.ok_or_else(|| self.not_kept())
    }

    /// A unit by its place in the plan, from 0 on.
    ///
    /// # Errors
    /// If there is no such plan or no such unit, or it cannot be read.
    pub fn unit(&self, place: usize) -> Result<String> {
        let units = self.lake.read_text(&self.units_file(place / UNITS_A_FILE))?;
        match units.as_deref().and_then(|units| units.lines().nth(place % UNITS_A_FILE)) {
            Some(unit) => Ok(unit.to_owned()),
            None if !self.is_there()? => Err(self.not_kept()),
            None => {
                let problem = format!("has no unit {place}; units count from 0");
                Err(Error::Commit { path: self.lake.shown(&self.folder), problem })
            }
        }
    }

    /// Keeps the row of a unit. Of a unit that was converted twice, either row will do.
    ///
    /// # Errors
    /// If the lake cannot be written.
    pub fn keep_row(&self, unit: &str, row: &str) -> Result<()> {
        self.lake.write_text(&self.row_file(unit), row)
    }

    /// The row that has been kept of a unit, by its identity.
    ///
    /// # Errors
    /// If the lake cannot be read.
    pub fn row(&self, unit: &str) -> Result<Option<String>> {
        self.lake.read_text(&self.row_file(unit))
    }

    /// Shows the rows that have been kept: the file and the text of each.
    ///
    /// # Errors
    /// If the lake cannot be read, or `take` fails.
    pub fn each_row(&self, mut take: impl FnMut(&Path, &str) -> Result<()>) -> Result<()> {
        for path in self.lake.texts_in(&self.folder.join(ROWS))? {
            // Others were being written when their process was killed.
            if path.extension().is_some_and(|extension| extension == "json")
                && let Some(row) = self.lake.read_text(&path)?
            {
                take(&self.lake.shown(&path), &row)?;
            }
        }
        Ok(())
    }

    fn units_file(&self, number: usize) -> PathBuf {
        self.folder.join(format!("units-{number}.jsonl"))
    }

    fn row_file(&self, unit: &str) -> PathBuf {
        self.folder.join(ROWS).join(unit).with_extension("json")
    }

    fn not_kept(&self) -> Error {
        Error::NotKept { path: self.lake.shown(&self.folder) }
    }
}

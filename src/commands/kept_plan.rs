//! A plan that is kept in its lake, and the rows of units that have been staged for it.
//!
//! In: the documents that go from `plan` to `convert-unit` to `commit`, as texts. Out: the same. Always: what has a name is
//! whole, for each file gets it by a rename when it has been synced; a row is written after the files that it names. A process that
//! sees the lake can go on with the work of a scheduler that died.

use std::io;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::lake::Layout;
use crate::plan::is_identity;
use crate::storage::local;

/// The first line of the plan. It is written last.
const PLAN: &str = "plan.json";
/// The folder of the rows, a file each, by the identity of the unit.
const ROWS: &str = "rows";
/// Units of a file: a process that wants one unit reads all of its file.
const UNITS_A_FILE: usize = 100;

/// The folder of a plan in its lake, `_parcap/units/PLAN`.
#[derive(Clone, Debug)]
pub struct KeptPlan {
    folder: PathBuf,
}

impl KeptPlan {
    /// The place of a plan, which need not be there.
    ///
    /// # Errors
    /// If this is no identity of a plan.
    pub fn of(lake: &Path, plan: &str) -> Result<Self> {
        let folder = Layout::at(lake).resolve(&Layout::units().join(plan));
        if is_identity(plan) { Ok(Self { folder }) } else { Err(not_kept(&folder)) }
    }

    /// Writes a plan and its units, a document each. One that is there already is the same.
    ///
    /// # Errors
    /// If the lake cannot be written.
    pub fn write(&self, plan: &str, units: impl IntoIterator<Item = Result<String>>) -> Result<()> {
        if local::is_file(&self.folder.join(PLAN)) {
            return Ok(());
        }
        local::make_folders(&self.folder).map_err(Error::io("create", &self.folder))?;
        let (mut text, mut held, mut files) = (String::new(), 0, 0);
        for unit in units {
            text.push_str(&unit?);
            held += 1;
            if held % UNITS_A_FILE == 0 {
                write(&self.folder.join(units_file(files)), &std::mem::take(&mut text))?;
                files += 1;
            }
        }
        if !text.is_empty() {
            write(&self.folder.join(units_file(files)), &text)?;
        }
        write(&self.folder.join(PLAN), plan)
    }

    /// The first line of the plan.
    ///
    /// # Errors
    /// If there is no such plan, or it cannot be read.
    pub fn plan(&self) -> Result<String> {
        read(&self.folder.join(PLAN))?.ok_or_else(|| not_kept(&self.folder))
    }

    /// A unit by its place in the plan, from 0 on.
    ///
    /// # Errors
    /// If there is no such plan or no such unit, or it cannot be read.
    pub fn unit(&self, place: usize) -> Result<String> {
        let units = read(&self.folder.join(units_file(place / UNITS_A_FILE)))?;
        let unit = units.as_deref().and_then(|units| units.lines().nth(place % UNITS_A_FILE));
        unit.map(str::to_owned).ok_or_else(|| self.no_unit(place))
    }

    fn no_unit(&self, place: usize) -> Error {
        if !local::is_file(&self.folder.join(PLAN)) {
            return not_kept(&self.folder);
        }
        Error::Commit { path: self.folder.clone(), problem: format!("has no unit {place}; units count from 0") }
    }

    /// Keeps the row of a unit. Of a unit that was converted twice, either row will do.
    ///
    /// # Errors
    /// If the lake cannot be written.
    pub fn keep_row(&self, unit: &str, row: &str) -> Result<()> {
        let folder = self.folder.join(ROWS);
        local::make_folders(&folder).map_err(Error::io("create", &folder))?;
        write(&folder.join(unit).with_extension("json"), row)
    }

    /// The row that has been kept of a unit, by its identity.
    ///
    /// # Errors
    /// If the lake cannot be read.
    pub fn row(&self, unit: &str) -> Result<Option<String>> {
        read(&self.folder.join(ROWS).join(unit).with_extension("json"))
    }

    /// Shows the rows that have been kept: the file and the text of each.
    ///
    /// # Errors
    /// If the lake cannot be read.
    pub fn each_row(&self, mut take: impl FnMut(&Path, &str)) -> Result<()> {
        let folder = self.folder.join(ROWS);
        let entries = match local::list(&folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            entries => entries.map_err(Error::io("read", &folder))?,
        };
        for entry in entries {
            let path = entry.map_err(Error::io("read", &folder))?.path();
            // Others were being written when their process was killed.
            if path.extension().is_some_and(|extension| extension == "json")
                && let Some(row) = read(&path)?
            {
                take(&path, &row);
            }
        }
        Ok(())
    }
}

fn units_file(number: usize) -> String {
    format!("units-{number}.jsonl")
}

/// Writes a file that is whole whenever it has its name. Two who write it at once write the same.
fn write(path: &Path, text: &str) -> Result<()> {
    let unfinished = path.with_extension(format!("{}-{:x}", std::process::id(), super::convert_unit::random()));
    local::write_synced(&unfinished, text.as_bytes())?;
    local::rename(&unfinished, path).map_err(Error::io("rename", &unfinished))
}

fn read(path: &Path) -> Result<Option<String>> {
    match local::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        bytes => Ok(Some(String::from_utf8_lossy(&bytes.map_err(Error::io("read", path))?).into_owned())),
    }
}

fn not_kept(folder: &Path) -> Error {
    Error::NotKept { path: folder.to_path_buf() }
}

//! The results of units as a commit gets them, in any order and from anywhere: they wait on disk, for those of a million captures do
//! not fit into memory. What decides whether and where one counts is known without reading it again.

use std::collections::HashSet;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::config::Settings;
use crate::error::{Error, Result};
use crate::lake::Layout;
use crate::plan::{ChunkShare, PathList, UnitResult, sum_of_numbers};
use crate::storage::objects::HeldUpload;
use crate::storage::{SpoolWriter, Spooled, scratch_root};

use super::delivered::{fault, folder_of, is_staged, is_staged_by_size};

/// Results of units that are being collected.
#[derive(Debug)]
pub struct UnitResults {
    writer: SpoolWriter<UnitResult>,
    facts: Vec<ResultFacts>,
    settings: Vec<Settings>,
}

/// What is known of a result without reading it again.
#[derive(Debug)]
pub(super) struct ResultFacts {
    /// Where its text is: in which of the collections, and its bytes there.
    pub(super) of: usize,
    text: Range<u64>,
    /// Its place among all that count: that of its unit in the plan, if there is one.
    pub(super) place: usize,
    /// The identity of its unit.
    pub(super) id: String,
    /// How many captures the unit has, their bytes, the absolute path of the first, and the [key](PathList::key) of all paths.
    pub(super) captures: usize,
    pub(super) bytes: u64,
    pub(super) first: PathBuf,
    pub(super) paths: i64,
    /// The first of its chunks, of a capture that is cut.
    chunk: u64,
    /// The settings that it was converted with, by their place among all.
    pub(super) settings: usize,
    pub(super) only_with_plan: bool,
    /// Why it is not what it says.
    pub(super) fault: Option<Error>,
    /// [All its numbers](sum_of_numbers).
    pub(super) sum: Option<u64>,
    pub(super) shares: Vec<ChunkShare>,
    /// The folder that it was staged in.
    pub(super) folder: Option<PathBuf>,
    pub(super) uploads: Vec<HeldUpload>,
}

/// Results of units that have been collected.
#[derive(Debug)]
pub(super) struct CollectedResults {
    results: Spooled<UnitResult>,
    pub(super) settings: Vec<Settings>,
}

impl UnitResults {
    /// None yet.
    ///
    /// # Errors
    /// If the folder for temporary files cannot be written.
    pub fn new() -> Result<Self> {
        Ok(Self { writer: SpoolWriter::new().map_err(not_written())?, facts: Vec::new(), settings: Vec::new() })
    }

    /// Some results.
    ///
    /// # Errors
    /// As [`UnitResults::add`].
    pub fn of(results: impl IntoIterator<Item = UnitResult>) -> Result<Self> {
        let mut all = Self::new()?;
        results.into_iter().try_for_each(|result| all.add(&result))?;
        Ok(all)
    }

    /// Adds a result.
    ///
    /// # Errors
    /// If it cannot be written to the folder for temporary files.
    pub fn add(&mut self, result: &UnitResult) -> Result<()> {
        let text_place = self.writer.push(result).map_err(not_written())?;
        self.note(result, text_place);
        Ok(())
    }

    /// Adds a result whose text, one line of JSON, was read.
    ///
    /// # Errors
    /// As [`UnitResults::add`].
    pub fn add_text(&mut self, result: &UnitResult, text: &str) -> Result<()> {
        let text_place = self.writer.push_text(text.trim_end().as_bytes()).map_err(not_written())?;
        self.note(result, text_place);
        Ok(())
    }

    fn note(&mut self, result: &UnitResult, text: Range<u64>) {
        let unit = &result.unit;
        let known = self.settings.iter().position(|settings| *settings == unit.settings);
        let settings = known.unwrap_or_else(|| {
            self.settings.push(unit.settings.clone());
            self.settings.len() - 1
        });
        let paths: PathList = unit.captures.iter().map(|capture| &capture.input.absolute).collect();
        let first = unit.captures.first();
        self.facts.push(ResultFacts {
            of: 0,
            text,
            place: self.facts.len(),
            id: unit.id.clone(),
            captures: unit.captures.len(),
            bytes: if unit.is_sound() { unit.bytes() } else { 0 },
            first: first.map(|capture| capture.input.absolute.clone()).unwrap_or_default(),
            paths: paths.key(),
            chunk: first.and_then(|capture| capture.chunks.as_ref()).map_or(0, |chunks| chunks.start),
            settings,
            only_with_plan: unit.only_with_plan,
            fault: fault(result),
            sum: sum_of_numbers(result),
            shares: ChunkShare::of(result).collect(),
            folder: folder_of(result),
            uploads: result.parts.iter().filter_map(|part| part.held.clone()).collect(),
        });
    }

    /// All results, and what is known of each.
    pub(super) fn collected(self) -> Result<(CollectedResults, Vec<ResultFacts>)> {
        let results = self.writer.finish().map_err(not_written())?;
        Ok((CollectedResults { results, settings: self.settings }, self.facts))
    }
}

impl ResultFacts {
    /// By this, results have the order of a plan, whatever order a scheduler finished them in.
    pub(super) fn key(&self) -> (&Path, u64, &str) {
        (&self.first, self.chunk, &self.id)
    }

    /// Whether one of its captures is such. Of captures that share a unit, all are, or none is.
    pub(super) fn has(&self, is_such: impl Fn(&Path) -> bool) -> bool {
        is_such(&self.first) || self.shares.iter().any(|share| is_such(&share.path))
    }
}

impl CollectedResults {
    /// A result.
    pub(super) fn read(&self, facts: &ResultFacts) -> Result<UnitResult> {
        self.results.at(&facts.text).map_err(Error::io("read rows of units from", scratch_root()))
    }

    /// Drops attempts whose files are gone, of units that were converted more than once.
    pub(super) fn drop_lost_attempts(&self, lake: &Layout, facts: &mut Vec<ResultFacts>) -> Result<()> {
        let (mut seen, mut again) = (HashSet::new(), HashSet::new());
        for of_it in &*facts {
            if !seen.insert(of_it.id.as_str()) {
                again.insert(of_it.id.clone());
            }
        }
        if again.is_empty() {
            return Ok(());
        }
        self.retain(facts, |results, of_it| {
            Ok(!again.contains(&of_it.id) || is_staged_by_size(lake, &results.read(of_it)?))
        })
    }

    /// Keeps those whose files are all as they were written.
    pub(super) fn keep_staged(&self, lake: &Layout, facts: &mut Vec<ResultFacts>) -> Result<()> {
        self.retain(facts, |results, of_it| Ok(is_staged(lake, &results.read(of_it)?)))
    }

    fn retain(&self, facts: &mut Vec<ResultFacts>, keeps: impl Fn(&Self, &ResultFacts) -> Result<bool>) -> Result<()> {
        let mut failed = None;
        facts.retain(|of_it| match keeps(self, of_it) {
            Ok(keeps) => keeps,
            Err(error) => {
                failed.get_or_insert(error);
                true
            }
        });
        failed.map_or(Ok(()), Err)
    }
}

/// Rows of units cannot wait on disk.
fn not_written() -> impl FnOnce(io::Error) -> Error {
    Error::io("write rows of units to", scratch_root())
}

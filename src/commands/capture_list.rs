//! The captures that are summed up: what is shown of them, kept while they come by.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::path::PathBuf;

use crate::aggregate::Space;
use crate::capture::Timestamp;
use crate::day::Day;
use crate::error::Result;
use crate::lake::{CAPTURES, CaptureRow, CaptureRows, InputEntry, table_among};
use crate::report::ImplausibleCounts;
use crate::summary::Preview;
use crate::tables::Table;

use super::summarize::SummarizeRequest;

/// The place of a capture among others: its absolute path and number, or its number alone.
type CapturePlace = (PathBuf, usize);

/// What is shown of captures. They come in any order.
///
/// # Memory
/// The rows that are asked for, whatever the number of captures; for a page also those of damaged captures, all of which it shows. If all
/// rows are asked for, as [`CaptureRows`].
#[derive(Debug)]
pub(super) struct CaptureList {
    /// How many captures there are.
    pub(super) count: u64,
    /// The first rows; for a page, of sound captures.
    first: FirstRows,
    /// All rows.
    all: Option<CaptureRows>,
    /// What a page has besides.
    page: Option<OnPage>,
    /// The earliest and the latest time of a packet.
    pub(super) ends: Option<(Timestamp, Timestamp)>,
}

/// What a page says of captures, besides their first rows.
#[derive(Debug)]
struct OnPage {
    days: RangeInclusive<Day>,
    damaged: FirstRows,
    implausible: BTreeMap<CapturePlace, ImplausibleCounts>,
}

/// The captures of a page.
pub(super) struct CapturesOfPage {
    /// The rows of those that are damaged.
    pub(super) damaged: Vec<CaptureRow>,
    /// The first rows of the others.
    pub(super) sound: Vec<CaptureRow>,
    /// Those with a length that is not credible.
    pub(super) implausible: Vec<ImplausibleCounts>,
}

/// The rows of the first places.
#[derive(Debug)]
struct FirstRows {
    most: usize,
    rows: BTreeMap<CapturePlace, CaptureRow>,
}

impl FirstRows {
    fn new(most: usize) -> Self {
        Self { most, rows: BTreeMap::new() }
    }

    fn offer(&mut self, place: &CapturePlace, entry: &InputEntry) {
        if self.rows.len() >= self.most && self.rows.last_key_value().is_none_or(|(last, _)| place > last) {
            return;
        }
        self.rows.insert(place.clone(), CaptureRow::of(entry));
        if self.rows.len() > self.most {
            self.rows.pop_last();
        }
    }

    fn into_rows(self) -> Vec<CaptureRow> {
        self.rows.into_values().collect()
    }
}

impl CaptureList {
    /// No captures yet, of which a request asks to show some. Rows that do not fit into memory go to `space`.
    pub(super) fn new(request: &SummarizeRequest, space: &Space) -> Self {
        let is_wanted = request.tables.is_empty() || request.tables.iter().any(|table| table == CAPTURES);
        let page =
            || OnPage { days: request.days.clone(), damaged: FirstRows::new(usize::MAX), implausible: BTreeMap::new() };
        Self {
            count: 0,
            first: FirstRows::new(request.top.unwrap_or(0)),
            all: (request.top.is_none() && is_wanted).then(|| CaptureRows::new(space)),
            page: request.for_page.then(page),
            ends: None,
        }
    }

    /// Adds a capture of a lake, whose place is that of its path.
    ///
    /// # Errors
    /// If rows that do not fit into memory cannot be written.
    pub(super) fn add_held(&mut self, entry: &InputEntry) -> Result<()> {
        self.add((entry.input.absolute.clone(), entry.id), entry)
    }

    /// Adds a capture that was read, whose place is after those before it.
    ///
    /// # Errors
    /// As [`CaptureList::add_held`].
    pub(super) fn add_read(&mut self, entry: &InputEntry) -> Result<()> {
        let number = usize::try_from(self.count).unwrap_or(usize::MAX);
        self.add((PathBuf::new(), number), entry)
    }

    fn add(&mut self, place: CapturePlace, entry: &InputEntry) -> Result<()> {
        self.count += 1;
        if let (Some(first), Some(last)) = (entry.found.earliest, entry.found.latest) {
            let (from, to) = self.ends.unwrap_or((first, last));
            self.ends = Some((from.min(first), to.max(last)));
        }
        if let Some(all) = &mut self.all {
            all.add(Day::EPOCH, (&place.0, place.1), entry)?;
        }
        let Some(page) = &mut self.page else {
            self.first.offer(&place, entry);
            return Ok(());
        };
        if entry.is_damaged() {
            page.damaged.offer(&place, entry)
        } else {
            self.first.offer(&place, entry)
        }
        if let Some(implausible) = ImplausibleCounts::of(entry, &page.days) {
            page.implausible.insert(place, implausible);
        }
        Ok(())
    }

    /// The first rows, in the order of places.
    pub(super) fn preview(self) -> Preview {
        Preview { name: CAPTURES, rows: self.count, first: table_among(self.first.into_rows()) }
    }

    /// All rows, piece by piece, in the order of places.
    ///
    /// # Errors
    /// If rows that were written cannot be read, or `each` fails.
    pub(super) fn all(self, mut each: impl FnMut(Table) -> Result<()>) -> Result<()> {
        match self.all {
            Some(mut all) if self.count > 0 => all.read(Day::EPOCH, each),
            // Its columns are shown all the same.
            _ => each(table_among(Vec::new())),
        }
    }

    /// What a page shows. The captures of a request that is for no page are not told apart.
    pub(super) fn into_page(self) -> CapturesOfPage {
        let (damaged, implausible) = match self.page {
            Some(page) => (page.damaged.into_rows(), page.implausible.into_values().collect()),
            None => (Vec::new(), Vec::new()),
        };
        CapturesOfPage { damaged, sound: self.first.into_rows(), implausible }
    }
}

//! The captures that are summed up: what is shown of them, kept while they come by.

use std::collections::BTreeMap;
use std::ops::{Range, RangeInclusive};
use std::path::{Path, PathBuf};

use crate::aggregate::Space;
use crate::capture::Timestamp;
use crate::day::Day;
use crate::error::Result;
use crate::lake::{
    CAPTURES, CaptureBrief, CaptureRow, CaptureRows, CaptureVisitor, FoundBrief, InputEntry, LookAgain, table_among,
};
use crate::report::{CaptureTimes, ClockSteps, ImplausibleCounts, LongCaptures, Rotations};
use crate::summary::Preview;
use crate::tables::Table;

use super::summarize::SummarizeRequest;

/// The place of a capture among others: its absolute path and number, or its number alone.
type CapturePlace = (PathBuf, usize);

/// What is shown of captures. They come in any order.
///
/// # Memory
/// The rows that are asked for, whatever the number of captures; for a page also those of damaged captures, all of which it shows, and what
/// tells when there were captures and whether their clocks were right. If all
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
    /// The earliest and the latest time of a packet, in microseconds since the Unix epoch.
    pub(super) ends: Option<(i64, i64)>,
    /// Which captures are shown.
    shown: ShownTimes,
}

/// What a page says of captures, besides their first rows.
#[derive(Debug)]
struct OnPage {
    days: RangeInclusive<Day>,
    damaged: FirstRows,
    implausible: BTreeMap<CapturePlace, ImplausibleCounts>,
    times: CaptureTimes,
    rotations: Rotations,
    steps: ClockSteps,
    long: LongCaptures,
}

/// The captures of a page.
#[derive(Default)]
pub(super) struct CapturesOfPage {
    /// The rows of those that are damaged.
    pub(super) damaged: Vec<CaptureRow>,
    /// The first rows of the others.
    pub(super) sound: Vec<CaptureRow>,
    /// Those with a length that is not credible.
    pub(super) implausible: Vec<ImplausibleCounts>,
    /// When there were captures.
    pub(super) times: CaptureTimes,
    /// Captures whose times are beside those of their neighbours; `None` if the captures are of no page.
    pub(super) rotations: Option<Rotations>,
    /// Captures whose times go back.
    pub(super) steps: ClockSteps,
    /// Captures that take days.
    pub(super) long: LongCaptures,
}

/// The rows of the first places. A place may be kept before its row is known.
#[derive(Debug)]
struct FirstRows {
    most: usize,
    rows: BTreeMap<CapturePlace, Option<CaptureRow>>,
}

impl FirstRows {
    fn new(most: usize) -> Self {
        Self { most, rows: BTreeMap::new() }
    }

    /// Keeps a place for a row. Whether it is among the first ones so far.
    fn keep(&mut self, path: &Path, number: usize) -> bool {
        if self.rows.len() >= self.most {
            let is_before = |(last, at): &CapturePlace| (path, number) < (last.as_path(), *at);
            if !self.rows.last_key_value().is_some_and(|(last, _)| is_before(last)) {
                return false;
            }
            self.rows.pop_last();
        }
        self.rows.insert((path.to_path_buf(), number), None);
        true
    }

    fn offer(&mut self, place: &CapturePlace, entry: &InputEntry) {
        if self.rows.contains_key(place) || self.keep(&place.0, place.1) {
            self.rows.insert(place.clone(), Some(CaptureRow::of(entry)));
        }
    }

    fn into_rows(self) -> Vec<CaptureRow> {
        self.rows.into_values().flatten().collect()
    }
}

impl CaptureList {
    /// No captures yet, of which a request asks to show some. Rows that do not fit into memory go to `space`.
    pub(super) fn new(request: &SummarizeRequest, space: &Space) -> Self {
        let is_wanted = request.tables.is_empty() || request.tables.iter().any(|table| table == CAPTURES);
        let page = || OnPage {
            days: request.days.clone(),
            damaged: FirstRows::new(usize::MAX),
            implausible: BTreeMap::new(),
            times: CaptureTimes::default(),
            rotations: Rotations::new(space),
            steps: ClockSteps::default(),
            long: LongCaptures::default(),
        };
        Self {
            count: 0,
            first: FirstRows::new(request.top.unwrap_or(0)),
            all: (request.top.is_none() && is_wanted).then(|| CaptureRows::new(space)),
            page: request.for_page.then(page),
            ends: None,
            shown: ShownTimes::of(request),
        }
    }

    /// Adds a capture that was read, whose place is after those before it, if it is shown.
    ///
    /// # Errors
    /// If rows that do not fit into memory cannot be written.
    pub(super) fn add_read(&mut self, entry: &InputEntry) -> Result<()> {
        let times = (entry.found.earliest.map(Timestamp::micros), entry.found.latest.map(Timestamp::micros));
        let path = (!entry.input.is_stdin()).then_some(entry.input.absolute.as_path());
        if !self.count(times, path)? {
            return Ok(());
        }
        let number = usize::try_from(self.count).unwrap_or(usize::MAX);
        self.add((PathBuf::new(), number), entry)
    }

    /// Counts a capture with packets from and to these times, in microseconds since the Unix epoch, if it is shown. Whether it is. `path` is
    /// the absolute one; `None` for standard input.
    fn count(&mut self, times: (Option<i64>, Option<i64>), path: Option<&Path>) -> Result<bool> {
        if !self.shown.has(times) {
            return Ok(false);
        }
        self.count += 1;
        if let (Some(first), Some(last)) = times {
            let (from, to) = self.ends.unwrap_or((first, last));
            self.ends = Some((from.min(first), to.max(last)));
            if let Some(page) = &mut self.page {
                page.times.add(first, last);
                if let Some(path) = path {
                    page.long.add(path, first, last);
                    page.rotations.add(path, first, last)?;
                }
            }
        }
        Ok(true)
    }

    fn add(&mut self, place: CapturePlace, entry: &InputEntry) -> Result<()> {
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
        page.steps.add(entry);
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
        let sound = self.first.into_rows();
        match self.page {
            Some(page) => CapturesOfPage {
                damaged: page.damaged.into_rows(),
                sound,
                implausible: page.implausible.into_values().collect(),
                times: page.times,
                rotations: Some(page.rotations),
                steps: page.steps,
                long: page.long,
            },
            None => CapturesOfPage { sound, ..CapturesOfPage::default() },
        }
    }
}

/// Whether a page notes something of a sound capture besides its row.
fn is_noted(brief: &CaptureBrief<'_>, found: &FoundBrief) -> bool {
    let ends = [brief.first, found.first.map(Timestamp::micros), found.last.map(Timestamp::micros), brief.last];
    found.has_implausible || ClockSteps::is_one(ends)
}

/// Captures of a lake, whose places are those of their paths.
impl CaptureVisitor for CaptureList {
    fn asks_what_was_found(&self) -> bool {
        self.page.is_some()
    }

    fn meet(&mut self, brief: &CaptureBrief<'_>) -> Result<bool> {
        if !self.count((brief.first, brief.last), Some(&brief.absolute))? {
            return Ok(false);
        }
        let may_be_damaged = !matches!(brief.again, None | Some(LookAgain::Open));
        let is_on_page =
            self.page.is_some() && (may_be_damaged || brief.found.is_none_or(|found| is_noted(brief, &found)));
        let is_first = !(self.page.is_some() && may_be_damaged) && self.first.keep(&brief.absolute, brief.id);
        Ok(is_first || is_on_page || self.all.is_some())
    }

    fn take(&mut self, entry: &InputEntry) -> Result<()> {
        self.add((entry.input.absolute.clone(), entry.id), entry)
    }
}

/// The times of a request: a capture is shown if it may have packets of its dates, or of the times of its filter.
#[derive(Debug)]
struct ShownTimes {
    days: RangeInclusive<Day>,
    /// Microseconds since the Unix epoch.
    times: Option<Range<i64>>,
}

impl ShownTimes {
    fn of(request: &SummarizeRequest) -> Self {
        Self { days: request.days.clone(), times: request.filter.times.clone() }
    }

    fn has(&self, times: (Option<i64>, Option<i64>)) -> bool {
        let day = |micros: i64| Day::of_seconds(micros.div_euclid(1_000_000));
        match (times, &self.times) {
            ((Some(first), Some(last)), Some(times)) => first < times.end && last >= times.start,
            ((Some(first), Some(last)), None) => day(first) <= *self.days.end() && day(last) >= *self.days.start(),
            _ => true,
        }
    }
}

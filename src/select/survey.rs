//! The survey of what was given: each file is counted as unchanged, as refused before or as settling, or waits to be opened.

use std::collections::{BTreeSet, HashSet};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::cancel::Cancel;
use crate::discover::{self, Candidate, Input, Lead, Places, Refusal, is_capture_name};
use crate::error::Result;
use crate::lake::{HeldCapture, LookAgain, Lookup, RefusedEntry, Snapshot};
use crate::outcome::{Away, Report};
use crate::storage::objects::is_object;
use crate::storage::{absolute, local};

use super::backlog::{Backlog, ToOpen};
use super::number_set::NumberSet;
use super::present::{Present, nothing_is_there};
use super::selection::{SelectOptions, Selection, same};

/// How far the clock of a machine that writes captures may be ahead.
const CLOCKS_DIFFER: Duration = Duration::from_secs(300);

/// Files that are looked for in the lake together.
const BATCH: usize = 4096;

/// A capture that was opened, with the number of what the lake has under its path.
pub(super) type FoundCapture = (Input, Option<usize>);

/// What was given, as far as it is known without opening a file.
#[derive(Debug, Default)]
pub(crate) struct ArchiveSurvey {
    pub(super) named: HashSet<PathBuf>,
    /// Where all these are searched.
    pub(super) places: Places,
    pub(super) leads: Vec<Lead>,
    /// Standard input, and the FIFOs that were named.
    pub(super) streams: Vec<Input>,
    /// Files that are captures, or claim to be.
    pub(super) present: Present,
    /// Paths that were refused. A directory without captures and refusals is reported.
    pub(super) refused: HashSet<PathBuf>,
    /// Captures of the lake that are where it says: unchanged, found there under a new name, or converted by this run.
    pub(super) unchanged: NumberSet,
    /// Duplicates that an earlier run left out, unchanged but for their time, by the capture that stands for them.
    pub(super) stood_for: Vec<(Candidate, usize)>,
    /// Files that have to be opened.
    pub(super) backlog: Backlog,
    /// Captures that were opened and wait for those that come after them, with what the lake has under their path.
    pub(super) waiting: Vec<FoundCapture>,
    /// Captures that seem to have taken the place of others. They wait until all have been opened: the others may have another name.
    pub(super) deferred: Vec<FoundCapture>,
    /// All that were opened with the last ones, as long as there are more.
    pub(super) opened: Vec<FoundCapture>,
    /// Of `stood_for`, those that were opened again with the last ones.
    pub(super) looked_at: Vec<FoundCapture>,
    /// Captures of the lake that were not found, and folders that look like an unmounted disk; some may be elsewhere.
    pub(super) missing: u64,
    pub(super) away: Vec<Away>,
    /// Files that were refused before, and are gone.
    pub(super) cleared_refusals: Vec<PathBuf>,
    from_future: Vec<(PathBuf, i64)>,
    has_begun: bool,
}

/// What is known of a file before it is opened.
enum Known<'a> {
    /// The lake has it as it is.
    Unchanged(&'a HeldCapture),
    /// It was refused as it is.
    Refused(&'a RefusedEntry),
    /// It is new or has changed, or is looked at again.
    Nothing,
}

/// The walk of what was given, beside what the lake holds.
struct Surveyor<'a> {
    survey: ArchiveSurvey,
    snapshot: &'a Snapshot,
    rules: &'a SelectOptions,
    cancel: Option<&'a Cancel>,
    report: &'a mut Report,
    lookup: Lookup<'a>,
    /// Files of the walk that have not been looked at yet.
    batch: Vec<Candidate>,
    /// Captures that were being written when they were converted, and have not been met.
    open: HashSet<&'a Path>,
    /// Of refused objects, those that were met: a store is not asked for each of them.
    listed: HashSet<PathBuf>,
    /// Times of modification from which on a file may still be written, and from which on some clock is wrong.
    settled: i64,
    ahead: i64,
}

impl ArchiveSurvey {
    /// Surveys what was given. What is not to be opened is noted in the report.
    ///
    /// # Memory
    /// Not as the number of captures: a bit for each that the lake holds, and what waits is on disk.
    /// # Errors
    /// If a signal has arrived, the checkpoint of the lake cannot be read, or what waits cannot be written.
    pub(crate) fn of(
        named: &[PathBuf],
        snapshot: &Snapshot,
        rules: &SelectOptions,
        cancel: Option<&Cancel>,
        report: &mut Report,
    ) -> Result<Self> {
        let now = SystemTime::now();
        let open = snapshot.inputs.values().filter(|entry| entry.is_open() && !entry.input.is_stdin());
        let mut surveyor = Surveyor {
            survey: Self { named: named.iter().cloned().collect(), ..Self::default() },
            snapshot,
            rules,
            cancel,
            report,
            lookup: Lookup::new(snapshot),
            batch: Vec::new(),
            open: open.map(|entry| entry.input.absolute.as_path()).collect(),
            listed: HashSet::new(),
            settled: now.checked_sub(rules.settle).map_or(i64::MAX, nanos),
            ahead: nanos(now + CLOCKS_DIFFER),
        };
        let mut failed = None;
        let found = discover::find(named, &mut |candidate| {
            if failed.is_none() {
                failed = surveyor.take(candidate).err();
            }
        });
        failed.map_or(Ok(()), Err)?;
        // What is being written and was not given this time, e.g. in the folder of yesterday where each run is given the folder of
        // its day.
        surveyor.look_at_batch()?;
        let elsewhere: BTreeSet<&Path> = std::mem::take(&mut surveyor.open).into_iter().collect();
        for candidate in elsewhere.into_iter().filter_map(|path| Candidate::of(path, true).ok()) {
            surveyor.take(candidate)?;
        }
        surveyor.look_at_batch()?;
        let listed = std::mem::take(&mut surveyor.listed);
        let mut survey = surveyor.survey;
        report.stepped_over += found.stepped_over;
        for (path, refusal) in found.refused {
            if is_capture_name(&path) && matches!(refusal, Refusal::Unreadable(_)) {
                survey.present.add_unknown(&path, &absolute(&path));
            }
            survey.refused.insert(path.clone());
            report.refuse(path, &refusal, None);
        }
        (survey.places, survey.leads, survey.streams) = (found.places, found.leads, found.streams);
        let is_gone = |path: &Path| {
            if is_object(path) {
                survey.places.root_of(path).is_some() && !listed.contains(path)
            } else {
                !local::name_exists(path)
            }
        };
        let gone = snapshot.quarantine.keys().filter(|path| is_gone(path));
        survey.cleared_refusals = gone.cloned().collect();
        report.note_future(&survey.from_future);
        Ok(survey)
    }

    /// Whether all that was found has been selected from.
    pub(crate) fn is_over(&self) -> bool {
        self.has_begun && self.backlog.files == 0 && self.waiting.is_empty() && self.deferred.is_empty()
    }

    /// How many files have not been selected from, and their bytes.
    pub(crate) fn left(&self) -> (u64, u64) {
        let waiting = self.waiting.iter().chain(&self.deferred);
        let (files, waiting) =
            waiting.fold((0, 0_u64), |(files, bytes), (input, _)| (files + 1, bytes.saturating_add(input.size)));
        (self.backlog.files + files, self.backlog.bytes.saturating_add(waiting))
    }

    /// Lets captures that were selected wait for those that come after them, with what was left out because of them. What was said of
    /// them is taken back.
    pub(crate) fn put_back(&mut self, captures: &[PathBuf], selection: &mut Selection, report: &mut Report) {
        let mut back: BTreeSet<PathBuf> = captures.iter().cloned().collect();
        let left_out = selection.deduplicated.iter().filter(|(_, same_as)| back.contains(same_as));
        let left_out: Vec<_> = left_out.map(|(input, _)| input.absolute.clone()).collect();
        back.extend(left_out);
        selection.leave(&back);
        let opened = std::mem::take(&mut self.opened);
        self.waiting = opened.into_iter().filter(|(input, _)| back.contains(&input.absolute)).collect();
        // Those that had been touched are among both.
        let opened: HashSet<PathBuf> = self.waiting.iter().map(|(input, _)| input.absolute.clone()).collect();
        let again = self.looked_at.drain(..).filter(|(input, _)| back.contains(&input.absolute));
        self.waiting.extend(again.filter(|(input, _)| !opened.contains(&input.absolute)));
        let paths: HashSet<&Path> = self.waiting.iter().map(|(input, _)| input.path.as_path()).collect();
        report.renamed.retain(|renamed| !paths.contains(renamed.path.as_path()));
        report.overwritten.retain(|overwritten| !paths.contains(overwritten.path.as_path()));
        report.duplicates.retain(|duplicate| !paths.contains(duplicate.path.as_path()));
    }

    /// Takes note of captures that this run has converted. Those that are selected later may go on from them.
    pub(crate) fn note_converted(&mut self, converted: &[PathBuf], snapshot: &Snapshot) {
        for entry in converted.iter().filter_map(|absolute| snapshot.input_at(absolute)) {
            self.unchanged.insert(entry.id);
        }
    }

    /// Whether this is the first time that captures are selected.
    pub(super) fn begins(&mut self) -> bool {
        !std::mem::replace(&mut self.has_begun, true)
    }

    /// Notes how many captures of the lake were not found under their paths.
    pub(super) fn count_missing(&mut self, snapshot: &Snapshot) -> Result<()> {
        // Nothing has to be asked where each was met.
        let of_files = snapshot.inputs.values().filter(|entry| !entry.input.is_stdin()).count() as u64;
        if self.unchanged.len() < snapshot.captures_in_base() + of_files {
            (self.missing, self.away) = self.present.missing(snapshot, &self.places, |_| false)?;
        }
        Ok(())
    }

    /// Whether nothing that was given leads to a capture.
    pub(super) fn found_nothing(&self) -> bool {
        self.streams.is_empty() && nothing_is_there(&self.leads, &self.present)
    }
}

impl Surveyor<'_> {
    fn take(&mut self, candidate: Candidate) -> Result<()> {
        self.batch.push(candidate);
        if self.batch.len() < BATCH { Ok(()) } else { self.look_at_batch() }
    }

    fn look_at_batch(&mut self) -> Result<()> {
        self.cancel.map_or(Ok(()), Cancel::check)?;
        let batch = std::mem::take(&mut self.batch);
        let paths: Vec<_> = batch.iter().map(|candidate| candidate.absolute.as_path()).collect();
        let held = self.lookup.find(&paths)?;
        for (candidate, held) in batch.into_iter().zip(held) {
            self.open.remove(candidate.absolute.as_path());
            if is_object(&candidate.absolute) && self.snapshot.quarantine.contains_key(&candidate.absolute) {
                self.listed.insert(candidate.absolute.clone());
            }
            // A file from the future will not settle, however long one waits.
            let is_from_future = candidate.modified > self.ahead;
            if is_from_future {
                self.survey.from_future.push((candidate.path.clone(), candidate.modified));
            }
            if !is_from_future && !self.rules.settle.is_zero() && candidate.modified > self.settled {
                self.survey.present.add(&candidate.path, &candidate.absolute, held.map(|held| held.id));
                self.report.settling += 1;
            } else {
                self.meet(candidate, held)?;
            }
        }
        Ok(())
    }

    fn meet(&mut self, candidate: Candidate, held: Option<HeldCapture>) -> Result<()> {
        match known(self.snapshot, self.rules, &candidate, held.as_ref()) {
            Known::Unchanged(capture) => {
                self.report.unchanged += 1;
                self.survey.unchanged.insert(capture.id);
                self.survey.present.add(&candidate.path, &candidate.absolute, Some(capture.id));
                self.survey.stood_for.extend(capture.same_as.map(|same_as| (candidate, same_as)));
                Ok(())
            }
            Known::Refused(refused) => {
                self.meet_refused(candidate, refused, held.as_ref());
                Ok(())
            }
            Known::Nothing => {
                if held.is_some() || is_capture_name(&candidate.path) {
                    let number = held.as_ref().map(|held| held.id);
                    self.survey.present.add(&candidate.path, &candidate.absolute, number);
                }
                self.survey.backlog.push(ToOpen { candidate, own: held.map(|held| (held.id, held.packets)) })
            }
        }
    }

    /// Looks at a file that was refused as it is. `held` is another capture that the lake has under its path.
    fn meet_refused(&mut self, candidate: Candidate, refused: &RefusedEntry, held: Option<&HeldCapture>) {
        if refused.retired || held.is_some() || is_capture_name(&candidate.path) {
            self.survey.present.add(&candidate.path, &candidate.absolute, held.map(|held| held.id));
        }
        if refused.retired {
            self.report.retired += 1;
            return;
        }
        self.survey.refused.insert(candidate.path.clone());
        if self.survey.named.contains(&candidate.path) {
            // The user named it, and so wants to know.
            self.report.refused.push(refused.clone());
        } else {
            self.report.quarantined += 1;
        }
    }
}

impl SelectOptions {
    /// Whether an unchanged capture is converted again. What could not be read is not known. A capture that was being
    /// written and has not grown since may have been left as it is.
    pub(super) fn wants_again(&self, capture: &HeldCapture) -> bool {
        match capture.again {
            None => self.force,
            Some(LookAgain::Damaged) => self.force || self.retry_damaged,
            Some(LookAgain::Open | LookAgain::Incomplete | LookAgain::Unreadable) => true,
        }
    }
}

/// What is known of a file that is as it was. It may have been refused.
fn known<'a>(
    snapshot: &'a Snapshot,
    rules: &SelectOptions,
    candidate: &Candidate,
    held: Option<&'a HeldCapture>,
) -> Known<'a> {
    if let Some(capture) = held
        && is_as_it_was(capture, candidate)
        && !rules.wants_again(capture)
    {
        return Known::Unchanged(capture);
    }
    let refused = snapshot.quarantine.get(&candidate.absolute);
    let again = rules.force || (rules.retry_damaged && !refused.is_some_and(|refused| refused.retired));
    let refused = refused.filter(|refused| !again && refused.seen.as_ref().is_some_and(|seen| same(seen, candidate)));
    refused.map_or(Known::Nothing, Known::Refused)
}

/// Whether a file is as it was when it was converted, by what its system says of it.
fn is_as_it_was(capture: &HeldCapture, candidate: &Candidate) -> bool {
    let is_one = match (&capture.etag, &candidate.version.etag) {
        // A store may give an object another time, e.g. where it is replicated.
        (Some(seen), Some(now)) => seen == now,
        _ => capture.modified == candidate.modified,
    };
    capture.size == candidate.size && is_one
}

fn nanos(time: SystemTime) -> i64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
}

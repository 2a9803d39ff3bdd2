//! What a run has to do: which of the given captures are new, changed, renamed, or known.

use std::collections::{BTreeSet, HashSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::cancel::Cancel;
use crate::discover::{Candidate, Input};
use crate::error::Result;
use crate::lake::{FileStamp, InputEntry, Recompressed, Relocated, Snapshot, WantedCaptures};
use crate::memory::USUAL_WINDOW;
use crate::outcome::{Away, Report};
use crate::path_text;

use super::packed_names::packed_names;
use super::probe::BATCH;
use super::same_content::Look;
use super::selector::{Opener, Selector};
use super::survey::{ArchiveSurvey, FoundCapture};

/// What to do with captures that are in the lake already, in one form or another.
#[derive(Clone, Debug)]
pub struct SelectOptions {
    /// Whether unchanged captures are converted again.
    pub force: bool,
    /// Whether captures that were damaged or refused are tried again, although they are unchanged.
    pub retry_damaged: bool,
    /// Whether a capture with the same content as another one is left out.
    pub dedupe: bool,
    /// Captures that were modified less than this ago are left alone.
    pub settle: Duration,
    /// Bytes of memory that a decompressor may take.
    pub window: u64,
    /// Files that are opened at a time; 0 for up to four a core, or as many as a network file system is worth.
    pub jobs: usize,
    /// Whether an archive without captures is taken as it is, and not for an unmounted disk.
    pub allow_empty: bool,
}

impl Default for SelectOptions {
    fn default() -> Self {
        Self {
            force: false,
            retry_damaged: false,
            dedupe: false,
            settle: Duration::ZERO,
            window: USUAL_WINDOW,
            jobs: 0,
            allow_empty: false,
        }
    }
}

/// The captures of a run. A plan passes it on to its commit, without the captures to be converted: they are in the units.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Selection {
    /// Captures to be converted. A capture that the lake has under the same path is replaced.
    #[serde(skip)]
    pub(crate) convert: Vec<Input>,
    /// Captures that are in the lake, under another name or with another time of modification.
    #[serde(rename = "met_again")]
    pub(crate) relocated: Vec<Relocated>,
    /// Captures of the lake whose rows go, because another capture took their path or contains them. They go even if that
    /// one gives no rows. By the absolute path of the other capture.
    #[serde(rename = "displaced", with = "path_text::pairs")]
    pub(crate) superseded: Vec<(PathBuf, usize)>,
    /// Captures of the lake that are the beginning of a longer one. Their rows go once the longer one has been converted,
    /// and stay if it cannot be read. By the absolute path of the longer one.
    #[serde(with = "path_text::pairs")]
    pub(crate) goes_on: Vec<(PathBuf, usize)>,
    /// Captures that may be others of the lake, which an earlier version converted. They are if they give the same
    /// packets. By the absolute path of the new one.
    #[serde(with = "path_text::pairs")]
    pub(crate) may_be: Vec<(PathBuf, usize)>,
    /// Captures that are left out, and the absolute path of the capture whose rows stand for theirs.
    #[serde(rename = "left_out", with = "path_text::pairs::reversed")]
    pub(crate) deduplicated: Vec<(Input, PathBuf)>,
    /// Files that no longer exist, and whose refusal is forgotten.
    #[serde(rename = "forgiven", with = "path_text::list")]
    pub(crate) cleared_refusals: Vec<PathBuf>,
}

impl Selection {
    /// Shares out what is said about the captures of portions that are converted one after the other: `portion` tells that of an
    /// absolute path. The first one has all that is about no capture to be converted.
    pub(crate) fn share_out(self, portions: usize, portion: impl Fn(&Path) -> Option<usize>) -> Vec<Self> {
        let mut shares: Vec<Self> = (0..portions.max(1)).map(|_| Self::default()).collect();
        let Self { convert, relocated, superseded, goes_on, may_be, deduplicated, cleared_refusals } = self;
        let mut give = Shares { shares: &mut shares, portion };
        give.out(convert, |input| &input.absolute, |share| &mut share.convert);
        give.out(relocated, |met| &met.seen.absolute, |share| &mut share.relocated);
        give.out(superseded, |(path, _)| path, |share| &mut share.superseded);
        give.out(goes_on, |(path, _)| path, |share| &mut share.goes_on);
        give.out(may_be, |(path, _)| path, |share| &mut share.may_be);
        give.out(deduplicated, |(_, same_as)| same_as, |share| &mut share.deduplicated);
        give.out(cleared_refusals, PathBuf::as_path, |share| &mut share.cleared_refusals);
        shares
    }

    /// The captures of the lake whose rows may go.
    pub(crate) fn may_remove(&self, snapshot: &Snapshot) -> BTreeSet<usize> {
        let own = self.convert.iter().filter_map(|input| Some(snapshot.input_at(&input.absolute)?.id));
        let others = self.superseded.iter().chain(&self.goes_on).chain(&self.may_be).map(|(_, id)| *id);
        // One that has another name keeps its rows, unless it is converted again.
        let again: HashSet<&Path> = self.convert.iter().map(|input| input.absolute.as_path()).collect();
        let renamed = self.relocated.iter().filter(|met| again.contains(met.seen.absolute.as_path()));
        own.chain(others).chain(renamed.map(|met| met.input)).collect()
    }

    /// The absolute paths of the captures that it speaks of.
    pub(crate) fn about(&self) -> HashSet<&Path> {
        let Self { convert, relocated, superseded, goes_on, may_be, deduplicated, cleared_refusals: _ } = self;
        let converted = convert.iter().map(|input| input.absolute.as_path());
        let relocated = relocated.iter().map(|met| met.seen.absolute.as_path());
        let others = superseded.iter().chain(goes_on).chain(may_be).map(|(path, _)| path.as_path());
        let doubles = deduplicated.iter().map(|(_, same_as)| same_as.as_path());
        converted.chain(relocated).chain(others).chain(doubles).collect()
    }

    /// Asks for the captures of the lake that it speaks of.
    pub(crate) fn ask_for(&self, wanted: &mut WantedCaptures) {
        let others = self.superseded.iter().chain(&self.goes_on).chain(&self.may_be).map(|(_, id)| *id);
        wanted.captures.extend(others.chain(self.relocated.iter().map(|met| met.input)));
        wanted.paths.extend(self.deduplicated.iter().map(|(_, same_as)| path_text::to_text(same_as)));
    }

    /// Removes what is said about captures that are not converted after all, by their absolute paths. The lake keeps what
    /// it has of them, and the next run finds them as this one did.
    pub(crate) fn leave(&mut self, captures: &BTreeSet<PathBuf>) {
        self.keep(|path| !captures.contains(path));
    }

    /// Captures of the lake that have another name or time now, and keep their rows.
    pub(super) fn renamed(&self) -> HashSet<usize> {
        let again: HashSet<&Path> = self.convert.iter().map(|input| input.absolute.as_path()).collect();
        let renamed = self.relocated.iter().filter(|met| !again.contains(met.seen.absolute.as_path()));
        renamed.map(|met| met.input).collect()
    }

    /// Keeps the rows of captures that were renamed: they are still somewhere.
    pub(super) fn keep_renamed(&mut self, renamed: &HashSet<usize>) {
        self.superseded.retain(|(_, id)| !renamed.contains(id));
        self.goes_on.retain(|(_, id)| !renamed.contains(id));
    }

    /// Keeps what is said about some captures, by their absolute paths. Each list that speaks of captures to be converted is searched
    /// here.
    pub(crate) fn keep(&mut self, stays: impl Fn(&Path) -> bool) {
        self.convert.retain(|input| stays(&input.absolute));
        self.relocated.retain(|met| stays(&met.seen.absolute));
        self.superseded.retain(|(path, _)| stays(path));
        self.goes_on.retain(|(path, _)| stays(path));
        self.may_be.retain(|(path, _)| stays(path));
        self.deduplicated.retain(|(_, same_as)| stays(same_as));
    }
}

/// The selections of portions, while they are filled.
struct Shares<'a, P> {
    shares: &'a mut [Selection],
    portion: P,
}

impl<P: Fn(&Path) -> Option<usize>> Shares<'_, P> {
    fn out<T>(&mut self, values: Vec<T>, about: impl Fn(&T) -> &Path, list: impl Fn(&mut Selection) -> &mut Vec<T>) {
        for value in values {
            let portion = (self.portion)(about(&value)).unwrap_or(0);
            if let Some(share) = self.shares.get_mut(portion) {
                list(share).push(value);
            }
        }
    }
}

/// Captures for a command without a lake.
///
/// # Errors
/// [`Error::Bug`](crate::error::Error::Bug) alone.
pub(crate) fn inputs(named: &[PathBuf], report: &mut Report) -> Result<Vec<Input>> {
    // Whether two of them are the same matters to a lake only, so nothing is read for that, and no signal stops it.
    let (mut snapshot, rules) = (Snapshot::default(), SelectOptions::default());
    let mut survey = ArchiveSurvey::of(named, &snapshot, &rules, None, report)?;
    let convert = survey.select(&mut snapshot, &rules, (None, usize::MAX), report)?.convert;
    if !convert.is_empty() {
        report.away.clear();
    }
    Ok(convert)
}

impl ArchiveSurvey {
    /// Opens the next files, until at least `most` captures have been opened, and selects from them. What is not to be converted is
    /// noted in the report. Of a snapshot with a base, what matters to these is loaded.
    ///
    /// Where the archive looks as if it was away, all files are opened: captures may be elsewhere.
    ///
    /// # Errors
    /// If a signal has arrived, or the lake or what waits cannot be read.
    pub(crate) fn select(
        &mut self,
        snapshot: &mut Snapshot,
        rules: &SelectOptions,
        (cancel, most): (Option<&Cancel>, usize),
        report: &mut Report,
    ) -> Result<Selection> {
        let begins = self.begin(snapshot)?;
        let most = if self.away.is_empty() { most } else { usize::MAX };
        let mut opened = std::mem::take(&mut self.waiting);
        // At least one more: those that wait may be waiting for it.
        let most = most.saturating_sub(opened.len()).max(1);
        opened.append(&mut self.open_next(most, rules, cancel, report)?);
        if self.backlog.files == 0 {
            // Those were met before the others.
            opened.splice(0..0, self.deferred.drain(..));
        }
        self.select_from(opened, begins, snapshot, (rules, cancel), report)
    }

    /// Notes how many captures are missing, if this is the first time that captures are selected.
    pub(super) fn begin(&mut self, snapshot: &Snapshot) -> Result<bool> {
        let begins = self.begins();
        if begins {
            self.count_missing(snapshot)?;
        }
        Ok(begins)
    }

    /// Opens the next files, until at least this many captures have been opened. There are fewer if no file is left.
    pub(super) fn open_next(
        &mut self,
        most: usize,
        rules: &SelectOptions,
        cancel: Option<&Cancel>,
        report: &mut Report,
    ) -> Result<Vec<FoundCapture>> {
        let look = cancel.map(|cancel| Look { window: rules.window, cancel });
        let mut opener = Opener { survey: self, rules, look, report, opened: Vec::new() };
        while opener.opened.len() < most {
            // Of a large archive, all files may be new and have to be opened.
            cancel.map_or(Ok(()), Cancel::check)?;
            let files = opener.survey.backlog.take(BATCH.min(most - opener.opened.len()))?;
            if files.is_empty() {
                break;
            }
            let probed = opener.probe(&files);
            files.into_iter().zip(probed).for_each(|(file, probed)| opener.open(file, probed));
        }
        Ok(opener.opened)
    }

    /// Selects from captures that were opened.
    pub(super) fn select_from(
        &mut self,
        opened: Vec<FoundCapture>,
        begins: bool,
        snapshot: &mut Snapshot,
        (rules, cancel): (&SelectOptions, Option<&Cancel>),
        report: &mut Report,
    ) -> Result<Selection> {
        let never = Cancel::default();
        let look = Look { window: rules.window, cancel: cancel.unwrap_or(&never) };
        if self.is_over() {
            report.note_archived();
            self.complain_of_empty(report);
        }
        let nothing_is_there = begins && self.found_nothing();
        if snapshot.has_base() {
            snapshot.load(&wanted(&opened, snapshot.has_bare_captures()))?;
            self.load_doubles(snapshot)?;
        }
        self.looked_at.clear();
        self.opened = if self.is_over() { Vec::new() } else { opened.clone() };
        let selector =
            Selector { survey: self, snapshot, rules, report, opened, left_out: HashSet::new(), later: HashSet::new() };
        let (mut selection, mut away) = selector.decide(look)?;
        report.captures_missing = Some(self.missing);
        if nothing_is_there && away.is_empty() {
            away.extend(self.leads.iter().map(|lead| Away { path: lead.named.clone(), captures: 0 }));
        }
        if !rules.allow_empty {
            report.away = away;
        }
        selection.convert.splice(0..0, std::mem::take(&mut self.streams));
        selection.cleared_refusals = std::mem::take(&mut self.cleared_refusals);
        snapshot.load_files_of(&selection.may_remove(snapshot))?;
        Ok(selection)
    }
}

impl ArchiveSurvey {
    /// Loads captures that were left out and whose doubles may be replaced, and what else may be like them.
    fn load_doubles(&self, snapshot: &mut Snapshot) -> Result<()> {
        let doubles = self.stood_for.iter().filter(|(_, same_as)| snapshot.inputs.contains_key(same_as));
        let doubles: Vec<&Candidate> = doubles.map(|(candidate, _)| candidate).collect();
        let mut named = WantedCaptures::default();
        named.paths = doubles.iter().map(|candidate| path_text::to_text(&candidate.absolute)).collect();
        snapshot.load(&named)?;
        let mut alike = WantedCaptures::default();
        for entry in doubles.iter().filter_map(|candidate| snapshot.input_at(&candidate.absolute)) {
            alike.add_like(&entry.input);
        }
        snapshot.load(&alike)
    }
}

/// The captures of the lake that matter to captures that were opened: what is under their paths, and what may be the same.
fn wanted(opened: &[FoundCapture], by_name: bool) -> WantedCaptures {
    let mut wanted = WantedCaptures::default();
    for (input, own) in opened {
        wanted.captures.extend(own);
        wanted.add_like(input);
        if by_name {
            wanted.paths.extend(packed_names(&input.absolute).map(|path| path_text::to_text(&path)));
        }
    }
    wanted
}

pub(super) fn same(seen: &FileStamp, candidate: &Candidate) -> bool {
    let is_one = match (&seen.version.etag, &candidate.version.etag) {
        // A store may give an object another time, e.g. where it is replicated.
        (Some(seen), Some(now)) => seen == now,
        _ => seen.modified == candidate.modified,
    };
    seen.size == candidate.size && is_one
}

/// Whether two captures are the same, as far as their fingerprints tell.
pub(crate) fn is_same_content(a: &Input, b: &Input) -> bool {
    a.size == b.size && a.fingerprint.is_some() && a.fingerprint == b.fingerprint
}

pub(super) fn relocated(entry: &InputEntry, input: &Input) -> Relocated {
    let was = &entry.input;
    let is_packed_otherwise = was.compression != input.compression || was.fingerprint != input.fingerprint;
    let packed = input.fingerprint.clone().filter(|_| is_packed_otherwise);
    Relocated {
        input: entry.id,
        path: input.path.clone(),
        seen: FileStamp::of_input(input),
        reached: input.reached.clone(),
        packed: packed.map(|fingerprint| Recompressed { fingerprint, compression: input.compression }),
    }
}

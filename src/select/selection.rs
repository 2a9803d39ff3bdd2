//! What a run has to do: which of the given captures are new, changed, renamed, or known.

use std::collections::{BTreeSet, HashSet};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use crate::cancel::Cancel;
use crate::discover;
use crate::discover::{Candidate, Input, Refusal, is_capture_name};
use crate::error::Result;
use crate::lake::{FileStamp, InputEntry, Recompressed, Relocated, Snapshot};
use crate::memory::USUAL_WINDOW;
use crate::outcome::{Away, Report};
use crate::path_text;
use crate::storage::objects::is_object;
use crate::storage::{absolute, local};

use super::present::{Present, nothing_is_there};
use super::probe::BATCH;
use super::same_content::Look;
use super::selector::Selector;

/// How far the clock of a machine that writes captures may be ahead.
const CLOCKS_DIFFER: Duration = Duration::from_secs(300);

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

    /// Removes what is said about captures that are not converted after all, by their absolute paths. The lake keeps what
    /// it has of them, and the next run finds them as this one did. Each list that speaks of captures to be converted is
    /// searched here.
    pub(crate) fn leave(&mut self, captures: &BTreeSet<PathBuf>) {
        let stays = |path: &Path| !captures.contains(path);
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
    let convert = sort_out(named, &Snapshot::default(), &SelectOptions::default(), None, report)?.convert;
    if !convert.is_empty() {
        report.away.clear();
    }
    Ok(convert)
}

/// Selects from what was given. What is not to be converted is noted in the report.
///
/// # Errors
/// If a signal has arrived.
pub(crate) fn select(
    named: &[PathBuf],
    snapshot: &Snapshot,
    rules: &SelectOptions,
    cancel: &Cancel,
    report: &mut Report,
) -> Result<Selection> {
    sort_out(named, snapshot, rules, Some(Look { window: rules.window, cancel }), report)
}

fn sort_out(
    named: &[PathBuf],
    snapshot: &Snapshot,
    rules: &SelectOptions,
    look: Option<Look<'_>>,
    report: &mut Report,
) -> Result<Selection> {
    let found = discover::find(named);
    let never = Cancel::default();
    let idle = Look { window: rules.window, cancel: &never };
    let mut selector = Selector {
        named: named.iter().collect(),
        snapshot,
        rules,
        look,
        report,
        present: Present::default(),
        refused: HashSet::new(),
        opened: Vec::new(),
        unchanged: HashSet::new(),
        stood_for: Vec::new(),
    };
    selector.report.stepped_over = found.stepped_over;
    for (path, refusal) in found.refused {
        if is_capture_name(&path) && matches!(refusal, Refusal::Unreadable(_)) {
            selector.present.add(&path, &absolute(&path));
        }
        selector.refuse(path, &refusal, None);
    }
    let settled = SystemTime::now().checked_sub(rules.settle).map_or(i64::MAX, nanos);
    let ahead = nanos(SystemTime::now() + CLOCKS_DIFFER);
    let mut from_future = Vec::new();
    let elsewhere = open_elsewhere(snapshot, &found.candidates);
    // A file from the future will not settle, however long one waits.
    let is_from_future = |candidate: &Candidate| candidate.modified > ahead;
    let is_settling =
        |candidate: &Candidate| !is_from_future(candidate) && !rules.settle.is_zero() && candidate.modified > settled;
    // A store is not asked for each of them.
    let listed: HashSet<PathBuf> = if snapshot.quarantine.keys().any(|path| is_object(path)) {
        found.candidates.iter().map(|candidate| candidate.absolute.clone()).collect()
    } else {
        HashSet::new()
    };
    let mut candidates = found.candidates.into_iter().chain(elsewhere).peekable();
    while candidates.peek().is_some() {
        // Of a large archive, all files may be new and have to be opened.
        look.map_or(Ok(()), |look| look.cancel.check())?;
        let batch: Vec<_> = candidates.by_ref().take(BATCH).collect();
        let probed = selector.probe(&batch, is_settling);
        for (candidate, probed) in batch.into_iter().zip(probed) {
            if is_from_future(&candidate) {
                from_future.push((candidate.path.clone(), candidate.modified));
            }
            if is_settling(&candidate) {
                selector.present.add(&candidate.path, &candidate.absolute);
                selector.report.settling += 1;
            } else {
                selector.meet(candidate, probed);
            }
        }
    }
    selector.report.note_future(&from_future);
    selector.report.note_archived();
    selector.complain_of_empty(&found.leads);
    let nothing_is_there = found.streams.is_empty() && nothing_is_there(&found.leads, &selector.present);
    let (mut selection, missing, mut away) = selector.decide(&found.places, look.unwrap_or(idle))?;
    report.captures_missing = Some(missing);
    if nothing_is_there && away.is_empty() {
        away.extend(found.leads.iter().map(|lead| Away { path: lead.named.clone(), captures: 0 }));
    }
    if !rules.allow_empty {
        report.away = away;
    }
    selection.convert.splice(0..0, found.streams);
    let is_gone = |path: &Path| {
        if is_object(path) {
            found.places.root_of(path).is_some() && !listed.contains(path)
        } else {
            !local::name_exists(path)
        }
    };
    let gone = snapshot.quarantine.keys().filter(|path| is_gone(path));
    selection.cleared_refusals = gone.cloned().collect();
    Ok(selection)
}

/// Captures that were being written when they were converted, and were not given this time, e.g. the folder of yesterday
/// where each run is given the folder of its day.
fn open_elsewhere(snapshot: &Snapshot, candidates: &[Candidate]) -> Vec<Candidate> {
    let open = snapshot.inputs.values().filter(|entry| entry.is_open() && !entry.input.is_stdin());
    let open: Vec<_> = open.map(|entry| &entry.input.absolute).collect();
    let met: HashSet<_> =
        candidates.iter().map(|candidate| &candidate.absolute).filter(|met| open.contains(met)).collect();
    let elsewhere = open.into_iter().filter(|path| !met.contains(path));
    elsewhere.filter_map(|path| Candidate::of(path, true).ok()).collect()
}

fn nanos(time: SystemTime) -> i64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
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

//! Looks at each given file: it is known and unchanged, refused, or opened.

use std::collections::HashSet;
use std::path::PathBuf;

use crate::advice::Advice;
use crate::capture::DamageKind;
use crate::discover::{Candidate, Format, Input, Lead, Refusal, is_capture_name};
use crate::lake::{FileStamp, InputEntry, RefusedEntry, Snapshot};
use crate::outcome::Report;

use super::present::Present;
use super::probe::{Probed, probe};
use super::same_content::Look;
use super::selection::{SelectOptions, same};

/// Captures that are being selected.
pub(super) struct Selector<'a> {
    pub(super) named: HashSet<&'a PathBuf>,
    pub(super) snapshot: &'a Snapshot,
    pub(super) rules: &'a SelectOptions,
    /// How captures are compared; `None` for a command without a lake.
    pub(super) look: Option<Look<'a>>,
    pub(super) report: &'a mut Report,
    /// Files that are captures, or claim to be.
    pub(super) present: Present,
    /// Paths that were refused. A directory without captures and refusals is reported.
    pub(super) refused: HashSet<PathBuf>,
    /// Captures that were opened, with what the lake has under their path.
    pub(super) opened: Vec<(Input, Option<usize>)>,
    /// Captures of the lake that are unchanged.
    pub(super) unchanged: HashSet<usize>,
    /// Unchanged duplicates that an earlier run left out, by the capture that stands for them.
    pub(super) stood_for: Vec<(Candidate, usize)>,
}

/// What is known of a file before it is opened.
enum Known<'a> {
    /// The lake has it as it is.
    Unchanged(&'a InputEntry),
    /// It was refused as it is.
    Refused(&'a RefusedEntry),
    /// It is new or has changed, or is looked at again.
    Nothing,
}

impl<'a> Selector<'a> {
    /// Looks at a file. `probed` is what it is, if it has been opened already.
    pub(super) fn meet(&mut self, candidate: Candidate, probed: Option<Probed>) {
        let held = self.snapshot.input_at(&candidate.absolute);
        match self.known(&candidate) {
            Known::Unchanged(entry) => {
                self.report.unchanged += 1;
                self.unchanged.insert(entry.id);
                self.present.add(&candidate.path, &candidate.absolute);
                self.stood_for.extend(entry.same_as.map(|same_as| (candidate, same_as)));
            }
            Known::Refused(refused) => self.meet_refused(candidate, refused, held.is_some()),
            Known::Nothing => self.open(candidate, probed, held.map(|entry| entry.id)),
        }
    }

    /// Whether a file has to be opened.
    pub(super) fn is_unknown(&self, candidate: &Candidate) -> bool {
        matches!(self.known(candidate), Known::Nothing)
    }

    /// What is known of a file that is as it was. It may have been refused.
    fn known(&self, candidate: &Candidate) -> Known<'a> {
        if let Some(entry) = self.snapshot.input_at(&candidate.absolute)
            && same(&FileStamp::of_input(&entry.input), candidate)
            && !self.is_wanted_again(entry)
        {
            return Known::Unchanged(entry);
        }
        let refused = self.snapshot.quarantine.get(&candidate.absolute);
        let again = self.rules.force || (self.rules.retry_damaged && !refused.is_some_and(|refused| refused.retired));
        let refused =
            refused.filter(|refused| !again && refused.seen.as_ref().is_some_and(|seen| same(seen, candidate)));
        refused.map_or(Known::Nothing, Known::Refused)
    }

    /// Whether an unchanged capture is converted again. What could not be read is not known. A capture that was being
    /// written and has not grown since may have been left as it is.
    pub(super) fn is_wanted_again(&self, entry: &InputEntry) -> bool {
        let damage = entry.found.damage.as_ref();
        let unreadable = damage.is_some_and(|damage| damage.kind == DamageKind::Unreadable);
        self.rules.force
            || unreadable
            || entry.is_open()
            || entry.lost_rows > 0
            || (self.rules.retry_damaged && damage.is_some())
    }

    /// Looks at a file that was refused as it is. `is_held` tells whether the lake has another one under its path.
    fn meet_refused(&mut self, candidate: Candidate, refused: &RefusedEntry, is_held: bool) {
        if refused.retired || is_held || is_capture_name(&candidate.path) {
            self.present.add(&candidate.path, &candidate.absolute);
        }
        if refused.retired {
            self.report.retired += 1;
            return;
        }
        self.refused.insert(candidate.path.clone());
        if self.named.contains(&candidate.path) {
            // The user named it, and so wants to know.
            self.report.refused.push(refused.clone());
        } else {
            self.report.quarantined += 1;
        }
    }

    /// Opens a file to see what it is.
    fn open(&mut self, candidate: Candidate, probed: Option<Probed>, held: Option<usize>) {
        let (path, claimed, seen) = (candidate.path.clone(), candidate.claimed, FileStamp::of(&candidate));
        let says_so = held.is_some() || is_capture_name(&path);
        match probed.unwrap_or_else(|| probe(candidate, self.look, self.rules.window)) {
            // A file without bytes is a capture only if its name says so, or the user does.
            Ok(input) if claimed || held.is_some() || input.format != Some(Format::Empty) => {
                if says_so || input.format != Some(Format::Empty) {
                    self.present.add(&path, &input.absolute);
                }
                self.opened.push((input, held));
            }
            Err(Refusal::Marker) => self.report.stepped_over += 1,
            // A file that only lacks memory is known to be a capture, whatever it is called.
            Err(refusal) if claimed || held.is_some() || matches!(refusal, Refusal::Window { .. }) => {
                // That it was given does not make it a capture.
                if says_so || matches!(refusal, Refusal::Window { .. }) {
                    self.present.add(&path, &seen.absolute);
                }
                self.refuse(path, &refusal, Some(seen));
            }
            _ => self.report.stepped_over += 1,
        }
    }

    /// Notes a file that is no input.
    pub(super) fn refuse(&mut self, path: PathBuf, refusal: &Refusal, seen: Option<FileStamp>) {
        self.refused.insert(path.clone());
        let held = seen.as_ref().and_then(|seen| self.snapshot.input_at(&seen.absolute));
        self.report.refuse(path, refusal, seen.filter(|_| refusal.is_of_content()));
        if let (Some(entry), Some(refused)) =
            (held.filter(|entry| entry.found.records > 0), self.report.refused.last_mut())
        {
            refused.hint = Some(Advice::Keeps { packets: entry.found.records });
        }
    }

    /// Reports folders without captures, and patterns that lead only to such folders.
    pub(super) fn complain_of_empty(&mut self, leads: &[Lead]) {
        for lead in leads.iter().filter(|lead| !lead.to.is_empty() && !self.present.is_below(lead)) {
            if !self.refused.iter().any(|path| lead.to.iter().any(|to| path.starts_with(to))) {
                let refusal = if lead.is_pattern { Refusal::NoCapturesMatch } else { Refusal::NoCaptures };
                self.report.refuse(lead.named.clone(), &refusal, None);
            }
        }
    }
}

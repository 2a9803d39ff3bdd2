//! Looks at each given file: it is known and unchanged, refused, or opened.

use std::collections::HashSet;
use std::path::PathBuf;

use crate::advice::Advice;
use crate::capture::DamageKind;
use crate::discover::{Candidate, Format, Input, Lead, Refusal, is_capture_name};
use crate::lake::{FileStamp, InputEntry, Snapshot};
use crate::outcome::Report;

use super::present::Present;
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

impl<'a> Selector<'a> {
    /// Looks at a file.
    pub(super) fn meet(&mut self, candidate: Candidate) {
        match self.snapshot.input_at(&candidate.absolute) {
            Some(entry) if same(&FileStamp::of_input(&entry.input), &candidate) && !self.is_wanted_again(entry) => {
                self.report.unchanged += 1;
                self.unchanged.insert(entry.id);
                self.present.add(&candidate.path, &candidate.absolute);
                self.stood_for.extend(entry.same_as.map(|same_as| (candidate, same_as)));
            }
            Some(entry) => self.meet_other(candidate, Some(entry.id)),
            None => self.meet_other(candidate, None),
        }
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

    /// Looks at a file that is new or changed. It may have been refused as it is.
    fn meet_other(&mut self, candidate: Candidate, held: Option<usize>) {
        let known = self.snapshot.quarantine.get(&candidate.absolute);
        let again = self.rules.force || (self.rules.retry_damaged && !known.is_some_and(|refused| refused.retired));
        let known = known.filter(|refused| !again && refused.seen.as_ref().is_some_and(|seen| same(seen, &candidate)));
        if known.is_some_and(|known| known.retired || held.is_some() || is_capture_name(&candidate.path)) {
            self.present.add(&candidate.path, &candidate.absolute);
        }
        match known {
            Some(refused) if refused.retired => self.report.retired += 1,
            // The user named it, and so wants to know.
            Some(refused) if self.named.contains(&candidate.path) => {
                self.refused.insert(candidate.path.clone());
                self.report.refused.push(refused.clone());
            }
            Some(_) => {
                self.refused.insert(candidate.path);
                self.report.quarantined += 1;
            }
            None => self.open(candidate, held),
        }
    }

    /// Opens a file to see what it is.
    fn open(&mut self, candidate: Candidate, held: Option<usize>) {
        let (path, claimed, seen) = (candidate.path.clone(), candidate.claimed, FileStamp::of(&candidate));
        let says_so = held.is_some() || is_capture_name(&path);
        match candidate.probe_within(self.rules.window) {
            // A file without bytes is a capture only if its name says so, or the user does.
            Ok(mut input) if claimed || held.is_some() || input.format != Some(Format::Empty) => {
                if says_so || input.format != Some(Format::Empty) {
                    self.present.add(&path, &input.absolute);
                }
                input.head = self.look.and_then(|look| look.head(&input));
                self.opened.push((input, held));
            }
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

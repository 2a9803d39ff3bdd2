//! Opens files, and notes what they are.

use std::collections::HashSet;
use std::path::PathBuf;

use crate::advice::Advice;
use crate::discover::{Format, Refusal, is_capture_name};
use crate::lake::{FileStamp, HeldCapture, InputEntry, Snapshot};
use crate::outcome::Report;

use super::backlog::ToOpen;
use super::probe::{Probed, probe};
use super::same_content::Look;
use super::selection::SelectOptions;
use super::survey::{ArchiveSurvey, FoundCapture};

/// Captures that are being selected.
pub(super) struct Selector<'a> {
    pub(super) survey: &'a mut ArchiveSurvey,
    pub(super) snapshot: &'a Snapshot,
    pub(super) rules: &'a SelectOptions,
    pub(super) report: &'a mut Report,
    /// Captures that were opened, with what the lake has under their path.
    pub(super) opened: Vec<FoundCapture>,
    /// Captures of the lake that are left out from now on, because their records are in others.
    pub(super) left_out: HashSet<usize>,
    /// Of those that were opened, those that are decided later, by absolute path.
    pub(super) later: HashSet<PathBuf>,
}

/// Opens files of the survey, in their order.
pub(super) struct Opener<'a> {
    pub(super) survey: &'a mut ArchiveSurvey,
    pub(super) rules: &'a SelectOptions,
    /// How captures are compared; `None` for a command without a lake.
    pub(super) look: Option<Look<'a>>,
    pub(super) report: &'a mut Report,
    pub(super) opened: Vec<FoundCapture>,
}

impl Selector<'_> {
    /// Whether an unchanged capture is converted again.
    pub(super) fn is_wanted_again(&self, entry: &InputEntry) -> bool {
        self.rules.wants_again(&HeldCapture::of(entry))
    }
}

impl Opener<'_> {
    /// Notes what a file is.
    pub(super) fn open(&mut self, file: ToOpen, probed: Option<Probed>) {
        let ToOpen { candidate, own } = file;
        let held = own.map(|(number, _)| number);
        let (path, claimed, seen) = (candidate.path.clone(), candidate.claimed, FileStamp::of(&candidate));
        let says_so = held.is_some() || is_capture_name(&path);
        match probed.unwrap_or_else(|| probe(candidate, self.look, self.rules.window)) {
            // A file without bytes is a capture only if its name says so, or the user does.
            Ok(input) if claimed || held.is_some() || input.format != Some(Format::Empty) => {
                if says_so || input.format != Some(Format::Empty) {
                    self.survey.present.add(&path, &input.absolute, held);
                }
                self.opened.push((input, held));
            }
            Err(Refusal::Marker) => self.report.stepped_over += 1,
            // A file that only lacks memory is known to be a capture, whatever it is called.
            Err(refusal) if claimed || held.is_some() || matches!(refusal, Refusal::Window { .. }) => {
                // That it was given does not make it a capture.
                if says_so || matches!(refusal, Refusal::Window { .. }) {
                    self.survey.present.add(&path, &seen.absolute, held);
                }
                self.refuse(path, &refusal, seen, own);
            }
            _ => self.report.stepped_over += 1,
        }
    }

    /// Notes a file that is no input.
    fn refuse(&mut self, path: PathBuf, refusal: &Refusal, seen: FileStamp, own: Option<(usize, u64)>) {
        self.survey.refused.insert(path.clone());
        self.report.refuse(path, refusal, Some(seen).filter(|_| refusal.is_of_content()));
        if let (Some((_, packets @ 1..)), Some(refused)) = (own, self.report.refused.last_mut()) {
            refused.hint = Some(Advice::Keeps { packets });
        }
    }
}

impl ArchiveSurvey {
    /// Reports folders without captures, and patterns that lead only to such folders.
    pub(super) fn complain_of_empty(&self, report: &mut Report) {
        for lead in self.leads.iter().filter(|lead| !lead.to.is_empty() && !self.present.is_below(lead)) {
            if !self.refused.iter().any(|path| lead.to.iter().any(|to| path.starts_with(to))) {
                let refusal = if lead.is_pattern { Refusal::NoCapturesMatch } else { Refusal::NoCaptures };
                report.refuse(lead.named.clone(), &refusal, None);
            }
        }
    }
}

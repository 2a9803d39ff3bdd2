//! Decides what to do with the captures that were opened, once it is known which are the same.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;

use crate::advice::Advice;
use crate::bug::bug;
use crate::discover::{Candidate, Input};
use crate::error::Result;
use crate::lake::{InputEntry, RefusedEntry};
use crate::outcome::{Away, Duplicate, Overwritten, Renamed};
use crate::storage::may_exist;
use crate::text::{name, plural_of};

use super::content_index::{ContentIndex, Kin, Match};
use super::same_content::Look;
use super::selection::{Selection, is_same_content, relocated};
use super::selector::Selector;
use super::survey::ArchiveSurvey;

/// A capture, and what the lake has under its path.
pub(super) type Opened<'a> = (Input, Option<&'a InputEntry>);

/// What became of the capture that the lake has under a path.
pub(super) enum Own {
    /// Nothing that has to be told: there was none, or the capture that is there now takes its place without a loss.
    Replaced,
    /// It has fewer packets now, this many. They remove nothing from the lake.
    Shrunk(u64),
    /// Another capture took its name, or it was rewritten.
    Overwritten,
}

impl Own {
    /// Whether it is decided only when all captures have been opened: one that comes later may be what was at the path.
    fn waits(&self) -> bool {
        matches!(self, Self::Shrunk(_) | Self::Overwritten)
    }
}

impl<'a> Selector<'a> {
    /// What to do with each capture. Also the folders that look like an unmounted disk. Captures of the lake that were found elsewhere are
    /// missing no more.
    ///
    /// # Errors
    /// If a signal has arrived.
    pub(super) fn decide(mut self, look: Look<'a>) -> Result<(Selection, Vec<Away>)> {
        let mut selection = Selection::default();
        let opened = self.without_touched(look, &mut selection)?;
        let inputs: Vec<_> = opened.iter().map(|(input, _)| input.clone()).collect();
        let mut known = ContentIndex::new(self.snapshot, look, inputs.iter(), self.met(&opened, look)?);
        let found = find_all(&opened, &mut known)?;
        let (taken, became) = self.become_of(&opened, &found, &mut known)?;
        if !self.survey.is_over() {
            let later = opened.iter().zip(&became).filter(|(_, became)| became.waits());
            self.later = later.map(|((input, _), _)| input.absolute.clone()).collect();
        }
        for ((capture, found), became) in opened.into_iter().zip(found).zip(became) {
            self.decide_one(capture, found, became, &mut selection)?;
        }
        selection.keep_renamed(&known.found);
        selection.may_be.retain(|(_, id)| !taken.contains(id));
        self.look_at_doubles(look, &mut known, &mut selection)?;
        selection.keep_renamed(&known.found);
        // Captures that are selected later find them where they are now.
        selection.renamed().into_iter().for_each(|id| self.survey.unchanged.insert(id));
        self.point_to_what_stays(&mut selection);
        let may_be: HashSet<usize> = selection.may_be.iter().map(|(_, id)| *id).collect();
        let elsewhere = |id| taken.contains(&id) || may_be.contains(&id);
        self.note_lost_ends(elsewhere);
        if !self.survey.away.is_empty() {
            let ArchiveSurvey { present, places, .. } = &self.survey;
            let (missing, away) = present.missing(self.snapshot, places, elsewhere)?;
            self.survey.missing = missing;
            return Ok((selection, away));
        }
        let found = taken.union(&may_be).filter_map(|id| self.snapshot.inputs.get(id)).filter(|entry| {
            let (input, ArchiveSurvey { present, places, .. }) = (&entry.input, &self.survey);
            let is_file = !input.is_stdin() && entry.same_as.is_none();
            is_file && !present.has(entry.id, &input.absolute) && places.root_of(&input.absolute).is_some()
        });
        self.survey.missing = self.survey.missing.saturating_sub(found.count() as u64);
        Ok((selection, Vec::new()))
    }

    /// The captures that were opened, without those whose time of modification is the only change.
    fn without_touched(&mut self, look: Look<'_>, selection: &mut Selection) -> Result<Vec<Opened<'a>>> {
        let mut changed = Vec::new();
        for (input, own) in std::mem::take(&mut self.opened) {
            let own = own.and_then(|id| self.snapshot.inputs.get(&id)).map(AsRef::as_ref);
            // Captures that were selected before may have had the capture that was at this path: the lake has it elsewhere by now.
            let own = own.filter(|entry| entry.input.absolute == input.absolute);
            match own {
                Some(entry) if !self.is_wanted_again(entry) && is_touched(entry, &input, look)? => {
                    self.report.unchanged += 1;
                    self.report.touched += u64::from(entry.input.modified != input.modified);
                    self.survey.unchanged.insert(entry.id);
                    selection.relocated.push(relocated(entry, &input));
                    let double = entry.same_as.map(|id| (Candidate::of_input(&input), id));
                    self.survey.stood_for.extend(double);
                }
                own => changed.push((input, own)),
            }
        }
        Ok(changed)
    }

    /// The captures of the lake that were found at their paths, and whether they are unchanged there, or continue.
    fn met(&self, opened: &[Opened<'_>], look: Look<'_>) -> Result<HashMap<usize, bool>> {
        let unchanged = self.snapshot.inputs.keys().filter(|id| self.survey.unchanged.contains(**id));
        let mut met: HashMap<usize, bool> = unchanged.map(|id| (*id, true)).collect();
        for (input, own) in opened {
            if let Some(own) = own {
                met.insert(own.id, is_same_content(&own.input, input) || look.goes_on(input, own)?);
            }
        }
        Ok(met)
    }

    /// The captures of the lake that are found in others, and what became of the captures at the paths that were opened.
    ///
    /// The two depend on each other. A capture whose file has become shorter keeps its rows, so that file takes the place
    /// of no other capture. And a capture of the lake whose place no file takes may itself be one that has become shorter.
    /// So both are asked until nothing changes. Each turn can only find more files that have become shorter, so it ends.
    fn become_of(
        &self,
        opened: &[Opened<'a>],
        found: &[Match<'a>],
        known: &mut ContentIndex<'a>,
    ) -> Result<(HashSet<usize>, Vec<Own>)> {
        let mut stays = vec![false; opened.len()];
        loop {
            let goes_on = found.iter().zip(&stays).filter(|(_, stays)| !**stays);
            let goes_on = goes_on.flat_map(|(found, _)| found.goes_on_from.iter().copied());
            let taken: HashSet<usize> = known.found.iter().copied().chain(goes_on).collect();
            let became = |(input, own): &Opened<'a>| match own.filter(|own| !taken.contains(&own.id)) {
                Some(own) => self.became(own, input, known),
                None => Ok(Own::Replaced),
            };
            let became = opened.iter().map(became).collect::<Result<Vec<_>>>()?;
            let shrunk = |(own, found): (&Own, &Match<'_>)| {
                matches!(own, Own::Shrunk(_)) && !matches!(found.kin, Kin::Renamed(_))
            };
            let now: Vec<bool> = became.iter().zip(found).map(shrunk).collect();
            if now == stays {
                return Ok((taken, became));
            }
            stays = now;
        }
    }

    /// What to do with a capture, once it is known how it relates to others and what became of what the lake has under its path.
    pub(super) fn decide_one(
        &mut self,
        (input, own): Opened<'a>,
        found: Match<'a>,
        became: Own,
        selection: &mut Selection,
    ) -> Result<()> {
        if self.later.contains(&input.absolute) {
            self.survey.deferred.push((input, own.map(|own| own.id)));
            return Ok(());
        }
        match (&became, own) {
            (Own::Shrunk(packets), Some(own)) if !matches!(found.kin, Kin::Renamed(_)) => {
                self.keep(&input, own, *packets);
                return Ok(());
            }
            (Own::Shrunk(_) | Own::Overwritten, Some(own)) => {
                let packets = own.found.records;
                self.report.overwritten.push(Overwritten { path: input.path.clone(), packets });
            }
            _ => {}
        }
        // What was left out and is looked at again may be left out again, unless all that is named is to be converted.
        let is_wanted = own.is_some_and(|own| own.same_as.is_none() || self.rules.force);
        let own = own.map(|own| own.id);
        let left_out = match found.kin {
            Kin::Renamed(of_it) => {
                selection.superseded.extend(own.map(|own| (input.absolute.clone(), own)));
                selection.relocated.push(relocated(of_it, &input));
                self.report.renamed.push(Renamed { path: input.path.clone(), was: of_it.input.path.clone() });
                if !self.is_wanted_again(of_it) {
                    self.supersede(found.goes_on_from, &input.absolute, selection);
                    return Ok(());
                }
                None
            }
            Kin::SameFile(double) => Some((double, false)),
            Kin::Beginning(double) => Some((double, true)),
            Kin::Copy(double) if self.rules.dedupe && !is_wanted => Some((double, false)),
            Kin::Copy(double) => {
                self.note_double(&input, double.path, false, false);
                None
            }
            Kin::Stranger => None,
        };
        if let Some((double, beginning)) = left_out {
            // Whether that one is converted is not known yet.
            if self.later.contains(&double.absolute) {
                self.survey.deferred.push((input, own));
                return Ok(());
            }
            // The captures that it continues are in its double too.
            selection.superseded.extend(own.map(|own| (double.absolute.clone(), own)));
            self.supersede(found.goes_on_from, &double.absolute, selection);
            self.note_double(&input, double.path, true, beginning);
            selection.deduplicated.push((input, double.absolute));
            return Ok(());
        }
        for id in found.goes_on_from {
            self.go_on(id, &input, selection)?;
        }
        if own.is_none() {
            selection.may_be.extend(found.may_be.into_iter().map(|id| (input.absolute.clone(), id)));
        }
        selection.convert.push(input);
        Ok(())
    }

    /// What became of a capture that has changed. `own` is what the lake has of it.
    fn became(&self, own: &InputEntry, input: &Input, known: &mut ContentIndex<'a>) -> Result<Own> {
        if !has_rows(own) || self.rules.force || known.is_at_home(own) {
            return Ok(Own::Replaced);
        }
        if own.input.head.is_some() && input.head.is_some() && own.input.head != input.head {
            return Ok(Own::Overwritten);
        }
        let scan = known.scan(input)?;
        // For a capture of an earlier version, the first time is known, but not the first bytes.
        let begins_alike = input.head.is_none() || own.input.head.is_some() || own.found.first == scan.first;
        Ok(match (begins_alike, scan.records < own.found.records) {
            (true, true) => Own::Shrunk(scan.records),
            (true, false) if own.found.content.is_none() => Own::Replaced,
            _ => Own::Overwritten,
        })
    }

    /// Leaves a capture as it is in the lake.
    fn keep(&mut self, input: &Input, own: &InputEntry, packets: u64) {
        let now = plural_of(packets, "packet", "packets");
        self.survey.refused.insert(input.path.clone());
        self.report.refused.push(RefusedEntry {
            path: input.path.clone(),
            reason: format!("has {now} now; the lake has {} of it, and keeps them", own.found.records),
            hint: Some(Advice::KeepsMore),
            // Reported in each run: nobody may have seen it yet.
            seen: None,
            retired: false,
        });
    }

    fn note_double(&mut self, input: &Input, same_as: PathBuf, deduplicated: bool, beginning: bool) {
        self.report.duplicates.push(Duplicate { path: input.path.clone(), same_as, deduplicated, beginning });
    }

    /// A capture takes the place of the capture that it continues.
    fn go_on(&mut self, id: usize, input: &Input, selection: &mut Selection) -> Result<()> {
        let entry = self.snapshot.inputs.get(&id).ok_or_else(|| bug!())?;
        self.report.renamed.push(Renamed { path: input.path.clone(), was: entry.input.path.clone() });
        selection.goes_on.push((input.absolute.clone(), id));
        self.leave_out_from_now_on(id, &input.absolute, selection);
        Ok(())
    }

    /// Reports in each run the captures that were being written when they were converted, and cannot be found any more.
    fn note_lost_ends(&mut self, elsewhere: impl Fn(usize) -> bool) {
        let open = self.snapshot.inputs.values().filter(|entry| entry.is_open() && !entry.input.is_stdin());
        for entry in open.filter(|entry| !elsewhere(entry.id) && !may_exist(&entry.input.absolute)) {
            self.report.notes.push(format!(
                "{}: was being written when it was converted, and is not there any more; if it is somewhere else now, name \
                 that place, and what came later is converted too",
                name(&entry.input.absolute)
            ));
        }
    }
}

/// How captures relate to others. All are found before anything is replaced: a capture that is not at its path may be elsewhere.
///
/// Of two that are what a third one was, only one gets its rows. Where the lake has something else under its path that may be lost by
/// that, it is asked last.
fn find_all<'a>(opened: &[Opened<'a>], known: &mut ContentIndex<'a>) -> Result<Vec<Match<'a>>> {
    let mut found: Vec<_> = opened.iter().map(|_| None).collect();
    for is_last in [false, true] {
        for ((input, own), found) in opened.iter().zip(&mut found) {
            if own.is_some_and(|own| has_rows(own) && !known.is_at_home(own)) == is_last {
                *found = Some(known.find(input, *own)?);
            }
        }
    }
    Ok(found.into_iter().flatten().collect())
}

fn has_rows(entry: &InputEntry) -> bool {
    entry.found.records > 0 && entry.same_as.is_none()
}

/// Whether a capture is unchanged, byte for byte. For a capture that an earlier version converted, only samples tell.
fn is_touched(entry: &InputEntry, input: &Input, look: Look<'_>) -> Result<bool> {
    match &entry.found.content {
        _ if !is_same_content(&entry.input, input) => Ok(false),
        Some(content) if !content.pieces().is_empty() => look.begins_with(input, content),
        _ => Ok(true),
    }
}

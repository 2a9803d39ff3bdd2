//! What is done with the captures that were opened, once it is known which of them are the same.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};

use crate::bug::bug;
use crate::discover::{Input, Places};
use crate::error::Result;
use crate::lake::{InputEntry, RefusedEntry};
use crate::outcome::Away;
use crate::outcome::{Duplicate, Overwritten, Renamed};
use crate::text::{name, plural_of};

use super::content_index::{ContentIndex, Kin, Match};
use super::same_content::Look;
use super::selection::{Selection, is_same_content, met_again};
use super::selector::Selector;

/// A capture, and what the lake holds under its path.
type Opened<'a> = (Input, Option<&'a InputEntry>);

/// What became of the capture that the lake holds under a path.
enum Own {
    /// There is none, or it is replaced by what it has become.
    Replaced,
    /// It has so many packets now, which are fewer: they take nothing out.
    Shrunk(u64),
    /// Another capture took its name, or it was rewritten.
    Overwritten,
}

impl<'a> Selector<'a> {
    /// What is done with which capture; how many captures of the lake are missing at these places, and the folders that
    /// look as if a disk were missing.
    ///
    /// # Errors
    /// If a signal has arrived.
    pub(super) fn decide(mut self, places: &Places, look: Look<'a>) -> Result<(Selection, u64, Vec<Away>)> {
        let mut tonight = Selection::default();
        let opened = self.without_touched(look, &mut tonight)?;
        let inputs: Vec<_> = opened.iter().map(|(input, _)| input.clone()).collect();
        let mut known = ContentIndex::new(self.held, look, inputs.iter(), self.met(&opened, look)?);
        // All are found before anything is replaced: what is not where it was may be somewhere else.
        let found = opened.iter().map(|(input, own)| known.find(input, *own)).collect::<Result<Vec<_>>>()?;
        let (taken, became) = self.become_of(&opened, &found, &mut known)?;
        for ((capture, found), became) in opened.into_iter().zip(found).zip(became) {
            self.decide_one(capture, found, became, &mut tonight)?;
        }
        // Those that were moved themselves are somewhere.
        tonight.displaced.retain(|(_, id)| !known.found.contains(id));
        tonight.goes_on.retain(|(_, id)| !known.found.contains(id));
        tonight.may_be.retain(|(_, id)| !taken.contains(id));
        self.look_at_doubles(look, &mut known, &mut tonight)?;
        self.point_to_what_stays(&mut tonight);
        let may_be: HashSet<usize> = tonight.may_be.iter().map(|(_, id)| *id).collect();
        let elsewhere = |id| taken.contains(&id) || may_be.contains(&id);
        self.note_lost_ends(elsewhere);
        let (missing, away) = self.present.missing(self.held, places, elsewhere);
        Ok((tonight, missing, away))
    }

    /// The captures that were opened, without those that have only another time of modification now.
    fn without_touched(&mut self, look: Look<'_>, tonight: &mut Selection) -> Result<Vec<Opened<'a>>> {
        let mut changed = Vec::new();
        for (input, own) in std::mem::take(&mut self.opened) {
            let own = own.and_then(|id| self.held.inputs.get(&id)).map(AsRef::as_ref);
            match own {
                Some(entry) if !self.is_wanted_again(entry) && is_touched(entry, &input, look)? => {
                    self.report.unchanged += 1;
                    self.report.touched += 1;
                    self.unchanged.insert(entry.id);
                    tonight.met_again.push(met_again(entry, &input));
                }
                own => changed.push((input, own)),
            }
        }
        Ok(changed)
    }

    /// The captures of the lake that were met at their paths, and whether they are as they were there, or go on.
    fn met(&self, opened: &[Opened<'_>], look: Look<'_>) -> Result<HashMap<usize, bool>> {
        let mut met: HashMap<usize, bool> = self.unchanged.iter().map(|id| (*id, true)).collect();
        for (input, own) in opened {
            if let Some(own) = own {
                met.insert(own.id, is_same_content(&own.input, input) || look.goes_on(input, own)?);
            }
        }
        Ok(met)
    }

    /// The captures of the lake that are found in others, and what became of those at the paths that were opened.
    ///
    /// A capture that stays as the lake holds it, for there is less of it now, takes no place of another one; and of one
    /// whose place nobody takes there may be less now.
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
            let shrunk =
                |(own, found): (&Own, &Match<'_>)| matches!(own, Own::Shrunk(_)) && !matches!(found.kin, Kin::Moved(_));
            let now: Vec<bool> = became.iter().zip(found).map(shrunk).collect();
            if now == stays {
                return Ok((taken, became));
            }
            stays = now;
        }
    }

    fn decide_one(
        &mut self,
        (input, own): Opened<'a>,
        found: Match<'a>,
        became: Own,
        tonight: &mut Selection,
    ) -> Result<()> {
        match (&became, own) {
            (Own::Shrunk(packets), Some(own)) if !matches!(found.kin, Kin::Moved(_)) => {
                self.keep(&input, own, *packets);
                return Ok(());
            }
            (Own::Shrunk(_) | Own::Overwritten, Some(own)) => {
                let packets = own.found.records;
                self.report.overwritten.push(Overwritten { path: input.path.clone(), packets });
            }
            _ => {}
        }
        let own = own.map(|own| own.id);
        let left_out = match found.kin {
            Kin::Moved(of_it) => {
                tonight.displaced.extend(own.map(|own| (input.absolute.clone(), own)));
                tonight.met_again.push(met_again(of_it, &input));
                self.report.renamed.push(Renamed { path: input.path.clone(), was: of_it.input.path.clone() });
                if !self.is_wanted_again(of_it) {
                    self.displace(found.goes_on_from, &input.absolute, tonight);
                    return Ok(());
                }
                None
            }
            Kin::SameFile(double) => Some((double, false)),
            Kin::Beginning(double) => Some((double, true)),
            Kin::Copy(double) if self.rules.dedupe && own.is_none() => Some((double, false)),
            Kin::Copy(double) => {
                self.note_double(&input, double.path, false, false);
                None
            }
            Kin::Stranger => None,
        };
        if let Some((double, beginning)) = left_out {
            // What it goes on from is in its double too.
            tonight.displaced.extend(own.map(|own| (double.absolute.clone(), own)));
            self.displace(found.goes_on_from, &double.absolute, tonight);
            self.note_double(&input, double.path, true, beginning);
            tonight.left_out.push((input, double.absolute));
            return Ok(());
        }
        for id in found.goes_on_from {
            self.go_on(id, &input, tonight)?;
        }
        if own.is_none() {
            tonight.may_be.extend(found.may_be.into_iter().map(|id| (input.absolute.clone(), id)));
        }
        tonight.convert.push(input);
        Ok(())
    }

    /// What a capture that is not as it was has become. `own` is what the lake holds of it.
    fn became(&self, own: &InputEntry, input: &Input, known: &mut ContentIndex<'a>) -> Result<Own> {
        let has_rows = own.found.records > 0 && own.same_as.is_none();
        if !has_rows || self.rules.force || known.is_at_home(own) {
            return Ok(Own::Replaced);
        }
        if own.input.head.is_some() && input.head.is_some() && own.input.head != input.head {
            return Ok(Own::Overwritten);
        }
        let scan = known.scan(input)?;
        // Of what an earlier version converted the first time is known, and not the first bytes.
        let begins_alike = input.head.is_none() || own.input.head.is_some() || own.found.first == scan.first;
        Ok(match (begins_alike, scan.records < own.found.records) {
            (true, true) => Own::Shrunk(scan.records),
            (true, false) if own.found.content.is_none() => Own::Replaced,
            _ => Own::Overwritten,
        })
    }

    /// Leaves a capture as the lake holds it.
    fn keep(&mut self, input: &Input, own: &InputEntry, packets: u64) {
        let now = plural_of(packets, "packet", "packets");
        self.refused.insert(input.path.clone());
        self.report.refused.push(RefusedEntry {
            path: input.path.clone(),
            reason: format!("has {now} now; the lake has {} of it, and keeps them", own.found.records),
            hint: Some("`--force` replaces them by what is there now, `parcap forget` takes them out".to_owned()),
            // Said each night, for nobody may have seen it.
            seen: None,
            retired: false,
        });
    }

    fn note_double(&mut self, input: &Input, same_as: PathBuf, left_out: bool, beginning: bool) {
        self.report.duplicates.push(Duplicate { path: input.path.clone(), same_as, left_out, beginning });
    }

    /// A capture takes the place of one that it goes on from.
    fn go_on(&mut self, id: usize, input: &Input, tonight: &mut Selection) -> Result<()> {
        let entry = self.held.inputs.get(&id).ok_or_else(|| bug!())?;
        self.report.renamed.push(Renamed { path: input.path.clone(), was: entry.input.path.clone() });
        tonight.goes_on.push((input.absolute.clone(), id));
        self.leave_out_from_now_on(id, &input.absolute, tonight);
        Ok(())
    }

    /// Captures of the lake go, for another one that it holds has all of theirs.
    fn displace(&self, ids: Vec<usize>, stays: &Path, tonight: &mut Selection) {
        ids.iter().for_each(|id| self.leave_out_from_now_on(*id, stays, tonight));
        tonight.displaced.extend(ids.into_iter().map(|id| (stays.to_path_buf(), id)));
    }

    /// A file that is still where it was is no new capture by the next night.
    fn leave_out_from_now_on(&self, id: usize, stays: &Path, tonight: &mut Selection) {
        let entry = self.held.inputs.get(&id).filter(|_| self.unchanged.contains(&id));
        tonight.left_out.extend(entry.map(|entry| (entry.input.clone(), stays.to_path_buf())));
    }

    /// Captures that were left out by an earlier run, and whose double is replaced now, are looked at again.
    fn look_at_doubles(&mut self, look: Look<'a>, known: &mut ContentIndex<'a>, tonight: &mut Selection) -> Result<()> {
        let converted = tonight.convert.iter().filter_map(|input| Some(self.held.input_at(&input.absolute)?.id));
        let elsewhere = tonight.displaced.iter().chain(&tonight.goes_on).map(|(_, id)| *id);
        let replaced: BTreeSet<usize> = converted.chain(elsewhere).collect();
        // They go, and are nowhere to be found.
        known.found.extend(&replaced);
        for (candidate, same_as) in std::mem::take(&mut self.stood_for) {
            let Some(own) = self.held.input_at(&candidate.absolute).filter(|_| replaced.contains(&same_as)) else {
                continue;
            };
            // It was there a moment ago; as long as it cannot be read it stays as it is.
            let Ok(mut input) = candidate.probe_within(self.rules.window) else { continue };
            input.head = look.head(&input);
            known.add(&input);
            let found = known.find(&input, None)?;
            self.report.unchanged -= 1;
            self.decide_one((input, Some(own)), found, Own::Replaced, tonight)?;
        }
        Ok(())
    }

    /// What stands for a capture that is left out may be replaced by another one in the same commit.
    fn point_to_what_stays(&self, tonight: &mut Selection) {
        let goes_on: HashMap<usize, &PathBuf> = tonight.goes_on.iter().map(|(absolute, id)| (*id, absolute)).collect();
        for (_, same_as) in &mut tonight.left_out {
            let stays = self.held.input_at(same_as).and_then(|entry| goes_on.get(&entry.id));
            if let Some(stays) = stays {
                same_as.clone_from(stays);
            }
        }
    }

    /// Says each night which captures were being written when they were converted, and cannot be found any more.
    fn note_lost_ends(&mut self, elsewhere: impl Fn(usize) -> bool) {
        let open = self.held.inputs.values().filter(|entry| entry.is_open() && !entry.input.is_stdin());
        for entry in open.filter(|entry| !elsewhere(entry.id) && entry.input.absolute.symlink_metadata().is_err()) {
            self.report.notes.push(format!(
                "{}: was being written when it was converted, and is not there any more; if it is somewhere else now, name \
                 that place, and what came later is converted too",
                name(&entry.input.absolute)
            ));
        }
    }
}

/// Whether a capture is what it was, byte for byte; of one that an earlier version converted only samples tell.
fn is_touched(entry: &InputEntry, input: &Input, look: Look<'_>) -> Result<bool> {
    match &entry.found.content {
        _ if !is_same_content(&entry.input, input) => Ok(false),
        Some(content) if !content.pieces().is_empty() => look.begins_with(input, content),
        _ => Ok(true),
    }
}

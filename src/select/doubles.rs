//! Captures that are left out, since another one has their records: what stands for them, and what becomes of them once that is removed.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use crate::error::Result;

use super::content_index::ContentIndex;
use super::decide::Own;
use super::same_content::Look;
use super::selection::Selection;
use super::selector::Selector;

impl<'a> Selector<'a> {
    /// Removes captures of the lake, because another capture in it has all of their records.
    pub(super) fn supersede(&mut self, ids: Vec<usize>, stays: &Path, selection: &mut Selection) {
        ids.iter().for_each(|id| self.leave_out_from_now_on(*id, stays, selection));
        selection.superseded.extend(ids.into_iter().map(|id| (stays.to_path_buf(), id)));
    }

    /// Marks a capture as left out, if its file is still at its path: the next run must not take it for a new capture.
    pub(super) fn leave_out_from_now_on(&mut self, id: usize, stays: &Path, selection: &mut Selection) {
        let Some(entry) = self.snapshot.inputs.get(&id).filter(|_| self.survey.unchanged.contains(id)) else { return };
        // It may go on in several.
        if !self.left_out.insert(id) {
            return;
        }
        let mut input = entry.input.clone();
        if let Some(place) = selection.relocated.iter().position(|met| met.input == id) {
            // It was touched. There is no other entry left to note that in.
            input.modified = selection.relocated.remove(place).seen.modified;
        }
        selection.deduplicated.push((input, stays.to_path_buf()));
    }

    /// Looks again at captures that an earlier run left out, and whose double is replaced now.
    pub(super) fn look_at_doubles(
        &mut self,
        look: Look<'a>,
        known: &mut ContentIndex<'a>,
        selection: &mut Selection,
    ) -> Result<()> {
        // What is converted after all may take the place of others, and these may stand for more.
        loop {
            let replaced = self.replaced_by(selection);
            let doubles: Vec<_> = self.survey.stood_for.extract_if(.., |(_, id)| replaced.contains(id)).collect();
            known.removed.extend(replaced);
            if doubles.is_empty() {
                return Ok(());
            }
            let mut again = Vec::new();
            for (candidate, _) in doubles {
                let Some(own) = self.snapshot.input_at(&candidate.absolute) else { continue };
                // It was there a moment ago. If it cannot be read now it goes with its double, and is new to the next run.
                let Ok(mut input) = candidate.probe_within(self.rules.window) else { continue };
                input.head = look.head(&input);
                again.push((input, own));
            }
            known.open(again.iter().map(|(input, _)| input));
            // Some may have been touched, too.
            let own: HashSet<usize> = again.iter().map(|(_, own)| own.id).collect();
            selection.relocated.retain(|met| !own.contains(&met.input));
            self.survey.looked_at.extend(again.iter().map(|(input, own)| (input.clone(), Some(own.id))));
            for (input, own) in again {
                let found = known.find(&input, None)?;
                self.report.unchanged -= 1;
                self.decide_one((input, Some(own)), found, Own::Replaced, selection)?;
            }
        }
    }

    /// The captures of the lake whose rows a selection removes.
    fn replaced_by(&self, selection: &Selection) -> HashSet<usize> {
        let converted = selection.convert.iter().filter_map(|input| Some(self.snapshot.input_at(&input.absolute)?.id));
        let elsewhere = selection.superseded.iter().chain(&selection.goes_on).map(|(_, id)| *id);
        let renamed = selection.renamed();
        converted.chain(elsewhere).filter(|id| !renamed.contains(id)).collect()
    }

    /// If what stands for a left-out capture is removed or left out itself in the same commit, points to what has its records then.
    pub(super) fn point_to_what_stays(&self, selection: &mut Selection) {
        let Selection { convert, relocated, superseded, goes_on, deduplicated, .. } = selection;
        let converted = convert.iter().map(|input| &input.absolute);
        let from_now_on: HashSet<&PathBuf> = converted.chain(relocated.iter().map(|met| &met.seen.absolute)).collect();
        let removed = superseded.iter().chain(goes_on.iter());
        let removed: HashMap<usize, &PathBuf> = removed.map(|(absolute, id)| (*id, absolute)).collect();
        let left_out = deduplicated.iter().map(|(input, same_as)| (input.absolute.clone(), same_as.clone()));
        let left_out: HashMap<PathBuf, PathBuf> = left_out.collect();
        for (_, same_as) in deduplicated {
            let mut met = HashSet::new();
            // What is converted or found at a path is there from now on, whatever the lake had under it.
            while !from_now_on.contains(same_as) && met.insert(same_as.clone()) {
                let of_lake = || removed.get(&self.snapshot.input_at(same_as)?.id).copied();
                match left_out.get(same_as).or_else(of_lake) {
                    Some(stays) => same_as.clone_from(stays),
                    None => break,
                }
            }
        }
    }
}

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
        let converted = selection.convert.iter().filter_map(|input| Some(self.snapshot.input_at(&input.absolute)?.id));
        let elsewhere = selection.superseded.iter().chain(&selection.goes_on).map(|(_, id)| *id);
        let renamed = selection.renamed();
        let replaced: HashSet<usize> = converted.chain(elsewhere).filter(|id| !renamed.contains(id)).collect();
        let mut again = Vec::new();
        let doubles: Vec<_> = self.survey.stood_for.extract_if(.., |(_, id)| replaced.contains(id)).collect();
        known.removed.extend(replaced);
        self.survey.looked_at.clone_from(&doubles);
        for (candidate, _) in doubles {
            let Some(own) = self.snapshot.input_at(&candidate.absolute) else { continue };
            // It was there a moment ago; as long as it cannot be read it stays as it is.
            let Ok(mut input) = candidate.probe_within(self.rules.window) else { continue };
            input.head = look.head(&input);
            again.push((input, own));
        }
        if !again.is_empty() {
            known.open(again.iter().map(|(input, _)| input));
            // Some may have been touched, too.
            let own: HashSet<usize> = again.iter().map(|(_, own)| own.id).collect();
            selection.relocated.retain(|met| !own.contains(&met.input));
        }
        for (input, own) in again {
            let found = known.find(&input, None)?;
            self.report.unchanged -= 1;
            self.decide_one((input, Some(own)), found, Own::Replaced, selection)?;
        }
        Ok(())
    }

    /// If the capture of the lake that stands for a left-out one is replaced in the same commit, points to the new one. What is at its path
    /// from now on is another one.
    pub(super) fn point_to_what_stays(&self, selection: &mut Selection) {
        let Selection { convert, relocated, goes_on, deduplicated, .. } = selection;
        let goes_on: HashMap<usize, &PathBuf> = goes_on.iter().map(|(absolute, id)| (*id, absolute)).collect();
        let converted = convert.iter().map(|input| &input.absolute);
        let from_now_on: HashSet<&PathBuf> = converted.chain(relocated.iter().map(|met| &met.seen.absolute)).collect();
        for (_, same_as) in deduplicated.iter_mut().filter(|(_, same_as)| !from_now_on.contains(same_as)) {
            let stays = self.snapshot.input_at(same_as).and_then(|entry| goes_on.get(&entry.id));
            if let Some(stays) = stays {
                same_as.clone_from(stays);
            }
        }
    }
}

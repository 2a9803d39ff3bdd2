//! The final stage of a run: the tables of the dates that it touched.

use std::collections::BTreeSet;
use std::fs;

use crate::commit::{Holdings, Lake, Manifest, Move, UnitRow};
use crate::config::Settings;
use crate::error::{Error, Result};
use crate::names::PtrOptions;
use crate::partition::Day;
use crate::summary::{self, Filter, Gather, Listed, Naming};
use crate::tally::Tallies;
use crate::unit::Cancel;

use super::naming;
use super::report::Report;

/// The final stage, with all that it needs besides what was converted.
pub(super) struct FinalStage<'a> {
    pub(super) lake: &'a Lake,
    pub(super) settings: &'a Settings,
    naming: Naming,
    ptr: &'a PtrOptions,
    top: usize,
    cancel: &'a Cancel,
}

impl<'a> FinalStage<'a> {
    /// Opens the sources of names: what is wrong with them shows before hours of work.
    ///
    /// # Errors
    /// If a hosts file cannot be read.
    pub(super) fn open(
        lake: &'a Lake,
        settings: &'a Settings,
        ptr: &'a PtrOptions,
        top: usize,
        cancel: &'a Cancel,
    ) -> Result<Self> {
        let naming = naming::open(&settings.names, Some(lake), naming::now())?;
        Ok(Self { lake, settings, naming, ptr, top, cancel })
    }

    /// Stages the tables of the dates that `rows` touch, and reports the beginnings of all tables over these dates.
    pub(super) fn stage(
        mut self,
        rows: &[UnitRow],
        held: Holdings,
        manifest: &Manifest,
        report: &mut Report,
    ) -> Result<Vec<Move>> {
        let new = rows.iter().filter_map(|row| row.partial.as_ref());
        let days: BTreeSet<Day> = new.clone().flat_map(|partial| partial.days.iter().copied()).collect();
        let folder = self.lake.resolve(&Lake::staging());
        fs::create_dir_all(&folder).map_err(Error::io("create", &folder))?;
        let space = self.cancel.space(&folder);
        let mut tallies = Tallies::new(&space);
        for partial in new {
            tallies.append_file(&self.lake.resolve(&partial.staged))?;
        }
        for partial in held.partials.iter().filter(|partial| partial.days.iter().any(|day| days.contains(day))) {
            tallies.append_file(&self.lake.resolve(&partial.path))?;
        }
        let every = Filter::default();
        let asked = naming::look_up(&mut self.naming, &days, &mut tallies, &every, self.ptr, self.cancel)?;
        report.note_names(&mut self.naming, asked);
        let mut shown = Gather::new(self.top, self.settings.window, days.len() > 1, &space);
        let mut moves = summary::stage(self.lake, self.settings, &days, &mut tallies, &self.naming, &mut shown)?;
        moves.extend(naming::stage(&mut self.naming, self.lake)?);
        let mut inputs = held.inputs;
        for entry in &manifest.inputs {
            inputs.insert(entry.input.absolute.clone(), entry.clone());
        }
        moves.push(summary::stage_captures(self.lake, inputs.values())?);
        let captures = Listed::captures(manifest.inputs.iter(), self.top);
        report.summaries = std::iter::once(captures).chain(shown.finish()?.tables).collect();
        Ok(moves)
    }
}

//! The final stage of a run: the tables of the dates that it touched.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use crate::aggregate::{Aggregator, Owners, Space};
use crate::cancel::Cancel;
use crate::config::Settings;
use crate::convert::naming;
use crate::day::Day;
use crate::error::Result;
use crate::lake::{
    CommittedTable, InputEntry, Layout, Move, SUMMARIES, Snapshot, Transaction, is_loss, listed_captures,
    stage_captures,
};
use crate::names::PtrOptions;
use crate::outcome::Report;
use crate::summary::{Collect, Filter, Naming, Preview};

use super::date_sums::{DateSums, with_those_beside};
use super::kept_sums::KeptSums;
use super::summary_tables::{stage, stage_empty, stage_flows};

/// The final stage, with all that it needs besides the converted units.
pub(crate) struct FinalStage<'a> {
    pub(super) lake: &'a Layout,
    pub(super) settings: &'a Settings,
    naming: Naming,
    ptr: &'a PtrOptions,
    top: usize,
    pub(super) cancel: &'a Cancel,
    /// Where the only unit of a commit leaves its sums, if units are converted here.
    kept_sums: Option<Arc<KeptSums>>,
    /// The dates that it has been for, and how often it has run.
    days: BTreeSet<Day>,
    runs: u32,
    /// How many captures it has been for, and the first of them.
    converted: u64,
    first: Vec<Arc<InputEntry>>,
}

/// The dates whose tables a change touches.
#[derive(Debug, Default)]
pub(crate) struct TouchedDays {
    /// Dates of packets.
    pub(crate) packets: BTreeSet<Day>,
    /// Dates of captures.
    pub(crate) captures: BTreeSet<Day>,
}

impl<'a> FinalStage<'a> {
    /// Opens the sources of names now, so that errors in them show before hours of work.
    ///
    /// # Errors
    /// If a hosts file cannot be read.
    pub(crate) fn open(
        lake: &'a Layout,
        (settings, held): (&'a Settings, &Snapshot),
        ptr: &'a PtrOptions,
        top: usize,
        cancel: &'a Cancel,
    ) -> Result<Self> {
        let naming = naming::open(&settings.names, Some((lake, held.names.as_ref())), naming::now())?;
        Ok(Self {
            lake,
            settings,
            naming,
            ptr,
            top,
            cancel,
            kept_sums: None,
            days: BTreeSet::new(),
            runs: 0,
            converted: 0,
            first: Vec::new(),
        })
    }

    /// The same, where units leave their sums.
    pub(crate) fn with_kept_sums(self, kept_sums: &Arc<KeptSums>) -> Self {
        Self { kept_sums: Some(Arc::clone(kept_sums)), ..self }
    }

    /// Stages the tables of dates that a change touches, from the partial summaries and captures in the snapshot `after` it. Tables of
    /// a date that are not made again, because it has no partial summaries, no tunnels or no captures, are removed. Tables of a date
    /// whose sums are lost stay as they are. Reports the first rows of all tables over these dates.
    pub(crate) fn stage(
        &mut self,
        TouchedDays { packets: mut days, captures }: TouchedDays,
        after: &Snapshot,
        change: &mut Transaction,
        report: &mut Report,
    ) -> Result<()> {
        let folder = self.lake.make_folder(&Layout::staging())?;
        let space = Space::new(&folder).cancelled_by(self.cancel);
        let kept = self.kept_sums.as_ref().and_then(|kept| kept.take());
        let mut sums = DateSums::new(self.lake, &space, kept);
        sums.read(&days, after, change)?;
        let flows = match self.settings.flow_timeout {
            Some(_) => sums.flows_beside(&days, after, change)?,
            None => BTreeSet::new(),
        };
        let DateSums { mut aggregator, left, losses, .. } = sums;
        report.lost.add(&losses, after);
        let unknown = losses.days_without_sums(after);
        days.retain(|day| !unknown.contains(day));
        let of_a_date = |path: &&PathBuf| {
            path.starts_with(SUMMARIES) && Layout::is_of_a_date(path) && !Layout::is_of_captures(path)
        };
        let stale: Vec<_> =
            after.tables.keys().filter(of_a_date).filter(|path| days.contains(&Layout::day_of(path))).collect();
        days.retain(|day| left.contains(day));
        self.days.extend(&days);
        self.runs += 1;
        let every = Filter::default();
        let asked = naming::look_up(&mut self.naming, &days, &mut aggregator, &every, self.ptr, self.cancel)?;
        report.note_names(&self.naming, asked);
        let mut shown =
            Collect::new(self.top, self.settings.window, days.len() > 1, &space).with_flows(self.settings.flow_timeout);
        let tables = stage(self.lake, self.settings, &days, &mut aggregator, &self.naming, &mut shown)?;
        self.replace(&stale, tables, change)?;
        if let Some(timeout) = self.settings.flow_timeout {
            let flows = flows.into_iter().filter(|day| !unknown.contains(day)).collect();
            let tables = stage_flows(self.lake, self.settings, (&flows, timeout), &mut aggregator, &self.naming)?;
            self.replace(&[], tables, change)?;
        }
        self.stage_captures(captures, after, &space, change)?;
        naming::stage(&mut self.naming, self.lake)?.into_iter().for_each(|step| change.add_names(step));
        self.converted += change.manifest.inputs.len() as u64;
        let room = self.top.saturating_sub(self.first.len());
        self.first.extend(change.manifest.inputs.iter().take(room).cloned());
        let captures = listed_captures(change.manifest.inputs.iter().map(Arc::as_ref), self.top);
        report.summaries = self.shown(captures, shown)?;
        Ok(())
    }

    /// Stages the tables of the captures of some dates. If the lake has one for all dates, as earlier versions made it, all are
    /// made and that one goes: no reader may find both.
    fn stage_captures(
        &self,
        mut days: BTreeSet<Day>,
        after: &Snapshot,
        space: &Space,
        change: &mut Transaction,
    ) -> Result<()> {
        let earlier = Layout::earlier_captures();
        if after.tables.contains_key(&earlier) {
            after.each_capture(None, |entry| {
                days.insert(entry.day());
                Ok(())
            })?;
            change.remove_table(&earlier);
        }
        let tables = stage_captures(self.lake, |add| after.each_capture(Some(&days), add), space)?;
        let of_captures = |path: &&PathBuf| Layout::is_of_captures(path) && days.contains(&Layout::day_of(path));
        let stale: Vec<_> = after.tables.keys().filter(of_captures).collect();
        self.replace(&stale, tables, change)
    }

    /// Adds tables to a change, and removes those of `stale` that have no successor.
    fn replace(&self, stale: &[&PathBuf], tables: Vec<(Move, CommittedTable)>, change: &mut Transaction) -> Result<()> {
        let made: BTreeSet<_> = tables.iter().map(|(_, table)| table.path.clone()).collect();
        for path in stale.iter().filter(|path| !made.contains(**path)) {
            if self.lake.keeps_tables() {
                change.add_table(stage_empty(self.lake, self.settings, path)?);
            } else {
                change.remove_table(path);
            }
        }
        tables.into_iter().for_each(|table| change.add_table(table));
        Ok(())
    }

    /// The first rows of the tables that the lake has.
    fn shown(&self, captures: Preview, shown: Collect) -> Result<Vec<Preview>> {
        let all = std::iter::once(captures).chain(shown.finish()?.tables);
        Ok(all.filter(|table| table.is_of(self.settings)).collect())
    }

    /// If it has run more than once, reports the first rows of all tables over the dates of all runs.
    ///
    /// # Errors
    /// If a partial summary cannot be read.
    pub(crate) fn show_all(&self, held: &Snapshot, report: &mut Report) -> Result<()> {
        if self.runs < 2 {
            return Ok(());
        }
        let folder = self.lake.make_folder(&Layout::staging())?;
        let space = Space::new(&folder).cancelled_by(self.cancel);
        let mut aggregator = Aggregator::new(&space);
        let days = match self.settings.flow_timeout {
            Some(_) => with_those_beside(&self.days),
            None => self.days.clone(),
        };
        for partial in held.partials_of(&days) {
            match partial.append_to(&mut aggregator, self.lake, None, Owners::AddUp) {
                // It is reported by the run that missed it.
                Err(error) if !is_loss(&error) => return Err(error),
                _ => {}
            }
        }
        let mut shown = Collect::new(self.top, self.settings.window, self.days.len() > 1, &space)
            .with_flows(self.settings.flow_timeout);
        for day in &self.days {
            shown.date(*day, &mut aggregator, &self.naming, &Filter::default())?;
        }
        let captures =
            Preview { rows: self.converted, ..listed_captures(self.first.iter().map(Arc::as_ref), self.top) };
        report.summaries = self.shown(captures, shown)?;
        Ok(())
    }
}

//! What a plan notes for the report of its commit.

use serde::{Deserialize, Serialize};

use crate::lake::RefusedEntry;
use crate::outcome::{Duplicate, Lost, Overwritten, Renamed, Report};

/// Notes about captures that are not to be converted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Noted {
    unchanged: u64,
    touched: u64,
    settling: u64,
    quarantined: u64,
    retired: u64,
    stepped_over: u64,
    captures_missing: Option<u64>,
    renamed: Vec<Renamed>,
    overwritten: Vec<Overwritten>,
    duplicates: Vec<Duplicate>,
    refused: Vec<RefusedEntry>,
    notes: Vec<String>,
    lost: Lost,
}

impl Noted {
    /// Each field of a report is either noted when captures are selected, or follows from the commit.
    pub(super) fn of(report: &Report) -> Self {
        let Report {
            lake: _,
            commits: _,
            committed: _,
            inputs: _,
            unchanged,
            touched,
            replaced: _,
            settling,
            quarantined,
            retired,
            stepped_over,
            captures_missing,
            newest_packet_timestamp_seconds: _,
            away: _,
            lost,
            records: _,
            rows: _,
            bytes_in: _,
            would_convert: _,
            bytes_out: _,
            parts: _,
            seconds: _,
            packets_per_second: _,
            damaged: _,
            changing: _,
            renamed,
            overwritten,
            refused,
            odd: _,
            unusual: _,
            names: _,
            notes,
            duplicates,
            summaries: _,
        } = report;
        Self {
            unchanged: *unchanged,
            touched: *touched,
            settling: *settling,
            quarantined: *quarantined,
            retired: *retired,
            stepped_over: *stepped_over,
            captures_missing: *captures_missing,
            renamed: renamed.clone(),
            overwritten: overwritten.clone(),
            duplicates: duplicates.clone(),
            refused: refused.clone(),
            notes: notes.clone(),
            lost: lost.clone(),
        }
    }

    pub(super) fn note(self, report: &mut Report) {
        report.unchanged = self.unchanged;
        report.touched = self.touched;
        report.settling = self.settling;
        report.quarantined = self.quarantined;
        report.retired = self.retired;
        report.stepped_over = self.stepped_over;
        report.captures_missing = self.captures_missing;
        report.renamed = self.renamed;
        report.overwritten = self.overwritten;
        report.duplicates = self.duplicates;
        report.refused = self.refused;
        report.notes = self.notes;
        report.lost = self.lost;
    }
}

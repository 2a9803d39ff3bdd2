//! Inspecting: what is in captures, without a lake.

use std::path::PathBuf;

use serde::Serialize;

use crate::cancel::Cancel;
use crate::error::{Error, Result};
use crate::inspect::{HEADS, Inspection, NUMBERS};
use crate::lake::RefusedEntry;
use crate::outcome::{Away, ChangedMeanwhile, Changing, Report, RunOutcome};
use crate::plan::Status;
use crate::select::inputs;
use crate::tables::aligned;
use crate::text::name;
use crate::threads::in_order;

/// What was found in the given captures.
#[derive(Debug, Serialize)]
pub struct Inspected {
    /// The captures, in the order in which a conversion takes them.
    pub captures: Vec<Inspection>,
    /// Inputs that are no captures, and why.
    pub refused: Vec<RefusedEntry>,
    /// Files that the walk found, that are no captures and do not claim to be.
    pub stepped_over: u64,
    /// The given paths, if none of them leads to a capture.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub away: Vec<Away>,
}

/// Inspects files, directories, patterns and standard input, with `jobs` workers. `salvage` reads on after damage.
///
/// # Errors
/// If the run is cancelled, or the workers cannot be started.
pub fn inspect(named: &[PathBuf], salvage: bool, jobs: usize, cancel: &Cancel) -> Result<Inspected> {
    let mut report = Report::default();
    let inputs = inputs(named, &mut report)?;
    let mut captures = Vec::new();
    for result in in_order::<_, _, Error>(inputs, jobs, |input| Inspection::of(input, salvage, cancel))? {
        match result {
            Ok(inspection) => captures.push(inspection),
            Err((input, refusal)) => report.refuse(input.path, &refusal, None),
        }
    }
    Ok(Inspected { captures, refused: report.refused, stepped_over: report.stepped_over, away: report.away })
}

impl Inspected {
    /// How it went: incomplete if something is damaged or refused, failed if there was no capture at all.
    #[must_use]
    pub fn outcome(&self) -> RunOutcome {
        if !self.away.is_empty() {
            return RunOutcome::Failed;
        }
        let damaged = self.captures.iter().any(Inspection::is_damaged);
        if damaged || !self.refused.is_empty() { RunOutcome::Incomplete } else { RunOutcome::Complete }
    }

    /// A line for each capture, and for each input that was refused, below the heads of the columns.
    #[must_use]
    pub fn table(&self) -> String {
        let mut rows = vec![HEADS.map(str::to_owned)];
        rows.extend(self.captures.iter().map(Inspection::row));
        rows.extend(self.refused.iter().map(|refused| {
            HEADS.map(|head| match head {
                "path" => name(&refused.path),
                "status" => Status::Refused.name().to_owned(),
                _ => "-".to_owned(),
            })
        }));
        aligned(&rows, &NUMBERS)
    }

    /// The meaning of the words in the column `status` of the table, one a line.
    pub fn legend(&self) -> impl Iterator<Item = String> {
        let refused = !self.refused.is_empty();
        Status::legend(move |word| {
            self.captures.iter().any(|capture| capture.found.status().name() == word)
                || (refused && word == Status::Refused.name())
        })
    }

    /// What a conversion would report of these captures besides what is in them: inputs that were refused, and streams that
    /// a signal ended.
    #[must_use]
    pub fn report(&self) -> Report {
        let ended = self.captures.iter().filter_map(|capture| {
            let stream = capture.stream.as_ref().filter(|stream| stream.ended)?;
            Some(ChangedMeanwhile { path: capture.input.path.clone(), how: Changing::Ended { cut: stream.cut } })
        });
        let changing = ended.collect();
        Report { refused: self.refused.clone(), away: self.away.clone(), changing, ..Report::default() }
    }
}

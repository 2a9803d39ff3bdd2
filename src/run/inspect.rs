//! `parcap inspect`: what is in captures, without a lake.

use std::path::PathBuf;

use serde::Serialize;

use crate::commit::{Holdings, RefusedEntry};
use crate::error::Result;
use crate::exit_code::ExitCode;
use crate::inspect::Inspection;
use crate::memory::USUAL_WINDOW;
use crate::unit::{Cancel, in_order};

use super::convert::inputs;
use super::report::Report;

/// What was found in the captures that were named.
#[derive(Debug, Serialize)]
pub struct Inspected {
    /// The captures, in the order in which a conversion takes them.
    pub captures: Vec<Inspection>,
    /// What is no capture, and why.
    pub refused: Vec<RefusedEntry>,
    /// Files met while walking that are no captures and do not claim to be.
    pub stepped_over: u64,
}

/// Inspects files, directories, patterns and standard input, by `jobs` workers. `salvage` looks behind damage.
///
/// # Errors
/// If the run is cancelled, or the workers cannot be started.
pub fn inspect(named: &[PathBuf], salvage: bool, jobs: usize, cancel: &Cancel) -> Result<Inspected> {
    let mut report = Report::default();
    let inputs = inputs(named, &Holdings::default(), USUAL_WINDOW, &mut report);
    let mut captures = Vec::new();
    for result in in_order(inputs, jobs, |input| Inspection::of(input, salvage, cancel))? {
        match result {
            Ok(inspection) => captures.push(inspection),
            Err((input, refusal)) => report.refuse(input.path, &refusal),
        }
    }
    Ok(Inspected { captures, refused: report.refused, stepped_over: report.stepped_over })
}

impl Inspected {
    /// The exit status: 3 if something is damaged or refused.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        let damaged = self.captures.iter().any(Inspection::is_damaged);
        if damaged || !self.refused.is_empty() { ExitCode::Damaged } else { ExitCode::Success }
    }

    /// One line for each input that was refused, as a conversion complains.
    #[must_use]
    pub fn complaints(&self) -> String {
        Report { refused: self.refused.clone(), ..Report::default() }.complaints()
    }
}

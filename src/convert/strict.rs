//! Strict conversion: a damaged capture gives no rows at all.
//!
//! A capture is known to be damaged only after it has been converted, so its unit is converted again without it. That
//! costs a second pass over the units with damage. Looking for damage first would cost a pass over everything.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

use crate::advice::Advice;
use crate::bug::bug;
use crate::capture::Damage;
use crate::discover::Input;
use crate::error::Result;
use crate::lake::{InputEntry, RefusedEntry};
use crate::outcome::{Changing, Report};
use crate::plan::{CaptureEntry, Unit, UnitResult, plan, sample};

use super::job::ConvertContext;
use super::pool::convert_units;

/// Refuses the captures that are damaged, and converts captures again that shared a unit with one of them. What was
/// staged of them stays in staging, which is swept when the run ends.
///
/// # Errors
/// As [`convert_units`].
pub(crate) fn refuse_damaged(
    mut rows: Vec<UnitResult>,
    context: &mut ConvertContext,
    jobs: usize,
    held: &HashSet<String>,
    report: &mut Report,
) -> Result<Vec<UnitResult>> {
    let staging = context.staging.clone();
    // A file may change while the run goes on. Each turn refuses at least one capture, so there is a last turn.
    for turn in 1.. {
        let damaged = damaged(&rows);
        if damaged.is_empty() {
            break;
        }
        let of_those = |row: &UnitResult| row.unit.captures.iter().any(|c| damaged.contains_key(&c.input.absolute));
        let (dropped, kept): (Vec<_>, Vec<_>) = rows.into_iter().partition(of_those);
        rows = kept;
        let settings = dropped.first().map(|row| row.unit.settings.clone()).ok_or_else(|| bug!())?;
        let rest = dropped.into_iter().flat_map(|row| row.unit.captures).map(|capture| capture.input);
        let rest = rest.filter(|input| !damaged.contains_key(&input.absolute)).collect();
        let sampled = sample(rest, settings.chunk_size);
        let taken: HashSet<String> = held.iter().cloned().chain(rows.iter().map(|row| row.unit.id.clone())).collect();
        let units: Vec<Unit> = plan(sampled, &settings, &taken);
        context.staging = staging.join(format!("strict-{turn}"));
        rows.extend(convert_units(&units, context, jobs)?);
        report.refused.extend(damaged.into_values().map(|(input, damage)| RefusedEntry {
            path: input.path,
            reason: damage.to_string(),
            hint: Some(Advice::NotStrict),
            seen: None,
            retired: false,
        }));
    }
    context.staging = staging;
    Ok(rows)
}

/// The damaged captures, and the first fault of each.
fn damaged(rows: &[UnitResult]) -> BTreeMap<PathBuf, (Input, Damage)> {
    let mut writers = None;
    let mut captures: BTreeMap<&Path, (&Input, CaptureEntry)> = BTreeMap::new();
    for row in rows {
        for (capture, found) in row.unit.captures.iter().zip(&row.captures) {
            let entry = captures.entry(&capture.input.absolute);
            entry.or_insert_with(|| (&capture.input, CaptureEntry::default())).1 += found.clone();
        }
    }
    let damaged = captures.into_iter().filter_map(|(path, (input, found))| {
        let entry = InputEntry::of(input.clone(), found);
        // A capture that is being written is not damaged.
        let open = entry.found.damage.is_some() && Changing::of(&entry, &mut writers).is_open();
        let damage = entry.found.damage.filter(|_| !open)?;
        Some((path.to_path_buf(), (input.clone(), damage)))
    });
    damaged.collect()
}

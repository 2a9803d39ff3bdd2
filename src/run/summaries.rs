//! The final stage of a run: the tables of the dates that it touched.

use std::collections::BTreeSet;

use crate::commit::{Holdings, Lake, Manifest, Move, UnitRow};
use crate::config::{NameSource, Names, Settings};
use crate::error::Result;
use crate::partition::Day;
use crate::summary::{self, Gather, Listed, Naming, Source};
use crate::tally::Tallies;

/// Stages the tables of the dates that `rows` touch, and lists the beginnings of those that are shown.
pub(super) fn stage(
    lake: &Lake,
    settings: &Settings,
    rows: &[UnitRow],
    held: Holdings,
    manifest: &Manifest,
    top: usize,
) -> Result<(Vec<Move>, Vec<Listed>)> {
    let new = rows.iter().filter_map(|row| row.partial.as_ref());
    let days: BTreeSet<Day> = new.clone().flat_map(|partial| partial.days.iter().copied()).collect();
    let folder = lake.resolve(&Lake::staging());
    std::fs::create_dir_all(&folder).map_err(crate::error::Error::io("create", &folder))?;
    let mut tallies = Tallies::new(&folder);
    for partial in new {
        tallies.append_file(&lake.resolve(&partial.staged))?;
    }
    for partial in held.partials.iter().filter(|partial| partial.days.iter().any(|day| days.contains(day))) {
        tallies.append_file(&lake.resolve(&partial.path))?;
    }
    let naming = naming(&settings.names);
    let mut shown = Gather::new(top, settings.window, days.len() > 1, &folder);
    let mut moves = summary::stage(lake, settings, &days, &mut tallies, &naming, &mut shown)?;
    let mut inputs = held.inputs;
    for entry in &manifest.inputs {
        inputs.insert(entry.input.absolute.clone(), entry.clone());
    }
    moves.push(summary::stage_captures(lake, inputs.values())?);
    let captures = summary::captures(manifest.inputs.iter());
    let captures = Listed { name: "captures", rows: captures.rows() as u64, first: captures.first(top) };
    let listed = std::iter::once(captures).chain(shown.finish()?.tables).collect();
    Ok((moves, listed))
}

/// What asks the sources of names.
pub(super) fn naming(names: &Names) -> Naming {
    let source = |source: &NameSource| match source {
        NameSource::Dns => Some(Source::Dns),
        _ => None,
    };
    Naming::new(names.0.iter().filter_map(source).collect())
}

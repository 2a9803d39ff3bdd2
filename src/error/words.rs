//! Lists within messages.

use std::path::Path;

use super::{Unheld, WhyLeftOut};

/// A line for each table.
pub(super) fn left_out_in_words(tables: &[(&'static str, WhyLeftOut)]) -> String {
    let lines = tables.iter().map(|(name, why)| format!("{name} cannot be made as asked: {why}"));
    lines.collect::<Vec<_>>().join("\n")
}

/// A line for each of the first ones, and how many more there are.
pub(super) fn first_ones(captures: &[String]) -> String {
    const SHOWN: usize = 10;
    let mut lines: Vec<_> = captures.iter().take(SHOWN).cloned().collect();
    if captures.len() > SHOWN {
        lines.push(format!("and {} more", captures.len() - SHOWN));
    }
    lines.join("\n  ")
}

/// A line for each name and for what it may mean. `error: ` is put before the first line.
pub(super) fn unheld_in_words(lake: &Path, named: &[Unheld]) -> String {
    let lines = named.iter().map(|Unheld { name, why, instead }| {
        let instead: String = instead.iter().map(|path| format!("\n  {path}")).collect();
        format!("{name}: {} {why}{}{instead}", lake.display(), if instead.is_empty() { "" } else { ":" })
    });
    lines.collect::<Vec<_>>().join("\nerror: ")
}

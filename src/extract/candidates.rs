//! Which captures of a lake a path in its rows may mean.
//!
//! Rows have the path that a capture had when it was converted, and keep it when the capture is renamed. So what the rows
//! say is read from the rows: the first row of each capture is enough.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::bug::bug;
use crate::config::TimestampUnit;
use crate::error::Result;
use crate::lake::{Layout, Snapshot};
use crate::packets::{PartScan, TableColumns};

/// The captures by the paths that rows have.
#[derive(Debug, Default)]
pub(super) struct Candidates {
    /// By what rows say.
    in_rows: HashMap<String, Vec<usize>>,
    /// By what captures are called now.
    now: HashMap<String, Vec<usize>>,
}

impl Candidates {
    /// Reads the paths of all captures that have rows.
    pub(super) fn read(lake: &Layout, snapshot: &Snapshot, table: &TableColumns, unit: TimestampUnit) -> Result<Self> {
        let mut candidates = Self::default();
        let mut known: HashSet<usize> = HashSet::new();
        for part in snapshot.parts.values() {
            let new: BTreeMap<u64, usize> = part
                .ranges
                .iter()
                .filter(|range| range.rows > 0 && known.insert(range.input))
                .map(|range| (range.first_row, range.input))
                .collect();
            if new.is_empty() {
                continue;
            }
            let scan = PartScan::open(&lake.fetch(&part.path)?, table, unit)?;
            for (group, rows) in scan.groups() {
                let places: Vec<_> = new.range(rows.clone()).map(|(row, _)| row - rows.start).collect();
                let places =
                    places.into_iter().map(u32::try_from).collect::<Result<Vec<_>, _>>().map_err(|_| bug!())?;
                if places.is_empty() {
                    continue;
                }
                scan.read(group, &["capture"], Some(&places), &mut |row| {
                    if let Some((text, input)) = row.capture.zip(new.get(&row.row)) {
                        candidates.in_rows.entry(text.to_owned()).or_default().push(*input);
                    }
                    Ok(())
                })?;
            }
        }
        for entry in snapshot.inputs.values().filter(|entry| known.contains(&entry.id)) {
            candidates.now.entry(entry.input.name()).or_default().push(entry.id);
        }
        Ok(candidates)
    }

    /// The captures that a path means. Rows of the lake say what it was called, and only a path that no row has is taken for
    /// what a capture is called now.
    pub(super) fn of(&self, path: &str) -> &[usize] {
        self.in_rows.get(path).or_else(|| self.now.get(path)).map_or(&[], Vec::as_slice)
    }
}

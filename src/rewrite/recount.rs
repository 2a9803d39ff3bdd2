//! What the rows of a part add to the sums, counted once more.

use crate::columns::Rows;
use crate::commit::{CommittedPart, Lake};
use crate::config::Settings;
use crate::error::Result;
use crate::summary::Partial;
use crate::tally::{Space, Tallies};
use crate::write::PartReader;

/// Counts the rows of a part. What DNS messages say is not in the rows.
///
/// # Errors
/// If the part cannot be read, or sums cannot be spilled.
pub fn recount(lake: &Lake, part: &CommittedPart, settings: &Settings, space: &Space) -> Result<Tallies> {
    let day = Lake::day_of(&part.path);
    let mut partial = Partial::new(space);
    let mut reader = PartReader::open(&lake.resolve(&part.path), settings.timestamp_unit)?;
    let mut rows = Rows::to_restore(settings.timestamp_unit);
    while let Some(batch) = reader.next_batch()? {
        rows.restore(&batch, 0..batch.num_rows(), 0, (0, 0))?;
        partial.add_rows(day, &rows, settings.window)?;
        rows.clear();
    }
    Ok(partial.into_tallies())
}

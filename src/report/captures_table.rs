//! The page's table of captures. What went wrong comes first, and is always shown.

use crate::lake::{CAPTURES, CaptureRow, InputEntry, RefusedEntry, table_among};
use crate::summary::Preview;

/// Its columns. The text of a damage names the byte at which it begins.
const COLUMNS: [&str; 9] =
    ["capture", "format", "packets", "bytes", "first_time", "last_time", "status", "damage", "gap_bytes"];

/// The table of what was refused, of damaged captures and of sound ones, with `top` rows, or more if more went wrong. `count` is how
/// many captures there are, of whose sound ones the first `top` are enough.
#[must_use]
pub fn captures_table(
    refused: &[RefusedEntry],
    damaged: Vec<CaptureRow>,
    sound: Vec<CaptureRow>,
    (count, top): (u64, usize),
) -> Preview {
    let most = top.max(damaged.len() + refused.len());
    let refused_rows = refused.iter().map(|refused| CaptureRow::of(&InputEntry::of_refused(refused)));
    let rows = refused_rows.chain(damaged).chain(sound).take(most).collect();
    Preview { name: CAPTURES, rows: count + refused.len() as u64, first: table_among(rows).select(&COLUMNS) }
}

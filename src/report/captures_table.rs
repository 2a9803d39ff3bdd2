//! The page's table of captures. What went wrong comes first, and is always shown.

use crate::lake::{InputEntry, RefusedEntry, listed_captures};
use crate::summary::Preview;

/// Its columns. The text of a damage names the byte at which it begins.
const COLUMNS: [&str; 8] = ["capture", "format", "packets", "bytes", "first_time", "last_time", "status", "damage"];

/// The table of captures and of what was refused, with `top` rows, or more if more went wrong.
#[must_use]
pub fn captures_table(mut captures: Vec<InputEntry>, refused: &[RefusedEntry], top: usize) -> Preview {
    let damaged = captures.iter().filter(|entry| entry.is_damaged()).count();
    captures.extend(refused.iter().map(InputEntry::of_refused));
    captures.sort_by_key(|entry| (entry.found.refused.is_none(), !entry.is_damaged()));
    let listed = listed_captures(captures.iter(), top.max(damaged + refused.len()));
    Preview { first: listed.first.select(&COLUMNS), ..listed }
}

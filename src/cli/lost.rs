//! The text about what a lake has lost.

use std::fmt::Write as _;

use crate::outcome::{HeldBack, Lost, LostFile};
use crate::text::{name, plural_of};

/// Files and captures that are named one by one.
const NAMED: usize = 10;

/// What to do about files that are lost.
const MEND: &str = "restore them from a backup; else `parcap verify LAKE --repair` says what is gone and makes the rest whole, and the next run converts again what is still in the archive";

/// What to do about a Delta log that is not the lake's.
pub(super) const MEND_DELTA: &str =
    "`parcap delta LAKE` makes the log say what the lake holds; until then readers of it get other rows";

/// A line for each, and what to do about it.
pub(super) fn words(lost: &Lost) -> String {
    let mut text = String::new();
    for file in lost.files.iter().take(NAMED) {
        let _ = writeln!(text, "error: {}", of_file(file));
    }
    if let Some(more) = lost.files.len().checked_sub(NAMED).filter(|more| *more > 0) {
        let more = plural_of(more as u64, "more file", "more files");
        let _ = writeln!(text, "error: {more} of the lake are lost; `parcap verify` names them");
    }
    for HeldBack { path, lost } in lost.held_back.iter().take(NAMED) {
        let (path, lost) = (name(path), name(lost));
        let _ = writeln!(text, "warning: {path}: was left in the lake as it was, for {lost} is lost");
    }
    if let Some(more) = lost.held_back.len().checked_sub(NAMED).filter(|more| *more > 0) {
        let more = plural_of(more as u64, "more capture", "more captures");
        let _ = writeln!(text, "warning: {more} were left as they were; `--format json` names them");
    }
    if !(lost.files.is_empty() && lost.held_back.is_empty()) {
        let _ = writeln!(text, "hint: {MEND}");
    }
    if let Some(why) = &lost.delta_lacks {
        let _ = writeln!(text, "warning: the Delta log lacks what the lake holds: {why}");
        let _ = writeln!(text, "hint: {MEND_DELTA}");
    }
    text
}

fn of_file(lost: &LostFile) -> String {
    let mut text = format!("{}: {}", name(&lost.path), lost.problem);
    let Some(first) = lost.captures.first() else { return text };
    let what = match lost.rows {
        0 => "sums".to_owned(),
        rows => plural_of(rows, "row", "rows"),
    };
    let _ = write!(text, "; it had {what} of {}", name(first));
    match lost.captures.len() as u64 - 1 {
        0 => {}
        more => {
            let _ = write!(text, " and {}", plural_of(more, "more capture", "more captures"));
        }
    }
    text
}

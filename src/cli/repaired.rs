//! The text about what a repair did to a lake.

use std::fmt::Write as _;
use std::path::Path;

use crate::outcome::Repaired;
use crate::path_text::printable;

/// Files and captures that are named one by one.
const NAMED: usize = 10;

/// What was mended, a line for each kind.
pub(super) fn mended(repaired: &Repaired) -> String {
    let mut text = String::new();
    if repaired.is_empty() {
        return "nothing to repair\n".to_owned();
    }
    for why in repaired.manifests.iter().take(NAMED) {
        let _ = writeln!(text, "made again from the parts, for {why}");
    }
    for why in repaired.checkpoint.iter().take(NAMED) {
        let _ = writeln!(text, "the manifest was written again whole, for {why}");
    }
    for (count, what) in [
        (repaired.taken_up.len() as u64, "parts that no manifest named were taken up"),
        (repaired.lost.len() as u64, "lost files were taken out"),
        (repaired.partials, "partial summaries were counted again"),
        (repaired.tables, "tables were made again"),
    ] {
        if count > 0 {
            let _ = writeln!(text, "{count} {what}");
        }
    }
    for found in repaired.delta_log.iter().take(NAMED) {
        let _ = writeln!(text, "the Delta log was mended: {found}");
    }
    text
}

/// What is gone for good, and what the user has to do.
pub(super) fn losses(repaired: &Repaired) -> String {
    let mut text = String::new();
    each(&mut text, &repaired.lost, |lost| {
        let rows = if lost.rows > 0 { format!("; {} rows were in it", lost.rows) } else { String::new() };
        format!("warning: {}: {}{rows}", printable(&lost.path), lost.problem)
    });
    each(&mut text, &repaired.set_aside, |path| format!("note: {}: a damaged part was put there", printable(path)));
    each(&mut text, &repaired.incomplete, |capture| {
        let rows =
            if capture.rows == 1 { "at least a row is".to_owned() } else { format!("{} rows are", capture.rows) };
        format!("warning: {}: {rows} lost", printable(&capture.path))
    });
    if !repaired.incomplete.is_empty() {
        text.push_str("hint: `parcap convert` converts them again if they are still in the archive\n");
    }
    let unproved = |path: &Path| {
        format!(
            "warning: {}: nothing tells whether all its rows are there, for its parts are of an earlier version",
            printable(path)
        )
    };
    each(&mut text, &repaired.unproved, |path| unproved(path));
    if !repaired.unproved.is_empty() {
        text.push_str(
            "hint: they are converted again if they are where they were named, seen from here; `parcap forget` those of which another copy comes\n",
        );
    }
    each(&mut text, &repaired.without_messages, |path| {
        format!("warning: {}: what its DNS messages said is in no summary, for rows do not tell it", printable(path))
    });
    each(&mut text, &repaired.without_tunnels, |path| {
        format!("warning: {}: its packets in tunnels, if it has any, are not in the summary `tunnels`", printable(path))
    });
    each(&mut text, &repaired.without_flags, |path| {
        format!(
            "warning: {}: its flows have no TCP flags and no state any more, for rows do not tell them",
            printable(path)
        )
    });
    let lacking = [&repaired.without_messages, &repaired.without_tunnels, &repaired.without_flags];
    if lacking.iter().any(|captures| !captures.is_empty()) {
        text.push_str("hint: `parcap convert --force` of these captures counts it again, if they are still there\n");
    }
    each(&mut text, &repaired.left_out, |left| {
        format!(
            "warning: {}: does not count: {}; readers count its rows, so move it away",
            printable(&left.path),
            left.problem
        )
    });
    text
}

/// A line for each of the first ones, and how many more there are.
fn each<T>(text: &mut String, all: &[T], line: impl Fn(&T) -> String) {
    for one in all.iter().take(NAMED) {
        let _ = writeln!(text, "{}", line(one));
    }
    if all.len() > NAMED {
        let _ = writeln!(text, "note: {} more of these; `--format json` names them", all.len() - NAMED);
    }
}

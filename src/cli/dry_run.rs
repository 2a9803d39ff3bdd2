//! The text about what a dry run found.

use std::fmt::Write as _;

use indicatif::{BinaryBytes, HumanCount};

use crate::outcome::{Report, Why, WouldConvert};
use crate::tables::aligned;
use crate::text::{name, plural_of};

use super::messages::others;

/// What a dry run found: a line for each capture, with its size and why it would be converted; then the sum of all.
pub(super) fn would_convert(report: &Report) -> String {
    let captures = report.would_convert.as_deref().unwrap_or_default();
    let size =
        |capture: &WouldConvert| capture.bytes.map_or_else(|| "-".to_owned(), |bytes| BinaryBytes(bytes).to_string());
    let lines: Vec<_> =
        captures.iter().map(|capture| [size(capture), reason(&capture.why), name(&capture.path)]).collect();
    let mut text = aligned(&lines, &[0]);
    let _ = write!(
        text,
        "would convert {} of {}",
        plural_of(report.inputs, "capture", "captures"),
        BinaryBytes(report.bytes_in)
    );
    for (count, what) in others(report) {
        let _ = write!(text, ", {} {what}", HumanCount(count));
    }
    text.push('\n');
    text
}

/// The reason in a few words.
fn reason(why: &Why) -> String {
    match why {
        Why::New => "new".to_owned(),
        Why::Stdin => "standard input".to_owned(),
        Why::Repacked { was } => format!("perhaps what was {}", name(was)),
        Why::GoesOn { was } => format!("goes on from {}", name(was)),
        Why::Changed { was_bytes } => format!("changed, was {}", BinaryBytes(*was_bytes)),
        Why::Open => "was being written".to_owned(),
        Why::Incomplete => "rows of it were lost".to_owned(),
        Why::Unreadable => "could not be read".to_owned(),
        Why::DamagedAndRetried => "damaged, looked at again".to_owned(),
        Why::RefusedAndRetried => "refused, looked at again".to_owned(),
        Why::Forced => "forced".to_owned(),
        Why::NotStoodForAnyMore => "its double changed".to_owned(),
    }
}

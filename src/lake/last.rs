//! The number of the last commit, beside the manifests. It shows when the newest manifest is lost.
//!
//! The commit that it names moves it into place before the manifest. So it may be ahead only while a commit is decided
//! and not carried out. Lakes of earlier versions do not have it.

use crate::error::Result;
use crate::hash::{ContentHash, checksum};
use crate::storage::local;

use super::committer::Move;
use super::layout::Layout;

/// Its file's name, in the lake's own folder.
pub(super) const NAME: &str = "last";

fn text_of(sequence: u64) -> String {
    let number = sequence.to_string();
    let mut hash = ContentHash::default();
    hash.update(number.as_bytes());
    format!("{number} {}\n", checksum(&hash))
}

/// The number of the last commit. `None` if the lake does not have it, or if its text is damaged.
pub(super) fn last(lake: &Layout) -> Option<u64> {
    let text = String::from_utf8(local::read(&lake.resolve(&Layout::own(NAME))).ok()?).ok()?;
    let sequence = text.split_once(' ')?.0.parse().ok()?;
    (text == text_of(sequence)).then_some(sequence)
}

/// Stages the number of a commit that is about to be published.
pub(super) fn stage(lake: &Layout, sequence: u64) -> Result<Move> {
    let from = Layout::staging().join(NAME);
    local::write_synced(&lake.make_room(&from)?, text_of(sequence).as_bytes())?;
    Ok(Move { from, to: Layout::own(NAME) })
}

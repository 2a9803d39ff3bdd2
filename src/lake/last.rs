//! The number of the last commit, beside the manifests: it tells that the newest of them is lost.
//!
//! It is moved into its place by the commit that it names, before the manifest, so it may be ahead only while a commit is
//! decided and not carried out. Lakes of earlier versions have none.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;

use crate::error::{Error, Result};
use crate::hash::{ContentHash, checksum};

use super::journal::Move;
use super::layout::Layout;

/// Its file's name, in the lake's own folder.
pub(super) const NAME: &str = "last";

fn text_of(sequence: u64) -> String {
    let number = sequence.to_string();
    let mut hash = ContentHash::default();
    hash.update(number.as_bytes());
    format!("{number} {}\n", checksum(&hash))
}

/// The number of the last commit, if the lake says it, and the text is as it was written.
pub(super) fn last(lake: &Layout) -> Option<u64> {
    let text = fs::read_to_string(lake.resolve(&Layout::own(NAME))).ok()?;
    let sequence = text.split_once(' ')?.0.parse().ok()?;
    (text == text_of(sequence)).then_some(sequence)
}

/// Stages the number of a commit that is about to be published.
pub(super) fn stage(lake: &Layout, sequence: u64) -> Result<Move> {
    let from = Layout::staging().join(NAME);
    let path = lake.resolve(&from);
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
    }
    write(&path, &text_of(sequence))?;
    Ok(Move { from, to: Layout::own(NAME) })
}

fn write(path: &Path, text: &str) -> Result<()> {
    let mut file = File::create(path).map_err(Error::io("create", path))?;
    file.write_all(text.as_bytes()).map_err(Error::io("write", path))?;
    file.sync_all().map_err(Error::io("sync", path))
}

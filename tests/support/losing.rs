//! Pieces of a lake are lost, and it is repaired.

use std::fs;
use std::path::{Path, PathBuf};

use super::{Ran, files, run};

/// A piece of a lake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    /// A part.
    Part,
    /// A manifest.
    Manifest,
    /// A partial summary.
    Partial,
    /// A summary table.
    Table,
    /// Everything that is parcap's own: what a tool leaves out that skips names with an underscore.
    Own,
}

impl Piece {
    pub(crate) const ALL: [Self; 5] = [Self::Part, Self::Manifest, Self::Partial, Self::Table, Self::Own];

    /// The files of a lake that are such pieces.
    pub(crate) fn files(self, lake: &Path) -> Vec<PathBuf> {
        let below = match self {
            Self::Part => "packets",
            Self::Manifest => "_parcap/manifest",
            Self::Partial => "_parcap/partials",
            Self::Table => "summaries",
            Self::Own => return vec![lake.join("_parcap")],
        };
        files(&lake.join(below)).into_iter().map(|path| lake.join(below).join(path)).collect()
    }

    /// Takes one away: the `place`-th of them, counted around. Whether there was any.
    pub(crate) fn lose(self, lake: &Path, place: usize) -> bool {
        let files = self.files(lake);
        let Some(lost) = files.get(place % files.len().max(1)) else { return false };
        if lost.is_dir() {
            fs::remove_dir_all(lost).unwrap();
        } else {
            fs::remove_file(lost).unwrap();
        }
        true
    }
}

/// Repairs a lake: what it said, after it has found nothing more to mend. Status 3 says that something is gone for good.
pub(crate) fn repair(lake: &Path) -> Ran {
    let repaired = run(["verify", lake.to_str().unwrap(), "--repair", "--deep"]);
    assert!(matches!(repaired.status, Some(0 | 3)), "{repaired:?}");
    let again = run(["verify", lake.to_str().unwrap(), "--repair"]);
    assert_eq!(again.status, Some(0), "{again:?}");
    assert!(again.stdout.starts_with("nothing to repair\n"), "{again:?}");
    repaired
}

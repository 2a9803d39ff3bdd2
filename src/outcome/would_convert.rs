//! What a dry run found.

use std::fmt::Write as _;
use std::path::PathBuf;

use indicatif::{BinaryBytes, HumanCount};
use serde::Serialize;

use crate::path_text;
use crate::tables::aligned;
use crate::text::{name, plural_of};

use super::report::Report;

/// A capture that a run would convert.
#[derive(Debug, Serialize)]
pub struct WouldConvert {
    /// The path as it was given, or found.
    #[serde(with = "path_text")]
    pub path: PathBuf,
    /// Bytes of the file as it is, compressed or not. `None` for standard input.
    pub bytes: Option<u64>,
    /// Why.
    #[serde(flatten)]
    pub why: Why,
}

/// Why a capture would be converted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "why", rename_all = "snake_case")]
pub enum Why {
    /// The lake does not have it.
    New,
    /// It comes through standard input or a FIFO, and is known only once it has been read.
    Stdin,
    /// The lake may have it as another file that is gone: it was compressed or decompressed.
    Repacked {
        /// That file.
        #[serde(with = "path_text")]
        was: PathBuf,
    },
    /// It begins with all that the lake has of another capture, and replaces it.
    GoesOn {
        /// That capture.
        #[serde(with = "path_text")]
        was: PathBuf,
    },
    /// Its content differs from what the lake has.
    Changed {
        /// Bytes of the file that the lake has.
        was_bytes: u64,
    },
    /// It was being written when it was converted.
    Open,
    /// Some of its rows were lost with a part of the lake.
    Incomplete,
    /// It could not be read to its end.
    Unreadable,
    /// It was damaged, and `--retry-damaged` asks to try again.
    DamagedAndRetried,
    /// It was refused. It has changed since, or `--retry-damaged` or `--force` asks to try again.
    RefusedAndRetried,
    /// It is unchanged, and `--force` asks for it.
    Forced,
    /// It was left out as a duplicate, and the capture in its place is replaced.
    NotStoodForAnyMore,
}

impl Why {
    /// The reason in a few words.
    fn text(&self) -> String {
        match self {
            Self::New => "new".to_owned(),
            Self::Stdin => "standard input".to_owned(),
            Self::Repacked { was } => format!("perhaps what was {}", name(was)),
            Self::GoesOn { was } => format!("goes on from {}", name(was)),
            Self::Changed { was_bytes } => format!("changed, was {}", BinaryBytes(*was_bytes)),
            Self::Open => "was being written".to_owned(),
            Self::Incomplete => "rows of it were lost".to_owned(),
            Self::Unreadable => "could not be read".to_owned(),
            Self::DamagedAndRetried => "damaged, looked at again".to_owned(),
            Self::RefusedAndRetried => "refused, looked at again".to_owned(),
            Self::Forced => "forced".to_owned(),
            Self::NotStoodForAnyMore => "its double changed".to_owned(),
        }
    }
}

impl Report {
    /// What a dry run found: a line for each capture, with its size and why it would be converted; then the sum of all.
    #[must_use]
    pub fn would_convert_in_words(&self) -> String {
        let captures = self.would_convert.as_deref().unwrap_or_default();
        let size = |capture: &WouldConvert| {
            capture.bytes.map_or_else(|| "-".to_owned(), |bytes| BinaryBytes(bytes).to_string())
        };
        let lines: Vec<_> =
            captures.iter().map(|capture| [size(capture), capture.why.text(), name(&capture.path)]).collect();
        let mut text = aligned(&lines, &[0]);
        let _ = write!(
            text,
            "would convert {} of {}",
            plural_of(self.inputs, "capture", "captures"),
            BinaryBytes(self.bytes_in)
        );
        for (count, what) in self.others() {
            let _ = write!(text, ", {} {what}", HumanCount(count));
        }
        text.push('\n');
        text
    }
}

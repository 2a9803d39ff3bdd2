//! What a dry run found.

use std::path::PathBuf;

use serde::Serialize;

use crate::path_text;

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
    /// It was damaged, and damaged captures are tried again.
    DamagedAndRetried,
    /// It was refused. It has changed since, or refused captures are tried again.
    RefusedAndRetried,
    /// It is unchanged, and all captures are converted by force.
    Forced,
    /// It was left out as a duplicate, and the capture in its place is replaced.
    NotStoodForAnyMore,
}

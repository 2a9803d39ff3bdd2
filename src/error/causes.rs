//! What errors say as data, for a program that makes sentences of its own.

use std::fmt;
use std::path::PathBuf;

use crate::cancel::Interrupted;
use crate::memory::TooLittle;
use crate::path_text::printable;

use super::Error;

/// A name that matches nothing in a lake, or more than one thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unheld {
    /// The name as it was given, as text.
    pub name: String,
    /// What the lake does: `holds nothing of it` …
    pub why: &'static str,
    /// What may be meant: paths, or names of streams.
    pub instead: Vec<String>,
}

/// What a lake lacks that is not whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lack {
    /// A manifest.
    Manifest,
    /// A manifest that names a file which is there.
    Mention,
    /// A partial summary.
    Sums,
}

/// What something is taken for that was not made by this program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Foreign {
    /// A unit of a plan.
    Unit,
    /// The result of a unit.
    Result,
    /// A staged file of a unit.
    StagedFile,
}

impl fmt::Display for Foreign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unit => "a unit of a plan",
            Self::Result => "the result of a unit",
            Self::StagedFile => "a staged file of a unit",
        })
    }
}

/// Why what was uploaded for a commit does not serve it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LostUploads {
    /// An upload was gone when it was needed. The commit was undone.
    Gone {
        /// The lake.
        lake: PathBuf,
    },
    /// The first one is so old that the store may end it while the commit is carried out. Nothing was decided, and all were given up.
    Old {
        /// The lake.
        lake: PathBuf,
        /// The age of the first one, in whole hours.
        hours: i64,
    },
}

impl fmt::Display for LostUploads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gone { lake } => {
                write!(f, "{}: an upload was gone when it was needed, so the commit was undone", lake.display())
            }
            Self::Old { lake, hours } => write!(
                f,
                "{}: an upload of this commit was begun {hours} hours ago, and stores end uploads after a day or a few; nothing was committed, and what was uploaded is given up",
                lake.display()
            ),
        }
    }
}

/// Why a lake is no Delta table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoDelta {
    /// Its times are in nanoseconds, of which Delta has no type.
    Nanoseconds {
        /// The lake.
        lake: PathBuf,
    },
    /// It has no Delta log, and removed parts are to be retained.
    Retaining {
        /// The lake.
        lake: PathBuf,
    },
}

impl fmt::Display for NoDelta {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nanoseconds { lake } => {
                write!(f, "{}: its times are in nanoseconds, and a Delta table has microseconds", lake.display())
            }
            Self::Retaining { lake } => write!(
                f,
                "{}: removed parts cannot be retained, for the lake has no Delta log: readers of its files would count their rows twice",
                lake.display()
            ),
        }
    }
}

/// Why packets cannot be extracted as asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotExtracted {
    /// The lake lacks a column that says where packets are.
    LacksColumn {
        /// The lake.
        lake: PathBuf,
        /// The column.
        column: &'static str,
    },
    /// The rows that name packets cannot be read.
    Rows {
        /// Where they come from.
        name: String,
        /// What is wrong with them.
        problem: String,
    },
    /// The packets do not fit into a pcap.
    NoPcap {
        /// Why not.
        problem: String,
    },
    /// The file that is to be written is a capture of the lake.
    OverCapture {
        /// The file.
        path: PathBuf,
    },
}

impl fmt::Display for NotExtracted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LacksColumn { lake, column } => {
                write!(f, "{}: has no column `{column}`, which says where a packet is", printable(lake))
            }
            Self::Rows { name, problem } => write!(f, "{name}: {problem}"),
            Self::NoPcap { problem } => write!(f, "the packets do not fit into a pcap: {problem}"),
            Self::OverCapture { path } => {
                write!(f, "{}: is a capture of the lake, and would be overwritten", printable(path))
            }
        }
    }
}

/// Why a table cannot be made as asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhyLeftOut {
    /// A bound of the times lies within a window.
    WithinWindow,
    /// Its windows would begin with the first packet, and it is by protocol.
    FromFirst,
    /// The lake was begun by a version that did not count it.
    BegunBefore,
    /// Flows were not counted.
    NoFlows,
    /// What it was, or is, not counted by. As text, after a colon.
    Counted(&'static str),
}

impl fmt::Display for WhyLeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::WithinWindow => "a bound of the times lies within one of its windows",
            Self::FromFirst => "windows that begin with the first packet are for all protocols together",
            Self::BegunBefore => "the lake was begun by an earlier version, which did not count this",
            Self::NoFlows => "the lake was begun without flows",
            Self::Counted(why) => why,
        })
    }
}

impl From<Interrupted> for Error {
    fn from(Interrupted { signal }: Interrupted) -> Self {
        Self::Interrupted { signal }
    }
}

impl From<TooLittle> for Error {
    fn from(TooLittle { given_mib, needed_mib }: TooLittle) -> Self {
        Self::TooLittleMemory { given_mib, needed_mib }
    }
}

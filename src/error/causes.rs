//! What errors say as data, for a program that makes sentences of its own.

use std::fmt;

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

/// Why a table cannot be made as asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhyLeftOut {
    /// A bound of the times lies within a window.
    WithinWindow,
    /// Its windows would begin with the first packet, and it is by protocol.
    FromFirst,
    /// What it was, or is, not counted by. As text, after a colon.
    Counted(&'static str),
}

impl fmt::Display for WhyLeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::WithinWindow => "a bound of the times lies within one of its windows",
            Self::FromFirst => "windows that begin with the first packet are for all protocols together",
            Self::Counted(why) => why,
        })
    }
}

//! `parcap convert --dry-run`: which captures would be converted, and why each of them.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use indicatif::{BinaryBytes, HumanCount};
use serde::Serialize;

use crate::commit::{Holdings, InputEntry};
use crate::discover::{Input, path_text};
use crate::read::DamageKind;
use crate::summary::aligned;

use super::report::Report;
use super::tonight::{Rules, Tonight, is_same_content};
use super::words::{name, plural_of};

/// A capture that a run would convert.
#[derive(Debug, Serialize)]
pub struct WouldConvert {
    /// As it was named or met.
    #[serde(with = "path_text")]
    pub path: PathBuf,
    /// Bytes of the file, packed where it is packed; none of what comes through standard input.
    pub bytes: Option<u64>,
    /// Why.
    #[serde(flatten)]
    pub why: Why,
}

/// Why a capture would be converted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "why", rename_all = "snake_case")]
pub enum Why {
    /// The lake does not hold it.
    New,
    /// It comes through standard input or a FIFO, and is known only once it has been read.
    Stdin,
    /// The lake may hold it as another file that is gone: it was compressed, or unpacked.
    Repacked {
        /// That file.
        #[serde(with = "path_text")]
        was: PathBuf,
    },
    /// It begins with all that the lake holds of another one, which it replaces.
    GoesOn {
        /// That capture.
        #[serde(with = "path_text")]
        was: PathBuf,
    },
    /// Its content is not that which the lake holds.
    Changed {
        /// Bytes of the file that the lake holds.
        was_bytes: u64,
    },
    /// It was being written when it was converted.
    Open,
    /// Rows of it were lost with a part of the lake.
    Incomplete,
    /// It could not be read to its end.
    Unreadable,
    /// It was damaged, and `--retry-damaged` asks for another look.
    DamagedAndRetried,
    /// It was refused as it was then, and has changed since, or `--retry-damaged` or `--force` asks for another look.
    RefusedAndRetried,
    /// It is as it was, and `--force` asks for it.
    Forced,
    /// It was left out, and the capture that stands for it is replaced.
    NotStoodForAnyMore,
}

impl Why {
    /// In a few words.
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

    fn of(input: &Input, entry: Option<&InputEntry>, tonight: &Tonight, held: &Holdings, rules: &Rules) -> Self {
        let Some(entry) = entry else {
            let of_it = |(absolute, id): &(PathBuf, usize)| (*absolute == input.absolute).then_some(*id);
            let entry = |list: &[(PathBuf, usize)]| list.iter().find_map(of_it).and_then(|id| held.inputs.get(&id));
            if let Some(was) = entry(&tonight.goes_on) {
                return Self::GoesOn { was: was.input.path.clone() };
            }
            let was = entry(&tonight.may_be);
            let refused = held.quarantine.get(&input.absolute);
            return match was {
                _ if input.is_stdin() => Self::Stdin,
                Some(was) => Self::Repacked { was: was.input.path.clone() },
                None if refused.is_some_and(|refused| !refused.retired) => Self::RefusedAndRetried,
                None if refused.is_some() && rules.force => Self::Forced,
                None => Self::New,
            };
        };
        let damage = entry.found.damage.as_ref();
        if !is_same_content(&entry.input, input) {
            Self::Changed { was_bytes: entry.input.size }
        } else if rules.force {
            Self::Forced
        } else if entry.is_open() {
            Self::Open
        } else if entry.lost_rows > 0 {
            Self::Incomplete
        } else if damage.is_some_and(|damage| damage.kind == DamageKind::Unreadable) {
            Self::Unreadable
        } else if damage.is_some() {
            Self::DamagedAndRetried
        } else {
            Self::NotStoodForAnyMore
        }
    }
}

/// The captures that would be converted, in the order in which they were named and met.
pub(super) fn would_convert(tonight: &Tonight, held: &Holdings, rules: &Rules) -> Vec<WouldConvert> {
    // One that was renamed is known by its content.
    let met: HashMap<&Path, usize> =
        tonight.met_again.iter().map(|met| (met.seen.absolute.as_path(), met.input)).collect();
    let of = |input: &Input| {
        let met = met.get(input.absolute.as_path()).and_then(|id| held.inputs.get(id));
        let entry = met.map(AsRef::as_ref).or_else(|| held.input_at(&input.absolute));
        WouldConvert {
            path: input.path.clone(),
            bytes: (!input.is_stdin()).then_some(input.size),
            why: Why::of(input, entry, tonight, held, rules),
        }
    };
    tonight.convert.iter().map(of).collect()
}

impl Report {
    /// What a dry run found: a line for each capture, with its size and why it would be converted; and the sum of all.
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

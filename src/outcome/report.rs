//! What a run reports when it ends.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::capture::{Damage, Gaps};
use crate::discover::Refusal;
use crate::error::{Error, Result};
use crate::lake::{FileStamp, InputEntry, Layout, RefusedEntry};
use crate::names::Asked;
use crate::outcome::RunOutcome;
use crate::path_text;
use crate::plan::NamedCounts;
use crate::summary::{Naming, Preview};
use crate::text::{name, plural_of, time};

use super::away::Away;
use super::changing::{ChangedMeanwhile, Changing};
use super::lost::Lost;
use super::max_damaged::MaxDamaged;
use super::would_convert::WouldConvert;

/// The report of one run.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    /// The lake.
    #[serde(with = "path_text")]
    pub lake: PathBuf,
    /// Captures converted.
    pub inputs: u64,
    /// Commits of the run. There is none if nothing had changed.
    pub commits: u64,
    /// Captures that they added.
    #[serde(skip)]
    pub committed: u64,
    /// Captures that the lake already has, unchanged. They were not opened.
    pub unchanged: u64,
    /// Of these, captures with another time of modification and the same content.
    pub touched: u64,
    /// Captures that were converted again and replace what the lake had of them.
    pub replaced: u64,
    /// Captures that were modified a moment ago. They were left alone.
    pub settling: u64,
    /// Files that were refused before and have not changed. They were not opened.
    pub quarantined: u64,
    /// Captures that were removed from the lake for their age and have not changed. They were not opened.
    pub retired: u64,
    /// Files that the walk found, that are no captures and do not claim to be.
    pub stepped_over: u64,
    /// Captures of the given paths that are in the lake but no longer exist.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub captures_missing: Option<u64>,
    /// Time of the newest packet in the lake, in seconds since the Unix epoch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub newest_packet_timestamp_seconds: Option<f64>,
    /// Places where captures should be but none are. The run then failed, and did nothing.
    pub away: Vec<Away>,
    /// The files that the lake has lost.
    #[serde(flatten)]
    pub lost: Lost,
    /// Packet records framed.
    pub records: u64,
    /// Rows written.
    pub rows: u64,
    /// Bytes of the captures, as they are in the files: compressed ones of compressed captures.
    pub bytes_in: u64,
    /// What a dry run would convert.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub would_convert: Option<Vec<WouldConvert>>,
    /// Bytes of the parts.
    pub bytes_out: u64,
    /// Parts.
    pub parts: u64,
    /// How long the run took.
    pub seconds: f64,
    /// Packets converted per second.
    pub packets_per_second: f64,
    /// Captures with damage. The lake has their rows up to the fault and, with salvage, what was found after it.
    pub damaged: Vec<Damaged>,
    /// Captures that were being written, or changed otherwise, while they were read. The next run converts them again.
    pub changing: Vec<ChangedMeanwhile>,
    /// Captures that are in the lake and have another name now.
    pub renamed: Vec<Renamed>,
    /// Captures that replaced others of the same name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub overwritten: Vec<Overwritten>,
    /// Inputs that gave no rows, and why.
    pub refused: Vec<RefusedEntry>,
    /// Named counts of what is odd in the captures.
    pub odd: NamedCounts,
    /// The part of `odd` that no snapshot length explains.
    #[serde(skip)]
    pub unusual: NamedCounts,
    /// What reverse lookups gave, if names were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub names: Option<Asked>,
    /// Other notes for the user.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// Captures with the same content as another one. The lake has both, unless one is left out.
    pub duplicates: Vec<Duplicate>,
    /// The first rows of the summary tables, over the dates that the run touched.
    pub summaries: Vec<Preview>,
}

/// A capture with damage.
#[derive(Debug, Serialize)]
pub struct Damaged {
    /// The capture.
    #[serde(with = "path_text")]
    pub path: PathBuf,
    /// Records converted: those before the fault and, with salvage, also those after it.
    pub records: u64,
    /// The fault; with salvage, the first one.
    pub damage: Damage,
    /// The fault as text.
    pub message: String,
    /// What salvage stepped over.
    #[serde(skip_serializing_if = "Gaps::is_empty")]
    pub gaps: Gaps,
}

/// Two captures with the same content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Duplicate {
    /// The later one.
    #[serde(with = "path_text")]
    pub path: PathBuf,
    /// The earlier one.
    #[serde(with = "path_text")]
    pub same_as: PathBuf,
    /// Whether only the earlier one is in the lake.
    #[serde(rename = "left_out")]
    pub deduplicated: bool,
    /// Whether the later one is cut, and the earlier one begins as it does.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub beginning: bool,
}

/// A capture that took the name of another one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Overwritten {
    /// Their name.
    #[serde(with = "path_text")]
    pub path: PathBuf,
    /// Packets that the lake had of the other capture.
    pub packets: u64,
}

/// A capture under a new name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Renamed {
    /// Its name now.
    #[serde(with = "path_text")]
    pub path: PathBuf,
    /// Its name before.
    #[serde(with = "path_text")]
    pub was: PathBuf,
}

impl Report {
    /// Adds a capture that was converted, and says how it changed meanwhile.
    pub fn add(&mut self, entry: &InputEntry, how: Changing) {
        self.bytes_in = self.bytes_in.saturating_add(entry.input.size);
        if let Some(refused) = RefusedEntry::of(entry) {
            self.refused.push(refused);
            return;
        }
        self.inputs += 1;
        if how != Changing::No {
            self.changing.push(ChangedMeanwhile { path: entry.input.path.clone(), how });
        }
        if let Some(damage) = entry.found.damage.as_ref().filter(|_| !how.is_open()) {
            self.damaged.push(Damaged {
                path: entry.input.path.clone(),
                records: entry.found.records,
                damage: damage.clone(),
                message: damage.to_string(),
                gaps: entry.found.gaps.clone(),
            });
        }
        self.odd.add_all(&entry.found.odd);
        self.unusual.add_all(&entry.found.unusual());
    }

    /// Adds an input that is no capture.
    pub(crate) fn refuse(&mut self, path: PathBuf, refusal: &Refusal, seen: Option<FileStamp>) {
        let (reason, hint) = (refusal.to_string(), refusal.advice());
        self.refused.push(RefusedEntry { path, reason, hint, seen, retired: false });
    }

    /// Notes how many objects are in an archive of their store: a bucket may have thousands.
    pub(crate) fn note_archived(&mut self) {
        let reason = Refusal::Archived.to_string();
        let archived = self.refused.iter().filter(|refused| refused.reason == reason).count() as u64;
        if archived > 1 {
            self.notes.push(format!(
                "{archived} objects are archived by their store and were not read; each run tries them again"
            ));
        }
    }

    /// Checks that no more captures are damaged or refused than allowed. `to_come` are captures that the run has not converted yet.
    ///
    /// # Errors
    /// [`Error::TooManyDamaged`] if there are more.
    pub(crate) fn check(&self, max_damaged: Option<MaxDamaged>, to_come: u64) -> Result<()> {
        let damaged = (self.damaged.len() + self.refused.len()) as u64;
        let all = self.inputs + self.refused.len() as u64 + to_come;
        match max_damaged {
            Some(most) if most.is_exceeded(damaged, all) => {
                Err(Error::TooManyDamaged { damaged, all, commits: self.commits })
            }
            _ => Ok(()),
        }
    }

    /// Notes what reverse lookups gave, and what is wrong with a source of names.
    pub(crate) fn note_names(&mut self, naming: &Naming, asked: Option<Asked>) {
        let problem = asked.as_ref().and_then(|asked| asked.problem.clone());
        for note in naming.notes().chain(problem) {
            // Each portion of a run says it.
            if !self.notes.contains(&note) {
                self.notes.push(note);
            }
        }
        self.names = match (self.names.take(), asked) {
            (Some(before), Some(asked)) => Some(before.and(asked)),
            (before, asked) => before.or(asked),
        };
    }

    /// Notes what a run found out about its lake: what the file system cannot do, and what the Delta log lacks.
    pub(crate) fn note_lake(&mut self, lake: &Layout) {
        self.notes.extend(lake.notes());
        self.lost.delta_lacks = lake.delta_lacks();
    }

    /// Notes in one line the files whose time of modification is in the future: some clock is wrong.
    pub(crate) fn note_future(&mut self, files: &[(PathBuf, i64)]) {
        let Some((path, modified)) = files.first() else { return };
        let (more, they) = match files.len() as u64 - 1 {
            0 => (String::new(), "it counts"),
            more => (format!(", as {} were", plural_of(more, "other", "others")), "they count"),
        };
        self.notes.push(format!(
            "{}: was modified at {} by its time{more}, which is in the future; {they} as settled",
            name(path),
            time(modified / 1000)
        ));
    }

    /// How many captures have which state.
    #[must_use]
    pub fn states(&self) -> [(&'static str, u64); 9] {
        let open = self.changing.iter().filter(|changing| changing.how.is_open()).count() as u64;
        [
            ("converted", self.inputs),
            ("replaced", self.replaced),
            ("unchanged", self.unchanged),
            ("damaged", self.damaged.len() as u64),
            ("refused", self.refused.len() as u64),
            ("quarantined", self.quarantined),
            ("retired", self.retired),
            ("open", open),
            ("settling", self.settling),
        ]
    }

    /// The figures of the run, for its line in a log.
    #[must_use]
    pub fn figures(&self) -> Vec<(&'static str, serde_json::Number)> {
        let mut figures: Vec<(_, serde_json::Number)> =
            self.states().into_iter().map(|(name, count)| (name, count.into())).collect();
        for (name, count) in [
            ("records", self.records),
            ("rows", self.rows),
            ("bytes_in", self.bytes_in),
            ("bytes_out", self.bytes_out),
            ("parts", self.parts),
        ] {
            figures.push((name, count.into()));
        }
        figures.extend(self.captures_missing.map(|missing| ("captures_missing", missing.into())));
        let newest = self.newest_packet_timestamp_seconds;
        for (name, seconds) in [("newest_packet_timestamp_seconds", newest), ("seconds", Some(self.seconds))] {
            figures.extend(seconds.and_then(serde_json::Number::from_f64).map(|seconds| (name, seconds)));
        }
        figures
    }

    /// How the run went.
    #[must_use]
    pub fn outcome(&self) -> RunOutcome {
        if !self.away.is_empty() {
            return RunOutcome::Failed;
        }
        let unreliable =
            |changed: &ChangedMeanwhile| matches!(changed.how, Changing::Shrank { .. } | Changing::Rewritten);
        let is_complete = self.damaged.is_empty()
            && self.refused.is_empty()
            && self.lost.is_empty()
            && !self.changing.iter().any(unreliable);
        if is_complete { RunOutcome::Complete } else { RunOutcome::Incomplete }
    }
}

/// Packets a second.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "a rate for people")]
pub(crate) fn per_second(records: u64, seconds: f64) -> f64 {
    if seconds > 0.0 { records as f64 / seconds } else { 0.0 }
}

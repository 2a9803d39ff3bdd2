//! What a run says of itself when it ends.

use std::fmt::Write as _;
use std::path::PathBuf;

use indicatif::{DecimalBytes, HumanCount};
use serde::Serialize;

use crate::commit::{InputEntry, NamedCounts, RefusedEntry, Seen};
use crate::discover::{Refusal, path_text};
use crate::error::{Error, Result};
use crate::exit_code::ExitCode;
use crate::names::Asked;
use crate::read::{Damage, Gaps};
use crate::summary::{Listed, Naming};

use super::convert::MaxDamaged;

/// Captures that are noted one by one, if there is nothing wrong with them.
const NOTES: usize = 10;

/// The report of one run; `--format json` prints it as it is.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    /// The lake.
    #[serde(with = "path_text")]
    pub lake: PathBuf,
    /// Captures converted.
    pub inputs: u64,
    /// Captures that the lake held already, unchanged; they were not opened.
    pub unchanged: u64,
    /// Of these, captures with another time of modification, and the same content.
    pub touched: u64,
    /// Captures that were converted in place of what the lake held of them.
    pub replaced: u64,
    /// Captures that were modified a moment ago, and left alone.
    pub settling: u64,
    /// Files that were refused before, and are as they were; they were not opened.
    pub quarantined: u64,
    /// Files met while walking that are no captures and do not claim to be.
    pub stepped_over: u64,
    /// Packet records framed.
    pub records: u64,
    /// Rows written.
    pub rows: u64,
    /// Bytes of the captures, packed where they are packed.
    pub bytes_in: u64,
    /// Bytes of the parts.
    pub bytes_out: u64,
    /// Parts.
    pub parts: u64,
    /// How long the run took.
    pub seconds: f64,
    /// Packets converted per second.
    pub packets_per_second: f64,
    /// Captures with damage; their rows up to the fault are in the lake, and with `--salvage` what was found behind it.
    pub damaged: Vec<Damaged>,
    /// Captures that were being written, or changed otherwise, while they were read; the next run converts them again.
    pub changing: Vec<ChangedMeanwhile>,
    /// Captures that the lake holds, and that have another name now.
    pub renamed: Vec<Renamed>,
    /// What gave no rows, and why.
    pub refused: Vec<RefusedEntry>,
    /// Named counts of what is odd in the captures.
    pub odd: NamedCounts,
    /// What reverse lookups gave, if names were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub names: Option<Asked>,
    /// What else a person should know.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// Captures with the same content as another one; both are in the lake, unless one is left out.
    pub duplicates: Vec<Duplicate>,
    /// The beginnings of the summary tables, over the dates that the run touched.
    pub summaries: Vec<Listed>,
}

/// A capture with damage.
#[derive(Debug, Serialize)]
pub struct Damaged {
    /// The capture.
    #[serde(with = "path_text")]
    pub path: PathBuf,
    /// Records converted: those before the fault, and with `--salvage` also those behind it.
    pub records: u64,
    /// The fault, or with `--salvage` the first one.
    pub damage: Damage,
    /// The fault in words.
    pub message: String,
    /// What `--salvage` stepped over.
    #[serde(skip_serializing_if = "Gaps::is_empty")]
    pub gaps: Gaps,
}

/// Two captures with the same content.
#[derive(Debug, Serialize)]
pub struct Duplicate {
    /// The later one.
    #[serde(with = "path_text")]
    pub path: PathBuf,
    /// The earlier one.
    #[serde(with = "path_text")]
    pub same_as: PathBuf,
    /// Whether only the earlier one is in the lake.
    pub left_out: bool,
}

/// A capture under a new name.
#[derive(Debug, Serialize)]
pub struct Renamed {
    /// Its name now.
    #[serde(with = "path_text")]
    pub path: PathBuf,
    /// Its name before.
    #[serde(with = "path_text")]
    pub was: PathBuf,
}

/// A capture that was not the same when it had been read.
#[derive(Debug, Serialize)]
pub struct ChangedMeanwhile {
    /// The capture.
    #[serde(with = "path_text")]
    pub path: PathBuf,
    /// In which way.
    #[serde(flatten)]
    pub how: Changing,
}

/// What became of a capture while it was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "how", rename_all = "lowercase")]
pub enum Changing {
    /// Nothing.
    No,
    /// It is being written: it grew, or somebody has it open and its last packet is not whole.
    Grows,
    /// It is shorter now.
    Shrank {
        /// Bytes when it was found.
        from: u64,
        /// Bytes when it had been read.
        to: u64,
    },
    /// Its content is another one.
    Rewritten,
    /// It is not there any more; what was read of it is in the lake.
    Gone,
}

impl Changing {
    /// Whether more of it will come.
    #[must_use]
    pub fn is_open(self) -> bool {
        self == Self::Grows
    }
}

impl Damaged {
    /// The faults in words: all that `--salvage` met, as far as they are kept, else the one.
    fn faults(&self) -> Vec<String> {
        let mut faults: Vec<_> = self.gaps.first.iter().map(|gap| gap.damage.to_string()).collect();
        if faults.is_empty() {
            faults.push(self.message.clone());
        }
        match self.gaps.count.saturating_sub(faults.len() as u64) {
            0 => {}
            more => faults.push(plural_of(more, "more fault", "more faults")),
        }
        faults
    }

    /// What became of the packets, and what else can be done.
    fn hint(&self) -> String {
        let before = self.damage.frame.saturating_sub(1);
        let Gaps { count, bytes, .. } = self.gaps;
        if count > 0 {
            return format!(
                "{} before it and {} behind it were converted; {} in {} {} given up",
                plural_of(before, "packet", "packets"),
                HumanCount(self.records.saturating_sub(before)),
                plural_of(bytes, "byte", "bytes"),
                plural_of(count, "gap", "gaps"),
                if bytes == 1 { "was" } else { "were" },
            );
        }
        let hint = match before {
            0 => "no packet before it could be converted".to_owned(),
            1 => "the packet before it was converted".to_owned(),
            count => format!("the {} packets before it were converted", HumanCount(count)),
        };
        let more =
            if self.damage.may_be_salvaged() { "; `--salvage --retry-damaged` looks for more behind it" } else { "" };
        hint + more
    }
}

impl Report {
    /// Adds a capture that was converted, and perhaps changed meanwhile.
    pub fn add(&mut self, entry: &InputEntry, how: Changing) {
        self.bytes_in += entry.input.size;
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
    }

    /// Adds what was no capture.
    pub(super) fn refuse(&mut self, path: PathBuf, refusal: &Refusal, seen: Option<Seen>) {
        let hint = refusal.hint().map(str::to_owned);
        self.refused.push(RefusedEntry { path, reason: refusal.to_string(), hint, seen });
    }

    /// Whether no more captures are damaged or refused than may be.
    ///
    /// # Errors
    /// [`Error::TooManyDamaged`] if there are more.
    pub(super) fn check(&self, max_damaged: Option<MaxDamaged>) -> Result<()> {
        let damaged = (self.damaged.len() + self.refused.len()) as u64;
        let all = self.inputs + self.refused.len() as u64;
        match max_damaged {
            Some(most) if most.is_exceeded(damaged, all) => {
                Err(Error::TooManyDamaged { complaints: self.complaints(), damaged, all })
            }
            _ => Ok(()),
        }
    }

    /// As [`Report::check`], for a run that ends here.
    pub(super) fn within(self, max_damaged: Option<MaxDamaged>) -> Result<Self> {
        self.check(max_damaged).map(|()| self)
    }

    /// Notes what reverse lookups gave, and what is wrong with what was known of earlier ones.
    pub(super) fn note_names(&mut self, naming: &mut Naming, asked: Option<Asked>) {
        self.notes.extend(naming.ptr().and_then(|cache| cache.note().map(str::to_owned)));
        self.notes.extend(asked.as_ref().and_then(|asked| asked.problem.clone()));
        self.names = asked;
    }

    /// How many captures had which fate.
    #[must_use]
    pub fn states(&self) -> [(&'static str, u64); 8] {
        let open = self.changing.iter().filter(|changing| changing.how.is_open()).count() as u64;
        [
            ("converted", self.inputs),
            ("replaced", self.replaced),
            ("unchanged", self.unchanged),
            ("damaged", self.damaged.len() as u64),
            ("refused", self.refused.len() as u64),
            ("quarantined", self.quarantined),
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
        figures.extend(serde_json::Number::from_f64(self.seconds).map(|seconds| ("seconds", seconds)));
        figures
    }

    /// The exit status of a run with this report.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        let unreliable =
            |changed: &ChangedMeanwhile| matches!(changed.how, Changing::Shrank { .. } | Changing::Rewritten);
        let well = self.damaged.is_empty() && self.refused.is_empty() && !self.changing.iter().any(unreliable);
        if well { ExitCode::Success } else { ExitCode::Damaged }
    }

    /// One line for each input that was damaged or refused, and one for each duplicate, with a hint below where there is
    /// something to do.
    #[must_use]
    pub fn complaints(&self) -> String {
        let mut text = String::new();
        for damaged in &self.damaged {
            for fault in damaged.faults() {
                let _ = writeln!(text, "warning: {}: {fault}", name(&damaged.path));
            }
            let _ = writeln!(text, "hint: {}", damaged.hint());
        }
        for refused in &self.refused {
            let _ = writeln!(text, "error: {}: {}", name(&refused.path), refused.reason);
            if let Some(hint) = &refused.hint {
                let _ = writeln!(text, "hint: {hint}");
            }
        }
        let refused = |path: &PathBuf| self.refused.iter().any(|refused| refused.path == *path);
        let duplicates: Vec<_> = self.duplicates.iter().filter(|duplicate| !refused(&duplicate.path)).collect();
        for duplicate in duplicates.iter().take(NOTES) {
            let (path, same_as) = (name(&duplicate.path), name(&duplicate.same_as));
            let what = if duplicate.left_out { "it was left out" } else { "both are in the lake" };
            let _ = writeln!(text, "note: {path}: has the same content as {same_as}; {what}");
        }
        let _ = more(&mut text, duplicates.len(), "have the same content as another one");
        for renamed in self.renamed.iter().take(NOTES) {
            let (path, was) = (name(&renamed.path), name(&renamed.was));
            let _ = writeln!(text, "note: {path}: is what was {was}, and is not twice in the lake");
        }
        let _ = more(&mut text, self.renamed.len(), "have another name now");
        for ChangedMeanwhile { path, how } in &self.changing {
            let path = name(path);
            let _ = match how {
                Changing::No => Ok(()),
                Changing::Grows => writeln!(
                    text,
                    "note: {path}: is being written; it was converted up to its last whole packet, the next run replaces it"
                ),
                Changing::Shrank { from, to } => writeln!(
                    text,
                    "warning: {path}: shrank from {from} to {to} bytes while it was read; the next run converts it again"
                ),
                Changing::Rewritten => {
                    writeln!(text, "warning: {path}: was written to while it was read; the next run converts it again")
                }
                Changing::Gone => {
                    writeln!(text, "note: {path}: is not there any more; it was converted before it went")
                }
            };
        }
        for note in &self.notes {
            let _ = writeln!(text, "note: {note}");
        }
        text
    }

    /// The closing report, a few lines.
    #[must_use]
    pub fn closing(&self) -> String {
        let mut text = String::new();
        let _ = write!(text, "converted {} {}", HumanCount(self.inputs), plural(self.inputs, "capture", "captures"));
        for (count, what) in [
            (self.replaced, "replaced"),
            (self.unchanged, "unchanged"),
            (self.renamed.len() as u64, "renamed"),
            (self.settling, "too young"),
            (self.damaged.len() as u64, "damaged"),
            (self.refused.len() as u64, "refused"),
            (self.quarantined, "refused before"),
            (self.stepped_over, "stepped over"),
        ] {
            if count > 0 {
                let _ = write!(text, ", {} {what}", HumanCount(count));
            }
        }
        text.push('\n');
        if self.inputs == 0 {
            return text;
        }
        let _ = writeln!(
            text,
            "{} records, {} rows in {} {}",
            HumanCount(self.records),
            HumanCount(self.rows),
            HumanCount(self.parts),
            plural(self.parts, "part", "parts"),
        );
        let _ = writeln!(
            text,
            "{} in, {} out, {:.2} s, {} packets/s",
            DecimalBytes(self.bytes_in),
            DecimalBytes(self.bytes_out),
            self.seconds,
            HumanCount(whole(self.packets_per_second)),
        );
        if let Some(names) = &self.names {
            let _ = writeln!(text, "{names}");
        }
        if !self.odd.is_empty() {
            let odd: Vec<_> = self.odd.iter().map(|(name, count)| format!("{name} {}", HumanCount(count))).collect();
            let _ = writeln!(text, "odd: {}", odd.join(", "));
        }
        text
    }
}

/// Says how many captures are not noted one by one.
fn more(text: &mut String, count: usize, what: &str) -> std::fmt::Result {
    match count.saturating_sub(NOTES) {
        0 => Ok(()),
        left => writeln!(text, "note: {} more captures {what}; `--format json` names them", HumanCount(left as u64)),
    }
}

fn name(path: &std::path::Path) -> String {
    if path.as_os_str() == "-" { "stdin".to_owned() } else { path_text::printable(path) }
}

fn plural_of(count: u64, one: &'static str, many: &'static str) -> String {
    format!("{} {}", HumanCount(count), plural(count, one, many))
}

fn plural(count: u64, one: &'static str, many: &'static str) -> &'static str {
    if count == 1 { one } else { many }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rate is finite and not negative")]
fn whole(rate: f64) -> u64 {
    rate as u64
}

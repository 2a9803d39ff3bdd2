//! What a run says of itself when it ends.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;

use indicatif::{DecimalBytes, HumanCount};
use serde::Serialize;

use crate::commit::{InputEntry, RefusedEntry};
use crate::discover::{Refusal, path_text};
use crate::exit_code::ExitCode;
use crate::names::Asked;
use crate::read::{Damage, Gaps};
use crate::summary::{Listed, Naming};

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
    /// What gave no rows, and why.
    pub refused: Vec<RefusedEntry>,
    /// Named counts of what is odd in the captures.
    pub odd: BTreeMap<String, u64>,
    /// What reverse lookups gave, if names were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub names: Option<Asked>,
    /// What else a person should know.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// Captures with the same content as another one; both are in the lake.
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
        // The lake holds the capture now, and does not take it again.
        if self.damage.may_be_salvaged() {
            return hint + "; `--salvage`, into another lake, looks for more behind it";
        }
        self.damage.advice().map_or(hint.clone(), |advice| format!("{hint}; {advice}"))
    }
}

impl Report {
    /// Adds a capture that was converted.
    pub fn add(&mut self, entry: &InputEntry) {
        self.bytes_in += entry.input.size;
        if let Some(reason) = &entry.found.refused {
            let reason = reason.clone();
            self.refused.push(RefusedEntry { path: entry.input.path.clone(), reason, hint: None });
            return;
        }
        self.inputs += 1;
        if let Some(damage) = &entry.found.damage {
            self.damaged.push(Damaged {
                path: entry.input.path.clone(),
                records: entry.found.records,
                damage: damage.clone(),
                message: damage.to_string(),
                gaps: entry.found.gaps.clone(),
            });
        }
        for (name, count) in &entry.found.odd {
            *self.odd.entry(name.clone()).or_default() += count;
        }
    }

    /// Adds what was no capture.
    pub(super) fn refuse(&mut self, path: PathBuf, refusal: &Refusal) {
        let hint = refusal.hint().map(str::to_owned);
        self.refused.push(RefusedEntry { path, reason: refusal.to_string(), hint });
    }

    /// Notes what reverse lookups gave, and what is wrong with what was known of earlier ones.
    pub(super) fn note_names(&mut self, naming: &mut Naming, asked: Option<Asked>) {
        self.notes.extend(naming.ptr().and_then(|cache| cache.note().map(str::to_owned)));
        self.notes.extend(asked.as_ref().and_then(|asked| asked.problem.clone()));
        self.names = asked;
    }

    /// The exit status of a run with this report.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        if self.damaged.is_empty() && self.refused.is_empty() { ExitCode::Success } else { ExitCode::Damaged }
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
        for duplicate in self.duplicates.iter().filter(|duplicate| !refused(&duplicate.path)) {
            let (path, same_as) = (name(&duplicate.path), name(&duplicate.same_as));
            let _ = writeln!(text, "note: {path}: has the same content as {same_as}; both were converted");
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
            (self.unchanged, "unchanged"),
            (self.damaged.len() as u64, "damaged"),
            (self.refused.len() as u64, "refused"),
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
            let odd: Vec<_> = self.odd.iter().map(|(name, count)| format!("{name} {}", HumanCount(*count))).collect();
            let _ = writeln!(text, "odd: {}", odd.join(", "));
        }
        text
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

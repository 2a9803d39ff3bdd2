//! The messages of a run for its user, in sentences that name options: the report has the facts.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::path::PathBuf;

use indicatif::{DecimalBytes, HumanCount};

use crate::capture::{DamageKind, Gaps};
use crate::outcome::{Away, ChangedMeanwhile, Changing, Damaged, Duplicate, Overwritten, Report};
use crate::plan::CUT_BY_SNAP_LEN;
use crate::text::{name, plural, plural_of};

use super::hints;
use super::lost;

/// Captures without a fault that are noted one by one.
const NOTES: usize = 10;

/// What to do where captures should be but none are.
const MOUNT: &str =
    "mount its disk; if its captures were taken away on purpose, remove the folder, or give `--allow-empty`";
const MEND: &str = "mend the paths, or mount the archive; with `--allow-empty` a run without captures is no failure";

/// The faults as text: all that salvage kept, otherwise the single one.
fn faults(damaged: &Damaged) -> Vec<String> {
    let mut faults: Vec<_> = damaged.gaps.first.iter().map(|gap| gap.damage.to_string()).collect();
    if faults.is_empty() {
        faults.push(damaged.message.clone());
    }
    match damaged.gaps.count.saturating_sub(faults.len() as u64) {
        0 => {}
        more => faults.push(plural_of(more, "more fault", "more faults")),
    }
    faults
}

/// What became of the packets, and what more can be done.
fn hint(damaged: &Damaged) -> String {
    let before = damaged.damage.frame.saturating_sub(1);
    let Gaps { count, bytes, .. } = damaged.gaps;
    if count > 0 {
        return format!(
            "{} before it and {} after it were converted; {} in {} {} given up",
            plural_of(before, "packet", "packets"),
            HumanCount(damaged.records.saturating_sub(before)),
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
    if damaged.damage.may_be_salvaged() {
        return hint + "; `--salvage --retry-damaged` looks for more after it";
    }
    match damaged.damage.kind {
        DamageKind::CompressedRatio => hint + "; if it is no trap, unpack it and convert the unpacked file",
        DamageKind::CompressedWindow => hint + "; unpack it and convert the unpacked file, or give more `--memory`",
        _ => hint,
    }
}

/// What went wrong, then what is worth a note.
#[must_use]
pub fn complaints(report: &Report) -> String {
    wrongs(report) + &remarks(report)
}

/// One line for each input that was damaged, refused or changed, with a hint below if there is something to do.
#[must_use]
pub(super) fn wrongs(report: &Report) -> String {
    let mut text = String::new();
    for damaged in &report.damaged {
        for fault in faults(damaged) {
            let _ = writeln!(text, "warning: {}: {fault}", name(&damaged.path));
        }
        let _ = writeln!(text, "hint: {}", hint(damaged));
    }
    for refused in &report.refused {
        let _ = writeln!(text, "error: {}: {}", name(&refused.path), refused.reason);
        if let Some(hint) = &refused.hint {
            let _ = writeln!(text, "hint: {}", hints::advice(hint));
        }
    }
    text.push_str(&lost::words(&report.lost));
    let away = away_in_words(report);
    for (complaint, _) in &away {
        let _ = writeln!(text, "error: {complaint}");
    }
    if let Some((_, hint)) = away.last() {
        let _ = writeln!(text, "hint: {hint}");
    }
    for ChangedMeanwhile { path, how } in &report.changing {
        let path = name(path);
        let _ = match how {
            Changing::Shrank { from, to } => writeln!(
                text,
                "warning: {path}: shrank from {from} to {to} bytes while it was read; the next run converts it again"
            ),
            Changing::Rewritten => {
                writeln!(text, "warning: {path}: was written to while it was read; the next run converts it again")
            }
            Changing::No | Changing::Grows | Changing::Gone | Changing::Ended { .. } => Ok(()),
        };
    }
    for note in &report.notes {
        let _ = writeln!(text, "note: {note}");
    }
    text
}

/// One line for each capture that has no fault but is not what the user may expect.
fn remarks(report: &Report) -> String {
    let mut text = String::new();
    let refused: HashSet<&PathBuf> = report.refused.iter().map(|refused| &refused.path).collect();
    let duplicates: Vec<_> = report.duplicates.iter().filter(|duplicate| !refused.contains(&duplicate.path)).collect();
    for duplicate in duplicates.iter().take(NOTES) {
        let (path, same_as) = (name(&duplicate.path), name(&duplicate.same_as));
        let _ = match duplicate {
            Duplicate { beginning: true, .. } => writeln!(
                text,
                "note: {path}: is cut short, and {same_as} begins as it does and has more; it was left out"
            ),
            Duplicate { deduplicated: true, .. } => {
                writeln!(text, "note: {path}: has the same content as {same_as}; it was left out")
            }
            Duplicate { .. } => {
                writeln!(text, "note: {path}: has the same content as {same_as}; both are in the lake")
            }
        };
    }
    let _ = more(&mut text, duplicates.len(), "have the same content as another one");
    for renamed in report.renamed.iter().take(NOTES) {
        let (path, was) = (name(&renamed.path), name(&renamed.was));
        let _ = writeln!(text, "note: {path}: is what was {was}, and is not twice in the lake");
    }
    let _ = more(&mut text, report.renamed.len(), "have another name now");
    for Overwritten { path, packets } in report.overwritten.iter().take(NOTES) {
        let packets = plural_of(*packets, "packet", "packets");
        let _ = writeln!(
            text,
            "note: {}: is not what it was; it takes the place of the {packets} that the lake had of it",
            name(path)
        );
    }
    let _ = more(&mut text, report.overwritten.len(), "are not what they were");
    for ChangedMeanwhile { path, how } in &report.changing {
        let path = name(path);
        let _ = match how {
            Changing::Grows => writeln!(
                text,
                "note: {path}: is being written; it was converted up to its last whole packet, the next run replaces it"
            ),
            Changing::Gone => {
                writeln!(text, "note: {path}: is not there any more; it was converted before it went")
            }
            Changing::Ended { cut } => {
                let last = if *cut { "; its last packet had not come whole, and is left out" } else { "" };
                writeln!(text, "note: {path}: was ended by a signal; what had come of it was read{last}")
            }
            Changing::No | Changing::Shrank { .. } | Changing::Rewritten => Ok(()),
        };
    }
    text
}

/// The signs that the archive is not mounted, and what to do about it.
#[must_use]
pub(super) fn away_in_words(report: &Report) -> Vec<(String, &'static str)> {
    let held = report.away.iter().filter(|away| away.captures > 0);
    let held = held.map(|Away { path, captures }| {
        let captures = plural_of(*captures, "capture", "captures");
        (format!("{}: the lake holds {captures} of it, and none is left; nothing was done", name(path)), MOUNT)
    });
    let mut words: Vec<_> = held.collect();
    // Without a lake, everything has been said about the paths that were given.
    if words.is_empty() && !report.away.is_empty() && !report.lake.as_os_str().is_empty() {
        words.push(("nothing that was named leads to a capture, so nothing was done".to_owned(), MEND));
    }
    words
}

/// How many captures were not converted, by what became of them.
pub(super) fn others(report: &Report) -> impl Iterator<Item = (u64, &'static str)> + use<> {
    let others = [
        (report.replaced, "replaced"),
        (report.unchanged, "unchanged"),
        (report.renamed.len() as u64, "renamed"),
        (report.settling, "too young"),
        (report.damaged.len() as u64, "damaged"),
        (report.refused.len() as u64, "refused"),
        (report.quarantined, "refused before"),
        (report.retired, "taken out before"),
        (report.stepped_over, "stepped over"),
    ];
    others.into_iter().filter(|(count, _)| *count > 0)
}

/// The closing report, a few lines.
#[must_use]
pub(super) fn closing(report: &Report) -> String {
    let mut text = String::new();
    let _ = write!(text, "converted {} {}", HumanCount(report.inputs), plural(report.inputs, "capture", "captures"));
    for (count, what) in others(report) {
        let _ = write!(text, ", {} {what}", HumanCount(count));
    }
    text.push('\n');
    if report.inputs == 0 {
        return text;
    }
    let _ = writeln!(
        text,
        "{} records, {} rows in {} {}",
        HumanCount(report.records),
        HumanCount(report.rows),
        HumanCount(report.parts),
        plural(report.parts, "part", "parts"),
    );
    let _ = writeln!(
        text,
        "{} in, {} out, {:.2} s, {} packets/s",
        DecimalBytes(report.bytes_in),
        DecimalBytes(report.bytes_out),
        report.seconds,
        HumanCount(whole(report.packets_per_second)),
    );
    if let Some(names) = &report.names {
        let _ = writeln!(text, "{names}");
    }
    if let Some(cut) = report.odd.get(CUT_BY_SNAP_LEN) {
        let _ = writeln!(text, "{} cut by the snapshot length", plural_of(cut, "packet", "packets"));
    }
    if !report.unusual.is_empty() {
        let odd = report.unusual.iter().map(|(name, count)| format!("{name} {}", HumanCount(count)));
        let odd: Vec<_> = odd.collect();
        let _ = writeln!(text, "odd, and converted all the same: {}; `parcap inspect` explains", odd.join(", "));
    }
    text
}

/// Says how many captures are not noted one by one.
fn more(text: &mut String, count: usize, what: &str) -> std::fmt::Result {
    match count.saturating_sub(NOTES) {
        0 => Ok(()),
        left => writeln!(text, "note: {} more captures {what}; `--format json` names them", HumanCount(left as u64)),
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rate is finite and not negative")]
fn whole(rate: f64) -> u64 {
    rate as u64
}

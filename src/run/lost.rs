//! A run over a lake that has lost a file: what needs the file stays as it is and is named, the rest goes on.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::commit::{Change, Holdings, Lake, Losses, checked, is_loss, problem_of};
use crate::discover::{Input, path_text};
use crate::error::{Error, Result};
use crate::rewrite::read_to_take_out;
use crate::unit::{Cancel, in_order};

use super::tonight::Tonight;
use super::words::{name, plural_of};

/// Files and captures that are named one by one.
const NAMED: usize = 10;

/// What to do about files that are lost.
pub(super) const MEND: &str = "restore them from a backup; else `parcap verify LAKE --repair` says what is gone and makes the rest whole, and the next run converts again what is still in the archive";

/// A file of the lake that is not there any more, or is not the one that was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LostFile {
    /// Below the lake.
    #[serde(with = "path_text")]
    pub path: PathBuf,
    /// What is wrong with it.
    pub problem: String,
    /// Rows that were in it, if it is a part.
    pub rows: u64,
    /// The captures that have rows or sums in it.
    #[serde(with = "path_text::list")]
    pub captures: Vec<PathBuf>,
}

impl LostFile {
    /// What is known of a file by the manifests.
    pub(super) fn of(path: &Path, problem: &str, held: &Holdings) -> Self {
        let inputs: BTreeSet<_> = held.inputs_in(path).collect();
        let captures = inputs.iter().filter_map(|id| held.inputs.get(id)).map(|entry| entry.input.path.clone());
        Self {
            path: path.to_path_buf(),
            problem: problem.to_owned(),
            rows: held.parts.get(path).map_or(0, |part| part.rows),
            captures: captures.collect(),
        }
    }

    fn text(&self) -> String {
        let mut text = format!("{}: {}", name(&self.path), self.problem);
        let Some(first) = self.captures.first() else { return text };
        let what = match self.rows {
            0 => "sums".to_owned(),
            rows => plural_of(rows, "row", "rows"),
        };
        let _ = write!(text, "; it had {what} of {}", name(first));
        match self.captures.len() as u64 - 1 {
            0 => {}
            more => {
                let _ = write!(text, " and {}", plural_of(more, "more capture", "more captures"));
            }
        }
        text
    }
}

/// A capture that is left in the lake as it was, because what holds its rows beside those of others is lost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldBack {
    /// As it was named, or met.
    #[serde(with = "path_text")]
    pub path: PathBuf,
    /// The file, below the lake.
    #[serde(with = "path_text")]
    pub lost: PathBuf,
}

/// What a run met of a lake that is not whole.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lost {
    /// Files that are lost, each once.
    #[serde(rename = "lost")]
    pub files: Vec<LostFile>,
    /// Captures that were to be replaced or taken out, and are as they were.
    pub held_back: Vec<HeldBack>,
}

impl Lost {
    /// Whether nothing is lost.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.files.is_empty() && self.held_back.is_empty()
    }

    /// Adds files that are lost.
    pub(super) fn add(&mut self, losses: &Losses, held: &Holdings) {
        for (path, problem) in losses.iter() {
            if self.files.iter().all(|lost| lost.path != path) {
                self.files.push(LostFile::of(path, problem, held));
            }
        }
    }

    /// Adds captures that stay, for each the file that is lost.
    pub(super) fn hold_back(&mut self, kept: &BTreeMap<usize, PathBuf>, held: &Holdings) {
        for (id, lost) in kept {
            let entry = held.inputs.get(id).map(|entry| entry.input.path.clone());
            self.held_back.extend(entry.map(|path| HeldBack { path, lost: lost.clone() }));
        }
    }

    /// Leaves out what a commit mends: files that the lake does not name any more, and tables that were made anew.
    pub(super) fn leave_out_mended(&mut self, change: &Change, after: &Holdings) {
        let added = &change.manifest;
        let parts = added.parts.iter().map(|part| part.path.as_path());
        let partials = added.partials.iter().map(|partial| partial.path.as_path());
        let anew: BTreeSet<&Path> =
            parts.chain(partials).chain(added.tables.iter().map(|table| table.path.as_path())).collect();
        self.files.retain(|lost| {
            let path = lost.path.as_path();
            let is_named = after.parts.contains_key(path) || after.partials.contains_key(path);
            (is_named || after.tables.contains_key(path)) && !anew.contains(path)
        });
    }

    /// A line for each, and what to do.
    #[must_use]
    pub fn words(&self) -> String {
        let mut text = String::new();
        for lost in self.files.iter().take(NAMED) {
            let _ = writeln!(text, "error: {}", lost.text());
        }
        if let Some(more) = self.files.len().checked_sub(NAMED).filter(|more| *more > 0) {
            let more = plural_of(more as u64, "more file", "more files");
            let _ = writeln!(text, "error: {more} of the lake are lost; `parcap verify` names them");
        }
        for HeldBack { path, lost } in self.held_back.iter().take(NAMED) {
            let (path, lost) = (name(path), name(lost));
            let _ = writeln!(text, "warning: {path}: was left in the lake as it was, for {lost} is lost");
        }
        if let Some(more) = self.held_back.len().checked_sub(NAMED).filter(|more| *more > 0) {
            let more = plural_of(more as u64, "more capture", "more captures");
            let _ = writeln!(text, "warning: {more} were left as they were; `--format json` names them");
        }
        if !self.is_empty() {
            let _ = writeln!(text, "hint: {MEND}");
        }
        text
    }
}

/// Of captures that are to be taken out, those that cannot, each with the lost file that would have to be read. Files that
/// turn out not to be what was written are added to the losses.
///
/// # Errors
/// If the run is cancelled.
pub(super) fn cannot_go(
    lake: &Lake,
    held: &Holdings,
    wanted: &BTreeSet<usize>,
    losses: &mut Losses,
    (jobs, cancel): (usize, &Cancel),
) -> Result<BTreeMap<usize, PathBuf>> {
    let mut removed = wanted.clone();
    let mut kept = BTreeMap::new();
    let mut sound = BTreeSet::new();
    loop {
        let needed = read_to_take_out(held, &removed);
        let unknown = needed.iter().filter(|(path, ..)| !losses.contains(path) && !sound.contains(path));
        let looked = in_order::<_, _, Error>(unknown.copied().collect(), jobs, |(path, bytes, checksum)| {
            cancel.check()?;
            Ok((path, checked(&lake.resolve(path), bytes, checksum).err()))
        })?;
        for (path, error) in looked {
            match error {
                Some(error) if is_loss(&error) => losses.add(path, problem_of(&error)),
                Some(error) => return Err(error),
                None => drop(sound.insert(path)),
            }
        }
        let before = kept.len();
        for (path, ..) in needed.iter().filter(|(path, ..)| losses.contains(path)) {
            for input in held.inputs_in(path) {
                if removed.remove(&input) {
                    kept.insert(input, path.to_path_buf());
                }
            }
        }
        if kept.len() == before {
            return Ok(kept);
        }
    }
}

/// Leaves out of a night what cannot be replaced because a file of the lake is lost.
///
/// # Errors
/// As [`cannot_go`].
pub(super) fn hold_back(
    lake: &Lake,
    held: &Holdings,
    tonight: &mut Tonight,
    mut losses: Losses,
    (jobs, cancel): (usize, &Cancel),
    lost: &mut Lost,
) -> Result<()> {
    let met: BTreeMap<&Path, usize> =
        tonight.met_again.iter().map(|met| (met.seen.absolute.as_path(), met.input)).collect();
    let mut others: BTreeMap<&Path, Vec<usize>> = BTreeMap::new();
    for (path, id) in tonight.goes_on.iter().chain(&tonight.may_be) {
        others.entry(path.as_path()).or_default().push(*id);
    }
    let replaces = |input: &Input| {
        let absolute = input.absolute.as_path();
        let own = held.input_at(absolute).map(|entry| entry.id);
        let others = others.get(absolute).into_iter().flatten().copied();
        [own, met.get(absolute).copied()].into_iter().flatten().chain(others)
    };
    let mut wanted: BTreeSet<usize> = tonight.convert.iter().flat_map(replaces).collect();
    wanted.extend(tonight.displaced.iter().map(|(_, id)| *id));
    let kept = cannot_go(lake, held, &wanted, &mut losses, (jobs, cancel))?;
    lost.add(&losses, held);
    if kept.is_empty() {
        return Ok(());
    }
    let because = |input: &Input| replaces(input).find_map(|id| kept.get(&id));
    let held_back = tonight
        .convert
        .iter()
        .filter_map(|input| because(input).map(|path| HeldBack { path: input.path.clone(), lost: path.clone() }));
    lost.held_back.extend(held_back);
    let left: BTreeSet<PathBuf> =
        tonight.convert.iter().filter(|input| because(input).is_some()).map(|input| input.absolute.clone()).collect();
    // The capture that takes the place of one that stays keeps its name for now.
    let places: BTreeSet<PathBuf> = tonight
        .displaced
        .iter()
        .filter(|(_, id)| kept.contains_key(id))
        .filter_map(|(_, id)| Some(held.inputs.get(id)?.input.absolute.clone()))
        .collect();
    tonight.convert.retain(|input| !left.contains(&input.absolute));
    tonight.met_again.retain(|met| !places.contains(&met.seen.absolute));
    tonight.goes_on.retain(|(_, id)| !kept.contains_key(id));
    tonight.may_be.retain(|(_, id)| !kept.contains_key(id));
    // Nor does what is to be in one that is left out.
    tonight.displaced.retain(|(path, id)| !kept.contains_key(id) && !left.contains(path));
    Ok(())
}

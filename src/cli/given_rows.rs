//! What `commit` reads: rows of units, and the plan that they belong to.

use std::io::{self, BufRead as _};
use std::path::Path;

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::commands::{Plan, UnitResults};
use crate::error::Error;
use crate::plan::Unit;
use crate::storage::LocalFile;

use super::console::Console;
use super::json;

/// What a commit was given.
pub(super) struct GivenRows {
    pub(super) plan: Option<Plan>,
    pub(super) rows: UnitResults,
    /// Why other rows cannot be read. A process was killed while it wrote one.
    pub(super) unreadable: Vec<Error>,
}

impl GivenRows {
    /// A plan, and no rows yet.
    pub(super) fn of(plan: Option<Plan>) -> Result<Self, Error> {
        Ok(Self { plan, rows: UnitResults::new()?, unreadable: Vec::new() })
    }

    /// Reads the rows on standard input, and the first line of a plan from a file, if there is one.
    pub(super) fn read(console: &Console, plan: Option<&Path>) -> Result<Self, Error> {
        let mut given = Self::of(plan.map(plan_in).transpose()?)?;
        for numbered in console.lines() {
            let (number, text) = numbered?;
            let name = format!("stdin, line {number}");
            match LineKind::of(&text) {
                LineKind::Nothing => {}
                LineKind::Plan => take_plan(&mut given.plan, &name, &text)?,
                // The whole plan may be given as well.
                LineKind::Unit => drop(json::read::<Unit>("unit", &name, &text)?),
                LineKind::Row => given.take_row(&name, &text)?,
            }
        }
        Ok(given)
    }

    /// Takes the row of a unit.
    pub(super) fn take_row(&mut self, name: &str, text: &str) -> Result<(), Error> {
        match json::read("unit row", name, text) {
            Ok(row) => self.rows.add_text(&row, text),
            Err(error) => {
                self.unreadable.push(error);
                Ok(())
            }
        }
    }
}

/// The first line of a plan in a file.
fn plan_in(path: &Path) -> Result<Plan, Error> {
    let (name, mut plan) = (path.display().to_string(), None);
    let file = LocalFile::open(path).map_err(Error::io("open", path))?;
    for (number, text) in io::BufReader::new(file).lines().enumerate() {
        let text = text.map_err(Error::io("read", path))?;
        if LineKind::of(&text) == LineKind::Plan {
            take_plan(&mut plan, &format!("{name}, line {}", number + 1), &text)?;
        }
    }
    let problem = "has no first line of a plan".to_owned();
    plan.ok_or_else(|| Error::Commit { path: path.to_path_buf(), problem })
}

/// Takes the first line of a plan. The same line may come more than once, if several processes have passed it on.
fn take_plan(held: &mut Option<Plan>, name: &str, text: &str) -> Result<(), Error> {
    let plan: Plan = json::read("plan", name, text)?;
    match held {
        Some(held) if *held != plan => {
            let problem = format!(
                "is not of the same plan as the line before it ({} and {}); commit one after the other",
                plan.plan, held.plan
            );
            Err(Error::Commit { path: name.into(), problem })
        }
        _ => {
            *held = Some(plan);
            Ok(())
        }
    }
}

/// The kind of a line, by the fields that it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LineKind {
    Nothing,
    Plan,
    Unit,
    /// A row, or anything that is none of the others: its reader reports an error.
    Row,
}

#[derive(Deserialize)]
struct Fields {
    units: Option<IgnoredAny>,
    unit: Option<IgnoredAny>,
    captures: Option<IgnoredAny>,
}

impl LineKind {
    pub(super) fn of(text: &str) -> Self {
        if text.trim().is_empty() {
            return Self::Nothing;
        }
        match serde_json::from_str(text) {
            Ok(Fields { units: Some(_), .. }) => Self::Plan,
            Ok(Fields { unit: None, captures: Some(_), .. }) => Self::Unit,
            _ => Self::Row,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_told_by_its_fields() {
        for (text, kind) in [
            (" ", LineKind::Nothing),
            (r#"{"plan":"0","units":[],"captures":0}"#, LineKind::Plan),
            (r#"{"id":"0","captures":[],"plan":"0"}"#, LineKind::Unit),
            (r#"{"unit":{},"captures":[]}"#, LineKind::Row),
            ("{}", LineKind::Row),
            (r#"{"unit":{"id":"#, LineKind::Row),
        ] {
            assert_eq!(LineKind::of(text), kind, "{text}");
        }
    }
}

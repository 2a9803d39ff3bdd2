//! What stands out: rules that look at the tables of a page, and say what a reader should see first.
//!
//! A rule is a function from the content of the page to findings, in a file of its own, with its thresholds as constants.
//! `docs/report.md` has each rule with its threshold. To add one: write the function, and add it to [`RULES`] where it belongs
//! by importance. A rule names the tables that it needs; where the page lacks one, the rule is left out, and the page says so.

mod attempts;
mod conversation;
mod damage;
mod failing_names;
mod implausible;
mod jumped_clock;
mod newcomer;
mod peak;
mod regular;
mod silence;
mod statement;

use crate::summary::{DNS_CLIENTS, FLOWS, PatternLimits};

use super::TRAFFIC;
use super::content::PageContent;
use super::text::Printable;

/// The most findings of a page.
const MOST: usize = 7;

/// A piece of a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Words {
    /// The page's own words.
    Own(String),
    /// Text from captures or paths.
    Data(Printable),
}

impl Words {
    /// Own words.
    pub(super) fn own(text: impl Into<String>) -> Self {
        Self::Own(text.into())
    }

    /// Text from captures or paths.
    pub(super) fn data(text: &str) -> Self {
        Self::Data(Printable::new(text))
    }
}

/// Something that stands out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Finding {
    /// What it is, in a sentence.
    pub(super) sentence: Vec<Words>,
    /// The figures that say so.
    pub(super) evidence: Vec<Words>,
    /// The id of the place of the page that shows it, and what is there.
    pub(super) link: Option<(String, &'static str)>,
    /// What shows the same: statements in SQL, or a command.
    pub(super) query: Option<Printable>,
}

/// A rule.
#[derive(Clone, Copy)]
pub(super) struct StandsOutRule {
    /// What it looks for.
    pub(super) about: &'static str,
    /// The tables that it needs, of those that a page can lack.
    pub(super) needs: &'static [&'static str],
    /// The rule itself. What is more important comes first.
    pub(super) find: fn(&PageContent) -> Vec<Finding>,
}

/// The rules, the most important first.
pub(super) const RULES: [StandsOutRule; 10] = [
    StandsOutRule { about: "damaged captures", needs: &[], find: damage::find },
    StandsOutRule { about: "clocks that jumped", needs: &[], find: jumped_clock::find },
    StandsOutRule { about: "lengths that no packet has", needs: &[], find: implausible::find },
    StandsOutRule { about: "silent stretches", needs: &[TRAFFIC], find: silence::find },
    StandsOutRule { about: "scans", needs: &[FLOWS], find: attempts::find },
    StandsOutRule { about: "talk at regular intervals", needs: &[FLOWS], find: regular::find },
    StandsOutRule { about: "clients whose questions failed", needs: &[DNS_CLIENTS], find: failing_names::find },
    StandsOutRule { about: "new addresses", needs: &["volume_by_src", "volume_by_ip"], find: newcomer::find },
    StandsOutRule { about: "the peak", needs: &[TRAFFIC], find: peak::find },
    StandsOutRule {
        about: "one conversation that is most of the traffic",
        needs: &["conversations"],
        find: conversation::find,
    },
];

/// From when on flows are a pattern, as the rules have it.
pub(super) const LIMITS: PatternLimits = PatternLimits {
    silent: attempts::LEAST_SILENT,
    flows: regular::LEAST_FLOWS,
    spread: regular::MOST_SPREAD,
    interval: regular::LEAST_INTERVAL,
};

/// What stands out on a page.
pub(super) struct StandsOut {
    /// The findings, the most important first.
    pub(super) findings: Vec<Finding>,
    /// What was looked for, as a list in words.
    pub(super) looked_for: String,
    /// Findings that there is no room for.
    pub(super) more: usize,
    /// What was not looked for: a list in words, why, and a command that gives what is missing.
    pub(super) left_out: Vec<(String, String, Option<&'static str>)>,
}

impl StandsOut {
    /// What some rules find.
    pub(super) fn new(content: &PageContent, rules: &[StandsOutRule]) -> Self {
        let mut findings = Vec::new();
        let mut looked_for = Vec::new();
        let mut absent: Vec<(&str, Vec<&str>)> = Vec::new();
        for rule in rules {
            match rule.needs.iter().find(|table| !content.has(table)) {
                None => {
                    looked_for.push(rule.about);
                    findings.extend((rule.find)(content));
                }
                Some(table) => match absent.iter_mut().find(|(held, _)| held == table) {
                    Some((_, rules)) => rules.push(rule.about),
                    None => absent.push((table, vec![rule.about])),
                },
            }
        }
        let more = findings.len().saturating_sub(MOST);
        findings.truncate(MOST);
        let why = |(table, rules): (&str, Vec<&str>)| {
            let absent = content.absent.iter().find(|absent| absent.name == table);
            let (why, gives) = absent.map(|absent| (absent.why.clone(), absent.gives)).unwrap_or_default();
            (list(&rules), format!("{table}: {why}"), gives)
        };
        let left_out = absent.into_iter().map(why).collect();
        Self { findings, looked_for: list(&looked_for), more, left_out }
    }
}

/// `a, b and c`.
fn list(words: &[&str]) -> String {
    match words {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

//! A stretch without packets, much longer than usual around it.

use crate::report::clock::instant;
use crate::report::coverage::Coverage;
use crate::report::scale::about;
use crate::summary::{Pause, Pauses};

use super::statement::Statement;
use super::{Finding, PageContent, Words};

/// A silence is at least this long, in microseconds: five minutes.
const LEAST: i64 = 300_000_000;
/// It is this many times as long as every other pause around it.
const TIMES: i64 = 10;
/// Around it is three quarters of its length before it, and as much after it; there must be traffic for as long.
const AROUND: (i64, i64) = (3, 4);
/// If there are more of them than this, they are usual: nights, or captures that are made now and then.
const MOST: usize = 3;
/// Silences that are named.
const NAMED: usize = 2;

/// The longest silences.
pub(super) fn find(content: &PageContent) -> Vec<Finding> {
    let pauses = &content.series.pauses;
    let mut silences: Vec<Pause> = pauses.longest.iter().copied().filter(|pause| is_silence(pause, pauses)).collect();
    if silences.len() > MOST {
        return Vec::new();
    }
    silences.sort_by_key(|pause| (std::cmp::Reverse(pause.length()), pause.from));
    let has_strip = !Coverage::new(content).is_empty();
    let (place, what) = if has_strip { ("coverage", "Captures over time") } else { ("traffic", "Traffic over time") };
    let finding = |pause: Pause| {
        let (from, to, length) = (instant(pause.from), instant(pause.to), pause.length());
        let usual = pauses.longest.iter().filter(|other| is_near(other, &pause)).map(Pause::length).max();
        let usual = usual.unwrap_or(0).max(pauses.overlooked);
        let before = if usual > 0 {
            format!("Around it, no pause is longer than {}.", about(usual))
        } else {
            "Around it there is a packet in every window.".to_owned()
        };
        let query = Statement::of(content).of_table("send_rates", |statement| {
            let (files, dates, seconds) = (statement.files("send_rates"), statement.dates(), length / 1_000_000);
            format!(
                "SELECT window_start, next_start FROM (SELECT window_start, lead(window_start) OVER (ORDER BY window_start) AS \
                 next_start FROM {files} WHERE {dates}) WHERE next_start - window_start >= INTERVAL {seconds} SECOND;"
            )
        });
        Finding {
            sentence: vec![Words::own(format!("No packet for {}, from {from} to {to}.", about(length)))],
            evidence: vec![Words::own(before)],
            link: Some((place.to_owned(), what)),
            query,
        }
    };
    silences.into_iter().take(NAMED).map(finding).collect()
}

/// How long the stretch before a pause, and that after it, is which it is compared with.
fn around(pause: &Pause) -> i64 {
    let (part, of) = AROUND;
    pause.length() / of * part
}

/// Whether another pause reaches into what is around a pause.
fn is_near(other: &Pause, pause: &Pause) -> bool {
    let around = around(pause);
    other != pause && other.to > pause.from.saturating_sub(around) && other.from < pause.to.saturating_add(around)
}

fn is_silence(pause: &Pause, all: &Pauses) -> bool {
    let (length, around) = (pause.length(), around(pause));
    let (first, last) = all.ends.unwrap_or_default();
    length >= LEAST
        && length / TIMES >= all.overlooked
        && first <= pause.from.saturating_sub(around)
        && last >= pause.to.saturating_add(around)
        && all.longest.iter().all(|other| !is_near(other, pause) || other.length() <= length / TIMES)
}

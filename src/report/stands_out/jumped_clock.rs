//! Captures whose clock jumped: their times go back, or do not fit between those of their neighbours in the rotation.
//!
//! The thresholds are in `clock_steps.rs` and `rotation.rs`, which look at captures while they come by: times that go back by five minutes
//! or more; an hour, and three times the time of the neighbours, away from them. A clock that is set forward within a capture leaves a pause
//! in it.

use crate::report::TRAFFIC;
use crate::report::clock::instant;
use crate::report::long_captures::LongCapture;
use crate::report::scale::{about, count, saturated};

use super::statement::Statement;
use super::{Finding, PageContent, Words};

/// A pause within a capture is a step of the clock if it is this part of the capture's time, nine tenths of at least a day, and no other
/// capture has packets in it.
const PAUSE: (i64, i64) = (9, 10);

/// The capture that is furthest away, the one whose times go back most, and the longest one with a jump ahead.
pub(super) fn find(content: &PageContent) -> Vec<Finding> {
    let statement = Statement::of(content);
    let (strays, named) = &content.strays;
    let furthest = named.iter().reduce(|most, stray| if stray.away > most.away { stray } else { most });
    let stray = furthest.map(|stray| {
        let (first, last) = stray.ends;
        let mut sentence = vec![Words::own("The times of "), Words::data(&stray.capture)];
        sentence.push(Words::own(format!(" are {} away from those of its neighbours.", about(stray.away))));
        let between = match stray.between {
            (Some(before), Some(after)) => {
                format!("; those around it end at {} and begin at {}", instant(before), instant(after))
            }
            (Some(before), None) => format!("; the one before it ends at {}", instant(before)),
            (None, Some(after)) => format!("; the one after it begins at {}", instant(after)),
            (None, None) => String::new(),
        };
        let more = others(*strays);
        let evidence = format!("From {} to {}{between}.{more}", instant(first), instant(last));
        let query = statement.of_table("captures", |statement| {
            let files = statement.files("captures");
            format!(
                "SELECT capture, first_time, last_time, lag(last_time) OVER (ORDER BY capture) AS before, lead(first_time) OVER (ORDER \
                 BY capture) AS after FROM {files} WHERE first_time IS NOT NULL QUALIFY last_time < before - INTERVAL 1 HOUR OR \
                 first_time > after + INTERVAL 1 HOUR ORDER BY capture;"
            )
        });
        Finding { sentence, evidence: vec![Words::own(evidence)], link: link(content), query }
    });
    let step = content.clock_steps.longest.first().map(|step| {
        let mut sentence = vec![Words::own("In "), Words::data(&step.capture)];
        sentence.push(Words::own(format!(" the clock was set back by {} or more.", about(step.by))));
        let (earliest, latest) = step.ends;
        let records = count(saturated(step.records), "packet is", "packets are");
        let more = others(content.clock_steps.count);
        let (earliest, latest) = (instant(earliest), instant(latest));
        let evidence =
            format!("{records} earlier than the one before; its times are from {earliest} to {latest}.{more}");
        let query = statement.inspect(&step.capture);
        Finding { sentence, evidence: vec![Words::own(evidence)], link: link(content), query }
    });
    stray.into_iter().chain(step).chain(ahead(content)).collect()
}

/// A capture whose times jump ahead. Where only some packets count, a pause is not one of the capture.
fn ahead(content: &PageContent) -> Option<Finding> {
    let pauses = &content.series.pauses.longest;
    let pause_of = |long: &&LongCapture| {
        let (first, last) = long.ends;
        let within = pauses.iter().filter(|pause| pause.from > first && pause.to <= last);
        let longest = within.max_by_key(|pause| pause.length())?;
        let (part, of) = PAUSE;
        (longest.length() / part >= long.length() / of).then_some(*longest)
    };
    let is_whole = content.words.filter.is_empty() && content.has(TRAFFIC);
    let mut long = content.long_captures.longest.iter().filter(|_| is_whole);
    let (long, pause) = long.find_map(|long| Some((long, pause_of(&long)?)))?;
    let (from, to) = (instant(pause.from), instant(pause.to));
    let sentence = vec![
        Words::own("In "),
        Words::data(&long.capture),
        Words::own(format!(" the times jump ahead by {}.", about(pause.length()))),
    ];
    let (first, last) = (instant(long.ends.0), instant(long.ends.1));
    let evidence = format!("It has no packet from {from} to {to}; its times are from {first} to {last}.");
    let query = Statement::of(content).inspect(&long.capture);
    Some(Finding { sentence, evidence: vec![Words::own(evidence)], link: link(content), query })
}

fn link(content: &PageContent) -> Option<(String, &'static str)> {
    content.has("captures").then(|| ("captures".to_owned(), "All captures"))
}

fn others(count_of_all: u64) -> String {
    match saturated(count_of_all.saturating_sub(1)) {
        0 => String::new(),
        more => format!(" So it is with {}.", count(more, "more capture", "more captures")),
    }
}

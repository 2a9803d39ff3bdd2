//! Counting DNS messages: what was asked and answered, and which names addresses were given.

use std::collections::HashMap;

use crate::decode::dns;
use crate::partition::Day;
use crate::tally::{Section, Sums, Tallies};

use super::key::Key;
use super::kind::Kind;

/// Keys that are counted here before they go to the tallies; real traffic repeats fewer.
const MAX_KEYS: usize = 4096;

/// Counts of the messages of one date: names are asked again and again, and are looked up where they are counted.
#[derive(Debug, Default)]
pub(super) struct Messages {
    day: Option<Day>,
    queries: Counts,
    names: Counts,
    key: Key,
}

/// Sums by key.
type Counts = HashMap<Box<[u8]>, Sums, foldhash::fast::RandomState>;

impl Messages {
    /// Adds a message that was captured on `day`.
    pub(super) fn add(&mut self, day: Day, message: &dns::Message<'_>, tallies: &mut Tallies) {
        self.enter(day, tallies);
        let code = message.is_response().then(|| u16::from(message.response_code()));
        match message.query_name() {
            Some(name) => self.key.clear().name(|text| name.write_to(text)),
            None => self.key.clear().no_name(),
        };
        self.key.code(message.question_type()).code(code);
        count(&mut self.queries, self.key.bytes(), Kind::Queries.section(day), Sums::of(0, 1));
    }

    /// Adds the names that a message gives to addresses, at a time in microseconds since the Unix epoch if it has one.
    pub(super) fn add_names(
        &mut self,
        day: Day,
        micros: Option<i64>,
        message: &dns::Message<'_>,
        tallies: &mut Tallies,
    ) {
        if !message.is_response() {
            return;
        }
        self.enter(day, tallies);
        let more = micros.map_or(Sums::NO_SPAN, |micros| [micros, micros]);
        for (name, address) in message.addresses() {
            self.key.clear().address(Some(address)).name(|text| name.write_to(text));
            let sums = Sums { more, ..Sums::of(0, 1) };
            count(&mut self.names, self.key.bytes(), Kind::Names.section(day), sums);
        }
    }

    /// What is counted from now on is of this date.
    fn enter(&mut self, day: Day, tallies: &mut Tallies) {
        if self.day != Some(day) || self.queries.len().max(self.names.len()) >= MAX_KEYS {
            self.flush(tallies);
            self.day = Some(day);
        }
    }

    /// Moves all that was counted to the tallies.
    pub(super) fn flush(&mut self, tallies: &mut Tallies) {
        let Some(day) = self.day else { return };
        for (kind, counts) in [(Kind::Queries, &mut self.queries), (Kind::Names, &mut self.names)] {
            if !counts.is_empty() {
                let held = tallies.section(kind.section(day));
                counts.drain().for_each(|(key, sums)| held.add(&key, sums));
            }
        }
    }
}

fn count(counts: &mut Counts, key: &[u8], section: Section, sums: Sums) {
    match counts.get_mut(key) {
        Some(held) => held.merge(&sums, section.rule),
        None => {
            counts.insert(key.into(), sums);
        }
    }
}

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
    /// Whose messages they are, if that is to be told later.
    owner: Option<u32>,
    /// By response code and question as it stands in the message, which costs less than its text: the key of both, and
    /// how often.
    questions: HashMap<Box<[u8]>, Question, foldhash::fast::RandomState>,
    names: Counts,
    key: Key,
    raw: Vec<u8>,
    /// The text of a name.
    name: Vec<u8>,
}

/// A key, and how often.
type Question = (Box<[u8]>, i64);
/// Sums by key.
type Counts = HashMap<Box<[u8]>, Sums, foldhash::fast::RandomState>;

impl Messages {
    /// Adds a message that was captured on `day`.
    pub(super) fn add(&mut self, day: Day, message: &dns::Message<'_>, tallies: &mut Tallies) {
        self.enter(day, tallies);
        let code = message.is_response().then(|| message.response_code());
        let question = message.question_bytes();
        if let Some(question) = question {
            self.raw.clear();
            self.raw.push(code.unwrap_or(u8::MAX));
            self.raw.extend_from_slice(question);
            if let Some((_, count)) = self.questions.get_mut(self.raw.as_slice()) {
                *count += 1;
                return;
            }
        }
        match message.query_name() {
            Some(name) => self.key.clear().name(|text| name.write_to(text)),
            None => self.key.clear().no_name(),
        };
        self.key.code(message.question_type()).code(code.map(u16::from));
        if question.is_some() {
            self.questions.insert(self.raw.as_slice().into(), (self.key.bytes().into(), 1));
        } else {
            let key = self.key.owner(self.owner);
            tallies.section(section(Kind::Queries, day, self.owner)).add(key.bytes(), Sums::of(0, 1));
        }
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
        let mut before = None;
        for (name, address) in message.addresses() {
            // The addresses of an answer mostly belong to one name.
            if before.is_none_or(|before| !name.is_same_place(before)) {
                self.name.clear();
                name.write_to(&mut self.name);
                before = Some(name);
            }
            self.key.clear().address(Some(address)).name(|text| text.extend_from_slice(&self.name));
            let sums = Sums { more, ..Sums::of(0, 1) };
            count(&mut self.names, self.key.bytes(), sums);
        }
    }

    /// What is counted from now on is of this date.
    fn enter(&mut self, day: Day, tallies: &mut Tallies) {
        if self.day != Some(day) || self.questions.len().max(self.names.len()) >= MAX_KEYS {
            self.flush(tallies);
            self.day = Some(day);
        }
    }

    /// What is counted from now on belongs to this owner.
    pub(super) fn belong_to(&mut self, owner: u32, tallies: &mut Tallies) {
        if self.owner != Some(owner) {
            self.flush(tallies);
            self.owner = Some(owner);
        }
    }

    /// Moves all that was counted to the tallies.
    pub(super) fn flush(&mut self, tallies: &mut Tallies) {
        let Some(day) = self.day else { return };
        if !self.questions.is_empty() {
            let held = tallies.section(section(Kind::Queries, day, self.owner));
            for (_, (key, count)) in self.questions.drain() {
                held.add(self.key.clear().raw(&key).owner(self.owner).bytes(), Sums::of(0, count));
            }
        }
        if !self.names.is_empty() {
            let held = tallies.section(section(Kind::Names, day, self.owner));
            for (key, sums) in self.names.drain() {
                held.add(self.key.clear().raw(&key).owner(self.owner).bytes(), sums);
            }
        }
    }
}

/// The section of a kind, of keys with owners if there is one.
fn section(kind: Kind, day: Day, owner: Option<u32>) -> Section {
    let section = kind.section(day);
    if owner.is_some() { section.owned() } else { section }
}

fn count(counts: &mut Counts, key: &[u8], sums: Sums) {
    match counts.get_mut(key) {
        Some(held) => held.merge(&sums, Kind::Names.section(Day::EPOCH).rule),
        None => {
            counts.insert(key.into(), sums);
        }
    }
}

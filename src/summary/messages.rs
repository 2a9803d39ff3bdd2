//! Counts DNS messages: who asked, what was asked and answered, and which names addresses were given. And the server names in ClientHellos.

use std::collections::HashMap;
use std::ops::Range;

use crate::address::IpAddress;
use crate::aggregate::{Aggregator, Group, Sums};
use crate::day::Day;
use crate::decode::dns;

use super::client_counts::{ClientCounts, QUERY};
use super::key::Key;
use super::sum_kind::SumKind;

/// Keys that are counted here before they go to the aggregator. Real traffic repeats fewer.
const MAX_KEYS: usize = 4096;

/// Recent questions that are searched before the table is; a power of two. As many as are counted: a capture with a thousand names asks
/// for each of them again, and their places lie closer together than the table.
const RECENT: usize = MAX_KEYS;

/// Counts of the messages of one date. The same names are asked again and again, so they are looked up where they are
/// counted.
#[derive(Debug, Default)]
pub(super) struct MessageCounts {
    day: Option<Day>,
    /// The owner of the messages, if it is kept in the keys.
    owner: Option<u32>,
    /// By response code and question, the place in `asked`. The question is kept as bytes of the message, which cost less
    /// than its text.
    questions: HashMap<Box<[u8]>, u32, foldhash::fast::RandomState>,
    asked: Vec<Question>,
    /// Of each question, its bytes and its key.
    texts: Vec<u8>,
    /// One more than the place of each recent question, by [`recent_place`]. Most questions are asked again at once.
    recent: Vec<u32>,
    /// Messages by client, if these are counted, without those that a question has.
    clients: Option<ClientCounts>,
    names: NameCounts,
    /// As `names`, of ClientHellos.
    server_names: NameCounts,
    key: Key,
    raw: Vec<u8>,
    /// Memory for the text of a name.
    name: Vec<u8>,
}

/// A question of messages with the same response code.
#[derive(Debug)]
struct Question {
    code: u8,
    /// Where its bytes are in `texts`.
    bytes: Range<usize>,
    /// The end of its key there, which follows them.
    key_end: usize,
    count: i64,
    /// The client of the last message, and how many of it came one after the other. Most clients ask for a name by two types, and
    /// again, before another one does.
    client: Option<IpAddress>,
    of_client: i64,
    /// The number of its name in `clients`.
    name: u32,
}

impl Question {
    /// Counts a message of a client.
    #[inline]
    fn asked_by(&mut self, client: Option<IpAddress>, clients: &mut ClientCounts) {
        if self.client == client {
            self.of_client += 1;
            return;
        }
        let before = std::mem::replace(&mut self.client, client);
        clients.add(self.name, self.code, before, std::mem::replace(&mut self.of_client, 1));
    }
}

/// Sums by key.
type NameCounts = HashMap<Box<[u8]>, Sums, foldhash::fast::RandomState>;

impl MessageCounts {
    /// Says whether clients are counted.
    pub(super) fn count_clients(&mut self, counts: bool) {
        self.clients = counts.then(ClientCounts::default);
    }

    /// Adds a message of a client that was captured on `day`.
    pub(super) fn add(
        &mut self,
        day: Day,
        message: &dns::Message<'_>,
        client: Option<IpAddress>,
        aggregator: &mut Aggregator,
    ) {
        self.enter(day, aggregator);
        let code = message.is_response().then(|| message.response_code());
        let question = message.question_bytes();
        if let Some(question) = question
            && self.is_asked_again(code.unwrap_or(QUERY), question, client)
        {
            return;
        }
        match message.query_name() {
            Some(name) => self.key.clear().name(|text| name.write_to(text)),
            None => self.key.clear().no_name(),
        };
        let name = self.clients.as_mut().map(|clients| clients.name(self.key.bytes())).unwrap_or_default();
        self.key.code(message.question_type()).code(code.map(u16::from));
        let code = code.unwrap_or(QUERY);
        if let Some(question) = question {
            let place = u32::try_from(self.asked.len()).unwrap_or(u32::MAX);
            self.questions.insert(self.raw.as_slice().into(), place);
            let start = self.texts.len();
            self.texts.extend_from_slice(question);
            let bytes = start..self.texts.len();
            self.texts.extend_from_slice(self.key.bytes());
            let key_end = self.texts.len();
            self.asked.push(Question { code, bytes, key_end, count: 1, client, of_client: 1, name });
        } else {
            let key = self.key.owner(self.owner);
            aggregator.group(group(SumKind::Queries, day, self.owner)).add(key.bytes(), Sums::of(0, 1));
            self.clients.iter_mut().for_each(|clients| clients.add(name, code, client, 1));
        }
    }

    /// Counts a question, if it is known. If it is not, its bytes and code are in `raw`.
    fn is_asked_again(&mut self, code: u8, question: &[u8], client: Option<IpAddress>) -> bool {
        self.recent.resize(RECENT, 0);
        let Some(recent) = self.recent.get_mut(recent_place(code, question)) else { return false };
        let held = (*recent as usize).checked_sub(1).and_then(|place| self.asked.get_mut(place));
        let texts = &self.texts;
        let is_it = |held: &&mut Question| held.code == code && texts.get(held.bytes.clone()) == Some(question);
        if let Some(held) = held.filter(is_it) {
            held.count += 1;
            self.clients.iter_mut().for_each(|clients| held.asked_by(client, clients));
            return true;
        }
        self.raw.clear();
        self.raw.push(code);
        self.raw.extend_from_slice(question);
        let Some(place) = self.questions.get(self.raw.as_slice()) else { return false };
        *recent = place + 1;
        if let Some(held) = self.asked.get_mut(*place as usize) {
            held.count += 1;
            self.clients.iter_mut().for_each(|clients| held.asked_by(client, clients));
        }
        true
    }

    /// Adds the names that a message gives to addresses, at a time in microseconds since the Unix epoch if it has one.
    pub(super) fn add_names(
        &mut self,
        day: Day,
        micros: Option<i64>,
        message: &dns::Message<'_>,
        aggregator: &mut Aggregator,
    ) {
        if !message.is_response() {
            return;
        }
        self.enter(day, aggregator);
        let more = micros.map_or(Sums::NO_SPAN, |micros| [micros, micros]);
        let mut before = None;
        for (name, address) in message.addresses() {
            // The addresses of one answer mostly belong to one name.
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

    /// Adds the server name for which a client asked an address by TLS; `micros` as in [`MessageCounts::add_names`].
    pub(super) fn add_server_name(
        &mut self,
        day: Day,
        micros: Option<i64>,
        (address, name): (IpAddress, &str),
        aggregator: &mut Aggregator,
    ) {
        self.enter(day, aggregator);
        self.key.clear().address(Some(address)).name(|text| text.extend_from_slice(name.as_bytes()));
        let more = micros.map_or(Sums::NO_SPAN, |micros| [micros, micros]);
        count(&mut self.server_names, self.key.bytes(), Sums { more, ..Sums::of(0, 1) });
    }

    /// Counts for this date from now on.
    fn enter(&mut self, day: Day, aggregator: &mut Aggregator) {
        let of_clients = self.clients.as_ref().map_or(0, ClientCounts::names);
        let most = self.questions.len().max(self.names.len()).max(self.server_names.len()).max(of_clients);
        if self.day != Some(day) || most >= MAX_KEYS {
            self.flush(aggregator);
            self.day = Some(day);
        } else if let Some(clients) = self.clients.as_mut().filter(|clients| clients.is_full()) {
            clients.flush(day, self.owner, &mut self.key, aggregator);
        }
    }

    /// Counts for this owner from now on.
    pub(super) fn belong_to(&mut self, owner: u32, aggregator: &mut Aggregator) {
        if self.owner != Some(owner) {
            self.flush(aggregator);
            self.owner = Some(owner);
        }
    }

    /// Moves all counts to the aggregator.
    pub(super) fn flush(&mut self, aggregator: &mut Aggregator) {
        let Some(day) = self.day else { return };
        if let Some(clients) = &mut self.clients {
            for Question { name, code, client, of_client, .. } in &self.asked {
                clients.add(*name, *code, *client, *of_client);
            }
            clients.flush(day, self.owner, &mut self.key, aggregator);
            clients.forget_names();
        }
        if !self.asked.is_empty() {
            let held = aggregator.group(group(SumKind::Queries, day, self.owner));
            for Question { bytes, key_end, count, .. } in self.asked.drain(..) {
                let key = self.texts.get(bytes.end..key_end).unwrap_or_default();
                held.add(self.key.clear().raw(key).owner(self.owner).bytes(), Sums::of(0, count));
            }
            self.texts.clear();
            self.questions.clear();
            self.recent.clear();
        }
        for (kind, names) in [(SumKind::Names, &mut self.names), (SumKind::ServerNames, &mut self.server_names)] {
            if names.is_empty() {
                continue;
            }
            let held = aggregator.group(group(kind, day, self.owner));
            for (key, sums) in names.drain() {
                held.add(self.key.clear().raw(&key).owner(self.owner).bytes(), sums);
            }
        }
    }
}

/// Where a question is searched first: by its beginning, its end with its type, and its code.
fn recent_place(code: u8, question: &[u8]) -> usize {
    let number = |bytes: Option<&[u8; 8]>| bytes.map_or(0, |bytes| u64::from_le_bytes(*bytes));
    // The type is at the end: a name is mostly asked for by two types in turn, whose places differ.
    let ends = number(question.first_chunk()) ^ number(question.last_chunk()).rotate_left(29) ^ u64::from(code) << 56;
    let mixed = (ends ^ question.len() as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    usize::try_from(mixed >> (u64::BITS - RECENT.ilog2())).unwrap_or(0)
}

/// The group of a kind, with owners in its keys if there is one.
pub(super) fn group(kind: SumKind, day: Day, owner: Option<u32>) -> Group {
    let group = kind.group(day);
    if owner.is_some() { group.by_owner() } else { group }
}

fn count(counts: &mut NameCounts, key: &[u8], sums: Sums) {
    match counts.get_mut(key) {
        Some(held) => held.merge(&sums, SumKind::Names.group(Day::EPOCH).measure),
        None => {
            counts.insert(key.into(), sums);
        }
    }
}

//! The addresses that an answer gives, each with the name that was asked for.
//!
//! In: the answer section. Out: its A and AAAA records, in order. Where the section also holds CNAME records, an
//! address's owner is followed back through them to the name that was asked for: the alias that nothing in the message
//! leads to.
//!
//! Always: at most `MAX_RECORDS` records and `MAX_ALIASES` aliases are looked at, and no more work is done than one
//! `Budget` allows, whatever the message says.
//! Source: RFC 1034 3.6.2 (CNAME), RFC 1035 3.4.1 (A), RFC 3596 (AAAA).

use crate::address::IpAddress;
use crate::decode::dns::record;

use super::super::field::octets;
use super::name::{Budget, Name};
use super::record::Record;

/// Answer records that are looked at. Real answers hold under a hundred.
const MAX_RECORDS: u16 = 128;

/// CNAME records that are followed; resolvers give up after 8 to 16 as well.
const MAX_ALIASES: usize = 16;

/// Iterates over the A and AAAA answers of a message as (name that was asked for, address).
#[derive(Clone, Debug)]
pub struct Addresses<'a> {
    bytes: &'a [u8],
    at: usize,
    left: u16,
    budget: Budget,
    aliases: [Option<Alias<'a>>; MAX_ALIASES],
    /// The owner of the address before, if it is a bare pointer, and the name that was asked for. The next record usually
    /// has the same.
    before: Option<([u8; 2], Name<'a>)>,
}

/// `owner` is another name for the name that hashes to `target`.
#[derive(Clone, Copy, Debug)]
struct Alias<'a> {
    owner: Name<'a>,
    owner_hash: u64,
    target_hash: u64,
}

impl<'a> Addresses<'a> {
    /// Iterates over the `count` records that begin at `at`. There are none if `at` is 0.
    pub(super) fn new(bytes: &'a [u8], at: usize, count: u16) -> Self {
        let left = if at == 0 { 0 } else { count.min(MAX_RECORDS) };
        let mut new = Self { bytes, at, left, budget: Budget::new(), aliases: [None; MAX_ALIASES], before: None };
        new.collect_aliases();
        new
    }

    /// The first pass. It is needed because an alias may follow the address that it leads to.
    fn collect_aliases(&mut self) {
        let (mut at, mut found) = (self.at, 0);
        for _ in 0..self.left {
            let Some(record) = record(self.bytes, at, &mut self.budget) else {
                return;
            };
            if record.kind == record::CNAME
                && let (Some(owner), _) = Name::read(self.bytes, at, &mut self.budget)
                && let (Some(target), _) = Name::read(self.bytes, record.data, &mut self.budget)
            {
                let hashes = owner.hash(&mut self.budget).zip(target.hash(&mut self.budget));
                let (Some((owner_hash, target_hash)), Some(slot)) = (hashes, self.aliases.get_mut(found)) else {
                    return;
                };
                *slot = Some(Alias { owner, owner_hash, target_hash });
                found += 1;
            }
            at = record.end;
        }
    }

    /// The name that was asked for in the record that begins at `at`.
    fn asked_of(&mut self, at: usize) -> Option<Name<'a>> {
        let pointer = octets::<2>(self.bytes, at).filter(|[first, _]| *first >= 0xc0);
        match self.before {
            Some((before, name)) if pointer == Some(before) => return Some(name),
            _ => {}
        }
        let owner = Name::read(self.bytes, at, &mut self.budget).0?;
        let name = self.asked(owner)?;
        self.before = pointer.map(|pointer| (pointer, name));
        Some(name)
    }

    /// Follows `owner` back to the name that was asked for.
    fn asked(&mut self, owner: Name<'a>) -> Option<Name<'a>> {
        if self.aliases.first().is_none_or(Option::is_none) {
            return Some(owner);
        }
        let mut name = owner;
        let mut hash = owner.hash(&mut self.budget)?;
        // At most `MAX_ALIASES` steps, so that a circle of aliases ends too.
        for _ in 0..MAX_ALIASES {
            self.budget.spend()?;
            // By hash alone. A writer who can make two hashes of 64 bits collide can write any alias into the message as
            // well.
            let Some(alias) = self.aliases.iter().flatten().find(|a| a.target_hash == hash) else {
                break;
            };
            (name, hash) = (alias.owner, alias.owner_hash);
        }
        Some(name)
    }
}

impl<'a> Iterator for Addresses<'a> {
    type Item = (Name<'a>, IpAddress);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            self.left = self.left.checked_sub(1)?;
            let at = self.at;
            let record = record(self.bytes, at, &mut self.budget)?;
            self.at = record.end;
            let length = record.end - record.data;
            let address = match (record.kind, length) {
                (record::A, 4) => octets::<4>(self.bytes, record.data).map(IpAddress::from),
                (record::AAAA, 16) => octets::<16>(self.bytes, record.data).map(IpAddress::from),
                _ => None,
            };
            if let Some(address) = address
                && let Some(name) = self.asked_of(at)
            {
                return Some((name, address));
            }
        }
    }
}

/// The record that begins at `at`, if its fixed part is whole. Its owner's name is stepped over.
fn record(bytes: &[u8], at: usize, budget: &mut Budget) -> Option<Record> {
    Record::read(bytes, Name::skip(bytes, at, budget)?)
}

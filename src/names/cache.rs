//! What is known about addresses from reverse lookups.
//!
//! In: answers, and the table of an earlier run. Out: names, and the table for a later run. Always: an answer counts
//! until it expires. After that it counts for nothing, except that an address that failed is asked for last. A cache that
//! cannot be read is an empty one. The table follows from the answers alone, whatever their order.

use std::collections::BTreeMap;
use std::io;
use std::net::IpAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use crate::address::IpAddress;
use crate::names::text;
use crate::storage::local;
use crate::tables::{Table, TableColumn, read_table};

use super::answer::{Answer, LONGEST, Outcome};

/// Outcomes without a name, by their texts in the table.
const OUTCOMES: [(&str, Outcome); 6] = [
    ("no_name", Outcome::NoName),
    ("timeout", Outcome::Timeout),
    ("unreachable", Outcome::Unreachable),
    ("malformed", Outcome::Malformed),
    ("refused", Outcome::Refused),
    ("server_failure", Outcome::ServerFailure),
];

/// Seconds that a failure is remembered after it has expired.
const REMEMBERED: i64 = LONGEST;

const MICROSECONDS: i64 = 1_000_000;

/// What is known about addresses from reverse lookups, of this run and of earlier ones.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PtrCache {
    entries: BTreeMap<IpAddress, CacheEntry>,
    changed: bool,
    note: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct CacheEntry {
    outcome: Outcome,
    /// Seconds since the epoch.
    expires: i64,
}

impl CacheEntry {
    fn is_failure(&self) -> bool {
        !matches!(self.outcome, Outcome::Name(_) | Outcome::NoName)
    }

    /// Whether it is worth keeping.
    fn is_kept(&self, now: i64) -> bool {
        self.expires.saturating_add(if self.is_failure() { REMEMBERED } else { 0 }) > now
    }
}

impl PtrCache {
    /// Reads a cache: a table that [`write_table`](crate::tables::write_table) wrote of [`PtrCache::table`].
    ///
    /// `now` is in seconds since the epoch. Expired answers are left out. If the file does not exist, the cache is empty.
    /// If the file cannot be read, the cache is empty too, and [`PtrCache::note`] says why.
    #[must_use]
    pub fn read(path: &Path, now: i64) -> Self {
        if local::facts(path).is_err_and(|error| error.kind() == io::ErrorKind::NotFound) {
            return Self::default();
        }
        let mut cache = Self::default();
        let mut odd = 0_u64;
        // The reader of damaged Parquet is not free of panics.
        let read = catch_unwind(AssertUnwindSafe(|| read_table(path, |table| odd += cache.take(table, now))));
        let problem = match read {
            Ok(Ok(())) => {
                let left_out = || format!("{}: {odd} rows are not those of a cache of names", path.display());
                cache.note = (odd > 0).then(left_out);
                return cache;
            }
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!("{}: is damaged", path.display()),
        };
        Self::without(&problem)
    }

    /// An empty cache, in place of a file that is not to be read.
    #[must_use]
    pub fn unreadable(path: &Path, problem: &str) -> Self {
        Self::without(&format!("{}: {problem}", path.display()))
    }

    fn without(problem: &str) -> Self {
        Self { note: Some(format!("{problem}; all names are asked for again")), ..Self::default() }
    }

    /// What the user should know about the file that was read, if anything.
    #[must_use]
    pub fn note(&self) -> Option<&str> {
        self.note.as_deref()
    }

    /// The name of an address, in lower case and with the final dot, if one is known.
    #[must_use]
    pub fn name(&self, address: IpAddress) -> Option<&str> {
        match &self.entries.get(&address)?.outcome {
            Outcome::Name(name) => Some(name),
            _ => None,
        }
    }

    /// All answers, as a table: `address`, `name` (null: none), `outcome` and `expires`, sorted by the number of the
    /// address, IPv4 first.
    ///
    /// `outcome` is `name`, `no_name`, or why nothing is known: `timeout`, `unreachable`, `malformed`, `refused`,
    /// `server_failure`. These failures stay for a week after they have expired.
    #[must_use]
    pub fn table(&self) -> Table {
        let name = |entry: &CacheEntry| match &entry.outcome {
            Outcome::Name(name) => Some(name.clone()),
            _ => None,
        };
        let outcome = |entry: &CacheEntry| {
            let held = OUTCOMES.iter().find(|(_, outcome)| *outcome == entry.outcome);
            Some(held.map_or("name", |(text, _)| text).to_owned())
        };
        Table::new([
            ("address", TableColumn::Text(self.entries.keys().map(|address| Some(address.to_string())).collect())),
            ("name", TableColumn::Text(self.entries.values().map(name).collect())),
            ("outcome", TableColumn::Text(self.entries.values().map(outcome).collect())),
            (
                "expires",
                TableColumn::Time(self.entries.values().map(|entry| entry.expires.checked_mul(MICROSECONDS)).collect()),
            ),
        ])
    }

    /// Whether anything has been learnt since the cache was read, so that its file should be written again.
    #[must_use]
    pub fn changed(&self) -> bool {
        self.changed
    }

    /// Whether there is an unexpired answer about an address; a failure counts.
    pub(super) fn knows(&self, address: IpAddress, now: i64) -> bool {
        self.entries.get(&address).is_some_and(|entry| entry.expires > now)
    }

    /// Whether nothing was learnt about an address when it was last asked for.
    pub(crate) fn failed(&self, address: IpAddress) -> bool {
        self.entries.get(&address).is_some_and(CacheEntry::is_failure)
    }

    /// Keeps an answer that came at `now`.
    pub(super) fn keep(&mut self, address: IpAddress, answer: Answer, now: i64) {
        let entry = CacheEntry { outcome: answer.outcome, expires: now.saturating_add(answer.ttl) };
        self.entries.insert(address, entry);
        self.changed = true;
    }

    /// Takes the rows of a table that count. Returns how many are odd.
    fn take(&mut self, table: &Table, now: i64) -> u64 {
        let column = |name| table.column(name);
        let (
            Some(TableColumn::Text(addresses)),
            Some(TableColumn::Text(names)),
            Some(TableColumn::Text(outcomes)),
            Some(TableColumn::Time(expires)),
        ) = (column("address"), column("name"), column("outcome"), column("expires"))
        else {
            return table.rows() as u64;
        };
        let mut odd = 0;
        for (((address, name), outcome), expires) in
            addresses.iter().zip(names.iter()).zip(outcomes.iter()).zip(expires)
        {
            match (address.and_then(address_of), outcome_of(outcome, name), expires) {
                // No answer lasts longer than the longest. Otherwise an answer from a time with a wrong clock would be
                // believed forever.
                (Some(address), Some(outcome), Some(expires)) => {
                    let expires = (expires / MICROSECONDS).min(now.saturating_add(LONGEST));
                    let entry = CacheEntry { outcome, expires };
                    if entry.is_kept(now) {
                        self.entries.insert(address, entry);
                    }
                }
                _ => odd += 1,
            }
        }
        odd
    }
}

fn address_of(text: &str) -> Option<IpAddress> {
    text.parse::<IpAddr>().ok().map(IpAddress::from)
}

fn outcome_of(outcome: Option<&str>, name: Option<&str>) -> Option<Outcome> {
    match (outcome?, name) {
        ("name", Some(name)) => text::is_name(name).then(|| Outcome::Name(name.to_owned())),
        (outcome, None) => OUTCOMES.iter().find(|(text, _)| *text == outcome).map(|(_, outcome)| outcome.clone()),
        _ => None,
    }
}

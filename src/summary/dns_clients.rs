//! The clients of DNS: how many messages each had by response code, and how many names were in them.
//!
//! Names are counted where units count, by client and name: sums of several units, or of several dates, have each name once again.
//! In the order of these keys a client's names follow one another, so that the counts of one client are in memory, however many
//! names it asks for.

use crate::aggregate::{Merge, Sums};
use crate::error::Result;

use super::client_counts::{QUERY, client_name};
use super::key::Key;
use super::sum_kind::SumKind;

/// Response codes that there are: four bits of the header (RFC 1035 4.1.1).
const CODES: usize = 16;

/// What the messages of one client add up to.
#[derive(Default)]
struct Client {
    /// Its part of a key. Empty before the first one.
    key: Vec<u8>,
    /// Messages and names by response code. Queries are the last.
    counts: [(i64, i64); CODES + 1],
}

impl Client {
    /// Hands on its rows.
    fn end(&self, row: &mut Key, each: &mut impl FnMut(SumKind, &[u8], Sums) -> Result<()>) -> Result<()> {
        for (code, (messages, names)) in (0..).zip(self.counts).filter(|(_, (messages, _))| *messages > 0) {
            let row = row.clear().raw(&self.key).code(Some(code).filter(|code| usize::from(*code) < CODES));
            each(SumKind::Clients, row.bytes(), Sums { more: [names, 0], ..Sums::of(0, messages) })?;
        }
        Ok(())
    }
}

/// Hands on each row of [`SumKind::ClientNames`], and after the last name of a client its rows of [`SumKind::Clients`].
///
/// # Errors
/// If sums cannot be read, or `each` fails.
pub(super) fn by_client(mut names: Merge<'_>, mut each: impl FnMut(SumKind, &[u8], Sums) -> Result<()>) -> Result<()> {
    let (mut client, mut row) = (Client::default(), Key::default());
    while let Some((key, sums)) = names.next()? {
        each(SumKind::ClientNames, key, sums)?;
        let (of, has_name, codes) = client_name(key, sums);
        if client.key != of {
            client.end(&mut row, &mut each)?;
            client.key.clear();
            client.key.extend_from_slice(of);
            client.counts = Default::default();
        }
        for (code, messages) in codes.into_iter().filter(|(_, messages)| *messages > 0) {
            let place = if code == QUERY { CODES } else { code.into() };
            let Some((held, names)) = client.counts.get_mut(place) else { continue };
            *held = held.saturating_add(messages);
            *names += i64::from(has_name);
        }
    }
    client.end(&mut row, &mut each)
}

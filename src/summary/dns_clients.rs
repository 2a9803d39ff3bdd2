//! The clients of DNS: how many messages each had by response code, and how many names were in them.
//!
//! Names are counted where units count, by client, response code and name: sums of several units, or of several dates, have each
//! name once again. In the order of these keys a client's names follow one another, so that one row at a time is in memory,
//! however many names a client asks for.

use crate::aggregate::{Merge, Sums};
use crate::error::Result;

use super::derive::KeyRun;
use super::key::KeyReader;
use super::registry::SumKind;

/// Hands on each row of [`SumKind::ClientNames`], and after the last name of a client and response code their row of
/// [`SumKind::Clients`].
///
/// # Errors
/// If sums cannot be read, or `each` fails.
pub(super) fn by_client(mut names: Merge<'_>, mut each: impl FnMut(SumKind, &[u8], Sums) -> Result<()>) -> Result<()> {
    let mut row = KeyRun::default();
    while let Some((key, sums)) = names.next()? {
        each(SumKind::ClientNames, key, sums)?;
        let mut reader = KeyReader(key);
        reader.address_bytes();
        reader.code();
        let (client, _) = key.split_at_checked(key.len() - reader.0.len()).unwrap_or((key, &[]));
        let names = i64::from(!reader.name().is_empty());
        let sums = Sums { more: [names, 0], ..sums };
        if !row.add(client, &sums) {
            if !row.key.is_empty() {
                each(SumKind::Clients, &row.key, row.sums)?;
            }
            row.begin(client, sums);
        }
    }
    if !row.key.is_empty() {
        each(SumKind::Clients, &row.key, row.sums)?;
    }
    Ok(())
}

//! Names of addresses, without captures.

use crate::address::IpAddress;
use crate::cancel::Cancel;
use crate::convert::now;
use crate::error::Result;
use crate::names::{Asked, PtrCache, PtrOptions, ask};

/// Asks for the names of addresses, each once. Returns a name for each address that has one, and what became of the questions.
///
/// # Errors
/// [`Error::Interrupted`](crate::error::Error::Interrupted) alone.
pub fn reverse_lookup(
    addresses: &[IpAddress],
    options: &PtrOptions,
    cancel: &Cancel,
) -> Result<(Vec<Option<String>>, Asked)> {
    let mut cache = PtrCache::default();
    let asked = ask(addresses.iter().copied(), &mut cache, options, now(), &|| cancel.check().is_err());
    cancel.check()?;
    let names = addresses.iter().map(|address| cache.name(*address).map(str::to_owned));
    Ok((names.collect(), asked))
}

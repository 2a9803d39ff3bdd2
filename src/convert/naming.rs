//! Opens the sources of names, and asks over the network where that is wanted.

use std::collections::BTreeSet;
use std::time::SystemTime;

use crate::aggregate::Aggregator;
use crate::bug::bug;
use crate::cancel::Cancel;
use crate::config::{NameSource, Names};
use crate::day::Day;
use crate::error::Result;
use crate::lake::{CommittedTable, Layout, Move, checked, problem_of};
use crate::names::{Asked, Hosts, PtrCache, PtrOptions, ask};
use crate::summary::{Filter, Naming, NamingSource, unnamed};
use crate::tables::{TableFile, write_table};

/// Opens the sources of names. `lake` is where answers of earlier lookups are kept, if there is a lake, with what its
/// manifest says about them.
///
/// # Errors
/// If a hosts file cannot be read.
pub(crate) fn open(names: &Names, lake: Option<(&Layout, Option<&CommittedTable>)>, now: i64) -> Result<Naming> {
    let sources = names.0.iter().map(|source| {
        Ok(match source {
            NameSource::Dns => NamingSource::Dns,
            NameSource::Sni => NamingSource::Sni,
            NameSource::Hosts(path) => NamingSource::Hosts(Hosts::read(path)?),
            NameSource::Ptr => NamingSource::Ptr(lake.map(|(lake, held)| answers(lake, held, now)).unwrap_or_default()),
        })
    });
    Ok(Naming::new(sources.collect::<Result<_>>()?))
}

/// The answers of earlier lookups. A file that differs from what was written is ignored, and its addresses are asked for
/// again.
fn answers(lake: &Layout, held: Option<&CommittedTable>, now: i64) -> PtrCache {
    let shown = lake.shown(&Layout::ptr_cache());
    let Some(held) = held else { return PtrCache::read(&lake.resolve(&Layout::ptr_cache()), now) };
    let checked = lake.fetch(&Layout::ptr_cache()).and_then(|path| {
        checked(&path, held.bytes, &held.checksum)?;
        Ok(path)
    });
    match checked {
        Ok(path) => PtrCache::read(&path, now),
        Err(error) => PtrCache::unreadable(&shown, &problem_of(&error)),
    }
}

/// Seconds since the Unix epoch.
#[must_use]
pub fn now() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.ok().and_then(|since| i64::try_from(since.as_secs()).ok()).unwrap_or(0)
}

/// Asks for the names of destinations that no other source knows, if reverse lookups are a source.
///
/// # Errors
/// If sums cannot be read. Never because of a question or an answer.
pub(crate) fn look_up(
    naming: &mut Naming,
    days: &BTreeSet<Day>,
    aggregator: &mut Aggregator,
    filter: &Filter,
    options: &PtrOptions,
    cancel: &Cancel,
) -> Result<Option<Asked>> {
    if naming.ptr().is_none() {
        return Ok(None);
    }
    let addresses = unnamed(days, aggregator, naming, filter)?;
    let stop = || cancel.check().is_err();
    let asked = naming.ptr().map(|cache| ask(addresses.into_iter(), cache, options, now(), &stop));
    cancel.check()?;
    Ok(asked)
}

/// Stages the new answers, for the next run.
///
/// # Errors
/// If it cannot be written.
pub(super) fn stage(naming: &mut Naming, lake: &Layout) -> Result<Option<(Move, CommittedTable)>> {
    let Some(cache) = naming.ptr().filter(|cache| cache.changed()) else {
        return Ok(None);
    };
    let to = Layout::ptr_cache();
    let from = Layout::staging().join(to.file_name().ok_or_else(|| bug!())?);
    let path = lake.make_room(&from)?;
    let TableFile { rows, bytes, checksum } = write_table(&path, &cache.table())?;
    let table = CommittedTable { path: to.clone(), rows, bytes, checksum };
    Ok(Some((Move { from, to }, table)))
}

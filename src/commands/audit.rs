//! What a verification compares: files with the manifest, rows with captures, sums with rows.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::aggregate::{Aggregator, Owners, Space};
use crate::config::Settings;
use crate::error::{Error, Result};
use crate::lake::{CommittedPart, Layout, PACKETS, SUMMARIES, Snapshot, checked, problem_of, recount};
use crate::packets::{PartReader, part_facts};
use crate::storage::{EntryKind, local};
use crate::summary::{SUMMARIES as TABLES, what_rows_do_not_give};
use crate::tables::{TableColumn, read_table};
use crate::threads::in_order;

use super::verify::{Verified, VerifyFault, VerifyRequest};

/// Finds files where readers look that are not in the manifest.
pub(super) fn strays(lake: &Layout, snapshot: &Snapshot, verified: &mut Verified) -> Result<()> {
    let known: BTreeSet<&Path> = snapshot.parts.keys().chain(snapshot.tables.keys()).map(PathBuf::as_path).collect();
    let mut folders = vec![PathBuf::from(PACKETS), PathBuf::from(SUMMARIES)];
    while let Some(folder) = folders.pop() {
        let path = lake.resolve(&folder);
        let entries = match local::list(&path) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => {
                verified.fault(&folder, format!("cannot be read: {error}"));
                continue;
            }
        };
        for entry in entries {
            let entry = entry.map_err(Error::io("read", &path))?;
            let place = folder.join(entry.name());
            // A partition may be a link to another disk. Links that lead to no part are not followed.
            let leads_to_parts =
                || known.iter().any(|path| path.starts_with(&place)) && local::is_folder(&entry.path());
            let is_walked = match entry.kind() {
                Ok(EntryKind::Folder) => true,
                Ok(EntryKind::Link) => leads_to_parts(),
                _ => false,
            };
            if is_walked {
                folders.push(place);
            } else if !known.contains(place.as_path()) && entry.name() != "_SUCCESS" {
                verified.fault(place, "is not in the manifest; readers take it for a part of the lake");
            }
        }
    }
    Ok(())
}

/// Checks that the rows of every capture are in parts, each once.
pub(super) fn captures(snapshot: &Snapshot, verified: &mut Verified) {
    let mut rows: BTreeMap<usize, u64> = BTreeMap::new();
    for part in snapshot.parts.values() {
        let mut next = 0;
        for range in &part.ranges {
            // What somebody else wrote may be any number, and is a fault in any case.
            let count = rows.entry(range.input).or_default();
            *count = count.saturating_add(range.rows);
            if range.first_row != next {
                verified.fault(&part.path, format!("the manifest does not say whose row {next} is"));
            }
            next = range.first_row.saturating_add(range.rows);
        }
        if next != part.rows {
            verified.fault(&part.path, format!("the manifest says whose {next} rows are, of {}", part.rows));
        }
    }
    for entry in snapshot.inputs.values() {
        let found = rows.remove(&entry.id).unwrap_or(0);
        if found != entry.found.rows {
            let problem = format!("gave {} rows, and the manifest's parts hold {found} of them", entry.found.rows);
            verified.fault(&entry.input.absolute, problem);
        }
    }
    for (input, count) in rows {
        verified.fault(PACKETS, format!("{count} rows are of a capture {input} that the manifest does not name"));
    }
}

/// Checks that every file of the manifest exists and is as it was written.
pub(super) fn files(
    lake: &Layout,
    snapshot: &Snapshot,
    settings: &Settings,
    request: &VerifyRequest,
    verified: &mut Verified,
) -> Result<()> {
    let part = |part: &CommittedPart| part_faults(lake, part, settings, request);
    let parts = in_order::<_, _, Error>(snapshot.parts.values().collect(), request.jobs, part)?;
    verified.parts = snapshot.parts.len() as u64;
    // What somebody else wrote may be any number.
    verified.rows = snapshot.parts.values().map(|part| part.rows).fold(0, u64::saturating_add);
    verified.bytes = snapshot.parts.values().map(|part| part.bytes).fold(0, u64::saturating_add);
    verified.faults.extend(parts.into_iter().flatten());
    for partial in snapshot.partials.values() {
        verified.partials += 1;
        let found = checked(&lake.resolve(&partial.path), partial.bytes, &partial.checksum);
        verified.faults.extend(found.err().map(|error| fault(&partial.path, &error)));
    }
    if let Some(names) = &snapshot.names {
        let found = checked(&lake.resolve(&names.path), names.bytes, &names.checksum);
        verified.faults.extend(found.err().map(|error| fault(&names.path, &error)));
    }
    for table in snapshot.tables.values() {
        request.cancel.check()?;
        verified.tables += 1;
        let path = lake.resolve(&table.path);
        let found = checked(&path, table.bytes, &table.checksum).and_then(|()| part_facts(&path, None));
        match found {
            Err(error) => verified.faults.push(fault(&table.path, &error)),
            Ok(facts) if facts.rows != table.rows => {
                verified.fault(&table.path, format!("has {} rows instead of {}", facts.rows, table.rows));
            }
            Ok(_) => {}
        }
    }
    Ok(())
}

fn part_faults(
    lake: &Layout,
    part: &CommittedPart,
    settings: &Settings,
    request: &VerifyRequest,
) -> Result<Option<VerifyFault>> {
    request.cancel.check()?;
    let path = lake.resolve(&part.path);
    let problem = |problem: String| Ok(Some(VerifyFault { path: part.path.clone(), problem }));
    let found = checked(&path, part.bytes, &part.checksum);
    let facts = match found.and_then(|()| part_facts(&path, Some(settings.timestamp_unit))) {
        Ok(facts) => facts,
        Err(error) => return Ok(Some(fault(&part.path, &error))),
    };
    if facts.rows != part.rows {
        return problem(format!("has {} rows instead of {}", facts.rows, part.rows));
    }
    if !facts.fits {
        return problem("its columns are not those of the packets table".to_owned());
    }
    if request.deep {
        let mut rows = 0;
        let mut read = || -> Result<()> {
            let mut reader = PartReader::open_whole(&path)?;
            while let Some(batch) = reader.next_batch()? {
                request.cancel.check()?;
                rows += batch.num_rows() as u64;
            }
            Ok(())
        };
        match read() {
            Err(error @ Error::Interrupted { .. }) => return Err(error),
            Err(error) => return Ok(Some(fault(&part.path, &error))),
            Ok(()) if rows != part.rows => return problem(format!("gives {rows} rows instead of {}", part.rows)),
            Ok(()) => {}
        }
    }
    Ok(None)
}

fn fault(path: &Path, error: &Error) -> VerifyFault {
    VerifyFault { path: path.to_path_buf(), problem: problem_of(error) }
}

/// Checks that every table that divides all packets adds up to all packets.
pub(super) fn balance(lake: &Layout, snapshot: &Snapshot, verified: &mut Verified) -> Result<()> {
    let packets = snapshot.parts.values().map(|part| part.rows).fold(0, u64::saturating_add);
    let packets = i64::try_from(packets).unwrap_or(i64::MAX);
    let bytes = snapshot.inputs.values().map(|entry| entry.found.length).fold(0, i64::saturating_add);
    let mut sums: BTreeMap<&str, (i64, i64)> = BTreeMap::new();
    for name in TABLES.iter().filter(|summary| summary.balances).map(|summary| summary.name) {
        for table in snapshot.tables.values().filter(|table| table.path.starts_with(Path::new(SUMMARIES).join(name))) {
            let sum = sums.entry(name).or_default();
            read_table(&lake.resolve(&table.path), |piece| {
                for (column, into) in [("bytes", &mut sum.0), ("packets", &mut sum.1)] {
                    let values = piece.columns.iter().find(|(name, _)| name == column);
                    if let Some((_, TableColumn::Int(values))) = values {
                        *into = values.iter().flatten().fold(*into, |sum, value| sum.saturating_add(*value));
                    }
                }
            })?;
        }
    }
    if packets > 0 && sums.is_empty() {
        verified.fault(SUMMARIES, "there are packets, and no tables of them");
    }
    for (name, (found_bytes, found_packets)) in sums {
        if (found_bytes, found_packets) != (bytes, packets) {
            let problem = format!(
                "adds up to {found_packets} packets of {found_bytes} bytes; the captures have {packets} of {bytes}"
            );
            verified.fault(Path::new(SUMMARIES).join(name), problem);
        }
    }
    Ok(())
}

/// Checks that the counts of the units are what their rows give when they are counted again.
pub(super) fn sums(
    lake: &Layout,
    snapshot: &Snapshot,
    settings: &Settings,
    request: &VerifyRequest,
    verified: &mut Verified,
) -> Result<()> {
    let folder = std::env::temp_dir();
    let space = Space::new(&folder).cancelled_by(&request.cancel);
    let counted = Mutex::new(Aggregator::new(&space));
    in_order::<_, _, Error>(snapshot.parts.values().collect(), request.jobs, |part| {
        let aggregator = recount(lake, part, settings, &space)?;
        counted.lock().unwrap_or_else(PoisonError::into_inner).append(aggregator)
    })?;
    let mut aggregator = Aggregator::new(&space);
    for partial in snapshot.partials.values() {
        partial.append_to(&mut aggregator, lake, None, Owners::AddUp)?;
    }
    aggregator.subtract(counted.into_inner().unwrap_or_else(PoisonError::into_inner))?;
    for (day, keys) in what_rows_do_not_give(&mut aggregator)? {
        let problem = format!("of {}, {keys} sums differ from what its rows give", day.text());
        verified.fault("_parcap/partials", problem);
    }
    Ok(())
}

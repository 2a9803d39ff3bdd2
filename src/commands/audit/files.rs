//! Whether the files of a lake are those that its manifests name, as they were written.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use crate::cancel::Cancel;
use crate::commands::verify::VerifyRequest;
use crate::config::Settings;
use crate::error::{Error, Result};
use crate::lake::{
    CommittedPart, DELTA_LOG, Layout, PACKETS, SUMMARIES, Snapshot, checked, delta_differences, faults_of_doubles,
    problem_of,
};
use crate::outcome::{Verified, VerifyFault};
use crate::packets::{PartReader, TableColumns, part_facts};
use crate::storage::{EntryKind, local};
use crate::threads::in_order;

/// The problem of a file that readers find and no manifest names.
const STRAY: &str = "is not in the manifest; readers take it for a part of the lake";

/// The sum of the manifests: of a lake with a checkpoint, without the captures in it. `None` if a manifest is missing or damaged: then
/// nothing can be compared with it.
pub(in crate::commands) fn manifests(lake: &Layout, verified: &mut Verified) -> Result<Option<Snapshot>> {
    let mut unreadable = Vec::new();
    let (snapshot, problem) = match Snapshot::with_base(lake) {
        Ok(Some(snapshot)) => (snapshot, None),
        // Each fault that there is has its name here.
        Ok(None) | Err(_) => Snapshot::read_all(lake, |error| {
            unreadable.push(error);
            Ok(())
        })?,
    };
    unreadable.into_iter().chain(problem).try_for_each(|error| note(verified, error))?;
    if !lake.last_is_sound() {
        verified.fault(lake.root().join("_parcap/last"), "does not say which commit is the last one");
    }
    let is_whole = verified.faults.is_empty();
    Ok(is_whole.then_some(snapshot))
}

/// Takes what is wrong with a manifest as a fault.
fn note(verified: &mut Verified, error: Error) -> Result<()> {
    match error {
        Error::Incomplete { path, problem, .. } => verified.fault(path, problem),
        Error::FileDiffers { ref path, .. } => verified.fault(path, problem_of(&error)),
        Error::Json { ref name, ref source, .. } => verified.fault(name, format!("is no valid manifest: {source}")),
        error => return Err(error),
    }
    Ok(())
}

/// Checks the checkpoint, and the manifests up to it, whichever of both the lake was read from.
pub(in crate::commands) fn doubles(lake: &Layout, cancel: &Cancel, verified: &mut Verified) -> Result<()> {
    for error in faults_of_doubles(lake, cancel)? {
        match error {
            Error::Io { ref path, .. } => verified.fault(path, problem_of(&error)),
            error => note(verified, error)?,
        }
    }
    Ok(())
}

/// Finds files where readers look that are not in the manifest.
pub(in crate::commands) fn strays(lake: &Layout, snapshot: &Snapshot, verified: &mut Verified) -> Result<()> {
    let known = snapshot.parts.keys().chain(snapshot.tables.keys()).chain(snapshot.retained.keys());
    let known: BTreeSet<&Path> = known.map(PathBuf::as_path).collect();
    let mut folders = vec![PathBuf::from(PACKETS), PathBuf::from(SUMMARIES)];
    if let Some(strays) = lake.strays_in_bucket(&known)? {
        for place in strays {
            verified.fault(place, STRAY);
        }
        return Ok(());
    }
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
                verified.fault(place, STRAY);
            }
        }
    }
    Ok(())
}

/// Checks that the Delta log says what the manifest says, and that there is none that no commit writes.
pub(in crate::commands) fn delta_log(lake: &Layout, snapshot: &Snapshot, verified: &mut Verified) -> Result<()> {
    for problem in delta_differences(lake, snapshot)? {
        verified.fault(DELTA_LOG, problem);
    }
    Ok(())
}

/// Checks that every file of the manifest exists and is as it was written.
pub(in crate::commands) fn files(
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
    verified.retained = snapshot.retained.len() as u64;
    verified.retained_bytes = snapshot.retained.values().map(|part| part.bytes).fold(0, u64::saturating_add);
    for partial in snapshot.partials.values() {
        verified.partials += 1;
        let found = lake.check(&partial.path, partial.bytes, &partial.checksum);
        verified.faults.extend(found.err().map(|error| fault(&partial.path, &error)));
    }
    if let Some(names) = &snapshot.names {
        let found = lake.check(&names.path, names.bytes, &names.checksum);
        verified.faults.extend(found.err().map(|error| fault(&names.path, &error)));
    }
    for table in snapshot.tables.values() {
        request.cancel.check()?;
        verified.tables += 1;
        let found = lake.fetch(&table.path).and_then(|path| {
            checked(&path, table.bytes, &table.checksum)?;
            part_facts(&path, None)
        });
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
    let problem = |problem: String| Ok(Some(VerifyFault { path: part.path.clone(), problem }));
    let path = match lake.fetch(&part.path) {
        Ok(path) => path,
        Err(error) => return Ok(Some(fault(&part.path, &error))),
    };
    let found = checked(&path, part.bytes, &part.checksum);
    let table = TableColumns::with(&settings.columns).map_err(|name| Error::NoSuchColumn { name })?;
    let facts = match found.and_then(|()| part_facts(&path, Some((&table, settings.timestamp_unit)))) {
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

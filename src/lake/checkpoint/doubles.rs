//! What a lake says twice: its last checkpoint, and the manifests up to it. Runs need one of both, so the other may be lost for long
//! before anybody misses it.

use std::path::{Path, PathBuf};

use crate::cancel::Cancel;
use crate::error::{Error, Result};
use crate::lake::completeness::incomplete;
use crate::lake::layout::Layout;
use crate::lake::manifest::{Manifest, files, number_of};
use crate::lake::read_manifests::last_checkpoint;

/// What is wrong with the files of the last checkpoint, and with the manifests of the commits that are in it. Each manifest is held
/// against its checksum. None if there is no checkpoint.
///
/// # Memory
/// A buffer; or one manifest, where it has no checksum, as earlier versions wrote it, or where the first one is not of commit 1.
/// # Errors
/// If the lake's folder cannot be read, or the work is cancelled.
pub(crate) fn faults_of_doubles(lake: &Layout, cancel: &Cancel) -> Result<Vec<Error>> {
    let mut faults = Vec::new();
    if lake.bucket().is_some() {
        return Ok(faults);
    }
    let paths = files(lake)?;
    let Some((place, manifest, checkpoint)) = last_checkpoint(&paths)? else { return Ok(faults) };
    for file in checkpoint.files() {
        cancel.check()?;
        faults.extend(lake.check(&file.path, file.bytes, &file.checksum).err());
    }
    let before = paths.get(..place).unwrap_or_default();
    let mut next = first_number(before, &manifest);
    for path in before {
        cancel.check()?;
        faults.extend(missing_before(path, &mut next));
        faults.extend(Manifest::check(path).err());
    }
    if let Some(path) = paths.get(place) {
        faults.extend(missing_before(path, &mut next));
    }
    Ok(faults)
}

/// The number of the manifest that should be the first: one that describes the whole lake has none before it.
fn first_number(before: &[PathBuf], of_checkpoint: &Manifest) -> u64 {
    match before.first() {
        None if of_checkpoint.base => of_checkpoint.sequence,
        Some(first) if number_of(first) > Some(1) => match Manifest::read(first) {
            Ok(first) if first.base => first.sequence,
            _ => 1,
        },
        _ => 1,
    }
}

/// The manifests that are missing before one, as a fault of that one.
fn missing_before(path: &Path, next: &mut u64) -> Option<Error> {
    let number = number_of(path)?;
    let missing = *next;
    *next = number + 1;
    (number > missing).then(|| incomplete(path, format!("the manifest of commit {missing} is missing before it")))
}

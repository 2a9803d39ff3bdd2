//! The manifests that are read, in the local folder, as those of any lake: of those that count, these since the last checkpoint.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{MutexGuard, PoisonError};

use crate::error::{Error, Result};
use crate::lake::layout::Layout;
use crate::lake::manifest::Manifest;
use crate::lake::manifest_text::{BASE_AT, number_in};
use crate::storage::local;
use crate::storage::objects::ObjectFacts;

use super::decide::manifest_path;
use super::many::at_once;
use super::open::Bucket;

/// Manifests that are fetched at a time.
const BATCH: usize = 16;
/// Bytes of those that are fetched with the newest one, before it has said where the last checkpoint is.
const BESIDE_THE_NEWEST: u64 = 1 << 20;

/// What the local folder has of the manifests.
#[derive(Debug, Default)]
pub(in crate::lake) struct Mirror {
    /// What the last list said, by the numbers of the manifests. `None` before the first one, and where something may have changed
    /// since that this run must know of.
    listed: Option<BTreeMap<u64, ObjectFacts>>,
    /// The numbers of those that are there.
    fetched: BTreeSet<u64>,
    /// The number of the manifest that describes the whole lake.
    base: Option<u64>,
    /// The number of the manifest that names the last checkpoint, if those before it are not here.
    begins_at: Option<u64>,
    /// Whether all that count are wanted: a checkpoint could not be read.
    wants_all: bool,
    /// Whether the last commit is decided and not carried out. Its manifest does not count.
    is_pending: bool,
}

impl Bucket {
    /// Makes the next look at the manifests list them again: after the lease was taken, and before a reader without one looks.
    ///
    /// In between, what was listed last holds for a run. Another run may commit at any time, after a list as well as before it; that
    /// it has is found out when a number is taken (`decide`), and by nothing that was listed.
    pub(in crate::lake) fn look_again(&self) {
        self.mirror().listed = None;
    }

    /// Lists the manifests, if that is to be done.
    fn list_manifests(&self) -> Result<MutexGuard<'_, Mirror>> {
        let mut mirror = self.mirror();
        if mirror.listed.is_none() {
            mirror.listed = Some(self.objects()?.manifests()?);
        }
        Ok(mirror)
    }

    /// Whether there are manifests.
    pub(super) fn has_manifests(&self) -> Result<bool> {
        Ok(self.list_manifests()?.listed.as_ref().is_some_and(|listed| !listed.is_empty()))
    }

    /// Takes over a list that was made for another reason.
    pub(super) fn has_listed(&self, manifests: BTreeMap<u64, ObjectFacts>) {
        self.mirror().listed = Some(manifests);
    }

    /// The manifests in whose place another one has been since a time, in nanoseconds since the Unix epoch, as far as was listed.
    pub(super) fn replaced_before(&self, time: i64) -> Vec<PathBuf> {
        let mirror = self.mirror();
        let (Some(listed), Some(base)) = (&mirror.listed, mirror.base) else { return Vec::new() };
        let is_old = listed.get(&base).is_some_and(|facts| facts.modified < time);
        listed.range(..base).filter(|_| is_old).map(|(number, _)| manifest_path(*number)).collect()
    }

    /// The number of the last manifest that describes the whole lake, as of the last [`Bucket::look`].
    pub(in crate::lake) fn base(&self) -> Option<u64> {
        self.mirror().base
    }

    /// Makes the next look fetch all manifests that count, whether or not there is a checkpoint. Returns whether there are more.
    pub(in crate::lake) fn look_at_all(&self) -> bool {
        let mut mirror = self.mirror();
        mirror.wants_all = true;
        mirror.begins_at.is_some()
    }

    /// All manifests that count, below the lake, whether they were fetched or not.
    ///
    /// # Errors
    /// If the store fails.
    pub(in crate::lake) fn manifest_files(&self) -> Result<Vec<PathBuf>> {
        self.look()?;
        let mirror = self.mirror();
        let listed = mirror.listed.iter().flat_map(|listed| listed.range(mirror.base.unwrap_or(0)..));
        let mut numbers: Vec<u64> = listed.map(|(number, _)| *number).collect();
        if mirror.is_pending {
            numbers.pop();
        }
        Ok(numbers.into_iter().map(manifest_path).collect())
    }

    /// Fetches the manifests that are new, newest first: from the last one that describes the whole lake or names the last checkpoint on.
    ///
    /// # Errors
    /// If the store fails.
    pub(in crate::lake) fn look(&self) -> Result<()> {
        let objects = self.objects()?;
        let folder = self.local(&Layout::manifests())?;
        local::make_folders(&folder).map_err(Error::io("create", &folder))?;
        let mut mirror = self.list_manifests()?;
        let listed = mirror.listed.clone().unwrap_or_default();
        for gone in mirror.fetched.iter().filter(|number| !listed.contains_key(number)) {
            let _ = local::remove(&self.local(&manifest_path(*gone))?);
        }
        mirror.fetched.retain(|number| listed.contains_key(number));
        mirror.base = mirror.base.filter(|base| listed.contains_key(base));
        mirror.is_pending = false;
        let mut left: Vec<_> = listed.iter().filter(|(number, _)| !mirror.fetched.contains(number)).collect();
        let mut begins_at = None;
        let mut is_told = false;
        loop {
            // The newest one that counts says where the last checkpoint is.
            if let Some(newest) = mirror.fetched.last().filter(|_| !is_told && !mirror.wants_all)
                && left.last().is_none_or(|(number, _)| *number < newest)
            {
                is_told = true;
                let named = Manifest::checkpoint_at(&self.local(&manifest_path(*newest))?)?;
                begins_at = named.filter(|number| listed.contains_key(number));
            }
            let first = mirror.base.max(begins_at).unwrap_or(0);
            left.retain(|(number, _)| **number >= first);
            if left.is_empty() {
                break;
            }
            let newest = mirror.fetched.last().copied().unwrap_or(0);
            let count = if is_told || mirror.wants_all { BATCH } else { beside_the_newest(&left, newest) };
            let batch = left.split_off(left.len().saturating_sub(count));
            let texts = at_once(&batch, |(number, facts)| objects.read_listed(&manifest_path(**number), facts))?;
            for ((number, _), text) in batch.into_iter().zip(texts) {
                let Some(text) = text else { continue };
                let said = Said::of(&text);
                if said.is_pending {
                    mirror.is_pending = true;
                    continue;
                }
                let place = self.local(&manifest_path(*number))?;
                local::write(&place, &text).map_err(Error::io("write", &place))?;
                mirror.fetched.insert(*number);
                let base = if said.is_base { Some(*number) } else { said.base_at };
                mirror.base = mirror.base.max(base.filter(|base| listed.contains_key(base)));
            }
        }
        // What a base or a checkpoint describes is not read again.
        mirror.begins_at = begins_at.filter(|begins_at| mirror.base.is_none_or(|base| *begins_at > base));
        let first = mirror.base.max(begins_at).unwrap_or(0);
        let (earlier, fetched) = mirror.fetched.iter().partition::<BTreeSet<u64>, _>(|number| **number < first);
        for number in &earlier {
            let _ = local::remove(&self.local(&manifest_path(*number))?);
        }
        mirror.fetched = fetched;
        Ok(())
    }

    /// Whether a commit is decided and not carried out, as of the last [`Bucket::look`].
    pub(in crate::lake) fn is_pending(&self) -> bool {
        self.mirror().is_pending
    }

    fn mirror(&self) -> MutexGuard<'_, Mirror> {
        self.mirror.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How many manifests at the end of a list are fetched at first, of those after `newest`: as long as they are small, several take no
/// longer than one.
fn beside_the_newest(left: &[(&u64, &ObjectFacts)], newest: u64) -> usize {
    let mut bytes = 0_u64;
    let is_small = |(number, facts): &&(&u64, &ObjectFacts)| {
        bytes = bytes.saturating_add(facts.size);
        **number > newest && bytes <= BESIDE_THE_NEWEST
    };
    left.iter().rev().take(BATCH).take_while(is_small).count().max(1)
}

/// What the first lines of a manifest say. The rest may be large, and is read later.
struct Said {
    is_base: bool,
    base_at: Option<u64>,
    is_pending: bool,
}

impl Said {
    fn of(text: &[u8]) -> Self {
        let lines = text.split(|byte| *byte == b'\n');
        let head: Vec<_> = lines.take_while(|line| !line.starts_with(b"\"inputs\"")).collect();
        let has = |start: &[u8]| head.iter().any(|line| line.starts_with(start));
        let base_at = head.iter().find_map(|line| number_in(std::str::from_utf8(line).ok()?, BASE_AT));
        Self { is_base: has(b"\"base\": true"), base_at, is_pending: has(b"\"pending\": {") }
    }
}

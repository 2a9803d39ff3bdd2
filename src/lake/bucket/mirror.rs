//! The manifests that count, in the local folder: they are read there, as those of any lake.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{MutexGuard, PoisonError};

use crate::error::{Error, Result};
use crate::lake::layout::Layout;
use crate::storage::local;
use crate::storage::objects::ObjectFacts;

use super::decide::manifest_path;
use super::many::at_once;
use super::open::Bucket;

/// Manifests that are fetched at a time.
const BATCH: usize = 16;

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

    /// Fetches the manifests that are new: from the last one that describes the whole lake on.
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
        let mut left: Vec<_> =
            listed.iter().filter(|(number, _)| mirror.base.is_none_or(|base| **number >= base)).collect();
        while !left.is_empty() {
            let mut batch = left.split_off(left.len().saturating_sub(BATCH));
            batch.retain(|(number, _)| !mirror.fetched.contains(number));
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
                if said.is_base {
                    mirror.base = mirror.base.max(Some(*number));
                }
            }
            let base = mirror.base.unwrap_or(0);
            left.retain(|(number, _)| **number > base);
        }
        // What a base describes is not read again.
        let base = mirror.base.unwrap_or(0);
        let (earlier, fetched) = mirror.fetched.iter().partition::<BTreeSet<u64>, _>(|number| **number < base);
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

/// What the first lines of a manifest say. The rest may be large, and is read later.
struct Said {
    is_base: bool,
    is_pending: bool,
}

impl Said {
    fn of(text: &[u8]) -> Self {
        let lines = text.split(|byte| *byte == b'\n');
        let head: Vec<_> = lines.take_while(|line| !line.starts_with(b"\"inputs\"")).collect();
        let has = |start: &[u8]| head.iter().any(|line| line.starts_with(start));
        Self { is_base: has(b"\"base\": true"), is_pending: has(b"\"pending\": {") }
    }
}

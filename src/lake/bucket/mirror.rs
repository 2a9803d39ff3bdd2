//! The manifests that count, in the local folder: they are read there, as those of any lake.

use std::collections::BTreeSet;
use std::sync::PoisonError;

use crate::error::{Error, Result};
use crate::lake::layout::Layout;
use crate::storage::local;

use super::decide::manifest_path;
use super::many::at_once;
use super::open::Bucket;

/// Manifests that are fetched at a time.
const BATCH: usize = 16;

/// What the local folder has of the manifests.
#[derive(Debug, Default)]
pub(in crate::lake) struct Mirror {
    /// The numbers of those that are there.
    fetched: BTreeSet<u64>,
    /// The number of the manifest that describes the whole lake.
    base: Option<u64>,
    /// Whether the last commit is decided and not carried out. Its manifest does not count.
    is_pending: bool,
}

impl Mirror {
    /// The number of the manifest that describes the whole lake.
    pub(super) fn base(&self) -> Option<u64> {
        self.base
    }
}

impl Bucket {
    /// Fetches the manifests that are new: from the last one that describes the whole lake on.
    ///
    /// # Errors
    /// If the store fails.
    pub(in crate::lake) fn refresh(&self) -> Result<()> {
        let objects = self.objects()?;
        let folder = self.local(&Layout::manifests())?;
        local::make_folders(&folder).map_err(Error::io("create", &folder))?;
        let mut mirror = self.mirror.lock().unwrap_or_else(PoisonError::into_inner);
        let numbers = objects.numbers()?;
        let is_there: BTreeSet<u64> = numbers.iter().copied().collect();
        for gone in mirror.fetched.difference(&is_there) {
            let _ = local::remove(&self.local(&manifest_path(*gone))?);
        }
        mirror.fetched.retain(|number| is_there.contains(number));
        mirror.base = mirror.base.filter(|base| is_there.contains(base));
        mirror.is_pending = false;
        let mut left: Vec<u64> = numbers;
        while !left.is_empty() {
            let batch = left.split_off(left.len().saturating_sub(BATCH));
            let wanted: Vec<u64> = batch.into_iter().filter(|number| !mirror.fetched.contains(number)).collect();
            let texts = at_once(&wanted, |number| objects.read(&manifest_path(*number)))?;
            for (number, text) in wanted.iter().zip(texts) {
                let Some((text, _)) = text else { continue };
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
            left.retain(|number| *number > base);
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

    /// Whether a commit is decided and not carried out, as of the last [`Bucket::refresh`].
    pub(in crate::lake) fn is_pending(&self) -> bool {
        self.mirror.lock().unwrap_or_else(PoisonError::into_inner).is_pending
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

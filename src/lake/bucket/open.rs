//! A bucket's lake as one run has it: its objects, and a local folder for what is staged and what is read.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;
use std::sync::{Mutex, OnceLock, PoisonError};

use crate::bug::bug;
use crate::error::{Error, Result};
use crate::hash::ContentHash;
use crate::lake::layout::PACKETS;
use crate::storage::objects::{ObjectAddress, Store};
use crate::storage::{ScratchFolder, local};

use super::carry::Outcome;
use super::held::Held;
use super::mirror::Mirror;
use super::objects::Objects;

/// A lake in a bucket.
#[derive(Debug)]
pub(in crate::lake) struct Bucket {
    root: PathBuf,
    address: ObjectAddress,
    /// Tells this run from all others. No two runs have the same.
    run: String,
    objects: OnceLock<Objects>,
    scratch: OnceLock<ScratchFolder>,
    pub(super) mirror: Mutex<Mirror>,
    /// Staged files that are uploaded, by the place where they were staged, below the lake.
    uploaded: Mutex<HashMap<PathBuf, Held>>,
    /// Numbers the copies of what is read.
    pub(super) copies: AtomicU64,
}

impl Bucket {
    /// The lake at a URL. `None` if the name is no URL of a bucket. Nothing is asked of the store yet.
    pub(in crate::lake) fn at(root: &Path) -> Option<Self> {
        let address = ObjectAddress::of(root).filter(|address| address.root.is_bucket())?;
        Some(Self {
            root: root.to_path_buf(),
            address,
            run: nonce(),
            objects: OnceLock::new(),
            scratch: OnceLock::new(),
            mirror: Mutex::default(),
            uploaded: Mutex::default(),
            copies: AtomicU64::new(0),
        })
    }

    /// A lake whose objects are given. For tests.
    #[cfg(test)]
    pub(in crate::lake) fn of(objects: Objects, root: &Path) -> Option<Self> {
        let bucket = Self::at(root)?;
        bucket.objects.set(objects).ok()?;
        Some(bucket)
    }

    /// The URL, as it was given.
    pub(in crate::lake) fn root(&self) -> &Path {
        &self.root
    }

    /// What tells this run from all others.
    pub(in crate::lake) fn run(&self) -> &str {
        &self.run
    }

    /// Whether there is a lake, or the rest of one.
    ///
    /// # Errors
    /// If the store fails.
    pub(in crate::lake) fn is_there(&self) -> Result<bool> {
        let objects = self.objects()?;
        Ok(!objects.numbers()?.is_empty() || !objects.list(Path::new(PACKETS))?.is_empty())
    }

    /// Finishes a commit that was decided and not carried out. Returns what the user should know about it.
    ///
    /// # Errors
    /// If the store fails.
    pub(in crate::lake) fn recover(&self) -> Result<Option<String>> {
        let outcome = self.objects()?.recover()?;
        Ok((outcome == Some(Outcome::Void)).then(|| {
            "a commit that had been decided could not be carried out, and was undone; do again what it was of"
                .to_owned()
        }))
    }

    /// Whether there is an object at a path below the lake.
    ///
    /// # Errors
    /// If the store fails.
    pub(in crate::lake) fn has(&self, path: &Path) -> Result<bool> {
        Ok(self.objects()?.facts(path)?.is_some())
    }

    /// The sizes of the objects below a folder of the lake.
    ///
    /// # Errors
    /// If they cannot be listed.
    pub(in crate::lake) fn sizes(&self, folder: &Path) -> Result<BTreeMap<PathBuf, u64>> {
        let listed = self.objects()?.list(folder)?;
        Ok(listed.into_iter().map(|(path, facts)| (path, facts.size)).collect())
    }

    /// The objects of the lake.
    ///
    /// # Errors
    /// If the store cannot be connected to.
    pub(in crate::lake) fn objects(&self) -> Result<&Objects> {
        if let Some(objects) = self.objects.get() {
            return Ok(objects);
        }
        let store = Store::connect(&self.address.root).map_err(Error::io("connect to", &self.root))?;
        Ok(self.objects.get_or_init(|| Objects::new(store, self.address.clone())))
    }

    /// The local folder, which has the layout of a lake.
    ///
    /// # Errors
    /// If it cannot be made.
    pub(in crate::lake) fn scratch(&self) -> io::Result<&Path> {
        if let Some(scratch) = self.scratch.get() {
            return Ok(scratch.path());
        }
        let made = ScratchFolder::create()?;
        Ok(self.scratch.get_or_init(|| made).path())
    }

    /// Uploads a staged file and removes it from the local folder, unless that has been done.
    ///
    /// # Errors
    /// If it cannot be uploaded.
    pub(in crate::lake) fn held(&self, staged: &Path, to: &Path) -> Result<Held> {
        let known = self.uploaded.lock().unwrap_or_else(PoisonError::into_inner).get(staged).cloned();
        match known {
            Some(held) if held.path == to => return Ok(held),
            // It was uploaded for another place, which is taken by now.
            Some(_) => return Err(bug!().into()),
            None => {}
        }
        let file = self.local(staged)?;
        let held = self.objects()?.hold(&file, to)?;
        local::remove(&file).map_err(Error::io("remove", &file))?;
        let mut uploaded = self.uploaded.lock().unwrap_or_else(PoisonError::into_inner);
        uploaded.insert(staged.to_path_buf(), held.clone());
        Ok(held)
    }

    /// The local place of a path below the lake.
    pub(super) fn local(&self, path: &Path) -> Result<PathBuf> {
        Ok(self.scratch().map_err(Error::io("make a scratch folder for", &self.root))?.join(path))
    }
}

/// 16 hexadecimal digits that no other run has: of the time, the process and the machine's own randomness.
fn nonce() -> String {
    use std::hash::{BuildHasher as _, RandomState};
    let mut hash = ContentHash::default();
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_nanos());
    hash.update(&now.to_le_bytes());
    hash.update(&std::process::id().to_le_bytes());
    // The keys of a RandomState are the system's randomness, and others for each.
    hash.update(&RandomState::new().hash_one(0).to_le_bytes());
    hash.hex().chars().take(16).collect()
}

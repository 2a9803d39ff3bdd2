//! A bucket's lake as one run has it: its objects, and a local folder for what is staged and what is read.

use std::collections::{BTreeMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use bytes::Bytes;

use crate::error::{Error, Result};
use crate::hash::ContentHash;
use crate::lake::layout::{Layout, PACKETS};
use crate::shown_path::stands_for;
use crate::storage::objects::{HeldUpload, ObjectAddress, ObjectFacts, Store};
use crate::storage::{ScratchFolder, local};

use super::carry::CommitOutcome;
use super::many::at_once;
use super::mirror::Mirror;
use super::objects::Objects;
use super::uploader::{UploadAs, Uploader};

/// Objects, by their paths below the lake.
pub(in crate::lake) type Listed = BTreeMap<PathBuf, ObjectFacts>;

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
    /// Whether a lake without manifests has packets.
    has_packets: OnceLock<bool>,
    /// Partial summaries, as they were listed last. Each has a name of its own, so what is there stays as it is, until it goes.
    partials: Mutex<Option<Arc<Listed>>>,
    /// Names of parts that are given, or were and are not given again.
    given: Mutex<HashSet<PathBuf>>,
    pub(super) uploader: Uploader,
    /// Uploads that are open and not part of a decided commit.
    open: Mutex<Vec<HeldUpload>>,
    /// Uploads that are part of one.
    committed: Mutex<HashSet<String>>,
    /// Whether this run has looked for uploads of dead ones.
    pub(super) has_swept: AtomicBool,
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
            has_packets: OnceLock::new(),
            partials: Mutex::default(),
            given: Mutex::default(),
            uploader: Uploader::default(),
            open: Mutex::default(),
            committed: Mutex::default(),
            has_swept: AtomicBool::new(false),
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
        if self.has_manifests()? {
            return Ok(true);
        }
        if let Some(has_packets) = self.has_packets.get() {
            return Ok(*has_packets);
        }
        let has_packets = !self.objects()?.list(Path::new(PACKETS))?.is_empty();
        Ok(*self.has_packets.get_or_init(|| has_packets))
    }

    /// Finishes a commit that was decided and not carried out. Returns what the user should know about it.
    ///
    /// # Errors
    /// If the store fails.
    pub(in crate::lake) fn recover(&self) -> Result<Option<String>> {
        self.look()?;
        if !self.is_pending() {
            return Ok(None);
        }
        let outcome = self.objects()?.recover()?;
        self.look_again();
        Ok((outcome == Some(CommitOutcome::Void)).then(|| {
            "a commit that had been decided could not be carried out, and was undone; do again what it was of"
                .to_owned()
        }))
    }

    /// The bytes of an object. `None` if there is none.
    ///
    /// # Errors
    /// If the store fails.
    pub(in crate::lake) fn size_of(&self, path: &Path) -> Result<Option<u64>> {
        Ok(self.objects()?.facts(path)?.map(|facts| facts.size))
    }

    /// Whether there is an object at a path below the lake.
    ///
    /// # Errors
    /// If the store fails.
    pub(in crate::lake) fn has(&self, path: &Path) -> Result<bool> {
        Ok(self.objects()?.facts(path)?.is_some())
    }

    /// The objects below folders of the lake, which are listed at the same time.
    ///
    /// # Errors
    /// If they cannot be listed.
    pub(in crate::lake) fn list_all(&self, folders: &[&Path]) -> Result<Vec<Listed>> {
        let objects = self.objects()?;
        at_once(folders, |folder| objects.list(folder))
    }

    /// Takes note of the partial summaries that are there.
    pub(in crate::lake) fn know_partials(&self, partials: Arc<Listed>) {
        *self.partials.lock().unwrap_or_else(PoisonError::into_inner) = Some(partials);
    }

    /// The partial summaries that were there when they were listed last.
    ///
    /// # Errors
    /// If they cannot be listed.
    pub(super) fn partials(&self) -> Result<Arc<Listed>> {
        if let Some(listed) = self.listed_partials() {
            return Ok(listed);
        }
        let listed = Arc::new(self.objects()?.list(&Layout::partial_folder())?);
        self.know_partials(Arc::clone(&listed));
        Ok(listed)
    }

    pub(super) fn listed_partials(&self) -> Option<Arc<Listed>> {
        self.partials.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The sizes of the objects below a folder of the lake.
    ///
    /// # Errors
    /// If they cannot be listed.
    pub(in crate::lake) fn sizes(&self, folder: &Path) -> Result<BTreeMap<PathBuf, u64>> {
        let listed = self.objects()?.list(folder)?;
        Ok(listed.into_iter().map(|(path, facts)| (path, facts.size)).collect())
    }

    /// When the objects below a folder of the lake were last written, in nanoseconds since the Unix epoch.
    ///
    /// # Errors
    /// If they cannot be listed.
    pub(in crate::lake) fn times(&self, folder: &Path) -> Result<BTreeMap<PathBuf, i64>> {
        let listed = self.objects()?.list(folder)?;
        Ok(listed.into_iter().map(|(path, facts)| (path, facts.modified)).collect())
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

    /// Why the Delta log lacks a commit that was carried out, if it does.
    pub(in crate::lake) fn delta_lacks(&self) -> Option<String> {
        self.objects.get()?.delta_lacks.lock().unwrap_or_else(PoisonError::into_inner).clone()
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
        stands_for(made.path(), &self.root);
        Ok(self.scratch.get_or_init(|| made).path())
    }

    /// Takes note of names that are given, so that parts are uploaded for others.
    pub(in crate::lake) fn know<'a>(&self, given: impl Iterator<Item = &'a PathBuf>) {
        self.given.lock().unwrap_or_else(PoisonError::into_inner).extend(given.cloned());
    }

    /// A name that is not given, usually the wanted one.
    pub(in crate::lake) fn free(&self, wanted: &Path) -> Result<PathBuf> {
        let given = self.given.lock().unwrap_or_else(PoisonError::into_inner);
        let mut path = wanted.to_path_buf();
        while given.contains(&path) {
            path = Layout::another_name(&path)?;
        }
        Ok(path)
    }

    /// Begins to upload a staged file, which is then removed from the local folder. Waits if too many wait for that.
    ///
    /// # Errors
    /// If it does not exist, or an earlier one cannot be uploaded.
    pub(in crate::lake) fn upload(&self, staged: &Path, to: &Path) -> Result<()> {
        self.uploader.give(self.objects()?, self.local(staged)?, to, UploadAs::Held)
    }

    /// The upload of a staged file, once it is whole. `None` if it was not begun, or was taken.
    ///
    /// # Errors
    /// If it cannot be uploaded.
    pub(in crate::lake) fn uploaded(&self, staged: &Path) -> Result<Option<HeldUpload>> {
        let held = self.uploader.taken(&self.local(staged)?)?;
        self.open.lock().unwrap_or_else(PoisonError::into_inner).extend(held.clone());
        Ok(held)
    }

    /// Writes a staged file where other processes find it, at the same path.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(in crate::lake) fn put_staged(&self, staged: &Path) -> Result<()> {
        let file = self.local(staged)?;
        let bytes = local::read(&file).map_err(Error::io("read", &file))?;
        self.objects()?.write(staged, Bytes::from(bytes)).map(drop)
    }

    /// Writes a text, whatever is there.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(in crate::lake) fn write_text(&self, path: &Path, text: &str) -> Result<()> {
        self.objects()?.write(path, Bytes::from(text.to_owned())).map(drop)
    }

    /// Reads an object as a whole. `None` if there is none.
    ///
    /// # Errors
    /// If it cannot be read.
    pub(in crate::lake) fn read_bytes(&self, path: &Path) -> Result<Option<Vec<u8>>> {
        Ok(self.objects()?.read(path)?.map(|(bytes, _)| bytes))
    }

    /// The uploads of this process that are open. The caller completes them or gives them up.
    pub(in crate::lake) fn take_open(&self) -> Vec<HeldUpload> {
        std::mem::take(&mut *self.open.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes note of uploads that are part of a commit. Returns those of this process that are not, and are open.
    pub(super) fn take_others(&self, committed: HashSet<String>) -> Vec<HeldUpload> {
        let mut others = self.take_open();
        others.extend(self.uploader.stop());
        others.retain(|held| !committed.contains(&held.upload));
        *self.committed.lock().unwrap_or_else(PoisonError::into_inner) = committed;
        others
    }

    /// Gives up those of some uploads that are not part of a commit of this process.
    pub(in crate::lake) fn give_up_others(&self, uploads: &[HeldUpload]) {
        let committed = self.committed.lock().unwrap_or_else(PoisonError::into_inner).clone();
        self.abandon(&uploads.iter().filter(|held| !committed.contains(&held.upload)).cloned().collect::<Vec<_>>());
    }

    /// Gives up the uploads that nobody has taken. If that fails, they stay until the store removes them; nobody sees them.
    pub(in crate::lake) fn abandon_open(&self) {
        self.abandon(&self.uploader.stop());
        self.abandon(&self.take_open());
    }

    /// Gives uploads up.
    pub(in crate::lake) fn abandon(&self, uploads: &[HeldUpload]) {
        if let Ok(objects) = self.objects() {
            let _ = at_once(uploads, |held| {
                objects.abandon(held);
                Ok(())
            });
        }
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

//! Uploads beside the work: files that are whole are uploaded by threads of their own, several pieces of several files at a time.
//!
//! In: files in the local folder. Out: uploads that are held open, or objects. Always: pieces in memory are bounded ([`UPLOADS`]), and so are
//! the files that wait ([`WAITING`]): those who make more wait then. An upload that fails is told to the next one who gives a file, and
//! to who waits for it. Threads end when nothing is left to upload.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use crate::error::{Error, Result};
use crate::memory::UPLOADS;
use crate::storage::local;
use crate::storage::objects::HeldUpload;

use super::objects::Objects;
use super::uploads::BegunUpload;

/// Requests of uploads that are under way at a time. They wait, and compute little.
const AT_ONCE: usize = 16;
/// Bytes of files that wait on the local disk.
const WAITING: u64 = 2 << 30;

/// What becomes of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum UploadAs {
    /// An upload that is held open.
    Held,
    /// An object, at once. Nobody looks for its name yet.
    Object,
}

/// A file that waits.
#[derive(Clone, Debug)]
struct WaitingFile {
    file: PathBuf,
    to: PathBuf,
    bytes: u64,
    kind: UploadAs,
}

/// A file of which pieces are under way.
#[derive(Debug)]
struct UploadUnderWay {
    of: WaitingFile,
    begun: Arc<BegunUpload>,
    pieces: Vec<Option<String>>,
    /// The next piece.
    next: usize,
    under_way: usize,
    failure: Option<Error>,
}

/// One thing to do.
enum UploadTask {
    Begin(u64, WaitingFile),
    Piece(u64, usize, Arc<BegunUpload>),
}

#[derive(Debug, Default)]
struct UploadState {
    waiting: VecDeque<WaitingFile>,
    /// By their numbers: the first ones are finished first.
    under_way: BTreeMap<u64, UploadUnderWay>,
    /// Files that are being begun, or written as objects, with their bytes in memory.
    beginning: BTreeMap<u64, u64>,
    next: u64,
    /// Bytes of all these files.
    on_disk: u64,
    /// Bytes of pieces in memory.
    in_memory: u64,
    threads: usize,
    /// Files that were given and of which nothing has become yet.
    given: HashSet<PathBuf>,
    /// What became of files, by their places in the local folder. `None` of an object.
    done: HashMap<PathBuf, Result<Option<HeldUpload>>>,
    /// Whether what waits is given up.
    is_stopped: bool,
}

/// The uploads of a run.
#[derive(Clone, Debug, Default)]
pub(super) struct Uploader(Arc<(Mutex<UploadState>, Condvar)>);

impl Uploader {
    fn state(&self) -> MutexGuard<'_, UploadState> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&'a self, state: MutexGuard<'a, UploadState>) -> MutexGuard<'a, UploadState> {
        self.0.1.wait(state).unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives a file, which is removed when it has been uploaded. Waits while too many wait.
    ///
    /// # Errors
    /// That of an earlier upload which failed.
    pub(super) fn give(&self, objects: &Objects, file: PathBuf, to: &Path, kind: UploadAs) -> Result<()> {
        let bytes = local::facts(&file).map_err(Error::io("read", &file))?.size;
        let mut state = self.state();
        loop {
            let failed = state.done.iter().find(|(_, result)| result.is_err()).map(|(file, _)| file.clone());
            if let Some(Err(error)) = failed.and_then(|file| state.done.remove(&file)) {
                return Err(error);
            }
            if state.on_disk == 0 || state.on_disk.saturating_add(bytes) <= WAITING {
                break;
            }
            state = self.wait(state);
        }
        state.on_disk += bytes;
        state.given.insert(file.clone());
        state.waiting.push_back(WaitingFile { file, to: to.to_path_buf(), bytes, kind });
        self.staff(objects, state, 1);
        Ok(())
    }

    /// Starts threads for more tasks. Where none can be started, this one does all.
    fn staff(&self, objects: &Objects, mut state: MutexGuard<'_, UploadState>, tasks: usize) {
        let more = tasks.min(AT_ONCE.saturating_sub(state.threads));
        state.threads += more;
        drop(state);
        for _ in 0..more {
            let (uploader, own) = (self.clone(), objects.clone());
            let started = thread::Builder::new().name("parcap-upload".to_owned()).spawn(move || uploader.work(&own));
            if started.is_err() {
                self.work(objects);
            }
        }
        self.0.1.notify_all();
    }

    /// Takes tasks until nothing is left.
    fn work(&self, objects: &Objects) {
        let mut state = self.state();
        loop {
            let Some(task) = state.take() else {
                if state.waiting.is_empty() && state.under_way.is_empty() && state.beginning.is_empty() {
                    state.threads -= 1;
                    drop(state);
                    self.0.1.notify_all();
                    return;
                }
                state = self.wait(state);
                continue;
            };
            drop(state);
            match task {
                UploadTask::Begin(number, file) => self.begin(objects, number, file),
                UploadTask::Piece(number, place, begun) => self.piece(objects, number, place, &begun),
            }
            state = self.state();
        }
    }

    fn begin(&self, objects: &Objects, number: u64, file: WaitingFile) {
        if file.kind == UploadAs::Object {
            let written = objects.write_file(&file.file, &file.to).map(|()| None);
            let mut state = self.state();
            state.begun(number);
            state.end(file, written);
            drop(state);
            return self.0.1.notify_all();
        }
        let begun = objects.begin_upload(&file.file, &file.to);
        let mut state = self.state();
        state.begun(number);
        match begun {
            Err(error) => {
                state.end(file, Err(error));
                drop(state);
                self.0.1.notify_all();
            }
            Ok(begun) => {
                let (pieces, next) = (vec![None; begun.count()], if state.is_stopped { begun.count() } else { 0 });
                let more = pieces.len().saturating_sub(1);
                let upload =
                    UploadUnderWay { of: file, begun: Arc::new(begun), pieces, next, under_way: 0, failure: None };
                state.under_way.insert(number, upload);
                self.staff(objects, state, more);
                self.finish(objects, number);
            }
        }
    }

    fn piece(&self, objects: &Objects, number: u64, place: usize, begun: &BegunUpload) {
        let result = objects.put_piece(begun, place);
        let mut state = self.state();
        state.in_memory -= begun.length(place);
        if let Some(upload) = state.under_way.get_mut(&number) {
            upload.under_way -= 1;
            match result {
                Ok(id) => upload.pieces.iter_mut().skip(place).take(1).for_each(|piece| *piece = Some(id.clone())),
                Err(error) => {
                    upload.next = upload.pieces.len();
                    upload.failure.get_or_insert(error);
                }
            }
        }
        drop(state);
        self.0.1.notify_all();
        self.finish(objects, number);
    }

    /// Ends the upload of a file, if nothing of it is under way or left to do.
    fn finish(&self, objects: &Objects, number: u64) {
        let mut state = self.state();
        let is_over = |upload: &UploadUnderWay| upload.under_way == 0 && upload.next >= upload.pieces.len();
        if !state.under_way.get(&number).is_some_and(is_over) {
            return;
        }
        let Some(upload) = state.under_way.remove(&number) else { return };
        // Until it is removed from the disk or given up, it counts as being begun.
        state.beginning.insert(number, 0);
        drop(state);
        let pieces: Option<Vec<String>> = upload.pieces.into_iter().collect();
        let (of, held) = (upload.of, pieces.map(|pieces| upload.begun.held(pieces)));
        let result = match (upload.failure, held) {
            (None, Some(held)) => local::remove(&of.file).map_err(Error::io("remove", &of.file)).map(|()| Some(held)),
            (failure, _) => {
                objects.abandon(&upload.begun.held(Vec::new()));
                failure.map_or(Ok(None), Err)
            }
        };
        let mut state = self.state();
        state.beginning.remove(&number);
        state.end(of, result);
        drop(state);
        self.0.1.notify_all();
    }

    /// Waits until a file that was given is uploaded. `None` if it was not given, or written as an object.
    ///
    /// # Errors
    /// If it cannot be uploaded.
    pub(super) fn taken(&self, file: &Path) -> Result<Option<HeldUpload>> {
        let mut state = self.state();
        loop {
            if let Some(done) = state.done.remove(file) {
                return done;
            }
            if !state.given.contains(file) {
                return Ok(None);
            }
            state = self.wait(state);
        }
    }

    /// Gives up what waits, and waits for what is under way. Returns the uploads that nobody has taken.
    pub(super) fn stop(&self) -> Vec<HeldUpload> {
        let mut state = self.state();
        state.is_stopped = true;
        let waiting = std::mem::take(&mut state.waiting);
        state.on_disk = state.on_disk.saturating_sub(waiting.iter().map(|file| file.bytes).sum());
        state.given.retain(|given| waiting.iter().all(|file| file.file != *given));
        state.under_way.values_mut().for_each(|upload| upload.next = upload.pieces.len());
        self.0.1.notify_all();
        while state.threads > 0 {
            state = self.wait(state);
        }
        state.is_stopped = false;
        let done = std::mem::take(&mut state.done);
        done.into_values().filter_map(|result| result.ok().flatten()).collect()
    }
}

impl UploadState {
    /// The next thing to do: pieces of files that are begun, or else another file.
    fn take(&mut self) -> Option<UploadTask> {
        let mut left = self.under_way.iter_mut().filter(|(_, upload)| upload.next < upload.pieces.len());
        if let Some((number, upload)) = left.next() {
            let bytes = upload.begun.length(upload.next);
            if self.in_memory > 0 && self.in_memory + bytes > UPLOADS {
                return None;
            }
            self.in_memory += bytes;
            upload.next += 1;
            upload.under_way += 1;
            return Some(UploadTask::Piece(*number, upload.next - 1, Arc::clone(&upload.begun)));
        }
        // An object is written in one request, and is in memory for that.
        let bytes = self.waiting.front().map(|file| if file.kind == UploadAs::Object { file.bytes } else { 0 })?;
        if self.in_memory > 0 && self.in_memory + bytes > UPLOADS {
            return None;
        }
        let file = self.waiting.pop_front()?;
        self.in_memory += bytes;
        self.next += 1;
        self.beginning.insert(self.next, bytes);
        Some(UploadTask::Begin(self.next, file))
    }

    fn begun(&mut self, number: u64) {
        self.in_memory -= self.beginning.remove(&number).unwrap_or(0);
    }

    fn end(&mut self, of: WaitingFile, result: Result<Option<HeldUpload>>) {
        self.on_disk = self.on_disk.saturating_sub(of.bytes);
        self.given.remove(&of.file);
        self.done.insert(of.file, result);
    }
}

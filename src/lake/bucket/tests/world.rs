//! An object store in memory that does what S3's documentation says, and faults where a test wants them.

use std::collections::BTreeMap;
use std::io;
use std::ops::Range;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use crate::storage::objects::{ObjectBody, ObjectFacts, ObjectRequests, ObjectVersion, OpenUpload, PutIf};

/// What there is, for all processes.
#[derive(Clone, Debug, Default)]
pub(super) struct World {
    objects: BTreeMap<String, (Bytes, u64)>,
    uploads: BTreeMap<String, (String, BTreeMap<usize, Bytes>)>,
    /// The number from which on uploads are young.
    young_from: u64,
    /// The number up to which objects are old.
    old_until: u64,
    next: u64,
    /// Whether a completion takes a while: the upload is no longer open, and the object is not there yet.
    pub(super) is_slow: bool,
}

impl World {
    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    fn store(&mut self, key: &str, bytes: Bytes) -> ObjectVersion {
        let number = self.number();
        self.objects.insert(key.to_owned(), (bytes, number));
        version(number)
    }

    pub(super) fn keys_below(&self, prefix: &str) -> Vec<String> {
        self.objects.keys().filter(|key| key.starts_with(prefix)).cloned().collect()
    }

    pub(super) fn text(&self, key: &str) -> Option<String> {
        let (bytes, _) = self.objects.get(key)?;
        Some(String::from_utf8_lossy(bytes).into_owned())
    }

    pub(super) fn bytes(&self, key: &str) -> Option<&Bytes> {
        self.objects.get(key).map(|(bytes, _)| bytes)
    }

    pub(super) fn open_uploads(&self) -> usize {
        self.uploads.len()
    }

    /// Another program begins an upload.
    pub(super) fn begin(&mut self, key: &str) {
        let upload = format!("upload-{}", self.number());
        self.uploads.insert(upload, (key.to_owned(), BTreeMap::new()));
    }

    /// Makes all open uploads a month old.
    pub(super) fn let_uploads_age(&mut self) {
        self.young_from = self.number();
    }

    /// Makes all objects old.
    pub(super) fn let_objects_age(&mut self) {
        self.old_until = self.next;
    }

    /// Another program writes an object, or removes it.
    pub(super) fn change(&mut self, key: &str, bytes: Option<Bytes>) {
        match bytes {
            Some(bytes) => drop(self.store(key, bytes)),
            None => drop(self.objects.remove(key)),
        }
    }

    /// What is said of an object.
    fn facts(&self, key: &str, (bytes, number): &(Bytes, u64)) -> ObjectFacts {
        let modified = if *number <= self.old_until { 0 } else { i64::MAX };
        ObjectFacts { key: key.to_owned(), size: bytes.len() as u64, modified, version: version(*number) }
    }

    /// Ends all open uploads, as a rule of the bucket does.
    pub(super) fn expire_uploads(&mut self) {
        self.uploads.clear();
    }
}

fn version(number: u64) -> ObjectVersion {
    ObjectVersion { etag: Some(format!("\"{number}\"")), version: None }
}

/// What happens to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RequestFault {
    /// It fails, and nothing is done.
    Fails,
    /// It is done, and its answer is lost.
    LosesItsAnswer,
    /// The process is killed before it.
    DiesBefore,
    /// The process is killed after it.
    DiesAfter,
}

pub(super) const FAULTS: [RequestFault; 4] =
    [RequestFault::Fails, RequestFault::LosesItsAnswer, RequestFault::DiesBefore, RequestFault::DiesAfter];

/// Processes with their numbers of requests, the last one first; and processes that have ended.
type TurnPlan = (Vec<(usize, usize)>, Vec<usize>);

/// Whose turn it is, where two processes meet.
#[derive(Debug)]
pub(super) struct Turns {
    /// Processes, each with the number of requests that it makes before the next one's turn.
    plan: Mutex<TurnPlan>,
    changed: Condvar,
}

impl Turns {
    pub(super) fn new(plan: &[(usize, usize)]) -> Arc<Self> {
        let plan = plan.iter().rev().copied().collect();
        Arc::new(Self { plan: Mutex::new((plan, Vec::new())), changed: Condvar::new() })
    }

    fn wait(&self, who: usize) {
        let mut plan = self.plan.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let (turns, ended) = &mut *plan;
            while turns.last().is_some_and(|(next, count)| *count == 0 || ended.contains(next)) {
                turns.pop();
                self.changed.notify_all();
            }
            match turns.last_mut() {
                Some((next, count)) if *next == who => {
                    *count -= 1;
                    return;
                }
                Some(_) => plan = self.changed.wait(plan).unwrap_or_else(PoisonError::into_inner),
                None => return,
            }
        }
    }

    /// A process has ended.
    pub(super) fn end(&self, who: usize) {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner).1.push(who);
        self.changed.notify_all();
    }
}

/// The store as one process has it.
#[derive(Debug)]
pub(super) struct Process {
    world: Arc<Mutex<World>>,
    state: Mutex<ProcessState>,
    turns: Option<(Arc<Turns>, usize)>,
}

#[derive(Debug, Default)]
struct ProcessState {
    made: usize,
    kinds: BTreeMap<&'static str, usize>,
    fault: Option<(usize, RequestFault)>,
    refused: Option<&'static str>,
    is_dead: bool,
}

impl Process {
    pub(super) fn new(world: &Arc<Mutex<World>>) -> Self {
        Self { world: Arc::clone(world), state: Mutex::default(), turns: None }
    }

    /// With a fault at a request, by its number from 0.
    pub(super) fn with_fault(world: &Arc<Mutex<World>>, at: usize, fault: RequestFault) -> Self {
        let state = Mutex::new(ProcessState { fault: Some((at, fault)), ..ProcessState::default() });
        Self { state, ..Self::new(world) }
    }

    /// Of a store that refuses all requests of a kind for the time being.
    pub(super) fn refusing(world: &Arc<Mutex<World>>, kind: &'static str) -> Self {
        let state = Mutex::new(ProcessState { refused: Some(kind), ..ProcessState::default() });
        Self { state, ..Self::new(world) }
    }

    pub(super) fn in_turns(world: &Arc<Mutex<World>>, turns: &Arc<Turns>, who: usize) -> Self {
        Self { turns: Some((Arc::clone(turns), who)), ..Self::new(world) }
    }

    /// How many requests it has made.
    pub(super) fn made(&self) -> usize {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).made
    }

    /// How many requests it has made of each kind.
    pub(super) fn made_of(&self) -> BTreeMap<&'static str, usize> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).kinds.clone()
    }

    fn request<T>(&self, kind: &'static str, work: impl FnOnce(&mut World) -> io::Result<T>) -> io::Result<T> {
        if let Some((turns, who)) = &self.turns {
            turns.wait(*who);
        }
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        // Nobody tries again what a dead process wanted.
        let dead = || io::Error::new(io::ErrorKind::PermissionDenied, "the process is dead");
        if state.is_dead {
            return Err(dead());
        }
        let fault = state.fault.filter(|(at, _)| *at == state.made).map(|(_, fault)| fault);
        state.made += 1;
        *state.kinds.entry(kind).or_default() += 1;
        if state.refused == Some(kind) {
            return Err(io::Error::other("503 Slow Down"));
        }
        let mut world: MutexGuard<'_, World> = self.world.lock().unwrap_or_else(PoisonError::into_inner);
        match fault {
            None => work(&mut world),
            Some(RequestFault::Fails) => Err(io::Error::other("503 Slow Down")),
            Some(RequestFault::LosesItsAnswer) => {
                let _ = work(&mut world);
                Err(io::Error::other("connection reset"))
            }
            Some(RequestFault::DiesBefore) => {
                state.is_dead = true;
                Err(dead())
            }
            Some(RequestFault::DiesAfter) => {
                state.is_dead = true;
                let _ = work(&mut world);
                Err(dead())
            }
        }
    }
}

fn not_found() -> io::Error {
    io::ErrorKind::NotFound.into()
}

impl ObjectRequests for Process {
    fn list(&self, prefix: &str, each: &mut dyn FnMut(ObjectFacts) -> io::Result<()>) -> io::Result<()> {
        let found: Vec<_> = self.request("list", |world| {
            let below = world.objects.iter().filter(|(key, _)| key.starts_with(prefix));
            Ok(below.map(|(key, object)| world.facts(key, object)).collect())
        })?;
        found.into_iter().try_for_each(each)
    }

    fn facts(&self, key: &str) -> io::Result<Option<ObjectFacts>> {
        self.request("head", |world| Ok(world.objects.get(key).map(|object| world.facts(key, object))))
    }

    fn body(&self, key: &str, wanted: &ObjectVersion, range: Range<u64>) -> ObjectBody {
        let read = self.request("get", |world| {
            let (bytes, number) = world.objects.get(key).ok_or_else(not_found)?;
            if version(*number) != *wanted && *wanted != ObjectVersion::default() {
                return Err(io::ErrorKind::StaleNetworkFileHandle.into());
            }
            let (start, end) = (usize::try_from(range.start).unwrap(), usize::try_from(range.end).unwrap());
            if start >= bytes.len() {
                return Err(io::Error::other("416 Range Not Satisfiable"));
            }
            Ok(bytes.slice(start..end.min(bytes.len())))
        });
        ObjectBody::of([read])
    }

    fn put(&self, key: &str, bytes: Bytes, condition: PutIf<'_>) -> io::Result<ObjectVersion> {
        self.request("put", |world| {
            let there = world.objects.get(key).map(|(_, number)| version(*number));
            match (condition, there) {
                (PutIf::New, Some(_)) => Err(io::ErrorKind::AlreadyExists.into()),
                (PutIf::Known(known), there) if there.as_ref() != Some(known) => {
                    Err(io::ErrorKind::StaleNetworkFileHandle.into())
                }
                _ => Ok(world.store(key, bytes)),
            }
        })
    }

    fn begin(&self, key: &str) -> io::Result<String> {
        self.request("begin", |world| {
            let upload = format!("upload-{}", world.number());
            world.uploads.insert(upload.clone(), (key.to_owned(), BTreeMap::new()));
            Ok(upload)
        })
    }

    fn put_piece(&self, key: &str, upload: &str, place: usize, bytes: Bytes) -> io::Result<String> {
        self.request("piece", |world| {
            let (of, pieces) = world.uploads.get_mut(upload).ok_or_else(not_found)?;
            assert_eq!(of, key);
            // Pieces come in any order, and one that comes again takes the place of the first.
            pieces.insert(place, bytes);
            Ok(place.to_string())
        })
    }

    fn complete(&self, key: &str, upload: &str, pieces: &[String]) -> io::Result<ObjectVersion> {
        let completed = self.request("complete", |world| {
            let (of, held) = world.uploads.remove(upload).ok_or_else(not_found)?;
            assert_eq!((of.as_str(), held.len()), (key, pieces.len()));
            let places: Vec<_> = held.keys().map(usize::to_string).collect();
            assert_eq!(places, pieces, "each piece is there, and in its place");
            let bytes = Bytes::from(held.into_values().collect::<Vec<_>>().concat());
            Ok(if world.is_slow { Err(bytes) } else { Ok(world.store(key, bytes)) })
        })?;
        completed.or_else(|bytes| self.request("complete", |world| Ok(world.store(key, bytes))))
    }

    fn uploads(&self, prefix: &str) -> io::Result<Vec<OpenUpload>> {
        self.request("uploads", |world| {
            let month = 30 * 24 * 3600 * 1_000_000_000;
            let is_young = |upload: &str| upload.trim_start_matches("upload-").parse().unwrap_or(0) > world.young_from;
            let open =
                world.uploads.iter().filter(|(_, (key, _))| key.starts_with(prefix)).map(|(upload, (key, _))| {
                    let since = if is_young(upload) { 2 * month } else { month };
                    OpenUpload { key: key.clone(), upload: upload.clone(), since: Some(since) }
                });
            Ok(open.collect())
        })
    }

    fn abandon(&self, _key: &str, upload: &str) -> io::Result<()> {
        self.request("abandon", |world| {
            world.uploads.remove(upload);
            Ok(())
        })
    }

    fn remove(&self, key: &str) -> io::Result<()> {
        self.request("remove", |world| {
            world.objects.remove(key);
            Ok(())
        })
    }
}

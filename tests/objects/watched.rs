//! A bucket in memory that counts what it is asked, and breaks what it is told to break.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use object_store::memory::InMemory;
use parcap::storage::objects::{
    ObjectAddress, ObjectBody, ObjectClient, ObjectFacts, ObjectRequests, ObjectVersion, PutIf, Store,
};

/// What was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    List(String),
    Facts(String),
    Body(String, Range<u64>),
}

/// What becomes of a request.
#[derive(Clone, Copy, Debug)]
pub(super) enum Fate {
    /// It is answered.
    Well,
    /// It fails.
    Fails(io::ErrorKind),
    /// The answer ends after this number of bytes, as if that were all.
    Ends(usize),
    /// The answer breaks off after this number of bytes.
    Breaks(usize),
}

type Plan = Box<dyn FnMut(&Asked) -> Fate + Send>;

/// A bucket whose requests are watched.
pub(super) struct Bucket {
    inner: ObjectClient,
    name: String,
    pub(super) asked: Mutex<Vec<Asked>>,
    plan: Mutex<Option<Plan>>,
    /// Keys that are listed besides, and their sizes.
    pub(super) odd: Mutex<HashMap<String, u64>>,
    /// Bytes that were asked for and whose answers are still held, now and at most.
    held: Arc<[AtomicU64; 2]>,
}

impl fmt::Debug for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Bucket({})", self.name)
    }
}

impl Bucket {
    /// An empty bucket, at `s3://NAME`.
    pub(super) fn new(name: &str) -> Arc<Self> {
        let memory = Arc::new(InMemory::new());
        let bucket = Arc::new(Self {
            inner: ObjectClient::of_bucket(memory.clone(), memory),
            name: name.to_owned(),
            asked: Mutex::default(),
            plan: Mutex::default(),
            odd: Mutex::default(),
            held: Arc::default(),
        });
        let root = ObjectAddress::of(&bucket.url("x")).unwrap().root;
        Store::stand_in(&root, Store::of(bucket.clone()));
        bucket
    }

    pub(super) fn url(&self, key: &str) -> PathBuf {
        PathBuf::from(format!("s3://{}/{key}", self.name))
    }

    pub(super) fn place(&self, key: &str, bytes: &[u8]) {
        self.inner.put(key, Bytes::copy_from_slice(bytes), PutIf::Always).unwrap();
    }

    /// All bytes of an object.
    pub(super) fn bytes(&self, key: &str) -> Vec<u8> {
        let facts = self.inner.facts(key).unwrap().unwrap();
        self.inner.body(key, &facts.version, 0..facts.size).flat_map(Result::unwrap).collect()
    }

    pub(super) fn take_away(&self, key: &str) {
        self.inner.remove(key).unwrap();
    }

    /// Decides the fate of requests from now on.
    pub(super) fn plan(&self, plan: impl FnMut(&Asked) -> Fate + Send + 'static) {
        *self.plan.lock().unwrap() = Some(Box::new(plan));
    }

    /// Answers all requests again, and returns what was asked so far.
    pub(super) fn settle(&self) -> Vec<Asked> {
        *self.plan.lock().unwrap() = None;
        std::mem::take(&mut self.asked.lock().unwrap())
    }

    /// The most bytes that were under way at once.
    pub(super) fn most_held(&self) -> u64 {
        self.held[1].load(Ordering::SeqCst)
    }

    fn ask(&self, asked: Asked) -> Fate {
        let fate = self.plan.lock().unwrap().as_mut().map_or(Fate::Well, |plan| plan(&asked));
        self.asked.lock().unwrap().push(asked);
        fate
    }
}

fn failed<T>(kind: io::ErrorKind) -> io::Result<T> {
    Err(io::Error::new(kind, "as planned"))
}

/// Counts an answer as held until it is dropped.
struct Holding(Arc<[AtomicU64; 2]>, u64);

impl Holding {
    fn new(held: &Arc<[AtomicU64; 2]>, bytes: u64) -> Self {
        let now = held[0].fetch_add(bytes, Ordering::SeqCst) + bytes;
        held[1].fetch_max(now, Ordering::SeqCst);
        Self(held.clone(), bytes)
    }
}

impl Drop for Holding {
    fn drop(&mut self) {
        self.0[0].fetch_sub(self.1, Ordering::SeqCst);
    }
}

impl ObjectRequests for Bucket {
    fn list(&self, prefix: &str, each: &mut dyn FnMut(ObjectFacts) -> io::Result<()>) -> io::Result<()> {
        if let Fate::Fails(kind) = self.ask(Asked::List(prefix.to_owned())) {
            return failed(kind);
        }
        for (key, size) in self.odd.lock().unwrap().iter().filter(|(key, _)| key.starts_with(prefix)) {
            each(ObjectFacts { key: key.clone(), size: *size, modified: 0, version: ObjectVersion::default() })?;
        }
        self.inner.list(prefix, each)
    }

    fn facts(&self, key: &str) -> io::Result<Option<ObjectFacts>> {
        match self.ask(Asked::Facts(key.to_owned())) {
            Fate::Fails(kind) => failed(kind),
            _ => self.inner.facts(key),
        }
    }

    fn body(&self, key: &str, version: &ObjectVersion, range: Range<u64>) -> ObjectBody {
        let holding = Holding::new(&self.held, range.end - range.start);
        let fate = self.ask(Asked::Body(key.to_owned(), range.clone()));
        let mut body = self.inner.body(key, version, range);
        let mut left = match fate {
            Fate::Well => usize::MAX,
            Fate::Fails(kind) => return ObjectBody::of([failed(kind)]),
            Fate::Ends(bytes) | Fate::Breaks(bytes) => bytes,
        };
        let breaks = matches!(fate, Fate::Breaks(_));
        ObjectBody::of(std::iter::from_fn(move || {
            let _holding = &holding;
            if left == 0 {
                left = usize::MAX;
                return if breaks { Some(failed(io::ErrorKind::ConnectionReset)) } else { None };
            }
            let mut piece = match body.next()? {
                Ok(piece) => piece,
                error => return Some(error),
            };
            piece.truncate(left);
            left -= if left == usize::MAX { 0 } else { piece.len() };
            Some(Ok(piece))
        }))
    }

    fn put(&self, key: &str, bytes: Bytes, condition: PutIf<'_>) -> io::Result<ObjectVersion> {
        self.inner.put(key, bytes, condition)
    }

    fn begin(&self, key: &str) -> io::Result<String> {
        self.inner.begin(key)
    }

    fn put_piece(&self, key: &str, upload: &str, place: usize, bytes: Bytes) -> io::Result<String> {
        self.inner.put_piece(key, upload, place, bytes)
    }

    fn complete(&self, key: &str, upload: &str, pieces: &[String]) -> io::Result<ObjectVersion> {
        self.inner.complete(key, upload, pieces)
    }

    fn abandon(&self, key: &str, upload: &str) -> io::Result<()> {
        self.inner.abandon(key, upload)
    }

    fn remove(&self, key: &str) -> io::Result<()> {
        self.inner.remove(key)
    }
}

/// The requests of bytes of an object.
pub(super) fn bodies<'a>(asked: &'a [Asked], of: &'a str) -> Vec<&'a Range<u64>> {
    let ranges = asked.iter().filter_map(|asked| match asked {
        Asked::Body(key, range) if key == of => Some(range),
        _ => None,
    });
    ranges.collect()
}

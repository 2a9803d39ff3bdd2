//! The requests of object stores, by object_store.

use std::fmt;
use std::io;
use std::ops::Range;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::thread::sleep;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt as _;
use object_store::multipart::{MultipartStore, PartId};
use object_store::path::Path;
use object_store::signer::Signer;
use object_store::{
    Error, GetOptions, ObjectMeta, ObjectStore, ObjectStoreExt as _, PutMode, PutOptions, PutResult, UpdateVersion,
};

use super::facts::{ObjectFacts, ObjectVersion, OpenUpload};
use super::failure::failure;
use super::reactor::{handle, wait};
use super::requests::{ObjectBody, ObjectRequests, PutIf};
use super::signed_list::{list_signed, uploads_signed};

/// How often a listing that breaks off is gone on with, and the pause before the second time. Other requests the store's client tries
/// again by itself.
const ATTEMPTS: u32 = 6;
const PAUSE: Duration = Duration::from_millis(100);

/// A store, with what of it can be written.
#[derive(Debug)]
pub struct ObjectClient {
    /// For reading, and for what may be done twice.
    store: Arc<dyn ObjectStore>,
    writable: Option<Writable>,
    /// What lists keys that the store's client refuses, and open uploads.
    odd: Option<(Arc<dyn Signer>, reqwest::Client)>,
}

/// A store with uploads.
struct Writable {
    uploads: Arc<dyn MultipartStore>,
    /// For requests whose lost answer is found out by looking.
    brisk: Arc<dyn ObjectStore>,
    completing: Arc<dyn MultipartStore>,
}

impl fmt::Debug for Writable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.brisk)
    }
}

impl ObjectClient {
    /// A client of a bucket. `brisk` is the same bucket, and soon gives up.
    #[must_use]
    pub fn of_bucket<S: ObjectStore + MultipartStore>(patient: Arc<S>, brisk: Arc<S>) -> Self {
        let writable = Writable { uploads: patient.clone(), completing: brisk.clone(), brisk };
        Self { store: patient, writable: Some(writable), odd: None }
    }

    /// Lists keys by signed URLs, where the store's client fails over one of them.
    pub(super) fn listing_odd_keys(self, signer: Arc<dyn Signer>, client: reqwest::Client) -> Self {
        Self { odd: Some((signer, client)), ..self }
    }

    fn writable(&self) -> io::Result<&Writable> {
        self.writable
            .as_ref()
            .ok_or_else(|| io::Error::new(io::ErrorKind::Unsupported, "nothing can be written to a web server"))
    }
}

/// A key as object_store has it. Keys with empty segments, or `.` or `..`, it can neither read nor write; it would take those with a
/// slash at an end for others.
fn path(key: &str) -> io::Result<Path> {
    if key.starts_with('/') || key.ends_with('/') {
        return Err(io::Error::new(io::ErrorKind::InvalidFilename, format!("{key}: a key with a slash at an end")));
    }
    Path::parse(key).map_err(|error| failure(&error.into()))
}

/// How far a listing has come.
struct ListingPlace<'p> {
    prefix: &'p str,
    /// The last key that came.
    last: Option<String>,
    /// Attempts since.
    failed: u32,
}

/// Whether asking again would give the same answer.
fn is_final(error: &Error) -> bool {
    !matches!(error, Error::Generic { .. })
}

impl ObjectClient {
    /// Lists from where a listing stands. Returns the store's error, if one ends it.
    fn list_on(
        &self,
        listed: &mut ListingPlace<'_>,
        each: &mut dyn FnMut(ObjectFacts) -> io::Result<()>,
    ) -> io::Result<Option<Error>> {
        // The store lists by whole segments, so what is asked for is the folder.
        let folder = listed.prefix.rfind('/').and_then(|end| listed.prefix.get(..end)).unwrap_or_default();
        let folder = Path::parse(folder).map_err(|error| failure(&error.into()))?;
        let after = listed.last.as_deref().map(path).transpose()?;
        let store = Arc::clone(&self.store);
        let (give, take) = channel();
        handle()?.spawn(async move {
            let folder = Some(&folder).filter(|folder| !folder.is_root());
            let mut objects = match &after {
                Some(after) => store.list_with_offset(folder, after),
                None => store.list(folder),
            };
            while let Some(object) = objects.next().await {
                let is_last = object.is_err();
                if give.send(object).is_err() || is_last {
                    return;
                }
            }
        });
        for object in take {
            let found = match object {
                Ok(object) => facts(&object),
                Err(error) => return Ok(Some(error)),
            };
            (listed.last, listed.failed) = (Some(found.key.clone()), 0);
            if found.key.starts_with(listed.prefix) {
                each(found)?;
            }
        }
        Ok(None)
    }
}

fn facts(meta: &ObjectMeta) -> ObjectFacts {
    ObjectFacts {
        key: meta.location.to_string(),
        size: meta.size,
        modified: meta.last_modified.timestamp_nanos_opt().unwrap_or(0),
        version: ObjectVersion { etag: meta.e_tag.clone(), version: meta.version.clone() },
    }
}

fn version(result: PutResult) -> ObjectVersion {
    ObjectVersion { etag: result.e_tag, version: result.version }
}

/// Waits for an answer.
fn answer<T: Send + 'static>(future: impl Future<Output = object_store::Result<T>> + Send + 'static) -> io::Result<T> {
    wait(future)?.map_err(|error| failure(&error))
}

impl ObjectRequests for ObjectClient {
    fn list(&self, prefix: &str, each: &mut dyn FnMut(ObjectFacts) -> io::Result<()>) -> io::Result<()> {
        let mut listed = ListingPlace { prefix, last: None, failed: 0 };
        loop {
            let error = match self.list_on(&mut listed, each)? {
                None => return Ok(()),
                Some(error) => error,
            };
            match (&self.odd, error) {
                (Some((signer, client)), Error::InvalidPath { .. }) => {
                    return list_signed(signer, client, (prefix, listed.last.as_deref()), each);
                }
                (_, error) if listed.failed >= ATTEMPTS || is_final(&error) => return Err(failure(&error)),
                _ => {
                    sleep(PAUSE * (1 << listed.failed));
                    listed.failed += 1;
                }
            }
        }
    }

    fn facts(&self, key: &str) -> io::Result<Option<ObjectFacts>> {
        let (store, key) = (Arc::clone(&self.store), path(key)?);
        match wait(async move { store.head(&key).await })? {
            Ok(meta) => Ok(Some(facts(&meta))),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(failure(&error)),
        }
    }

    fn body(&self, key: &str, version: &ObjectVersion, range: Range<u64>) -> ObjectBody {
        let (give, take) = channel();
        let started = path(key).and_then(|key| Ok((key, handle()?)));
        let (key, handle) = match started {
            Ok(started) => started,
            Err(error) => {
                let _ = give.send(Err(error));
                return ObjectBody::of(take);
            }
        };
        let store = Arc::clone(&self.store);
        let options = GetOptions {
            range: Some(range.into()),
            if_match: version.etag.clone(),
            version: version.version.clone().filter(|_| version.etag.is_none()),
            ..GetOptions::default()
        };
        handle.spawn(async move {
            let mut pieces = match store.get_opts(&key, options).await {
                Ok(found) => found.into_stream(),
                Err(error) => return drop(give.send(Err(failure(&error)))),
            };
            // ObjectRequests are small, so a whole answer may wait in the channel.
            while let Some(piece) = pieces.next().await {
                let is_last = piece.is_err();
                if give.send(piece.map_err(|error| failure(&error))).is_err() || is_last {
                    return;
                }
            }
        });
        ObjectBody::of(take)
    }

    fn put(&self, key: &str, bytes: Bytes, condition: PutIf<'_>) -> io::Result<ObjectVersion> {
        let writable = self.writable()?;
        let mode = match condition {
            PutIf::Always => PutMode::Overwrite,
            PutIf::New => PutMode::Create,
            PutIf::Known(known) => {
                PutMode::Update(UpdateVersion { e_tag: known.etag.clone(), version: known.version.clone() })
            }
        };
        let store = if matches!(condition, PutIf::Always) { &self.store } else { &writable.brisk };
        let (store, key) = (Arc::clone(store), path(key)?);
        let options = PutOptions { mode, ..PutOptions::default() };
        answer(async move { store.put_opts(&key, bytes.into(), options).await }).map(version)
    }

    fn begin(&self, key: &str) -> io::Result<String> {
        let (store, key) = (Arc::clone(&self.writable()?.uploads), path(key)?);
        answer(async move { store.create_multipart(&key).await })
    }

    fn put_piece(&self, key: &str, upload: &str, place: usize, bytes: Bytes) -> io::Result<String> {
        let (store, key, upload) = (Arc::clone(&self.writable()?.uploads), path(key)?, upload.to_owned());
        answer(async move { store.put_part(&key, &upload, place, bytes.into()).await }).map(|piece| piece.content_id)
    }

    fn complete(&self, key: &str, upload: &str, pieces: &[String]) -> io::Result<ObjectVersion> {
        let (store, key, upload) = (Arc::clone(&self.writable()?.completing), path(key)?, upload.to_owned());
        let pieces = pieces.iter().map(|piece| PartId { content_id: piece.clone() }).collect();
        answer(async move { store.complete_multipart(&key, &upload, pieces).await }).map(version)
    }

    fn abandon(&self, key: &str, upload: &str) -> io::Result<()> {
        let (store, key, upload) = (Arc::clone(&self.writable()?.completing), path(key)?, upload.to_owned());
        match answer(async move { store.abort_multipart(&key, &upload).await }) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            result => result,
        }
    }

    fn uploads(&self, prefix: &str) -> io::Result<Vec<OpenUpload>> {
        // Azure has none: blocks without a commit go by themselves.
        let Some((signer, client)) = &self.odd else {
            return Err(io::Error::new(io::ErrorKind::Unsupported, "the store does not list open uploads"));
        };
        uploads_signed(signer, client, prefix)
    }

    fn remove(&self, key: &str) -> io::Result<()> {
        self.writable()?;
        let (store, key) = (Arc::clone(&self.store), path(key)?);
        match answer(async move { store.delete(&key).await }) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            result => result,
        }
    }
}

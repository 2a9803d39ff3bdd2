//! What can be asked of an object store.

use std::fmt::{self, Debug};
use std::io;
use std::ops::Range;

use bytes::Bytes;

use super::facts::{ObjectFacts, ObjectVersion, OpenUpload};

/// When an object may be written.
#[derive(Clone, Copy, Debug)]
pub enum PutIf<'a> {
    /// Always.
    Always,
    /// If there is none of its key (`If-None-Match: *`).
    New,
    /// If it is still this one (`If-Match`).
    Known(
        #[cfg_attr(not(feature = "remote"), expect(dead_code, reason = "only clients of stores read it"))]
        &'a ObjectVersion,
    ),
}

/// One bucket, container or server: each method is a request, or as few as it takes. They wait for the answer, and try
/// again what a server was too busy for. Not for use on the thread of the reactor.
///
/// The kinds of errors are part of the contract: `NotFound`, and nothing else, means that there is no such object;
/// `StaleNetworkFileHandle` that it is another one than was asked for; `AlreadyExists` that it is perhaps there already;
/// `PermissionDenied` that the credentials do not suffice, or that there are none.
pub trait ObjectRequests: Debug + Send + Sync {
    /// Lists the objects whose keys begin with a prefix, in the order of their keys. A key that is odd
    /// ([`ObjectAddress::is_odd`](super::ObjectAddress::is_odd)) is listed where the store can be asked for it, and cannot be read.
    ///
    /// # Errors
    /// If the store cannot be asked, or does not list; the error of `each`.
    fn list(&self, prefix: &str, each: &mut dyn FnMut(ObjectFacts) -> io::Result<()>) -> io::Result<()>;

    /// What the store says of an object. `None` if there is none of this key.
    ///
    /// # Errors
    /// If the store cannot be asked.
    fn facts(&self, key: &str) -> io::Result<Option<ObjectFacts>>;

    /// Asks for a range of an object's bytes and returns at once; the bytes come through [`ObjectBody`]. If `version` says which
    /// object is meant, no other one is read.
    fn body(&self, key: &str, version: &ObjectVersion, range: Range<u64>) -> ObjectBody;

    /// Whether ranges are not to be had of an object, as far as is known: then each request goes through all bytes before its range.
    fn is_stream(&self, key: &str) -> bool {
        let _ = key;
        false
    }

    /// Writes an object in one request.
    ///
    /// # Errors
    /// If it cannot be written, or the condition does not hold. `AlreadyExists` may come of an attempt of the same call
    /// whose answer was lost, or of a conflict after which nothing is there: the caller looks.
    fn put(&self, key: &str, bytes: Bytes, condition: PutIf<'_>) -> io::Result<ObjectVersion>;

    /// Begins an upload that stays open: nothing of it is visible before [`ObjectRequests::complete`]. Returns its identity,
    /// which is empty where a store has none.
    ///
    /// # Errors
    /// If the store refuses.
    fn begin(&self, key: &str) -> io::Result<String>;

    /// Uploads a piece of an open upload, by its place. Returns the identity of the piece.
    ///
    /// # Errors
    /// If the store refuses.
    fn put_piece(&self, key: &str, upload: &str, place: usize, bytes: Bytes) -> io::Result<String>;

    /// Makes an object of an open upload. Another process may do this, and it works once.
    ///
    /// # Errors
    /// If the store refuses, or the upload is gone.
    fn complete(&self, key: &str, upload: &str, pieces: &[String]) -> io::Result<ObjectVersion>;

    /// Gives an open upload up.
    ///
    /// # Errors
    /// If the store refuses. That the upload is gone is no error.
    fn abandon(&self, key: &str, upload: &str) -> io::Result<()>;

    /// Lists the open uploads whose keys begin with a prefix, in one attempt.
    ///
    /// # Errors
    /// `Unsupported` if the store has no such list; if it refuses, or cannot be asked.
    fn uploads(&self, prefix: &str) -> io::Result<Vec<OpenUpload>> {
        let _ = prefix;
        Err(io::Error::new(io::ErrorKind::Unsupported, "the store does not list open uploads"))
    }

    /// Removes an object. That there is none is no error.
    ///
    /// # Errors
    /// If the store refuses.
    fn remove(&self, key: &str) -> io::Result<()>;
}

/// The bytes of an answer, in pieces, as they come.
pub struct ObjectBody(Box<dyn Iterator<Item = io::Result<Bytes>> + Send>);

impl ObjectBody {
    /// An answer whose pieces come from an iterator, which may wait for them.
    pub fn of(pieces: impl IntoIterator<Item = io::Result<Bytes>, IntoIter: Send + 'static>) -> Self {
        Self(Box::new(pieces.into_iter()))
    }
}

impl Iterator for ObjectBody {
    type Item = io::Result<Bytes>;

    /// The next piece. `None` after the last one, and after an error.
    fn next(&mut self) -> Option<io::Result<Bytes>> {
        self.0.next()
    }
}

impl Debug for ObjectBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ObjectBody").finish_non_exhaustive()
    }
}

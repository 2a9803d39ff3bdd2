//! Files at a web server: they are read, one by one, and nothing is listed or written.
//!
//! Source: RFC 9110 sections 13.1.1 (`If-Match`), 14 (ranges), 15.3.7 (206), 15.5.17 (416).

use std::collections::HashSet;
use std::io;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::sleep;
use std::time::Duration;

use bytes::{Buf as _, Bytes};
use futures_util::StreamExt as _;
use jiff::fmt::rfc2822;
use reqwest::header::{CONTENT_RANGE, ETAG, HeaderMap, HeaderName, IF_MATCH, LAST_MODIFIED, RANGE};
use reqwest::{Client, Response, StatusCode};
use tokio::sync::mpsc::{Sender, channel};

use super::address::StoreRoot;
use super::facts::{ObjectFacts, ObjectVersion};
use super::failure::said;
use super::fetches::FETCH;
use super::reactor::{handle, wait};
use super::requests::{ObjectBody, ObjectRequests, PutIf};

/// How often the facts of a file are asked for, and the pause before the second time.
const ATTEMPTS: u32 = 7;
const PAUSE: Duration = Duration::from_millis(100);
/// Pieces of an answer that wait to be taken. A whole answer of usual size does; of one that goes on to the end of a file, some do.
const PIECES: usize = 4096;
const PIECES_OF_STREAM: usize = 256;

/// A web server.
#[derive(Debug)]
pub(super) struct WebServer {
    root: StoreRoot,
    client: Client,
    /// Files whose ranges it does not give.
    streams: Arc<Mutex<HashSet<String>>>,
}

impl WebServer {
    pub(super) fn new(root: &StoreRoot, client: Client) -> Self {
        Self { root: root.clone(), client, streams: Arc::default() }
    }

    fn url(&self, key: &str) -> String {
        self.root.object(key).to_string()
    }
}

fn note_stream(streams: &Mutex<HashSet<String>>, key: &str) {
    streams.lock().unwrap_or_else(PoisonError::into_inner).insert(key.to_owned());
}

fn header(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

/// The size of the file of which an answer has a range (`bytes 0-0/1234`).
fn size_of_all(headers: &HeaderMap) -> Option<u64> {
    header(headers, CONTENT_RANGE)?.rsplit_once('/')?.1.parse().ok()
}

/// The first byte that an answer has.
fn first_byte(headers: &HeaderMap) -> Option<u64> {
    header(headers, CONTENT_RANGE)?.strip_prefix("bytes ")?.split_once('-')?.0.parse().ok()
}

fn refused(status: StatusCode) -> io::Error {
    let kind = match status {
        StatusCode::NOT_FOUND | StatusCode::GONE => io::ErrorKind::NotFound,
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => io::ErrorKind::PermissionDenied,
        StatusCode::PRECONDITION_FAILED => io::ErrorKind::StaleNetworkFileHandle,
        _ => io::ErrorKind::Other,
    };
    io::Error::new(kind, format!("the server answers {status}"))
}

fn broken(error: reqwest::Error) -> io::Error {
    // What is wrong is said by the innermost of the causes; the URL is said anyway.
    let error = error.without_url();
    let mut innermost: &dyn std::error::Error = &error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    io::Error::other(said(&innermost.to_string()))
}

fn facts(key: &str, answer: &Response, streams: &Mutex<HashSet<String>>) -> io::Result<Option<ObjectFacts>> {
    let headers = answer.headers();
    let size = match answer.status() {
        StatusCode::PARTIAL_CONTENT => size_of_all(headers),
        StatusCode::RANGE_NOT_SATISFIABLE => Some(size_of_all(headers).unwrap_or(0)),
        StatusCode::OK => {
            note_stream(streams, key);
            answer.content_length()
        }
        StatusCode::NOT_FOUND | StatusCode::GONE => return Ok(None),
        status => return Err(refused(status)),
    };
    let no_size = || io::Error::new(io::ErrorKind::Unsupported, "the server does not say how long the file is");
    let modified = header(headers, LAST_MODIFIED).and_then(|time| rfc2822::parse(time).ok());
    let modified = modified.and_then(|time| i64::try_from(time.timestamp().as_nanosecond()).ok()).unwrap_or(0);
    // A weak one never matches (RFC 9110 section 8.8.3.2).
    let etag = header(headers, ETAG).filter(|etag| !etag.starts_with("W/")).map(str::to_owned);
    let version = ObjectVersion { etag, version: None };
    Ok(Some(ObjectFacts { key: key.to_owned(), size: size.ok_or_else(no_size)?, modified, version }))
}

impl ObjectRequests for WebServer {
    fn list(&self, _: &str, _: &mut dyn FnMut(ObjectFacts) -> io::Result<()>) -> io::Result<()> {
        Err(io::Error::new(io::ErrorKind::Unsupported, "a web server is not listed; name its files one by one"))
    }

    fn facts(&self, key: &str) -> io::Result<Option<ObjectFacts>> {
        let mut failed = 0;
        loop {
            // One byte, and not HEAD: the answer also says whether there are ranges.
            let request = self.client.get(self.url(key)).header(RANGE, "bytes=0-0");
            let (streams, of) = (Arc::clone(&self.streams), key.to_owned());
            let answered = wait(async move {
                let answer = request.send().await.map_err(broken)?;
                let is_busy = answer.status().is_server_error() || answer.status() == StatusCode::TOO_MANY_REQUESTS;
                if is_busy { Err(refused(answer.status())) } else { Ok(facts(&of, &answer, &streams)) }
            })?;
            match answered {
                Ok(facts) => return facts,
                Err(error) if failed + 1 >= ATTEMPTS => return Err(error),
                Err(_) => {
                    failed += 1;
                    sleep(PAUSE * (1 << failed));
                }
            }
        }
    }

    fn body(&self, key: &str, version: &ObjectVersion, range: Range<u64>) -> ObjectBody {
        let is_long = range.end - range.start > 2 * FETCH;
        let (give, mut take) = channel(if is_long { PIECES_OF_STREAM } else { PIECES });
        let mut request =
            self.client.get(self.url(key)).header(RANGE, format!("bytes={}-{}", range.start, range.end - 1));
        if let Some(etag) = &version.etag {
            request = request.header(IF_MATCH, etag);
        }
        let (streams, key) = (Arc::clone(&self.streams), key.to_owned());
        let started = handle().map(|handle| {
            drop(handle.spawn(async move {
                if let Err(error) = hand_on(request, range, &streams, &key, &give).await {
                    let _ = give.send(Err(error)).await;
                }
            }));
        });
        match started {
            Ok(()) => ObjectBody::of(std::iter::from_fn(move || take.blocking_recv())),
            Err(error) => ObjectBody::of([Err(error)]),
        }
    }

    fn is_stream(&self, key: &str) -> bool {
        self.streams.lock().unwrap_or_else(PoisonError::into_inner).contains(key)
    }

    fn put(&self, _: &str, _: Bytes, _: PutIf<'_>) -> io::Result<ObjectVersion> {
        Err(not_written())
    }

    fn begin(&self, _: &str) -> io::Result<String> {
        Err(not_written())
    }

    fn put_piece(&self, _: &str, _: &str, _: usize, _: Bytes) -> io::Result<String> {
        Err(not_written())
    }

    fn complete(&self, _: &str, _: &str, _: &[String]) -> io::Result<ObjectVersion> {
        Err(not_written())
    }

    fn abandon(&self, _: &str, _: &str) -> io::Result<()> {
        Err(not_written())
    }

    fn remove(&self, _: &str) -> io::Result<()> {
        Err(not_written())
    }
}

fn not_written() -> io::Error {
    io::Error::new(io::ErrorKind::Unsupported, "nothing can be written to a web server")
}

/// Hands the bytes of a range on as they come. A server that gives no ranges sends all of the file: what is before the range is dropped.
async fn hand_on(
    request: reqwest::RequestBuilder,
    range: Range<u64>,
    streams: &Mutex<HashSet<String>>,
    key: &str,
    give: &Sender<io::Result<Bytes>>,
) -> io::Result<()> {
    let answer = request.send().await.map_err(broken)?;
    let mut skip = match answer.status() {
        StatusCode::PARTIAL_CONTENT => {
            let first = first_byte(answer.headers()).filter(|first| *first <= range.start);
            range.start - first.ok_or_else(|| io::Error::other("the server answers with another range"))?
        }
        StatusCode::OK => {
            note_stream(streams, key);
            range.start
        }
        status => return Err(refused(status)),
    };
    let mut left = range.end - range.start;
    let mut pieces = answer.bytes_stream();
    while left > 0
        && let Some(piece) = pieces.next().await
    {
        let mut piece = piece.map_err(broken)?;
        let before = skip.min(piece.len() as u64);
        piece.advance(usize::try_from(before).unwrap_or(0));
        skip -= before;
        piece.truncate(usize::try_from(left).unwrap_or(usize::MAX));
        left -= piece.len() as u64;
        if !piece.is_empty() && give.send(Ok(piece)).await.is_err() {
            return Ok(());
        }
    }
    Ok(())
}

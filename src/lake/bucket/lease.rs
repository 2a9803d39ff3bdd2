//! A lease: it saves two runs the work of which one would be lost. Nothing relies on it.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use bytes::Bytes;

use crate::error::{Error, Result};
use crate::lake::layout::Layout;
use crate::storage::objects::{ObjectVersion, PutIf};

use super::objects::Objects;
use super::open::Bucket;

/// How often a lease is renewed, and after which time without that its run is taken for dead, in nanoseconds.
const RENEWAL: Duration = Duration::from_secs(60);
const LIFE: i64 = 5 * 60 * 1_000_000_000;
/// How often a lease is asked for that a store neither gives nor refuses.
const ATTEMPTS: u32 = 5;

/// A lease that is renewed until it is dropped.
#[derive(Debug)]
pub(in crate::lake) struct Lease {
    end: Option<Sender<()>>,
    renewal: Option<JoinHandle<()>>,
}

fn place() -> PathBuf {
    Layout::own("lease.json")
}

impl Lease {
    /// Takes the lease of a lake. `None` if another run has it, and lives.
    ///
    /// # Errors
    /// If the store fails, or does not permit it.
    pub(in crate::lake) fn try_take(bucket: &Bucket) -> Result<Option<Self>> {
        let objects = bucket.objects()?.clone();
        let text = Bytes::from(format!("{{\"run\": \"{}\"}}\n", bucket.run()));
        let place = place();
        let key = objects.key(&place);
        let Some(version) = take(&objects, bucket.run(), &text)? else { return Ok(None) };
        let (end, ended) = channel();
        let renewal = thread::Builder::new().name("parcap-lease".to_owned()).spawn(move || {
            let mut version = version;
            while ended.recv_timeout(RENEWAL) == Err(RecvTimeoutError::Timeout) {
                match objects.store.put(&key, text.clone(), PutIf::Known(&version)) {
                    Ok(renewed) => version = renewed,
                    // Another run has it, after this one was slow. Who is first decides, and then the other one ends.
                    Err(error) if error.kind() == io::ErrorKind::StaleNetworkFileHandle => return,
                    Err(_) => {}
                }
            }
            give_back(&objects, &place, &version);
        });
        let renewal = renewal.map_err(Error::io("renew the lease of", bucket.root()))?;
        Ok(Some(Self { end: Some(end), renewal: Some(renewal) }))
    }
}

/// Writes the lease. `None` if another run has it, and lives.
fn take(objects: &Objects, run: &str, text: &Bytes) -> Result<Option<ObjectVersion>> {
    let place = place();
    let key = objects.key(&place);
    // Mostly there is none, so the first request writes it.
    let mut dead = None;
    for attempt in 1.. {
        let condition = dead.as_ref().map_or(PutIf::New, PutIf::Known);
        match objects.store.put(&key, text.clone(), condition) {
            Ok(version) => return Ok(Some(version)),
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied || attempt == ATTEMPTS => {
                return Err(objects.failed("write", &place)(error));
            }
            // Another run has it or was faster, or the answer was lost: what is there tells.
            Err(_) => {}
        }
        dead = match objects.read(&place)? {
            None => None,
            Some((said, version)) if said == *text => return Ok(Some(version)),
            Some((_, version)) if is_dead(objects, &place, &version, run)? => Some(version),
            Some(_) => return Ok(None),
        };
    }
    Ok(None)
}

/// Whether nobody has renewed a lease for its life.
fn is_dead(objects: &Objects, place: &Path, version: &ObjectVersion, run: &str) -> Result<bool> {
    let held = objects.facts(place)?.filter(|held| held.version == *version);
    Ok(match held {
        Some(held) => objects.now(run)?.saturating_sub(held.modified) >= LIFE,
        None => false,
    })
}

fn give_back(objects: &Objects, place: &Path, version: &ObjectVersion) {
    if objects.facts(place).is_ok_and(|held| held.is_some_and(|held| held.version.etag == version.etag)) {
        let _ = objects.remove(place);
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        drop(self.end.take());
        if let Some(renewal) = self.renewal.take() {
            let _ = renewal.join();
        }
    }
}

impl Objects {
    /// The time by the store's clock, in nanoseconds since the Unix epoch: that of an object that was just written.
    pub(super) fn now(&self, run: &str) -> Result<i64> {
        let place = Layout::own(&format!("clock-{run}"));
        self.write(&place, Bytes::from_static(b"\n"))?;
        let facts = self.facts(&place);
        self.remove(&place)?;
        Ok(facts?.map_or(i64::MAX, |facts| facts.modified))
    }
}

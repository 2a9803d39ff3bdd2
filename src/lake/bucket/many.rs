//! Several requests at the same time.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use crate::bug::bug;
use crate::error::Result;

/// Requests that are under way at a time. They wait, and compute nothing.
pub(super) const AT_ONCE: usize = 16;

/// Calls `request` with each item, several at a time, on threads of its own: waiting threads must not be workers. Returns the
/// results in the order of the items; the first error that came ends it.
pub(super) fn at_once<T: Sync, R: Send>(items: &[T], request: impl Fn(&T) -> Result<R> + Sync) -> Result<Vec<R>> {
    if let [item] = items {
        return Ok(vec![request(item)?]);
    }
    let next = AtomicUsize::new(0);
    let results: Mutex<Vec<Option<R>>> = Mutex::new(items.iter().map(|_| None).collect());
    let failed = Mutex::new(None);
    let work = || {
        while let Some((place, item)) = {
            let place = next.fetch_add(1, Ordering::Relaxed);
            items.get(place).map(|item| (place, item))
        } {
            match request(item) {
                Ok(result) => {
                    let mut results = results.lock().unwrap_or_else(PoisonError::into_inner);
                    if let Some(slot) = results.get_mut(place) {
                        *slot = Some(result);
                    }
                }
                Err(error) => {
                    next.store(items.len(), Ordering::Relaxed);
                    failed.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
                    return;
                }
            }
        }
    };
    thread::scope(|scope| {
        for _ in 1..items.len().min(AT_ONCE) {
            // Where no thread can be started, this one does all.
            let _ = thread::Builder::new().name("parcap-requests".to_owned()).spawn_scoped(scope, work);
        }
        work();
    });
    if let Some(error) = failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
        return Err(error);
    }
    let results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    results.into_iter().map(|result| result.ok_or_else(|| bug!())).collect()
}

//! The threads that wait for object stores, so that workers need not be asynchronous.

use std::future::Future;
use std::io;
use std::sync::{Mutex, PoisonError};

use tokio::runtime::{Builder, Handle, Runtime};

/// TLS and signing are computed on these threads: one for each four cores.
const CORES_EACH: usize = 4;

/// The reactor of this process. A process that was forked has none of its parent's threads.
static REACTOR: Mutex<Option<(u32, &'static Runtime)>> = Mutex::new(None);

/// The handle of the reactor, which is started when it is first asked for, and never ends.
pub(super) fn handle() -> io::Result<Handle> {
    let mut held = REACTOR.lock().unwrap_or_else(PoisonError::into_inner);
    let process = std::process::id();
    if let Some((of, runtime)) = *held
        && of == process
    {
        return Ok(runtime.handle().clone());
    }
    let threads = std::thread::available_parallelism().map_or(1, |cores| cores.get().div_ceil(CORES_EACH));
    let runtime = Builder::new_multi_thread().worker_threads(threads).thread_name("parcap-net").enable_all().build()?;
    let runtime: &'static Runtime = Box::leak(Box::new(runtime));
    *held = Some((process, runtime));
    Ok(runtime.handle().clone())
}

/// Waits for what a future gives. Not for use on a thread of the reactor.
pub(super) fn wait<T: Send + 'static>(future: impl Future<Output = T> + Send + 'static) -> io::Result<T> {
    let (give, take) = std::sync::mpsc::sync_channel(1);
    handle()?.spawn(async move {
        // The channel has room for it, so this never blocks the reactor.
        let _ = give.send(future.await);
    });
    take.recv().map_err(|_| io::Error::other("the request ended without an answer"))
}

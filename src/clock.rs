//! The wall clock of commits. What is read from it is written into a manifest, and read there from then on.

use std::time::SystemTime;

/// Milliseconds since the Unix epoch, by this machine's clock.
pub fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let now = since.ok().and_then(|since| i64::try_from(since.as_millis()).ok()).unwrap_or(0);
    #[cfg(any(test, feature = "internal-api"))]
    let now = now.saturating_add(ahead::AHEAD_MS.get());
    now
}

#[cfg(any(test, feature = "internal-api"))]
mod ahead {
    use std::cell::Cell;

    thread_local! {
        /// How far the clock of this thread is ahead, in milliseconds.
        pub(super) static AHEAD_MS: Cell<i64> = const { Cell::new(0) };
    }
}

/// Puts the clock of this thread ahead by some milliseconds, in place of what it was before. For tests: a commit reads the clock
/// on the thread that makes it.
#[cfg(any(test, feature = "internal-api"))]
pub fn set_ahead_ms(ahead: i64) {
    ahead::AHEAD_MS.set(ahead);
}

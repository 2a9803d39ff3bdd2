//! Laws of answers and of the cache. `tests/ptr.rs` tests whole rounds.

mod answers;
mod caches;

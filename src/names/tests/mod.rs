//! Laws of answers and of the cache; what a whole round does stands in `tests/ptr.rs`.

mod answers;
mod caches;

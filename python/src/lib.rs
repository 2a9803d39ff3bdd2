//! parcap for Python: what the package `parcap` is built on. Its modules in Python have the interface that people use, and its
//! documentation; here is what only Rust can do.

mod capsule;
mod errors;
mod progress;
mod reader;
mod runs;
mod stream;

use pyo3::prelude::*;

/// The module `parcap._parcap`.
#[pymodule(gil_used = false)]
mod _parcap {
    #[pymodule_export]
    use super::reader::{Batch, Pass, Reader};
    #[pymodule_export]
    use super::runs::{call, main, names_of, summary_tables};
}

//! Errors of calls to the operating system.

use std::io;
use std::path::Path;

use super::Error;

impl Error {
    /// An [`Error::Io`] on `path`; meant for `map_err`.
    pub fn io(action: &'static str, path: impl AsRef<Path>) -> impl FnOnce(io::Error) -> Self {
        let path = path.as_ref().to_path_buf();
        move |source| Self::Io { action, path, source }
    }
}

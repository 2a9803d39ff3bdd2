//! Where sums are spilled that do not fit in memory, and the check whether to go on.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::cancel::Cancel;
use crate::error::Result;

/// Default limit for keys and sums in memory, in bytes. More is spilled.
const ROOM: usize = 16 << 20;

/// What aggregators share that are made from one another.
#[derive(Clone)]
pub struct Space {
    folder: PathBuf,
    room: usize,
    stop: Arc<dyn Fn() -> Result<()> + Send + Sync>,
}

impl Space {
    /// A folder for runs. Their files have no name, and are gone when the process ends.
    #[must_use]
    pub fn new(folder: &Path) -> Self {
        Self { folder: folder.to_path_buf(), room: ROOM, stop: Arc::new(|| Ok(())) }
    }

    /// The same with another limit of memory, in bytes.
    #[must_use]
    pub fn with_room(mut self, room: usize) -> Self {
        self.room = room;
        self
    }

    /// The same, with a check that is called now and then. An error that it returns ends the work.
    #[must_use]
    pub fn with_stop(mut self, stop: impl Fn() -> Result<()> + Send + Sync + 'static) -> Self {
        self.stop = Arc::new(stop);
        self
    }

    /// The same, whose work ends when the run is cancelled.
    #[must_use]
    pub fn cancelled_by(self, cancel: &Cancel) -> Self {
        let cancel = cancel.clone();
        self.with_stop(move || Ok(cancel.check()?))
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    pub(super) fn room(&self) -> usize {
        self.room
    }

    /// Whether to go on.
    pub(super) fn check(&self) -> Result<()> {
        (self.stop)()
    }
}

impl fmt::Debug for Space {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Space").field("folder", &self.folder).field("room", &self.room).finish_non_exhaustive()
    }
}

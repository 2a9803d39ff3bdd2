//! The work that one worker decodes without a break.

use crate::capture::is_read_forward;
use crate::discover::{Compression, Input};
use crate::error::{Error, Result};

/// A capture, or a chunk of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ReadTask {
    /// The capture, by its place in the list of captures.
    pub(super) place: usize,
    /// The number of the chunk; `None` for a whole capture.
    pub(super) chunk: Option<u64>,
}

/// The tasks of some captures, in order. A capture is one task if it can only be read from its beginning, or has little
/// more than a chunk.
pub(super) fn tasks_of(captures: &[Input], chunk_size: u64) -> Vec<ReadTask> {
    let mut tasks = Vec::new();
    for (place, capture) in captures.iter().enumerate() {
        let is_cut = capture.size > chunk_size.saturating_add(chunk_size / 2) && !is_read_forward(capture);
        if is_cut {
            let chunks = capture.size.div_ceil(chunk_size);
            tasks.extend((0..chunks).map(|chunk| ReadTask { place, chunk: Some(chunk) }));
        } else {
            tasks.push(ReadTask { place, chunk: None });
        }
    }
    tasks
}

/// The task of one chunk alone: the whole capture, of which the reader leaves out the rest. None, where no capture was found.
///
/// # Errors
/// If there are several captures, or this one can only be read whole.
pub(super) fn task_of_chunk(captures: &[Input]) -> Result<Vec<ReadTask>> {
    let [capture, others @ ..] = captures else { return Ok(Vec::new()) };
    let problem = if !others.is_empty() {
        "is one of several captures"
    } else if capture.is_stdin() {
        "is a stream"
    } else if capture.compression != Compression::None {
        "is compressed"
    } else if is_read_forward(capture) {
        "is at a server that gives it from its beginning only"
    } else {
        return Ok(vec![ReadTask { place: 0, chunk: None }]);
    };
    Err(Error::NoChunks { path: capture.path.clone(), problem })
}

//! What is known about the captures that have been read so far.

use crate::capture::{Position, Timestamp};
use crate::discover::{Input, Refusal};
use crate::lake::RefusedEntry;
use crate::outcome::Damaged;
use crate::plan::CaptureEntry;

use super::chunk::ChunkResult;
use super::task::ReadTask;

/// What gave no rows, what was damaged, and the capture that is being read.
pub(super) struct Ledger {
    pub(super) refused: Vec<RefusedEntry>,
    pub(super) damaged: Vec<Damaged>,
    open: Option<OpenCapture>,
}

/// The capture that is being read.
struct OpenCapture {
    place: usize,
    /// Where its last chunk ended.
    end: Option<ReadEnd>,
    found: CaptureEntry,
}

/// The end of what has been read of a capture.
#[derive(Clone)]
pub(super) struct ReadEnd {
    pub(super) position: Position,
    /// The time of the last record before it that has one.
    pub(super) last: Option<Timestamp>,
    /// Records before it.
    pub(super) frames: u64,
}

impl Ledger {
    pub(super) fn new(refused: Vec<RefusedEntry>) -> Self {
        Self { refused, damaged: Vec::new(), open: None }
    }

    /// Goes to a capture, or to the end. If another one was being read, all of it has been read.
    pub(super) fn turn_to(&mut self, place: Option<usize>, captures: &[Input]) {
        let Some(OpenCapture { place, found, .. }) = self.open.take_if(|open| Some(open.place) != place) else {
            return;
        };
        let (Some(damage), Some(input)) = (found.damage, captures.get(place)) else { return };
        let (path, message) = (input.path.clone(), damage.to_string());
        self.damaged.push(Damaged { path, records: found.records, damage, message, gaps: found.gaps });
    }

    /// Where the chunk before this one ended.
    pub(super) fn expected(&self, task: ReadTask) -> Option<&ReadEnd> {
        self.open.as_ref().filter(|open| open.place == task.place)?.end.as_ref()
    }

    /// Notes the result of a chunk.
    pub(super) fn end(&mut self, task: ReadTask, result: ChunkResult) {
        let new = OpenCapture { place: task.place, end: None, found: CaptureEntry::default() };
        let open = self.open.get_or_insert(new);
        let (last, frames) = open.end.take().map_or((None, 0), |end| (end.last, end.frames));
        let (last, frames) = (result.last.or(last), frames + result.found.rows);
        open.end = Some(ReadEnd { position: result.position, last, frames });
        open.found += result.found;
        result.metered.keep();
    }

    /// Notes a capture that cannot be opened.
    pub(super) fn refuse(&mut self, input: &Input, refusal: &Refusal) {
        let hint = refusal.advice();
        let (path, reason) = (input.path.clone(), refusal.to_string());
        self.refused.push(RefusedEntry { path, reason, hint, seen: None, retired: false });
    }
}

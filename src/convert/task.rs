//! One task: records in, row groups out, in turn.

use std::ops::Range;

use crate::bug::bug;
use crate::capture::{
    CaptureReader, ContentHashes, Damage, DamageKind, Framing, Position, Timestamp, begin_range, resync, want_soon,
};
use crate::day::Day;
use crate::discover::{Compression, Input, Refusal};
use crate::error::{Error, Result};
use crate::memory::SMALL_WINDOW;
use crate::packets::{HandedOn, INTERFACE, Partitioner, When};
use crate::plan::CaptureEntry;
use crate::storage::objects::{ReadSoon, is_object};
use crate::summary::Partial;

use super::job::Job;
use super::row_group_queue::{RowGroupQueue, TaskError};
use super::scan::{Flow, STRIDE, Scan, walk};
use super::turn_queue::ChunkEnd;
use super::visitor::ConvertVisitor;

/// What a task has found and not yet handed in.
pub(super) struct Work<'j, 'a> {
    pub(super) job: &'j Job<'a>,
    pub(super) turn: u64,
    pub(super) partitioner: Partitioner,
    pub(super) partial: Partial,
    pub(super) captures: Vec<(usize, CaptureEntry)>,
    /// Whether server names are counted: whenever rows have them, whatever the sources of names are today.
    pub(super) has_server_names: bool,
    pub(super) output: RowGroupQueue<'j, 'a>,
}

/// Runs one task of a unit. Returns true if it was the last one to end.
pub(super) fn run(job: &Job<'_>, task: usize) -> Result<bool> {
    let turn = job.turn(task);
    let wanted = job.tasks.get(task).ok_or_else(|| bug!())?;
    let Some(chunk) = wanted.chunk else {
        let mut work = Work::new(job, turn);
        let mut soon = ReadSoon::default();
        for place in wanted.captures.clone() {
            want_next(job, place..wanted.captures.end, &mut soon);
            work.whole_capture(place).map_err(never_disproved)?;
        }
        return work.hand_in(None).map_err(never_disproved);
    };
    let place = wanted.captures.start;
    let capture = job.unit.captures.get(place).ok_or_else(|| bug!())?;
    let _in_hand = begin_range(&job.context.soon, &capture.input, job.range_of(chunk));
    // The number of a record is known after all records before it. Where they are neither counted nor read, they must be read first.
    let must_count =
        job.context.encoder.numbers_frames() && job.turns.is_first(turn) && job.frames_before_unit().is_none();
    if chunk > 0
        && !must_count
        && !job.turns.is_proved(turn)
        && let Some(done) = guess_ahead(job, place, chunk, turn)?
    {
        return Ok(done);
    }
    let chunk_end = job.turns.wait(turn, &job.context.cancel)?;
    let mut work = Work::new(job, turn);
    work.output.is_in_turn = true;
    let chunk_end = work.chunk_in_turn(place, chunk, chunk_end).map_err(never_disproved)?;
    work.hand_in(Some(chunk_end)).map_err(never_disproved)
}

/// Asks for the captures that are read next, while one is read. Many small ones would take a request's time each.
fn want_next(job: &Job<'_>, places: Range<usize>, soon: &mut ReadSoon) {
    let mut next = job
        .unit
        .captures
        .get(places)
        .unwrap_or_default()
        .iter()
        .map(|capture| (&capture.input, 0..capture.input.size))
        .peekable();
    if next.peek().is_some_and(|(input, _)| is_object(&input.absolute)) {
        want_soon(soon, next);
    }
}

/// Converts a chunk before its turn, from a guessed position. `None` if that did not work out.
fn guess_ahead(job: &Job<'_>, place: usize, chunk: u64, turn: u64) -> Result<Option<bool>> {
    let capture = job.unit.captures.get(place).ok_or_else(|| bug!())?;
    let range = job.range_of(chunk);
    let Ok(Some(reader)) = resync::guess_reader(&capture.input, range.start, range.end) else {
        return Ok(None);
    };
    let position = reader.position().clone();
    let mut work = Work::new(job, turn);
    work.output.guessed = Some(position.clone());
    work.output.numbers_from_guess = true;
    let from = ChunkEnd { position, last: None, frames: 0 };
    let reader = reader.salvaging(work.salvage(), None).hashing();
    let reader = reader.then(work.next_chunk(place, chunk), &job.context.soon);
    let result = work.read(place, reader, Some(from)).and_then(|chunk_end| match chunk_end.last {
        Some(_) => work.hand_in(Some(chunk_end)),
        // No packet begins in the chunk, so the time to hand on comes from an earlier chunk.
        None => Err(TaskError::WrongGuess),
    });
    match result {
        Ok(last) => Ok(Some(last)),
        Err(TaskError::WrongGuess) => Ok(None),
        Err(TaskError::Failed(error)) => Err(error),
    }
}

/// Work without a guess cannot have a wrong guess. If it does, that is a bug, and the run must not commit.
fn never_disproved(stop: TaskError) -> Error {
    match stop {
        TaskError::Failed(error) => error,
        TaskError::WrongGuess => {
            Error::Worker { unit: String::new(), message: "a chunk that was not guessed was to be proved".to_owned() }
        }
    }
}

impl<'j, 'a> Work<'j, 'a> {
    fn new(job: &'j Job<'a>, turn: u64) -> Self {
        let settings = &job.unit.settings;
        let partitioner = Partitioner::new(
            job.context.encoder.table().clone(),
            settings.partition_by,
            (settings.timestamp_unit, settings.length),
            settings.row_group_rows,
            job.context.row_pool.take(),
        )
        .mixing();
        Self {
            job,
            turn,
            partitioner,
            partial: Partial::new(&job.space())
                .counting_clients(settings.dns_clients)
                .with_flows(settings.flow_timeout, true),
            captures: Vec::new(),
            has_server_names: settings.summaries && settings.columns.has_server_names(),
            output: RowGroupQueue::new(job, turn),
        }
    }

    /// Reads a capture from its beginning to its end. If it cannot be read, its entry says so, and the others go on.
    fn whole_capture(&mut self, place: usize) -> Result<(), TaskError> {
        let capture = self.job.unit.captures.get(place).ok_or_else(|| bug!())?;
        let window = match self.window(&capture.input) {
            Ok(window) => window,
            Err(refusal) => {
                self.refuse(place, &refusal);
                return Ok(());
            }
        };
        let mut taken = None;
        if window > SMALL_WINDOW {
            // Only in turn: otherwise the task that has the memory could wait for a task that waits for it.
            self.output.write_held()?;
            taken = Some(self.job.context.decoder_memory.take(window, &self.job.context.cancel)?);
        }
        self.output.is_alone = capture.input.is_stdin() || capture.input.compression != Compression::None;
        match CaptureReader::open_within(&capture.input, window) {
            // Standard input is hashed as it comes.
            Ok(reader) => {
                let reader = if capture.input.is_stdin() { reader } else { reader.hashing() };
                self.read(place, reader.salvaging(self.salvage(), None), None).map(drop)?;
            }
            Err(refusal) => self.refuse(place, &refusal),
        }
        drop(taken);
        Ok(())
    }

    /// Bytes of memory for the decompressor of a capture. For standard input the need is not known before it is read, so
    /// it gets all that one decompressor may have.
    fn window(&self, input: &Input) -> Result<u64, Refusal> {
        let allowed = self.job.context.memory.largest_window();
        if input.is_stdin() {
            return Ok(allowed);
        }
        let needed = input.window()?.unwrap_or(0);
        if needed > allowed {
            return Err(Refusal::Window { compression: input.compression, needed, allowed });
        }
        Ok(needed.max(SMALL_WINDOW))
    }

    /// What a worker will read after this chunk: as many are under way as there are workers. Nothing, if that is of another unit.
    fn next_chunk(&self, place: usize, chunk: u64) -> Range<u64> {
        let next = chunk.saturating_add(self.job.context.memory.workers() as u64);
        let chunks = self.job.unit.captures.get(place).and_then(|capture| capture.chunks.as_ref());
        let is_here = chunks.is_none_or(|chunks| chunks.contains(&next));
        let Range { start, end } = self.job.range_of(next);
        start..if is_here { end } else { start }
    }

    fn salvage(&self) -> bool {
        self.job.unit.settings.salvage
    }

    fn refuse(&mut self, place: usize, refusal: &Refusal) {
        let entry = CaptureEntry {
            refused: Some(refusal.to_string()),
            refused_for_good: refusal.is_of_content(),
            ..CaptureEntry::default()
        };
        self.captures.push((place, entry));
    }

    /// Reads a chunk in its turn: from where the one before it ended, or from the beginning of the capture.
    fn chunk_in_turn(&mut self, place: usize, chunk: u64, chunk_end: Option<ChunkEnd>) -> Result<ChunkEnd, TaskError> {
        if let Some(chunk_end) = chunk_end {
            return self.chunk_from(place, chunk, chunk_end);
        }
        let capture = self.job.unit.captures.get(place).ok_or_else(|| bug!())?;
        let chunk_size = self.job.unit.settings.chunk_size;
        // The first chunk of a capture is read from a position, like any other.
        let opened = if chunk == 0 { CaptureReader::glance } else { CaptureReader::open };
        let mut reader = match opened(&capture.input) {
            Ok(reader) => reader.salvaging(self.salvage(), None),
            Err(refusal) => return Ok(self.gone(place, chunk, None, &refusal)),
        };
        let (mut last, mut frames) = (None, 0);
        if chunk > 0 {
            // The first chunk of a unit that is converted by itself, where nothing could be guessed: read up to it.
            let look = || Ok(self.job.context.cancel.check().map(|()| Flow::On)?);
            last = walk(&mut reader, chunk * chunk_size, look)?;
            frames = reader.frames();
        }
        let position = reader.position().clone();
        self.chunk_from(place, chunk, ChunkEnd { position, last, frames })
    }

    /// Handles a capture that existed when it was planned, and cannot be opened any more. No chunk after this one has
    /// rows. The ones before it may have rows; then the capture is damaged, and the next run reads it again.
    fn gone(&mut self, place: usize, chunk: u64, entry: Option<Position>, refusal: &Refusal) -> ChunkEnd {
        let offset = chunk * self.job.unit.settings.chunk_size;
        let framing = Framing::Empty;
        let position = Position { offset, framing, first_time: None, ended: true };
        if chunk == 0 {
            self.refuse(place, refusal);
        } else {
            let detail = Some(format!("it {refusal}"));
            let damage = Damage { kind: DamageKind::Unreadable, frame: 1, offset, announced: 0, found: 0, detail };
            let exit = Some(position.clone());
            let found = CaptureEntry { damage: Some(damage), entry, exit, ..CaptureEntry::default() };
            self.captures.push((place, found));
        }
        ChunkEnd { position, last: None, frames: 0 }
    }

    fn chunk_from(&mut self, place: usize, chunk: u64, from: ChunkEnd) -> Result<ChunkEnd, TaskError> {
        let capture = self.job.unit.captures.get(place).ok_or_else(|| bug!())?;
        let chunk_size = self.job.unit.settings.chunk_size;
        let limit = (chunk + 1) * chunk_size;
        if from.position.ended {
            let entry = CaptureEntry {
                entry: Some(from.position.clone()),
                exit: Some(from.position.clone()),
                content: Some(ContentHashes::default()),
                ..CaptureEntry::default()
            };
            self.captures.push((place, entry));
            return Ok(from);
        }
        match CaptureReader::resume(&capture.input, from.position.clone(), limit) {
            Ok(Some(reader)) => {
                let reader = reader.salvaging(self.salvage(), from.last).hashing();
                self.read(place, reader.then(self.next_chunk(place, chunk), &self.job.context.soon), Some(from))
            }
            Ok(None) => Err(TaskError::WrongGuess),
            Err(refusal) => Ok(self.gone(place, chunk, Some(from.position), &refusal)),
        }
    }

    /// Reads to the end, or to the reader's limit. `from` is where a chunk begins.
    fn read(&mut self, place: usize, reader: CaptureReader, from: Option<ChunkEnd>) -> Result<ChunkEnd, TaskError> {
        let before = from.as_ref().and_then(|from| from.last);
        let frames = from.as_ref().map_or(0, |from| from.frames);
        let reader = reader.after_frames(frames);
        self.partitioner.begin(place, before);
        self.partial.begin(place)?;
        let mut scan = Scan::new(reader, &self.job.unit.settings.decapsulate, &self.job.context.cancel);
        let mut visitor = ConvertVisitor::new(self, place);
        scan.run(&mut visitor)?;
        let metered = visitor.metered;
        self.job.context.meter.add(scan.bytes_read() - metered, scan.records() % STRIDE);
        self.end_of_capture(place, scan.position().first_time)?;
        let frames = frames + scan.records();
        let chunk_end = ChunkEnd { position: scan.position().clone(), last: scan.last().or(before), frames };
        let (mut entry, mut exit) = from.map(|from| (from.position, chunk_end.position.clone())).unzip();
        if !self.job.unit.settings.columns.names().any(|name| name == INTERFACE) {
            [&mut entry, &mut exit].into_iter().flatten().for_each(Position::forget_names);
        }
        let found = CaptureEntry { entry, exit, ..scan.take_entry(self.job.unit.settings.length) };
        self.captures.push((place, found));
        Ok(chunk_end)
    }

    /// Rows without a time, before the first timed row, have their date now, or never will.
    fn end_of_capture(&mut self, place: usize, first: Option<Timestamp>) -> Result<(), TaskError> {
        if matches!(self.partitioner.when(), When::BeforeFirst(_)) {
            self.partitioner.flush();
            self.encode()?;
        }
        let when = first.map(|first| When::of_seconds(first.seconds(), self.job.unit.settings.partition_by));
        self.partial.resolve(when.map_or(Day::EPOCH, day_of));
        if let Some(when) = when {
            self.output.resolve(place, when, &mut self.partitioner)?;
        }
        Ok(())
    }

    pub(super) fn encode(&mut self) -> Result<(), TaskError> {
        while let Some(handed_on) = self.partitioner.take_handed_on() {
            let (key, rows) = match handed_on {
                HandedOn::RowGroup(key, rows) => (key, rows),
                // Counted when those of a partition are together.
                HandedOn::Mixed(rows) => {
                    self.output.add_mixed(rows, &mut self.partitioner)?;
                    continue;
                }
            };
            if self.job.unit.settings.summaries {
                self.partial.add_rows(day_of(key.when), &rows, self.job.unit.settings.window)?;
            }
            self.output.add(key, rows, &mut self.partitioner)?;
        }
        Ok(())
    }

    /// Writes the rest, and passes the turn on.
    fn hand_in(mut self, chunk_end: Option<ChunkEnd>) -> Result<bool, TaskError> {
        self.partitioner.flush();
        self.encode()?;
        self.output.finish(&mut self.partitioner)?;
        let last = self.job.add(self.captures, self.partial.into_aggregator())?;
        let frames_before = self.output.frames_before;
        let chunk_end = chunk_end.map(|end| ChunkEnd { frames: end.frames + frames_before, ..end });
        self.job.turns.pass(self.turn, chunk_end);
        self.job.context.row_pool.give(self.partitioner.into_spare());
        Ok(last)
    }
}

/// The date under which rows are summed up.
pub(super) fn day_of(when: When) -> Day {
    when.day().unwrap_or(Day::UNKNOWN)
}

//! A sorted run on disk: an Arrow IPC file with a footer. Each batch belongs to one group.

use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{Array as _, ArrayRef, AsArray as _, BinaryArray, Int64Array, RecordBatch};
use arrow::buffer::{Buffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow_ipc::CompressionType;
use arrow_ipc::reader::FileReader;
use arrow_ipc::writer::{FileWriter, IpcWriteOptions};
use serde::{Deserialize, Serialize};

use crate::bug::bug;
use crate::day::Day;
use crate::error::{Error, Result};
use crate::storage::{HashedFile, LocalFile};

use super::buffer::{Measure, Sums};
use super::group::{Group, OWNER};

/// Keys of a batch, which one reader of a run holds in memory: some 250 KiB, or 800 KiB of long keys.
const BATCH_KEYS: usize = 4096;
/// Bytes of the keys of a batch, if they are long.
const BATCH_BYTES: usize = 512 << 10;
/// Bytes that are collected before they are written.
const BUFFER: usize = 1 << 18;
/// The attempted action, for errors.
const WRITE: &str = "write sums to";
/// The key in a file's metadata under which it says which batches belong to which group.
const SECTIONS: &str = "parcap.sections";

/// The batches of a file that belong to one group.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Stretch {
    day: Day,
    kind: u8,
    rule: Measure,
    #[serde(default)]
    owned: bool,
    first_batch: usize,
    batches: usize,
}

impl Stretch {
    fn section(self) -> Group {
        Group { day: self.day, kind: self.kind, rule: self.rule, owned: self.owned }
    }
}

/// What to do with the owners of keys when a run is read.
#[derive(Clone, Debug, Default)]
pub enum Owners {
    /// Owners stay in the keys.
    #[default]
    Stay,
    /// Owners are removed from the keys, and sums of keys that become equal are added up.
    AddUp,
    /// The new number of each owner by its old one. `None` for an owner whose keys are stepped over. Numbers keep their
    /// order.
    Renumber(Arc<[Option<u32>]>),
}

/// A run that can be read, group by group.
#[derive(Debug)]
pub struct SortedRun {
    file: Arc<LocalFile>,
    stretches: Vec<Stretch>,
    owners: Owners,
    /// Whether its sums are subtracted instead of added.
    negative: bool,
}

impl SortedRun {
    /// Opens a run that any program may have written.
    ///
    /// # Errors
    /// As [`SortedRun::open`], and if a length in it cannot be right.
    pub fn open_checked(file: LocalFile) -> io::Result<Self> {
        super::bounds::check(&file)?;
        Self::open(file)
    }

    /// Opens a run that was written by this process.
    ///
    /// # Errors
    /// If the file cannot be read, or is no run.
    pub fn open(file: LocalFile) -> io::Result<Self> {
        let file = Arc::new(file);
        let reader = caught(|| FileReader::try_new(Positioned { file: Arc::clone(&file), at: 0 }, None))?;
        let text = reader.custom_metadata().get(SECTIONS);
        let text = text.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "it is no partial summary"))?;
        let stretches = serde_json::from_str(text)?;
        Ok(Self { file, stretches, owners: Owners::Stay, negative: false })
    }

    /// The same run, with this done to the owners of its keys.
    pub(super) fn with_owners(self, owners: Owners) -> Self {
        Self { owners, ..self }
    }

    /// The same run, with only the wanted groups.
    pub(super) fn only(mut self, wanted: &dyn Fn(Group) -> bool) -> Self {
        self.stretches.retain(|stretch| wanted(stretch.section()));
        self
    }

    /// The same run, with its sums subtracted instead of added.
    pub(super) fn negated(self) -> Self {
        Self { negative: !self.negative, ..self }
    }

    /// The group of a stretch, as a reader of the run sees it.
    fn section_of(&self, stretch: &Stretch) -> Group {
        let section = stretch.section();
        Group { owned: section.owned && !matches!(self.owners, Owners::AddUp), ..section }
    }

    /// The groups that it has keys of.
    pub fn sections(&self) -> impl Iterator<Item = Group> {
        self.stretches.iter().map(|stretch| self.section_of(stretch))
    }

    /// Moves the keys of one date to another.
    pub(super) fn rename(&mut self, from: Day, to: Day) {
        self.stretches.iter_mut().filter(|stretch| stretch.day == from).for_each(|stretch| stretch.day = to);
    }

    /// Readers of the keys of a group: one, or perhaps two after [`SortedRun::rename`].
    pub(super) fn read(&self, section: Group) -> impl Iterator<Item = io::Result<Cursor>> {
        let of_section = move |stretch: &&Stretch| {
            let held = self.section_of(stretch);
            (held.day, held.kind, held.owned) == (section.day, section.kind, section.owned)
        };
        self.stretches.iter().filter(of_section).map(move |stretch| {
            // Stepping over it would lose sums without an error.
            if stretch.rule != section.rule {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    "sums were written by another version of parcap",
                ));
            }
            let file = Positioned { file: Arc::clone(&self.file), at: 0 };
            let mut reader = caught(|| FileReader::try_new(file, None))?;
            reader.set_index(stretch.first_batch).map_err(io_error)?;
            let mut cursor = Cursor {
                reader,
                left: stretch.batches,
                batch: Columns::default(),
                row: 0,
                owners: if stretch.owned { self.owners.clone() } else { Owners::Stay },
                key: Vec::new(),
                negative: self.negative,
            };
            cursor.next_batch()?;
            cursor.settle()?;
            Ok(cursor)
        })
    }
}

/// Reads at its own offset of a file that others read too.
struct Positioned {
    file: Arc<LocalFile>,
    at: u64,
}

impl Read for Positioned {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(buffer, self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}

impl Seek for Positioned {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
            SeekFrom::End(by) => self.file.facts()?.size.checked_add_signed(by),
        };
        self.at = at.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        Ok(self.at)
    }
}

/// Reads the keys of one group of one run, in order.
pub(super) struct Cursor {
    reader: FileReader<Positioned>,
    left: usize,
    batch: Columns,
    row: usize,
    owners: Owners,
    /// The current key, where it differs from the key in the file.
    key: Vec<u8>,
    negative: bool,
}

/// The columns of a batch.
struct Columns {
    keys: BinaryArray,
    numbers: [ScalarBuffer<i64>; 4],
}

impl Default for Columns {
    fn default() -> Self {
        let none = || ScalarBuffer::from(Vec::new());
        Self { keys: BinaryArray::new_null(0), numbers: [none(), none(), none(), none()] }
    }
}

impl Cursor {
    fn next_batch(&mut self) -> io::Result<()> {
        self.row = 0;
        self.batch = Columns::default();
        if self.left == 0 {
            return Ok(());
        }
        self.left -= 1;
        let batch = caught(|| self.reader.next().transpose())?;
        let batch = batch.ok_or_else(|| io::Error::from(io::ErrorKind::UnexpectedEof))?;
        let unfit = || io::Error::new(io::ErrorKind::InvalidData, "its columns are not those of a partial summary");
        let [keys, numbers @ ..] = batch.columns() else { return Err(unfit()) };
        let numbers: Option<Vec<_>> =
            numbers.iter().map(|column| Some(column.as_primitive_opt::<Int64Type>()?.values().clone())).collect();
        let numbers = numbers.and_then(|numbers| <[_; 4]>::try_from(numbers).ok()).ok_or_else(unfit)?;
        let keys = keys.as_binary_opt::<i32>().ok_or_else(unfit)?.clone();
        // Nobody would look at what comes after a batch without keys, and keys without their owner are others.
        let shortest = keys.offsets().lengths().min().ok_or_else(unfit)?;
        if self.may_repeat() && shortest < OWNER {
            return Err(unfit());
        }
        self.batch = Columns { keys, numbers };
        Ok(())
    }

    /// The current key and its sums.
    #[inline]
    pub(super) fn get(&self) -> Option<(&[u8], Sums)> {
        if self.row >= self.batch.keys.len() {
            return None;
        }
        let number = |column: &ScalarBuffer<i64>| column.get(self.row).copied();
        let [bytes, packets, a, b] = &self.batch.numbers;
        let mut sums = Sums { bytes: number(bytes)?, packets: number(packets)?, more: [number(a)?, number(b)?] };
        if self.negative {
            sums = sums.negated();
        }
        let key = self.batch.keys.value(self.row);
        match self.owners {
            Owners::Stay => Some((key, sums)),
            Owners::AddUp => Some((key.split_last_chunk::<OWNER>()?.0, sums)),
            Owners::Renumber(_) => Some((&self.key, sums)),
        }
    }

    /// Whether equal keys may follow one another: keys that differ only by an owner that is removed.
    #[inline]
    pub(super) fn may_repeat(&self) -> bool {
        !matches!(self.owners, Owners::Stay)
    }

    /// Goes on to the next key.
    #[inline]
    pub(super) fn advance(&mut self) -> io::Result<()> {
        self.row += 1;
        if self.row >= self.batch.keys.len() {
            self.next_batch()?;
        }
        if matches!(self.owners, Owners::Renumber(_)) { self.settle() } else { Ok(()) }
    }

    /// Steps over keys whose owner is left out, and renumbers the owner of the next key.
    fn settle(&mut self) -> io::Result<()> {
        let Owners::Renumber(numbers) = &self.owners else { return Ok(()) };
        let numbers = Arc::clone(numbers);
        while self.row < self.batch.keys.len() {
            let whole = self.batch.keys.value(self.row);
            let unfit = || io::Error::new(io::ErrorKind::InvalidData, "a key has no owner");
            let (key, owner) = whole.split_last_chunk::<OWNER>().ok_or_else(unfit)?;
            let owner = usize::try_from(u32::from_be_bytes(*owner)).unwrap_or(usize::MAX);
            if let Some(Some(number)) = numbers.get(owner) {
                self.key.clear();
                self.key.extend_from_slice(key);
                self.key.extend_from_slice(&number.to_be_bytes());
                return Ok(());
            }
            self.row += 1;
            if self.row >= self.batch.keys.len() {
                self.next_batch()?;
            }
        }
        Ok(())
    }
}

fn schema() -> SchemaRef {
    let number = |name: &str| Field::new(name, DataType::Int64, false);
    let key = Field::new("key", DataType::Binary, false);
    Arc::new(Schema::new(vec![key, number("bytes"), number("packets"), number("more_0"), number("more_1")]))
}

/// Writes a run, one group after another, with the keys of each in order.
pub(super) struct RunWriter {
    writer: FileWriter<BufWriter<HashedFile>>,
    schema: SchemaRef,
    stretches: Vec<Stretch>,
    batches: usize,
    keys: Vec<u8>,
    ends: Vec<i32>,
    numbers: [Vec<i64>; 4],
    /// The file, or the folder of a file without a name, for errors.
    path: PathBuf,
}

impl RunWriter {
    pub(super) fn new(file: HashedFile, path: &Path) -> Result<Self> {
        let schema = schema();
        let options = IpcWriteOptions::default().try_with_compression(Some(CompressionType::LZ4_FRAME));
        let buffered = BufWriter::with_capacity(BUFFER, file);
        let writer = options.and_then(|options| FileWriter::try_new_with_options(buffered, &schema, options));
        let writer = writer.map_err(io_error).map_err(Error::io(WRITE, path))?;
        let (keys, ends, numbers) = (Vec::new(), vec![0], [(); 4].map(|()| Vec::new()));
        Ok(Self { writer, schema, stretches: Vec::new(), batches: 0, keys, ends, numbers, path: path.to_path_buf() })
    }

    /// Begins a group.
    pub(super) fn begin(&mut self, section: Group) -> Result<()> {
        self.end_of_batch()?;
        let Group { day, kind, rule, owned } = section;
        self.stretches.push(Stretch { day, kind, rule, owned, first_batch: self.batches, batches: 0 });
        Ok(())
    }

    #[inline]
    pub(super) fn push(&mut self, key: &[u8], sums: Sums) -> Result<()> {
        self.keys.extend_from_slice(key);
        // A batch has half a megabyte of keys, of a kilobyte at most.
        self.ends.push(i32::try_from(self.keys.len()).map_err(|_| bug!())?);
        let [a, b] = sums.more;
        for (column, number) in self.numbers.iter_mut().zip([sums.bytes, sums.packets, a, b]) {
            column.push(number);
        }
        if self.ends.len() > BATCH_KEYS || self.keys.len() >= BATCH_BYTES { self.end_of_batch() } else { Ok(()) }
    }

    fn end_of_batch(&mut self) -> Result<()> {
        if self.ends.len() <= 1 {
            return Ok(());
        }
        let ends = OffsetBuffer::new(ScalarBuffer::from(std::mem::replace(&mut self.ends, vec![0])));
        let keys = BinaryArray::try_new(ends, Buffer::from(std::mem::take(&mut self.keys)), None)?;
        let mut columns: Vec<ArrayRef> = vec![Arc::new(keys)];
        for column in &mut self.numbers {
            columns.push(Arc::new(Int64Array::from(std::mem::take(column))));
        }
        let batch = RecordBatch::try_new(Arc::clone(&self.schema), columns)?;
        self.writer.write(&batch).map_err(io_error).map_err(Error::io(WRITE, &self.path))?;
        self.batches += 1;
        self.stretches.last_mut().ok_or_else(|| bug!())?.batches += 1;
        Ok(())
    }

    /// Ends the file, without syncing it. Also returns the dates that it has keys of.
    pub(super) fn finish(mut self) -> Result<(HashedFile, Vec<Day>)> {
        self.end_of_batch()?;
        self.stretches.retain(|stretch| stretch.batches > 0);
        let mut days: Vec<_> = self.stretches.iter().map(|stretch| stretch.day).collect();
        days.dedup();
        let end = || -> io::Result<HashedFile> {
            self.writer.write_metadata(SECTIONS, serde_json::to_string(&self.stretches)?);
            self.writer.finish().map_err(io_error)?;
            let mut buffered = self.writer.into_inner().map_err(io_error)?;
            buffered.flush()?;
            buffered.into_inner().map_err(io::IntoInnerError::into_error)
        };
        end().map(|file| (file, days)).map_err(Error::io(WRITE, &self.path))
    }
}

/// Reads a file that may be damaged: the reader of Arrow is not free of panics.
fn caught<T>(read: impl FnOnce() -> Result<T, ArrowError>) -> io::Result<T> {
    let damaged = |_| Err(ArrowError::ParseError("it is damaged".to_owned()));
    catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(damaged).map_err(io_error)
}

/// An error of the file system is told apart, because the user can do something about it.
fn io_error(error: ArrowError) -> io::Error {
    match error {
        ArrowError::IoError(_, error) => error,
        other => io::Error::new(io::ErrorKind::InvalidData, other),
    }
}

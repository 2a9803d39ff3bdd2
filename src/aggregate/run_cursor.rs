//! Reads a sorted run: the keys of one group, in order.

use std::io::{self, Read, Seek, SeekFrom};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use arrow::array::{Array as _, AsArray as _, BinaryArray};
use arrow::buffer::ScalarBuffer;
use arrow::datatypes::Int64Type;
use arrow::error::ArrowError;
use arrow_ipc::reader::FileReader;

use crate::storage::LocalFile;

use super::buffer::Sums;
use super::group::OWNER;
use super::sorted_run::{Owners, Stretch};

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

fn open(file: &Arc<LocalFile>) -> io::Result<FileReader<Positioned>> {
    caught(|| FileReader::try_new(Positioned { file: Arc::clone(file), at: 0 }, None))
}

/// What a run says of itself under a key.
pub(super) fn metadata(file: &Arc<LocalFile>, key: &str) -> io::Result<Option<String>> {
    Ok(open(file)?.custom_metadata().get(key).cloned())
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
    /// Opens a stretch at its first key.
    pub(super) fn open(file: &Arc<LocalFile>, stretch: &Stretch, owners: Owners, negative: bool) -> io::Result<Self> {
        let mut reader = open(file)?;
        reader.set_index(stretch.first_batch).map_err(io_error)?;
        let (left, batch, key) = (stretch.batches, Columns::default(), Vec::new());
        let mut cursor = Self { reader, left, batch, row: 0, owners, key, negative };
        cursor.next_batch()?;
        cursor.settle()?;
        Ok(cursor)
    }

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

/// Reads a file that may be damaged: the reader of Arrow is not free of panics.
fn caught<T>(read: impl FnOnce() -> Result<T, ArrowError>) -> io::Result<T> {
    let damaged = |_| Err(ArrowError::ParseError("it is damaged".to_owned()));
    catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(damaged).map_err(io_error)
}

/// An error of the file system is told apart, because the user can do something about it.
pub(super) fn io_error(error: ArrowError) -> io::Error {
    match error {
        ArrowError::IoError(_, error) => error,
        other => io::Error::new(io::ErrorKind::InvalidData, other),
    }
}

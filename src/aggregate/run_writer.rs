//! Writes a sorted run.

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, BinaryArray, Int64Array, RecordBatch};
use arrow::buffer::{Buffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow_ipc::CompressionType;
use arrow_ipc::writer::{FileWriter, IpcWriteOptions};

use crate::bug::bug;
use crate::day::Day;
use crate::error::{Error, Result};
use crate::storage::HashedFile;

use super::buffer::Sums;
use super::group::Group;
use super::run_cursor::io_error;
use super::sorted_run::{SECTIONS, Stretch};

/// Keys of a batch, which one reader of a run holds in memory: some 250 KiB, or 800 KiB of long keys.
const BATCH_KEYS: usize = 4096;
/// Bytes of the keys of a batch, if they are long.
const BATCH_BYTES: usize = 512 << 10;
/// Bytes that are collected before they are written.
const BUFFER: usize = 1 << 18;
/// The attempted action, for errors.
const WRITE: &str = "write sums to";

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
    pub(super) fn begin(&mut self, group: Group) -> Result<()> {
        self.end_of_batch()?;
        let Group { day, kind, measure, by_owner } = group;
        self.stretches.push(Stretch { day, kind, measure, by_owner, first_batch: self.batches, batches: 0 });
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

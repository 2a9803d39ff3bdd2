//! Makes new parts of the rows of others.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::bug::bug;
use crate::cancel::Cancel;
use crate::error::{Error, Result};
use crate::packets::{Batch, Encoder, Origin, PartReader, PartWriter, RowRange, Rows};
use crate::plan::PartEntry;

use super::check::checked;
use super::layout::Layout;
use super::record::CommittedPart;
use super::snapshot::Snapshot;

/// Writes parts again. All workers of a run share it.
pub struct Rewriter<'a> {
    /// The lake.
    pub lake: &'a Layout,
    /// The content of the lake.
    pub snapshot: &'a Snapshot,
    /// Makes row groups.
    pub encoder: &'a Encoder,
    /// How the run is stopped early.
    pub cancel: &'a Cancel,
    staged: AtomicUsize,
}

/// A callback that counts the rows that are left out, by the number of their capture.
pub(super) type RowsLeftOut<'s> = dyn FnMut(usize, &Rows) -> Result<()> + 's;

/// A callback that takes the rows of a stretch of one capture, in a batch.
type Stretches<'s> = dyn FnMut(&Batch, Range<usize>, &RowRange) -> Result<()> + 's;

/// Parts that were written again, and the numbers of their captures by the place that their ranges name.
pub(super) struct Written {
    pub(super) parts: Vec<PartEntry>,
    pub(super) inputs: Vec<usize>,
}

impl<'a> Rewriter<'a> {
    /// A rewriter that stages its files in its own folder.
    #[must_use]
    pub fn new(lake: &'a Layout, snapshot: &'a Snapshot, encoder: &'a Encoder, cancel: &'a Cancel) -> Self {
        Self { lake, snapshot, encoder, cancel, staged: AtomicUsize::new(0) }
    }

    /// The folder for staged files, below the lake. It is made if it does not exist.
    pub(super) fn folder(&self) -> Result<PathBuf> {
        let folder = Layout::staging().join("rewritten");
        self.lake.make_folder(&folder)?;
        Ok(folder)
    }

    /// A unique place for a staged file, below the lake.
    ///
    /// # Errors
    /// If its folder cannot be made.
    pub fn staged(&self, suffix: &str) -> Result<PathBuf> {
        let number = self.staged.fetch_add(1, Ordering::Relaxed);
        Ok(self.folder()?.join(format!("{number:06}.{suffix}")))
    }

    /// Writes the rows of `sources` again, without the captures that are not `wanted`. The new parts are named after
    /// `unit`, in the folder of the first source.
    ///
    /// # Errors
    /// If a source cannot be read or differs from what was written, or a part cannot be written.
    pub(super) fn write(
        &self,
        unit: &str,
        sources: &[&CommittedPart],
        wanted: &dyn Fn(usize) -> bool,
        left_out: &mut RowsLeftOut<'_>,
    ) -> Result<Written> {
        let mut inputs: Vec<usize> = Vec::new();
        for range in sources.iter().flat_map(|part| &part.ranges).filter(|range| wanted(range.input)) {
            if !inputs.contains(&range.input) && inputs.last() != Some(&range.input) {
                inputs.push(range.input);
            }
        }
        let folder = sources.first().and_then(|part| part.path.parent()).ok_or_else(|| bug!())?.to_path_buf();
        let mut out = Out { rewriter: self, unit, folder, rows: self.no_rows(), open: None, parts: Vec::new(), inputs };
        for part in sources {
            self.read(part, &mut |batch, rows, range| {
                if wanted(range.input) {
                    out.take(batch, rows, range)
                } else {
                    let mut gone = self.no_rows();
                    gone.restore(batch, rows, 0, (range.first_offset, range.last_offset))?;
                    left_out(range.input, &gone)
                }
            })?;
        }
        out.finish()
    }

    fn no_rows(&self) -> Rows {
        Rows::to_restore(self.encoder.table(), self.encoder.settings().timestamp_unit)
    }

    /// Reads a part, one stretch of a capture at a time.
    pub(super) fn read(&self, part: &CommittedPart, each: &mut Stretches<'_>) -> Result<()> {
        let path = self.lake.fetch(&part.path)?;
        let differs = |found: u64| {
            let (expected, found) = (format!("{} rows", part.rows), format!("{found} rows"));
            Err(Error::FileDiffers { path: self.lake.shown(&part.path), what: "rows", expected, found })
        };
        checked(&path, part.bytes, &part.checksum)?;
        let mut reader = PartReader::open(&path, self.encoder.table(), self.encoder.settings().timestamp_unit)?;
        let mut ranges = part.ranges.iter();
        let mut range = ranges.next();
        let (mut row, mut unnamed) = (0, 0);
        while let Some(batch) = reader.next_batch()? {
            self.cancel.check()?;
            let mut start = 0;
            while start < batch.num_rows() {
                let Some(snapshot) = range else {
                    unnamed += (batch.num_rows() - start) as u64;
                    break;
                };
                // A manifest that somebody else wrote may have ranges that lie over each other.
                let last = snapshot.first_row.checked_add(snapshot.rows).filter(|last| *last >= row);
                let Some(last) = last else { return differs(row) };
                let left = usize::try_from(last - row).unwrap_or(usize::MAX);
                let end = batch.num_rows().min(start.saturating_add(left));
                each(&batch, start..end, snapshot)?;
                row += (end - start) as u64;
                start = end;
                if row == last {
                    range = ranges.next();
                }
            }
        }
        match (row == part.rows, unnamed) {
            (true, 0) => Ok(()),
            (true, more) => differs(row + more),
            (false, _) => differs(row),
        }
    }
}

/// Parts that are being written.
struct Out<'r> {
    rewriter: &'r Rewriter<'r>,
    unit: &'r str,
    folder: PathBuf,
    rows: Rows,
    open: Option<(PathBuf, PartWriter)>,
    parts: Vec<PartEntry>,
    inputs: Vec<usize>,
}

impl Out<'_> {
    fn take(&mut self, batch: &Batch, rows: Range<usize>, range: &RowRange) -> Result<()> {
        let full = self.rewriter.encoder.settings().row_group_rows.max(1);
        let place = self.inputs.iter().position(|input| *input == range.input).ok_or_else(|| bug!())?;
        let mut start = rows.start;
        while start < rows.end {
            let end = rows.end.min(start + (full - self.rows.len().min(full)).max(1));
            self.rows.restore(batch, start..end, place, (range.first_offset, range.last_offset))?;
            start = end;
            if self.rows.len() >= full {
                self.flush()?;
            }
        }
        Ok(())
    }

    /// Writes the collected rows as a row group.
    fn flush(&mut self) -> Result<()> {
        if self.rows.is_empty() {
            return Ok(());
        }
        let encoder = self.rewriter.encoder;
        let path = |source| Error::Parquet { path: self.rewriter.lake.root().to_path_buf(), source };
        let group = encoder.encode(&self.rows).map_err(path)?;
        self.rows.clear();
        let (_, writer) = match &mut self.open {
            Some(open) => open,
            None => {
                let staged = self.rewriter.staged("parquet")?;
                let writer = PartWriter::create(&self.rewriter.lake.resolve(&staged), encoder)?;
                self.open.insert((staged, writer))
            }
        };
        writer.append(group)?;
        if writer.is_full(encoder.settings().target_file_size) { self.close() } else { Ok(()) }
    }

    fn close(&mut self) -> Result<()> {
        let Some((staged, writer)) = self.open.take() else { return Ok(()) };
        let snapshot = &self.rewriter.snapshot.inputs;
        let origin = |place: usize| {
            let entry = snapshot.get(self.inputs.get(place)?)?;
            // The rows in all its parts, whichever they are by now.
            let rows = Some(entry.found.rows + entry.lost_rows);
            Some(Origin { place: Some(place), ..Origin::of(&entry.input, None, rows) })
        };
        let file = writer.close(&origin, None)?;
        let name = format!("part-{}-{:05}.parquet", self.unit, self.parts.len());
        let mut part = PartEntry {
            staged,
            path: self.folder.join(name),
            rows: file.rows,
            bytes: file.bytes,
            checksum: file.checksum,
            ranges: file.ranges,
            held: None,
            stats: None,
        };
        self.rewriter.lake.deliver(&mut part)?;
        self.parts.push(part);
        Ok(())
    }

    fn finish(mut self) -> Result<Written> {
        self.flush()?;
        self.close()?;
        Ok(Written { parts: self.parts, inputs: self.inputs })
    }
}

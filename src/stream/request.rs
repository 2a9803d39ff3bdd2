//! Which packets to read, and how.

use std::ops::Range;
use std::path::PathBuf;

use arrow::datatypes::SchemaRef;

use crate::cancel::Cancel;
use crate::config::{Decapsulation, LengthKind, TextKind, TimestampUnit};
use crate::discover::Input;
use crate::error::{Error, Result};
use crate::lake::RefusedEntry;
use crate::outcome::Report;
use crate::packets::{COLUMNS, Projection, find_column};
use crate::select;
use crate::summary::Filter;

use super::batches::PacketBatches;
use super::condition::Condition;

/// Rows of a batch. Fewer rows cost more calls; more rows cost memory.
const BATCH_ROWS: usize = 64 << 10;
/// Bytes of a capture that one worker decodes without a break. Larger chunks take more memory, smaller ones more CPU.
const CHUNK_SIZE: u64 = 4 << 20;

/// A description of packets to read. It opens nothing by itself, and may be opened any number of times.
///
/// ```
/// use parcap::stream::ReadCaptures;
///
/// let captures = ReadCaptures::new(["data/captures/office-hour.pcap"]).columns(["ip_dst", "length"])?;
/// let mut rows = 0;
/// for batch in captures.open()? {
///     rows += batch?.num_rows();
/// }
/// assert_eq!(rows, 468);
/// # Ok::<_, parcap::error::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct ReadCaptures {
    pub(super) named: Vec<PathBuf>,
    pub(super) columns: Vec<&'static str>,
    pub(super) filter: Filter,
    pub(super) conditions: Vec<Condition>,
    pub(super) unit: TimestampUnit,
    pub(super) text: TextKind,
    pub(super) length: LengthKind,
    pub(super) decapsulate: Decapsulation,
    pub(super) salvage: bool,
    pub(super) batch_rows: usize,
    pub(super) chunk_size: u64,
    pub(super) chunk: Option<Range<u64>>,
    pub(super) jobs: usize,
    pub(super) cancel: Cancel,
}

impl ReadCaptures {
    /// All packets and columns of some captures: files, folders, patterns, `-` for standard input.
    #[must_use]
    pub fn new<P: Into<PathBuf>>(named: impl IntoIterator<Item = P>) -> Self {
        Self {
            named: named.into_iter().map(Into::into).collect(),
            columns: COLUMNS.iter().map(|column| column.name).collect(),
            filter: Filter::default(),
            conditions: Vec::new(),
            unit: TimestampUnit::default(),
            text: TextKind::default(),
            length: LengthKind::default(),
            decapsulate: Decapsulation::default(),
            salvage: false,
            batch_rows: BATCH_ROWS,
            chunk_size: CHUNK_SIZE,
            chunk: None,
            jobs: 0,
            cancel: Cancel::default(),
        }
    }

    /// Only these columns, in this order, of every lake or further ones. An empty list is allowed: batches then have only a number
    /// of rows.
    ///
    /// # Errors
    /// If there is no such column.
    pub fn columns<'a>(mut self, names: impl IntoIterator<Item = &'a str>) -> Result<Self> {
        let known = names.into_iter().map(|name| {
            find_column(name).map(|column| column.name).ok_or_else(|| Error::NoSuchColumn { name: name.to_owned() })
        });
        self.columns = known.collect::<Result<_>>()?;
        Ok(self)
    }

    /// Only packets that the filter takes. Times within a capture still count from its first packet.
    #[must_use]
    pub fn filter(self, filter: Filter) -> Self {
        Self { filter, ..self }
    }

    /// Only packets of which a column has one of these values, written as the column has them; `None` is null. The columns are
    /// the addresses, the ports, `protocol` and `is_dns`; `port` is either port. Several conditions must all hold.
    ///
    /// ```
    /// # use parcap::ReadCaptures;
    /// let captures = ReadCaptures::new(["data/captures/office-hour.pcap"]);
    /// let dns = captures.one_of("port", [Some("53")])?.one_of("protocol", [Some("UDP"), Some("TCP")])?;
    /// # assert!(dns.open()?.next().is_some());
    /// # Ok::<_, parcap::Error>(())
    /// ```
    ///
    /// # Errors
    /// If packets cannot be asked for by this column, or if a value is none of it.
    pub fn one_of<'a>(mut self, column: &str, values: impl IntoIterator<Item = Option<&'a str>>) -> Result<Self> {
        let values: Vec<_> = values.into_iter().collect();
        self.conditions.push(Condition::parse(column, &values)?);
        Ok(self)
    }

    /// The unit of `datetime`.
    #[must_use]
    pub fn timestamp_unit(self, unit: TimestampUnit) -> Self {
        Self { unit, ..self }
    }

    /// How columns of text are held.
    #[must_use]
    pub fn text(self, text: TextKind) -> Self {
        Self { text, ..self }
    }

    /// What `length` counts.
    #[must_use]
    pub fn length(self, length: LengthKind) -> Self {
        Self { length, ..self }
    }

    /// Which tunnels are looked into: the columns are then those of the innermost packet that decodes.
    ///
    /// ```
    /// # use parcap::ReadCaptures;
    /// let captures = ReadCaptures::new(["data/captures"]).decapsulate(&"vxlan,gre".parse()?);
    /// # Ok::<_, String>(())
    /// ```
    #[must_use]
    pub fn decapsulate(self, tunnels: &Decapsulation) -> Self {
        Self { decapsulate: tunnels.clone(), ..self }
    }

    /// Whether reading goes on after damage, at the next credible run of records.
    #[must_use]
    pub fn salvage(self, salvage: bool) -> Self {
        Self { salvage, ..self }
    }

    /// The most rows of a batch, at least one.
    #[must_use]
    pub fn batch_rows(self, rows: usize) -> Self {
        Self { batch_rows: rows.max(1), ..self }
    }

    /// Bytes of a capture that one worker decodes without a break, at least one.
    #[must_use]
    pub fn chunk_size(self, bytes: u64) -> Self {
        Self { chunk_size: bytes.max(1), ..self }
    }

    /// Only the packets whose records begin in these bytes of the one capture that is given. Chunks that follow one another
    /// give each row of the whole once, and damage is reported by the chunk in which it begins. One thread reads it. It walks the
    /// records before the chunk, which are not decoded, for nobody could prove a guess.
    ///
    /// ```
    /// # use parcap::ReadCaptures;
    /// let office = ReadCaptures::new(["data/captures/office-hour.pcap"]);
    /// let rows = |bytes| office.clone().chunk(bytes).open()?.map(|batch| Ok(batch?.num_rows())).sum::<parcap::Result<usize>>();
    /// assert_eq!(rows(0..20_000)? + rows(20_000..u64::MAX)?, 468);
    /// # Ok::<_, parcap::Error>(())
    /// ```
    #[must_use]
    pub fn chunk(self, bytes: Range<u64>) -> Self {
        Self { chunk: Some(bytes), ..self }
    }

    /// Threads that decode; 0 for one a core.
    #[must_use]
    pub fn jobs(self, jobs: usize) -> Self {
        Self { jobs, ..self }
    }

    /// Ends the reading early.
    #[must_use]
    pub fn cancel(self, cancel: &Cancel) -> Self {
        Self { cancel: cancel.clone(), ..self }
    }

    /// Looks at the given captures, and begins to read them.
    ///
    /// # Errors
    /// If a pattern is wrong, the looking is cancelled, or a [`chunk`](Self::chunk) is asked of several captures, of a stream, or
    /// of a compressed one. A capture that cannot be read is listed in [`PacketBatches::refused`].
    pub fn open(&self) -> Result<PacketBatches> {
        let projection = self.projection()?;
        PacketBatches::start(self.clone(), projection)
    }

    /// The schema of the batches.
    ///
    /// # Errors
    /// [`Error::Bug`] alone.
    pub fn schema(&self) -> Result<SchemaRef> {
        Ok(self.projection()?.schema())
    }

    /// Looks for the captures without reading them. Returns them, and the given paths that are none.
    ///
    /// # Errors
    /// If a pattern is wrong, or the looking is cancelled.
    pub fn find(&self) -> Result<(Vec<Input>, Vec<RefusedEntry>)> {
        let mut report = Report::default();
        let captures = select::inputs(&self.named, &mut report)?;
        Ok((captures, report.refused))
    }

    fn projection(&self) -> Result<Projection> {
        let unknown = |name: &str| Error::NoSuchColumn { name: name.to_owned() };
        Projection::of(self.columns.iter().copied(), self.unit, self.text).map_err(unknown)
    }
}

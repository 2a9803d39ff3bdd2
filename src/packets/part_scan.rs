//! Reads some columns of some rows of a part, as values: to find packets in a lake.

use std::ops::{Range, RangeInclusive};
use std::path::{Path, PathBuf};

use arrow::array::{Array as _, ArrayRef, AsArray as _, Int32Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{Int32Type, Int64Type, TimestampMicrosecondType, TimestampNanosecondType};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder, RowSelection,
};
use parquet::errors::ParquetError;
use parquet::file::metadata::PageIndexPolicy;
use parquet::file::statistics::Statistics;

use crate::address::IpAddress;
use crate::bug::bug;
use crate::config::TimestampUnit;
use crate::error::{Error, Result};
use crate::storage::{LocalFile, open_regular};

use super::part_reader::unreadable;
use super::restore::{ip, restored_schema, unfit};
use super::schema::TableColumns;

/// Rows of a batch.
const BATCH_ROWS: usize = 16 << 10;
const DATETIME: &str = "datetime";

/// Some values of a row. Those of columns that were not asked for are `None`.
#[derive(Clone, Copy, Debug, Default)]
pub struct PartRow<'a> {
    /// Its number in the part, from 0.
    pub row: u64,
    /// In the unit of the lake.
    pub datetime: Option<i64>,
    /// Source address.
    pub ip_src: Option<IpAddress>,
    /// Destination address.
    pub ip_dst: Option<IpAddress>,
    /// Source port.
    pub port_src: Option<i32>,
    /// Destination port.
    pub port_dst: Option<i32>,
    /// As the column says it.
    pub protocol: Option<&'a str>,
    /// Bytes on the wire or captured, as the lake counts them.
    pub length: Option<i64>,
    /// Path of the capture.
    pub capture: Option<&'a str>,
    /// Number of the record.
    pub frame: Option<i64>,
    /// Offset of the record.
    pub offset: Option<i64>,
    /// Captured bytes, as announced.
    pub cap_len: Option<i64>,
    /// Link type.
    pub link_type: Option<i32>,
    /// Interface.
    pub interface: Option<&'a str>,
}

/// A part whose rows are looked through.
#[derive(Debug)]
pub struct PartScan {
    path: PathBuf,
    file: LocalFile,
    metadata: ArrowReaderMetadata,
    /// The first row of each row group, and the number of all rows.
    starts: Vec<u64>,
}

impl PartScan {
    /// Opens a part.
    ///
    /// # Errors
    /// If it cannot be read, or its columns are not those of the packets table.
    pub fn open(path: &Path, columns: &TableColumns, unit: TimestampUnit) -> Result<Self> {
        let schema = restored_schema(columns, unit);
        let options = ArrowReaderOptions::new().with_schema(schema).with_skip_arrow_metadata(true);
        let options = options.with_page_index_policy(PageIndexPolicy::Optional);
        let file = open_regular(path).map_err(Error::io("open", path))?;
        let shared = file.share().map_err(Error::io("open", path))?.into_std();
        let metadata = ArrowReaderMetadata::load(&shared, options).map_err(unreadable(path))?;
        let mut starts = vec![0];
        for group in metadata.metadata().row_groups() {
            starts.push(starts.last().copied().unwrap_or(0) + group.num_rows().unsigned_abs());
        }
        Ok(Self { path: path.to_path_buf(), file, metadata, starts })
    }

    /// The row groups, each with its rows.
    pub fn groups(&self) -> impl Iterator<Item = (usize, Range<u64>)> + use<> {
        let ends: Vec<_> = self.starts.iter().skip(1).copied().collect();
        self.starts.clone().into_iter().zip(ends).map(|(start, end)| start..end).enumerate()
    }

    /// The earliest and the latest time of a row group, in the unit of the lake. `None` if that is not known, or no row has one.
    #[must_use]
    pub fn times_of(&self, group: usize) -> Option<RangeInclusive<i64>> {
        let group = self.metadata.metadata().row_groups().get(group)?;
        let place = self.place_of(DATETIME).ok()?;
        match group.columns().get(place)?.statistics()? {
            Statistics::Int64(times) => Some(*times.min_opt()?..=*times.max_opt()?),
            _ => None,
        }
    }

    fn place_of(&self, column: &str) -> Result<usize> {
        let columns = self.metadata.parquet_schema().columns();
        columns.iter().position(|held| held.name() == column).ok_or_else(|| unfit(column))
    }

    /// Reads columns of a row group: of all rows, or of those at some places in it, which are in order.
    ///
    /// # Memory
    /// Some pages of each column, and one batch.
    /// # Errors
    /// If it cannot be read, or `each` fails.
    pub fn read(
        &self,
        group: usize,
        columns: &[&str],
        places: Option<&[u32]>,
        each: &mut dyn FnMut(&PartRow<'_>) -> Result<()>,
    ) -> Result<()> {
        let file = self.file.share().map_err(Error::io("read", &self.path))?.into_std();
        let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(file, self.metadata.clone());
        let wanted = columns.iter().map(|column| self.place_of(column)).collect::<Result<Vec<_>>>()?;
        let mask = ProjectionMask::roots(builder.parquet_schema(), wanted);
        let mut builder = builder.with_projection(mask).with_row_groups(vec![group]).with_batch_size(BATCH_ROWS);
        let start = *self.starts.get(group).ok_or_else(|| bug!())?;
        let end = *self.starts.get(group + 1).ok_or_else(|| bug!())?;
        if let Some(places) = places {
            let rows = usize::try_from(end - start).map_err(|_| bug!())?;
            let ranges = places.iter().map(|place| *place as usize..*place as usize + 1);
            builder = builder.with_row_selection(RowSelection::from_consecutive_ranges(ranges, rows));
        }
        let mut numbers: Box<dyn Iterator<Item = u64>> = match places {
            None => Box::new(start..end),
            Some(places) => Box::new(places.iter().map(move |place| start + u64::from(*place))),
        };
        for batch in builder.build().map_err(unreadable(&self.path))? {
            let batch = batch.map_err(|error| unreadable(&self.path)(ParquetError::ArrowError(error.to_string())))?;
            let mut columns = BatchColumns::of(&batch)?;
            for at in 0..batch.num_rows() {
                let row = numbers.next().ok_or_else(|| bug!())?;
                each(&PartRow { row, ..columns.values(at)? })?;
            }
        }
        Ok(())
    }
}

/// The columns of a batch, each as what it is.
#[derive(Default)]
struct BatchColumns<'a> {
    datetime: Option<Numbers<'a>>,
    ips: [Option<Ips<'a>>; 2],
    ports: [Option<&'a Int32Array>; 2],
    protocol: Option<&'a StringArray>,
    length: Option<&'a Int64Array>,
    capture: Option<&'a StringArray>,
    frame: Option<&'a Int64Array>,
    offset: Option<&'a Int64Array>,
    cap_len: Option<&'a Int64Array>,
    link_type: Option<&'a Int32Array>,
    interface: Option<&'a StringArray>,
}

struct Numbers<'a> {
    array: &'a ArrayRef,
    values: &'a [i64],
}

/// Addresses as codes, each of which is parsed once.
struct Ips<'a> {
    keys: &'a Int32Array,
    texts: &'a StringArray,
    known: Vec<Option<IpAddress>>,
}

impl<'a> BatchColumns<'a> {
    fn of(batch: &'a RecordBatch) -> Result<Self> {
        let mut columns = Self::default();
        for (field, array) in batch.schema_ref().fields().iter().zip(batch.columns()) {
            let unfit = || unfit(field.name());
            let text = || array.as_string_opt::<i32>().ok_or_else(unfit);
            let long = || array.as_primitive_opt::<Int64Type>().ok_or_else(unfit);
            let int = || array.as_primitive_opt::<Int32Type>().ok_or_else(unfit);
            let [ip_src, ip_dst] = &mut columns.ips;
            let [port_src, port_dst] = &mut columns.ports;
            match field.name().as_str() {
                DATETIME => columns.datetime = Some(Numbers::of(array).ok_or_else(unfit)?),
                "ip_src" => *ip_src = Some(Ips::of(array).ok_or_else(unfit)?),
                "ip_dst" => *ip_dst = Some(Ips::of(array).ok_or_else(unfit)?),
                "port_src" => *port_src = Some(int()?),
                "port_dst" => *port_dst = Some(int()?),
                "protocol" => columns.protocol = Some(text()?),
                "length" => columns.length = Some(long()?),
                "capture" => columns.capture = Some(text()?),
                "frame" => columns.frame = Some(long()?),
                "offset" => columns.offset = Some(long()?),
                "cap_len" => columns.cap_len = Some(long()?),
                "link_type" => columns.link_type = Some(int()?),
                "interface" => columns.interface = Some(text()?),
                _ => return Err(bug!()),
            }
        }
        Ok(columns)
    }

    fn values(&mut self, at: usize) -> Result<PartRow<'a>> {
        let text =
            |array: Option<&'a StringArray>| array.filter(|array| array.is_valid(at)).map(|array| array.value(at));
        let long = |array: Option<&Int64Array>| array.filter(|array| array.is_valid(at)).map(|array| array.value(at));
        let int = |array: Option<&Int32Array>| array.filter(|array| array.is_valid(at)).map(|array| array.value(at));
        let [ip_src, ip_dst] = &mut self.ips;
        let [port_src, port_dst] = self.ports;
        Ok(PartRow {
            row: 0,
            datetime: self.datetime.as_ref().and_then(|numbers| numbers.get(at)),
            ip_src: ip_src.as_mut().map_or(Ok(None), |ips| ips.get(at))?,
            ip_dst: ip_dst.as_mut().map_or(Ok(None), |ips| ips.get(at))?,
            port_src: int(port_src),
            port_dst: int(port_dst),
            protocol: text(self.protocol),
            length: long(self.length),
            capture: text(self.capture),
            frame: long(self.frame),
            offset: long(self.offset),
            cap_len: long(self.cap_len),
            link_type: int(self.link_type),
            interface: text(self.interface),
        })
    }
}

impl<'a> Numbers<'a> {
    fn of(array: &'a ArrayRef) -> Option<Self> {
        let micros = array.as_primitive_opt::<TimestampMicrosecondType>().map(|times| &times.values()[..]);
        let nanos = || array.as_primitive_opt::<TimestampNanosecondType>().map(|times| &times.values()[..]);
        Some(Self { array, values: micros.or_else(nanos)? })
    }

    fn get(&self, at: usize) -> Option<i64> {
        self.values.get(at).copied().filter(|_| self.array.is_valid(at))
    }
}

impl<'a> Ips<'a> {
    fn of(array: &'a ArrayRef) -> Option<Self> {
        let dictionary = array.as_dictionary_opt::<Int32Type>()?;
        let texts: &StringArray = dictionary.values().as_string_opt()?;
        Some(Self { keys: dictionary.keys(), texts, known: vec![None; texts.len()] })
    }

    fn get(&mut self, at: usize) -> Result<Option<IpAddress>> {
        if self.keys.is_null(at) {
            return Ok(None);
        }
        let place = usize::try_from(self.keys.value(at)).map_err(|_| bug!())?;
        let known = self.known.get_mut(place).ok_or_else(|| bug!())?;
        if known.is_none() {
            *known = Some(ip(self.texts.value(place)).ok_or_else(|| unfit("ip_src"))?);
        }
        Ok(*known)
    }
}

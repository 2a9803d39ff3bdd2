//! Rows of any engine that name packets, as Parquet or CSV.
//!
//! In: a table with a column `capture`, and `offset` or `frame`, in any order and among others. Out: these values of each
//! row. Numbers may be of any width, or doubles, as libraries make them of columns with nulls.

use std::io::{BufReader, Read as _, Seek as _};
use std::sync::Arc;

use arrow::array::{Array as _, ArrayRef, AsArray as _, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type, Int64Type, TimeUnit, TimestampMicrosecondType};
use csv::{ByteRecord, ReaderBuilder};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::error::{Error, NotExtracted, Result};
use crate::storage::LocalFile;

/// The first bytes of a Parquet file.
const PARQUET: &[u8; 4] = b"PAR1";
/// What stands between the cells of a line.
const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];
/// The largest whole number up to which doubles are exact.
const EXACT: f64 = 9_007_199_254_740_992.0;
const COLUMNS: [&str; 5] = ["capture", "offset", "frame", "time", "datetime"];

/// By what a packet is named, besides its capture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NamedBy {
    /// The offset of its record.
    Offset,
    /// The number of its record.
    Frame,
}

/// A row that names a packet.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GivenRow<'a> {
    /// The capture.
    pub capture: Option<&'a str>,
    /// Offset or number of the record.
    pub place: Option<u64>,
    /// Microseconds since the Unix epoch, if the row has a time.
    pub micros: Option<f64>,
}

/// A table of rows that name packets.
pub struct NamingRows {
    file: LocalFile,
    name: String,
    is_parquet: bool,
    /// The places of [`COLUMNS`].
    places: [Option<usize>; 5],
    delimiter: u8,
}

impl NamingRows {
    /// Reads which columns there are. `name` is what messages call the table.
    ///
    /// # Errors
    /// If it cannot be read, or lacks a column.
    pub fn open(mut file: LocalFile, name: String) -> Result<Self> {
        let mut magic = Vec::new();
        let read = (&file).take(4).read_to_end(&mut magic).and_then(|_| file.rewind());
        read.map_err(Error::io("read", &name))?;
        let mut rows = Self { file, name, is_parquet: magic == PARQUET, places: [None; 5], delimiter: b',' };
        if rows.is_parquet {
            let builder = ParquetRecordBatchReaderBuilder::try_new(rows.share()?.into_std());
            let builder = builder.map_err(|error| rows.unreadable(&error))?;
            let schema = builder.schema();
            let names: Vec<_> = schema.fields().iter().map(|field| field.name().to_owned()).collect();
            rows.find(&names);
        } else {
            for delimiter in DELIMITERS {
                rows.delimiter = delimiter;
                let header = rows.header()?;
                rows.find(&header);
                if rows.places.first().is_some_and(Option::is_some) {
                    break;
                }
            }
        }
        let [capture, offset, frame, ..] = rows.places;
        match (capture, offset.or(frame)) {
            (None, _) => Err(rows.problem("has no column `capture`".to_owned())),
            (_, None) => Err(rows.problem("has neither a column `offset` nor a column `frame`".to_owned())),
            _ => Ok(rows),
        }
    }

    /// By what its rows name packets. If there are both, the offset counts.
    #[must_use]
    pub fn named_by(&self) -> NamedBy {
        let [_, offset, ..] = self.places;
        if offset.is_some() { NamedBy::Offset } else { NamedBy::Frame }
    }

    /// Reads all rows, in their order.
    ///
    /// # Memory
    /// A batch, or a line.
    /// # Errors
    /// If they cannot be read, or `each` fails.
    pub fn each(&mut self, each: &mut dyn FnMut(&GivenRow<'_>) -> Result<()>) -> Result<()> {
        if self.is_parquet { self.each_of_parquet(each) } else { self.each_of_csv(each) }
    }

    fn share(&self) -> Result<LocalFile> {
        self.file.share().map_err(Error::io("read", &self.name))
    }

    fn problem(&self, problem: String) -> Error {
        Error::NotExtracted(NotExtracted::Rows { name: self.name.clone(), problem })
    }

    fn unreadable(&self, error: &dyn std::fmt::Display) -> Error {
        self.problem(format!("cannot be read as {}: {error}", if self.is_parquet { "Parquet" } else { "CSV" }))
    }

    /// Finds the columns: by their names, or else regardless of case.
    fn find(&mut self, names: &[String]) {
        self.places = COLUMNS.map(|column| {
            let exact = names.iter().position(|name| name == column);
            exact.or_else(|| names.iter().position(|name| name.eq_ignore_ascii_case(column)))
        });
    }

    fn each_of_parquet(&mut self, each: &mut dyn FnMut(&GivenRow<'_>) -> Result<()>) -> Result<()> {
        let builder = ParquetRecordBatchReaderBuilder::try_new(self.share()?.into_std());
        let builder = builder.map_err(|error| self.unreadable(&error))?;
        let mut wanted: Vec<usize> = self.places.iter().flatten().copied().collect();
        wanted.sort_unstable();
        let mask = ProjectionMask::roots(builder.parquet_schema(), wanted.iter().copied());
        let batches = builder.with_projection(mask).build().map_err(|error| self.unreadable(&error))?;
        for batch in batches {
            let batch = batch.map_err(|error| self.unreadable(&error))?;
            let column = |place: Option<usize>| {
                let place = wanted.iter().position(|held| Some(*held) == place)?;
                batch.columns().get(place)
            };
            let [capture, offset, frame, time, datetime] = self.places.map(column);
            let values = GivenBatch::of(&batch, [capture, offset.or(frame), time, datetime]);
            let values = values.map_err(|error| self.unreadable(&error))?;
            (0..batch.num_rows()).try_for_each(|row| each(&values.row(row)))?;
        }
        Ok(())
    }

    fn csv(&self) -> Result<csv::Reader<BufReader<LocalFile>>> {
        let mut file = self.share()?;
        file.rewind().map_err(Error::io("read", &self.name))?;
        let mut builder = ReaderBuilder::new();
        builder.has_headers(false).flexible(true).delimiter(self.delimiter);
        Ok(builder.from_reader(BufReader::with_capacity(128 << 10, file)))
    }

    fn header(&self) -> Result<Vec<String>> {
        let mut header = ByteRecord::new();
        self.csv()?.read_byte_record(&mut header).map_err(|error| self.unreadable(&error))?;
        let text = |cell: &[u8]| String::from_utf8_lossy(cell).trim_matches(['\u{feff}', ' ', '"']).to_owned();
        Ok(header.iter().map(text).collect())
    }

    fn each_of_csv(&mut self, each: &mut dyn FnMut(&GivenRow<'_>) -> Result<()>) -> Result<()> {
        let mut reader = self.csv()?;
        let mut line = ByteRecord::new();
        let mut read = |line: &mut ByteRecord| reader.read_byte_record(line).map_err(|error| self.unreadable(&error));
        read(&mut line)?;
        while read(&mut line)? {
            let cell = |place: Option<usize>| std::str::from_utf8(line.get(place?)?).ok();
            let [capture, offset, frame, time, datetime] = self.places.map(cell);
            let number = |text: &str| {
                let text = text.trim();
                text.parse().ok().or_else(|| whole(text.parse().ok()?))
            };
            let seconds = time.and_then(|text| text.trim().parse::<f64>().ok());
            let micros = seconds.map(|seconds| seconds * 1e6).or_else(|| instant(datetime?.trim()));
            let capture = capture.filter(|text| !text.is_empty());
            each(&GivenRow { capture, place: offset.or(frame).and_then(number), micros })?;
        }
        Ok(())
    }
}

/// A double that is a whole number, and not negative.
fn whole(number: f64) -> Option<u64> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is whole, positive and small")]
    (number.fract() == 0.0 && (0.0..=EXACT).contains(&number)).then_some(number as u64)
}

/// A time as engines write it: `2024-03-11 09:15:00+00`, or without a zone for UTC.
fn instant(text: &str) -> Option<f64> {
    let zoned = text.parse::<jiff::Timestamp>().ok();
    let plain = || text.parse::<jiff::civil::DateTime>().ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok();
    let time = zoned.or_else(|| plain().map(|time| time.timestamp()))?;
    #[expect(clippy::cast_precision_loss, reason = "to a fraction of a microsecond")]
    Some(time.as_microsecond() as f64)
}

/// The columns of a batch, each as one type.
struct GivenBatch {
    capture: ArrayRef,
    place: ArrayRef,
    time: Option<ArrayRef>,
    datetime: Option<ArrayRef>,
}

impl GivenBatch {
    fn of(batch: &RecordBatch, columns: [Option<&ArrayRef>; 4]) -> arrow::error::Result<Self> {
        let [capture, place, time, datetime] = columns;
        let nothing = || arrow::array::new_null_array(&DataType::Null, batch.num_rows());
        let cast_to = |array: Option<&ArrayRef>, to: DataType| match array {
            Some(array) => cast(array, &to),
            None => cast(&nothing(), &to),
        };
        let is_double = place.is_some_and(|place| place.data_type().is_floating());
        let instant = DataType::Timestamp(TimeUnit::Microsecond, Some(Arc::from("UTC")));
        // A time of another kind tells nothing.
        let of_kind = |array: Option<&ArrayRef>, fits: fn(&DataType) -> bool, to: &DataType| {
            array.filter(|array| fits(array.data_type())).and_then(|array| cast(array, to).ok())
        };
        Ok(Self {
            capture: cast_to(capture, DataType::Utf8)?,
            place: cast_to(place, if is_double { DataType::Float64 } else { DataType::Int64 })?,
            time: of_kind(time, DataType::is_numeric, &DataType::Float64),
            datetime: of_kind(datetime, |kind| matches!(kind, DataType::Timestamp(..)), &instant),
        })
    }

    fn row(&self, row: usize) -> GivenRow<'_> {
        let capture = self.capture.as_string_opt::<i32>().filter(|array| array.is_valid(row));
        let long = self.place.as_primitive_opt::<Int64Type>().filter(|array| array.is_valid(row));
        let double = self.place.as_primitive_opt::<Float64Type>().filter(|array| array.is_valid(row));
        let place = match (long, double) {
            (Some(array), _) => u64::try_from(array.value(row)).ok(),
            (_, Some(array)) => whole(array.value(row)),
            _ => None,
        };
        let seconds = self.time.as_ref().and_then(|array| array.as_primitive_opt::<Float64Type>());
        let seconds = seconds.filter(|array| array.is_valid(row)).map(|array| array.value(row));
        let instant = self.datetime.as_ref().and_then(|array| array.as_primitive_opt::<TimestampMicrosecondType>());
        #[expect(clippy::cast_precision_loss, reason = "to a fraction of a microsecond")]
        let micros = instant.filter(|array| array.is_valid(row)).map(|array| array.value(row) as f64);
        GivenRow {
            capture: capture.map(|array| array.value(row)),
            place,
            micros: seconds.map(|seconds| seconds * 1e6).or(micros),
        }
    }
}

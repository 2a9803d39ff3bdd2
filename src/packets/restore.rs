//! Makes rows of Arrow batches of the packets table again, to write them together with others.

use std::net::IpAddr;
use std::ops::Range;

use arrow::array::{Array, ArrayRef, AsArray as _, RecordBatch, StringArray};
use arrow::datatypes::{
    ArrowPrimitiveType, Float64Type, Int32Type, Int64Type, Schema, SchemaRef, TimestampMicrosecondType,
    TimestampNanosecondType,
};
use arrow::error::ArrowError;

use crate::address::{IpAddress, MacAddr};
use crate::config::{LengthKind, TextKind, TimestampUnit};
use crate::decode::protocol_number;
use crate::error::{Error, Result};

use super::code_table::{CodeTable, DictionaryValue, NO_CODE};
use super::column_storage::{SMALL, Storage};
use super::further::{FurtherColumn, NO_COUNT, NO_FLAG};
use super::packed::NO_DATETIME;
use super::rows::Rows;
use super::schema::{Column, TableColumns};
use super::text_table::{SparseCodes, TextTable};

/// The columns that [`Rows::restore`] needs, by their place in the table.
#[must_use]
pub fn restored_columns(columns: &TableColumns) -> Vec<usize> {
    let kept = columns.iter().enumerate().filter(|(_, column)| !column.storage.is_derived());
    kept.map(|(place, _)| place).collect()
}

/// The schema by which a part is best read for [`Rows::restore`]. Addresses are dictionaries, so that each is parsed once
/// and not once a row.
#[must_use]
pub fn restored_schema(columns: &TableColumns, unit: TimestampUnit) -> SchemaRef {
    let text = |column: &Column| if column.storage.is_address() { TextKind::Dictionary } else { TextKind::Utf8 };
    let fields: Vec<_> = columns.iter().map(|column| column.field(unit, text(column))).collect();
    Schema::new(fields).into()
}

impl Rows {
    /// Appends some rows of a batch that was read from a part with [`restored_columns`] and [`restored_schema`].
    ///
    /// `input` is the place of their capture. `offsets` are those of the first and the last record in the stretch of the
    /// capture that the rows belong to.
    ///
    /// # Errors
    /// If the batch does not have the columns of the table, or a value is not what this column holds.
    pub fn restore(
        &mut self,
        batch: &RecordBatch,
        range: Range<usize>,
        input: usize,
        (first_offset, last_offset): (u64, u64),
    ) -> Result<()> {
        let start = self.len();
        self.grow(range.len());
        for column in self.columns.clone().iter().filter(|column| !column.storage.is_derived()) {
            let array = batch.column_by_name(column.name).ok_or_else(|| unfit(column.name))?;
            self.put(column, &array.slice(range.start, range.len()), start)?;
        }
        self.settle();
        self.note_origin(input, range.len() as u64, [first_offset, last_offset]);
        Ok(())
    }

    /// Sets one column of the rows from `start` on.
    pub(super) fn put(&mut self, column: &Column, array: &ArrayRef, start: usize) -> Result<()> {
        let name = column.name;
        let unfit = || unfit(name);
        match column.storage {
            Storage::Instant(field) => {
                let instants: Vec<_> = match self.unit {
                    TimestampUnit::Us => numbers::<TimestampMicrosecondType>(array, NO_DATETIME),
                    TimestampUnit::Ns => numbers::<TimestampNanosecondType>(array, NO_DATETIME),
                }
                .ok_or_else(unfit)?;
                (field.put)(self, start, &instants);
            }
            Storage::Double(field) => {
                let doubles = numbers::<Float64Type>(array, f64::NAN).ok_or_else(unfit)?;
                (field.put)(self, start, &doubles);
            }
            Storage::Name(field) => {
                let mut codes = std::mem::take((field.codes_mut)(self));
                self.names.append_array(name, array, start, &mut codes)?;
                *(field.codes_mut)(self) = codes;
            }
            Storage::IpText(field) => {
                let codes = codes(array, &mut self.ips, ip).ok_or_else(unfit)?;
                (field.put)(self, start, &codes);
            }
            Storage::MacText(field) => {
                let codes = codes(array, &mut self.macs, MacAddr::parse).ok_or_else(unfit)?;
                (field.put)(self, start, &codes);
            }
            // Follows from the text in the column before.
            Storage::IpNumber(_) | Storage::MacNumber(_) => {}
            Storage::Small32(field) => {
                let numbers = array.as_primitive_opt::<Int32Type>().ok_or_else(unfit)?.iter();
                let codes = numbers.map(|number| number.map_or(Some(NO_CODE), |number| small(number.into())));
                (field.put)(self, start, &codes.collect::<Option<Vec<_>>>().ok_or_else(unfit)?);
            }
            Storage::Small64(field) => {
                let numbers = array.as_primitive_opt::<Int64Type>().ok_or_else(unfit)?.iter();
                let codes = numbers.map(|number| number.map_or(Some(NO_CODE), small));
                (field.put)(self, start, &codes.collect::<Option<Vec<_>>>().ok_or_else(unfit)?);
            }
            Storage::Wide(field) | Storage::Counter(field) => {
                let numbers = numbers::<Int64Type>(array, NO_COUNT).ok_or_else(unfit)?;
                (field.put)(self, start, &numbers);
            }
            Storage::Flag(field) => {
                let flags = array.as_boolean_opt().ok_or_else(unfit)?.iter();
                let flags: Vec<_> = flags.map(|flag| flag.map_or(NO_FLAG, u8::from)).collect();
                (field.put)(self, start, &flags);
            }
            Storage::Length(field) => {
                let lengths = array.as_primitive_opt::<Int64Type>().ok_or_else(unfit)?;
                let lengths = lengths.iter().map(|length| u32::try_from(length?).ok()).collect::<Option<Vec<_>>>();
                (field.put)(self, start, &lengths.ok_or_else(unfit)?);
            }
            Storage::Protocol(field) => {
                let codes = protocols(array).ok_or_else(unfit)?;
                (field.put)(self, start, &codes);
            }
            Storage::Further(_) => FurtherColumn::find_mut(&mut self.further, name)?.note_array(array, start)?,
        }
        Ok(())
    }

    /// No rows yet, for rows that are read from a part.
    #[must_use]
    pub fn to_restore(columns: &TableColumns, unit: TimestampUnit) -> Self {
        // The part has the lengths, whichever kind they are.
        Self::new(columns.clone(), unit, LengthKind::default())
    }
}

/// A number that is its own code.
fn small(number: i64) -> Option<u32> {
    u32::try_from(number).ok().filter(|number| *number < SMALL)
}

pub(super) fn unfit(name: &str) -> Error {
    Error::from(ArrowError::SchemaError(format!("the column {name} is not that of a part")))
}

/// Numbers, with `null` in place of null.
fn numbers<P: ArrowPrimitiveType>(array: &ArrayRef, null: P::Native) -> Option<Vec<P::Native>> {
    Some(array.as_primitive_opt::<P>()?.iter().map(|number| number.unwrap_or(null)).collect())
}

/// Codes of protocols. Most rows have the protocol of the row before.
fn protocols(array: &ArrayRef) -> Option<Vec<u32>> {
    let mut before: Option<(&str, u32)> = None;
    let codes = array.as_string_opt::<i32>()?.iter().map(|text| {
        let Some(text) = text else { return Some(NO_CODE) };
        match before {
            Some((held, code)) if held == text => Some(code),
            _ => {
                let code = protocol_number(text).map(u32::from)?;
                before = Some((text, code));
                Some(code)
            }
        }
    });
    codes.collect()
}

impl TextTable {
    /// Appends the texts of an array, whose first row is the row `start`, and their codes.
    pub(super) fn append_array(
        &mut self,
        name: &str,
        array: &ArrayRef,
        start: usize,
        into: &mut SparseCodes,
    ) -> Result<()> {
        let texts = array.as_string_opt::<i32>().ok_or_else(|| unfit(name))?;
        for (row, text) in texts.iter().enumerate() {
            if let Some(text) = text {
                into.push(start + row, self.code(|held| held.extend_from_slice(text.as_bytes())));
            }
        }
        Ok(())
    }
}

/// Codes of the values of a dictionary, each parsed once.
fn codes<K: DictionaryValue>(
    array: &ArrayRef,
    table: &mut CodeTable<K>,
    parse: impl Fn(&str) -> Option<K>,
) -> Option<Vec<u32>> {
    let dictionary = array.as_dictionary_opt::<Int32Type>()?;
    let values: &StringArray = dictionary.values().as_string_opt()?;
    let mut known: Vec<Option<u32>> = vec![None; values.len()];
    let codes = dictionary.keys().iter().map(|key| {
        let Some(key) = key else { return Some(NO_CODE) };
        let place = usize::try_from(key).ok()?;
        let known = known.get_mut(place)?;
        if known.is_none() {
            *known = Some(table.code(Some(parse(values.value(place))?)));
        }
        *known
    });
    codes.collect()
}

pub(super) fn ip(text: &str) -> Option<IpAddress> {
    text.parse::<IpAddr>().ok().map(IpAddress::from)
}

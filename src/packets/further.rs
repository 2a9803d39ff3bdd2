//! The columns that are kept for themselves: from a packet to its value, from there to Arrow arrays, and back.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray as _, BooleanArray, PrimitiveArray};
use arrow::datatypes::{ArrowPrimitiveType, Int32Type, Int64Type};

use crate::bug::bug;
use crate::capture::PacketRecord;
use crate::config::TextKind;
use crate::decode::Packet;
use crate::error::Result;

use super::code_table::{CodeTable, DictionaryValue, NO_CODE};
use super::column_storage::{Further, Storage};
use super::restore::unfit;
use super::schema::{Column, TableColumns};
use super::text_array::text_array;
use super::text_table::{SparseCodes, TextTable};

/// The null of a counter.
pub(super) const NO_COUNT: i64 = i64::MIN;
/// The null of a flag. The others are 0 and 1.
pub(super) const NO_FLAG: u8 = 2;

/// One column, and its values.
#[derive(Debug)]
pub(crate) struct FurtherColumn {
    pub(super) name: &'static str,
    pub(super) values: FurtherValues,
}

/// The values of a column, as they are kept.
#[derive(Debug)]
pub(super) enum FurtherValues {
    Int32(Box<IntegerCodes<Int32Type>>),
    Int64(Box<IntegerCodes<Int64Type>>),
    /// A number for each row; [`NO_COUNT`] for null.
    Counter {
        of: fn(&PacketRecord<'_>, &Packet<'_>) -> Option<i64>,
        counts: Vec<i64>,
    },
    /// A number for each row; [`NO_CODE`] for null.
    Small32(SmallNumbers),
    Small64(SmallNumbers),
    /// A number for each row; [`NO_COUNT`] for null.
    Wide {
        of: fn(&PacketRecord<'_>, &Packet<'_>) -> Option<u32>,
        numbers: Vec<i64>,
    },
    /// One for each row; [`NO_FLAG`] for null.
    Flag {
        of: fn(&PacketRecord<'_>, &Packet<'_>) -> Option<bool>,
        flags: Vec<u8>,
    },
    Text(FurtherText),
}

/// Numbers of 16 bits, which are their own codes.
#[derive(Debug)]
pub(super) struct SmallNumbers {
    of: fn(&PacketRecord<'_>, &Packet<'_>) -> Option<u16>,
    pub(super) codes: Vec<u32>,
}

/// Integers as codes into a table of distinct ones.
#[derive(Debug)]
pub(super) struct IntegerCodes<P: ArrowPrimitiveType> {
    of: fn(&PacketRecord<'_>, &Packet<'_>) -> Option<P::Native>,
    pub(super) table: CodeTable<P::Native>,
    /// One for each row; [`NO_CODE`] for null.
    pub(super) codes: Vec<u32>,
}

/// Text as codes into a table of distinct texts, for the rows that have one.
#[derive(Debug)]
pub(super) struct FurtherText {
    of: fn(&PacketRecord<'_>, &Packet<'_>, &mut Vec<u8>) -> Option<()>,
    pub(super) table: TextTable,
    pub(super) codes: SparseCodes,
    /// Memory for the text of one row.
    text: Vec<u8>,
}

impl FurtherColumn {
    /// Such columns of a table, without rows, in its order.
    pub(super) fn of_table(columns: &TableColumns) -> Vec<Self> {
        columns.iter().filter_map(Self::of).collect()
    }

    fn of(column: &Column) -> Option<Self> {
        let Storage::Further(further) = column.storage else { return None };
        let values = match further {
            Further::Int32(of) => FurtherValues::Int32(Box::new(IntegerCodes::new(of))),
            Further::Int64(of) => FurtherValues::Int64(Box::new(IntegerCodes::new(of))),
            Further::Counter(of) => FurtherValues::Counter { of, counts: Vec::new() },
            Further::Small32(of) => FurtherValues::Small32(SmallNumbers { of, codes: Vec::new() }),
            Further::Small64(of) => FurtherValues::Small64(SmallNumbers { of, codes: Vec::new() }),
            Further::Wide(of) => FurtherValues::Wide { of, numbers: Vec::new() },
            Further::Flag(of) => FurtherValues::Flag { of, flags: Vec::new() },
            Further::Text(of) => FurtherValues::Text(FurtherText {
                of,
                table: TextTable::default(),
                codes: SparseCodes::default(),
                text: Vec::new(),
            }),
        };
        Some(Self { name: column.name, values })
    }

    /// The column with a name.
    pub(super) fn find<'a>(columns: &'a [Self], name: &str) -> Result<&'a Self> {
        columns.iter().find(|column| column.name == name).ok_or_else(|| bug!())
    }

    /// As [`FurtherColumn::find`].
    pub(super) fn find_mut<'a>(columns: &'a mut [Self], name: &str) -> Result<&'a mut Self> {
        columns.iter_mut().find(|column| column.name == name).ok_or_else(|| bug!())
    }

    /// Appends the value of a packet.
    pub(super) fn append(&mut self, row: usize, record: &PacketRecord<'_>, packet: &Packet<'_>) {
        match &mut self.values {
            FurtherValues::Int32(column) => column.append(record, packet),
            FurtherValues::Int64(column) => column.append(record, packet),
            FurtherValues::Counter { of, counts } => counts.push(of(record, packet).unwrap_or(NO_COUNT)),
            FurtherValues::Small32(SmallNumbers { of, codes }) | FurtherValues::Small64(SmallNumbers { of, codes }) => {
                codes.push(of(record, packet).map_or(NO_CODE, u32::from));
            }
            FurtherValues::Wide { of, numbers } => numbers.push(of(record, packet).map_or(NO_COUNT, i64::from)),
            FurtherValues::Flag { of, flags } => flags.push(of(record, packet).map_or(NO_FLAG, u8::from)),
            FurtherValues::Text(FurtherText { of, table, codes, text }) => {
                text.clear();
                if of(record, packet, text).is_some() {
                    codes.push(row, table.code(|held| held.extend_from_slice(text)));
                }
            }
        }
    }

    /// The values of some rows.
    pub(super) fn array(&self, range: &Range<usize>, kind: TextKind) -> Result<ArrayRef> {
        Ok(match &self.values {
            FurtherValues::Int32(column) => Arc::new(column.array(range)?),
            FurtherValues::Int64(column) => Arc::new(column.array(range)?),
            FurtherValues::Small32(numbers) => Arc::new(numbers.array::<Int32Type>(range)?),
            FurtherValues::Small64(numbers) => Arc::new(numbers.array::<Int64Type>(range)?),
            FurtherValues::Counter { counts, .. } | FurtherValues::Wide { numbers: counts, .. } => {
                let counts = counts.get(range.clone()).ok_or_else(|| bug!())?;
                let counts = counts.iter().map(|count| Some(*count).filter(|count| *count != NO_COUNT));
                Arc::new(counts.collect::<PrimitiveArray<Int64Type>>())
            }
            FurtherValues::Flag { flags, .. } => {
                let flags = flags.get(range.clone()).ok_or_else(|| bug!())?;
                let flags = flags.iter().map(|flag| (*flag != NO_FLAG).then_some(*flag == 1));
                Arc::new(flags.collect::<BooleanArray>())
            }
            FurtherValues::Text(FurtherText { table, codes, .. }) => {
                text_array(kind, &codes.of_rows(range), table.texts())?
            }
        })
    }

    /// Appends the values of an array; its first row is the row `start`.
    pub(super) fn append_array(&mut self, array: &ArrayRef, start: usize) -> Result<()> {
        match &mut self.values {
            FurtherValues::Int32(column) => column.append_array(self.name, array),
            FurtherValues::Int64(column) => column.append_array(self.name, array),
            FurtherValues::Small32(numbers) => numbers.append_array::<Int32Type>(self.name, array),
            FurtherValues::Small64(numbers) => numbers.append_array::<Int64Type>(self.name, array),
            FurtherValues::Counter { counts, .. } | FurtherValues::Wide { numbers: counts, .. } => {
                let array = array.as_primitive_opt::<Int64Type>().ok_or_else(|| unfit(self.name))?;
                counts.extend(array.iter().map(|count| count.unwrap_or(NO_COUNT)));
                Ok(())
            }
            FurtherValues::Flag { flags, .. } => {
                let array = array.as_boolean_opt().ok_or_else(|| unfit(self.name))?;
                flags.extend(array.iter().map(|flag| flag.map_or(NO_FLAG, u8::from)));
                Ok(())
            }
            FurtherValues::Text(FurtherText { table, codes, .. }) => table.append_array(self.name, array, start, codes),
        }
    }

    /// Bytes of memory that the values take, about. It follows from the values alone.
    pub(super) fn bytes(&self) -> usize {
        match &self.values {
            FurtherValues::Int32(column) => column.codes.len() * size_of::<u32>() + column.table.bytes(),
            FurtherValues::Int64(column) => column.codes.len() * size_of::<u32>() + column.table.bytes(),
            FurtherValues::Counter { counts, .. } | FurtherValues::Wide { numbers: counts, .. } => {
                size_of_val(counts.as_slice())
            }
            FurtherValues::Small32(numbers) | FurtherValues::Small64(numbers) => size_of_val(numbers.codes.as_slice()),
            FurtherValues::Flag { flags, .. } => flags.len(),
            FurtherValues::Text(FurtherText { table, codes, .. }) => table.bytes() + codes.bytes(),
        }
    }

    /// Bytes of memory that are allocated for values, about.
    pub(super) fn kept(&self) -> usize {
        match &self.values {
            FurtherValues::Int32(column) => column.codes.capacity() * size_of::<u32>() + column.table.kept(),
            FurtherValues::Int64(column) => column.codes.capacity() * size_of::<u32>() + column.table.kept(),
            FurtherValues::Counter { counts, .. } | FurtherValues::Wide { numbers: counts, .. } => {
                counts.capacity() * size_of::<i64>()
            }
            FurtherValues::Small32(numbers) | FurtherValues::Small64(numbers) => {
                numbers.codes.capacity() * size_of::<u32>()
            }
            FurtherValues::Flag { flags, .. } => flags.capacity(),
            FurtherValues::Text(FurtherText { table, codes, .. }) => table.kept() + codes.kept(),
        }
    }

    /// Whether it is a column of text, and a row has one.
    pub(super) fn has_text(&self) -> bool {
        matches!(&self.values, FurtherValues::Text(FurtherText { codes, .. }) if !codes.codes.is_empty())
    }

    /// Forgets every value and keeps the memory.
    pub(super) fn clear(&mut self) {
        match &mut self.values {
            FurtherValues::Int32(column) => column.clear(),
            FurtherValues::Int64(column) => column.clear(),
            FurtherValues::Counter { counts, .. } | FurtherValues::Wide { numbers: counts, .. } => counts.clear(),
            FurtherValues::Small32(numbers) | FurtherValues::Small64(numbers) => numbers.codes.clear(),
            FurtherValues::Flag { flags, .. } => flags.clear(),
            FurtherValues::Text(FurtherText { table, codes, .. }) => {
                table.clear();
                codes.clear();
            }
        }
    }
}

impl SmallNumbers {
    fn array<P: ArrowPrimitiveType>(&self, range: &Range<usize>) -> Result<PrimitiveArray<P>>
    where
        P::Native: From<u16>,
    {
        let codes = self.codes.get(range.clone()).ok_or_else(|| bug!())?;
        Ok(codes.iter().map(|code| u16::try_from(*code).ok().map(P::Native::from)).collect())
    }

    fn append_array<P: ArrowPrimitiveType>(&mut self, name: &str, array: &ArrayRef) -> Result<()>
    where
        u16: TryFrom<P::Native>,
    {
        let array = array.as_primitive_opt::<P>().ok_or_else(|| unfit(name))?;
        for number in array {
            let number = number.map(|number| u16::try_from(number).map_err(|_| unfit(name))).transpose()?;
            self.codes.push(number.map_or(NO_CODE, u32::from));
        }
        Ok(())
    }
}

impl<P: ArrowPrimitiveType> IntegerCodes<P>
where
    P::Native: DictionaryValue,
{
    fn new(of: fn(&PacketRecord<'_>, &Packet<'_>) -> Option<P::Native>) -> Self {
        Self { of, table: CodeTable::default(), codes: Vec::new() }
    }

    fn append(&mut self, record: &PacketRecord<'_>, packet: &Packet<'_>) {
        self.codes.push(self.table.code((self.of)(record, packet)));
    }

    fn array(&self, range: &Range<usize>) -> Result<PrimitiveArray<P>> {
        let codes = self.codes.get(range.clone()).ok_or_else(|| bug!())?;
        Ok(codes.iter().map(|code| self.table.key(*code)).collect())
    }

    fn append_array(&mut self, name: &str, array: &ArrayRef) -> Result<()> {
        let array = array.as_primitive_opt::<P>().ok_or_else(|| unfit(name))?;
        self.codes.extend(array.iter().map(|value| self.table.code(value)));
        Ok(())
    }

    fn clear(&mut self) {
        self.table.clear();
        self.codes.clear();
    }
}

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

use super::code_table::NO_CODE;
use super::column_storage::{Further, SMALL, Storage};
use super::flow_codes::FlowCodes;
use super::restore::unfit;
use super::schema::{Column, TableColumns};
use super::text_array::text_array;
use super::text_runs::TextRuns;

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
    Text(Box<TextRuns>),
    Flow(Box<FlowCodes>),
}

/// Small numbers, which are their own codes.
#[derive(Debug)]
pub(super) struct SmallNumbers {
    of: fn(&PacketRecord<'_>, &Packet<'_>) -> Option<u32>,
    pub(super) codes: Vec<u32>,
}

impl FurtherColumn {
    /// Such columns of a table, without rows, in its order.
    pub(super) fn of_table(columns: &TableColumns) -> Vec<Self> {
        columns.iter().filter_map(Self::of).collect()
    }

    fn of(column: &Column) -> Option<Self> {
        let Storage::Further(further) = column.storage else { return None };
        let values = match further {
            Further::Counter(of) => FurtherValues::Counter { of, counts: Vec::new() },
            Further::Small32(of) => FurtherValues::Small32(SmallNumbers { of, codes: Vec::new() }),
            Further::Small64(of) => FurtherValues::Small64(SmallNumbers { of, codes: Vec::new() }),
            Further::Wide(of) => FurtherValues::Wide { of, numbers: Vec::new() },
            Further::Flag(of) => FurtherValues::Flag { of, flags: Vec::new() },
            Further::Text(of) => FurtherValues::Text(Box::new(TextRuns::new(of))),
            Further::Flow(of) => FurtherValues::Flow(Box::new(FlowCodes::new(of))),
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

    /// The values, if they are counts.
    pub(super) fn counts(&self) -> Option<&[i64]> {
        if let FurtherValues::Counter { counts, .. } = &self.values { Some(counts) } else { None }
    }

    /// Appends the value of a packet.
    pub(super) fn append(&mut self, record: &PacketRecord<'_>, packet: &Packet<'_>) {
        match &mut self.values {
            FurtherValues::Counter { of, counts } => counts.push(of(record, packet).unwrap_or(NO_COUNT)),
            FurtherValues::Small32(SmallNumbers { of, codes }) | FurtherValues::Small64(SmallNumbers { of, codes }) => {
                codes.push(of(record, packet).unwrap_or(NO_CODE));
            }
            FurtherValues::Wide { of, numbers } => numbers.push(of(record, packet).map_or(NO_COUNT, i64::from)),
            FurtherValues::Flag { of, flags } => flags.push(of(record, packet).map_or(NO_FLAG, u8::from)),
            FurtherValues::Text(runs) => runs.append(record, packet),
            FurtherValues::Flow(flows) => flows.append(record, packet),
        }
    }

    /// The values of some rows.
    pub(super) fn array(&self, range: &Range<usize>, kind: TextKind) -> Result<ArrayRef> {
        Ok(match &self.values {
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
            FurtherValues::Text(runs) => {
                text_array(kind, &runs.of_rows(range).ok_or_else(|| bug!())?, runs.table.texts())?
            }
            FurtherValues::Flow(flows) => {
                text_array(kind, flows.codes.get(range.clone()).ok_or_else(|| bug!())?, flows.texts())?
            }
        })
    }

    /// Appends the values of an array.
    pub(super) fn append_array(&mut self, array: &ArrayRef) -> Result<()> {
        match &mut self.values {
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
            FurtherValues::Text(runs) => runs.append_array(self.name, array),
            FurtherValues::Flow(flows) => flows.append_array(self.name, array),
        }
    }

    /// Bytes of memory that the values take, about. It follows from the values alone.
    pub(super) fn bytes(&self) -> usize {
        match &self.values {
            FurtherValues::Counter { counts, .. } | FurtherValues::Wide { numbers: counts, .. } => {
                size_of_val(counts.as_slice())
            }
            FurtherValues::Small32(numbers) | FurtherValues::Small64(numbers) => size_of_val(numbers.codes.as_slice()),
            FurtherValues::Flag { flags, .. } => flags.len(),
            FurtherValues::Text(runs) => runs.bytes(),
            FurtherValues::Flow(flows) => flows.bytes(),
        }
    }

    /// Bytes of memory that are allocated for values, about.
    pub(super) fn kept(&self) -> usize {
        match &self.values {
            FurtherValues::Counter { counts, .. } | FurtherValues::Wide { numbers: counts, .. } => {
                counts.capacity() * size_of::<i64>()
            }
            FurtherValues::Small32(numbers) | FurtherValues::Small64(numbers) => {
                numbers.codes.capacity() * size_of::<u32>()
            }
            FurtherValues::Flag { flags, .. } => flags.capacity(),
            FurtherValues::Text(runs) => runs.kept(),
            FurtherValues::Flow(flows) => flows.kept(),
        }
    }

    /// Forgets every value and keeps the memory.
    pub(super) fn clear(&mut self) {
        match &mut self.values {
            FurtherValues::Counter { counts, .. } | FurtherValues::Wide { numbers: counts, .. } => counts.clear(),
            FurtherValues::Small32(numbers) | FurtherValues::Small64(numbers) => numbers.codes.clear(),
            FurtherValues::Flag { flags, .. } => flags.clear(),
            FurtherValues::Text(runs) => runs.clear(),
            FurtherValues::Flow(flows) => flows.clear(),
        }
    }
}

impl SmallNumbers {
    fn array<P: ArrowPrimitiveType>(&self, range: &Range<usize>) -> Result<PrimitiveArray<P>>
    where
        P::Native: TryFrom<u32>,
    {
        let codes = self.codes.get(range.clone()).ok_or_else(|| bug!())?;
        let number = |code: &u32| P::Native::try_from(*code).ok().filter(|_| *code != NO_CODE);
        Ok(codes.iter().map(number).collect())
    }

    fn append_array<P: ArrowPrimitiveType>(&mut self, name: &str, array: &ArrayRef) -> Result<()>
    where
        u32: TryFrom<P::Native>,
    {
        for number in array.as_primitive_opt::<P>().ok_or_else(|| unfit(name))? {
            let code = number.map(|number| u32::try_from(number).ok().filter(|code| *code < SMALL));
            self.codes.push(code.map_or(Ok(NO_CODE), |code| code.ok_or_else(|| unfit(name)))?);
        }
        Ok(())
    }
}

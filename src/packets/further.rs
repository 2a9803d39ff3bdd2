//! The columns that are kept for themselves, because few packets have a value, or many share one: from a packet to its value, from
//! there to Arrow arrays, and back.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray as _, BooleanArray, PrimitiveArray};
use arrow::datatypes::{Int32Type, Int64Type};

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
use super::sets::{Applies, applies};
use super::text_array::text_array;
use super::text_runs::{TextRuns, TextSource};
use super::text_table::SparseCodes;

/// The null of a counter.
pub(super) const NO_COUNT: i64 = i64::MIN;
/// The null of a flag. The others are 0 and 1.
pub(super) const NO_FLAG: u8 = 2;

/// One column, and its values.
#[derive(Debug)]
pub(crate) struct FurtherColumn {
    pub(super) name: &'static str,
    applies: Applies,
    pub(super) values: FurtherValues,
}

/// The values of a column, as they are kept. Numbers are their own codes, for the rows that have one.
#[derive(Debug)]
pub(super) enum FurtherValues {
    Small32 { of: fn(&PacketRecord<'_>, &Packet<'_>) -> Option<u32>, codes: SparseCodes },
    Wide { of: fn(&PacketRecord<'_>, &Packet<'_>) -> Option<u32>, codes: SparseCodes },
    Flag { of: fn(&PacketRecord<'_>, &Packet<'_>) -> Option<bool>, codes: SparseCodes },
    Text(Box<TextRuns>),
    Flow(Box<FlowCodes>),
}

impl FurtherColumn {
    /// Such columns of a table, without rows, in its order.
    pub(super) fn of_table(columns: &TableColumns) -> Vec<Self> {
        columns.iter().filter_map(Self::of).collect()
    }

    fn of(column: &Column) -> Option<Self> {
        let Storage::Further(further) = column.storage else { return None };
        let codes = SparseCodes::default();
        let values = match further {
            Further::Small32(of) => FurtherValues::Small32 { of, codes },
            Further::Wide(of) => FurtherValues::Wide { of, codes },
            Further::Flag(of) => FurtherValues::Flag { of, codes },
            Further::Text(of) => FurtherValues::Text(Box::new(TextRuns::new(TextSource::Written(of)))),
            Further::Steady(of) => FurtherValues::Text(Box::new(TextRuns::new(TextSource::Held(of)))),
            Further::Flow(of) => FurtherValues::Flow(Box::new(FlowCodes::new(of))),
        };
        Some(Self { name: column.name, applies: applies(column.name), values })
    }

    /// The column with a name.
    pub(super) fn find<'a>(columns: &'a [Self], name: &str) -> Result<&'a Self> {
        columns.iter().find(|column| column.name == name).ok_or_else(|| bug!())
    }

    /// As [`FurtherColumn::find`].
    pub(super) fn find_mut<'a>(columns: &'a mut [Self], name: &str) -> Result<&'a mut Self> {
        columns.iter_mut().find(|column| column.name == name).ok_or_else(|| bug!())
    }

    /// Notes the value of a packet, which has this row.
    #[inline]
    pub(super) fn note(&mut self, row: usize, record: &PacketRecord<'_>, packet: &Packet<'_>) {
        if self.applies.to(packet) {
            self.note_value(row, record, packet);
        }
    }

    fn note_value(&mut self, row: usize, record: &PacketRecord<'_>, packet: &Packet<'_>) {
        let (value, codes) = match &mut self.values {
            FurtherValues::Small32 { of, codes } | FurtherValues::Wide { of, codes } => (of(record, packet), codes),
            FurtherValues::Flag { of, codes } => (of(record, packet).map(u32::from), codes),
            FurtherValues::Text(runs) => return runs.note(row, record, packet),
            FurtherValues::Flow(flows) => return flows.append(record, packet),
        };
        if let Some(value) = value {
            codes.push(row, value);
        }
    }

    /// The values of some rows.
    pub(super) fn array(&self, range: &Range<usize>, kind: TextKind) -> Result<ArrayRef> {
        Ok(match &self.values {
            FurtherValues::Small32 { codes, .. } => {
                let number = |code: u32| (code != NO_CODE).then_some(code.cast_signed());
                Arc::new(codes.of_rows(range).into_iter().map(number).collect::<PrimitiveArray<Int32Type>>())
            }
            FurtherValues::Wide { codes, .. } => {
                let mut numbers = vec![None; range.len()];
                codes.in_rows(range, |row, code| numbers.get_mut(row).map(|place| *place = Some(i64::from(code))));
                Arc::new(PrimitiveArray::<Int64Type>::from(numbers))
            }
            FurtherValues::Flag { codes, .. } => {
                let flag = |code: u32| (code != NO_CODE).then_some(code == 1);
                Arc::new(codes.of_rows(range).into_iter().map(flag).collect::<BooleanArray>())
            }
            FurtherValues::Text(runs) => text_array(kind, &runs.of_rows(range), runs.table.texts())?,
            FurtherValues::Flow(flows) => {
                text_array(kind, flows.codes.get(range.clone()).ok_or_else(|| bug!())?, flows.texts())?
            }
        })
    }

    /// Notes the values of an array, whose first row is the row `start`.
    pub(super) fn note_array(&mut self, array: &ArrayRef, start: usize) -> Result<()> {
        let unfit = || unfit(self.name);
        let (numbers, codes): (Vec<Option<i64>>, _) = match &mut self.values {
            FurtherValues::Small32 { codes, .. } => {
                let numbers = array.as_primitive_opt::<Int32Type>().ok_or_else(unfit)?.iter();
                // A number that is too large is made one that is refused.
                let small = |number: i32| if number.cast_unsigned() < SMALL { number.into() } else { -1 };
                (numbers.map(|number| number.map(small)).collect(), codes)
            }
            FurtherValues::Wide { codes, .. } => {
                (array.as_primitive_opt::<Int64Type>().ok_or_else(unfit)?.iter().collect(), codes)
            }
            FurtherValues::Flag { codes, .. } => {
                (array.as_boolean_opt().ok_or_else(unfit)?.iter().map(|flag| flag.map(i64::from)).collect(), codes)
            }
            FurtherValues::Text(runs) => return runs.note_array(self.name, array, start),
            FurtherValues::Flow(flows) => return flows.append_array(self.name, array),
        };
        for (row, number) in (start..).zip(numbers) {
            if let Some(number) = number {
                codes.push(row, u32::try_from(number).map_err(|_| unfit())?);
            }
        }
        Ok(())
    }

    /// Bytes of memory that the values take, about. It follows from the values alone.
    pub(super) fn bytes(&self) -> usize {
        match &self.values {
            FurtherValues::Small32 { codes, .. }
            | FurtherValues::Wide { codes, .. }
            | FurtherValues::Flag { codes, .. } => codes.bytes(),
            FurtherValues::Text(runs) => runs.bytes(),
            FurtherValues::Flow(flows) => flows.bytes(),
        }
    }

    /// Bytes of memory that are allocated for values, about.
    pub(super) fn kept(&self) -> usize {
        match &self.values {
            FurtherValues::Small32 { codes, .. }
            | FurtherValues::Wide { codes, .. }
            | FurtherValues::Flag { codes, .. } => codes.kept(),
            FurtherValues::Text(runs) => runs.kept(),
            FurtherValues::Flow(flows) => flows.kept(),
        }
    }

    /// Whether it is a column of text, and a row has one.
    pub(super) fn has_text(&self) -> bool {
        matches!(&self.values, FurtherValues::Text(runs) if !runs.is_empty())
    }

    /// Forgets every value and keeps the memory.
    pub(super) fn clear(&mut self) {
        match &mut self.values {
            FurtherValues::Small32 { codes, .. }
            | FurtherValues::Wide { codes, .. }
            | FurtherValues::Flag { codes, .. } => codes.clear(),
            FurtherValues::Text(runs) => runs.clear(),
            FurtherValues::Flow(flows) => flows.clear(),
        }
    }
}

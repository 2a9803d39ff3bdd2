//! Small tables: the summaries, and what they are merged from.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, BooleanArray, PrimitiveArray, RecordBatch};
use arrow::buffer::{NullBuffer, ScalarBuffer};
use arrow::datatypes::{
    DataType, Field, Float64Type, Int64Type, Schema, SchemaRef, TimeUnit, TimestampMicrosecondType,
};
use arrow::error::ArrowError;

use super::text_values::TextValues;

/// A table of nullable columns, all of the same length.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    /// Columns with their names, in order.
    pub columns: Vec<(String, TableColumn)>,
}

/// The values of one column.
#[derive(Clone, Debug, PartialEq)]
pub enum TableColumn {
    /// UTF-8 text.
    Text(TextValues),
    /// 64-bit signed integers.
    Int(Vec<Option<i64>>),
    /// Doubles.
    Float(Vec<Option<f64>>),
    /// Microseconds since the Unix epoch, UTC.
    Time(Vec<Option<i64>>),
    /// True or false.
    Flag(Vec<Option<bool>>),
}

impl TableColumn {
    /// How many values it has.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Text(values) => values.len(),
            Self::Int(values) | Self::Time(values) => values.len(),
            Self::Float(values) => values.len(),
            Self::Flag(values) => values.len(),
        }
    }

    /// Whether it has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn data_type(&self) -> DataType {
        match self {
            Self::Text(_) => DataType::Utf8,
            Self::Int(_) => DataType::Int64,
            Self::Float(_) => DataType::Float64,
            Self::Time(_) => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            Self::Flag(_) => DataType::Boolean,
        }
    }

    fn array(&self) -> Result<ArrayRef, ArrowError> {
        Ok(match self {
            Self::Text(values) => Arc::new(values.to_array()?),
            Self::Int(values) => Arc::new(numbers::<Int64Type>(values)),
            Self::Float(values) => Arc::new(numbers::<Float64Type>(values)),
            Self::Time(values) => Arc::new(numbers::<TimestampMicrosecondType>(values).with_timezone("UTC")),
            Self::Flag(values) => Arc::new(BooleanArray::from(values.clone())),
        })
    }

    fn from_array(array: &dyn Array) -> Result<Self, ArrowError> {
        Ok(match array.data_type() {
            DataType::Utf8 => Self::Text(array.as_string::<i32>().iter().collect()),
            DataType::Int64 => Self::Int(array.as_primitive::<Int64Type>().iter().collect()),
            DataType::Float64 => Self::Float(array.as_primitive::<Float64Type>().iter().collect()),
            DataType::Timestamp(TimeUnit::Microsecond, _) => {
                Self::Time(array.as_primitive::<TimestampMicrosecondType>().iter().collect())
            }
            DataType::Boolean => Self::Flag(array.as_boolean().iter().collect()),
            other => {
                return Err(ArrowError::SchemaError(format!("a summary table has no columns of type {other}")));
            }
        })
    }
}

/// Numbers as an array of Arrow.
fn numbers<T: ArrowPrimitiveType>(values: &[Option<T::Native>]) -> PrimitiveArray<T> {
    let nulls = values.iter().any(Option::is_none).then(|| values.iter().map(Option::is_some).collect::<NullBuffer>());
    let values: Vec<_> = values.iter().map(|value| value.unwrap_or_default()).collect();
    PrimitiveArray::new(ScalarBuffer::from(values), nulls)
}

impl Table {
    /// A table of these columns.
    #[must_use]
    pub fn new<const N: usize>(columns: [(&str, TableColumn); N]) -> Self {
        Self { columns: columns.into_iter().map(|(name, column)| (name.to_owned(), column)).collect() }
    }

    /// The same table with one more column, in front.
    #[must_use]
    pub fn with_first(mut self, name: &str, column: TableColumn) -> Self {
        self.columns.insert(0, (name.to_owned(), column));
        self
    }

    /// How many rows it has.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.columns.first().map_or(0, |(_, column)| column.len())
    }

    /// The column of a name.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<&TableColumn> {
        self.columns.iter().find(|(held, _)| held == name).map(|(_, column)| column)
    }

    /// As one Arrow batch.
    ///
    /// # Errors
    /// If the columns differ in length.
    pub fn to_batch(&self) -> Result<RecordBatch, ArrowError> {
        let fields: Vec<Field> =
            self.columns.iter().map(|(name, column)| Field::new(name, column.data_type(), true)).collect();
        let arrays = self.columns.iter().map(|(_, column)| column.array()).collect::<Result<_, _>>()?;
        RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)
    }

    /// An Arrow batch as a table.
    ///
    /// # Errors
    /// If it has a column of a type that tables do not have.
    pub fn from_batch(batch: &RecordBatch) -> Result<Self, ArrowError> {
        let schema = batch.schema();
        let columns = schema.fields().iter().zip(batch.columns());
        let columns = columns.map(|(field, array)| Ok((field.name().clone(), TableColumn::from_array(array)?)));
        Ok(Self { columns: columns.collect::<Result<_, ArrowError>>()? })
    }

    /// A table of these columns that has no rows.
    ///
    /// # Errors
    /// As [`Table::from_batch`].
    pub fn of_schema(schema: &SchemaRef) -> Result<Self, ArrowError> {
        Self::from_batch(&RecordBatch::new_empty(Arc::clone(schema)))
    }

    /// The columns of these names, in this order.
    #[must_use]
    pub fn select(&self, names: &[&str]) -> Self {
        let named = names.iter().filter_map(|name| self.columns.iter().find(|(held, _)| held == name));
        Self { columns: named.cloned().collect() }
    }

    /// A table of the same columns that has no rows.
    #[must_use]
    pub fn without_rows(&self) -> Self {
        let empty = |column: &TableColumn| match column {
            TableColumn::Text(_) => TableColumn::Text(TextValues::new()),
            TableColumn::Int(_) => TableColumn::Int(Vec::new()),
            TableColumn::Float(_) => TableColumn::Float(Vec::new()),
            TableColumn::Time(_) => TableColumn::Time(Vec::new()),
            TableColumn::Flag(_) => TableColumn::Flag(Vec::new()),
        };
        Self { columns: self.columns.iter().map(|(name, column)| (name.clone(), empty(column))).collect() }
    }

    /// Appends a row of another table. Returns whether it has the same columns, and such a row.
    #[must_use]
    pub fn push_row(&mut self, from: &Self, row: usize) -> bool {
        let mut is_like = self.columns.len() == from.columns.len() && row < from.rows();
        for ((_, to), (_, from)) in self.columns.iter_mut().zip(&from.columns).take_while(|_| row < from.rows()) {
            match (to, from) {
                (TableColumn::Text(to), TableColumn::Text(from)) => to.push(from.get(row)),
                (TableColumn::Int(to), TableColumn::Int(from)) | (TableColumn::Time(to), TableColumn::Time(from)) => {
                    to.push(from.get(row).copied().flatten());
                }
                (TableColumn::Float(to), TableColumn::Float(from)) => to.push(from.get(row).copied().flatten()),
                (TableColumn::Flag(to), TableColumn::Flag(from)) => to.push(from.get(row).copied().flatten()),
                _ => is_like = false,
            }
        }
        is_like
    }

    /// The first rows of the table.
    #[must_use]
    pub fn first(mut self, rows: usize) -> Self {
        for (_, column) in &mut self.columns {
            match column {
                TableColumn::Text(values) => values.truncate(rows),
                TableColumn::Int(values) | TableColumn::Time(values) => values.truncate(rows),
                TableColumn::Float(values) => values.truncate(rows),
                TableColumn::Flag(values) => values.truncate(rows),
            }
        }
        self
    }
}

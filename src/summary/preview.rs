//! The first rows of a table, to be shown or printed as JSON.

use serde::Serialize;
use serde::ser::SerializeStruct as _;

use crate::config::Settings;
use crate::tables::{Table, TableColumn};
use crate::text::time;

use super::schema::{AskedBy, Summary};

/// The first rows of a table, the largest first, and how many rows the table has.
#[derive(Clone, Debug, Default)]
pub struct Preview {
    /// Its name.
    pub name: &'static str,
    /// How many rows it has.
    pub rows: u64,
    /// The first rows, as many as were asked for.
    pub first: Table,
}

impl Preview {
    /// Whether it is shown where nobody asks for it by name: one that must be asked for only if it has rows.
    #[must_use]
    pub fn is_there(&self) -> bool {
        self.rows > 0 || !Summary::of(self.name).is_some_and(|summary| summary.asked_by != AskedBy::Nobody)
    }

    /// Whether a lake with these settings has it, and it is shown.
    pub(crate) fn is_of(&self, settings: &Settings) -> bool {
        self.is_there() && Summary::of(self.name).is_none_or(|summary| summary.is_counted(settings))
    }

    /// How many rows are not shown.
    #[must_use]
    pub fn left(&self) -> u64 {
        self.rows.saturating_sub(self.first.rows() as u64)
    }
}

impl Serialize for Preview {
    /// As an object: the table's name, how many rows it has, and the first rows as an array of objects.
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let rows: Vec<serde_json::Map<String, serde_json::Value>> = (0..self.first.rows())
            .map(|row| self.first.columns.iter().map(|(name, column)| (name.clone(), value(column, row))).collect())
            .collect();
        let mut object = serializer.serialize_struct("Preview", 3)?;
        object.serialize_field("name", self.name)?;
        object.serialize_field("rows", &self.rows)?;
        object.serialize_field("first", &rows)?;
        object.end()
    }
}

fn value(column: &TableColumn, row: usize) -> serde_json::Value {
    match column {
        TableColumn::Text(values) => values.get(row).into(),
        TableColumn::Int(values) => values.get(row).copied().flatten().into(),
        TableColumn::Time(values) => values.get(row).copied().flatten().map(time).into(),
        TableColumn::Float(values) => values.get(row).copied().flatten().into(),
        TableColumn::Flag(values) => values.get(row).copied().flatten().into(),
    }
}

//! The keys of a column whose values are codes already: one for each row, or one for each flow where the values follow from it.

use std::sync::Arc;

use parquet::errors::ParquetError;

use crate::bug::bug;
use crate::packets::column_storage::RowField;

use super::RowGroupPages;
use super::column_codes::Keys;
use super::compress::failed;
use super::flow_pages::PresentRows;

/// The keys of a column, of its rows or its flows.
pub(super) struct ColumnKeys {
    pub(super) keys: Vec<u32>,
    /// Of flows: which rows have one.
    pub(super) present: Option<Arc<PresentRows>>,
}

impl RowGroupPages<'_> {
    /// The keys of a column, in memory that is given back: one for each row, or for each flow.
    pub(super) fn keys(&mut self, field: RowField<u32>) -> Result<ColumnKeys, ParquetError> {
        let mut keys = std::mem::take(&mut self.scratch.keys);
        keys.clear();
        let of_flows = field.of_flows.filter(|_| self.flows.is_some());
        match of_flows {
            Some(of_flows) => of_flows(self.rows, &mut keys),
            None => (field.take)(self.rows, 0..self.rows.len(), &mut keys).ok_or_else(|| failed(bug!()))?,
        }
        let present = of_flows.map(|_| self.present(&keys)).transpose()?;
        Ok(ColumnKeys { keys, present })
    }

    /// The rows that have one of these keys of flows.
    pub(super) fn present(&mut self, keys: &[u32]) -> Result<Arc<PresentRows>, ParquetError> {
        if let Some(held) = self.present.iter().find(|held| held.is_of(keys)) {
            return Ok(Arc::clone(held));
        }
        let pages = self.flows.ok_or_else(|| failed(bug!()))?;
        let present = Arc::new(PresentRows::find(keys, &self.rows.flow, pages, &mut self.scratch.bits)?);
        self.present.push(Arc::clone(&present));
        Ok(present)
    }

    /// The same as the keys of the column's rows.
    pub(super) fn by_rows<'k>(&self, keys: &'k ColumnKeys) -> Keys<'k>
    where
        Self: 'k,
    {
        match (&keys.present, self.flows) {
            (Some(present), Some(pages)) => Keys::Flows { keys: &keys.keys, rows: &self.rows.flow, pages, present },
            _ => Keys::Dense(&keys.keys),
        }
    }
}

//! The rows of one file of a checkpoint, one after the other.

use std::cmp::Ordering;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

use crate::bug::bug;
use crate::error::Result;
use crate::tables::{PIECE, Table, TableColumn, TableReader};

use super::columns::{CAPTURES, LONG_ROWS, of_json};

/// The order of keys: that of their components, as a walk of folders meets them. `/` comes before any other byte.
pub(in crate::lake) fn key_order(a: &str, b: &str) -> Ordering {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let rank = |byte: u8| if byte == b'/' { 0 } else { byte };
    match a.iter().zip(b).find(|(a, b)| a != b) {
        Some((a, b)) => rank(*a).cmp(&rank(*b)),
        None => a.len().cmp(&b.len()),
    }
}

/// A place in a file of a checkpoint, and the rows around it.
pub(super) struct CheckpointRows {
    path: PathBuf,
    reader: TableReader,
    piece: Table,
    /// The columns that were asked for, by their places in the piece.
    places: Vec<Option<usize>>,
    row: usize,
    is_over: bool,
}

impl CheckpointRows {
    /// The first row of a file, of which these columns are read. The first of them is the key.
    pub(super) fn open(path: &Path, columns: &[&str], rows: Option<&[u64]>) -> Result<Self> {
        let piece = if columns.contains(&CAPTURES) { LONG_ROWS } else { PIECE };
        let mut reader = TableReader::open(path, columns, rows, piece)?;
        let piece = reader.next_piece()?;
        let is_over = piece.is_none();
        let piece = piece.unwrap_or_default();
        let place = |name: &&str| piece.columns.iter().position(|(held, _)| held == name);
        let places = columns.iter().map(place).collect();
        Ok(Self { path: path.to_path_buf(), reader, piece, places, row: 0, is_over })
    }

    /// The file.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether there is a row: the end has not been reached.
    pub(super) fn is_there(&self) -> bool {
        !self.is_over
    }

    /// The key of the row, or `None` at the end.
    pub(super) fn key(&self) -> Option<&str> {
        if self.is_over { None } else { Some(self.text(0).unwrap_or_default()) }
    }

    /// The text in the column that was asked for as this one.
    pub(super) fn text(&self, column: usize) -> Option<&str> {
        match self.column(column)? {
            TableColumn::Text(values) => values.get(self.row),
            _ => None,
        }
    }

    /// The number in the column that was asked for as this one; of a time, its microseconds.
    pub(super) fn int(&self, column: usize) -> Option<i64> {
        match self.column(column)? {
            TableColumn::Int(values) | TableColumn::Time(values) => *values.get(self.row)?,
            _ => None,
        }
    }

    /// The number of a capture in the column that was asked for as this one.
    pub(super) fn capture(&self, column: usize) -> Option<usize> {
        self.int(column).and_then(|number| usize::try_from(number).ok())
    }

    fn column(&self, column: usize) -> Option<&TableColumn> {
        let place = (*self.places.get(column)?)?;
        self.piece.columns.get(place).map(|(_, column)| column)
    }

    /// The entry whose JSON is in the column that was asked for as this one.
    ///
    /// # Errors
    /// If it is none.
    pub(super) fn entry<T: DeserializeOwned>(&self, column: usize) -> Result<T> {
        of_json(self.text(column).unwrap_or_default(), &self.path)
    }

    /// Appends the row to a table of the same columns.
    pub(super) fn copy_to(&self, table: &mut Table) -> Result<()> {
        if table.columns.is_empty() {
            *table = self.piece.without_rows();
        }
        if table.push_row(&self.piece, self.row) { Ok(()) } else { Err(bug!()) }
    }

    /// Goes on to the next row.
    pub(super) fn step(&mut self) -> Result<()> {
        self.row += 1;
        while !self.is_over && self.row >= self.piece.rows() {
            self.row = 0;
            match self.reader.next_piece()? {
                Some(piece) => self.piece = piece,
                None => self.is_over = true,
            }
        }
        Ok(())
    }
}

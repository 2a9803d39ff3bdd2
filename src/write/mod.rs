//! From rows to part files, and from summary tables to theirs.
//!
//! In: [`Rows`](crate::columns::Rows) of one partition. Out: encoded row groups, made by any worker, then parts made of
//! them, synced and closed. Always: page statistics and page indexes for every column; bytes that follow from rows and
//! settings alone. The only door for parquet. Where a part goes is [`crate::commit`]'s.

mod encode;
mod footer;
mod form;
mod parked;
mod part;
mod properties;
mod read;
mod row_group;
mod table;

pub use footer::{PartSays, part_says};
pub use form::is_of_earlier_form;
pub use parquet::errors::ParquetError;
pub use part::{Origin, PartFile, PartWriter, RowRange};
pub use read::{PartFacts, PartReader, part_facts};
pub use row_group::{EncodedRowGroup, Encoder};
pub use table::{TableFile, TableWriter, copy_table, read_table, write_table};

//! From decoded packets to the columns.
//!
//! In: a [`PacketRecord`](crate::capture::PacketRecord) and its [`Packet`](crate::decode::Packet). Out: [`Rows`], values
//! and codes that the encoder makes pages of. Rows also become Arrow batches in the schema of [`COLUMNS`], and batches of
//! a part become rows again. Always: one row a record, null where the packet does not say. The only door for arrow.
//!
//! Rows are collected by partition. In: records and packets, in the order of their capture. Out: [`Rows`] of exactly one
//! partition each, in the same order within the partition. A row without a time goes where the timed row before it went.
//!
//! Rows become part files. In: [`Rows`] of one partition. Out: encoded row groups, made by any worker, then parts made of
//! them, synced and closed. Always: page statistics and page indexes for every column. The only door for parquet. Where a
//! part goes is [`crate::lake`]'s.
//!
//! Always: the bytes follow from rows and settings alone. No file, clock, thread or random number decides anything here.

mod batch;
mod code_table;
mod column_storage;
mod encode;
mod fields;
mod flow_codes;
mod flow_table;
mod footer;
mod form;
mod further;
mod mixed_rows;
mod packed;
mod part;
mod part_bounds;
mod part_reader;
mod part_scan;
mod partition;
mod partitioner;
mod properties;
mod restore;
mod row_bytes;
mod row_group;
mod row_run;
mod row_times;
mod rows;
mod rows_have;
mod schema;
mod sets;
mod text_array;
mod text_runs;
mod text_table;

pub use batch::{Batch, Projection};
pub use code_table::{CodeTable, DictionaryValue, NO_CODE};
pub use column_storage::{Further, NameField, RowField, Storage};
pub use encode::PlainScratch;
pub(crate) use encode::{EncodedColumn, PlainColumns, PlainValues};
pub(crate) use flow_table::CodedFlow;
pub use footer::{PartSays, part_says};
pub use form::is_of_earlier_form;
pub use mixed_rows::MixedRows;
pub use packed::{NO_DATETIME, NO_PROTOCOL};
pub(crate) use packed::{NO_TCP_FLAGS, Ports};
pub use parquet::errors::ParquetError;
pub(crate) use part::failed;
pub use part::{Origin, PartFile, PartWriter, RowRange};
pub use part_bounds::{BoundValue, ColumnBounds, part_bounds, part_bounds_by};
pub(crate) use part_reader::unreadable;
pub use part_reader::{PartFacts, PartReader, part_facts};
pub use part_scan::{PartRow, PartScan};
pub use partition::{PartitionKey, When};
pub use partitioner::{HandedOn, Partitioner, room_of_rows};
pub use restore::{restored_columns, restored_schema};
pub use row_group::{EncodedRowGroup, Encoder};
pub use row_run::{NextRows, RowRun, RunMerge};
pub use rows::{Rows, Span};
pub(crate) use rows_have::TCP;
pub use schema::{COLUMNS, Column, ColumnType, SCHEMA_VERSION, TableColumns, schema};
pub(crate) use sets::TCP_FLAGS;
pub use sets::{ColumnSet, FRAME, INTERFACE, SETS, find_column, further_columns};
pub use text_table::TextTable;

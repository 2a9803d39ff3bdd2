//! From decoded packets to the 18 columns.
//!
//! In: a [`PacketRecord`](crate::read::PacketRecord) and its [`Packet`](crate::decode::Packet). Out: [`Rows`], values and
//! codes of which `write` makes pages; as Arrow batches in the schema of [`COLUMNS`] for whoever looks at them, and from
//! batches of a part again. Always: one row a record, null where the packet does not say. The only door for arrow.
//! No file, clock, thread or random number decides anything here.
//!
//! Which partition a row belongs to, and the rows of each collected apart.
//!
//! In: records and packets, in the order of their capture. Out: [`Rows`](crate::columns::Rows) of exactly one partition
//! each, in that order within a partition. A row without a time goes where the timed row before it went. No file, clock,
//! thread or random number decides anything here.
//!
//! From rows to part files, and from summary tables to theirs.
//!
//! In: [`Rows`](crate::columns::Rows) of one partition. Out: encoded row groups, made by any worker, then parts made of
//! them, synced and closed. Always: page statistics and page indexes for every column; bytes that follow from rows and
//! settings alone. The only door for parquet. Where a part goes is [`crate::commit`]'s.

mod batch;
mod code_table;
mod encode;
mod footer;
mod form;
mod part;
mod part_reader;
mod partition;
mod partitioner;
mod properties;
mod restore;
mod row_group;
mod rows;
mod schema;
mod text_table;

pub use batch::{Batch, Projection};
pub use code_table::{CodeTable, DictionaryValue, NO_CODE};
pub use footer::{PartSays, part_says};
pub use form::is_of_earlier_form;
pub use parquet::errors::ParquetError;
pub(crate) use part::failed;
pub use part::{Origin, PartFile, PartWriter, RowRange};
pub(crate) use part_reader::unreadable;
pub use part_reader::{PartFacts, PartReader, part_facts};
pub use partition::{PartitionKey, When};
pub use partitioner::Partitioner;
pub use restore::{restored_columns, restored_schema};
pub use row_group::{EncodedRowGroup, Encoder};
pub use rows::{NO_DATETIME, NO_PORT, NO_PROTOCOL, Rows, Span};
pub use schema::{COLUMNS, Column, ColumnType, DnsName, End, SCHEMA_VERSION, Storage, schema};
pub use text_table::TextTable;

//! From decoded packets to the 18 columns.
//!
//! In: a [`PacketRecord`](crate::read::PacketRecord) and its [`Packet`](crate::decode::Packet). Out: [`Rows`], values and
//! codes of which `write` makes pages; as Arrow batches in the schema of [`COLUMNS`] for whoever looks at them, and from
//! batches of a part again. Always: one row a record, null where the packet does not say. The only door for arrow.
//! No file, clock, thread or random number decides anything here.

mod batch;
mod codes;
mod restore;
mod rows;
mod schema;
mod table;
mod texts;

pub use batch::Batch;
pub use codes::{CodeTable, Coded, NO_CODE};
pub use restore::{restored_columns, restored_schema};
pub(crate) use rows::SparseCodes;
#[cfg(test)]
pub(crate) use rows::{Facts, Ports, Times};
pub use rows::{NO_DATETIME, NO_PORT, NO_PROTOCOL, Rows, Span};
pub use schema::{COLUMNS, Column, Kind, SCHEMA_VERSION, schema};
pub use table::{Table, TableColumn};
pub use texts::TextTable;

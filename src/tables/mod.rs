//! Small tables: columns in memory, as Parquet, as CSV and as text. Rows of other programs that name packets.

mod aligned;
mod as_csv;
mod given;

mod file;
mod reader;
mod table;
mod text_values;

pub use aligned::aligned;
pub use as_csv::csv;
pub use file::{PageMaker, TableFile, TableWriter, copy_table, read_table, write_table};
pub use given::{GivenRow, NamedBy, NamingRows};
pub use reader::{PIECE, TableReader};
pub use table::{Table, TableColumn};
pub use text_values::TextValues;

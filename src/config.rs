//! What is meant, after what was typed has been understood. One documented constant for each default.

use serde::{Deserialize, Serialize};

use crate::columns::{LengthKind, SCHEMA_VERSION, TimestampUnit};
use crate::partition::PartitionBy;

/// Bytes of a capture that one worker converts at a stretch.
pub const CHUNK_SIZE: u64 = 64 << 20;
/// Bytes that a part should have, about.
pub const TARGET_FILE_SIZE: u64 = 128 << 20;
/// Rows of a row group: a tenth less CPU and a fifth of the memory of a million.
pub const ROW_GROUP_ROWS: usize = 128 << 10;
/// Microseconds of a window of the send rates.
pub const WINDOW: i64 = 1_000_000;
/// The level of ZSTD: higher ones are no smaller and up to twice as dear.
pub const ZSTD_LEVEL: i32 = 1;

/// What shapes rows, parts and summaries. Two runs with equal settings give equal bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Bytes of the unpacked capture that a chunk spans.
    pub chunk_size: u64,
    /// Bytes that a part should have, about.
    pub target_file_size: u64,
    /// Rows that a row group has at most.
    pub row_group_rows: usize,
    /// How pages are compressed.
    pub compression: PageCompression,
    /// The unit of `datetime`.
    pub timestamp_unit: TimestampUnit,
    /// What `length` counts.
    pub length: LengthKind,
    /// By what the packets are partitioned besides the date.
    pub partition_by: PartitionBy,
    /// Whether reading goes on behind damage, at the next credible run of records.
    #[serde(default)]
    pub salvage: bool,
    /// Microseconds of a window of the send rates, 1 ms to 1 day.
    pub window: i64,
    /// Whether summaries are made.
    pub summaries: bool,
    /// Whether addresses are named by the DNS answers in the captures.
    pub names: Names,
}

/// Where the names of `volume_by_name` come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Names {
    /// From the A and AAAA answers in the captures.
    #[default]
    Dns,
    /// From nowhere: every address is `N/A`.
    Off,
}

/// How the pages of a part are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PageCompression {
    /// Zstandard at a level from 1 to 22.
    Zstd(i32),
    /// Snappy.
    Snappy,
    /// LZ4, raw blocks.
    Lz4,
    /// Not at all.
    None,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            chunk_size: CHUNK_SIZE,
            target_file_size: TARGET_FILE_SIZE,
            row_group_rows: ROW_GROUP_ROWS,
            compression: PageCompression::Zstd(ZSTD_LEVEL),
            timestamp_unit: TimestampUnit::default(),
            length: LengthKind::default(),
            partition_by: PartitionBy::default(),
            salvage: false,
            window: WINDOW,
            summaries: true,
            names: Names::default(),
        }
    }
}

impl Settings {
    /// Text that differs where parts may differ: for the identity of units. The summaries' settings are not in it.
    #[must_use]
    pub fn identity(&self) -> String {
        format!(
            "schema {SCHEMA_VERSION}; {} {} {} {:?} {:?} {:?} {:?}{}",
            self.chunk_size,
            self.target_file_size,
            self.row_group_rows,
            self.compression,
            self.timestamp_unit,
            self.length,
            self.partition_by,
            if self.salvage { " salvage" } else { "" },
        )
    }
}

//! The settings of a run, once the command line has been parsed. One documented constant for each default.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::memory;
use crate::text::time_text;

mod decapsulation;
mod setting;

pub use decapsulation::{Decapsulation, TunnelKind};
pub use setting::Setting;

/// Bytes of a capture that one worker converts without a break.
pub const CHUNK_SIZE: u64 = 64 << 20;
/// Bytes that a part should have, about.
pub const TARGET_FILE_SIZE: u64 = 128 << 20;
/// Rows of a row group. Compared with a million rows: a tenth less CPU and a fifth of the memory.
pub const ROW_GROUP_ROWS: usize = memory::ROW_GROUP_ROWS;
/// Microseconds of a window of the send rates.
pub const WINDOW: i64 = 1_000_000;
/// Conversations of a date that have their own row.
pub const CONVERSATIONS: usize = 1000;
/// Microseconds without a packet after which the next one begins another flow.
pub const FLOW_TIMEOUT: i64 = 60_000_000;
/// The column of the server names in TLS.
pub(crate) const SERVER_NAMES: &str = "tls_sni";
/// The level of ZSTD. Higher levels are no smaller and take up to twice as long.
pub const ZSTD_LEVEL: i32 = 1;
/// Bytes of manifests since the last checkpoint from which on the next commit makes one.
pub const CHECKPOINT_AFTER: u64 = 16 << 20;

/// The settings that shape rows, parts and summaries. Two runs with equal settings give equal bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Bytes of the decompressed capture that a chunk spans.
    pub chunk_size: u64,
    /// Bytes that a part should have, about.
    pub target_file_size: u64,
    /// The most rows of a row group.
    pub row_group_rows: usize,
    /// How pages are compressed.
    pub compression: PageCompression,
    /// The unit of `datetime`.
    pub timestamp_unit: TimestampUnit,
    /// What `length` counts.
    pub length: LengthKind,
    /// What the packets are partitioned by, besides the date.
    pub partition_by: PartitionBy,
    /// The columns that the packets table has besides those of every lake.
    #[serde(default, skip_serializing_if = "FurtherColumns::is_empty")]
    pub columns: FurtherColumns,
    /// Which tunnels are looked into. Of a packet in one of them, the innermost headers count.
    #[serde(default, skip_serializing_if = "Decapsulation::is_empty")]
    pub decapsulate: Decapsulation,
    /// Whether reading goes on after damage, at the next credible run of records.
    #[serde(default)]
    pub salvage: bool,
    /// Microseconds of a window of the send rates, 1 ms to 1 day.
    pub window: i64,
    /// Whether summaries are made.
    pub summaries: bool,
    /// Where the names of addresses come from.
    pub names: Names,
    /// Conversations of a date that have their own row.
    #[serde(default = "conversations")]
    pub conversations: usize,
    /// Whether summaries have the clients of DNS. A lake that an earlier version began has none, and does not get them: no partial
    /// summary says what it has counted. It shapes no part. Earlier versions refuse the settings of a lake that has them: they
    /// would commit without.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dns_clients: bool,
    /// Microseconds without a packet after which the next one of the same ends begins another flow, 1 ms to 1 day. `None` if flows are not
    /// counted. Earlier versions refuse the settings of a lake with flows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flow_timeout: Option<i64>,
    /// Whether each commit also writes a Delta log, so that the lake is a Delta table. It shapes no part. Earlier versions refuse
    /// the settings of such a lake: they would commit without the log.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub delta: bool,
    /// How long a part that a commit removed stays in its place, for readers of versions before, in milliseconds. A lake without a
    /// Delta log retains none. `None` leaves it as it is in a lake that is there; 0 ends it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retain_ms: Option<u64>,
}

fn conversations() -> usize {
    CONVERSATIONS
}

/// The sources of the names in `volume_by_name`, in the order in which they are asked. An empty list gives no names.
///
/// ```
/// # use parcap::config::{NameSource, Names};
/// let names: Names = "hosts:/etc/hosts,dns".parse().unwrap();
/// assert_eq!(names.0, [NameSource::Hosts("/etc/hosts".into()), NameSource::Dns]);
/// assert_eq!(names.to_string(), "hosts:/etc/hosts,dns");
/// assert_eq!("off".parse(), Ok(Names(Vec::new())));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Names(pub Vec<NameSource>);

/// One source of names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NameSource {
    /// The A and AAAA answers in the captures.
    Dns,
    /// The server names for which clients asked an address by TLS, in the captures.
    Sni,
    /// Reverse lookups.
    Ptr,
    /// A hosts file.
    Hosts(PathBuf),
}

impl Default for Names {
    fn default() -> Self {
        Self(vec![NameSource::Dns])
    }
}

impl FromStr for Names {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "off" {
            return Ok(Self(Vec::new()));
        }
        let mut sources = Vec::new();
        for source in text.split(',') {
            let source = match (source, source.strip_prefix("hosts:")) {
                ("dns", _) => NameSource::Dns,
                ("sni", _) => NameSource::Sni,
                ("ptr", _) => NameSource::Ptr,
                (_, Some(path)) if !path.is_empty() => NameSource::Hosts(PathBuf::from(path)),
                _ => {
                    return Err(
                        "give dns, sni, ptr and hosts:FILE, in the order in which they are asked, or off".to_owned()
                    );
                }
            };
            if sources.contains(&source) {
                return Err("name each source once".to_owned());
            }
            sources.push(source);
        }
        Ok(Self(sources))
    }
}

impl TryFrom<String> for Names {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Names> for String {
    fn from(names: Names) -> Self {
        names.to_string()
    }
}

impl fmt::Display for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("off");
        }
        for (place, source) in self.0.iter().enumerate() {
            let comma = if place > 0 { "," } else { "" };
            match source {
                NameSource::Dns => write!(f, "{comma}dns")?,
                NameSource::Sni => write!(f, "{comma}sni")?,
                NameSource::Ptr => write!(f, "{comma}ptr")?,
                NameSource::Hosts(path) => write!(f, "{comma}hosts:{}", path.display())?,
            }
        }
        Ok(())
    }
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

/// The unit of the `datetime` column.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TimestampUnit {
    /// Microseconds: every engine reads them.
    #[default]
    Us,
    /// Nanoseconds: Spark refuses them, and the years end in 2262.
    Ns,
}

impl TimestampUnit {
    /// Its name in settings.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Us => "us",
            Self::Ns => "ns",
        }
    }
}

/// How batches hold the columns of text. The text is the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TextKind {
    /// Each row's text, after that of the row before: `Utf8`, which every reader knows.
    #[default]
    Utf8,
    /// Each distinct text once, and in each row where it is: `Utf8View`.
    View,
    /// Each distinct text of a batch once, and in each row its number: `Dictionary(Int32, Utf8)`.
    Dictionary,
}

/// What the `length` column counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LengthKind {
    /// Bytes on the wire.
    #[default]
    Wire,
    /// Captured bytes.
    Captured,
}

impl LengthKind {
    /// Its name in settings.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Wire => "wire",
            Self::Captured => "captured",
        }
    }
}

/// What the packets table is partitioned by, besides the date.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartitionBy {
    /// By UTC hour.
    pub hour: bool,
    /// By the `protocol` column.
    pub protocol: bool,
}

/// Columns that were asked for, by their names, in the order of the registry. [`further_columns`](crate::further_columns)
/// makes them of what was asked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FurtherColumns(pub(crate) Vec<String>);

impl FurtherColumns {
    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the column of server names is among them. Its values are counted as names of addresses.
    pub(crate) fn has_server_names(&self) -> bool {
        self.names().any(|name| name == SERVER_NAMES)
    }

    /// Their names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

impl fmt::Display for FurtherColumns {
    /// The names with commas between; empty if there are none.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(","))
    }
}

impl fmt::Display for PartitionBy {
    /// The keys with commas between: `date,hour`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (hour, protocol) = (if self.hour { ",hour" } else { "" }, if self.protocol { ",protocol" } else { "" });
        write!(f, "date{hour}{protocol}")
    }
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
            columns: FurtherColumns::default(),
            decapsulate: Decapsulation::default(),
            salvage: false,
            window: WINDOW,
            summaries: true,
            names: Names::default(),
            conversations: CONVERSATIONS,
            dns_clients: true,
            flow_timeout: None,
            delta: false,
            retain_ms: None,
        }
    }
}

impl Settings {
    /// The same for a run over a lake that has the settings `held`. What it does not count is not begun in the middle.
    pub(crate) fn counted_in(mut self, held: Option<&Self>) -> Self {
        self.dns_clients &= self.summaries && held.is_none_or(|held| held.dns_clients);
        self
    }
}

impl Names {
    /// Whether the server names in TLS are a source.
    pub(crate) fn has_sni(&self) -> bool {
        self.0.contains(&NameSource::Sni)
    }
}

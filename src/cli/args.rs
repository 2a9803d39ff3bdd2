//! The command line as clap reads it. Its help is its documentation.

use std::path::PathBuf;

use clap::builder::{BoolishValueParser, RangedU64ValueParser};
use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};

use crate::cancel::Cancel;
use crate::commands::{BATCH, ConvertRequest};
use crate::config::{
    CHUNK_SIZE, CONVERSATIONS, FurtherColumns, LengthKind, Names, PageCompression, PartitionBy, ROW_GROUP_ROWS,
    Settings, TARGET_FILE_SIZE, TimestampUnit, WINDOW,
};

use super::delta::{DELTA_EXIT, DeltaArgs};
use super::extract::ExtractArgs;
use super::failure::Failure;
use super::fetches_arg::FetchesArg;
use super::flow_args::FlowArgs;
use super::inspect_args::InspectArgs;
use super::lake::{CompactArgs, ForgetArgs, VerifyArgs};
use super::parse::{columns, compression, micros, partition_by, size};
use super::planned::{self, CommitArgs, ConvertUnitArgs, PlanArgs};
use super::progress::Progress;
use super::ptr::PtrArgs;
use super::render::Shown;
use super::report::ReportArgs;
use super::select_args::{LogFormat, NightlyArgs, RulesArgs};
use super::shown_args::ShownArgs;
use super::summarize::SummarizeArgs;
use super::table_args::TableArgs;
use super::tunnel_args::TunnelArgs;

/// Packet captures into a Parquet lake.
///
/// parcap reads pcap and pcapng captures (plain, or in gzip, zstd, xz, bzip2 or lz4; recognised by their bytes, never by
/// their names), writes one row of 18 columns a packet into Hive-partitioned Parquet, and sums up who was sent how much,
/// by address and by name, and how fast.
#[derive(Debug, Parser)]
#[command(name = "parcap", version, max_term_width = 100, after_help = EXIT_CODES)]
pub(super) struct Args {
    #[command(subcommand)]
    pub(super) command: Command,
    /// Read options from a TOML file: `jobs = 2`, `partition-by = "date,hour"`; the command line and the environment win
    #[arg(long, global = true, value_name = "FILE", env = "PARCAP_CONFIG")]
    pub(super) config: Option<PathBuf>,
}

const EXIT_CODES: &str = "\
Exit status:
  0    all converted, or nothing to do
  1    the run failed, or the archive is away; run it again, and it finishes or undoes what this one began
  2    wrong usage
  3    committed, but some input was damaged, refused or unreadable; each is named
  75   another run holds the lake; try later
  130, 143  stopped by SIGINT, SIGTERM";

const CONVERT_EXAMPLES: &str = "\
Examples:
  parcap convert captures/ --out lake           everything below a directory
  parcap convert 'captures/2024-*/*.pcap.gz' --out lake
  tcpdump -w - | parcap convert - --out lake    from standard input; Ctrl-C ends that, and what came is kept
  parcap convert <(ssh sensor cat x.pcap) --out lake
  parcap convert 's3://bucket/captures/2024-*/*.pcap.gz' --out lake
  parcap convert captures/ --out lake --quiet --format json >report.json

Captures that the lake holds already are skipped without being opened. A damaged capture gives
its packets up to the fault, is named with the byte offset of the fault, and makes the exit
status 3.";

const VERIFY_EXIT: &str = "\
Exit status:
  0   all files are there and as they were written
  1   something is wrong, and is named
  75  a run holds the lake; try later, or `--wait`";

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Convert captures to the packets table, then sum them up
    #[command(after_help = CONVERT_EXAMPLES)]
    Convert(Box<ConvertArgs>),
    /// Show the summaries of a lake, or of captures without a lake
    Summarize(Box<SummarizeArgs>),
    /// Make a page of the summaries of a lake or of captures: one file that needs nothing else, to look at, print and send
    Report(Box<ReportArgs>),
    /// Write packets of a lake as a capture again: those that a filter takes, or that a query found
    Extract(Box<ExtractArgs>),
    /// Hold a lake's files against its manifest: sizes, checksums, rows, columns, sums
    #[command(after_help = VERIFY_EXIT)]
    Verify(VerifyArgs),
    /// Make small files of a lake into larger ones: what many nights have left of a date
    Compact(CompactArgs),
    /// Take captures out of a lake, whether they still exist or not
    Forget(ForgetArgs),
    /// Make a lake a Delta table, or mend its log after other writers; then every run writes the log
    #[command(after_help = DELTA_EXIT)]
    Delta(DeltaArgs),
    /// Print the units of work that a conversion would consist of, one JSON document a line
    ///
    /// For a scheduler that runs them elsewhere: give each line to `parcap convert-unit`, and what those print, together,
    /// to `parcap commit`. The first line is no unit; it says what else the conversion would know.
    #[command(after_help = planned::EXAMPLES)]
    Plan(PlanArgs),
    /// Convert units from standard input, one a line: stage their parts in the lake, print the row of each
    #[command(after_help = planned::UNIT_EXIT)]
    ConvertUnit(ConvertUnitArgs),
    /// Publish the units whose rows come from standard input, and sum them up
    #[command(after_help = planned::COMMIT_EXIT)]
    Commit(CommitArgs),
    /// Say what is in captures, without converting them: format, link types, interfaces, packets, times, damage
    Inspect(InspectArgs),
    /// Print a completion script for a shell
    Completions(CompletionsArgs),
    /// Print the manual page, in roff
    Man,
}

#[derive(Debug, ClapArgs)]
pub(super) struct ConvertArgs {
    /// Captures: files, directories (walked), quoted patterns, `-` for standard input, or FIFOs such as `<(…)`; objects,
    /// prefixes and patterns at s3://, gs:// and az://, files at https://
    #[arg(required = true, value_name = "INPUT")]
    inputs: Vec<PathBuf>,
    /// The lake: a directory, made if it does not exist, or a place in a bucket (s3://, gs://, az://)
    #[arg(long, short, value_name = "LAKE", env = "PARCAP_OUT")]
    out: PathBuf,
    /// Worker threads, at most four a core [default: one a core]
    #[arg(long, short, value_name = "N", env = "PARCAP_JOBS", default_value_t = 0, hide_default_value = true)]
    jobs: usize,
    /// Memory that the process takes at most: fewer workers if need be, and captures that take more to unpack are refused
    /// [default: 128MiB a worker and 240MiB, of which most captures need a third]
    #[arg(long, value_name = "SIZE", env = "PARCAP_MEMORY", value_parser = size)]
    memory: Option<Size>,
    #[command(flatten)]
    fetches: FetchesArg,
    /// Say which captures would be converted, how large they are and why, and write nothing
    #[arg(long, env = "PARCAP_DRY_RUN", value_parser = BoolishValueParser::new())]
    dry_run: bool,
    #[command(flatten)]
    strict: StrictArg,
    /// When to show a progress bar; `auto` is when stderr is a terminal
    #[arg(long, value_enum, value_name = "WHEN", env = "PARCAP_PROGRESS", default_value_t = ProgressArg::Auto)]
    progress: ProgressArg,
    #[command(flatten)]
    shown: ShownArgs,
    #[command(flatten)]
    rules: RulesArgs,
    #[command(flatten)]
    pub(super) nightly: NightlyArgs,
    #[command(flatten)]
    settings: SettingsArgs,
    #[command(flatten)]
    ptr: PtrArgs,
}

/// What becomes of damaged captures.
#[derive(Debug, ClapArgs)]
pub(super) struct StrictArg {
    /// Refuse a damaged capture as a whole, instead of converting it up to its fault; also with `--salvage`
    #[arg(long, env = "PARCAP_STRICT", value_parser = BoolishValueParser::new())]
    pub(super) strict: bool,
}

#[derive(Debug, ClapArgs)]
pub(super) struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    pub(super) shell: clap_complete::Shell,
}

/// What shapes rows, parts and summaries.
#[derive(Debug, ClapArgs)]
#[command(next_help_heading = "Table and files")]
pub(super) struct SettingsArgs {
    /// Partition the packets by `date`, then by `hour` and `protocol` (UTC)
    #[arg(long, value_name = "KEYS", env = "PARCAP_PARTITION_BY", default_value = "date", value_parser = partition_by)]
    partition_by: PartitionBy,
    /// Columns besides the usual ones: the sets `capture`, `link`, `ip`, `transport`, `flow`, `dns`, `tunnel` and `tls`, and single
    /// names, with commas between
    #[arg(long, value_name = "SETS", env = "PARCAP_COLUMNS", default_value = "", hide_default_value = true,
          value_parser = columns)]
    columns: FurtherColumns,
    #[command(flatten)]
    tunnels: TunnelArgs,
    /// Compress pages with zstd (with a level, `zstd:3`), snappy, lz4 or none
    #[arg(long, value_name = "CODEC", env = "PARCAP_COMPRESSION", default_value = "zstd:1", value_parser = compression)]
    compression: PageCompression,
    /// Bytes that a part should have, about
    #[arg(long, value_name = "SIZE", env = "PARCAP_TARGET_FILE_SIZE", default_value_t = Size(TARGET_FILE_SIZE), value_parser = size)]
    target_file_size: Size,
    /// Bytes of a capture that one worker converts at a stretch
    #[arg(long, value_name = "SIZE", env = "PARCAP_CHUNK_SIZE", default_value_t = Size(CHUNK_SIZE), value_parser = size)]
    chunk_size: Size,
    /// Rows of a row group
    #[arg(long, value_name = "N", env = "PARCAP_ROW_GROUP_ROWS", default_value_t = ROW_GROUP_ROWS,
          value_parser = RangedU64ValueParser::<usize>::new().range(1..=16 << 20))]
    row_group_rows: usize,
    /// Unit of the `datetime` column; Spark refuses nanoseconds
    #[arg(long, value_enum, value_name = "UNIT", env = "PARCAP_TIMESTAMP_UNIT", default_value_t = UnitArg::Us)]
    timestamp_unit: UnitArg,
    /// What the `length` column counts: bytes on the wire, or captured bytes
    #[arg(long, value_enum, value_name = "KIND", env = "PARCAP_LENGTH", default_value_t = LengthArg::Wire)]
    length: LengthArg,
    /// Go on after damage, where several credible records follow one another; the bytes between are reported
    #[arg(long, env = "PARCAP_SALVAGE", value_parser = BoolishValueParser::new())]
    salvage: bool,
    /// Length of a window of the send rates, 1ms to 1d
    #[arg(long, value_name = "TIME", env = "PARCAP_WINDOW", default_value_t = Micros(WINDOW), value_parser = micros)]
    window: Micros,
    /// Write the packets table only
    #[arg(long, env = "PARCAP_NO_SUMMARY", value_parser = BoolishValueParser::new())]
    no_summary: bool,
    #[command(flatten)]
    table: TableArgs,
    #[command(flatten)]
    flows: FlowArgs,
    /// Conversations of a date that have a row of their own; the rest shares one
    #[arg(long, value_name = "N", env = "PARCAP_CONVERSATIONS", default_value_t = CONVERSATIONS)]
    conversations: usize,
    /// Where names of addresses come from, the first that knows one: `dns` (the answers in the captures), `sni` (the server names in
    /// TLS; needs the column `tls_sni`), `hosts:FILE`, `ptr` (reverse lookups, over the network), several with commas between; or `off`
    #[arg(long, value_name = "SOURCES", env = "PARCAP_NAMES", default_value_t = Names::default())]
    names: Names,
}

/// A number of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Size(pub(super) u64);

/// A number of microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Micros(pub(super) i64);

#[derive(Clone, Copy, Debug, ValueEnum)]
enum ProgressArg {
    Auto,
    Always,
    Never,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum UnitArg {
    Us,
    Ns,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum LengthArg {
    Wire,
    Captured,
}

impl LengthArg {
    pub(super) fn kind(self) -> LengthKind {
        match self {
            Self::Wire => LengthKind::Wire,
            Self::Captured => LengthKind::Captured,
        }
    }
}

impl SettingsArgs {
    pub(super) fn settings(&self) -> Result<Settings, Failure> {
        Ok(self.table.of(Settings {
            chunk_size: self.chunk_size.0,
            target_file_size: self.target_file_size.0,
            row_group_rows: self.row_group_rows,
            columns: self.columns.clone(),
            decapsulate: self.tunnels.decapsulation()?,
            compression: self.compression,
            timestamp_unit: match self.timestamp_unit {
                UnitArg::Us => TimestampUnit::Us,
                UnitArg::Ns => TimestampUnit::Ns,
            },
            length: self.length.kind(),
            partition_by: self.partition_by,
            salvage: self.salvage,
            window: self.window.0,
            summaries: !self.no_summary,
            names: self.names.clone(),
            conversations: self.conversations,
            flow_timeout: self.flows.timeout(!self.no_summary)?,
            ..Settings::default()
        }))
    }
}

impl ConvertArgs {
    pub(super) fn request(&self, cancel: &Cancel) -> Result<ConvertRequest, Failure> {
        self.fetches.set();
        Ok(ConvertRequest {
            named: self.inputs.clone(),
            lake: self.out.clone(),
            settings: self.settings.settings()?,
            rules: self.rules.rules(),
            ptr: self.ptr.options(),
            jobs: self.jobs,
            memory: self.memory.map(|size| size.0),
            strict: self.strict.strict,
            commit_every: self.nightly.portions.commit_every.0,
            batch: BATCH,
            checkpoint_after: self.nightly.checkpoint_after.0,
            max_damaged: self.nightly.max_damaged,
            top: self.shown.top,
            dry_run: self.dry_run,
            wait: self.nightly.wait.duration(),
            observer: match self.progress {
                ProgressArg::Auto if self.shown.quiet || self.nightly.told.log_format == LogFormat::Json => {
                    Progress::Never
                }
                ProgressArg::Auto => Progress::Auto,
                ProgressArg::Always => Progress::Always,
                ProgressArg::Never => Progress::Never,
            }
            .observer(),
            cancel: cancel.clone(),
        })
    }

    pub(super) fn shown(&self) -> Shown {
        Shown { dry_run: self.dry_run, ..self.shown.shown() }
    }
}

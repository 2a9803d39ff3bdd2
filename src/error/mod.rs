//! What stops a run, and what stops one input.
//!
//! A damaged packet is neither: it is a row and a named count (see [`crate::decode`]). A damaged capture is a
//! [`crate::capture::Damage`], and its rows up to the fault are kept.

mod causes;
mod system;
mod words;

use std::io;
use std::path::PathBuf;

use crate::config::{SERVER_NAMES, Setting};
use crate::shown_path::shown;

use words::{first_ones, left_out_in_words, unheld_in_words};

pub use causes::{Foreign, Lack, LostUploads, NoDelta, NotExtracted, Unheld, WhyLeftOut};

/// What stops a run. Until its commit is decided, nothing of the run is visible in the lake. A commit that is decided and
/// then interrupted is finished by the next run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A call to the operating system failed on something of the lake.
    #[error("{}: cannot {action}: {source}", shown(path))]
    Io {
        /// The attempted action, as a verb: `create`, `write`, `rename` …
        action: &'static str,
        /// The path that it was attempted on.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The Parquet encoder, or the file below it, refused a row group or a footer.
    #[error("{}: cannot write Parquet: {source}", shown(path))]
    Parquet {
        /// The part that was being written.
        path: PathBuf,
        /// What the encoder said.
        source: parquet::errors::ParquetError,
    },
    /// Columns of unequal length, or of a type that is not the schema's: a bug, not a property of the input.
    #[error("rows do not fit the schema: {source}")]
    Columns {
        /// What Arrow said.
        #[from]
        source: arrow::error::ArrowError,
    },
    /// The output names something that exists and is no directory.
    #[error("{}: is a file, and a lake is a directory", shown(path))]
    LakeIsAFile {
        /// What was given as the lake.
        path: PathBuf,
    },
    /// The lake was made with settings that the new rows would not fit.
    #[error("{}: was made with {held}, and this run asks for {asked}", lake.display())]
    SettingsDiffer {
        /// The lake.
        lake: PathBuf,
        /// The setting that differs, as the lake has it.
        held: Setting,
        /// The same as it was requested.
        asked: Setting,
    },
    /// Another run holds the lock.
    #[error("{}: another run holds this lake", lake.display())]
    LakeBusy {
        /// The lake.
        lake: PathBuf,
    },
    /// In a bucket, another run has committed since this one began.
    #[error("{}: another run has committed to this lake meanwhile, so this one has not", lake.display())]
    Overtaken {
        /// The lake.
        lake: PathBuf,
    },
    /// In a bucket, a commit was undone, or not begun, for what it had uploaded.
    #[error("{0}")]
    Undone(LostUploads),
    /// A manifest, unit or journal that does not parse.
    #[error("{name}: not a valid {what}: {source}")]
    Json {
        /// The file it came from, or `stdin, line 3`.
        name: String,
        /// What it should have been: `manifest`, `unit` …
        what: &'static str,
        /// What the parser said.
        source: serde_json::Error,
    },
    /// A unit or unit row of another version of parcap.
    #[error("{name}: the {what} is of version {version}, and this parcap reads version {known}")]
    JsonVersion {
        /// Where it came from: `stdin, line 3`.
        name: String,
        /// What it is: `unit` …
        what: &'static str,
        /// The version that it has.
        version: u64,
        /// The version that is known.
        known: u64,
    },
    /// More captures are damaged or refused than the user allows.
    #[error("{damaged} of {all} captures are damaged or refused, more than are allowed; {} was committed", crate::text::nothing_more(*commits))]
    TooManyDamaged {
        /// How many there are.
        damaged: u64,
        /// How many were looked at, or will be.
        all: u64,
        /// Commits that the run had made.
        commits: u64,
    },
    /// A file of the lake differs from what was written.
    #[error("{}: the {what} differs from the manifest's: {found} instead of {expected}", shown(path))]
    FileDiffers {
        /// The file.
        path: PathBuf,
        /// What differs: `size`, `checksum`, `rows`.
        what: &'static str,
        /// What the manifest says.
        expected: String,
        /// What the file has.
        found: String,
    },
    /// Names are to come from the server names in TLS, and the rows of the lake have no such column.
    #[error("{}: names cannot come from TLS: its rows have no column `{}`", lake.display(), SERVER_NAMES)]
    NoServerNames {
        /// The lake.
        lake: PathBuf,
    },
    /// A lake has lost a file without which its content is unknown, or has files that no manifest names.
    #[error("{}: {problem}", shown(path))]
    Incomplete {
        /// The lake, or the file that shows it.
        path: PathBuf,
        /// What is missing, or should not be there.
        problem: String,
        /// What it lacks.
        lacks: Lack,
    },
    /// A manifest of another version of parcap.
    #[error("{}: is a manifest of version {found}, and this parcap reads version {expected}", shown(path))]
    ManifestVersion {
        /// The manifest.
        path: PathBuf,
        /// Its version; 0 if it has none.
        found: u32,
        /// The version that can be read.
        expected: u32,
    },
    /// The sum of rows differs from the sum of records, so the run would have lost or invented packets.
    #[error("{framed} records were framed but {written} rows were written; nothing was committed (this is a bug)")]
    RowsDiffer {
        /// Packet records framed in the inputs.
        framed: u64,
        /// Rows in the parts.
        written: u64,
    },
    /// A unit that was converted elsewhere cannot be committed.
    #[error("{}: {problem}", shown(path))]
    Commit {
        /// The unit, part or input that cannot be committed.
        path: PathBuf,
        /// Why not.
        problem: String,
    },
    /// A unit, a result or a staged file that was not made by this program.
    #[error("{}: is not {what} as it was made", shown(path))]
    Foreign {
        /// The unit or the file.
        path: PathBuf,
        /// What it is taken for.
        what: Foreign,
    },
    /// A unit whose plan says more than that its captures are new.
    #[error("{unit}: is committed together with the first line of its plan, which says what it replaces")]
    NeedsPlan {
        /// The unit.
        unit: String,
    },
    /// A stream cannot be part of a plan: it is there once.
    #[error("a stream cannot be converted elsewhere")]
    StreamInPlan,
    /// Units of a plan are missing from its commit.
    #[error("{missing} of {all} units of the plan are missing, with {} captures; nothing was committed\n  {}", captures.len(), first_ones(captures))]
    UnitsMissing {
        /// Units without a row.
        missing: usize,
        /// Units of the plan.
        all: usize,
        /// Their captures, as text.
        captures: Vec<String>,
    },
    /// The lake no longer has the captures that it had when a plan was made.
    #[error(
        "{}: has changed since the plan was made: it was at commit {made}, and is at commit {now}; nothing was committed",
        lake.display()
    )]
    PlanIsOld {
        /// The lake.
        lake: PathBuf,
        /// Number of its last commit then; 0 if there was no lake.
        made: u64,
        /// Number of its last commit now.
        now: u64,
    },
    /// A journal or a manifest that would lead out of the lake, or to a place where such a file does not belong.
    #[error("{}: names {named}, which is no place for a file of the lake; nothing was done", shown(path))]
    Outside {
        /// The journal or manifest.
        path: PathBuf,
        /// The path that it names, as text.
        named: String,
    },
    /// Something was in the way of a commit before it was decided.
    #[error("{}: {problem}; nothing was committed", shown(path))]
    InTheWay {
        /// Its path.
        path: PathBuf,
        /// Why nothing can be put there, or removed.
        problem: &'static str,
    },
    /// A worker panicked: a bug. The panic's own message has gone to stderr.
    #[error("a worker failed on {unit}: {message} (this is a bug)")]
    Worker {
        /// The unit it was working on.
        unit: String,
        /// The panic's message.
        message: String,
    },
    /// A state that cannot be. It is a fault of the library, whatever the input.
    #[error("an impossible state was met at {place}; nothing was committed (this is a bug)")]
    Bug {
        /// The file and line where it was met.
        place: String,
    },
    /// Windows that begin with the first packet would be too many.
    #[error("there would be at least {windows} windows between the first packet and the last one")]
    TooManyWindows {
        /// How many, up to the first packet that is too far away.
        windows: u128,
    },
    /// A column that the packets table does not have.
    #[error("there is no column `{name}`")]
    NoSuchColumn {
        /// The name that was given.
        name: String,
    },
    /// A chunk of a capture that can only be read whole.
    #[error("{}: {problem}, so no chunk of it can be read", shown(path))]
    NoChunks {
        /// The capture.
        path: PathBuf,
        /// Why it has no chunks.
        problem: &'static str,
    },
    /// A plan that the lake does not keep.
    #[error("{}: is no plan that is kept here; it has been committed, or was never kept", shown(path))]
    NotKept {
        /// Where it would be.
        path: PathBuf,
    },
    /// A column of which no packet can be asked before its row is made.
    #[error("`{column}` is no column by which packets can be asked for")]
    NoSuchCondition {
        /// The name that was given.
        column: String,
    },
    /// A value that a column cannot have.
    #[error("`{column}` is never {value:?}: it is {expected}")]
    NoSuchValue {
        /// The column.
        column: String,
        /// What was given.
        value: String,
        /// What its values are.
        expected: &'static str,
    },
    /// Less memory is given than one worker needs.
    #[error("{given_mib} MiB of memory are given, and a run with one worker needs {needed_mib} MiB")]
    TooLittleMemory {
        /// What was given, in MiB.
        given_mib: u64,
        /// The least there must be, in MiB.
        needed_mib: u64,
    },
    /// Tables that were asked for but cannot be made as asked.
    #[error("{}", left_out_in_words(tables))]
    LeftOut {
        /// The lake, and the microseconds of its windows. `None` for captures.
        lake: Option<(PathBuf, i64)>,
        /// The tables, and why each cannot be made.
        tables: Vec<(&'static str, WhyLeftOut)>,
        /// Those of them that can be made of the captures.
        of_captures: Vec<&'static str>,
    },
    /// There is no lake where one was named.
    #[error("{}: is no lake", shown(path))]
    NoLake {
        /// What was taken for one.
        path: PathBuf,
    },
    /// What was asked for needs a Delta table, which the lake is not, or cannot be.
    #[error("{0}")]
    NoDeltaTable(NoDelta),
    /// A lake was named together with other inputs.
    #[error("{}: is a lake, and not the only input", shown(path))]
    NotAlone {
        /// The lake.
        path: PathBuf,
    },
    /// A lake without summaries cannot be summed up.
    #[error("{}: holds no sums", shown(path))]
    NoSums {
        /// The lake.
        path: PathBuf,
    },
    /// Windows of a lake cannot begin with the first packet.
    #[error("{}: has windows that begin at multiples of their length", shown(path))]
    WindowsAreAligned {
        /// The lake.
        path: PathBuf,
    },
    /// Names that match nothing in a lake.
    #[error("{}", unheld_in_words(lake, named))]
    NotHeld {
        /// The lake.
        lake: PathBuf,
        /// The names.
        named: Vec<Unheld>,
    },
    /// Packets that cannot be extracted as asked.
    #[error("{0}")]
    NotExtracted(NotExtracted),
    /// SIGINT or SIGTERM arrived.
    #[error("stopped by signal {signal}; the lake is as the last commit left it")]
    Interrupted {
        /// The signal's number.
        signal: u8,
    },
}

/// A result whose error stops the run.
pub type Result<T, E = Error> = std::result::Result<T, E>;

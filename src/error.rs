//! What stops a run, and what stops one input.
//!
//! A damaged packet is neither: it is a row and a named count (see [`crate::decode`]). A damaged capture is a
//! [`crate::capture::Damage`], and its rows up to the fault are kept.

use std::io;
use std::path::{Path, PathBuf};

use crate::cancel::Interrupted;
use crate::exit_code::ExitCode;
use crate::memory::TooLittle;

/// What stops a run. Until its commit is decided, nothing of the run is visible in the lake. A commit that is decided and
/// then interrupted is finished by the next run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A call to the operating system failed on something of the lake.
    #[error("{}: cannot {action}: {source}", path.display())]
    Io {
        /// The attempted action, as a verb: `create`, `write`, `rename` …
        action: &'static str,
        /// The path that it was attempted on.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The Parquet encoder, or the file below it, refused a row group or a footer.
    #[error("{}: cannot write Parquet: {source}", path.display())]
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
    #[error("{}: is a file, and a lake is a directory", path.display())]
    LakeIsAFile {
        /// What was given as `--out`.
        path: PathBuf,
    },
    /// The lake was made with settings that the new rows would not fit.
    #[error("{}: was made with {held}, and this run asks for {asked}", lake.display())]
    SettingsDiffer {
        /// The lake.
        lake: PathBuf,
        /// The option that differs, as on the command line, with the value that the lake has.
        held: String,
        /// The same with the requested value.
        asked: String,
    },
    /// Another run holds the lock.
    #[error("{}: another run holds this lake", lake.display())]
    LakeBusy {
        /// The lake.
        lake: PathBuf,
    },
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
    #[error(
        "{damaged} of {all} captures are damaged or refused, more than `--max-damaged` allows; nothing was committed"
    )]
    TooManyDamaged {
        /// A line for each of them, and for what can be done.
        complaints: String,
        /// How many there are.
        damaged: u64,
        /// How many were looked at.
        all: u64,
    },
    /// A file of the lake differs from what was written.
    #[error("{}: the {what} differs from the manifest's: {found} instead of {expected}", path.display())]
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
    /// A lake has lost a file without which its content is unknown, or has files that no manifest names.
    #[error("{}: {problem}", path.display())]
    Incomplete {
        /// The lake, or the file that shows it.
        path: PathBuf,
        /// What is missing, or should not be there.
        problem: String,
        /// What to do about it.
        hint: &'static str,
    },
    /// A manifest of another version of parcap.
    #[error("{}: is a manifest of version {found}, and this parcap reads version {expected}", path.display())]
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
    #[error("{}: {problem}", path.display())]
    Commit {
        /// The unit, part or input that cannot be committed.
        path: PathBuf,
        /// Why not.
        problem: String,
    },
    /// Units of a plan are missing from its commit.
    #[error("{missing} of {all} units of the plan are missing, with {} captures; nothing was committed\n  {}", captures.len(), captures.join("\n  "))]
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
    #[error("{}: names {named}, which is no place for a file of the lake; nothing was done", path.display())]
    Outside {
        /// The journal or manifest.
        path: PathBuf,
        /// The path that it names, as text.
        named: String,
    },
    /// Something was in the way of a commit before it was decided.
    #[error("{}: {problem}; nothing was committed", path.display())]
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
    /// There would be too many windows that begin with the first packet.
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
    /// `--memory` is less than one worker needs.
    #[error("`--memory` gives {given_mib} MiB, and a run with one worker needs {needed_mib} MiB")]
    TooLittleMemory {
        /// What was given, in MiB.
        given_mib: u64,
        /// The least there must be, in MiB.
        needed_mib: u64,
    },
    /// Options that do not go together.
    #[error("{problem}")]
    Usage {
        /// Which do not.
        problem: &'static str,
        /// What to type instead.
        hint: &'static str,
    },
    /// Tables that were asked for but cannot be made as asked.
    #[error("{}", tables.join("\nerror: "))]
    LeftOut {
        /// One line each: the table, the lake or captures, and the reason.
        tables: Vec<String>,
        /// What to do instead.
        hint: String,
    },
    /// A lake does not have what is asked of it.
    #[error("{}: {problem}", path.display())]
    Summaries {
        /// The lake, or what was taken for one.
        path: PathBuf,
        /// Why it cannot be summed up as asked.
        problem: &'static str,
        /// What to do instead.
        hint: &'static str,
    },
    /// Names that match nothing in a lake.
    #[error("{}", unheld_in_words(lake, named))]
    NotHeld {
        /// The lake.
        lake: PathBuf,
        /// The names.
        named: Vec<Unheld>,
    },
    /// SIGINT or SIGTERM arrived.
    #[error("stopped by signal {signal}; the lake is as it was before this run")]
    Interrupted {
        /// The signal's number.
        signal: u8,
    },
}

impl From<Interrupted> for Error {
    fn from(Interrupted { signal }: Interrupted) -> Self {
        Self::Interrupted { signal }
    }
}

impl From<TooLittle> for Error {
    fn from(TooLittle { given_mib, needed_mib }: TooLittle) -> Self {
        Self::TooLittleMemory { given_mib, needed_mib }
    }
}

/// What to do where a manifest is lost.
pub const REMAKE: &str = "restore it from a backup; else `parcap verify LAKE --repair` makes it again from the parts";

/// A name that matches nothing in a lake, or more than one thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unheld {
    /// The name as it was given, as text.
    pub name: String,
    /// What the lake does: `holds nothing of it` …
    pub why: &'static str,
    /// What may be meant, as on the command line.
    pub instead: Vec<String>,
}

/// A line for each name and for what it may mean. `error: ` is put before the first line.
fn unheld_in_words(lake: &Path, named: &[Unheld]) -> String {
    let lines = named.iter().map(|Unheld { name, why, instead }| {
        let instead: String = instead.iter().map(|path| format!("\n  {path}")).collect();
        format!("{name}: {} {why}{}{instead}", lake.display(), if instead.is_empty() { "" } else { ":" })
    });
    lines.collect::<Vec<_>>().join("\nerror: ")
}

impl Error {
    /// An [`Error::Io`] on `path`; meant for `map_err`.
    pub fn io(action: &'static str, path: impl AsRef<Path>) -> impl FnOnce(io::Error) -> Self {
        let path = path.as_ref().to_path_buf();
        move |source| Self::Io { action, path, source }
    }

    /// What to do about it, if anything.
    #[must_use]
    pub fn hint(&self) -> Option<&str> {
        match self {
            Self::Io { source, .. } => match source.kind() {
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                    Some("free some space and run the same command again")
                }
                io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                    Some("the lake's directory must be writable by the user who runs parcap")
                }
                _ => None,
            },
            Self::LakeIsAFile { .. } => Some("name a directory with `--out`; it is created when it does not exist"),
            Self::SettingsDiffer { .. } => {
                Some("give what the lake was made with; for another value, begin with the captures and a new lake")
            }
            Self::FileDiffers { what: "checksum of the manifest", .. } => Some(REMAKE),
            Self::Json { what: "manifest", .. } => Some(REMAKE),
            Self::FileDiffers { .. } => Some(
                "`parcap verify LAKE` shows all that is wrong, and `parcap verify LAKE --repair` mends it (docs/operations.md)",
            ),
            Self::Incomplete { hint, .. } => Some(hint),
            Self::ManifestVersion { .. } => {
                Some("use the parcap that wrote it, or convert the captures into a new lake")
            }
            Self::JsonVersion { .. } => Some("use one parcap for `plan`, `convert-unit` and `commit`"),
            Self::UnitsMissing { .. } => Some(
                "convert the missing units and commit again with all rows; or commit the others with `--incomplete leave-out`",
            ),
            Self::PlanIsOld { .. } => Some(
                "plan again, and commit the rows that there are with the new plan's first line: units that both plans have need not be converted again",
            ),
            Self::TooManyWindows { .. } => {
                Some("give a longer `--window`, or look with `parcap inspect` for a wrong time")
            }
            Self::NoSuchColumn { .. } => Some("docs/tables.md lists the columns"),
            Self::TooLittleMemory { .. } => Some("without the option a run takes what its workers need"),
            Self::LeftOut { hint, .. } => Some(hint),
            Self::Summaries { hint, .. } | Self::Usage { hint, .. } => Some(hint),
            Self::NotHeld { .. } => Some(
                "nothing was changed; name captures, or folders of them, by the paths from which they were converted: `parcap summarize LAKE --table captures --format csv` lists them",
            ),
            Self::Outside { .. } => Some(
                "parcap does not write such a thing: find out who may write to the lake, and restore the file from a backup",
            ),
            Self::InTheWay { .. } => Some("mend that, and run the same command again"),
            Self::LakeBusy { .. } => Some("try again when the other run has ended"),
            Self::RowsDiffer { .. } | Self::Worker { .. } | Self::Bug { .. } => {
                Some("please report it, with the capture if it can be shared")
            }
            _ => None,
        }
    }

    /// The exit status that this error ends the process with.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::LakeBusy { .. } => ExitCode::Busy,
            Self::LakeIsAFile { .. }
            | Self::SettingsDiffer { .. }
            | Self::LeftOut { .. }
            | Self::NotHeld { .. }
            | Self::Summaries { .. }
            | Self::Usage { .. }
            | Self::NoSuchColumn { .. }
            | Self::TooLittleMemory { .. }
            | Self::TooManyWindows { .. } => ExitCode::Usage,
            Self::Interrupted { signal } => ExitCode::Signal(*signal),
            _ => ExitCode::Failure,
        }
    }
}

/// A result whose error stops the run.
pub type Result<T, E = Error> = std::result::Result<T, E>;

//! Packet captures into a Parquet lake.
//!
//! ```text
//! paths -> discover -Candidate-> select -Input-> plan -Unit-> convert -UnitResult-> summary -Transaction-> lake
//!
//! convert: capture -PacketRecord-> decode -Packet-> packets -PartFile-> staged in the lake
//! ```
//!
//! Each stage is a module. `ARCHITECTURE.md` says what it owns, in which order the modules use one another, and what the words mean.
//!
//! What always holds:
//!
//! 1. The same inputs and settings give the same rows, the same part names and the same bytes, at any number of threads.
//! 2. Records framed equal rows written. A run in which they differ commits nothing.
//! 3. A damaged packet never stops a capture. A damaged capture never stops the run. A failed write always does.
//! 4. A reader sees only whole committed parts, whatever happens. The next run repairs and finishes.
//! 5. The number of threads bounds memory, whatever the size or number of inputs.
//! 6. Null means "the packet does not say".
//!
//! # A lake of captures
//!
//! ```
//! # let folder = tempfile::tempdir().unwrap();
//! # let path = folder.path().join("lake");
//! use parcap::{Converter, Lake};
//!
//! let report = Converter::new(&path).inputs(["data/captures/office-hour.pcap"]).run()?;
//! assert_eq!(report.rows, 468);
//!
//! let lake = Lake::open(&path)?;
//! assert!(lake.verify(true)?.faults.is_empty());
//! for table in lake.summaries(10)?.listed()? {
//!     println!("{}: {} rows", table.name, table.rows);
//! }
//! # Ok::<_, parcap::Error>(())
//! ```
//!
//! # Captures as Arrow batches, without a lake
//!
//! ```
//! use parcap::ReadCaptures;
//!
//! let captures = ReadCaptures::new(["data/captures/office-hour.pcap"]).columns(["time", "ip_dst", "length"])?;
//! for batch in captures.open()? {
//!     assert_eq!(batch?.num_columns(), 3);
//! }
//! # Ok::<_, parcap::Error>(())
//! ```
//!
//! # A conversion in pieces, for an engine that has machines of its own
//!
//! ```
//! # let folder = tempfile::tempdir().unwrap();
//! # let lake = folder.path().join("lake");
//! use parcap::{Cancel, Settings, units};
//!
//! let (captures, cancel) = (["data/captures/office-hour.pcap".into()], Cancel::default());
//! let planned = units::plan(&captures, &lake, &Settings::default(), &Default::default(), &cancel)?;
//! let convert = |unit| units::convert_unit(&unit?, &lake, 1, cancel.clone());
//! let results = planned.units.iter().map(convert).collect::<parcap::Result<_>>()?;
//! let plan = planned.plan.expect("the captures are there");
//! let report = units::commit(&lake, results, units::CommitOptions::of(plan, &cancel))?;
//! assert_eq!(report.rows, 468);
//! # Ok::<_, parcap::Error>(())
//! ```
//!
//! # What is in a capture
//!
//! ```
//! let inspected = parcap::inspect(&["data/captures/office-hour.pcap".into()], false, 0, &parcap::Cancel::default())?;
//! assert_eq!(inspected.captures[0].found.records, 468);
//! # Ok::<_, parcap::Error>(())
//! ```
//!
//! The feature `internal-api` makes the modules public, for the project's own tests, fuzzers and benchmarks. They change with any
//! version.

#![cfg_attr(
    not(feature = "internal-api"),
    allow(unreachable_pub, unused_imports, reason = "what is public in a module is for that feature")
)]

pub mod cli;
pub mod config;

mod bug;

#[cfg(not(feature = "internal-api"))]
mod address;
#[cfg(not(feature = "internal-api"))]
mod advice;
#[cfg(not(feature = "internal-api"))]
mod aggregate;
#[cfg(not(feature = "internal-api"))]
mod api;
#[cfg(not(feature = "internal-api"))]
mod cancel;
#[cfg(not(feature = "internal-api"))]
mod capture;
#[cfg(not(feature = "internal-api"))]
mod clock;
#[cfg(not(feature = "internal-api"))]
mod commands;
#[cfg(not(feature = "internal-api"))]
mod convert;
#[cfg(not(feature = "internal-api"))]
mod day;
#[cfg(not(feature = "internal-api"))]
mod decode;
#[cfg(not(feature = "internal-api"))]
mod discover;
#[cfg(not(feature = "internal-api"))]
mod error;
#[cfg(not(feature = "internal-api"))]
mod extract;
#[cfg(not(feature = "internal-api"))]
mod hash;
#[cfg(not(feature = "internal-api"))]
mod inspect;
#[cfg(not(feature = "internal-api"))]
mod lake;
#[cfg(not(feature = "internal-api"))]
mod memory;
#[cfg(not(feature = "internal-api"))]
mod names;
#[cfg(not(feature = "internal-api"))]
mod observer;
#[cfg(not(feature = "internal-api"))]
mod outcome;
#[cfg(not(feature = "internal-api"))]
mod packets;
#[cfg(not(feature = "internal-api"))]
mod path_text;
#[cfg(not(feature = "internal-api"))]
mod plan;
#[cfg(not(feature = "internal-api"))]
mod report;
#[cfg(not(feature = "internal-api"))]
mod select;
#[cfg(not(feature = "internal-api"))]
mod shown_path;
#[cfg(not(feature = "internal-api"))]
mod storage;
#[cfg(not(feature = "internal-api"))]
mod stream;
#[cfg(not(feature = "internal-api"))]
mod summary;
#[cfg(not(feature = "internal-api"))]
mod tables;
#[cfg(not(feature = "internal-api"))]
mod text;
#[cfg(not(feature = "internal-api"))]
mod threads;

#[cfg(feature = "internal-api")]
pub mod address;
#[cfg(feature = "internal-api")]
pub mod advice;
#[cfg(feature = "internal-api")]
pub mod aggregate;
#[cfg(feature = "internal-api")]
pub mod api;
#[cfg(feature = "internal-api")]
pub mod cancel;
#[cfg(feature = "internal-api")]
pub mod capture;
#[cfg(feature = "internal-api")]
pub mod clock;
#[cfg(feature = "internal-api")]
pub mod commands;
#[cfg(feature = "internal-api")]
pub mod convert;
#[cfg(feature = "internal-api")]
pub mod day;
#[cfg(feature = "internal-api")]
pub mod decode;
#[cfg(feature = "internal-api")]
pub mod discover;
#[cfg(feature = "internal-api")]
pub mod error;
#[cfg(feature = "internal-api")]
pub mod extract;
#[cfg(feature = "internal-api")]
pub mod hash;
#[cfg(feature = "internal-api")]
pub mod inspect;
#[cfg(feature = "internal-api")]
pub mod lake;
#[cfg(feature = "internal-api")]
pub mod memory;
#[cfg(feature = "internal-api")]
pub mod names;
#[cfg(feature = "internal-api")]
pub mod observer;
#[cfg(feature = "internal-api")]
pub mod outcome;
#[cfg(feature = "internal-api")]
pub mod packets;
#[cfg(feature = "internal-api")]
pub mod path_text;
#[cfg(feature = "internal-api")]
pub mod plan;
#[cfg(feature = "internal-api")]
pub mod report;
#[cfg(feature = "internal-api")]
pub mod select;
#[cfg(feature = "internal-api")]
pub mod shown_path;
#[cfg(feature = "internal-api")]
pub mod storage;
#[cfg(feature = "internal-api")]
pub mod stream;
#[cfg(feature = "internal-api")]
pub mod summary;
#[cfg(feature = "internal-api")]
pub mod tables;
#[cfg(feature = "internal-api")]
pub mod text;
#[cfg(feature = "internal-api")]
pub mod threads;

pub use advice::Advice;
pub use api::{Converter, Lake};
pub use cancel::Cancel;
pub use commands::{Inspected, Summarized, inspect};
pub use config::Settings;
pub use error::{Error, Foreign, Lack, LostUploads, NoDelta, NotExtracted, Result, Unheld, WhyLeftOut};
pub use extract::{Extracted, MissingPackets, MissingWhy};
pub use observer::{Meter, Observer, Unobserved};
pub use outcome::{CompactReport, DeltaReport, ForgetReport, Report, RunOutcome, Verified};
pub use packets::{further_columns, schema};
pub use select::SelectOptions;
pub use stream::{PacketBatches, ReadCaptures};
pub use summary::Filter;

/// A conversion in pieces: units are planned, converted anywhere and any number of times, and committed together.
pub mod units {
    pub use crate::commands::{
        CommitOptions, Incomplete, Plan, Planned, PlannedUnit, PlannedUnits, UnitResults, commit, commit_results,
        convert_unit, plan,
    };
    pub use crate::plan::{PathList, Unit, UnitResult};
}

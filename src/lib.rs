//! Packet captures into a Parquet lake.
//!
//! ```text
//! paths -> discover -Candidate-> select -Input-> plan -Unit-> convert -UnitResult-> summary -Transaction-> lake
//!
//! convert: capture -PacketRecord-> decode -Packet-> packets -PartFile-> staged in the lake
//! ```
//!
//! Each stage is a module, in the order in which a packet passes them. A type lives in the stage that makes it. A later
//! stage may use it, an earlier one never. [`convert`] runs the stages from [`capture`] to [`packets`] on one unit of work.
//! The tables of [`summary`] are staged before the commit. [`commands`] wires a whole run, [`cli`] reads the command line.
//!
//! What always holds:
//!
//! 1. The same inputs and settings give the same rows, the same part names and the same bytes, at any number of threads.
//! 2. Records framed equal rows written. A run in which they differ commits nothing.
//! 3. A damaged packet never stops a capture. A damaged capture never stops the run. A failed write always does.
//! 4. A reader sees only whole committed parts, whatever happens. The next run repairs and finishes.
//! 5. The number of threads bounds memory, whatever the size or number of inputs.
//! 6. Null means "the packet does not say".

pub mod address;
pub mod aggregate;
pub mod cancel;
pub mod capture;
pub mod cli;
pub mod commands;
pub mod config;
pub mod convert;
pub mod day;
pub mod decode;
pub mod discover;
pub mod error;
pub mod exit_code;
pub mod hash;
pub mod inspect;
pub mod lake;
pub mod memory;
pub mod names;
pub mod observer;
pub mod outcome;
pub mod packets;
pub mod path_text;
pub mod plan;
pub mod report;
pub mod select;
pub mod storage;
pub mod stream;
pub mod summary;
pub mod tables;
pub mod text;
pub mod threads;

//! Packet captures into a Parquet lake.
//!
//! ```text
//! paths                                                                               lake
//!    |                                                                                 ^
//! discover -Input-> plan -Unit-> read -PacketRecord-> decode -Packet-> columns         |
//!                                                                         | Rows       |
//!                                                                         v            |
//!         summary <-UnitResult- commit <-PartFile- write <-(key, Rows)- partition         |
//!                                +-----------------------------------------------------+
//! ```
//!
//! Each stage is a module, in the order in which a packet passes them. A type lives in the stage that makes it; a later
//! stage may use it, an earlier one never. [`mod@unit`] runs the stages from `read` to `write` on one unit of work, [`run`]
//! wires a whole run, [`cli`] reads the command line.
//!
//! What always holds:
//!
//! 1. The same inputs and settings give the same rows, the same part names and the same bytes, at any number of threads.
//! 2. Records framed equal rows written; a run in which they differ commits nothing.
//! 3. A damaged packet never stops a capture; a damaged capture never stops the run; a failed write always does.
//! 4. A reader sees only whole committed parts, whatever happens, and the next run repairs and finishes.
//! 5. Memory is bounded by the number of threads, whatever the size or number of inputs.
//! 6. Null means "the packet does not say".

pub mod address;
pub mod aggregate;
mod bug;
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
pub mod outcome;
pub mod packets;
pub mod path_text;
pub mod plan;
pub mod progress;
pub mod report;
pub mod select;
pub mod storage;
pub mod summary;
pub mod tables;
pub mod text;
pub mod threads;

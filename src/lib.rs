//! Packet captures into a Parquet lake.
//!
//! ```text
//! paths                                                                                    lake
//!    |                                                                                      ^
//! discover -Input-> select -Selection-> plan -Unit-> convert                                |
//!                                                      |                                    |
//!    capture -PacketRecord-> decode -Packet-> packets: partition, rows, pages -PartFile-> lake
//!                                                |                            -UnitResult-> ^
//!                                                +-> summary: sums -partial, tables---------+
//! ```
//!
//! Captures are read without a lake by [`stream::ReadCaptures`]; [`commands`] has what the command line does, [`cli`] the command
//! line itself. `ARCHITECTURE.md` says what each module owns, in which order they use one another, and what the words mean.
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

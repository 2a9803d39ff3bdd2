//! Converts units. The thread pool and any external scheduler call the same function.
//!
//! In: [`Unit`](crate::plan::Unit)s. Out: staged parts, and one manifest row a unit. Always: rows are written in the order of their capture,
//! whichever thread decodes them, so the bytes do not depend on the number of threads. The number of workers bounds
//! memory: each has one read buffer, the rows of a row group or two, and a few encoded row groups.

mod count;
mod counts;
mod date_sums;
mod decoder_memory;
mod encode_thread;
mod final_stage;
mod job;
mod kept_sums;
pub(crate) mod naming;
mod part_set;
mod pool;
mod publish;
mod put_together;
mod row_group_queue;
mod scan;
mod spilled;
mod strict;
mod summary_tables;
mod task;
mod turn_queue;
mod visitor;

pub(crate) use count::{Counting, count};
pub use counts::oddities;
pub use decoder_memory::DecoderMemory;
pub(crate) use final_stage::{FinalStage, TouchedDays};
pub use job::{ConvertContext, RowPool};
pub use naming::now;
pub use pool::{convert_unit, convert_units};
pub(crate) use publish::{PublishOptions, publish};
pub(crate) use scan::{Flow, Reached, STRIDE, Scan, Visitor, walk};
pub(crate) use strict::refuse_damaged;
pub(crate) use summary_tables::stage_empty;

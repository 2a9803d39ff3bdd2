//! Flows: who talked to whom, when, how long, and whether it worked.
//!
//! A flow is a maximal run of packets of one key, in order of time, in which no gap between neighbours is longer than the timeout, cut at
//! midnight UTC. The key is the unordered pair of address and port, and the protocol. So flows are the connected pieces of an
//! interval graph: pieces of a key that touch within the timeout are of one flow, whatever capture, chunk or night they come from, and
//! in whatever order. That definition decides the rows, not the way of counting.
//!
//! In: the rows of each row group, by [`FlowCounter`], which gives a piece for each stretch, with both directions. Out: the flows of a date, by
//! [`hand_on`]. What goes on over midnight is told by the edges of the dates beside it: the first and the last time of each key, where
//! these are near midnight. Always: the pieces hold every packet that has a time and both addresses; the others are counted together.

mod count;
mod edges;
mod end;
mod join;
mod named;
mod patterns;
mod piece;
mod row;
mod seen;
mod state;

pub(super) use count::FlowCounter;
pub(crate) use edges::{Edge, has_edge};
pub(crate) use join::flows_of;
pub(super) use join::{each_flow, hand_on};
pub(super) use patterns::FlowPatterns;
pub use patterns::{Attempts, PatternLimits, Patterns, Regular};
pub(super) use piece::is_in_no_flow;
#[cfg(test)]
pub(super) use row::row_of;
pub(super) use row::{FlowField, FlowRow};
pub use state::FLOW_STATES;

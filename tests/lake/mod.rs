//! The files of a lake: what a capture gives, who reads while they are committed, what becomes of those that are damaged,
//! lost or of an earlier version.

mod commits;
mod earlier;
mod further;
mod lost;
mod lost_copies;
mod samples;
mod verify;

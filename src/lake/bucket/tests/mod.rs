//! Commits in a bucket whose store fails, whose processes die, sleep and meet each other.

mod checkpoint_reads;
mod checkpoints;
mod expiry;
mod faults;
mod meetings;
mod model;
mod requests;
mod trust;
mod uploading;
mod world;

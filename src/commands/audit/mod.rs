//! What a verification compares: files with the manifests, rows with captures, sums with rows.

mod adding_up;
mod files;
mod flows;

pub(super) use adding_up::{balance, captures, clients, sums};
pub(super) use files::{delta_log, doubles, files, manifests, strays};

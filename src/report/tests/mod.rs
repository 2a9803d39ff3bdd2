//! What holds of every report.

mod laws;
mod sample;
mod traffic;

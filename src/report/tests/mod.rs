//! What holds of every report.

mod advice;
mod coverage;
mod heat_map;
mod laws;
mod sample;
mod stands_out;
mod traffic;

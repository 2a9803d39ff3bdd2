//! What holds of every report.

mod advice;
mod laws;
mod sample;
mod traffic;

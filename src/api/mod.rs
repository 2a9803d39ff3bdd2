//! The front door: a conversion, and a lake that is there.

mod converter;
mod lake;

pub use converter::Converter;
pub use lake::Lake;

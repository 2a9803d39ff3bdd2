//! What must hold for any bytes: the laws that the fuzz targets assert, one module a kind of input.
//!
//! Each `check` panics where a law is broken; that is the finding.

pub mod capture;
pub mod dns;
pub mod frame;
pub mod tunnels;

/// A number that depends on every byte: what a law varies over, without taking bytes from the input for it.
fn mixed(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#![no_main]
//! Tunnels in one another, or a frame; see [`parcap_fuzz::tunnels`].

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| parcap_fuzz::tunnels::check(bytes));

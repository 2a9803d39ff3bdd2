#![no_main]
//! Bytes as a DNS message; see [`parcap_fuzz::dns`].

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| parcap_fuzz::dns::check(bytes));

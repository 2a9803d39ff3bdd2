#![no_main]
//! Two bytes of link type, big endian, and a frame; see [`parcap_fuzz::frame`].

use libfuzzer_sys::{Corpus, fuzz_target};
use parcap::capture::LinkType;

fuzz_target!(|bytes: &[u8]| -> Corpus {
    let Some((link_type, frame)) = bytes.split_first_chunk() else {
        return Corpus::Reject;
    };
    parcap_fuzz::frame::check(LinkType(u16::from_be_bytes(*link_type)), frame);
    Corpus::Keep
});

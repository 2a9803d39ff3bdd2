#![no_main]
//! Bytes as a classic pcap capture; see [`parcap_fuzz::capture`].

use libfuzzer_sys::{Corpus, fuzz_target};
use parcap::discover::{Format, MAGIC_LEN, format};

fuzz_target!(|bytes: &[u8]| -> Corpus {
    let head = bytes.get(..MAGIC_LEN).unwrap_or(bytes);
    if matches!(format(head), None | Some(Format::Pcapng)) {
        return Corpus::Reject;
    }
    parcap_fuzz::capture::check(bytes);
    Corpus::Keep
});

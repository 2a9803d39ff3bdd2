//! Where a packet lies in its capture, and how it was captured: the way back from a row to its packet.

use super::super::column_storage::{Further, Storage, field};
use super::super::schema::{Column, column};
use super::further;

#[rustfmt::skip]
pub(super) static COLUMNS: &[Column] = &[
    further("capture", Further::Steady(|record| record.capture()), "standard input, and other streams", "path of the capture, as the run met it; control characters are escaped"),
    column(super::FRAME, Storage::Counter(field!(records, row => row.frame, value => row.frame = value)), "", "number of the record in its capture, from 1"),
    column("offset", Storage::Counter(field!(records, row => row.offset, value => row.offset = value)), "", "byte of the record's header in the unpacked capture"),
    column("cap_len", Storage::Length(field!(records, row => row.cap_len, value => row.cap_len = value)), "", "captured bytes, as the record says"),
    column("link_type", Storage::Small32(field!(records, row => row.link_type, value => row.link_type = value)), "a pcapng packet without an interface", "number of the link type (libpcap's LINKTYPE)"),
    further(super::INTERFACE, Further::Text(|record, _, text| {
        use std::io::Write as _;
        let number = record.interface()?;
        match record.interface_name() {
            Some(name) => text.extend_from_slice(name.as_bytes()),
            None => write!(text, "{number}").ok()?,
        }
        Some(())
    }), "not a pcapng", "name of the interface, or its number in its section if it has none"),
];

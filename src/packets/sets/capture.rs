//! Where a packet lies in its capture, and how it was captured: the way back from a row to its packet.

use super::super::column_storage::Further;
use super::super::schema::Column;
use super::further;

#[rustfmt::skip]
pub(super) static COLUMNS: &[Column] = &[
    further("capture", Further::Text(|record, _, text| { text.extend_from_slice(record.capture?.as_bytes()); Some(()) }), "standard input, and other streams", "path of the capture, as the run met it; control characters are escaped"),
    further(super::FRAME, Further::Counter(|record, _| i64::try_from(record.frame).ok()), "", "number of the record in its capture, from 1"),
    further("offset", Further::Counter(|record, _| i64::try_from(record.offset).ok()), "", "byte of the record's header in the unpacked capture"),
    further("cap_len", Further::Wide(|record, _| Some(record.cap_len)), "", "captured bytes, as the record says"),
    further("link_type", Further::Small32(|record, _| record.link_type.map(|link_type| link_type.0.into())), "a pcapng packet without an interface", "number of the link type (libpcap's LINKTYPE)"),
    further(super::INTERFACE, Further::Text(|record, _, text| {
        use std::io::Write as _;
        let number = record.interface?;
        match record.interface_name() {
            Some(name) => text.extend_from_slice(name.as_bytes()),
            None => write!(text, "{number}").ok()?,
        }
        Some(())
    }), "not a pcapng", "name of the interface, or its number in its section if it has none"),
];

//! Law 17: records that announce more bytes on the wire than any packet has are counted, and the first of the longest is
//! told, however a capture is cut into chunks. What is captured as a whole is believed.

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::build::{Capture, udp};
use crate::support::{convert, folder, manifests, request, save};

use super::chunks_of;

/// Bytes that no packet has more of.
const MOST: u32 = 1 << 19;

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn lengths_that_no_packet_has_are_counted_and_the_longest_is_told(
        lengths in prop::collection::vec(prop::sample::select(vec![0, 1500, MOST, MOST + 1, 0x2020_2020, u32::MAX]), 1..40),
        whole in prop::option::of(0..40_usize),
        chunk in 100_u64..3000,
        jobs in 1..4_usize,
    ) {
        let folder = folder();
        let mut capture = Capture::pcap();
        let mut expected = Vec::new();
        // Records of up to 1 MiB are whole in a capture that says so.
        capture.bytes[16..20].copy_from_slice(&(1_u32 << 20).to_le_bytes());
        for (frame, length) in (1_u64..).zip(&lengths) {
            let mut packet = udp(u16::try_from(frame).unwrap(), &[0; 20]);
            if whole == Some(usize::try_from(frame).unwrap()) {
                packet.data.resize(MOST as usize + 9, 0);
                packet.orig_len = MOST + 9;
            } else if *length > 0 {
                packet.orig_len = *length;
                expected.extend((*length > MOST).then_some((frame, *length)));
            }
            capture.record(4, u32::try_from(frame).unwrap(), packet);
        }
        let mut request = request(&[save(&folder, "some.pcap", &capture.bytes)], &folder.path().join("lake"));
        (request.settings, request.jobs) = (chunks_of(chunk), jobs);
        convert(&request);
        let found = &manifests(&request.lake)[0]["inputs"][0]["found"];
        let count = found["odd"].get("implausible_wire_length").and_then(Value::as_u64).unwrap_or(0);
        prop_assert_eq!(count, expected.len() as u64);
        let longest = expected.iter().map(|(_, length)| *length).max();
        let first = expected.iter().find(|(_, length)| Some(*length) == longest);
        let said = found.get("implausible").map(|said| (&said["frame"], &said["orig_len"], &said["cap_len"]));
        let expected = first.map(|(frame, length)| (json!(frame), json!(length), json!(62)));
        prop_assert_eq!(said, expected.as_ref().map(|(frame, length, captured)| (frame, length, captured)));
    }
}

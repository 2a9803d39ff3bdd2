//! Law 7: DNS names round-trip through their escaped text, with and without compression pointers; a name over 255 octets
//! and one whose pointers lead in a circle do not decode.
//!
//! Sources: RFC 1035 sections 2.3.4, 3.1, 4.1 and 5.1. The parser of the text and the walk over the wire are written here.

use std::collections::BTreeSet;

use parcap::capture::LinkType;
use parcap::decode::decode;
use proptest::prelude::*;

use crate::support::build::{Capture, udp};
use crate::support::{folder, save};

use super::tally::tried;
use super::{Settings, rows_with};

type Labels = Vec<Vec<u8>>;

/// A label of any bytes, of which every fourth is one that needs an escape or looks like a part of one.
fn any_label(longest: usize) -> impl Strategy<Value = Vec<u8>> {
    let special =
        |byte: u8| if byte.is_multiple_of(4) { b".\\ 09\x7e\x7f\xff"[usize::from(byte / 4 % 8)] } else { byte };
    prop::collection::vec(any::<u8>(), 1..=longest).prop_map(move |label| label.into_iter().map(special).collect())
}

/// Labels of all lengths; together now and then over 255 octets.
fn any_labels() -> impl Strategy<Value = Labels> {
    prop_oneof![
        prop::collection::vec(any_label(8), 0..6),
        prop::collection::vec(any_label(63), 0..6),
        prop::collection::vec(any_label(1), 120..130),
    ]
}

/// Octets on the wire: a length before each label, and the root.
fn octets(labels: &[Vec<u8>]) -> usize {
    1 + labels.iter().map(|label| 1 + label.len()).sum::<usize>()
}

/// The labels that an escaped text stands for. Escapes where none is needed are none of ours.
fn parse(text: &str) -> Option<Labels> {
    let mut bytes = text.bytes();
    let (mut labels, mut label) = (Vec::new(), Vec::new());
    if text == "." {
        return Some(labels);
    }
    while let Some(byte) = bytes.next() {
        match byte {
            b'.' => labels.push(std::mem::take(&mut label)),
            b'\\' => match bytes.next()? {
                special @ (b'.' | b'\\') => label.push(special),
                first => {
                    let digits = [first, bytes.next()?, bytes.next()?];
                    let value: u8 = std::str::from_utf8(&digits).ok()?.parse().ok()?;
                    if digits.iter().any(|digit| !digit.is_ascii_digit()) || (0x21..=0x7e).contains(&value) {
                        return None;
                    }
                    label.push(value);
                }
            },
            0x21..=0x7e => label.push(byte),
            _ => return None,
        }
    }
    // The final dot closes the last label; none is empty.
    (label.is_empty() && labels.iter().all(|label| !label.is_empty())).then_some(labels)
}

fn wire(labels: &[Vec<u8>]) -> Vec<u8> {
    labels.iter().flat_map(|label| [&[u8::try_from(label.len()).unwrap()], &label[..]].concat()).collect()
}

fn pointer(target: usize) -> [u8; 2] {
    (0xc000 | u16::try_from(target).unwrap()).to_be_bytes()
}

/// A header that announces these numbers of questions and answers.
fn header(questions: u16, answers: u16) -> Vec<u8> {
    let [high, low] = questions.to_be_bytes();
    vec![0, 7, 0x81, 0x80, high, low, 0, u8::try_from(answers).unwrap(), 0, 0, 0, 0]
}

/// The end of the name goes into the first question; each part before it into a further one, with a pointer to what
/// comes after it; the first part into an answer.
fn compressed(labels: &[Vec<u8>], cuts: &BTreeSet<usize>) -> (Vec<u8>, Labels) {
    let cuts: Vec<_> = cuts.iter().copied().filter(|cut| *cut <= labels.len()).collect();
    let last = cuts.last().copied().unwrap_or(0);
    let mut message = header(u16::try_from(cuts.len().max(1)).unwrap(), 1);
    let mut at = message.len();
    message.extend(wire(&labels[last..]));
    message.extend([0, 0, 1, 0, 1]);
    for parts in cuts.windows(2).rev() {
        let start = message.len();
        message.extend(wire(&labels[parts[0]..parts[1]]));
        message.extend(pointer(at));
        message.extend([0, 1, 0, 1]);
        at = start;
    }
    message.extend(wire(&labels[..cuts.first().copied().unwrap_or(0)]));
    message.extend(pointer(at));
    message.extend([0, 1, 0, 1, 0, 0, 0, 9, 0, 4, 192, 0, 2, 1]);
    (message, labels[last..].to_vec())
}

/// UDP from port 53 around a message.
fn frame(message: &[u8]) -> Vec<u8> {
    let mut data = udp(1, message).data;
    data[34..36].copy_from_slice(&[0, 53]);
    data
}

/// What is shown as `dns_query` and `dns_resp`.
fn shown(message: &[u8]) -> (Option<String>, Option<String>) {
    let data = frame(message);
    let packet = decode(LinkType::ETHERNET, &data);
    let Some(dns) = packet.dns else { return (None, None) };
    let text = |name: parcap::decode::dns::Name<'_>| {
        let mut text = Vec::new();
        name.write_to(&mut text);
        let text = String::from_utf8(text).unwrap();
        assert_eq!(name.to_string(), text);
        text
    };
    (dns.query_name().map(text), dns.response_name().map(text))
}

/// The labels of the name at an offset, however pointers lead; `None` in a circle, past the end, or over 255 octets.
fn walk(message: &[u8], mut at: usize) -> Option<Labels> {
    let (mut labels, mut seen) = (Vec::new(), BTreeSet::new());
    loop {
        match usize::from(*message.get(at)?) {
            0 => return Some(labels).filter(|labels| octets(labels) <= 255),
            length @ 1..64 => {
                labels.push(message.get(at + 1..at + 1 + length)?.to_vec());
                at += 1 + length;
                if octets(&labels) > 255 {
                    return None;
                }
            }
            high @ 0xc0.. => {
                if !seen.insert(at) {
                    return None;
                }
                at = (high & 0x3f) << 8 | usize::from(*message.get(at + 1)?);
            }
            _ => return None,
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn names_round_trip_through_their_text(labels in any_labels()) {
        let mut message = header(1, 0);
        message.extend(wire(&labels));
        message.extend([0, 0, 1, 0, 1]);
        let (query, _) = shown(&message);
        let parsed = query.as_deref().map(|text| parse(text).unwrap());
        prop_assert_eq!(parsed, Some(labels.clone()).filter(|labels| octets(labels) <= 255));
    }

    #[test]
    fn compressed_names_round_trip_through_their_text(
        labels in any_labels(),
        cuts in prop::collection::btree_set(0..8_usize, 0..5),
    ) {
        let (message, end) = compressed(&labels, &cuts);
        let (query, response) = shown(&message);
        let parsed = |text: &Option<String>| text.as_deref().map(|text| parse(text).unwrap());
        prop_assert_eq!(parsed(&query), Some(end).filter(|labels| octets(labels) <= 255));
        prop_assert_eq!(parsed(&response), Some(labels).filter(|labels| octets(labels) <= 255));
    }

    /// Pointers anywhere to anywhere: what decodes is what a plain walk finds, and a circle does not.
    #[test]
    fn pointers_that_lead_anywhere_never_invent_a_name(
        mut body in prop::collection::vec(prop_oneof![0..4_u8, 0..64_u8, Just(0xc0)], 1..60),
        targets in prop::collection::vec((0..60_usize, 0..72_u8), 0..12),
    ) {
        for (at, target) in targets {
            if at + 1 < body.len() {
                (body[at], body[at + 1]) = (0xc0, target);
            }
        }
        let message = [header(1, 0), body].concat();
        let (query, _) = shown(&message);
        if let Some(text) = query {
            prop_assert_eq!(Some(parse(&text).unwrap()), walk(&message, 12));
        }
    }
}

#[test]
fn two_hundred_and_fifty_five_octets_are_a_name_and_one_more_is_none() {
    let mut names = 0;
    for last in 1..=63 {
        for rest in [1, 2, 31, 62, 63] {
            // Three long labels and two that bring the octets to 250 and more.
            let lengths = [63, 63, 63, last, rest];
            let labels: Labels = lengths.iter().map(|length| vec![b'x'; *length]).collect();
            for cuts in [BTreeSet::new(), BTreeSet::from([1, 3])] {
                let (message, _) = compressed(&labels, &cuts);
                assert_eq!(shown(&message).1.is_some(), octets(&labels) <= 255, "{lengths:?}: {}", octets(&labels));
                names += 1;
            }
        }
    }
    tried("names about 255 octets", names);
}

#[test]
fn circles_of_pointers_of_any_length_are_no_names() {
    let mut circles = 0;
    for length in 1..=40_usize {
        for labels in [0, 1, 3] {
            let mut message = header(1, 0);
            let step = labels * 2 + 2;
            for place in 0..length {
                message.extend(wire(&vec![b"a".to_vec(); labels]));
                message.extend(pointer(12 + (place + 1) % length * step));
            }
            message.extend([0, 1, 0, 1]);
            assert_eq!(shown(&message), (None, None), "a circle of {length} pointers, {labels} labels before each");
            circles += 1;
        }
    }
    tried("circles of pointers", circles);
}

/// Every byte in a label, alone and among others, as the rows of a lake show it.
#[test]
fn the_rows_show_names_that_round_trip() {
    let mut capture = Capture::pcap();
    let mut names = Vec::new();
    for byte in 0..=u8::MAX {
        for labels in [vec![vec![byte]], vec![b"a".to_vec(), vec![b'0', byte, b'9'], vec![byte, byte]]] {
            let (message, _) = compressed(&labels, &BTreeSet::from([labels.len() / 2]));
            let mut packet = udp(1, b"");
            packet.data = frame(&message);
            names.push((labels[labels.len() / 2..].to_vec(), labels));
            packet.orig_len = u32::try_from(names.len()).unwrap();
            capture.record(4, 0, packet);
        }
    }
    let folder = folder();
    let rows = rows_with(&save(&folder, "names.pcap", &capture.bytes), &Settings::default(), 2);
    assert_eq!(rows.len(), names.len());
    for row in &rows {
        let (query, response) = &names[usize::try_from(row.int("length").unwrap()).unwrap() - 1];
        assert_eq!(row.get("dns_query").and_then(parse).as_ref(), Some(query), "{row:?}");
        assert_eq!(row.get("dns_resp").and_then(parse).as_ref(), Some(response), "{row:?}");
        assert_eq!(row.get("is_dns"), Some("true"));
    }
    tried("names in rows", 2 * names.len());
}

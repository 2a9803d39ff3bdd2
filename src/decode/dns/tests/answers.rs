//! The data of answers as text. The texts are those of the RFCs that define the types, or follow from the bytes.

use proptest::prelude::*;

use crate::decode::dns::Message;
use crate::decode::tests::bytes;

use super::{STEPS, answers};

/// A response to a question for `www.Example.com.` (at offset 12; `Example.com.` is at 16), with these answers: TTL, type, data.
fn response(records: &[(u32, u16, &str)]) -> Vec<u8> {
    let mut message = bytes("0001 8180 0001 0000 0000 0000 03777777 074578616d706c65 03636f6d 00 0001 0001");
    message[6..8].copy_from_slice(&u16::try_from(records.len()).unwrap().to_be_bytes());
    for (ttl, kind, data) in records {
        let data = bytes(data);
        message.extend([0xc0, 0x0c]);
        message.extend(kind.to_be_bytes());
        message.extend([0, 1]);
        message.extend(ttl.to_be_bytes());
        message.extend(u16::try_from(data.len()).unwrap().to_be_bytes());
        message.extend(data);
    }
    message
}

/// The columns `dns_answers` and `dns_min_ttl`.
fn shown(message: &[u8]) -> (Option<String>, Option<u32>) {
    let Some(message) = Message::read(message).0 else { return (None, None) };
    let mut text = Vec::new();
    let answers = message.write_answers(&mut text).map(|()| String::from_utf8(text).unwrap());
    (answers, message.min_ttl())
}

/// The text of one answer.
fn data(kind: u16, hex: &str) -> String {
    shown(&response(&[(60, kind, hex)])).0.unwrap()
}

/// (type, data in hex, text).
#[rustfmt::skip]
const DATA: &[(u16, &str, &str)] = &[
    (1, "c0000201", "192.0.2.1"),
    (28, "20010db8000000000000000000000001", "2001:db8::1"),
    // NS, CNAME, PTR, DNAME: a pointer, a label and a pointer, the root, bytes that are escaped.
    (2, "026e73 c010", "ns.Example.com."),
    (5, "c00c", "www.Example.com."),
    (12, "00", "."),
    (39, "05 612e625c20 00", "a\\.b\\\\\\032."),
    (6, "c00c 04726f6f74 c010 78499b2e 00002a30 00000708 001baf80 00000e10",
        "www.Example.com. root.Example.com. 2018089774 10800 1800 1814400 3600"),
    (15, "000a 046d61696c c010", "10 mail.Example.com."),
    // RFC 1035 5.1: quotes and backslashes are escaped, and what is not printable.
    (16, "05 68656c6c6f 06 225c00207fff 00", "\"hello\" \"\\\"\\\\\\000 \\127\\255\" \"\""),
    (99, "07 763d73706631 2e", "\"v=spf1.\""),
    (13, "03 504450 03 554e58", "\"PDP\" \"UNX\""),
    (17, "c00c 00", "www.Example.com. ."),
    (33, "0000 0005 13c4 03736970 c010", "0 5 5060 sip.Example.com."),
    // RFC 2915 7.2; and with a regular expression that goes on over the name.
    (35, "0064 000a 01 75 07 7369702b453255 1b 215e2e2a24217369703a696e666f406578616d706c652e636f6d21 00",
        "100 10 \"u\" \"sip+E2U\" \"!^.*$!sip:info@example.com!\" ."),
    (35, "0064 000a 01 75 00 02 6100", "\\# 10 0064000a017500026100"),
    // RFC 4034 5.4, 4.3, and 3.3 with the beginning of its signature.
    (43, "ec45 05 01 2bb183af5f22588179a53b0a98631fad1a292118", "60485 5 1 2bb183af5f22588179a53b0a98631fad1a292118"),
    (47, "04686f7374 076578616d706c65 03636f6d 00 0006 400100000003 041b 0000000000000000000000000000000000000000000000000000 20",
        "host.example.com. A MX RRSIG NSEC TYPE1234"),
    (46, "0001 05 03 00015180 3e7c9dd7 3e5510d7 0a52 076578616d706c65 03636f6d 00 a090755ba58d1affa576f4375831b4",
        "A 5 3 86400 20030322173103 20030220173103 2642 example.com. oJB1W6WNGv+ldvQ3WDG0"),
    (48, "0100 03 05 0103d22a6c", "256 3 5 AQPSKmw="),
    // RFC 5155, appendix A.
    (50, "01 01 000c 04 aabbccdd 14 174eb2409fe28bcb4887a1836f957f0a8425e27b 0007 220100000002 90",
        "1 1 12 aabbccdd 2t7b4g4vsa5smi47k61mv5bv1a22bojr NS SOA MX RRSIG DNSKEY NSEC3PARAM"),
    (51, "01 00 0000 00", "1 0 0 -"),
    // RFC 4255 3.2, RFC 6698 2.3.
    (44, "02 01 123456789abcdef67890123456789abcdef67890", "2 1 123456789abcdef67890123456789abcdef67890"),
    (52, "00 00 01 d2abde240d7cd3ee6b4b28c54df034b9", "0 0 1 d2abde240d7cd3ee6b4b28c54df034b9"),
    // RFC 8659 5.
    (257, "00 05 6973737565 6361312e6578616d706c652e6e6574", "0 issue \"ca1.example.net\""),
    (257, "80 03 746273 556e6b6e6f776e", "128 tbs \"Unknown\""),
    (256, "000a 0001 6674703a2f2f667470312e6578616d706c652e636f6d2f7075626c6963",
        "10 1 \"ftp://ftp1.example.com/public\""),
    // RFC 6742 3, RFC 7043 3.2 and 4.2.
    (104, "000a 00144fffff20ee64", "10 0014:4fff:ff20:ee64"),
    (105, "000a 0a010200", "10 10.1.2.0"),
    (106, "000a 20010db811401000", "10 2001:0db8:1140:1000"),
    (107, "000a 03 6c3634 c010", "10 l64.Example.com."),
    (108, "00005e00532a", "00-00-5e-00-53-2a"),
    (109, "00005eef1000002a", "00-00-5e-ef-10-00-00-2a"),
    // RFC 9460, appendix D.
    (65, "0000 03666f6f 076578616d706c65 03636f6d 00", "0 foo.example.com."),
    (64, "0001 00", "1 ."),
    (64, "0010 03666f6f 076578616d706c65 03636f6d 00 0003 0002 0035", "16 foo.example.com. port=53"),
    (64, "0001 03666f6f 076578616d706c65 03636f6d 00 029b 0005 68656c6c6f", "1 foo.example.com. key667=\"hello\""),
    (64, "0001 03666f6f 076578616d706c65 03636f6d 00 029b 0009 68656c6c6fd2716f6f",
        "1 foo.example.com. key667=\"hello\\210qoo\""),
    (64, "0001 00 0006 0020 20010db8000000000000000000000001 20010db8000000000000000000530001",
        "1 . ipv6hint=2001:db8::1,2001:db8::53:1"),
    (65, "0010 00 0000 0004 0001 0004 0001 0009 02 6832 05 68332d3139 0004 0004 c0000201",
        "16 . mandatory=alpn,ipv4hint alpn=\"h2,h3-19\" ipv4hint=192.0.2.1"),
    (65, "0010 00 0001 000c 08 665c6f6f2c626172 02 6832", "16 . alpn=\"f\\\\\\\\oo\\\\,bar,h2\""),
    (65, "0001 00 0002 0000 0005 0003 010203", "1 . no-default-alpn ech=AQID"),
    (65, "0001 00 0007 0010 2f646e732d71756572797b3f646e737d", "1 . dohpath=\"/dns-query{?dns}\""),
    // A port of three bytes, a key without its value, an address that is cut.
    (65, "0001 00 0003 0003 003500", "\\# 10 00010000030003003500"),
    (65, "0001 00 0004 0000", "\\# 7 00010000040000"),
    (65, "0001 00 0004 0003 c00002", "\\# 10 00010000040003c00002"),
    // RFC 3597 5: types without a layout, and data that is not of its type.
    (65400, "0a000001", "\\# 4 0a000001"),
    (731, "abcdef012345", "\\# 6 abcdef012345"),
    (62347, "", "\\# 0"),
    (1, "010203", "\\# 3 010203"),
    (1, "0102030405", "\\# 5 0102030405"),
    (1, "", "\\# 0"),
    (16, "", "\\# 0"),
    (16, "05 6869", "\\# 3 056869"),
    // A name that leads to itself, one that is longer than the data, one that ends before it, a label of no known type.
    (5, "c02d", "\\# 2 c02d"),
    (5, "0161", "\\# 2 0161"),
    (5, "00 00", "\\# 2 0000"),
    (5, "4161 00", "\\# 3 416100"),
    // An empty digest, a tag with a space, a window of no bytes, windows out of order.
    (43, "ec45 05 01", "\\# 4 ec450501"),
    (257, "00 03 612062 00", "\\# 6 000361206200"),
    (47, "00 00 00", "\\# 3 000000"),
    (47, "00 01 01 40 00 01 40", "\\# 7 00010140000140"),
    (47, "00", "."),
];

#[test]
fn the_data_of_each_type_is_shown_in_presentation_format() {
    for (kind, hex, text) in DATA {
        assert_eq!(data(*kind, hex), *text, "type {kind}: {hex}");
    }
}

/// The number after the last type overflowed, which ends a program that checks for it.
#[test]
fn the_last_type_of_the_last_window_is_shown() {
    // RFC 4034, 4.1.2: the root, window 255 with all its 32 octets, of which the last has its lowest bit.
    assert_eq!(data(47, &format!("00 ff 20 {} 01", "00".repeat(31))), ". TYPE65535");
}

#[test]
fn answers_come_in_order_with_one_space_between() {
    let message = response(&[(300, 5, "0161 c010"), (60, 1, "c0000201"), (61, 1, "c0000202")]);
    assert_eq!(shown(&message), (Some("a.Example.com. 192.0.2.1 192.0.2.2".to_owned()), Some(60)));
    // A TTL is shown as it was sent, also one that RFC 2181 8 calls 0.
    assert_eq!(shown(&response(&[(u32::MAX, 1, "c0000201")])).1, Some(u32::MAX));
    assert_eq!(shown(&response(&[(0, 1, "c0000201"), (7, 1, "c0000202")])).1, Some(0));
    assert_eq!(shown(&response(&[])), (None, None));
}

#[test]
fn an_opt_record_is_no_answer() {
    let message = response(&[(60, 1, "c0000201"), (5, 41, ""), (70, 1, "c0000202")]);
    assert_eq!(shown(&message), (Some("192.0.2.1 192.0.2.2".to_owned()), Some(60)));
    assert_eq!(shown(&response(&[(5, 41, "00030000")])), (None, None));
}

#[test]
fn records_of_other_sections_are_no_answers() {
    let mut message = response(&[(60, 1, "c0000201"), (5, 1, "c0000202"), (4, 1, "c0000203")]);
    // One answer, one authority, one additional record.
    message[6..12].copy_from_slice(&[0, 1, 0, 1, 0, 1]);
    assert_eq!(shown(&message), (Some("192.0.2.1".to_owned()), Some(60)));
    message[6..12].copy_from_slice(&[0, 0, 0, 2, 0, 1]);
    assert_eq!(shown(&message), (None, None));
}

#[test]
fn a_cut_message_gives_the_answers_before_the_cut_and_no_ttl() {
    let message = response(&[(60, 1, "c0000201"), (30, 16, "026869"), (90, 1, "c0000202")]);
    // 33 bytes to the first answer, then 16, 15 and 16.
    for cut in 0..=message.len() {
        let (text, ttl) = match cut {
            0..49 => (None, None),
            49..64 => (Some("192.0.2.1"), None),
            64..80 => (Some("192.0.2.1 \"hi\""), None),
            _ => (Some("192.0.2.1 \"hi\" 192.0.2.2"), Some(30)),
        };
        assert_eq!(shown(&message[..cut]), (text.map(str::to_owned), ttl), "{cut}");
    }
}

#[test]
fn a_message_that_announces_more_answers_than_it_has_gives_no_ttl() {
    let mut message = response(&[(60, 1, "c0000201")]);
    message[7] = 2;
    assert_eq!(shown(&message), (Some("192.0.2.1".to_owned()), None));
    // An owner of no known label type has no end.
    message.extend(bytes("41 00 0001 0001 00000001 0004 c0000202"));
    assert_eq!(shown(&message), (Some("192.0.2.1".to_owned()), None));
}

#[test]
fn a_name_may_be_in_another_record_and_its_data_may_be_in_no_layout() {
    // The target of the second answer is the exchange of the first one: 33 + 12 + 2 = 47 = 0x2f.
    let message = response(&[(60, 15, "000a 026d78 c010"), (60, 5, "c02f"), (60, 65400, "ff")]);
    assert_eq!(shown(&message).0.unwrap(), "10 mx.Example.com. mx.Example.com. \\# 1 ff");
}

#[test]
fn what_would_cost_too_much_is_shown_in_the_generic_form() {
    // A name of 255 octets that are all escaped, and thousands of records whose data lead to it.
    let long = [[vec![63], vec![0xff; 63]].concat().repeat(3), [vec![61], vec![0xff; 61]].concat(), vec![0]].concat();
    let data = std::iter::once(long).chain((0..4000).map(|_| vec![0xc0, 23]));
    let message = answers(data.map(|data| (vec![0], 5, data)));
    // Lists of all types there are, in the smallest number of bytes.
    let windows: Vec<u8> = (0..=255).flat_map(|window| [vec![window, 32], vec![0xff; 32]].concat()).collect();
    let lists = answers((0..7).map(|_| (vec![0], 47, [vec![0], windows.clone()].concat())));
    for (message, records) in [(message, 4001), (lists, 7)] {
        STEPS.set(0);
        let (text, ttl) = shown(&message);
        let (text, len) = (text.unwrap(), message.len());
        assert!(text.len() < 9 * (len + 1024), "{} of {len}", text.len());
        assert!(STEPS.get() as usize <= 6 * len, "{} of {len}", STEPS.get());
        assert!(text.contains("\\# "), "the budget is not reached");
        assert_eq!(ttl, Some(0), "all {records} are there");
    }
}

#[test]
fn a_long_answer_is_shown_whole() {
    // As in a transfer of a zone: four thousand names of three labels, each with a pointer to its end.
    let names = (0..4000_u32).map(|number| {
        let label = format!("h{number:04}");
        [vec![5], label.into_bytes(), vec![0xc0, 23 + 3]].concat()
    });
    let message =
        answers(std::iter::once(b"\x02ns\x07example\x03com\0".to_vec()).chain(names).map(|data| (vec![0], 2, data)));
    let text = shown(&message).0.unwrap();
    assert!(message.len() > 60_000 && !text.contains('#'), "{}", message.len());
    assert_eq!(text.split(' ').count(), 4001);
    assert!(text.ends_with(" h3999.example.com."));
}

/// Text that a zone file may hold, without a character that ends a record.
fn is_presentation(text: &str) -> bool {
    text.bytes().all(|byte| (0x20..=0x7e).contains(&byte)) && !text.starts_with(' ') && !text.ends_with(' ')
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_data_of_any_type_is_text(
        kind in prop_oneof![0..270_u16, any::<u16>()],
        data in prop::collection::vec(prop_oneof![any::<u8>(), Just(0), Just(1), Just(0xc0)], 0..80),
    ) {
        let message = answers([(vec![0], kind, data.clone()), (vec![0], 1, vec![192, 0, 2, 1])]);
        let (text, ttl) = shown(&message);
        let text = text.unwrap();
        prop_assert!(is_presentation(&text), "{text}");
        prop_assert!(text.ends_with("192.0.2.1"));
        prop_assert_eq!(ttl, Some(0));
        // A prefix says nothing else, but where a pointer may lead forward.
        let is_backward = data.iter().all(|byte| *byte < 0xc0);
        for cut in 0..message.len() {
            let (part, ttl) = shown(&message[..cut]);
            prop_assert!(part.is_none_or(|part| text.starts_with(&part) || !is_backward));
            prop_assert_eq!(ttl, None);
        }
    }
}

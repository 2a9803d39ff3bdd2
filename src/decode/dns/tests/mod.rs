//! DNS messages by hand. Expected names are worked out from the bytes and the definitions of the two columns.

mod answers;

use std::cell::Cell;

use crate::decode::tests::bytes;

use super::super::stop::Stop;
use super::message::Message;
use super::name::{Budget, Name};

/// (name, message in hex, `query response` as the columns show them or `-`; "" if it is not DNS).
#[rustfmt::skip]
const MESSAGES: &[(&str, &str, &str)] = &[
    ("normal query", "00010100000100000000000003777777074578616d706c6503636f6d0000010001",
        "www.Example.com. -"),
    ("normal resp", "00018180000100010000000003777777074578616d706c6503636f6d0000010001c00c000100010000003c000401020304",
        "www.Example.com. www.Example.com."),
    ("resp trailing garbage", "00018180000100010000000003777777074578616d706c6503636f6d0000010001c00c000100010000003c00040102030400000067617262616765",
        "www.Example.com. www.Example.com."),
    ("resp answer rdlength short (A len 3)", "00018180000100010000000003777777074578616d706c6503636f6d0000010001c00c000100010000003c0003010203",
        "www.Example.com. www.Example.com."),
    ("resp answer rdlength long truncated", "00018180000100010000000003777777074578616d706c6503636f6d0000010001c00c000100010000003c010001020304",
        "www.Example.com. www.Example.com."),
    ("resp ancount=2 but 1 present", "00018180000100020000000003777777074578616d706c6503636f6d0000010001c00c000100010000003c000401020304",
        "www.Example.com. www.Example.com."),
    ("resp OPT in answer", "00018180000100010000000003777777074578616d706c6503636f6d00000100010000291000000000000000",
        "www.Example.com. -"),
    ("query 2xOPT", "00018180000100000000000203777777074578616d706c6503636f6d000001000100002910000000000000000000291000000000000000",
        "www.Example.com. -"),
    ("OPT with an owner", "000181800000 0001 0000 0000 0161 00 0029 1000 00000000 0000",
        ""),
    ("OPT with an owner, cut after its type", "000181800000 0001 0000 0000 0161 00 0029",
        ""),
    // Cut before the type: nothing tells whose owner name it is. An OPT record has no owner name.
    ("cut after an owner", "000181800000 0001 0000 0000 0161 00",
        "- a."),
    ("cut after the root", "000181800000 0001 0000 0000 00",
        ""),
    ("resp ancount bogus CAA", "00018180000100020000000003777777074578616d706c6503636f6d0000010001c00c000100010000003c000401020304c00c010100010000003c00020009",
        "www.Example.com. www.Example.com."),
    ("unknown type 65280", "00018180000100010000000003777777074578616d706c6503636f6d0000010001c00cff0000010000003c000401020304",
        "www.Example.com. www.Example.com."),
    ("class 0x8001 mDNS cache flush", "0001818000000001000000000161056c6f63616c00000180010000003c000401020304",
        "- a.local."),
    ("mDNS QU question class 0x8001", "0001818000010000000000000161056c6f63616c0000018001",
        "a.local. -"),
    ("opcode 15", "00017900000100000000000003777777074578616d706c6503636f6d0000010001",
        "www.Example.com. -"),
    ("opcode UPDATE", "00012800000100000000000003777777074578616d706c6503636f6d0000010001",
        "www.Example.com. -"),
    ("class 0", "00018180000100000000000001610000010000",
        "a. -"),
    ("ptr loop self", "000181800001000000000000c00c00010001",
        ""),
    ("ptr loop 2", "0001818000010000000000000161c00c00010001",
        ""),
    ("ptr forward", "000181800001000000000000c020000100010000000000000000000000000000000000000000",
        ". -"),
    ("ptr forward to a label", "000101000001000000000000c012 0001 0001 03777777 00",
        "www. -"),
    ("ptr loop of two", "000181800001000000000000c00e c00c 0001 0001",
        ""),
    ("ptr past end", "000181800001000000000000ffff00010001",
        ""),
    ("ptr into header", "000181800001000000000000c00000010001",
        ". -"),
    ("label special", "00018180000100000000000009612e62000aff5c222f03636f6d0000010001",
        "a\\.b\\000\\010\\255\\\\\"/.com. -"),
    ("label 0x41", "000181800001000000000000416162630000010001",
        ""),
    ("root", "0001818000010000000000000000020001",
        ". -"),
    ("IDN raw utf8", "0001818000010000000000000762c3bc636865720264650000010001",
        "b\\195\\188cher.de. -"),
    ("punycode", "0001818000010000000000000d786e2d2d62636865722d6b76610264650000010001",
        "xn--bcher-kva.de. -"),
    ("underscore/space/star", "000181800001000000000000055f7820792a03636f6d0000010001",
        "_x\\032y*.com. -"),
    ("qdcount 65535 only header", "00018180ffff000000000000",
        ""),
    ("qdcount 65535 + 1", "00018180ffff00000000000003777777074578616d706c6503636f6d0000010001",
        "www.Example.com. -"),
    ("12B header zeros", "000000000000000000000000",
        ""),
    ("11 bytes", "0000000000000000000000",
        ""),
    ("garbage ff*40", "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        ""),
];

thread_local! {
    /// Labels, pointers and ends of names that have been looked at.
    static STEPS: Cell<u32> = const { Cell::new(0) };
}

pub(super) fn count_step() {
    STEPS.set(STEPS.get() + 1);
}

fn shown(message: &[u8]) -> String {
    let name = |name: Option<Name<'_>>| name.map_or("-".into(), |n| n.to_string());
    Message::read(message)
        .0
        .map_or(String::new(), |message| format!("{} {}", name(message.query_name()), name(message.response_name())))
}

#[test]
fn each_message_gives_the_names_it_holds() {
    for &(name, message, want) in MESSAGES {
        assert_eq!(shown(&bytes(message)), want, "{name}");
    }
}

/// A message of one question. `labels` are the lengths of its labels, which consist of `a`.
fn question(labels: &[u8]) -> Vec<u8> {
    let mut message = bytes("000181800001000000000000");
    for &length in labels {
        message.push(length);
        message.extend(std::iter::repeat_n(b'a', usize::from(length)));
    }
    message.extend([0, 0, 1, 0, 1]);
    message
}

#[test]
fn a_name_of_255_octets_decodes_and_one_of_256_does_not() {
    let a = |length| "a".repeat(length) + ".";
    let longest = format!("{}{}{}{} -", a(63), a(63), a(63), a(61));
    assert_eq!(shown(&question(&[63, 63, 63, 61])), longest);
    assert_eq!(shown(&question(&[63, 63, 63, 62])), "");
    assert_eq!(shown(&question(&[63; 20])), "");
}

/// `count` answers. The owner of each is a pointer to the last name of a chain of `links` in the first answer's data.
///
/// With labels, each link is a label and a pointer to the link before. Without labels, each is a pointer alone.
fn chain(labels: bool, links: u16, count: u16) -> Vec<u8> {
    let (first, link) = if labels { (3, 4) } else { (1, 2) };
    let mut message = bytes("000181800000");
    message.extend((count + 1).to_be_bytes());
    message.extend([0, 0, 0, 0, 0, 0xff, 0, 0, 1, 0, 0, 0, 0]);
    message.extend((first + links * link).to_be_bytes());
    message.extend(if labels { &[1, b'a', 0][..] } else { &[0] });
    let mut before = 23_u16;
    for number in 0..links {
        let at = 23 + first + number * link;
        if labels {
            message.extend([1, b'b']);
        }
        message.extend((before | 0xc000).to_be_bytes());
        before = at;
    }
    for _ in 0..count {
        message.extend((before | 0xc000).to_be_bytes());
        message.extend([0xff, 0, 0, 1, 0, 0, 0, 0, 0, 1, b'z']);
    }
    message
}

#[test]
fn chains_of_pointers_cost_no_more_than_the_first_name() {
    // 101 labels after 100 pointers in each of 5,008 owners; 8,000 pointers in each of 3,808.
    for (labels, links, count, len) in [(true, 100, 5008, 65530), (false, 8000, 3808, 65528)] {
        let message = chain(labels, links, count);
        assert_eq!(message.len(), len);
        assert_eq!(shown(&message), "- .");
    }
}

/// The records of an answer section: owner, type, data.
fn answers(records: impl IntoIterator<Item = (Vec<u8>, u16, Vec<u8>)>) -> Vec<u8> {
    let mut message = bytes("000181800000 0000 0000 0000");
    let mut count = 0_u16;
    for (owner, kind, data) in records {
        message.extend(owner);
        message.extend(kind.to_be_bytes());
        message.extend([0, 1, 0, 0, 0, 0]);
        message.extend(u16::try_from(data.len()).unwrap().to_be_bytes());
        message.extend(data);
        count += 1;
    }
    message[6..8].copy_from_slice(&count.to_be_bytes());
    message
}

#[test]
fn no_message_costs_more_steps_than_two_budgets() {
    let long = |first: u8| [vec![1, first], [1, b'x'].repeat(125), vec![0]].concat();
    let a = |owner: Vec<u8>| (owner, 1, vec![1, 2, 3, 4]);
    // The longest names, each different: 255 octets of one-byte labels. Then the same with aliases from each to the next.
    let names = answers((0..128).map(|n| a(long(n))));
    let aliased = answers((0..16).map(|n| (long(n), 5, long(n + 1))).chain((0..112).map(|n| a(long(n % 17)))));
    // Four labels of 63 bytes: few steps, and many bytes to hash.
    let wide = |first: u8| {
        let label = |len: u8| [vec![len, first], vec![b'y'; usize::from(len) - 1]].concat();
        [label(63), label(63), label(63), label(61), vec![0]].concat()
    };
    let hashed = answers((0..16).map(|n| (wide(n), 5, wide(n + 1))).chain((0..112).map(|n| a(wide(n % 17)))));
    // A hundred pointers one after another in the first record's data, and owners that lead to the last two of them in
    // turn.
    let pointer = |at: u16| (at | 0xc000).to_be_bytes();
    let links = std::iter::once(12).chain((0..99).map(|n| 23 + 2 * n)).flat_map(pointer).collect();
    let owners = (0..127).map(|n| a(pointer(23 + 2 * (98 + n % 2)).to_vec()));
    let chains = answers([(vec![0], 16, links)].into_iter().chain(owners));
    for (name, message) in [
        ("names", names),
        ("aliased", aliased),
        ("hashed", hashed),
        ("chains", chains),
        ("labels", chain(true, 100, 5008)),
        ("pointers", chain(false, 8000, 3808)),
        ("one-byte labels", [&question(&[1; 126])[..], &[1].repeat(65_000)].concat()),
    ] {
        STEPS.set(0);
        if let Some(message) = Message::read(&message).0 {
            message.addresses().count();
        }
        let most = 2 * Budget::STEPS + 128;
        assert!(STEPS.get() <= most, "{name}: {}", STEPS.get());
    }
}

#[test]
fn a_hundred_addresses_after_aliases_have_their_name() {
    // `a.` is an alias for a name of eight labels. A hundred owners point to that name; then 40 owners spell it in full.
    let target = [[3, b'a', b'b', b'c'].repeat(8), vec![0]].concat();
    let alias = || (vec![1, b'a', 0], 5, target.clone());
    let pointed = answers([alias()].into_iter().chain((0..100).map(|n| (vec![0xc0, 25], 1, vec![10, 0, 0, n]))));
    let whole = answers([alias()].into_iter().chain((0..40).map(|n| (target.clone(), 1, vec![10, 0, 0, n]))));
    for (message, count) in [(pointed, 100), (whole, 40)] {
        let message = Message::read(&message).0.unwrap();
        assert_eq!(message.addresses().filter(|(name, _)| name.to_string() == "a.").count(), count);
    }
}

#[test]
fn a_name_follows_127_pointers_and_no_more() {
    // The root at 12, then pointers, each to the one before.
    let message = |pointers: u16| {
        let mut message = vec![0; 13];
        for before in std::iter::once(12).chain((0..pointers - 1).map(|number| 13 + 2 * number)) {
            message.extend((before | 0xc000_u16).to_be_bytes());
        }
        message
    };
    for (pointers, decodes) in [(1, true), (127, true), (128, false), (8000, false)] {
        let message = message(pointers);
        let at = message.len() - 2;
        let (name, end) = Name::read(&message, at, &mut Budget::new());
        assert_eq!(name.is_some_and(Name::is_root), decodes);
        assert_eq!(end, Some(message.len()));
    }
}

/// The labels of a name in presentation format: the reverse of `Name::write_to`, RFC 1035 5.1.
fn parsed(text: &[u8]) -> Vec<Vec<u8>> {
    let (mut labels, mut label, mut rest) = (Vec::new(), Vec::new(), text);
    if rest == b"." {
        return labels;
    }
    loop {
        rest = match rest {
            [] => return labels,
            [b'.', rest @ ..] => {
                labels.push(std::mem::take(&mut label));
                rest
            }
            [b'\\', escaped @ (b'.' | b'\\'), rest @ ..] => {
                label.push(*escaped);
                rest
            }
            [b'\\', digits @ ..] => {
                let (digits, rest) = digits.split_at(3);
                label.push(std::str::from_utf8(digits).unwrap().parse().unwrap());
                rest
            }
            [byte, rest @ ..] => {
                assert!(byte.is_ascii_graphic());
                label.push(*byte);
                rest
            }
        };
    }
}

proptest::proptest! {
    #[test]
    fn names_round_trip_through_their_text(
        labels in proptest::collection::vec(proptest::collection::vec(0_u8.., 1..=40), 0..=6)
    ) {
        let mut message = vec![0; 12];
        for label in &labels {
            message.push(u8::try_from(label.len()).unwrap());
            message.extend(label);
        }
        message.push(0);
        let (name, end) = Name::read(&message, 12, &mut Budget::new());
        let mut text = Vec::new();
        name.unwrap().write_to(&mut text);
        proptest::prop_assert_eq!(parsed(&text), labels);
        proptest::prop_assert_eq!(end, Some(message.len()));
    }

    #[test]
    fn any_bytes_are_read_without_panic(message in proptest::collection::vec(0_u8.., 0..300)) {
        if let Some(message) = Message::read(&message).0 {
            proptest::prop_assert!(message.addresses().count() <= 128);
        }
    }
}

fn addresses(message: &str) -> Vec<(String, String)> {
    let message = bytes(message);
    let message = Message::read(&message).0.unwrap();
    message.addresses().map(|(name, address)| (name.to_string(), address.to_string())).collect()
}

#[test]
fn an_address_has_the_name_that_was_asked_for() {
    let pairs = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
        pairs.iter().map(|&(name, address)| (name.into(), address.into())).collect()
    };
    // Question a., answers: a. CNAME B., b. CNAME c., c. A 1.2.3.4, c. AAAA ::1, d. A 5.6.7.8. Offsets: a. at 12, B. at 31,
    // c. at 46.
    let question = "0001818000010005000000000161000001 0001";
    let alias_a = "c00c 0005 0001 00000000 0003 014200";
    let alias_b = "0162 00 0005 0001 00000000 0003 016300";
    let a = "0163 00 0001 0001 00000000 0004 01020304";
    let aaaa = "0143 00 001c 0001 00000000 0010 00000000000000000000000000000001";
    let other = "0164 00 0001 0001 00000000 0004 05060708";
    let want = pairs(&[("a.", "1.2.3.4"), ("a.", "::1"), ("d.", "5.6.7.8")]);
    assert_eq!(addresses(&[question, alias_a, alias_b, a, aaaa, other].concat()), want);
    // The order of the records does not matter. A circle of aliases ends the walk too, and the address is given.
    let owned = "0161 00 0005 0001 00000000 0003 014200";
    let mut reordered = addresses(&[question, a, aaaa, other, alias_b, owned].concat());
    reordered.sort();
    assert_eq!(reordered, want);
    let circle = "0162 00 0005 0001 00000000 0003 016100";
    let to_b = "0162 00 0001 0001 00000000 0004 01020304";
    let question = "0001818000010003000000000161000001 0001";
    assert_eq!(addresses(&[question, alias_a, circle, to_b].concat()).len(), 1);
}

#[test]
fn what_the_header_says() {
    let answer = MESSAGES.iter().find(|message| message.0 == "normal resp").unwrap().1;
    let answer = bytes(&answer.replacen("8180", "8183", 1));
    let message = Message::read(&answer).0.unwrap();
    assert!(message.is_response());
    assert_eq!(message.response_code(), 3);
    assert_eq!(message.question_type(), Some(1));
    assert_eq!(message.query_name(), message.response_name());
}

#[test]
fn a_cut_message_gives_what_precedes_the_cut() {
    let whole = bytes(MESSAGES.iter().find(|message| message.0 == "normal resp").unwrap().1);
    // The question's name ends at 29, its class at 33, the answer's name at 35.
    for cut in 0..whole.len() {
        let (message, stop) = Message::read(&whole[..cut]);
        assert_eq!(message.is_some(), cut >= 29, "{cut}");
        assert_eq!(message.is_some_and(|m| m.response_name().is_some()), cut >= 35, "{cut}");
        assert_eq!(stop, (cut < 45).then_some(Stop::DnsCut), "{cut}");
    }
    assert_eq!(Message::read(&whole).1, None);
}

#[test]
fn a_name_that_does_not_decode_is_passed_over_where_its_end_is_known() {
    // A question that points to itself, and an answer `a.`.
    let message = "000181800001000100000000 c00c 0001 0001 0161 00 0001 0001 0000003c 0004 01020304";
    assert_eq!(shown(&bytes(message)), "- a.");
    assert_eq!(Message::read(&bytes(message)).1, Some(Stop::DnsMalformed));
    // A question of an unknown label type has no end.
    let message = "000181800001000100000000 41 0001 0001 0161 00 0001 0001 0000003c 0004 01020304";
    assert_eq!(shown(&bytes(message)), "");
}

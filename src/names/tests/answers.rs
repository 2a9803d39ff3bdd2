//! What answers say, by messages that are written by hand.

use domain::base::{Message, Name};
use proptest::prelude::*;

use super::super::answer::{Answer, FAILURE, Outcome, read};
use super::super::text::is_name;

const HOUR: u32 = 3600;
const DAY: u32 = 24 * HOUR;

const CNAME: u16 = 5;
const SOA: u16 = 6;
const PTR: u16 = 12;
const TXT: u16 = 16;

/// The name that is asked for.
const ASKED: &str = "1.2.0.192.in-addr.arpa";

/// A name on the wire, without pointers; labels as they are.
fn wire(name: &str) -> Vec<u8> {
    let mut wire = Vec::new();
    for label in name.split('.').filter(|label| !label.is_empty()) {
        wire.push(u8::try_from(label.len()).unwrap());
        wire.extend_from_slice(label.as_bytes());
    }
    wire.push(0);
    wire
}

fn record(owner: &[u8], kind: u16, ttl: u32, data: &[u8]) -> Vec<u8> {
    let length = u16::try_from(data.len()).unwrap();
    [owner, &kind.to_be_bytes(), &[0, 1], &ttl.to_be_bytes(), &length.to_be_bytes(), data].concat()
}

fn named(owner: &str, kind: u16, ttl: u32, target: &str) -> Vec<u8> {
    record(&wire(owner), kind, ttl, &wire(target))
}

fn soa(ttl: u32, minimum: u32) -> Vec<u8> {
    record(
        &wire("192.in-addr.arpa"),
        SOA,
        ttl,
        &[&wire("ns")[..], &wire("root"), &[0; 16], &minimum.to_be_bytes()].concat(),
    )
}

/// A message to the question for `ASKED`.
fn message(rcode: u8, answers: &[Vec<u8>], authorities: &[Vec<u8>]) -> Vec<u8> {
    let count = |records: &[Vec<u8>]| u16::try_from(records.len()).unwrap().to_be_bytes();
    let header = [[0, 1], [0x81, 0x80 | rcode], [0, 1], count(answers), count(authorities), [0, 0]].concat();
    [header, wire(ASKED), vec![0, 12, 0, 1], answers.concat(), authorities.concat()].concat()
}

fn said(bytes: &[u8]) -> Answer {
    read(Message::from_slice(bytes).unwrap(), &ASKED.parse::<Name<Vec<u8>>>().unwrap())
}

fn name(text: &str, ttl: u32) -> Answer {
    Answer { outcome: Outcome::Name(text.to_owned()), ttl: ttl.into() }
}

fn no_name(ttl: u32) -> Answer {
    Answer { outcome: Outcome::NoName, ttl: ttl.into() }
}

#[test]
fn ttls_are_kept_within_an_hour_and_a_week() {
    let held = [(0, HOUR), (HOUR, HOUR), (DAY, DAY), (7 * DAY, 7 * DAY), (30 * DAY, 7 * DAY), (0x7fff_ffff, 7 * DAY)];
    // With the highest bit set it is 0, RFC 2181 8.
    for (ttl, kept) in held.into_iter().chain([(0x8000_0000, HOUR), (u32::MAX, HOUR)]) {
        assert_eq!(
            said(&message(0, &[named(ASKED, PTR, ttl, "Host.example")], &[])),
            name("host.example.", kept),
            "{ttl}"
        );
    }
}

#[test]
fn absence_holds_as_long_as_the_soa_says() {
    for rcode in [0, 3] {
        assert_eq!(said(&message(rcode, &[], &[soa(2 * HOUR, DAY)])), no_name(2 * HOUR), "the lower of the two");
        assert_eq!(said(&message(rcode, &[], &[soa(DAY, 2 * HOUR)])), no_name(2 * HOUR), "the lower of the two");
        assert_eq!(said(&message(rcode, &[], &[soa(u32::MAX, 2 * HOUR)])), no_name(HOUR));
        assert_eq!(said(&message(rcode, &[], &[soa(30 * DAY, 30 * DAY)])), no_name(DAY));
        assert_eq!(said(&message(rcode, &[], &[])), no_name(HOUR));
    }
    assert_eq!(said(&message(0, &[named(ASKED, PTR, 2 * HOUR, "")], &[])), no_name(2 * HOUR), "the root is no name");
}

#[test]
fn aliases_are_followed_and_circles_end() {
    let alias = |owner: &str, target: &str| named(owner, CNAME, 2 * HOUR, target);
    let answers = [alias(ASKED, "1.0-63.2"), named("1.0-63.2", PTR, DAY, "b"), named("1.0-63.2", PTR, DAY, "a")];
    assert_eq!(said(&message(0, &answers, &[])), name("a.", 2 * HOUR));
    let chain = |length: usize| {
        let link = |at: usize| if at == 0 { ASKED.to_owned() } else { format!("x{at}") };
        let mut answers: Vec<_> = (0..length).map(|at| alias(&link(at), &link(at + 1))).collect();
        answers.push(named(&link(length), PTR, DAY, "end"));
        answers
    };
    assert_eq!(said(&message(0, &chain(16), &[])), name("end.", 2 * HOUR));
    assert_eq!(said(&message(0, &chain(17), &[])), Outcome::Malformed.into());
    let circle = [alias(ASKED, "x"), alias("x", "y"), alias("y", ASKED)];
    assert_eq!(said(&message(0, &circle, &[])), Outcome::Malformed.into());
    assert_eq!(said(&message(0, &[alias(ASKED, ASKED)], &[])), Outcome::Malformed.into());
    assert_eq!(said(&message(3, &[alias(ASKED, "x")], &[soa(DAY, DAY)])), no_name(2 * HOUR), "an alias of nothing");
}

#[test]
fn what_says_nothing_of_the_question_is_malformed() {
    for answers in [[named("2.2.0.192.in-addr.arpa", PTR, DAY, "other")], [record(&wire(ASKED), TXT, DAY, &[1, b'x'])]]
    {
        assert_eq!(said(&message(0, &answers, &[])), Outcome::Malformed.into());
    }
    let mut other_class = message(0, &[named(ASKED, PTR, DAY, "chaos")], &[]);
    let class = other_class.windows(4).rposition(|window| window == [0, 12, 0, 1]).unwrap() + 3;
    other_class[class] = 3;
    assert_eq!(said(&other_class), no_name(HOUR), "as if it were not there");
    let both = [named("2.2.0.192.in-addr.arpa", PTR, DAY, "a"), named("1.2.0.192.IN-ADDR.ARPA", PTR, DAY, "b")];
    assert_eq!(said(&message(0, &both, &[])), name("b.", DAY));
    let no_pointer = record(&wire(ASKED), PTR, DAY, &[0xc0, 0xff]);
    assert_eq!(said(&message(0, std::slice::from_ref(&no_pointer), &[])), Outcome::Malformed.into());
    assert_eq!(said(&message(0, &[no_pointer, named(ASKED, PTR, DAY, "a")], &[])), name("a.", DAY));
}

#[test]
fn failures_hold_for_a_short_time() {
    for (rcode, outcome) in
        [(1, Outcome::Refused), (2, Outcome::ServerFailure), (4, Outcome::Refused), (5, Outcome::Refused)]
    {
        assert_eq!(said(&message(rcode, &[], &[])), Answer { outcome, ttl: FAILURE });
    }
    let referral = named("192.in-addr.arpa", 2, DAY, "ns.example");
    assert_eq!(said(&message(0, &[], &[referral])), Outcome::Refused.into());
}

#[test]
fn odd_names_are_escaped() {
    let odd = [&[4, b'A', b'.', 0, 0xff, 2, b'\\', b' '][..], &[0]].concat();
    assert_eq!(said(&message(0, &[record(&wire(ASKED), PTR, DAY, &odd)], &[])), name("a\\.\\000\\255.\\\\\\032.", DAY));
    let longest = [&[1, b'a'].repeat(127)[..], &[0]].concat();
    let said_longest = said(&message(0, &[record(&wire(ASKED), PTR, DAY, &longest)], &[]));
    assert_eq!(said_longest, name(&"a.".repeat(127), DAY));
    let too_long = [&[1, b'a'].repeat(128)[..], &[0]].concat();
    assert_eq!(said(&message(0, &[record(&wire(ASKED), PTR, DAY, &too_long)], &[])), Outcome::Malformed.into());
}

/// 64 kB in which each of some thousand names costs 255 pointers: a chain of pointers, and records that point at its end.
fn costly(kind: u16) -> Vec<u8> {
    let mut bytes = message(0, &[], &[]);
    let label = bytes.len() + 11;
    // The chain lies in the data of a first record, and ends in the name that is asked for.
    let mut chain = vec![0xc0, 12];
    let pointer = |at: usize| (0xc000 | u16::try_from(at).unwrap()).to_be_bytes();
    for link in 0..250 {
        chain.extend_from_slice(&pointer(label + 2 * link));
    }
    bytes.extend_from_slice(&record(&[0], TXT, 0, &chain));
    let end = pointer(label + 2 * 250);
    let mut records = 1_u16;
    while bytes.len() < 65_500 {
        bytes.extend_from_slice(&record(&end, kind, DAY, &end));
        records += 1;
    }
    bytes[6..8].copy_from_slice(&records.to_be_bytes());
    bytes
}

#[test]
fn the_costliest_messages_are_read() {
    assert_eq!(said(&costly(PTR)), name(&format!("{ASKED}."), DAY));
    assert_eq!(said(&costly(CNAME)), Outcome::Malformed.into());
    assert_eq!(said(&costly(2)), Outcome::Malformed.into());
}

proptest! {
    /// The order of the records does not matter.
    #[test]
    fn any_order_gives_the_same(
        answers in Just(vec![
            named(ASKED, CNAME, DAY, "x"), named("x", PTR, HOUR, "b"), named("x", PTR, 2 * DAY, "A"),
            named("y", PTR, DAY, "0"), named("x", PTR, DAY, ""), record(&wire("x"), TXT, 0, &[0]),
        ]).prop_shuffle()
    ) {
        prop_assert_eq!(said(&message(0, &answers, &[])), name("a.", HOUR));
    }

    /// Whatever is changed in a message: no panic, and a name is a name.
    #[test]
    fn mutated_messages_are_read(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6), cut in any::<prop::sample::Index>()) {
        let answers = [named(ASKED, CNAME, DAY, "x.example"), named("x.example", PTR, DAY, "host.example")];
        let mut bytes = message(0, &answers, &[soa(DAY, DAY)]);
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        for bytes in [&bytes[..], &bytes[..12 + cut.index(bytes.len() - 12)]] {
            let Answer { outcome, ttl } = said(bytes);
            prop_assert!((FAILURE..=i64::from(7 * DAY)).contains(&ttl));
            if let Outcome::Name(name) = outcome {
                prop_assert!(is_name(&name), "{}", name);
            }
        }
    }

    /// Garbage does not panic either.
    #[test]
    fn garbage_is_read(bytes in prop::collection::vec(any::<u8>(), 12..600)) {
        said(&bytes);
    }
}

//! The server name of a ClientHello, in segments by hand.

use proptest::prelude::*;

use crate::capture::LinkType;
use crate::decode::decode;

use super::bytes;

/// An Ethernet frame with a TCP segment over IPv4, from a port to another, with a header of 32 bytes.
fn segment(ports: &str, payload: &[u8]) -> Vec<u8> {
    let total = u16::try_from(52 + payload.len()).unwrap().to_be_bytes();
    let mut frame = bytes("020000000002 020000000001 0800 4500");
    frame.extend(total);
    frame.extend(bytes("0001 4000 40 06 0000 0a000001 0a000002"));
    frame.extend(bytes(&format!("{ports} 00000001 00000002 8018 ffff 0000 0000 0101080a0000000100000002")));
    frame.extend(payload);
    frame
}

/// The name that a segment with this payload gives.
fn name_of(payload: &[u8]) -> Option<String> {
    shown(&segment("c000 01bb", payload))
}

fn shown(frame: &[u8]) -> Option<String> {
    let mut name = Vec::new();
    decode(LinkType::ETHERNET, frame).tls_server_name(|piece| name.extend_from_slice(piece))?;
    Some(String::from_utf8_lossy(&name).into_owned())
}

/// A handshake message: its type, its length, its body.
fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let [_, length @ ..] = u32::try_from(body.len()).unwrap().to_be_bytes();
    [&[kind], &length[..], body].concat()
}

/// The body of a ClientHello of TLS 1.2 and later, with a session of 32 bytes, two cipher suites, and these extensions.
fn hello_with(extensions: &str) -> Vec<u8> {
    let extensions = bytes(extensions);
    let mut body = [bytes("0303"), vec![0x16; 32], vec![32], vec![0x03; 32], bytes("0004 1301 c02f 01 00")].concat();
    body.extend(u16::try_from(extensions.len()).unwrap().to_be_bytes());
    body.extend(extensions);
    body
}

/// Extensions: extended_master_secret, server_name with `www.Example.com`, ALPN with `h2`.
const EXTENSIONS: &str = "0017 0000 \
                          0000 0014 0012 00 000f 7777772e4578616d706c652e636f6d \
                          0010 0005 0003 02 6832";

fn hello() -> Vec<u8> {
    message(1, &hello_with(EXTENSIONS))
}

/// A record of TLS 1.0, which most ClientHellos begin with.
fn record(kind: u8, content: &[u8]) -> Vec<u8> {
    [&[kind, 3, 1], &u16::try_from(content.len()).unwrap().to_be_bytes()[..], content].concat()
}

#[test]
fn a_client_hello_has_a_name_on_any_port() {
    let record = record(22, &hello());
    assert_eq!(name_of(&record).as_deref(), Some("www.Example.com"));
    for ports in ["c000 2328", "01bb c000", "0035 c000", "0000 0000"] {
        assert_eq!(shown(&segment(ports, &record)).as_deref(), Some("www.Example.com"), "{ports}");
    }
}

#[test]
fn every_version_of_the_record_counts_and_nothing_else_does() {
    let with = |at: usize, byte: u8| {
        let mut payload = record(22, &hello());
        payload[at] = byte;
        name_of(&payload).is_some()
    };
    for version in [0, 1, 2, 3, 4] {
        assert!(with(2, version), "3.{version}");
    }
    // Another type or major version of the record; a message that is no ClientHello; a version of SSL 2 in it.
    assert!(!with(0, 23) && !with(0, 19) && !with(1, 2) && !with(5, 2) && !with(9, 2));
}

#[test]
fn a_name_is_there_once_its_last_byte_is() {
    let frame = segment("c000 01bb", &record(22, &hello()));
    // 66 bytes of headers, 5 and 4 of the record and the message, 2 + 32 + 33 + 6 + 2 to the extensions; 4, then 9 to the name.
    let end = 66 + 5 + 4 + 2 + 32 + 33 + 6 + 2 + 2 + 4 + 9 + 15;
    for cut in 0..=frame.len() {
        let want = (cut >= end).then_some("www.Example.com");
        assert_eq!(shown(&frame[..cut]).as_deref(), want, "{cut} of {end}");
    }
}

#[test]
fn a_message_may_lie_in_several_records() {
    let hello = hello();
    for split in 1..hello.len() {
        let payload = [record(22, &hello[..split]), record(22, &hello[split..])].concat();
        assert_eq!(name_of(&payload).as_deref(), Some("www.Example.com"), "{split}");
    }
    let single: Vec<u8> = hello.iter().flat_map(|byte| record(22, &[*byte])).collect();
    assert_eq!(name_of(&single).as_deref(), Some("www.Example.com"));
    // Within a message there is no record of another type.
    let payload = [record(22, &hello[..50]), record(20, &[1]), record(22, &hello[50..])].concat();
    assert_eq!(name_of(&payload), None);
    // A record without content ends nothing.
    let payload = [record(22, &hello[..50]), record(22, &[]), record(22, &hello[50..])].concat();
    assert_eq!(name_of(&payload).as_deref(), Some("www.Example.com"));
}

#[test]
fn a_change_cipher_spec_may_stand_before_the_second_client_hello() {
    assert_eq!(name_of(&[record(20, &[1]), record(22, &hello())].concat()).as_deref(), Some("www.Example.com"));
    assert_eq!(name_of(&[bytes("140303000201"), record(22, &hello())].concat()), None, "its length leads astray");
    assert_eq!(name_of(&record(20, &[1])), None);
    // The end of a stream of another kind.
    assert_eq!(name_of(&[b"HTTP".to_vec(), record(22, &hello())].concat()), None);
}

#[test]
fn the_first_host_name_counts() {
    let of = |extensions: &str| name_of(&record(22, &message(1, &hello_with(extensions))));
    // A name of another type before it, and a second one after it.
    assert_eq!(of("0000 000e 0007 07 0001 ff 00 0001 61 00 0001 62"), None, "the list ends before the name does");
    assert_eq!(of("0000 000e 000c 07 0001 ff 00 0001 61 00 0001 62").as_deref(), Some("a"));
    // Lists and names that are empty, and lengths that lead out of what holds them.
    for extensions in [
        "",
        "0017 0000",
        "0000 0000",
        "0000 0002 0000",
        "0000 0005 0003 00 0000",
        "0000 0006 0005 00 0001 61 0017 0000",
        "0000 0006 0004 00 0002 61 0017 0000",
        "0000 000a 0004 00 0001 61",
        "0000 0006 0004 01 0001 61",
    ] {
        assert_eq!(of(extensions), None, "{extensions}");
    }
    assert_eq!(of("0000 0006 0004 00 0001 ff").as_deref(), Some("\u{fffd}"));
    // A message that ends before its extensions, and without any.
    assert_eq!(name_of(&record(22, &message(1, &hello_with("")[..75]))), None);
    assert_eq!(name_of(&record(22, &message(1, &hello_with("")[..73]))), None);
    let whole = hello_with(EXTENSIONS);
    let mut short = message(1, &whole);
    short[3] -= 40;
    assert_eq!(name_of(&record(22, &short)), None, "the message ends within the name");
}

#[test]
fn only_tcp_is_looked_into_and_no_later_fragment() {
    let mut frame = segment("c000 01bb", &record(22, &hello()));
    assert!(shown(&frame).is_some());
    frame[20..22].copy_from_slice(&[0, 1]);
    assert_eq!(shown(&frame), None, "a later fragment");
    frame[20..22].copy_from_slice(&[0x20, 0]);
    assert_eq!(shown(&frame).as_deref(), Some("www.Example.com"), "the first of several fragments");
    frame[23] = 17;
    assert_eq!(shown(&frame), None, "UDP");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_changed_byte_never_panics_and_a_prefix_says_nothing_else(
        at in 0..200_usize, byte in any::<u8>(), split in 1..100_usize,
    ) {
        let hello = hello();
        let mut payload = [record(22, &hello[..split]), record(22, &hello[split..])].concat();
        let at = at % payload.len();
        payload[at] = byte;
        let whole = name_of(&payload);
        for cut in 0..payload.len() {
            let part = name_of(&payload[..cut]);
            prop_assert!(part.is_none() || part == whole);
        }
    }
}

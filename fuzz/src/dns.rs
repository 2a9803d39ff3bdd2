//! Bytes as a DNS message, in a UDP datagram and in a TCP segment, after IPv4 and Ethernet.
//!
//! Laws:
//! - the headers around the message decode whatever it holds;
//! - TCP and UDP give the same names;
//! - names have at most 255 octets and labels of 1 to 63, are ASCII when shown, and read back as their labels;
//! - the first question's name is what a second reading of RFC 1035 4.1.4, written here, gives;
//! - the text of the answers is ASCII that ends with no space, has at most nine bytes for each of the message and 8 KiB, and is
//!   there where a smallest TTL is; TCP and UDP give the same.

use parcap::decode::dns::{Message, Name};
use parcap::address::IpAddress;
use parcap::decode::{Packet, decode};
use parcap::capture::LinkType;

use super::frame::check_packet;

/// What an IPv4 packet can hold after its header, a TCP header and the message's length.
const LARGEST: usize = 65_535 - 20 - 20 - 2;

/// Asserts every law.
pub fn check(message: &[u8]) {
    let message = &message[..message.len().min(LARGEST)];
    let length = u16::try_from(message.len()).unwrap();
    let mut udp = frame(17, 8 + message.len());
    udp.extend_from_slice(&[0xc0, 0x00, 0, 53]);
    udp.extend_from_slice(&(length + 8).to_be_bytes());
    udp.extend_from_slice(&[0, 0]);
    udp.extend_from_slice(message);
    let mut tcp = frame(6, 22 + message.len());
    tcp.extend_from_slice(&[0xc0, 0x00, 0, 53, 0, 0, 0, 1, 0, 0, 0, 1, 0x50, 0x18, 0xff, 0xff, 0, 0, 0, 0]);
    tcp.extend_from_slice(&length.to_be_bytes());
    tcp.extend_from_slice(message);
    let udp = decode(LinkType::ETHERNET, &udp);
    let tcp = decode(LinkType::ETHERNET, &tcp);
    for packet in [&udp, &tcp] {
        assert_eq!(packet.ip_src, Some(IpAddress::V4(0x0a00_0001)));
        assert_eq!(packet.ip_dst, Some(IpAddress::V4(0x0a00_0002)));
        assert_eq!((packet.port_src, packet.port_dst), (Some(0xc000), Some(53)));
        check_packet(packet);
    }
    let names = |packet: &Packet<'_>| packet.dns.map(|dns| (shown(dns.query_name()), shown(dns.response_name())));
    assert_eq!(names(&udp), names(&tcp), "TCP and UDP give the same names");
    let told = [&udp, &tcp].map(|packet| packet.dns.map(|dns| (dns.id(), answers(&dns), dns.min_ttl())));
    assert_eq!(told[0], told[1], "TCP and UDP give the same answers");
    if let Some((_, Some(text), _)) = &told[0] {
        assert!(text.len() <= 9 * (message.len() + 1024), "{} bytes of text", text.len());
    }
    let query = udp.dns.and_then(|dns| dns.query_name()).map(|name| name.labels().map(<[u8]>::to_vec).collect());
    let has_question = message.get(4..6).is_some_and(|count| count != [0, 0]);
    let expected = if has_question { labels(message, 12) } else { None };
    assert_eq!(query, expected, "the first question's name");
}

/// Ethernet and IPv4 in front of `bytes` bytes of payload.
fn frame(protocol: u8, bytes: usize) -> Vec<u8> {
    let [high, low] = u16::try_from(20 + bytes).unwrap().to_be_bytes();
    let mut frame = vec![2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0];
    frame.extend_from_slice(&[0x45, 0, high, low, 0, 1, 0, 0, 64, protocol, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
    frame
}

/// What holds of any message by itself.
pub fn check_message(message: &Message<'_>) {
    let names = [message.query_name(), message.response_name()];
    assert!(message.response_code() < 16);
    let mut addresses = 0;
    for (name, address) in message.addresses() {
        check_name(name);
        assert!(!address.to_string().is_empty());
        addresses += 1;
    }
    assert!(addresses <= 65_535);
    answers(message);
    names.into_iter().flatten().for_each(check_name);
}

/// The text of the answers, and what holds of it.
fn answers(message: &Message<'_>) -> Option<Vec<u8>> {
    let mut text = b"before".to_vec();
    let answers = message.write_answers(&mut text).map(|()| text.split_off(6));
    if let Some(text) = &answers {
        assert!(!text.is_empty() && text.iter().all(|byte| (0x20..=0x7e).contains(byte)));
        assert!(text.first() != Some(&b' ') && text.last() != Some(&b' '));
    }
    assert!(answers.is_some() || message.min_ttl().is_none(), "a TTL without an answer");
    answers
}

fn check_name(name: Name<'_>) {
    let labels: Vec<Vec<u8>> = name.labels().map(<[u8]>::to_vec).collect();
    assert!(labels.iter().all(|label| (1..=63).contains(&label.len())));
    assert!(labels.iter().map(|label| label.len() + 1).sum::<usize>() < 255);
    assert_eq!(name.is_root(), labels.is_empty());
    let mut text = Vec::new();
    name.write_to(&mut text);
    assert!(text.len() <= 1004 && text.iter().all(|byte| (0x21..=0x7e).contains(byte)));
    assert_eq!(text.last(), Some(&b'.'));
    assert_eq!(text, name.to_string().into_bytes());
    let read = if text == b"." { Vec::new() } else { parsed(&text) };
    assert_eq!(read, labels, "a name's text reads back as the name");
}

fn shown(name: Option<Name<'_>>) -> Option<String> {
    name.map(|name| name.to_string())
}

/// Labels of a name in presentation format (RFC 1035 5.1) that ends in a dot.
fn parsed(text: &[u8]) -> Vec<Vec<u8>> {
    let (mut labels, mut label, mut bytes) = (Vec::new(), Vec::new(), text.iter().copied());
    while let Some(byte) = bytes.next() {
        match byte {
            b'.' => labels.push(std::mem::take(&mut label)),
            b'\\' => match bytes.next().expect("a backslash escapes something") {
                digit @ b'0'..=b'9' => {
                    let mut value = u32::from(digit - b'0');
                    for _ in 0..2 {
                        value = value * 10 + u32::from(bytes.next().expect("three digits") - b'0');
                    }
                    label.push(u8::try_from(value).expect("an octet"));
                }
                other => label.push(other),
            },
            _ => label.push(byte),
        }
    }
    assert!(label.is_empty());
    labels
}

/// A second reading of a name: pointers lead anywhere, but not in circles; 255 octets at most.
fn labels(message: &[u8], start: usize) -> Option<Vec<Vec<u8>>> {
    let (mut labels, mut octets, mut at) = (Vec::new(), 1, start);
    let mut pointers = 0;
    loop {
        let length = usize::from(*message.get(at)?);
        match length {
            0 => return Some(labels),
            1..=63 => {
                let label = message.get(at + 1..at + 1 + length)?;
                octets += label.len() + 1;
                if octets > 255 {
                    return None;
                }
                labels.push(label.to_vec());
                at += 1 + length;
            }
            192.. => {
                at = (length & 0x3f) << 8 | usize::from(*message.get(at + 1)?);
                pointers += 1;
                // No name needs more pointers than labels, and a circle never has enough.
                if pointers > 127 {
                    return None;
                }
            }
            _ => return None,
        }
    }
}

//! Law 8: the text of an address and its number say the same, in the rows of a lake: MACs, IPv4, and IPv6 as RFC 5952
//! writes it.

use std::net::{Ipv4Addr, Ipv6Addr};

use proptest::prelude::*;

use crate::support::build::{Capture, Frame};
use crate::support::{Row, folder, save};

use super::tally::tried;
use super::{Settings, rows_with};

/// What an address column pair must say: text, and number if it has one.
type Shown = (Option<String>, Option<i64>);

/// The text of a MAC, from its bytes one by one.
fn mac(octets: [u8; 6]) -> Shown {
    let hex = |nibble: u8| char::from(b"0123456789abcdef"[usize::from(nibble)]);
    let pairs: Vec<String> = octets.iter().map(|octet| [hex(octet >> 4), hex(octet & 15)].iter().collect()).collect();
    // First octet highest.
    let number = octets.iter().fold(0_i64, |number, octet| number * 256 + i64::from(*octet));
    (Some(pairs.join(":")), Some(number))
}

fn v4(octets: [u8; 4]) -> Shown {
    let number = octets.iter().fold(0_i64, |number, octet| number * 256 + i64::from(*octet));
    (Some(octets.map(|octet| octet.to_string()).join(".")), Some(number))
}

/// RFC 5952 section 4: lower case, no leading zeros, the first longest run of two or more zero fields as `::`; section 5:
/// an IPv4-mapped address ends in a dotted quad, and so does one of `::/96` in which more than the last field is not zero,
/// as `inet_ntop` has it.
fn v6(octets: [u8; 16]) -> Shown {
    if octets[..10] == [0; 10] && octets[10..12] == [255; 2] {
        return (Some(format!("::ffff:{}.{}.{}.{}", octets[12], octets[13], octets[14], octets[15])), None);
    }
    if octets[..12] == [0; 12] && octets[12..14] != [0; 2] {
        return (Some(format!("::{}.{}.{}.{}", octets[12], octets[13], octets[14], octets[15])), None);
    }
    let fields: Vec<u16> = octets.chunks(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect();
    let run = |start: usize| fields[start..].iter().take_while(|field| **field == 0).count();
    let longest = (0..8).rev().max_by_key(|start| run(*start)).unwrap();
    let text = |fields: &[u16]| fields.iter().map(|field| format!("{field:x}")).collect::<Vec<_>>().join(":");
    let shown = match run(longest) {
        0 | 1 => text(&fields),
        zeros => format!("{}::{}", text(&fields[..longest]), text(&fields[longest + zeros..])),
    };
    (Some(shown), None)
}

/// Ethernet around an IPv4 or IPv6 header with these addresses; the protocol is one for experiments (RFC 3692).
fn frame(macs: [[u8; 6]; 2], source: &[u8], target: &[u8]) -> Vec<u8> {
    let mut data = macs.concat();
    if source.len() == 4 {
        data.extend([8, 0, 0x45, 0, 0, 20, 0, 0, 0, 0, 64, 253, 0, 0]);
    } else {
        data.extend([0x86, 0xdd, 0x60, 0, 0, 0, 0, 0, 253, 64]);
    }
    data.extend(source);
    data.extend(target);
    data
}

/// What the four addresses of a packet must be shown as.
#[derive(Clone, Debug)]
struct Wanted {
    data: Vec<u8>,
    shown: [Shown; 4],
}

impl Wanted {
    fn new(mac_dst: [u8; 6], mac_src: [u8; 6], addresses: Addresses) -> Self {
        let macs = [mac_dst, mac_src];
        let (data, ip_src, ip_dst) = match addresses {
            Addresses::V4(source, target) => (frame(macs, &source, &target), v4(source), v4(target)),
            Addresses::V6(source, target) => (frame(macs, &source, &target), v6(source), v6(target)),
        };
        Self { data, shown: [mac(mac_dst), mac(mac_src), ip_dst, ip_src] }
    }
}

#[derive(Clone, Debug)]
enum Addresses {
    V4([u8; 4], [u8; 4]),
    V6([u8; 16], [u8; 16]),
}

fn shown_in(row: &Row) -> [Shown; 4] {
    ["mac_dst", "mac_src", "ip_dst", "ip_src"]
        .map(|column| (row.get(column).map(str::to_owned), row.int(&format!("{column}_int"))))
}

/// Converts a packet of each, tells the rows apart by their wire lengths, and reads every text back.
fn check(wanted: &[Wanted]) {
    let mut capture = Capture::pcap();
    for (place, wanted) in wanted.iter().enumerate() {
        let orig_len = u32::try_from(place).unwrap() + 1;
        capture.record(4, 0, Frame { data: wanted.data.clone(), orig_len, addresses: None, ports: None });
    }
    let folder = folder();
    let settings = Settings { row_group_rows: 64, summaries: false, ..Settings::default() };
    let rows = rows_with(&save(&folder, "addresses.pcap", &capture.bytes), &settings, 2);
    assert_eq!(rows.len(), wanted.len());
    for row in &rows {
        let wanted = &wanted[usize::try_from(row.int("length").unwrap()).unwrap() - 1];
        let shown = shown_in(row);
        assert_eq!(shown, wanted.shown, "{:02x?}", wanted.data);
        let [mac_dst, mac_src, ip_dst, ip_src] = shown;
        for (text, number) in [mac_dst, mac_src] {
            let octets = text.unwrap().split(':').fold(0, |number, octet| {
                assert_eq!(octet.len(), 2);
                number << 8 | i64::from_str_radix(octet, 16).unwrap()
            });
            assert_eq!(Some(octets), number);
        }
        for ((text, number), at) in [(ip_src, 0), (ip_dst, 1)] {
            let text = text.unwrap();
            match number {
                Some(number) => assert_eq!(i64::from(text.parse::<Ipv4Addr>().unwrap().to_bits()), number),
                None => {
                    let address: Ipv6Addr = text.parse().unwrap();
                    assert_eq!(address.octets(), wanted.data[22 + 16 * at..][..16], "{text}");
                }
            }
        }
    }
    tried("addresses in rows", 4 * rows.len());
}

/// Fields of an IPv6 address that are often zero or nearly so.
fn any_v6() -> impl Strategy<Value = [u8; 16]> {
    let field = prop_oneof![3 => Just(0_u16), 1 => 0..16_u16, 1 => any::<u16>(), 1 => Just(0xffff_u16)];
    let sparse = prop::collection::vec(field, 8).prop_map(|fields| {
        let octets: Vec<u8> = fields.into_iter().flat_map(u16::to_be_bytes).collect();
        octets.try_into().unwrap()
    });
    let mapped = any::<[u8; 4]>().prop_map(|[a, b, c, d]| [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, a, b, c, d]);
    prop_oneof![4 => sparse, 1 => mapped, 2 => any::<[u8; 16]>()]
}

fn any_wanted() -> impl Strategy<Value = Wanted> {
    let addresses = prop_oneof![
        any::<([u8; 4], [u8; 4])>().prop_map(|(source, target)| Addresses::V4(source, target)),
        (any_v6(), any_v6()).prop_map(|(source, target)| Addresses::V6(source, target)),
    ];
    (any::<[u8; 6]>(), any::<[u8; 6]>(), addresses)
        .prop_map(|(mac_dst, mac_src, addresses)| Wanted::new(mac_dst, mac_src, addresses))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_addresses_are_shown_as_text_and_number(wanted in prop::collection::vec(any_wanted(), 200..400)) {
        check(&wanted);
    }
}

#[test]
fn addresses_at_corners_are_shown_as_text_and_number() {
    let bytes = [0, 1, 9, 0x0f, 0x10, 0x7f, 0x80, 0x9f, 0xa0, 0xff];
    let mut wanted = Vec::new();
    for (number, byte) in bytes.into_iter().enumerate() {
        for place in 0..6 {
            let mut octets = [bytes[(number + 3) % bytes.len()]; 6];
            octets[place] = byte;
            let [a, b, c, d, ..] = octets;
            wanted.push(Wanted::new(octets, [byte; 6], Addresses::V4([a, b, c, d], [byte; 4])));
        }
    }
    // Every pattern of zero fields, with the smallest and the largest digits in the others.
    for pattern in 0..=u8::MAX {
        let fields = |full: u16| (0..8).flat_map(move |field| (full * u16::from(pattern >> field & 1)).to_be_bytes());
        let octets = |full| fields(full).collect::<Vec<_>>().try_into().unwrap();
        wanted.push(Wanted::new([0; 6], [255; 6], Addresses::V6(octets(1), octets(0xffff))));
    }
    check(&wanted);
}

/// The forms of RFC 5952 sections 4.1 to 4.3 and 5, and of RFC 4291 section 2.2, worked out by hand.
#[test]
fn the_forms_of_rfc_5952_are_written_as_it_says() {
    let forms: [([u16; 8], &str); 19] = [
        ([0x2001, 0xdb8, 0, 0, 0, 0, 0, 1], "2001:db8::1"),
        ([0x2001, 0xdb8, 0xaaaa, 0xbbbb, 0xcccc, 0xdddd, 0xeeee, 0x0001], "2001:db8:aaaa:bbbb:cccc:dddd:eeee:1"),
        ([0x2001, 0xdb8, 0, 0, 0, 0, 2, 1], "2001:db8::2:1"),
        ([0x2001, 0xdb8, 0, 1, 1, 1, 1, 1], "2001:db8:0:1:1:1:1:1"),
        ([0x2001, 0, 0, 1, 0, 0, 0, 1], "2001:0:0:1::1"),
        ([0x2001, 0xdb8, 0, 0, 1, 0, 0, 1], "2001:db8::1:0:0:1"),
        ([0, 0, 0, 1, 0, 0, 0, 1], "::1:0:0:0:1"),
        ([1, 0, 0, 0, 0, 0, 0, 0], "1::"),
        ([1, 0, 0, 0, 0, 0, 0, 1], "1::1"),
        ([0, 1, 1, 1, 1, 1, 1, 0], "0:1:1:1:1:1:1:0"),
        ([0, 0, 0, 0, 0, 0, 0, 0], "::"),
        ([0, 0, 0, 0, 0, 0, 0, 1], "::1"),
        ([0xff02, 0, 0, 0, 0, 0, 0, 0xfb], "ff02::fb"),
        ([0xfe80, 0, 0, 0, 0xabcd, 0xef, 0x10, 0x1000], "fe80::abcd:ef:10:1000"),
        ([0, 0, 0, 0, 0, 0xffff, 0xc000, 0x0201], "::ffff:192.0.2.1"),
        ([0, 0, 0, 0, 0, 0xffff, 0, 0], "::ffff:0.0.0.0"),
        ([0, 0, 0, 0, 0, 0, 0x0b00, 1], "::11.0.0.1"),
        ([0, 0, 0, 0, 0, 0, 0, 0x0102], "::102"),
        ([0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff], "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ];
    let octets = |fields: [u16; 8]| -> [u8; 16] {
        fields.into_iter().flat_map(u16::to_be_bytes).collect::<Vec<_>>().try_into().unwrap()
    };
    let wanted = forms.map(|(fields, text)| {
        let mut wanted = Wanted::new([0; 6], [1; 6], Addresses::V6(octets(fields), octets(fields)));
        // Not what the function above says, but what is written here.
        wanted.shown[2..].fill((Some(text.to_owned()), None));
        wanted
    });
    check(&wanted);
}

//! A day of traffic that is made up, to look at; and tables of any text.

use crate::config::LengthKind;
use crate::day::Day;
use crate::report::scale;
use crate::summary::{Preview, Series, Track, Tracks};
use crate::tables::{Table, TableColumn};

use super::super::capture_times::CaptureTimes;
use super::super::content::{NameOptions, PageContent};

const HOUR: f64 = 60.0;
/// 2024-03-11, the first instant.
const START: i64 = 1_710_115_200_000_000;

pub(super) fn listed<const N: usize>(rows: u64, columns: [(&str, TableColumn); N]) -> Preview {
    Preview { rows, first: Table::new(columns), ..Preview::default() }
}

pub(super) fn texts(values: &[Option<&str>]) -> TableColumn {
    TableColumn::Text(values.iter().map(|value| value.map(str::to_owned)).collect())
}

pub(super) fn ints(values: &[i64]) -> TableColumn {
    TableColumn::Int(values.iter().copied().map(Some).collect())
}

/// A number from 0 to 1 that looks random.
fn noise(place: i64, salt: i64) -> f64 {
    let mixed = place
        .wrapping_mul(0x9E37_79B9_7F4A_7C15_u64.cast_signed())
        .wrapping_add(salt)
        .wrapping_mul(0x2545_F491_4F6C_DD1D);
    f64::from(u32::try_from((mixed ^ (mixed >> 29)) & 0xffff).unwrap()) / 65_535.0
}

/// Bytes in each minute of a day: quiet nights, a backup at 02:30, an hour without a capture, and a peak at 14:05.
fn series() -> Series {
    let minute = |place: i64, salt: i64, scale: f64| {
        let hour = scale::float(place) / HOUR;
        let day = (-(hour - 14.0).powi(2) / 18.0).exp() + 0.12;
        let burst = if noise(place, salt + 7) > 0.97 { 2.5 } else { 1.0 };
        if (17.2..18.1).contains(&hour) { 0.0 } else { day * scale * burst * (0.6 + 0.8 * noise(place, salt)) }
    };
    let protocol = |salt: i64, scale: f64| -> Vec<i64> {
        let extra = |place| match (salt, place) {
            (1, 845..849) => 4.2e8,
            (2, 150..196) => 9.0e7,
            _ => 0.0,
        };
        (0..1440).map(|place| scale::whole(minute(place, salt, scale) + extra(place))).collect()
    };
    let protocols = [
        (Some("TCP"), 1, 9.1e7),
        (Some("UDP"), 2, 3.4e7),
        (Some("ESP"), 3, 1.6e7),
        (Some("IPv6-ICMP"), 4, 4.2e6),
        (None, 5, 3.1e6),
        (Some("GRE"), 6, 1.4e6),
        (Some("ICMP"), 7, 9.0e5),
        (Some("OSPFIGP"), 8, 2.0e5),
        (Some("VRRP"), 9, 9.0e4),
    ];
    let protocols = protocols.into_iter().map(|(name, salt, scale)| (name.map(str::to_owned), protocol(salt, scale)));
    let protocols = Tracks { untimed: (48_210, 61), ..tracks((START, 60_000_000), protocols.collect()) };
    Series { protocols, ..Series::default() }
}

/// Tracks of packets of 702 bytes.
pub(super) fn tracks((start, bin): (i64, i64), bytes: Vec<(Option<String>, Vec<i64>)>) -> Tracks {
    let bins = bytes.iter().map(|(_, bytes)| bytes.len()).max().unwrap_or(0);
    let track = |bytes: Vec<i64>| Track { packets: bytes.iter().map(|bytes| bytes / 702).collect(), bytes };
    let each = bytes.into_iter().map(|(name, bytes)| (name, track(bytes))).collect();
    Tracks { start, bin, bins, each, ..Tracks::default() }
}

/// What was sent to some names on a week of dates.
pub(super) fn week() -> Tracks {
    let names = ["N/A", "www.example.com.", "<script>alert('by date')</script>.example."];
    let dates = |salt: i64| (0..7).map(|date| scale::whole(noise(date, salt) * 4e9)).collect();
    let named = names.into_iter().zip(1..).map(|(name, salt)| (Some(name.to_owned()), dates(salt)));
    let others = (2_204, Track { bytes: dates(9), packets: vec![1_000; 7] });
    Tracks { others, ..tracks((START, 86_400_000_000), named.chain([(None, dates(8))]).collect()) }
}

/// A year of a busy network, with as much as its page can have to say of the traffic.
pub(super) fn year() -> PageContent {
    let half_day = 43_200_000_000;
    let noisy = |bins: i64, salt: i64, scale: f64| -> Vec<i64> {
        (0..bins).map(|place| scale::whole((0.2 + noise(place, salt)) * scale)).collect()
    };
    // Each has a quarter of the one before it.
    let scale = |place| 1e12 / 4_f64.powi(place);
    let several = |bins, number: i32| {
        let one =
            |place: i32| (Some(format!("of-many-names-{place}.example.")), noisy(bins, place.into(), scale(place)));
        (0..number).map(one).collect()
    };
    // Quiet nights, and noise.
    let hour = |date: i64, hour: i64| {
        let day = (-(scale::float(hour) - 14.0).powi(2) / 18.0).exp() + 0.12;
        scale::whole(day * (0.5 + noise(date * 24 + hour, 3)) * 1e11)
    };
    let hours = |date| std::array::from_fn(|place| hour(date, i64::try_from(place).unwrap()));
    let hours = (0..365).map(|date| (Day(19_000 + i32::try_from(date).unwrap()), hours(date)));
    let protocols = tracks((START, half_day), several(730, 9));
    PageContent {
        series: Series { protocols, hours: hours.collect(), ..Series::default() },
        names_by_date: Some(tracks((START, 2 * half_day), several(365, 12))),
        ..day()
    }
}

/// A name, a type and a response code.
type Answered<'a> = (&'a str, &'a str, Option<&'a str>);

/// A day of traffic.
pub(super) fn day() -> PageContent {
    let series = series();
    let sums: Vec<i64> = series.protocols.each.iter().map(|(_, track)| track.bytes.iter().sum()).collect();
    let bytes = sums.iter().sum::<i64>() + series.protocols.untimed.0;
    let shares =
        |parts: &[f64]| -> Vec<i64> { parts.iter().map(|part| scale::whole(part * scale::float(bytes))).collect() };
    let packets = |bytes: &[i64]| {
        ints(
            &bytes
                .iter()
                .enumerate()
                .map(|(n, bytes)| bytes / (310 + 90 * (i64::try_from(n).unwrap() % 9)))
                .collect::<Vec<_>>(),
        )
    };
    let volume = |rows, column: &str, keys: &[Option<&str>], parts: &[f64]| {
        let sums = shares(parts);
        listed(rows, [(column, texts(keys)), ("bytes", ints(&sums)), ("packets", packets(&sums))])
    };
    let names = [
        Some("N/A"),
        Some("cdn-eu-west-1.assets.example.net."),
        Some("backup.internal.example."),
        Some("www.example.com."),
        Some("mail.example.org."),
        None,
        Some("updates.vendor.example."),
        Some("api.example.net."),
        Some("git.internal.example."),
        Some("xn--bcher-kva.example."),
        Some(
            "a-very-long-label-that-somebody-made-up-to-see-what-happens.with-another-long-one-after-it.and-a-third-one-for-good-measure.example.com.",
        ),
        Some("gpj.\u{202e}exe.example."),
        Some("<script>alert('x')</script>.example."),
        Some("ntp.example.org."),
    ];
    let parts = [0.31, 0.22, 0.141, 0.088, 0.061, 0.043, 0.037, 0.029, 0.021, 0.014, 0.006, 0.003, 0.0009, 0.000_02];
    let addresses = [
        Some("192.0.2.10"),
        Some("2001:db8:85a3:8d3:1319:8a2e:370:7348"),
        Some("198.51.100.23"),
        Some("2001:db8::10"),
        Some("203.0.113.77"),
        None,
        Some("2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff"),
        Some("192.0.2.44"),
        Some("224.0.0.251"),
        Some("ff02::fb"),
        Some("192.0.2.255"),
        Some("10.20.30.40"),
    ];
    let from: Vec<_> = addresses.into_iter().rev().collect();
    let protocols: Vec<Option<&str>> = series.protocols.each.iter().map(|(name, _)| name.as_deref()).collect();
    let ports = [
        ("TCP", 443),
        ("UDP", 443),
        ("TCP", 22),
        ("TCP", 445),
        ("UDP", 500),
        ("UDP", 53),
        ("TCP", 25),
        ("UDP", 123),
        ("TCP", 8080),
    ];
    let port_bytes = shares(&[0.44, 0.2, 0.09, 0.06, 0.04, 0.011, 0.008, 0.0004, 0.0001]);
    let half = |bytes: &[i64]| {
        ints(
            &bytes.iter().enumerate().map(|(n, bytes)| bytes / (i64::try_from(n).unwrap() % 3 + 2)).collect::<Vec<_>>(),
        )
    };
    let talk = shares(&[0.12, 0.1, 0.08, 0.07, 0.05, 0.04, 0.031, 0.024, 0.02, 0.013, 0.011, 0.004]);
    let back = half(&talk);
    let asked = [
        ("www.example.com.", "A", None),
        ("www.example.com.", "A", Some("NOERROR")),
        ("cdn-eu-west-1.assets.example.net.", "AAAA", None),
        ("_ldap._tcp.dc._msdcs.internal.example.", "SRV", Some("NXDOMAIN")),
        ("backup.internal.example.", "A", Some("NOERROR")),
        ("4.3.2.1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa.", "PTR", Some("NXDOMAIN")),
        ("wpad.internal.example.", "A", Some("SERVFAIL")),
    ];
    let dns = |rows, asked: &[Answered<'_>], first: i64| {
        let counts: Vec<i64> = (1..=i64::try_from(asked.len()).unwrap()).map(|place| first / (place * place)).collect();
        let column = |of: fn(&Answered<'_>) -> Option<String>| TableColumn::Text(asked.iter().map(of).collect());
        listed(
            rows,
            [
                ("name", column(|row| Some(row.0.to_owned()))),
                ("type", column(|row| Some(row.1.to_owned()))),
                ("response_code", column(|row| row.2.map(str::to_owned))),
                ("count", ints(&counts)),
            ],
        )
    };
    let failed: Vec<_> = asked.iter().copied().filter(|row| row.2.is_some_and(|code| code != "NOERROR")).collect();
    let beside = [
        ("192.0.2.10", "www.example.com."),
        ("2001:db8:85a3:8d3:1319:8a2e:370:7348", "cdn-eu-west-1.assets.example.net."),
        ("203.0.113.77", "<script>alert('beside')</script>.example."),
        (
            "2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff",
            "a-very-long-label-that-somebody-made-up-to-see-what-happens.example.",
        ),
    ];
    let mut capture_times = CaptureTimes::default();
    let hour = 3_600_000_000;
    (0..24).filter(|n| *n != 17).for_each(|n| capture_times.add(START + n * hour, START + (n + 1) * hour - 2_918_326));
    PageContent {
        title: None,
        of_captures: false,
        length: LengthKind::Wire,
        sources: vec!["dns"],
        name_options: NameOptions::default(),
        names: beside.map(|(address, name)| (address.to_owned(), name.to_owned())).into(),
        implausible: Vec::new(),
        lake: "/srv/lakes/office-2024-03".to_owned(),
        dates: Some(("2024-03-11".to_owned(), "2024-03-11".to_owned())),
        made: "2024-03-12T06:00:04Z".to_owned(),
        packets: bytes / 702,
        bytes,
        captures: 26,
        damaged: 2,
        refused: 1,
        by_name: volume(218, "name_dst", &names, &parts),
        by_ip: volume(4310, "ip_dst", &addresses, parts.get(..12).unwrap()),
        by_src: volume(913, "ip_src", &from, parts.get(..12).unwrap()),
        protocols: listed(9, [("protocol", texts(&protocols)), ("bytes", ints(&sums)), ("packets", packets(&sums))]),
        ports: listed(
            2204,
            [
                ("protocol", texts(&ports.map(|(protocol, _)| Some(protocol)))),
                ("port", ints(&ports.map(|(_, port)| port))),
                ("bytes", ints(&port_bytes)),
                ("packets", packets(&port_bytes)),
                ("bytes_from", half(&port_bytes)),
                ("packets_from", half(&shares(&[2e-4, 1e-4, 9e-5, 5e-5, 4e-5, 3e-5, 2e-5, 1e-6, 1e-7]))),
            ],
        ),
        conversations: listed(
            18_454,
            [
                ("ip_src", texts(&addresses)),
                ("ip_dst", texts(&from)),
                ("bytes", ints(&talk)),
                ("packets", packets(&talk)),
                ("bytes_in", back),
            ],
        ),
        dns_queries: dns(1204, &asked, 18_220),
        dns_failures: dns(3, &failed, 2_204),
        captures_table: captures(bytes),
        capture_times,
        series,
        names_by_date: Some(week()),
        ..PageContent::default()
    }
}

/// A capture an hour, of which two are damaged, one is odd and one was refused.
fn captures(bytes: i64) -> Preview {
    let name = |n: i64| {
        Some(match n {
            24 => "/srv/captures/office/incoming/not-a-capture.pcap".to_owned(),
            25 => {
                "/srv/captures/office/2024-03-11/eth1-spare-interface-of-the-second-router-in-the-basement.pcapng.zst"
                    .to_owned()
            }
            _ => format!("/srv/captures/office/2024-03-11/eth0-{n:02}.pcap.gz"),
        })
    };
    let rows = 0..26_i64;
    let text = |of: &dyn Fn(i64) -> Option<String>| TableColumn::Text(rows.clone().map(of).collect());
    let number = |of: &dyn Fn(i64) -> Option<i64>| TableColumn::Int(rows.clone().map(of).collect());
    let time = |of: &dyn Fn(i64) -> Option<i64>| TableColumn::Time(rows.clone().map(of).collect());
    let read = |n: i64| n != 24;
    listed(
        26,
        [
            ("capture", text(&name)),
            ("format", text(&|n| read(n).then(|| if n == 25 { "pcapng" } else { "pcap-us" }.to_owned()))),
            ("packets", number(&|n| read(n).then_some(bytes / 26 / 702 + n * 311))),
            ("bytes", number(&|n| read(n).then_some(bytes / 26 + n * 3_311_201))),
            ("first_time", time(&|n| read(n).then_some(START + n.min(20) * 3_600_000_000 + 17_204))),
            ("last_time", time(&|n| read(n).then_some(START + (n.min(20) + 1) * 3_600_000_000 - 2_918_326))),
            (
                "status",
                text(&|n| {
                    Some(
                        match n {
                            7 | 17 => "damaged",
                            24 => "refused",
                            11 => "odd",
                            _ => "whole",
                        }
                        .to_owned(),
                    )
                }),
            ),
            (
                "damage",
                text(&|n| match n {
                    7 => Some(
                        "packet 1842 is cut off: its header announces 1514 captured bytes, the file has 96".to_owned(),
                    ),
                    17 => Some("the gzip stream ends early".to_owned()),
                    24 => Some("neither pcap nor pcapng: it begins with 3c 68 74 6d".to_owned()),
                    _ => None,
                }),
            ),
            (
                "damage_offset",
                number(&|n| match n {
                    7 => Some(1_048_560),
                    17 => Some(88_120_044),
                    _ => None,
                }),
            ),
        ],
    )
}

//! What a page says first where flows are counted, or clients of DNS: one thing is planted, or none.

use crate::support::build::{Frame, udp};
use crate::support::{folder, repository, run, text};

use super::stands_out::{DAY, HOUR, Traffic, days, findings, hours, page, says, told_with};

const FLOWS: [&str; 1] = ["--flows"];
const SYN: u8 = 2;
const RST_ACK: u8 = 20;
const SYN_ACK: u8 = 18;

/// A TCP packet without payload.
fn tcp((src, from): ([u8; 4], u16), (dst, to): ([u8; 4], u16), flags: u8) -> Frame {
    let mut data = vec![2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0, 0x45, 0, 0, 40, 0, 0, 0, 0, 64, 6, 0, 0];
    data.extend(src.into_iter().chain(dst));
    data.extend(from.to_be_bytes().into_iter().chain(to.to_be_bytes()));
    data.extend([0, 0, 0, 1, 0, 0, 0, 0, 0x50, flags, 4, 0, 0, 0, 0, 0]);
    Frame { orig_len: 54, data, addresses: None, ports: None }
}

/// Packets one after the other in the order of time.
fn in_order(traffic: &mut Traffic) {
    traffic.sort_by_key(|(second, _)| *second);
}

#[test]
fn a_scan_of_ports_is_named_first() {
    let folder = folder();
    let (scanner, target) = ([10, 0, 0, 99], [192, 0, 2, 7]);
    let captures = hours(&folder, 4, |hour, traffic| {
        if hour == 2 {
            let start = DAY + 2 * HOUR + 600;
            for port in 1..=1500_u16 {
                let at = start + u32::from(port) / 5;
                traffic.push((at, tcp((scanner, 50_000), (target, port), SYN)));
                // Every other one is refused, and one is open.
                let answer = if port == 443 { Some(SYN_ACK) } else { (port % 2 == 0).then_some(RST_ACK) };
                traffic.extend(answer.map(|flags| (at, tcp((target, port), (scanner, 50_000), flags))));
            }
            in_order(traffic);
        }
    });
    let found = told_with(&folder, &captures, &FLOWS);
    says(
        &found,
        "10.0.0.99 tried 1,499 ports of 192.0.2.7, and none answered.",
        &[
            "1,499 of the 1,500 targets that it tried never answered",
            "on 1 address;",
            "from 2024-02-29 02:10:00 to 2024-02-29 02:15:00",
        ],
    );
    assert_eq!(found.len(), 1, "{found:#?}");
    let [.., query] = &found[0];
    assert!(query.contains("ip_src = '10.0.0.99'"), "{query}");
    // Who with whom has the flows of both: 1,500, of which one was answered.
    let html = page(&captures, &FLOWS);
    let rows = html.split("id=\"conversations\"").nth(1).unwrap().split("</table>").next().unwrap();
    let row = rows.split("<tr").find(|row| row.contains("10.0.0.99")).unwrap();
    let states = ">750 REJ, 749 S0, 1 S1<";
    for figure in [">1,500<", ">1,499<", states, ">2024-02-29 02:10:00<", ">2024-02-29 02:15:00<", ">5 min<"] {
        assert!(row.contains(figure), "{figure}: {row}");
    }
    // Each port had one flow, so the first of them are shown.
    let ports = row.split("<span class=\"on\">").nth(1).unwrap().split("</td>").next().unwrap();
    let shown: String = ports.split('<').map(|piece| piece.split_once('>').map_or(piece, |(_, text)| text)).collect();
    assert_eq!(shown, "TCP 1, TCP 2, TCP 3, 1,497 others");
    assert!(html.contains("A flow failed") && !page(&captures, &[]).contains("A flow failed"));
}

#[test]
fn a_sweep_of_a_network_is_named_first() {
    let folder = folder();
    let captures = hours(&folder, 3, |hour, traffic| {
        if hour == 1 {
            let target = |host: u32| [198, 51, u8::try_from(host / 250).unwrap(), u8::try_from(host % 250).unwrap()];
            let probe = |host| (DAY + HOUR + host, tcp(([10, 0, 0, 77], 40_000), (target(host), 445), SYN));
            traffic.extend((0..300).map(probe));
            in_order(traffic);
        }
    });
    let found = told_with(&folder, &captures, &FLOWS);
    says(&found, "10.0.0.77 tried 300 addresses, and none answered.", &["of the 300 targets", "on 300 addresses"]);
    assert_eq!(found.len(), 1, "{found:#?}");
}

/// A capture of one direction has no answers: nothing can be said of who did not answer.
#[test]
fn connections_of_a_capture_of_one_direction_are_no_scan() {
    let folder = folder();
    let captures = hours(&folder, 3, |_, traffic| {
        for number in 0..400_u32 {
            let host = u8::try_from(number % 2 + 1).unwrap();
            let server = [198, 51, u8::try_from(number / 200).unwrap(), u8::try_from(number % 200).unwrap()];
            let from = u16::try_from(30_000 + number).unwrap();
            let start = traffic[0].0 / HOUR * HOUR;
            traffic.push((start + number * 7, tcp(([10, 0, 0, host], from), (server, 443), SYN)));
        }
        in_order(traffic);
    });
    let found = told_with(&folder, &captures, &FLOWS);
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn a_beacon_with_jitter_is_named_first() {
    let folder = folder();
    // Every minute, up to two seconds earlier or later, from another port each time; the sensor was off for an hour.
    let (client, server) = ([10, 0, 0, 5], ([203, 0, 113, 80], 443));
    let captures = hours(&folder, 6, |hour, traffic| {
        if hour == 3 {
            traffic.clear();
            return;
        }
        for minute in 0..60 {
            let late = [0, 2, 1, 0, 2, 1, 1][(minute as usize + hour as usize) % 7];
            let at = DAY + hour * HOUR + minute * 60 + late;
            let from = u16::try_from(20_000 + hour * 60 + minute).unwrap();
            traffic.push((at, tcp((client, from), server, SYN)));
            traffic.push((at, tcp(server, (client, from), SYN_ACK)));
        }
        in_order(traffic);
    });
    let found = told_with(&folder, &captures, &FLOWS);
    let place = found.iter().position(|[says, ..]| says.starts_with("10.0.0.5"));
    // The silent hour comes before.
    assert_eq!((found.len(), place), (2, Some(1)), "{found:#?}");
    says(
        &found[1..],
        "10.0.0.5 talks to 203.0.113.80 port 443 (TCP) every 60.0 s.",
        &["300 flows from 2024-02-29 00:00:00 to 2024-02-29 05:59:0", "have a spread of 2."],
    );
}

/// What a television tells its network every few seconds is regular, and nothing to look at.
#[test]
fn what_is_told_to_a_network_is_not_named() {
    let told = |source: [u8; 4], target: [u8; 4]| {
        let folder = folder();
        let captures = hours(&folder, 3, |hour, traffic| {
            let beat = |number: u32| {
                let mut frame = udp(1, b"here I am");
                frame.data[26..30].copy_from_slice(&source);
                frame.data[30..34].copy_from_slice(&target);
                (DAY + hour * HOUR + number * 90, frame)
            };
            traffic.extend((0..40).map(beat));
            in_order(traffic);
        });
        told_with(&folder, &captures, &FLOWS)
    };
    for target in [[192, 168, 7, 255], [192, 168, 255, 255], [255, 255, 255, 255], [239, 255, 255, 250]] {
        let found = told([192, 168, 7, 9], target);
        assert!(found.is_empty(), "{target:?}: {found:#?}");
    }
    // Others are: a host of the network, and an address of another one.
    for target in [[192, 168, 7, 254], [192, 169, 7, 255]] {
        assert_eq!(told([192, 168, 7, 9], target).len(), 1, "{target:?}");
    }
}

/// A DNS response that says that there is no such name.
fn no_such_name(client: [u8; 4], name: &str) -> Frame {
    let mut message = vec![0, 7, 0x81, 0x83, 0, 1, 0, 0, 0, 0, 0, 0];
    for label in name.split('.').filter(|label| !label.is_empty()) {
        message.push(u8::try_from(label.len()).unwrap());
        message.extend(label.bytes());
    }
    message.extend([0, 0, 1, 0, 1]);
    let mut frame = udp(1, &message);
    frame.data[26..30].copy_from_slice(&[192, 0, 2, 53]);
    frame.data[30..34].copy_from_slice(&client);
    frame.data[34..36].copy_from_slice(&53_u16.to_be_bytes());
    frame
}

#[test]
fn a_client_that_asks_for_names_that_do_not_exist_is_named_first() {
    for asked in [&[][..], &FLOWS] {
        let folder = folder();
        let captures = hours(&folder, 3, |hour, traffic| {
            if hour == 1 {
                for number in 0..330_u32 {
                    // Thirty of them are asked for twice.
                    let name = format!("x{}.example.net", number % 300);
                    traffic.push((DAY + HOUR + number * 10, no_such_name([10, 0, 0, 8], &name)));
                }
                in_order(traffic);
            }
        });
        let found = told_with(&folder, &captures, asked);
        says(&found, "10.0.0.8 asked for 300 names that do not exist.", &["330 responses to it said NXDOMAIN."]);
        assert_eq!(found.len(), 1, "{found:#?}");
    }
}

#[test]
fn in_ordinary_captures_no_flows_stand_out() {
    let folders = [folder(), folder()];
    let ordinary = [hours(&folders[0], 6, |_, _| {}), days(&folders[1], 5, |_, _| {})];
    for (folder, captures) in folders.iter().zip(&ordinary) {
        let found = told_with(folder, captures, &FLOWS);
        assert!(found.is_empty(), "{found:#?}");
    }
    for named in ["data/captures", "data/recipes"] {
        let found = findings(&page(&repository(named), &FLOWS));
        assert!(found.is_empty(), "{named}: {found:#?}");
    }
}

#[test]
fn rules_of_flows_are_left_out_where_none_are_counted_and_the_page_says_how_to_have_them() {
    let folder = folder();
    let captures = hours(&folder, 2, |_, _| {});
    let lake = text(&folder.path().join("lake"));
    assert_eq!(run(["convert", &text(&captures), "--out", &lake, "--quiet"]).status, Some(0));
    for (named, command) in
        [(lake.as_ref(), "parcap convert … --flows"), (captures.as_path(), "parcap report … --flows")]
    {
        let html = page(named, &[]);
        assert!(html.contains("scans") && html.contains("talk at regular intervals"), "{html}");
        assert!(html.contains(command), "{html}");
        if named == captures {
            assert!(!page(named, &FLOWS).contains(command));
        }
    }
}

//! What a page says first: captures into which one thing was planted, and ordinary ones, in which nothing is.
//!
//! The figures are those of what was planted, reckoned here by hand.

use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use tempfile::TempDir;

use crate::support::build::{Frame, pcap_header, pcap_record, udp};
use crate::support::{files, folder, repository, run, save, text};

/// 2024-02-29 (`date -u -d 2024-02-29 +%s`), and the seconds of an hour and a day.
pub(super) const DAY: u32 = 1_709_164_800;
pub(super) const HOUR: u32 = 3600;
const DAY_LONG: u32 = 24 * HOUR;

/// A packet of `bytes` bytes on the wire from one address to another.
fn frame(src: [u8; 4], dst: [u8; 4], bytes: usize) -> Frame {
    let mut frame = udp(1, &vec![0; bytes - 42]);
    frame.data[26..30].copy_from_slice(&src);
    frame.data[30..34].copy_from_slice(&dst);
    frame
}

/// Packets, each with its second.
pub(super) type Traffic = Vec<(u32, Frame)>;

/// The traffic of an office: every five seconds a packet of 142 to 1,092 bytes between one of eight hosts and one of four servers.
fn office(seconds: Range<u32>) -> Traffic {
    let of = |second: u32| {
        let mixed = second.wrapping_mul(2_654_435_761) >> 12;
        let [host, server] = [mixed % 8 + 1, mixed / 8 % 4 + 1].map(|number| u8::try_from(number).unwrap());
        let (host, server) = ([10, 0, 0, host], [192, 0, 2, server]);
        let bytes = 142 + usize::try_from(mixed / 32 % 20).unwrap() * 50;
        (second, if (mixed / 1024).is_multiple_of(2) { frame(host, server, bytes) } else { frame(server, host, bytes) })
    };
    seconds.step_by(5).map(of).collect()
}

fn capture(traffic: &Traffic) -> Vec<u8> {
    let records = traffic.iter().map(|(second, frame)| pcap_record(*second, 0, frame));
    records.fold(pcap_header(), |mut bytes, record| {
        bytes.extend(record);
        bytes
    })
}

/// Captures of an hour each from the beginning of the day on, as a rotation.
pub(super) fn hours(folder: &TempDir, number: u32, change: impl Fn(u32, &mut Traffic)) -> PathBuf {
    fs::create_dir_all(folder.path().join("captures")).unwrap();
    for hour in 0..number {
        let start = DAY + hour * HOUR;
        let mut traffic = office(start..start + HOUR);
        change(hour, &mut traffic);
        if !traffic.is_empty() {
            save(folder, &format!("captures/office-{hour:02}.pcap"), &capture(&traffic));
        }
    }
    folder.path().join("captures")
}

/// An hour of each of some days.
pub(super) fn days(folder: &TempDir, number: u32, change: impl Fn(u32, &mut Traffic)) -> PathBuf {
    fs::create_dir_all(folder.path().join("captures")).unwrap();
    for day in 0..number {
        let start = DAY + day * DAY_LONG;
        let mut traffic = office(start..start + HOUR);
        change(day, &mut traffic);
        save(folder, &format!("captures/day-{day}.pcap"), &capture(&traffic));
    }
    folder.path().join("captures")
}

/// The findings of a page, each as the text of its sentence, its evidence and its query.
pub(super) fn findings(html: &str) -> Vec<[String; 3]> {
    let plain = |html: &str| {
        let mut text = String::new();
        let mut inside = false;
        for character in html.chars() {
            match character {
                '<' => inside = true,
                '>' => inside = false,
                other if !inside => text.push(other),
                _ => {}
            }
        }
        text.replace("&#39;", "'").replace("&#62;", ">").replace("&#60;", "<").replace("&#38;", "&")
    };
    let part = |item: &str, begin: &str, end: &str| {
        item.split(begin).nth(1).map_or_else(String::new, |rest| plain(rest.split(end).next().unwrap()))
    };
    let item = |item: &str| {
        [
            part(item, "<p class=\"finding\">", "</p>"),
            part(item, "<p class=\"evidence\">", "</p>"),
            part(item, "<pre class=\"query\" tabindex=\"0\">", "</pre>"),
        ]
    };
    let list = html.split("<ol class=\"findings\">").nth(1).map(|rest| rest.split("</ol>").next().unwrap());
    list.into_iter().flat_map(|list| list.split("<li>").skip(1).map(item)).collect()
}

pub(super) fn page(named: &Path, options: &[&str]) -> String {
    let folder = folder();
    let out = text(&folder.path().join("page.html"));
    let ran = run([&["report", &text(named), "--out", &out], options].concat());
    assert!([Some(0), Some(3)].contains(&ran.status), "{ran:?}");
    fs::read_to_string(out).unwrap()
}

/// What the pages of captures and of a lake of them say stands out. Both say the same, but for how it is asked; and so does a lake whose captures
/// are read from a checkpoint.
fn told(folder: &TempDir, captures: &Path) -> Vec<[String; 3]> {
    told_with(folder, captures, &[])
}

/// The same, of pages of captures and of lakes that are made with some options.
pub(super) fn told_with(folder: &TempDir, captures: &Path, asked: &[&str]) -> Vec<[String; 3]> {
    let lake = |name: &str, options: &[&str]| {
        let lake = folder.path().join(name);
        let ran = run([&["convert", &text(captures), "--out", &text(&lake), "--quiet"], asked, options].concat());
        assert!([Some(0), Some(3)].contains(&ran.status), "{ran:?}");
        lake
    };
    let lakes = [lake("lake", &[]), lake("checkpoint", &[])];
    // The second commit, in which a capture has another time of modification, makes a checkpoint of the first one.
    let first = files(captures).first().map_or_else(|| captures.to_owned(), |name| captures.join(name));
    let file = fs::File::options().append(true).open(first).unwrap();
    file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000)).unwrap();
    lake("checkpoint", &["--checkpoint-after", "0"]);
    assert!(lakes[1].join("_parcap/checkpoint").is_dir());
    let said = |found: &[[String; 3]]| found.iter().map(|[says, by, _]| format!("{says} {by}")).collect::<Vec<_>>();
    let of_captures = findings(&page(captures, asked));
    let [of_lake, of_checkpoint] = lakes.map(|lake| findings(&page(&lake, &[])));
    assert_eq!(said(&of_captures), said(&of_lake));
    assert_eq!(said(&of_checkpoint), said(&of_lake));
    for ([.., command], [.., statement]) in of_captures.iter().zip(&of_lake) {
        assert!(command.starts_with("parcap "), "{command}");
        assert!(statement.starts_with("SELECT ") || statement.starts_with("parcap inspect "), "{statement}");
    }
    of_lake
}

#[track_caller]
pub(super) fn says(found: &[[String; 3]], sentence: &str, evidence: &[&str]) {
    let [says, by, _] = found.first().unwrap();
    assert_eq!(says, sentence, "{found:#?}");
    for figure in evidence {
        assert!(by.contains(figure), "{figure} is not in {by}");
    }
}

#[test]
fn in_ordinary_captures_nothing_stands_out() {
    let folders = [folder(), folder()];
    let ordinary = [hours(&folders[0], 6, |_, _| {}), days(&folders[1], 5, |_, _| {})];
    for (folder, captures) in folders.iter().zip(&ordinary) {
        let found = told(folder, captures);
        assert!(found.is_empty(), "{found:#?}");
        assert!(page(captures, &[]).contains("<p class=\"nothing\">Nothing stands out.</p>"));
    }
    let captures = repository("data/captures");
    let each = files(&captures)
        .into_iter()
        .filter(|name| !["md", "tsv"].contains(&name.extension().unwrap().to_str().unwrap()));
    let each: Vec<_> = each.map(|name| captures.join(name)).collect();
    assert!(each.len() >= 20, "{each:?}");
    for named in each.iter().chain([&captures, &repository("data/recipes")]) {
        let found = findings(&page(named, &[]));
        assert!(found.is_empty(), "{}: {found:#?}", named.display());
    }
}

#[test]
fn a_damaged_capture_is_named_first() {
    let folder = folder();
    let captures = hours(&folder, 3, |_, _| {});
    let path = captures.join("office-01.pcap");
    let bytes = fs::read(&path).unwrap();
    fs::write(&path, &bytes[..bytes.len() - 1]).unwrap();
    let found = told(&folder, &captures);
    // The hour has 720 packets.
    says(&found, "1 capture is damaged.", &[&text(&path), "packet 720 is cut off"]);
    assert_eq!(found.len(), 1);
    // A file that is no capture is refused.
    fs::write(&path, bytes).unwrap();
    fs::write(captures.join("office-02.pcap"), b"<html>").unwrap();
    let found = findings(&page(&captures, &[]));
    says(&found, "1 file was refused: no packet of it is here.", &["office-02.pcap"]);
}

#[test]
fn a_capture_with_times_of_another_day_is_named_first() {
    // Three days ahead; at the epoch, as after a start without a clock; the last one, 40 hours back.
    let epoch = -i64::from(DAY + 2 * HOUR);
    for (hour, by, says_of_it, evidence) in [
        // From the end of the next capture, 04:59:55, to its end, three days after 03:59:55.
        (
            3,
            3 * i64::from(DAY_LONG),
            "are 3 days away from those of its neighbours.",
            "From 2024-03-03 03:00:00 to 2024-03-03 03:59:55; those around it end at 2024-02-29 02:59:55 and begin at \
             2024-02-29 04:00:00.",
        ),
        // From its beginning to that of the capture before, 2024-02-29 01:00: 19,782 days and an hour, or 54.2 years of 365.25 days.
        (
            2,
            epoch,
            "are 54.2 years away from those of its neighbours.",
            "From 1970-01-01 00:00:00 to 1970-01-01 00:59:55; ",
        ),
        // The one before begins at 04:00; 39 hours.
        (
            5,
            -40 * 3600,
            "are 1.6 days away from those of its neighbours.",
            "to 2024-02-27 13:59:55; the one before it ends at 2024-02-29 04:59:55.",
        ),
    ] {
        let folder = folder();
        let captures = hours(&folder, 6, |at, traffic| {
            if at == hour {
                for (second, _) in traffic {
                    *second = u32::try_from(i64::from(*second) + by).unwrap();
                }
            }
        });
        let path = text(&captures.join(format!("office-{hour:02}.pcap")));
        says(&told(&folder, &captures), &format!("The times of {path} {says_of_it}"), &[evidence]);
    }
}

#[test]
fn a_clock_that_is_set_back_within_a_capture_is_named_first() {
    let folder = folder();
    // Two hours back after half an hour of the fifth hour.
    let captures = hours(&folder, 6, |hour, traffic| {
        if hour == 4 {
            traffic.iter_mut().skip(360).for_each(|(second, _)| *second -= 2 * HOUR);
        }
    });
    let found = told(&folder, &captures);
    let path = text(&captures.join("office-04.pcap"));
    // From 04:30 on the times are from 02:30:00; the first one is 04:00:00.
    says(
        &found,
        &format!("In {path} the clock was set back by 1.5 h or more."),
        &["1 packet is earlier than the one before", "from 2024-02-29 02:30:00 to 2024-02-29 04:29:55"],
    );
}

#[test]
fn a_clock_that_is_set_forward_within_a_capture_is_named_first() {
    // A day ahead after half an hour of the last hour, and for good.
    let folder = folder();
    let captures = hours(&folder, 6, |hour, traffic| {
        if hour == 5 {
            traffic.iter_mut().skip(360).for_each(|(second, _)| *second += DAY_LONG);
        }
    });
    let path = text(&captures.join("office-05.pcap"));
    says(
        &told(&folder, &captures),
        &format!("In {path} the times jump ahead by 1 day."),
        &[
            "It has no packet from 2024-02-29 05:29:56 to 2024-03-01 05:30:00",
            "from 2024-02-29 05:00:00 to 2024-03-01 05:59:55",
        ],
    );
    // Of some packets it says nothing.
    assert!(findings(&page(&captures, &["--protocol", "UDP"])).is_empty());
}

#[test]
fn a_silent_hour_is_named_first() {
    // The captures of an hour are missing; an hour within one capture is silent; the first possible hour and the last one.
    for (hour, in_one) in [(3, false), (3, true), (1, false), (4, false)] {
        let folder = folder();
        let captures = if in_one {
            let start = DAY + hour * HOUR;
            let traffic = office(DAY..start).into_iter().chain(office(start + HOUR..DAY + 6 * HOUR)).collect();
            save(&folder, "office.pcap", &capture(&traffic))
        } else {
            hours(&folder, 6, |at, traffic| {
                if at == hour {
                    traffic.clear();
                }
            })
        };
        let found = told(&folder, &captures);
        // The second of the last packet before it ends five seconds before the hour, and one.
        let (from, to) = (format!("2024-02-29 0{}:59:56", hour - 1), format!("2024-02-29 0{}:00:00", hour + 1));
        says(&found, &format!("No packet for 1 h, from {from} to {to}."), &["no pause is longer than 4 s"]);
        assert_eq!(found.len(), 1);
    }
}

#[test]
fn a_peak_and_who_made_it_are_named_first() {
    let folder = folder();
    // In 30 seconds from 02:10 on, 1,200 packets of 1,000 bytes.
    let captures = hours(&folder, 6, |hour, traffic| {
        if hour == 2 {
            let start = DAY + 2 * HOUR + 600;
            traffic.extend((0..1200).map(|n| (start + n / 40, frame([10, 0, 0, 3], [203, 0, 113, 9], 1000))));
            traffic.sort_by_key(|(second, _)| *second);
        }
    });
    let found = told(&folder, &captures);
    let [sentence, evidence, statement] = &found[0];
    // Bins of 15 seconds: 600 of its packets, and three of the office.
    assert!(
        sentence.starts_with("The peak: 60") && sentence.contains(" kB in 15 s from 2024-02-29 02:10:"),
        "{sentence}"
    );
    assert!(evidence.contains("100.0% of it is UDP.") || evidence.contains("100% of it is UDP."), "{evidence}");
    assert!(evidence.contains("Only one conversation has as many bytes: 10.0.0.3 with 203.0.113.9."), "{evidence}");
    assert!(statement.contains("epoch_us(datetime) >= 17091726"), "{statement}");
    // 600 and three packets in 15 seconds.
    let page = page(&captures, &[]);
    assert!(page.contains("Peak 40 packets/s in the bin from 2024-02-29 02:10:"), "{page}");
}

#[test]
fn a_conversation_that_is_most_of_the_traffic_is_named_first() {
    let folder = folder();
    // Every second 700 bytes to another address, and 100 back: 6 * 3,600 * 800 bytes.
    let captures = hours(&folder, 6, |hour, traffic| {
        let start = DAY + hour * HOUR;
        for second in start..start + HOUR {
            traffic.push((second, frame([10, 0, 0, 7], [203, 0, 113, 9], 700)));
            traffic.push((second, frame([203, 0, 113, 9], [10, 0, 0, 7], 100)));
        }
        traffic.sort_by_key(|(second, _)| *second);
    });
    let found = told(&folder, &captures);
    assert_eq!(found.len(), 1);
    let office: usize = office(DAY..DAY + 6 * HOUR).iter().map(|(_, frame)| frame.data.len()).sum();
    let both = 6 * 3600 * 800;
    let permille = (both * 1000 + (both + office) / 2) / (both + office);
    let sentence = format!(
        "One conversation is most of the traffic: 10.0.0.7 with 203.0.113.9, {}.{}% of all bytes.",
        permille / 10,
        permille % 10
    );
    says(
        &found,
        &sentence,
        &["17.3 MB in 43,200 packets, of 33 conversations; 15.1 MB from the first, 2.16 MB from the other."],
    );
    // Of two addresses there is nothing else that it could be.
    let filtered = findings(&page(&captures, &["--net", "203.0.113.9"]));
    assert!(filtered.is_empty(), "{filtered:?}");
}

#[test]
fn an_address_that_was_never_met_before_is_named_first() {
    let folder = folder();
    let captures = days(&folder, 4, |day, traffic| {
        // It is new on the last date only; on the second date another one was.
        let host = if day == 3 { 66 } else { 55 };
        if [1, 3].contains(&day) {
            let start = DAY + day * DAY_LONG;
            traffic.extend((0..10).map(|n| (start + 3500 + n, frame([10, 0, 0, host], [192, 0, 2, 1], 500))));
        }
    });
    let found = told(&folder, &captures);
    // Eight hosts of the office are known.
    says(
        &found,
        "10.0.0.66 was never met before 2024-03-03.",
        &["It sent 5.00 kB in 10 packets.", "All other 8 private sources of the date were met on the 3 dates before."],
    );
    assert_eq!(found.len(), 1);
    // With two dates before, nothing is said.
    assert!(findings(&page(&folder.path().join("lake"), &["--from", "2024-03-01"])).is_empty());
}

#[test]
fn a_length_that_no_packet_has_is_named_first_and_is_neither_peak_nor_conversation() {
    let folder = folder();
    let captures = hours(&folder, 3, |hour, traffic| {
        if let Some((_, frame)) = traffic.get_mut(100).filter(|_| hour == 1) {
            frame.orig_len = 0x2020_2020;
        }
    });
    let found = told(&folder, &captures);
    assert_eq!(found.len(), 1, "{found:#?}");
    let [sentence, evidence, _] = &found[0];
    assert!(sentence.starts_with("One packet claims to be 99."), "{sentence}");
    assert!(evidence.contains("Packet 101 of ") && evidence.contains("539 MB announced"), "{evidence}");
}

#[test]
fn tables_that_a_filter_does_not_allow_are_left_out_and_named() {
    let folder = folder();
    let captures = hours(&folder, 3, |_, _| {});
    let lake = folder.path().join("lake");
    assert_eq!(run([Path::new("convert"), &captures, Path::new("--out"), &lake, Path::new("--quiet")]).status, Some(0));
    let sections = |html: &str| {
        let ids = html.split("<section id=\"").skip(1).map(|rest| rest.split('"').next().unwrap().to_owned());
        ids.collect::<Vec<_>>().join(" ")
    };
    let facts =
        |html: &str| html.split("<dl class=\"facts\">").nth(1).unwrap().split("</dl>").next().unwrap().to_owned();
    let all = "stands-out coverage traffic volume sources mix conversations dns captures";
    for (options, of_lake, of_captures) in [
        (&[][..], all, all),
        (
            &["--protocol", "UDP"],
            "stands-out coverage traffic volume sources mix conversations",
            "stands-out coverage traffic volume sources mix conversations dns",
        ),
        (
            &["--net", "10.0.0.1"],
            "stands-out coverage volume sources mix conversations",
            "stands-out coverage traffic volume sources mix conversations dns",
        ),
        (&["--from", "2024-02-29T01:00Z", "--to", "2024-02-29T02:00Z"], "stands-out coverage traffic captures", all),
    ] {
        let [lakes, of_files] = [lake.as_path(), &captures].map(|named| page(named, options));
        assert_eq!((sections(&lakes).as_str(), sections(&of_files).as_str()), (of_lake, of_captures), "{options:?}");
        // What was counted is the same, whatever can be shown of it.
        assert_eq!(facts(&lakes), facts(&of_files), "{options:?}");
        let summed = run([&["summarize", &text(&lake), "--format", "json"], options].concat()).json();
        for left_out in summed["left_out"].as_array().unwrap() {
            let name = left_out.as_str().unwrap();
            let is_shown = !["send_rates", "names", "dns_names", "dns_clients", "tunnels"].contains(&name);
            assert_eq!(lakes.contains(&format!("<code>{name}</code> is left out: ")), is_shown, "{name} {options:?}");
        }
        assert_eq!(lakes.contains("class=\"filtered\""), !options.is_empty());
    }
    // An hour has 720 packets of the office.
    let hour = page(&lake, &["--from", "2024-02-29T01:00Z", "--to", "2024-02-29T02:00Z"]);
    assert!(facts(&hour).contains("<dt>Packets</dt><dd>720"), "{}", facts(&hour));
    let filtered = page(&lake, &["--net", "10.0.0.1"]);
    assert!(filtered.contains("Not looked for: silent stretches and the peak; "), "{filtered}");
    let one: usize = office(DAY..DAY + 3 * HOUR)
        .iter()
        .filter(|(_, frame)| [&frame.data[26..30], &frame.data[30..34]].contains(&&[10, 0, 0, 1][..]))
        .count();
    assert!(facts(&filtered).contains(&format!("<dt>Packets</dt><dd>{one}")), "{}", facts(&filtered));
}

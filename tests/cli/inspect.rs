//! `parcap inspect` says what is in a capture; the numbers are those of the bytes, and those of a conversion.

use crate::support::build::{Capture, interface, packet, pcap_header, pcap_record, section, udp};
use crate::support::{folder, manifests, repository, run, run_with, save, summary, text};

#[test]
fn every_number_is_that_of_a_conversion() {
    let folder = folder();
    let lake = text(&folder.path().join("lake"));
    let (whole, damaged) = (text(&repository("data/captures")), text(&repository("data/damaged")));
    for salvage in [&[] as &[&str], &["--salvage"]] {
        let lake = format!("{lake}{}", salvage.len());
        let args = [&["convert", &whole, &damaged, "--out", &lake, "--quiet"], salvage].concat();
        assert_eq!(run(args).status, Some(3));
        let inspected = run([&["inspect", &whole, &damaged, "--format", "json"], salvage].concat());
        assert_eq!(inspected.status, Some(3));
        let (inspected, manifest) = (inspected.json(), manifests(lake.as_ref()).remove(0));
        let captures = inspected["captures"].as_array().unwrap();
        let inputs = manifest["inputs"].as_array().unwrap();
        assert_eq!(captures.len(), inputs.len());
        // Some are cut copies of others, and left out.
        let converted = |capture: &&serde_json::Value| {
            let input = inputs.iter().find(|input| input["path"] == capture["path"]).unwrap();
            (input["status"] != "duplicate").then(|| input.clone())
        };
        let both: Vec<_> = captures.iter().filter_map(|capture| Some((capture, converted(&capture)?))).collect();
        assert!(both.len() + 6 > captures.len(), "{} of {}", both.len(), captures.len());
        for (capture, input) in both {
            for number in ["records", "length", "link_types", "earliest", "latest", "odd", "damage", "gaps", "format"] {
                assert_eq!(capture["found"][number], input["found"][number], "{number} of {}", capture["path"]);
            }
        }
        let refused = manifest["refused"].as_array().unwrap().len();
        assert_eq!(inspected["refused"].as_array().unwrap().len(), refused);
    }
}

/// Two sections of a pcapng with two interfaces; what is asked of them is counted by hand.
#[test]
fn a_pcapng_shows_its_sections_and_interfaces() {
    let mut capture = Capture::pcapng();
    capture.packet(4, 5, udp(1, &[0; 10]));
    capture.block(&interface(101, 96, 0x80 | 20, -3600));
    capture.block(&section());
    capture.block(&interface(1, 0, 9, 0));
    let mut frame = udp(2, &[0; 20]);
    frame.orig_len += 1000;
    capture.timed(&packet(0, 1_709_164_800_000_000_123, &frame), 4, 0, frame);
    let folder = folder();
    let path = save(&folder, "two.pcapng", &capture.bytes);
    let ran = run(["inspect", &text(&path)]);
    // Ethernet, IPv4 and UDP headers are 42 bytes.
    let expected = format!(
        "{}\n  format        pcapng, little-endian\n  file          {} bytes\n  packets       2: ETHERNET 2\n  \
         on the wire   1,114 bytes\n  captured      114 bytes\n  first         2024-02-29T00:00:00.000000123Z\n  \
         last          2024-02-29T00:00:00.000005Z\n  duration      0.000004877 s\n  in order      no, backwards once\n  \
         section 0     \"hello\"\n  section 1     \"hello\"\n  \
         interface 0.0 ETHERNET, times in 10^-6 s, 1 packet\n  \
         interface 0.1 RAW, times in 2^-20 s, -3600 s added, snapshot length 96, 0 packets\n  \
         interface 1.0 ETHERNET, times in 10^-9 s, 1 packet\n  \
         status        odd: all of it was read, and each packet has its row; something is unusual\n  \
         snapped       1 packet, cut by the snapshot length\n  \
         odd           time_backwards 1: A time before that of the timed packet before it.\n  damage        none\n",
        path.display(),
        capture.bytes.len()
    );
    assert_eq!((ran.status, ran.stdout.as_str()), (Some(0), expected.as_str()));
}

#[test]
fn a_name_in_a_capture_does_not_steer_the_terminal() {
    let mut body = vec![1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 8, 0];
    body.extend(b"\x1b[31mred");
    body.extend([0, 0, 0, 0]);
    let mut bytes = section();
    bytes.extend(crate::support::build::block(1, &body));
    let ran = run_with(["inspect", "-"], &bytes);
    assert_eq!(ran.status, Some(0));
    assert!(ran.stdout.contains(r#""\u{1b}[31mred""#) && !ran.stdout.contains('\u{1b}'), "{:?}", ran.stdout);
    let file = format!("  file          {} bytes\n", bytes.len());
    assert!(ran.stdout.starts_with("stdin\n  format        pcapng") && ran.stdout.contains(&file), "{}", ran.stdout);
}

#[test]
fn what_is_no_capture_is_named_and_the_others_are_shown() {
    let (text_file, capture) = (repository("data/damaged/text.pcap"), repository("data/captures/vlan.pcap"));
    let ran = run(["inspect", &text(&text_file), &text(&capture)]);
    assert_eq!(ran.status, Some(3));
    assert!(ran.complaint().ends_with("text.pcap: is not a capture: it begins with text"), "{}", ran.complaint());
    // 110 and 12406: EXPECTED.tsv.
    assert!(ran.stdout.contains("  packets       110: ETHERNET 110\n  on the wire   12,406 bytes\n"), "{}", ran.stdout);
}

/// A classic pcap of packets of 142 bytes, of which these numbers of bytes were captured, each a second after the one before.
pub(super) fn snapped(captured: &[usize]) -> Vec<u8> {
    let mut bytes = pcap_header();
    for (second, captured) in (1_600_000_000..).zip(captured) {
        let mut frame = udp(1, &[0; 100]);
        frame.data.truncate(*captured);
        bytes.extend(pcap_record(second, 0, &frame));
    }
    bytes
}

/// Law: what a snapshot length cuts off is never odd, wherever it cuts; what is odd besides is odd all the same. The word
/// is the same in `inspect`, in the table of captures and on the page, and is explained beside it.
#[test]
fn a_capture_that_only_its_snapshot_length_cuts_is_whole() {
    let folder = folder();
    // In the payload, and within the headers of Ethernet (14 bytes), IPv4 (20) and UDP (8); not at zero, which is a packet
    // without a byte.
    let everywhere = snapped(&(1..=142).collect::<Vec<_>>());
    let backwards = [snapped(&[142, 60]), pcap_record(1_500_000_000, 0, &udp(1, &[0; 100]))].concat();
    // A datagram that says 142 bytes were on the wire and 16 of them are there is cut by nobody's snapshot length.
    let mut short = udp(1, &[0; 100]);
    short.data.truncate(16);
    short.orig_len = 16;
    let cut = [snapped(&[142, 20]), pcap_record(1_600_000_009, 0, &short)].concat();
    for (name, bytes, status, odd) in [
        ("everywhere", &everywhere, "whole", None),
        ("backwards", &backwards, "odd", Some("time_backwards 1")),
        ("cut", &cut, "odd", Some("ipv4_cut 1")),
    ] {
        let path = text(&save(&folder, name, bytes));
        let inspected = run(["inspect", &path]);
        let line = inspected.stdout.lines().find_map(|line| line.strip_prefix("  status        ")).unwrap();
        let (word, meaning) = line.split_once(": ").unwrap();
        assert_eq!((inspected.status, word), (Some(0), status), "{name}: {}", inspected.stdout);
        let odd_lines: Vec<_> =
            inspected.stdout.lines().filter_map(|line| line.strip_prefix("  odd           ")).collect();
        // Each with what it means.
        assert!(odd_lines.iter().all(|line| line.split_once(": ").is_some_and(|(_, meaning)| meaning.len() > 10)));
        let counts: Vec<_> = odd_lines.iter().filter_map(|line| line.split(':').next()).collect();
        assert_eq!(counts, odd.into_iter().collect::<Vec<_>>(), "{name}");

        let lake = folder.path().join(format!("{name}.lake"));
        let ran = run(["convert", &path, "--out", &text(&lake)]);
        let captures = summary(&lake, "captures");
        assert_eq!((ran.status, captures[0].get("status")), (Some(0), Some(status)));
        assert_eq!(ran.stdout.contains(&format!(" odd: {meaning}\n")), status == "odd", "{}", ran.stdout);
        assert!(ran.stderr.contains(" cut by the snapshot length\n"), "{}", ran.stderr);
        let said = ran.stderr.lines().find_map(|line| line.strip_prefix("odd, and converted all the same: "));
        let said = said.map(|said| said.split(';').next().unwrap());
        assert_eq!(said, odd, "{}", ran.stderr);
    }
}

#[test]
fn a_table_has_a_line_for_each_capture() {
    let folder = folder();
    let archive = folder.path().join("archive");
    std::fs::create_dir(&archive).unwrap();
    let whole = snapped(&[142; 1200]);
    std::fs::write(archive.join("a.pcap"), &whole).unwrap();
    std::fs::write(archive.join("b with blanks.pcap.zst"), zstd::encode_all(whole.as_slice(), 1).unwrap()).unwrap();
    std::fs::write(archive.join("c\x1b[31m.pcap"), &whole[..24 + 3 * 158 + 5]).unwrap();
    std::fs::write(archive.join("d.pcap"), b"").unwrap();
    std::fs::write(archive.join("e.pcap"), b"this is text").unwrap();
    let ran = run(["inspect", &text(&archive), "--format", "table"]);
    assert_eq!(ran.status, Some(3), "{ran:?}");
    let lines: Vec<_> = ran.stdout.lines().collect();
    assert_eq!(lines.len(), 6, "{}", ran.stdout);
    // Columns begin, or for numbers end, where their heads do.
    let chars: Vec<Vec<char>> = lines.iter().map(|line| line.chars().collect()).collect();
    let heads = ["path", "format", "status", "packets", "first", "last", "size"];
    let mut places = heads.map(|head| lines[0].find(head).unwrap());
    assert!(places.is_sorted());
    places[3] = lines[0].find("status").unwrap() + "refused".len() + 2;
    places[6] = lines[0].find("last").unwrap() + "2020-09-13T12:46:39Z".len() + 2;
    let cells = |line: &[char]| {
        let mut ends: Vec<_> = places[1..].to_vec();
        ends.push(line.len());
        let cell = |(begin, end): (&usize, usize)| line[*begin..end].iter().collect::<String>().trim().to_owned();
        places.iter().zip(ends).map(cell).skip(1).collect::<Vec<_>>()
    };
    // `date -u -d @1600000000`, and 1199 and 2 seconds later. 24 + 1200 * 158 bytes are 185.18 KiB.
    let (first, last) = ("2020-09-13T12:26:40Z", "2020-09-13T12:46:39Z");
    assert_eq!(cells(&chars[1]), ["pcap-us", "whole", "1,200", first, last, "185.18 KiB"]);
    assert_eq!(cells(&chars[2])[..5], ["pcap-us+zstd", "whole", "1,200", first, last]);
    assert_eq!(cells(&chars[3]), ["pcap-us", "damaged", "3", first, "2020-09-13T12:26:42Z", "503 B"]);
    assert_eq!(cells(&chars[4]), ["empty", "odd", "0", "-", "-", "0 B"]);
    assert_eq!(cells(&chars[5]), ["-", "refused", "-", "-", "-", "-"]);
    assert!(lines[1].starts_with(&text(&archive.join("a.pcap "))) && !ran.stdout.contains('\u{1b}'));
    for word in ["odd", "damaged", "refused"] {
        assert!(ran.stderr.contains(&format!("note: {word}: ")), "{}", ran.stderr);
    }
    // The other forms are as they were.
    assert!(run(["inspect", &text(&archive.join("a.pcap"))]).stdout.contains("\n  format        pcap-us"));
    assert_eq!(run(["inspect", &text(&archive), "--format", "json"]).json()["captures"].as_array().unwrap().len(), 4);
}

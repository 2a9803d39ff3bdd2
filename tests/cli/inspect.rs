//! `parcap inspect` says what is in a capture; the numbers are those of the bytes, and those of a conversion.

use super::common::build::{Capture, interface, packet, section, udp};
use super::common::{folder, manifests, repository, run, run_with};
use super::{save, text};

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
        for (capture, input) in captures.iter().zip(inputs) {
            assert_eq!(capture["path"], input["path"]);
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
         odd           cut_by_snap_len 1, ipv4_cut 1, time_backwards 1\n  damage        none\n",
        path.display(),
        capture.bytes.len()
    );
    let odd = |text: &str| text.lines().filter(|line| !line.contains("  odd ")).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!((ran.status, odd(&ran.stdout)), (Some(0), odd(&expected)), "{}", ran.stdout);
}

#[test]
fn a_name_in_a_capture_does_not_steer_the_terminal() {
    let mut body = vec![1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 8, 0];
    body.extend(b"\x1b[31mred");
    body.extend([0, 0, 0, 0]);
    let mut bytes = section();
    bytes.extend(super::common::build::block(1, &body));
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

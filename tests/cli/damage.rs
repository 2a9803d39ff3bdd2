//! What becomes of damaged captures: `--salvage`, `--strict`, and what is said of both.

use std::path::Path;

use super::common::build::{Capture, Known, udp};
use super::common::{files, folder, manifests, packets, repository, run, run_with, summary};
use super::{sample, save, text};

/// A capture whose eleventh record announces more bytes than any has, and how it begins and goes on.
pub(super) fn broken() -> (Vec<u8>, Capture) {
    let mut capture = Capture::pcap();
    for number in 0..40_u16 {
        capture.record(4, u32::from(number), udp(number, &[9; 30]));
    }
    let mut bytes = capture.bytes.clone();
    let (fault, _) = capture.boundaries[10];
    bytes[fault + 8..fault + 12].copy_from_slice(&u32::MAX.to_le_bytes());
    (bytes, capture)
}

fn convert(inputs: &[&Path], lake: &Path, options: &[&str]) -> super::common::Ran {
    let mut args: Vec<String> = vec!["convert".into(), "--out".into(), text(lake), "--top".into(), "0".into()];
    args.extend(inputs.iter().map(|path| text(path)));
    args.extend(options.iter().map(|option| (*option).to_owned()));
    run(args)
}

fn rows(lake: &Path) -> Vec<Known> {
    packets(lake).iter().map(Known::of).collect()
}

#[test]
fn salvage_goes_on_behind_a_fault_and_says_what_it_gave_up() {
    let folder = folder();
    let (bytes, capture) = broken();
    let path = save(&folder, "broken.pcap", &bytes);
    let (plain, salvaged) = (folder.path().join("plain"), folder.path().join("salvaged"));

    let ran = convert(&[&path], &plain, &[]);
    assert_eq!(ran.status, Some(3));
    assert!(ran.stderr.contains(
        "\nhint: the 10 packets before it were converted; `--salvage --retry-damaged` looks for more behind it\n"
    ));
    assert_eq!(rows(&plain), capture.rows()[..10]);

    let ran = convert(&[&path], &salvaged, &["--salvage"]);
    assert_eq!(ran.status, Some(3));
    // A record of 16 bytes of header and 72 of packet.
    let hint = "\nhint: 10 packets before it and 29 behind it were converted; 88 bytes in 1 gap were given up\n";
    assert!(ran.stderr.contains(hint), "{}", ran.stderr);
    let mut expected = capture.rows();
    expected.remove(10);
    assert_eq!(rows(&salvaged), expected);
    let found = &manifests(&salvaged)[0]["inputs"][0]["found"];
    let fault = capture.boundaries[10].0;
    assert_eq!(found["gaps"]["first"][0]["damage"]["offset"], fault);
    assert_eq!(found["gaps"]["first"][0]["resumed_at"], fault + 88);
    assert_eq!(summary(&salvaged, "captures")[0].int("gap_bytes"), Some(88));
    assert_eq!(summary(&plain, "captures")[0].int("gap_bytes"), None);
}

#[test]
fn salvage_is_the_same_from_standard_input_and_from_a_compressed_capture() {
    let folder = folder();
    let (bytes, capture) = broken();
    let piped = folder.path().join("piped");
    let ran = run_with(["convert", "-", "--out", &text(&piped), "--salvage"], &bytes);
    assert_eq!(ran.status, Some(3));
    let packed = save(&folder, "broken.pcap.zst", &zstd::encode_all(bytes.as_slice(), 1).unwrap());
    let unpacked = folder.path().join("unpacked");
    assert_eq!(convert(&[&packed], &unpacked, &["--salvage"]).status, Some(3));
    assert_eq!((rows(&piped).len(), rows(&piped)), (capture.known.len() - 1, rows(&unpacked)));
}

#[test]
fn strict_refuses_a_damaged_capture_and_converts_its_neighbours() {
    let folder = folder();
    let (bytes, capture) = broken();
    let captures = folder.path().join("captures");
    std::fs::create_dir(&captures).unwrap();
    // Between two others, so that it shares a unit with them.
    for (name, bytes) in [("a.pcap", &capture.bytes), ("b.pcap", &bytes), ("c.pcap", &capture.bytes)] {
        save(&folder, &format!("captures/{name}"), bytes);
    }
    let lake = folder.path().join("lake");
    let ran = convert(&[&captures], &lake, &["--strict"]);
    let complaint = format!(
        "error: {}/b.pcap: packet 11 at byte {} cannot be right: its header announces 4294967295 captured bytes, at most \
         262144 are plausible",
        captures.display(),
        capture.boundaries[10].0
    );
    assert_eq!((ran.status, ran.complaint()), (Some(3), complaint.as_str()));
    assert_eq!(rows(&lake).len(), 2 * capture.known.len());
    let manifest = &manifests(&lake)[0];
    assert_eq!(manifest["inputs"].as_array().unwrap().len(), 2);
    assert_eq!(manifest["refused"].as_array().unwrap().len(), 1);
    assert_eq!(files(&lake.join("_parcap/staging")), Vec::<std::path::PathBuf>::new());
    // With salvage it is damaged all the same.
    let both = folder.path().join("both");
    assert_eq!(convert(&[&captures], &both, &["--strict", "--salvage"]).status, Some(3));
    assert_eq!(rows(&both), rows(&lake));
    // Mended, the next run takes it.
    std::fs::write(captures.join("b.pcap"), &capture.bytes[..capture.bytes.len() - 88]).unwrap();
    assert_eq!(convert(&[&captures], &lake, &["--strict"]).status, Some(0));
    assert_eq!(rows(&lake).len(), 3 * capture.known.len() - 1);
}

#[test]
fn strict_refuses_a_capture_in_several_units_and_one_from_standard_input() {
    let folder = folder();
    let (bytes, _) = broken();
    let path = save(&folder, "broken.pcap", &bytes);
    let lake = folder.path().join("lake");
    let small = ["--strict", "--chunk-size", "400", "--target-file-size", "16"];
    let ran = convert(&[&path], &lake, &small);
    assert!(ran.complaint().contains(": packet 11 at byte "), "{}", ran.complaint());
    assert_eq!((ran.status, packets(&lake).len()), (Some(3), 0));
    let ran = run_with(["convert", "-", "--out", &text(&lake), "--strict"], &bytes);
    assert!(ran.complaint().starts_with("error: stdin: packet 11 at byte "), "{}", ran.complaint());
    assert_eq!((ran.status, packets(&lake).len()), (Some(3), 0));
}

#[test]
fn strict_says_nothing_of_sound_captures() {
    let folder = folder();
    let (plain, strict) = (folder.path().join("plain"), folder.path().join("strict"));
    let captures = repository("data/captures");
    assert_eq!(convert(&[&captures], &plain, &[]).status, Some(0));
    assert_eq!(convert(&[&captures], &strict, &["--strict"]).status, Some(0));
    assert_eq!(super::common::hashes(&plain.join("packets")), super::common::hashes(&strict.join("packets")));
    assert_eq!(run(["convert", &sample("vlan.pcap"), "--out", &text(&plain), "--strict"]).status, Some(0));
}

#[test]
fn the_same_stream_is_in_a_lake_once_whatever_the_settings() {
    let folder = folder();
    let (bytes, _) = broken();
    let lake = folder.path().join("lake");
    for options in [&[] as &[&str], &["--salvage"], &["--chunk-size", "1MiB"]] {
        run_with([&["convert", "-", "--out", &text(&lake)], options].concat(), &bytes);
        assert_eq!(packets(&lake).len(), 10, "{options:?}");
    }
}

#[test]
fn a_strict_commit_that_cannot_convert_again_commits_nothing() {
    let folder = folder();
    let (bytes, capture) = broken();
    for (name, bytes) in [("a.pcap", &capture.bytes), ("b.pcap", &bytes)] {
        save(&folder, name, bytes);
    }
    let (lake, captures) =
        (text(&folder.path().join("lake")), ["a.pcap", "b.pcap"].map(|name| folder.path().join(name)));
    let [first, second] = &captures;
    let unit = run(["plan", &text(first), &text(second), "--out", &lake]).stdout;
    let row = run_with(["convert-unit", "--out", &lake], unit.as_bytes()).stdout;
    captures.iter().for_each(|path| std::fs::rename(path, path.with_extension("away")).unwrap());
    let ran = run_with(["commit", &lake, "--strict"], row.as_bytes());
    let complaint = format!(
        "error: {}: shares a unit with a damaged capture, and cannot be read here to convert it again",
        first.display()
    );
    assert_eq!((ran.status, ran.complaint()), (Some(1), complaint.as_str()));
    // What was staged is still there.
    captures.iter().for_each(|path| std::fs::rename(path.with_extension("away"), path).unwrap());
    assert_eq!(run_with(["commit", &lake, "--strict"], row.as_bytes()).status, Some(3));
    assert_eq!(rows(Path::new(&lake)), capture.rows());
}

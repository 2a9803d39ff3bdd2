//! What becomes of damaged captures: `--salvage`, `--strict`, and what is said of both.

use std::path::Path;

use crate::support::build::{Capture, Known, udp};
use crate::support::{files, folder, manifests, packets, repository, run, run_with, sample, save, summary, text};

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

fn convert(inputs: &[&Path], lake: &Path, options: &[&str]) -> crate::support::Ran {
    let mut args: Vec<String> = vec!["convert".into(), "--out".into(), text(lake), "--top".into(), "0".into()];
    args.extend(inputs.iter().map(|path| text(path)));
    args.extend(options.iter().map(|option| (*option).to_owned()));
    run(args)
}

fn rows(lake: &Path) -> Vec<Known> {
    packets(lake).iter().map(Known::of).collect()
}

#[test]
fn salvage_goes_on_after_a_fault_and_says_what_it_gave_up() {
    let folder = folder();
    let (bytes, capture) = broken();
    let path = save(&folder, "broken.pcap", &bytes);
    let (plain, salvaged) = (folder.path().join("plain"), folder.path().join("salvaged"));

    let ran = convert(&[&path], &plain, &[]);
    assert_eq!(ran.status, Some(3));
    assert!(ran.stderr.contains(
        "\nhint: the 10 packets before it were converted; `--salvage --retry-damaged` looks for more after it\n"
    ));
    assert_eq!(rows(&plain), capture.rows()[..10]);

    let ran = convert(&[&path], &salvaged, &["--salvage"]);
    assert_eq!(ran.status, Some(3));
    // A record of 16 bytes of header and 72 of packet.
    let hint = "\nhint: 10 packets before it and 29 after it were converted; 88 bytes in 1 gap were given up\n";
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
    assert_eq!(crate::support::hashes(&plain.join("packets")), crate::support::hashes(&strict.join("packets")));
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

/// Zeros after the last packet became packets of 1970.
#[test]
fn zeros_after_the_last_packet_are_damage_and_no_packets() {
    let folder = folder();
    let capture = broken().1;
    let size = capture.bytes.len();
    for (count, name) in [(16, "one.pcap"), (4096, "page.pcap"), (100_001, "odd.pcap"), (1 << 20, "large.pcap")] {
        let path = save(&folder, name, &[&capture.bytes[..], &vec![0; count]].concat());
        let lake = folder.path().join(format!("lake of {name}"));
        let ran = convert(&[&path], &lake, &["--chunk-size", "30KiB"]);
        let complaint = format!(
            "warning: {}: packet 41 at byte {size} was not written: the {count} bytes from there to the end of the file are zeros",
            path.display()
        );
        assert_eq!((ran.status, ran.complaint()), (Some(3), complaint.as_str()));
        assert!(ran.stderr.contains("\nhint: the 40 packets before it were converted\n"), "{}", ran.stderr);
        assert_eq!(rows(&lake), capture.rows());
        let inspected = run(["inspect", &text(&path), "--format", "json"]);
        let found = &inspected.json()["captures"][0]["found"];
        assert_eq!(
            (inspected.status, &found["damage"]["kind"], &found["records"]),
            (Some(3), &"zero_tail".into(), &40.into())
        );
    }
}

#[test]
fn salvage_goes_on_after_a_hole_of_zeros() {
    let folder = folder();
    let capture = broken().1;
    let (at, before) = capture.boundaries[11];
    let path = save(&folder, "hole.pcap", &[&capture.bytes[..at], &[0; 4096], &capture.bytes[at..]].concat());
    let (plain, salvaged) = (folder.path().join("plain"), folder.path().join("salvaged"));
    let ran = convert(&[&path], &plain, &[]);
    // The first byte of the next time is a zero as well.
    let complaint =
        format!(": packet 12 at byte {at} was not written: 4097 bytes there are zeros, and others follow them");
    assert!(ran.complaint().ends_with(&complaint), "{}", ran.complaint());
    assert!(ran.stderr.contains("; `--salvage --retry-damaged` looks for more after it\n"), "{}", ran.stderr);
    assert_eq!((ran.status, rows(&plain)), (Some(3), capture.rows()[..before].to_vec()));
    let ran = convert(&[&path], &salvaged, &["--salvage"]);
    assert_eq!((ran.status, rows(&salvaged)), (Some(3), capture.rows()));
    assert!(ran.stderr.contains("; 4,096 bytes in 1 gap were given up\n"), "{}", ran.stderr);
}

/// The second file header became a packet of 2055.
#[test]
fn captures_one_after_the_other_are_all_converted() {
    let folder = folder();
    let first = broken().1;
    // Big endian, nanoseconds, raw IP (link type 101), snapshot length 96.
    let mut bytes = first.bytes.clone();
    bytes.extend([0xa1, 0xb2, 0x3c, 0x4d, 0, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 96, 0, 0, 0, 101]);
    let packet = &udp(7, &[1; 30]).data[14..];
    for nanos in [5_000_u32, 7_999] {
        let length = u32::try_from(packet.len()).unwrap();
        bytes.extend([1_709_164_801, nanos, length, length].iter().flat_map(|number: &u32| number.to_be_bytes()));
        bytes.extend(packet);
    }
    let path = save(&folder, "both.pcap", &bytes);
    let lake = folder.path().join("lake");
    let ran = convert(&[&path], &lake, &["--format", "json"]);
    assert_eq!((ran.status, &ran.json()["odd"]["appended_captures"]), (Some(0), &1.into()), "{ran:?}");
    let found = rows(&lake);
    assert_eq!(found[..40], first.rows());
    let times: Vec<_> = found[40..].iter().map(|known| (known.micros.unwrap(), known.length)).collect();
    // 58 bytes of IP; microseconds, rounded down.
    assert_eq!(times, [(1_709_164_801_000_005, 58), (1_709_164_801_000_007, 58)]);
    assert!(found[40..].iter().all(|known| known.addresses.as_ref().is_some_and(|(from, _)| from == "10.1.0.7")));
    assert_eq!(manifests(&lake)[0]["inputs"][0]["status"], "odd");
    let shown = run(["inspect", &text(&path)]).stdout;
    let line = format!(
        "  appended      at byte {}: pcap-ns, big-endian, RAW, snapshot length 96\n",
        number(first.bytes.len())
    );
    assert!(shown.contains(&line) && shown.contains("little-endian, snapshot length 262144"), "{shown}");
    assert!(shown.contains("  odd           appended_captures 1: "), "{shown}");
}

fn number(number: usize) -> String {
    format!("{},{:03}", number / 1000, number % 1000)
}

#[test]
fn a_packed_capture_that_is_padded_is_whole_and_what_else_follows_it_is_told() {
    let folder = folder();
    let packed = std::fs::read(sample("web.pcap.gz")).unwrap();
    let path = save(&folder, "padded.pcap.gz", &[&packed[..], &[0; 512]].concat());
    let lake = folder.path().join("lake");
    let ran = convert(&[&path], &lake, &[]);
    assert!(ran.status == Some(0) && !ran.stderr.contains("warning"), "{ran:?}");
    let rows = packets(&lake).len();
    let path = save(&folder, "trailing.pcap.gz", &[&packed[..], &[0; 512], b"and some other words"].concat());
    let other = folder.path().join("other");
    let ran = convert(&[&path], &other, &[]);
    assert_eq!((ran.status, packets(&other).len()), (Some(3), rows));
    let place =
        format!("what is at byte {} of the packed file is neither zeros nor more of the stream", packed.len() + 512);
    assert!(
        ran.complaint().contains("the compressed stream is whole, and other bytes follow it"),
        "{}",
        ran.complaint()
    );
    assert!(ran.complaint().ends_with(&place), "{}", ran.complaint());
}

/// A writer that took the place beforehand: zeros are where it has not written yet.
#[test]
fn zeros_at_the_end_of_a_capture_that_is_being_written_are_no_damage() {
    let folder = folder();
    let capture = broken().1;
    let path = save(&folder, "open.pcap", &[&capture.bytes[..], &[0; 8192]].concat());
    let open = std::fs::File::options().append(true).open(&path).unwrap();
    let mut writer = std::process::Command::new("sleep").arg("60").stdout(open).spawn().unwrap();
    let lake = folder.path().join("lake");
    let ran = convert(&[&path], &lake, &[]);
    assert_eq!((ran.status, rows(&lake)), (Some(0), capture.rows()), "{ran:?}");
    assert_eq!(manifests(&lake)[0]["inputs"][0]["status"], "open");
    writer.kill().unwrap();
    writer.wait().unwrap();
    // Nobody writes it any more, and it ends as it did.
    assert_eq!(convert(&[&path], &lake, &[]).status, Some(3));
    assert_eq!(rows(&lake), capture.rows());
}

#[test]
fn what_is_no_capture_is_called_by_its_name() {
    let folder = folder();
    let mut tar = vec![b'x'; 512];
    tar[257..262].copy_from_slice(b"ustar");
    let erf: Vec<u8> = (0..2)
        .flat_map(|number| {
            let mut record = vec![0, 0, 0, 0, number, 0x14, 0xbf, 0x40, 2, 4, 0, 80, 0, 0, 0, 60];
            record.resize(80, 9);
            record
        })
        .collect();
    let packed = zstd::encode_all(&tar[..], 1).unwrap();
    for (bytes, name, hint) in [
        (b"PK\x03\x04 and more".to_vec(), "a zip archive", "`unzip -p FILE | parcap convert - --out LAKE`"),
        (tar, "a tar archive", "`tar -xOf FILE | parcap convert - --out LAKE`"),
        (packed, "a tar archive", "`tar -xOf FILE"),
        (b"7z\xbc\xaf\x27\x1c\0\x04".to_vec(), "a 7z archive", "`7z x -so FILE"),
        (b"\x1f\x9d\x90 more".to_vec(), "a file of compress (.Z)", "`gzip -dc FILE"),
        (b"GMBU\0\x02 more".to_vec(), "a capture of Microsoft Network Monitor 2", "`editcap -F pcap FILE OUT`"),
        (b"snoop\0\0\0 more".to_vec(), "a Solaris snoop capture", "`editcap -F pcap FILE OUT`"),
        (b"<!doctype HTML><title>502".to_vec(), "an HTML page", "fetch the capture again"),
        (vec![0; 5000], "nothing but zeros", "take it from a backup"),
        (erf, "what looks like an Endace ERF capture", "`editcap -F pcap FILE OUT`"),
    ] {
        let path = save(&folder, "other.pcap", &bytes);
        let ran = convert(&[&path], &folder.path().join("lake"), &["--force"]);
        let complaint = format!("error: {}: is not a capture that can be read: it is {name}", path.display());
        assert_eq!((ran.status, ran.complaint()), (Some(3), complaint.as_str()));
        assert!(ran.stderr.contains("\nhint: ") && ran.stderr.contains(hint), "{}", ran.stderr);
        let piped = run_with(["convert", "-", "--out", &text(&folder.path().join("piped"))], &bytes);
        assert!(
            piped.stderr.contains(&format!("is not a capture that can be read: it is {name}\n")),
            "{}",
            piped.stderr
        );
    }
}

//! `parcap extract`: what it writes and says, and what it leaves out when captures are not what they were.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::support::build::{Capture, interface, packet, section, simple, udp};
use crate::support::{Ran, command, finish, folder, packets, run, run_with, sample, save, text};

use super::{capture, minute};

/// A lake with the way back to its captures.
fn lake_of(folder: &TempDir, captures: &[&Path]) -> String {
    let lake = text(&folder.path().join("lake"));
    let captures = captures.iter().map(|path| text(path));
    let args = ["convert", "--out", &lake, "--columns", "capture", "--quiet", "--top", "0"].map(str::to_owned);
    let ran = run(args.into_iter().chain(captures));
    assert_eq!(ran.status, Some(0), "{ran:?}");
    lake
}

/// Extracts to a file in the folder; returns its packets too.
fn extract(folder: &TempDir, lake: &str, options: &[&str]) -> (Ran, usize) {
    let out = text(&folder.path().join("out.pcapng"));
    let ran = run([&["extract", lake, "--out", &out], options].concat());
    let inspected = run(["inspect", &out, "--format", "json"]);
    let records =
        if inspected.status == Some(0) { inspected.json()["captures"][0]["found"]["records"].as_u64() } else { None };
    (ran, usize::try_from(records.unwrap_or(0)).unwrap())
}

fn csv(folder: &TempDir, lines: &[String]) -> String {
    text(&save(folder, "rows.csv", format!("capture,frame\n{}\n", lines.join("\n")).as_bytes()))
}

#[test]
fn it_says_what_it_wrote_and_writes_to_standard_output() {
    let folder = folder();
    let path = save(&folder, "a.pcap", &capture().bytes);
    let lake = lake_of(&folder, &[&path]);
    let (ran, records) = extract(&folder, &lake, &[]);
    assert_eq!((ran.status, ran.stdout.as_str(), records), (Some(0), "", 90));
    let bytes: usize = capture().frames.iter().map(|frame| frame.data.len()).sum();
    let size = format!("{:.2} kB", f64::from(u32::try_from(bytes).unwrap()) / 1000.0);
    assert_eq!(ran.stderr, format!("extracted 90 packets of {size} from 1 capture\n"));
    let quiet = extract(&folder, &lake, &["--quiet"]).0;
    assert_eq!((quiet.status, quiet.stderr.as_str()), (Some(0), ""));
    let file = fs::read(folder.path().join("out.pcapng")).unwrap();
    let piped = command().args(["extract", &lake, "--out", "-"]).output().unwrap();
    assert_eq!((piped.status.code(), piped.stdout), (Some(0), file));
    // The lake is as it was.
    assert_eq!(run(["verify", "--deep", &lake]).status, Some(0));
    let left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 3, "{left:?}");
}

#[test]
fn options_take_what_they_say() {
    let folder = folder();
    let path = save(&folder, "a.pcap", &capture().bytes);
    let lake = lake_of(&folder, &[&path]);
    // Packets 0 to 29 and 30 to 59 are of 2020-02-29, the first half of them at midnight, those after of 2024-02-29.
    for (options, expected) in [
        (&["--from", "2024-02-29"][..], 30),
        (&["--from", "2020-02-29T00:00Z", "--to", "2020-02-29T07:00Z"], 30),
        (&["--from", "2020-02-29T07:00Z", "--to", "2020-02-29"], 30),
        // Every seventh packet, from the fourth on, is not IP.
        (&["--protocol", "UDP"], 77),
        (&["--net", "10.1.0.0/16"], 77),
        (&["--net", "10.1.0.0/28"], 14),
        (&["--port", "20005"], 1),
        (&["--port", "20004,20005", "--net", "10.1.0.5"], 1),
    ] {
        let (ran, records) = extract(&folder, &lake, options);
        assert_eq!((ran.status, records), (Some(0), expected), "{options:?}: {ran:?}");
    }
}

#[test]
fn rows_come_from_a_file_from_standard_input_and_from_a_fifo() {
    let folder = folder();
    let path = save(&folder, "a.pcap", &capture().bytes);
    let lake = lake_of(&folder, &[&path]);
    let lines: Vec<_> = [3, 90, 17, 3].iter().map(|frame| format!("{},{frame}", path.display())).collect();
    let table = csv(&folder, &lines);
    let (ran, records) = extract(&folder, &lake, &["--rows", &table]);
    // The same packet twice is one packet.
    assert_eq!((ran.status, records), (Some(0), 3), "{ran:?}");
    let expected = fs::read(folder.path().join("out.pcapng")).unwrap();
    let out = text(&folder.path().join("other.pcapng"));
    let stdin = run_with(["extract", &lake, "--rows", "-", "--out", &out], &fs::read(&table).unwrap());
    assert_eq!((stdin.status, fs::read(&out).unwrap()), (Some(0), expected.clone()));
    let fifo = format!("{} extract {lake} --rows <(cat {table}) --out {out}", env!("CARGO_BIN_EXE_parcap"));
    let ran = finish(Command::new("bash").args(["-c", &fifo]));
    assert_eq!((ran.status, fs::read(&out).unwrap()), (Some(0), expected), "{ran:?}");
}

#[test]
fn what_cannot_be_extracted_as_asked_is_refused_and_writes_nothing() {
    let folder = folder();
    let path = save(&folder, "a.pcap", &capture().bytes);
    let ng = [section(), interface(1, 0, 6, 0), packet(0, 9, &udp(1, &[1; 9])), simple(&udp(2, &[]))].concat();
    let ng = save(&folder, "b.pcapng", &ng);
    let raw = save(&folder, "c.pcapng", &[section(), interface(101, 0, 6, 0), packet(0, 9, &udp(1, &[1; 9]))].concat());
    let lake = lake_of(&folder, &[&path, &ng, &raw]);
    let plain = text(&folder.path().join("plain"));
    assert_eq!(run(["convert", &text(&path), "--out", &plain, "--quiet", "--top", "0"]).status, Some(0));
    let by_frame = csv(&folder, &[format!("{},1", path.display())]);
    let wrong = text(&save(&folder, "wrong.csv", b"capture,number\na,1\n"));
    let nothing = text(&save(&folder, "nothing", b""));
    let broken = text(&save(&folder, "broken.parquet", b"PAR1 and no more"));
    let out = text(&folder.path().join("out.pcap"));
    let captures = text(&path);
    for (args, complaint, hint) in [
        (
            vec![plain.as_str(), "--out", &out],
            format!("{plain}: has no column `capture`, which says where a packet is"),
            "convert its captures into a new lake with `--columns capture`",
        ),
        (
            vec![&lake, "--rows", &wrong, "--out", &out],
            format!("{wrong}: has neither a column `offset` nor a column `frame`"),
            "give Parquet or CSV with the columns `capture` and `offset` or `frame` of the lake",
        ),
        (
            vec![&lake, "--rows", &nothing, "--out", &out],
            format!("{nothing}: has no column `capture`"),
            "give Parquet or CSV with the columns `capture` and `offset` or `frame` of the lake",
        ),
        (
            vec![&lake, "--out", &captures],
            format!("{captures}: is a capture of the lake, and would be overwritten"),
            "give another name with `--out`",
        ),
        (
            vec![&lake, "--format", "pcap", "--out", &out],
            "the packets do not fit into a pcap: one has no time".to_owned(),
            "`--format pcapng` holds them",
        ),
        (
            vec![&lake, "--format", "pcap", "--from", "2020-02-29", "--to", "2020-02-29", "--out", &out],
            String::new(),
            "",
        ),
    ] {
        let ran = run([&["extract"], &args[..]].concat());
        if complaint.is_empty() {
            // Of one link type, and each with a time.
            assert_eq!(ran.status, Some(0), "{ran:?}");
            fs::remove_file(&out).unwrap();
            continue;
        }
        assert_eq!((ran.status, ran.stderr), (Some(2), format!("error: {complaint}\nhint: {hint}\n")), "{args:?}");
    }
    let ran = run(["extract", &lake, "--rows", &broken, "--out", &out]);
    assert!(
        ran.status == Some(2) && ran.complaint().starts_with(&format!("error: {broken}: cannot be read as Parquet: "))
    );
    let ran = run(["extract", &lake, "--rows", &by_frame, "--port", "1", "--out", &out]);
    assert!(ran.status == Some(2) && ran.complaint().contains("cannot be used with"), "{ran:?}");
    let ran = run(["extract", &text(folder.path().join("nowhere").as_path()), "--out", &out]);
    assert!(ran.status == Some(2) && ran.complaint().ends_with("is no lake"), "{ran:?}");
    assert!(!Path::new(&out).exists());
    assert_eq!(fs::read(&path).unwrap(), capture().bytes);
}

#[test]
fn link_types_that_differ_do_not_fit_into_a_pcap() {
    let folder = folder();
    let path = save(&folder, "a.pcap", &capture().bytes);
    let raw = save(&folder, "c.pcapng", &[section(), interface(101, 0, 6, 0), packet(0, 9, &udp(1, &[1; 9]))].concat());
    let lake = lake_of(&folder, &[&path, &raw]);
    let (ran, _) = extract(&folder, &lake, &["--format", "pcap"]);
    let problem = "error: the packets do not fit into a pcap: they are of several link types, ";
    assert!(ran.status == Some(2) && ran.complaint().starts_with(problem), "{ran:?}");
    let (ran, records) = extract(&folder, &lake, &["--format", "pcap", "--protocol", "UDP"]);
    assert_eq!((ran.status, records), (Some(0), 77), "{ran:?}");
}

/// Captures `a` to `d`, of 20, 21, 22 and 23 packets.
fn four(folder: &TempDir) -> (Vec<PathBuf>, String) {
    let names = ["a.pcap", "b.pcap", "c.pcap", "d.pcap"].into_iter().zip(20..);
    let paths: Vec<_> = names.map(|(name, count)| save(folder, name, &minute(count, count))).collect();
    let lake = lake_of(folder, &paths.iter().map(PathBuf::as_path).collect::<Vec<_>>());
    (paths, lake)
}

#[test]
fn a_capture_that_changed_or_is_gone_is_named_and_the_others_are_extracted() {
    let folder = folder();
    let (paths, lake) = four(&folder);
    // Another content, a longer one that begins otherwise; nothing; and the same content written again.
    fs::write(&paths[0], minute(50, 20)).unwrap();
    fs::remove_file(&paths[1]).unwrap();
    fs::write(&paths[2], [minute(51, 3), minute(22, 22)].concat()).unwrap();
    fs::write(&paths[3], minute(23, 23)).unwrap();
    let (ran, records) = extract(&folder, &lake, &[]);
    let [a, b, c] = [0, 1, 2].map(|place| paths[place].display());
    let changed = "has changed since it was converted";
    let convert = "hint: `parcap convert` takes what is there now into the lake";
    let gone = "hint: `parcap convert` where it is now tells the lake its new place";
    assert_eq!(
        ran.stderr,
        format!(
            "error: {a}: {changed}; 20 packets are left out\n{convert}\n\
             error: {b}: is not there any more; 21 packets are left out\n{gone}\n\
             error: {c}: {changed}; 22 packets are left out\n{convert}\n\
             extracted 23 packets of 2.35 kB from 1 capture\n"
        )
    );
    assert_eq!((ran.status, records), (Some(3), 23));
    let (ran, _) = extract(&folder, &lake, &["--log-format", "json"]);
    let lines: Vec<serde_json::Value> = ran.stderr.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let whys: Vec<_> = lines.iter().map(|line| (line["event"].as_str().unwrap(), line["why"].as_str())).collect();
    let left_out = |why| ("left_out", Some(why));
    assert_eq!(whys, [left_out("changed"), left_out("gone"), left_out("changed"), ("extracted", None)]);
    assert_eq!((&lines[3]["packets"], &lines[3]["left_out"]), (&23.into(), &63.into()));
}

#[test]
fn a_record_that_does_not_say_what_its_row_says_is_not_believed() {
    let folder = folder();
    let path = save(&folder, "a.pcap", &minute(20, 20));
    let lake = lake_of(&folder, &[&path]);
    let modified = fs::metadata(&path).unwrap().modified().unwrap();
    let mut bytes = minute(20, 20);
    // The time of the last record: 16 + 102 bytes.
    let last = bytes.len() - 118;
    bytes[last] ^= 1;
    fs::write(&path, &bytes).unwrap();
    fs::File::options().write(true).open(&path).unwrap().set_modified(modified).unwrap();
    let (ran, records) = extract(&folder, &lake, &[]);
    assert_eq!((ran.status, records), (Some(3), 0), "{ran:?}");
    assert!(ran.complaint().ends_with("has changed since it was converted; 20 packets are left out"));
    // It has grown: the packets that the lake has of it are there.
    fs::write(&path, [minute(20, 20), minute(21, 1)[24..].to_vec()].concat()).unwrap();
    let (ran, records) = extract(&folder, &lake, &[]);
    assert_eq!((ran.status, records), (Some(0), 20), "{ran:?}");
}

#[test]
fn a_known_rename_is_followed_and_a_path_of_two_captures_is_told_apart_by_time() {
    let folder = folder();
    let path = save(&folder, "capture.pcap", &minute(1, 20));
    let lake = lake_of(&folder, &[&path]);
    // Log rotation, twice.
    let old = folder.path().join("capture.pcap.1");
    fs::rename(&path, &old).unwrap();
    fs::write(&path, minute(2, 25)).unwrap();
    lake_of(&folder, &[&path, &old]);
    assert_eq!(packets(Path::new(&lake)).len(), 45);
    let (ran, records) = extract(&folder, &lake, &[]);
    assert_eq!((ran.status, records), (Some(0), 45), "{ran:?}");
    let of = |frame: u32| format!("{},{frame}", path.display());
    let table = csv(&folder, &[of(3), of(24), of(40)]);
    let (ran, records) = extract(&folder, &lake, &["--rows", &table]);
    let path_shown = path.display();
    assert_eq!(
        ran.stderr,
        format!(
            "error: {path_shown}: the lake has no such packets of it; 1 packet is left out\n\
             error: {path_shown}: was the path of 2 captures; 1 packet is left out\n\
             hint: with a column `datetime` or `time`, the rows say which of them they mean\n\
             extracted 1 packet of 102 B from 1 capture\n"
        )
    );
    // Only the second one has a packet 24.
    assert_eq!((ran.status, records), (Some(3), 1));
    // `minute` has its packets in the second that it is given, of 1999-12-31, one a microsecond.
    for (column, [first, second, neither]) in [
        ("time", ["946598401.000002", "946598402.000002", "946598403.000002"]),
        ("datetime", ["1999-12-31 00:00:01.000002+00", "1999-12-31T01:00:02.000002+01:00", "1999-12-31 00:00:03"]),
    ] {
        let lines = [first, second, neither].map(|time| format!("{time},{path_shown},3\n")).concat();
        let table = text(&save(&folder, "timed.csv", format!("{column},capture,frame\n{lines}").as_bytes()));
        let (ran, records) = extract(&folder, &lake, &["--rows", &table]);
        assert_eq!((ran.status, records), (Some(3), 2), "{column}: {ran:?}");
        let complaint = format!("error: {path_shown}: the lake has no such packets of it; 1 packet is left out");
        assert_eq!(ran.complaint(), complaint);
    }
    // By the name that it has now.
    let table = csv(&folder, &[format!("{},20", old.display())]);
    let (ran, records) = extract(&folder, &lake, &["--rows", &table]);
    assert_eq!((ran.status, records), (Some(0), 1), "{ran:?}");
}

#[test]
fn rows_that_name_nothing_are_counted() {
    let folder = folder();
    let path = save(&folder, "a.pcap", &minute(1, 20));
    let lake = lake_of(&folder, &[&path]);
    let lines = [format!("{},21", path.display()), "b.pcap,1".to_owned(), ",1".to_owned(), "b.pcap,-1".to_owned()];
    let table = csv(&folder, &lines);
    let (ran, records) = extract(&folder, &lake, &["--rows", &table]);
    assert_eq!(
        ran.stderr,
        format!(
            "error: rows that name no packet; 2 packets are left out\n\
             hint: give the columns `capture` and `offset` or `frame` as the lake has them\n\
             error: {}: the lake has no such packets of it; 1 packet is left out\n\
             error: b.pcap: the lake has no capture of this path; 1 packet is left out\n\
             hint: give the paths that the column `capture` of the lake has\n\
             extracted 0 packets of 0 B from 0 captures\n",
            path.display()
        )
    );
    // Without a packet it still is a pcapng.
    assert_eq!((ran.status, records), (Some(3), 0));
    let out = text(&folder.path().join("out.pcapng"));
    assert_eq!(run(["inspect", &out]).status, Some(0));
}

#[test]
fn what_came_through_standard_input_cannot_be_read_again() {
    let folder = folder();
    let lake = text(&folder.path().join("lake"));
    let args = ["convert", "-", "--out", &lake, "--columns", "capture", "--quiet", "--top", "0"];
    assert_eq!(run_with(args, &minute(1, 20)).status, Some(0));
    let (ran, _) = extract(&folder, &lake, &[]);
    assert_eq!(ran.status, Some(3));
    assert_eq!(ran.complaint(), "error: stdin: was a stream, which cannot be read again; 20 packets are left out");
    let table = csv(&folder, &[",7".to_owned()]);
    let (ran, _) = extract(&folder, &lake, &["--rows", &table]);
    assert_eq!(ran.complaint(), "error: stdin: was a stream, which cannot be read again; 1 packet is left out");
}

/// More captures than files may be open; their packets are mixed by time.
#[test]
fn a_hundred_captures_are_read_with_few_open_files() {
    let folder = folder();
    let archive = folder.path().join("archive");
    fs::create_dir(&archive).unwrap();
    for number in 0..130_u32 {
        let mut capture = Capture::pcap();
        (0..6).for_each(|step| {
            capture.record_at(2, 100 * step + number, number, udp(u16::try_from(number).unwrap(), &[2; 9]))
        });
        fs::write(archive.join(format!("{number}.pcap")), capture.bytes).unwrap();
    }
    let lake = lake_of(&folder, &[&archive]);
    let out = text(&folder.path().join("out.pcapng"));
    let limited = format!("ulimit -n 90; {} extract {lake} --out {out}", env!("CARGO_BIN_EXE_parcap"));
    let ran = finish(Command::new("bash").args(["-c", &limited]));
    assert_eq!(ran.status, Some(0), "{ran:?}");
    assert!(
        ran.stderr.starts_with("extracted 780 packets of ") && ran.stderr.ends_with(" from 130 captures\n"),
        "{ran:?}"
    );
}

#[test]
fn a_file_that_is_there_is_replaced_and_a_failure_leaves_it() {
    let folder = folder();
    let path = save(&folder, "a.pcap", &minute(1, 20));
    let lake = lake_of(&folder, &[&path]);
    let out = save(&folder, "out.pcapng", b"old");
    let ran = run(["extract", &lake, "--out", &text(folder.path())]);
    assert!(ran.status == Some(1) && ran.complaint().contains("directory"), "{ran:?}");
    let wrong = text(&save(&folder, "wrong.csv", b"x\n"));
    assert_eq!(run(["extract", &lake, "--rows", &wrong, "--out", &text(&out)]).status, Some(2));
    assert_eq!(fs::read(&out).unwrap(), b"old");
    assert_eq!(extract(&folder, &lake, &[]).0.status, Some(0));
    assert!(fs::read(&out).unwrap().starts_with(&[0x0a, 0x0d, 0x0d, 0x0a]));
}

#[test]
fn compressed_captures_are_extracted_and_a_sample_too() {
    let folder = folder();
    let lake = lake_of(&folder, &[sample("web.pcap.gz").as_ref(), sample("two-interfaces.pcapng").as_ref()]);
    let rows = packets(Path::new(&lake)).len();
    let (ran, records) = extract(&folder, &lake, &[]);
    assert_eq!((ran.status, records), (Some(0), rows), "{ran:?}");
}

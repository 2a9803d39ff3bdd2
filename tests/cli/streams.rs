//! Standard input and FIFOs: what came is kept when a signal ends them, and files that become FIFOs keep nobody waiting.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::thread::{self, JoinHandle};

use crate::support::build::Known;
use crate::support::{
    Ran, command, ended, finish, folder, manifests, packets, run, sample, save, summary, text, wait_until,
};

use super::capture;
use super::runs::signal;

/// Makes FIFOs by the shell's command, for that needs no unsafe code.
fn fifo(path: &Path) -> PathBuf {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
    path.to_path_buf()
}

/// Writes to a FIFO, as soon as somebody reads it.
fn feed(path: &Path, bytes: Vec<u8>) -> JoinHandle<()> {
    let path = path.to_path_buf();
    thread::spawn(move || File::options().write(true).open(path).unwrap().write_all(&bytes).unwrap())
}

/// A conversion that reads standard input, which has these bytes and stays open.
fn live(args: &[&str], lake: &Path, bytes: &[u8]) -> (Child, ChildStdin) {
    let mut command = command();
    command.arg("convert").args(args).args(["--out", &text(lake), "--top", "0"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(bytes).unwrap();
    wait_until("staging", || lake.join("_parcap/staging/units").is_dir());
    (child, stdin)
}

fn finished(mut child: Child) -> Ran {
    ended(&mut child);
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ran { status: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

fn known(lake: &Path) -> Vec<Known> {
    packets(lake).iter().map(Known::of).collect()
}

/// What the table of captures says of each.
fn captures(lake: &Path) -> Vec<[String; 3]> {
    let row =
        |row: &crate::support::Row| ["capture", "packets", "status"].map(|name| row.get(name).unwrap().to_owned());
    summary(lake, "captures").iter().map(row).collect()
}

#[test]
fn a_signal_ends_standard_input_and_what_came_of_it_is_committed() {
    let whole = capture().bytes;
    // Two frames, of which the second is cut.
    let [first, second] = [&whole[..2000], &whole[2000..]].map(|part| zstd::encode_all(part, 1).unwrap());
    let packed = [&first[..], &second[..second.len() / 2]].concat();
    for (name, bytes, cut, packets) in [
        ("INT", whole.clone(), "", Some(90)),
        (
            "TERM",
            [whole.clone(), vec![1; 9]].concat(),
            "; its last packet had not come whole, and is left out",
            Some(90),
        ),
        ("INT", packed, "; its last packet had not come whole, and is left out", None),
        ("TERM", Vec::new(), "", Some(0)),
    ] {
        let folder = folder();
        let lake = folder.path().join("lake");
        let (child, stdin) = live(&["-"], &lake, &bytes);
        signal(name, child.id());
        let ran = finished(child);
        assert_eq!(ran.status, Some(0), "{ran:?}");
        let note = format!("note: stdin: was ended by a signal; what had come of it was read{cut}\n");
        assert!(ran.stderr.contains(&note) && !ran.stderr.contains("warning"), "{ran:?}");
        let rows = known(&lake);
        assert!(packets.is_none_or(|packets| packets == rows.len()), "{} rows", rows.len());
        assert_eq!(rows, capture().rows()[..rows.len()]);
        assert_eq!(captures(&lake), [["stdin".to_owned(), rows.len().to_string(), "open".to_owned()]]);
        assert_eq!(run(["verify", &text(&lake)]).status, Some(0));
        drop(stdin);
    }
}

#[test]
fn what_the_writer_still_had_when_the_signal_came_is_read_and_other_captures_are_converted() {
    let folder = folder();
    let lake = folder.path().join("lake");
    let bytes = capture().bytes;
    let (child, mut stdin) = live(&["-", &sample("vlan.pcap"), "--jobs", "1"], &lake, &bytes[..1000]);
    // As a shell sends Ctrl-C: the writer gets it as well, writes the rest and ends.
    signal("INT", child.id());
    stdin.write_all(&bytes[1000..]).unwrap();
    drop(stdin);
    let ran = finished(child);
    assert_eq!(ran.status, Some(0), "{ran:?}");
    // 110: EXPECTED.tsv.
    assert_eq!(packets(&lake).len(), 90 + 110);
}

#[test]
fn looking_at_a_stream_that_a_signal_ended_is_no_failure() {
    for args in [&["inspect"][..], &["summarize", "--top", "0"]] {
        let folder = folder();
        let path = fifo(&folder.path().join("live"));
        let mut command = command();
        command.args(args).arg(&path).stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = command.spawn().unwrap();
        // Opens when it is being read.
        let mut writer = File::options().write(true).open(&path).unwrap();
        writer.write_all(&[capture().bytes, vec![1; 9]].concat()).unwrap();
        signal("INT", child.id());
        let ran = finished(child);
        assert_eq!(ran.status, Some(0), "{ran:?}");
        assert!(ran.stderr.contains("was ended by a signal; what had come of it was read; its last"), "{ran:?}");
    }
}

#[test]
fn fifos_that_are_named_are_read_as_streams_each_once_and_known_by_their_bytes() {
    let folder = folder();
    let lake = folder.path().join("lake");
    let plain = capture().bytes;
    let other = fs::read(sample("vlan.pcap")).unwrap();
    let (a, b, twin) = ("a", "b", "twin");
    let night = |named: &[(&str, &[u8])]| {
        let mut feeders = Vec::new();
        let mut args =
            vec!["convert".to_owned(), "--out".to_owned(), text(&lake), "--format".to_owned(), "json".to_owned()];
        for (name, bytes) in named {
            let path = folder.path().join(name);
            if !path.exists() {
                fifo(&path);
            }
            feeders.push(feed(&path, bytes.to_vec()));
            // Named twice, it is read once.
            args.extend([text(&path), text(&path)]);
        }
        let ran = run(args);
        feeders.into_iter().for_each(|feeder| feeder.join().unwrap());
        (ran.status, ["inputs", "unchanged", "records"].map(|name| ran.json()[name].as_u64().unwrap()))
    };
    let packed = zstd::encode_all(&*plain, 1).unwrap();
    assert_eq!(night(&[(a, &other), (b, &packed)]), (Some(0), [2, 0, 200]));
    let names = [a, b].map(|name| text(&folder.path().join(name)));
    // Each is in the table of its own date.
    let listed: std::collections::BTreeSet<_> = captures(&lake).into_iter().map(|[name, ..]| name).collect();
    assert_eq!(listed, names.into());
    // The same bytes through another one, other bytes through the same one, and the same bytes twice in one run.
    assert_eq!(night(&[(twin, &other), (a, &plain), (b, &plain)]), (Some(0), [1, 2, 90]));
    assert_eq!(packets(&lake).len(), 290);
    // A FIFO has no place: that it is gone, or holds another capture, takes nothing out.
    fs::remove_file(folder.path().join(a)).unwrap();
    let ran = run(["convert", &sample("any.pcap"), "--out", &text(&lake), "--format", "json"]);
    assert_eq!((ran.status, &ran.json()["captures_missing"]), (Some(0), &0.into()), "{ran:?}");
    assert_eq!(run(["verify", &text(&lake), "--deep"]).status, Some(0));
}

#[test]
fn standard_input_by_its_other_names_is_the_same_stream() {
    for name in ["/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"] {
        let folder = folder();
        let lake = text(&folder.path().join("lake"));
        let ran = crate::support::run_with(["convert", name, "-", name, "--out", &lake], &capture().bytes);
        assert_eq!(ran.status, Some(0), "{ran:?}");
        assert_eq!(known(lake.as_ref()), capture().rows());
        assert_eq!(captures(lake.as_ref())[0][0], name);
    }
}

#[test]
fn looking_at_a_fifo_is_looking_at_its_bytes() {
    let folder = folder();
    let path = fifo(&folder.path().join("fifo"));
    let page = folder.path().join("page.html");
    for args in [&["inspect", "--format", "json"][..], &["summarize"], &["report", "--out", &text(&page)]] {
        let feeder = feed(&path, capture().bytes);
        let ran = run(args.iter().map(|arg| (*arg).to_owned()).chain([text(&path)]));
        assert_eq!(ran.status, Some(0), "{ran:?}");
        assert!(args[0] != "inspect" || ran.json()["captures"][0]["found"]["records"] == 90, "{ran:?}");
        feeder.join().unwrap();
    }
    let ran = run(["plan", &text(&path), "--out", &text(&folder.path().join("lake"))]);
    assert_eq!(ran.status, Some(2), "{ran:?}");
    assert!(ran.complaint().ends_with("a FIFO is read once, and cannot be converted elsewhere; use `parcap convert`"));
}

#[test]
fn a_fifo_that_nobody_writes_to_is_ended_by_a_signal_and_met_in_a_walk_it_is_stepped_over() {
    let folder = folder();
    let path = fifo(&folder.path().join("fifo.pcap"));
    let lake = folder.path().join("lake");
    let mut command = command();
    command.args(["convert", &text(&path), "--out", &text(&lake)]).stdout(Stdio::null()).stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    wait_until("staging", || lake.join("_parcap/staging/units").is_dir());
    signal("INT", child.id());
    assert_eq!(finished(child).status, Some(0));
    let archive = folder.path().join("archive");
    fs::create_dir(&archive).unwrap();
    fs::rename(&path, archive.join("fifo.pcap")).unwrap();
    fs::write(archive.join("a.pcap"), capture().bytes).unwrap();
    let ran = run(["convert", &text(&archive), "--out", &text(&lake), "--format", "json"]);
    assert_eq!((ran.status, &ran.json()["stepped_over"]), (Some(0), &1.into()), "{ran:?}");
    let ran = run(["convert", "/dev/null", "--out", &text(&lake)]);
    assert_eq!((ran.status, ran.complaint()), (Some(3), "error: /dev/null: is a device and not a regular file"));
}

/// A conversion of a capture that becomes something else when it has been found, and has not been read.
fn exchanged(exchange: impl Fn(&Path)) -> (Ran, PathBuf, tempfile::TempDir) {
    let folder = folder();
    let lake = folder.path().join("lake");
    let path = save(&folder, "a.pcap", &capture().bytes);
    let (child, stdin) = live(&["-", &text(&path), "--jobs", "1"], &lake, &fs::read(sample("vlan.pcap")).unwrap());
    exchange(&path);
    drop(stdin);
    (finished(child), lake, folder)
}

#[test]
fn a_capture_that_becomes_a_fifo_before_it_is_read_is_refused_and_keeps_nobody_waiting() {
    let (ran, lake, folder) = exchanged(|path| {
        fs::remove_file(path).unwrap();
        fifo(path);
    });
    assert_eq!(ran.status, Some(3), "{ran:?}");
    let path = folder.path().join("a.pcap");
    assert!(ran.stderr.contains(&format!("error: {}: is a FIFO and not a regular file\n", path.display())), "{ran:?}");
    assert_eq!(packets(&lake).len(), 110);
}

#[test]
fn another_file_under_a_captures_name_is_not_converted_as_that_capture() {
    let (ran, lake, folder) = exchanged(|path| {
        let other = path.with_extension("other");
        let mut bytes = [&capture().bytes[..24], &capture().bytes[24..].repeat(2)].concat();
        // The last byte of the first ninety packets, of a payload.
        bytes[capture().bytes.len() - 1] ^= 1;
        fs::write(&other, bytes).unwrap();
        fs::rename(other, path).unwrap();
    });
    assert_eq!(ran.status, Some(3), "{ran:?}");
    assert!(ran.stderr.contains("it was exchanged after it had been found; the next run looks at it again"), "{ran:?}");
    assert_eq!(packets(&lake).len(), 110);
    let ran = run(["convert", &text(&folder.path().join("a.pcap")), "--out", &text(&lake)]);
    assert_eq!(ran.status, Some(0), "{ran:?}");
    assert_eq!(packets(&lake).len(), 110 + 180);
    // One that has grown is the same one.
    let (ran, lake, _folder) = exchanged(|path| {
        File::options().append(true).open(path).unwrap().write_all(&capture().bytes[24..]).unwrap();
    });
    assert_eq!(ran.status, Some(0), "{ran:?}");
    assert_eq!(packets(&lake).len(), 110 + 90);
}

#[test]
fn what_was_read_while_it_changed_is_not_known_by_what_it_was_before() {
    let (ran, lake, _folder) = exchanged(|path| File::options().write(true).open(path).unwrap().set_len(700).unwrap());
    assert_eq!(ran.status, Some(3), "{ran:?}");
    let inputs = manifests(&lake)[0]["inputs"].clone();
    let fingerprints: Vec<_> = inputs.as_array().unwrap().iter().map(|input| input["fingerprint"].is_null()).collect();
    assert_eq!(fingerprints, [false, true]);
}

#[test]
fn a_configuration_may_come_through_a_fifo() {
    let folder = folder();
    let path = fifo(&folder.path().join("options"));
    let feeder = feed(&path, b"top = 0\nformat = \"json\"\n".to_vec());
    let lake = text(&folder.path().join("lake"));
    let ran = run(["convert", &sample("vlan.pcap"), "--out", &lake, "--config", &text(&path)]);
    assert_eq!((ran.status, &ran.json()["records"]), (Some(0), &110.into()), "{ran:?}");
    feeder.join().unwrap();
    let mut command = command();
    let ran = finish(command.args(["convert", &sample("vlan.pcap"), "--out", &lake, "--config", "/dev/null"]));
    assert_eq!(ran.status, Some(0), "{ran:?}");
}

//! What is bounded whatever is asked for or met: threads, the paths of a walk, clocks that are wrong, names of other worlds.

use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, SystemTime};

use crate::support::{
    Ran, command, ended, files, finish, folder, hashes, packets, run, sample, save, text, wait_until,
};

use super::{capture, minute};

/// Converts a folder into a lake beside it.
fn night(archive: &Path, options: &[&str]) -> Ran {
    let lake = text(&archive.with_file_name("lake"));
    run([&["convert", &text(archive), "--out", &lake, "--format", "json"], options].concat())
}

#[test]
fn no_more_threads_are_started_than_there_are_tasks() {
    let folder = folder();
    let lake = folder.path().join("lake");
    let mut command = command();
    command.args(["convert", "-", "--out", &text(&lake), "--jobs", "100000"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(&capture().bytes).unwrap();
    let threads = || fs::read_dir(format!("/proc/{}/task", child.id())).unwrap().count();
    wait_until("reading", || lake.join("_parcap/staging/units").is_dir() && threads() > 2);
    // The main one, that of signals, one worker, one that reads ahead, and an assistant.
    assert!(threads() <= 5, "{} threads", threads());
    drop(stdin);
    assert_eq!(ended(&mut child).code(), Some(0));
    let said = std::io::read_to_string(child.stderr.take().unwrap()).unwrap();
    assert!(said.starts_with("note: `--jobs 100000` is more than four for each of "), "{said}");
    assert_eq!(packets(&lake).len(), 90);
}

#[test]
fn the_note_of_too_many_jobs_is_a_line_of_the_log_where_that_is_json() {
    let folder = folder();
    let lake = text(&folder.path().join("lake"));
    let ran = run(["convert", &sample("vlan.pcap"), "--out", &lake, "--jobs", "9999", "--log-format", "json"]);
    let first: serde_json::Value = serde_json::from_str(ran.complaint()).unwrap();
    assert_eq!((ran.status, &first["event"]), (Some(0), &"note".into()), "{ran:?}");
    assert!(!run(["verify", &lake, "--jobs", "1"]).stderr.contains("--jobs"));
}

/// A stack of 64 TiB is one that no system has room for: no thread can be started at all.
#[test]
fn where_no_thread_can_be_started_the_work_is_done_without() {
    let folder = folder();
    let archive = folder.path().join("archive");
    fs::create_dir(&archive).unwrap();
    let bytes = [capture().bytes[..24].to_vec(), capture().bytes[24..].repeat(400)].concat();
    fs::write(archive.join("a.pcap"), &bytes).unwrap();
    // Stored, so that they are large enough for a thread of their own.
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::none());
    gz.write_all(&bytes).unwrap();
    fs::write(archive.join("b.pcap.gz"), gz.finish().unwrap()).unwrap();
    let mut state = 1_u64;
    let mut noise = || {
        // Marsaglia's xorshift: nothing that packs.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[0]
    };
    let noise: Vec<u8> = (0..3 << 19).map(|_| noise()).collect();
    let frame = |part: &[u8]| crate::support::build::pcap_record(1, 1, &crate::support::build::other(part));
    let noisy: Vec<u8> = noise.chunks(60_000).flat_map(frame).collect();
    fs::write(archive.join("c.pcap.zst"), zstd::encode_all(&*[&bytes[..24], &noisy].concat(), 1).unwrap()).unwrap();
    assert!(["b.pcap.gz", "c.pcap.zst"].iter().all(|name| archive.join(name).metadata().unwrap().len() > 1 << 20));
    let with = |name: &str, stack: Option<&str>| {
        let lake = folder.path().join(name);
        let mut command = command();
        command.args([
            "convert",
            &text(&archive),
            "--out",
            &text(&lake),
            "--progress",
            "always",
            "--chunk-size",
            "1MiB",
        ]);
        let ran = finish(command.envs(stack.map(|stack| ("RUST_MIN_STACK", stack))));
        assert_eq!(ran.status, Some(0), "{ran:?}");
        hashes(&lake)
    };
    let none = (1_u64 << 46).to_string();
    assert_eq!(with("without", Some(&none)), with("with", None));
    for args in [&["inspect", "--format", "json"][..], &["summarize"]] {
        let ran = finish(command().args(args).arg(&archive).env("RUST_MIN_STACK", &none));
        assert_eq!(ran.status, Some(0), "{ran:?}");
    }
}

/// From eight folders with links to one another 109,601 paths lead to captures.
#[test]
fn a_folder_is_walked_once_whichever_way_leads_to_it() {
    const FOLDERS: usize = 8;
    let folder = folder();
    let farm = folder.path().join("farm");
    for number in 1..=FOLDERS {
        let of = farm.join(format!("d{number}"));
        fs::create_dir_all(&of).unwrap();
        fs::write(of.join("c.pcap"), minute(u32::try_from(number).unwrap(), 3)).unwrap();
        for other in (1..=FOLDERS).filter(|other| *other != number) {
            symlink(format!("../d{other}"), of.join(format!("l{other}"))).unwrap();
        }
    }
    let ran = night(&farm, &["--dry-run"]);
    assert_eq!((ran.status, ran.stderr.as_str()), (Some(0), ""), "{ran:?}");
    let named: Vec<_> = ran.json()["would_convert"].as_array().unwrap().iter().map(|of| of["path"].clone()).collect();
    // By the first path in sorted order.
    let path =
        |number| (1..=number).map(|at| if at == 1 { "d1/".to_owned() } else { format!("l{at}/") }).collect::<String>();
    let mut expected: Vec<_> = (1..=FOLDERS).map(|number| text(&farm.join(path(number) + "c.pcap"))).collect();
    assert_eq!(named.len(), FOLDERS);
    let mut named: Vec<_> = named.iter().map(|path| path.as_str().unwrap().to_owned()).collect();
    named.sort();
    expected.sort();
    assert_eq!(named, expected);
}

#[test]
fn folders_of_file_systems_and_appliances_are_stepped_over_unless_they_are_named() {
    let folder = folder();
    let archive = folder.path().join("archive");
    let others = [
        "lost+found",
        ".snapshot/daily.0",
        ".zfs/snapshot/a",
        "@eaDir",
        "__MACOSX",
        ".Trash-1000/files",
        "#recycle",
        "System Volume Information",
        "$RECYCLE.BIN",
        ".rsync-partial",
        ".~tmp~",
    ];
    for of in others.iter().map(|name| archive.join(name)).chain([archive.join(".Trash-me"), archive.clone()]) {
        fs::create_dir_all(&of).unwrap();
        fs::write(of.join("x.pcap"), capture().bytes).unwrap();
        fs::write(of.join("broken.txt"), "x").unwrap();
    }
    fs::write(archive.join(".x.pcap.Ab3xYz"), &capture().bytes[..1000]).unwrap();
    let ran = night(&archive, &["--dedupe"]);
    let figures =
        |ran: &Ran| ["inputs", "stepped_over", "captures_missing"].map(|name| ran.json()[name].as_u64().unwrap());
    // Two texts and what rsync has begun, besides the folders; what is only called like one is walked.
    assert_eq!((ran.status, figures(&ran)), (Some(0), [1, others.len() as u64 + 3, 0]), "{ran:?}");
    // Named it is what its user wants, and the next night takes it for no disk that is missing.
    let lake = text(&folder.path().join("lake"));
    let named = text(&archive.join(".snapshot"));
    fs::write(archive.join(".snapshot/daily.0/x.pcap"), minute(1, 20)).unwrap();
    let ran = run(["convert", &named, "--out", &lake, "--format", "json"]);
    assert_eq!(ran.json()["inputs"], 1, "{ran:?}");
    let ran = night(&archive, &["--dedupe"]);
    assert_eq!((ran.status, figures(&ran)[2]), (Some(0), 0), "{ran:?}");
}

#[test]
fn what_macos_puts_beside_a_capture_is_stepped_over_and_a_capture_of_such_a_name_is_not() {
    // RFC 1740, as macOS writes it.
    let double = [b"\0\x05\x16\x07\0\x02\0\0Mac OS X        ".to_vec(), vec![0; 60]].concat();
    let folder = folder();
    let archive = folder.path().join("archive");
    fs::create_dir_all(archive.join("__MACOSX")).unwrap();
    fs::write(archive.join("x.pcap"), capture().bytes).unwrap();
    fs::write(archive.join("._y.pcap"), fs::read(sample("vlan.pcap")).unwrap()).unwrap();
    for name in ["._x.pcap", "__MACOSX/._x.pcap", "._z.pcapng.gz", "._empty.pcap"] {
        fs::write(archive.join(name), if name == "._empty.pcap" { &[][..] } else { &double }).unwrap();
    }
    for expected in [2, 0] {
        let ran = night(&archive, &[]);
        assert_eq!((ran.status, &ran.json()["inputs"]), (Some(0), &expected.into()), "{ran:?}");
        assert_eq!(ran.json()["stepped_over"], 4, "{ran:?}");
    }
    assert_eq!(packets(&archive.with_file_name("lake")).len(), 90 + 110);
    let ran = run(["convert", &text(&archive.join("._x.pcap")), "--out", &text(&archive.with_file_name("lake"))]);
    assert_eq!(ran.status, Some(3), "{ran:?}");
}

#[test]
fn a_capture_from_the_future_is_named_and_counts_as_settled() {
    let folder = folder();
    let archive = folder.path().join("archive");
    fs::create_dir(&archive).unwrap();
    let set = |name: &str, time: SystemTime| {
        fs::write(archive.join(name), capture().bytes).unwrap();
        File::options().append(true).open(archive.join(name)).unwrap().set_modified(time).unwrap();
    };
    // date -u -d '2100-01-01' +%s
    let future = SystemTime::UNIX_EPOCH + Duration::from_secs(4_102_444_800);
    ["a.pcap", "b.pcap", "c.pcap"].into_iter().for_each(|name| set(name, future));
    // A clock that is a little ahead is none that is wrong.
    set("young.pcap", SystemTime::now() + Duration::from_secs(60));
    for (inputs, unchanged) in [(3, 0), (0, 3)] {
        let ran = night(&archive, &["--settle", "10m"]);
        let report = ran.json();
        assert_eq!((ran.status, &report["inputs"], &report["unchanged"]), (Some(0), &inputs.into(), &unchanged.into()));
        assert_eq!(report["settling"], 1, "{ran:?}");
        let note = format!(
            "{}: was modified at 2100-01-01T00:00:00Z by its time, as 2 others were, which is in the future; they count as settled",
            archive.join("a.pcap").display()
        );
        assert_eq!(report["notes"], serde_json::json!([note]));
    }
    ["a.pcap", "b.pcap", "c.pcap"].into_iter().for_each(|name| fs::remove_file(archive.join(name)).unwrap());
    assert!(night(&archive, &["--settle", "10m"]).json()["notes"].is_null());
}

#[test]
fn urls_are_refused_wherever_a_path_is_asked_for_and_leave_nothing() {
    let folder = folder();
    let good = sample("vlan.pcap");
    let good = good.as_str();
    for args in [
        vec!["convert", good, "--out", "https://host/lake"],
        vec!["convert", good, "--out", "lake", "--metrics-file", "https://gateway/metrics"],
        vec!["plan", "sftp://host/a.pcap", "--out", "lake"],
        vec!["inspect", "https://me:secret@host/a.pcap"],
        vec!["convert", "hdfs://host/a.pcap", good, "--out", "lake"],
        vec!["report", good, "--out", "hdfs://host/page.html"],
        vec!["report", good, "--out", "s3://bucket/page.html"],
        vec!["extract", "lake", "--out", "s3://bucket/some.pcap"],
        vec!["verify", "ftp://host/lake"],
        vec!["compact", "http://host/lake"],
        vec!["commit", "hdfs://host/lake"],
        vec!["convert-unit", "--out", "s3:///lake"],
    ] {
        let ran = finish(command().args(&args).current_dir(folder.path()));
        assert_eq!(ran.status, Some(2), "{args:?}: {ran:?}");
        let url = args.iter().find(|arg| arg.contains("://")).unwrap();
        assert_eq!(ran.complaint(), format!("error: {url}: this URL is not supported here"));
        assert!(ran.stderr.contains("\nhint: "), "{ran:?}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "{args:?}");
    }
    let file = finish(command().args(["inspect", "file:///tmp/a.pcap"]).current_dir(folder.path()));
    assert!(file.status == Some(2) && file.stderr.contains("\nhint: give the path: /tmp/a.pcap\n"), "{file:?}");
    let mut by_environment = command();
    by_environment.args(["convert", good]).env("PARCAP_OUT", "https://host/lake");
    assert_eq!(finish(by_environment.current_dir(folder.path())).status, Some(2));
    // A title is no path, and a folder may have any name.
    let ran =
        finish(command().args(["report", good, "--out", "./s3:", "--title", "s3://x"]).current_dir(folder.path()));
    assert_eq!((ran.status, files(folder.path())), (Some(0), vec!["s3:".into()]), "{ran:?}");
}

#[test]
fn many_names_are_forgotten_at_once_each_as_it_is_named() {
    const CAPTURES: usize = 300;
    let folder = folder();
    let archive = folder.path().join("archive");
    fs::create_dir_all(archive.join("sub")).unwrap();
    let name =
        |number: usize| archive.join(if number.is_multiple_of(3) { "sub" } else { "" }).join(format!("{number}.pcap"));
    for number in 0..CAPTURES {
        fs::write(name(number), sized(number)).unwrap();
    }
    assert_eq!(night(&archive, &[]).json()["inputs"], CAPTURES);
    let lake = text(&folder.path().join("lake"));
    // By absolute path, twice, by a link, by a folder above, by a file that is gone.
    symlink(&archive, folder.path().join("link")).unwrap();
    fs::remove_file(name(1)).unwrap();
    let mut named: Vec<_> = (0..CAPTURES).step_by(2).map(|number| text(&name(number))).collect();
    named.extend([
        text(&name(2)),
        text(&folder.path().join("link/4.pcap")),
        text(&archive.join("sub")),
        text(&name(1)),
    ]);
    let ran = run(["forget", &lake, "--format", "json"].map(str::to_owned).into_iter().chain(named));
    assert_eq!(ran.status, Some(0), "{ran:?}");
    let expected = (0..CAPTURES).filter(|number| number % 2 == 0 || number % 3 == 0 || *number == 1).count();
    assert_eq!(ran.json()["captures"].as_array().unwrap().len(), expected);
    save(&folder, "none.pcap", &capture().bytes);
    let ran = run(["forget", &lake, &text(&folder.path().join("none.pcap")), &text(&name(5))]);
    assert!(ran.status == Some(2) && ran.stderr.matches("holds nothing of it").count() == 1, "{ran:?}");
}

/// A capture of one packet, of another content for each number.
fn sized(number: usize) -> Vec<u8> {
    let mut capture = crate::support::build::Capture::pcap();
    capture.record(2, 1, crate::support::build::udp(u16::try_from(number).unwrap(), b"x"));
    capture.bytes
}

//! What is in the way of a commit, and who reads while one goes by.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::{fs, thread};

use parcap::cancel::Cancel;
use parcap::commands::{SummarizeRequest, summarize};
use parquet::file::reader::{FileReader as _, SerializedFileReader};

use crate::support::build::{Capture, udp};
use crate::support::{Ran, convert, files, folder, manifests, packets, request, run, sample, text};

/// A capture of fifty packets of one date; each version has other bytes, and as many packets.
fn version(path: &Path, version: u8) {
    let mut capture = Capture::pcap();
    (0..50).for_each(|number| capture.record(2, u32::from(number), udp(number, &[version; 30])));
    fs::write(path, &capture.bytes).unwrap();
}

fn night(archive: &Path, lake: &Path) -> Ran {
    run(["convert", &text(archive), "--out", &text(lake), "--format", "json", "--top", "0"])
}

/// An archive of two captures of one date.
fn archive(folder: &Path) -> PathBuf {
    let archive = folder.join("archive");
    fs::create_dir(&archive).unwrap();
    version(&archive.join("a.pcap"), 0);
    version(&archive.join("b.pcap"), 0);
    archive
}

/// The folder of the only date.
fn date(lake: &Path) -> PathBuf {
    lake.join("packets").join(files(&lake.join("packets"))[0].parent().unwrap())
}

#[test]
fn a_date_that_is_a_link_is_used_and_readers_are_warned() {
    let folder = folder();
    let (archive, lake) = (archive(folder.path()), folder.path().join("lake"));
    assert_eq!(night(&archive, &lake).status, Some(0));
    let (here, there) = (date(&lake), folder.path().join("there"));
    fs::rename(&here, &there).unwrap();
    symlink(&there, &here).unwrap();
    version(&archive.join("a.pcap"), 1);
    let ran = night(&archive, &lake);
    assert_eq!((ran.status, &ran.json()["replaced"]), (Some(0), &1.into()), "{ran:?}");
    let notes = ran.json()["notes"].to_string();
    assert!(notes.contains("cannot be exchanged as a whole (it is a link)"), "{notes}");
    assert!(here.is_symlink() && fs::read_dir(&there).unwrap().count() > 0);
    let found: u64 = fs::read_dir(&there).unwrap().map(|part| rows(&part.unwrap().path()).unwrap()).sum();
    assert_eq!(found, 100);
    assert_eq!(run(["verify", &text(&lake), "--deep"]).status, Some(0));
    // The others say it as well.
    let ran = run(["compact", &text(&lake)]);
    assert_eq!(ran.status, Some(0), "{ran:?}");
    assert!(ran.stderr.contains("note: ") && ran.stderr.contains("it is a link"), "{ran:?}");
}

#[test]
fn packets_on_another_disk_are_committed_and_what_is_in_the_way_leaves_the_lake_as_it_was() {
    let here = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let disk = folder();
    let (archive, lake) = (archive(here.path()), here.path().join("lake"));
    if fs::metadata(disk.path()).unwrap().dev() == fs::metadata(here.path()).unwrap().dev() {
        eprintln!("there is one file system only: what is in the way is tried, not the other disk");
    }
    fs::create_dir(&lake).unwrap();
    symlink(disk.path(), lake.join("packets")).unwrap();
    for later in 0..3 {
        version(&archive.join("a.pcap"), later);
        assert_eq!(night(&archive, &lake).status, Some(0));
        assert_eq!(run(["verify", &text(&lake)]).status, Some(0));
    }
    assert_eq!(run(["compact", &text(&lake)]).status, Some(0));
    assert_eq!((packets(&lake).len(), run(["verify", &text(&lake)]).status), (100, Some(0)));
    assert!(!lake.join("_parcap/pending.json").exists());
    // The disk is not there.
    fs::remove_file(lake.join("packets")).unwrap();
    symlink("/nowhere/at/all", lake.join("packets")).unwrap();
    version(&archive.join("c.pcap"), 9);
    let ran = night(&archive, &lake);
    assert_eq!(ran.status, Some(1), "{ran:?}");
    assert!(ran.stderr.contains("packets: is a link that leads nowhere; nothing was committed\nhint: "), "{ran:?}");
    assert!(!lake.join("_parcap/pending.json").exists());
    fs::remove_file(lake.join("packets")).unwrap();
    symlink(disk.path(), lake.join("packets")).unwrap();
    assert_eq!(night(&archive, &lake).status, Some(0));
    assert_eq!((packets(&lake).len(), run(["verify", &text(&lake)]).status), (150, Some(0)));
}

#[test]
fn a_journal_or_manifest_that_leads_out_of_the_lake_is_refused_by_every_command() {
    let folder = folder();
    let (lake, victim) = (folder.path().join("lake"), folder.path().join("victim"));
    assert_eq!(run(["convert", &sample("dns.pcapng"), "--out", &text(&lake), "-q"]).status, Some(0));
    fs::write(&victim, "keep").unwrap();
    let refused = |args: &[&str]| {
        let ran = run(args);
        assert_eq!(ran.status, Some(1), "{ran:?}");
        assert!(ran.stderr.contains("../victim, which is no place for a file of the lake"), "{ran:?}");
        assert!(ran.stderr.contains("\nhint: "), "{ran:?}");
        assert_eq!(fs::read_to_string(&victim).unwrap(), "keep");
    };
    let lake_text = text(&lake);
    let commands: [&[&str]; 3] = [
        &["convert", &sample("dns.pcapng"), "--out", &lake_text],
        &["forget", &lake_text, &sample("dns.pcapng")],
        &["compact", &lake_text],
    ];
    let journal = r#"{"moves":[],"removes":["../victim"],"manifest":{"from":"_parcap/staging/m","to":"_parcap/manifest/0000000001.json"}}"#;
    fs::write(lake.join("_parcap/pending.json"), journal).unwrap();
    commands.iter().for_each(|args| refused(args));
    fs::remove_file(lake.join("_parcap/pending.json")).unwrap();
    let manifest = lake.join("_parcap/manifest/0000000001.json");
    let part = manifests(&lake)[0]["parts"][0]["path"].as_str().unwrap().to_owned();
    // As an earlier version wrote it, which kept no checksum of it; or as somebody writes it who means it.
    let mut strange = manifests(&lake).remove(0);
    strange.as_object_mut().unwrap().remove("checksum");
    fs::write(&manifest, strange.to_string().replace(&part, "../victim")).unwrap();
    commands.iter().for_each(|args| refused(args));
    refused(&["summarize", &lake_text]);
    refused(&["verify", &lake_text]);
}

#[test]
fn what_can_only_be_read_cannot_be_held() {
    let folder = folder();
    let lake = folder.path().join("lake");
    let lock = lake.join("_parcap/lock");
    for before in [None, Some(0o644), Some(0o664)] {
        if let Some(mode) = before {
            fs::set_permissions(&lock, fs::Permissions::from_mode(mode)).unwrap();
        }
        assert_eq!(run(["convert", &sample("dns.pcapng"), "--out", &text(&lake), "-q"]).status, Some(0));
        let mode = fs::metadata(&lock).unwrap().mode();
        assert_eq!(mode & 0o444, (mode & 0o222) << 1, "{mode:o}");
    }
}

/// The rows of a part, by its footer.
fn rows(path: &Path) -> Option<u64> {
    let reader = SerializedFileReader::new(fs::File::open(path).ok()?).unwrap();
    u64::try_from(reader.metadata().file_metadata().num_rows()).ok()
}

/// As an engine reads: a folder is listed at once, and its files are opened then. One that is gone is an error that
/// somebody sees; a wrong sum is not.
#[test]
fn no_row_is_counted_twice_while_captures_are_replaced() {
    let folder = folder();
    let (archive, lake) = (archive(folder.path()), folder.path().join("lake"));
    convert(&request(&[&archive], &lake));
    let (date, over) = (date(&lake), AtomicBool::new(false));
    thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut looked = 0;
            while !over.load(Ordering::Relaxed) {
                let listed: Vec<_> = fs::read_dir(&date).unwrap().map(|entry| entry.unwrap().path()).collect();
                if let Some(found) = listed.iter().map(|path| rows(path)).collect::<Option<Vec<_>>>() {
                    assert_eq!(found.iter().sum::<u64>(), 100, "{listed:?}");
                    looked += 1;
                }
            }
            looked
        });
        for later in 1..12 {
            version(&archive.join("a.pcap"), later);
            assert_eq!(convert(&request(&[&archive], &lake)).replaced, 1);
        }
        assert_eq!(run(["compact", &text(&lake)]).status, Some(0));
        over.store(true, Ordering::Relaxed);
        assert!(reader.join().unwrap() > 0);
    });
    assert_eq!(packets(&lake).len(), 100);
}

#[test]
fn a_lake_is_summed_up_while_captures_are_replaced() {
    let folder = folder();
    let (archive, lake) = (archive(folder.path()), folder.path().join("lake"));
    convert(&request(&[&archive], &lake));
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut looked = 0;
            while !over.load(Ordering::Relaxed) {
                let request = SummarizeRequest::of_lake(&lake, &Cancel::default());
                let listed = summarize(&request).unwrap().listed().unwrap();
                assert!(listed.iter().any(|table| table.name == "protocols"));
                looked += 1;
            }
            looked
        });
        for later in 1..12 {
            version(&archive.join("a.pcap"), later);
            convert(&request(&[&archive], &lake));
        }
        over.store(true, Ordering::Relaxed);
        assert!(reader.join().unwrap() > 0);
    });
    // What is lost is not waited for.
    let partial = lake.join("_parcap/partials").join(&files(&lake.join("_parcap/partials"))[0]);
    fs::remove_file(partial).unwrap();
    assert_eq!(run(["summarize", &text(&lake)]).status, Some(1));
}

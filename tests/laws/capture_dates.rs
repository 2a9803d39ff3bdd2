//! Law 30: the tables of captures have one row for each capture of the lake, in the table of the date of its earliest packet. A night
//! leaves the tables of other dates as they are.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use parcap::commands::{ConvertRequest, forget};

use crate::support::build::{Capture, DAYS, udp};
use crate::support::{command, convert, files, finish, folder, request, save, summary, text};

use super::archive::Archive;
use super::nights::{assert_sound, rewrite_of};

/// Two dates of [`DAYS`].
const FIRST: usize = 2;
const SECOND: usize = 4;

/// The tables have the captures that the model of an archive has, each by the date of the model's first packet.
pub(super) fn assert_captures_are_dated(lake: &Path, archive: &Archive) {
    let expected: BTreeSet<_> = archive
        .captures()
        .into_iter()
        .map(|(path, content)| {
            let content = content.filter(|content| content.packets > 0);
            let date = content.map_or("1970-01-01", |content| DAYS[usize::from(content.seed % 2)].1);
            (format!("date={date}"), text(&path), content.map_or(0, |content| i64::from(content.packets)))
        })
        .collect();
    let rows = summary(lake, "captures");
    let found: BTreeSet<_> = rows
        .iter()
        .map(|row| (row.partition.clone(), row.get("capture").unwrap().to_owned(), row.int("packets").unwrap()))
        .collect();
    assert_eq!((found, rows.len()), (expected.clone(), expected.len()));
    let is_named = |path: &PathBuf| path.ends_with("captures.parquet") && path.components().count() == 2;
    assert!(files(&lake.join("summaries/captures")).iter().all(is_named));
}

/// What tells a file from another one that has taken its place.
fn places(lake: &Path) -> BTreeMap<PathBuf, (u64, i64, i64, Vec<u8>)> {
    let folder = lake.join("summaries/captures");
    let place = |path: PathBuf| {
        let (facts, bytes) = (fs::metadata(folder.join(&path)).unwrap(), fs::read(folder.join(&path)).unwrap());
        (path, (facts.ino(), facts.mtime(), facts.mtime_nsec(), bytes))
    };
    files(&folder).into_iter().map(place).collect()
}

/// The dates whose tables differ.
fn changed(before: &BTreeMap<PathBuf, (u64, i64, i64, Vec<u8>)>, lake: &Path) -> Vec<String> {
    let after = places(lake);
    let all: BTreeSet<_> = before.keys().chain(after.keys()).collect();
    let differs = all.into_iter().filter(|path| before.get(*path) != after.get(*path));
    differs.map(|path| text(path.parent().unwrap()).replace("date=", "")).collect()
}

fn of_day(day: usize, packets: u16) -> Vec<u8> {
    let mut capture = Capture::pcap();
    (0..packets).for_each(|number| capture.record(day, u32::from(number), udp(number, &[1; 20])));
    capture.bytes
}

#[test]
fn a_night_leaves_the_tables_of_other_dates_alone() {
    let folder = folder();
    let archive = folder.path().join("archive");
    fs::create_dir(&archive).unwrap();
    let put = |name: &str, bytes: &[u8]| fs::write(archive.join(name), bytes).unwrap();
    let night = request(&[&archive], &folder.path().join("lake"));
    let lake = &night.lake;
    let mut none = Capture::pcap();
    none.record(FIRST, 0, udp(1, &[2; 20]));
    put("a.pcap", &of_day(FIRST, 3));
    put("b.pcap", &of_day(SECOND, 4));
    put("empty.pcap", &none.bytes[..24]);
    assert_eq!(convert(&night).inputs, 3);
    let mut before = BTreeMap::new();
    let mut changes = |what: &str, expected: &[&str]| {
        let found = changed(&before, lake);
        before = places(lake);
        assert_sound(lake);
        assert_eq!(found, expected, "{what}");
    };
    changes("the first night", &["1970-01-01", DAYS[FIRST].1, DAYS[SECOND].1]);
    // It begins on one date and goes on to the next: its row is of the first.
    let mut both = Capture::pcap();
    both.record(FIRST, 7, udp(9, &[3; 20]));
    both.record(SECOND, 7, udp(9, &[3; 20]));
    put("c.pcap", &both.bytes);
    convert(&night);
    changes("a capture of the first date", &[DAYS[FIRST].1]);
    put("d.pcap", &of_day(SECOND, 9));
    convert(&night);
    changes("a capture of the second date", &[DAYS[SECOND].1]);
    convert(&night);
    changes("nothing new", &[]);
    fs::rename(archive.join("a.pcap"), archive.join("z.pcap")).unwrap();
    convert(&night);
    changes("another name", &[DAYS[FIRST].1]);
    put("b.pcap", &of_day(FIRST, 4));
    convert(&night);
    changes("a capture of the second date is one of the first", &[DAYS[FIRST].1, DAYS[SECOND].1]);
    put("same.pcap", &of_day(SECOND, 9));
    let without_copies = ConvertRequest {
        rules: parcap::select::SelectOptions { dedupe: true, ..night.rules.clone() },
        ..night.clone()
    };
    convert(&without_copies);
    changes("a copy that is left out", &["1970-01-01"]);
    forget(&rewrite_of(lake), &[archive.join("d.pcap")]).unwrap();
    changes("the copy goes with its double, and none is left of the second date", &["1970-01-01", DAYS[SECOND].1]);
    assert_eq!(summary(lake, "captures").iter().filter(|row| row.partition.ends_with(DAYS[SECOND].1)).count(), 0);
}

/// The same name in two working directories: which captures are shown by their whole paths follows from those of their date.
#[test]
fn a_name_that_two_captures_of_a_date_share_is_shown_as_the_path() {
    let folder = folder();
    let lake = folder.path().join("lake");
    for (place, day) in [("x", FIRST), ("y", FIRST), ("z", SECOND)] {
        fs::create_dir(folder.path().join(place)).unwrap();
        fs::write(folder.path().join(place).join("one.pcap"), of_day(day, 3 + u16::try_from(place.len()).unwrap()))
            .unwrap();
        save(&folder, &format!("{place}/other-{place}.pcap"), &of_day(day, 8));
        let mut command = command();
        command.current_dir(folder.path().join(place)).args(["convert", ".", "--out", &text(&lake)]);
        let ran = finish(&mut command);
        assert_eq!(ran.status, Some(0), "{ran:?}");
    }
    let names: Vec<_> = summary(&lake, "captures").iter().map(|row| row.get("capture").unwrap().to_owned()).collect();
    let root = fs::canonicalize(folder.path()).unwrap();
    let whole = |name: &str| text(&root.join(name));
    let expected = [
        whole("x/one.pcap"),
        "./other-x.pcap".into(),
        whole("y/one.pcap"),
        "./other-y.pcap".into(),
        "./one.pcap".into(),
        "./other-z.pcap".into(),
    ];
    assert_eq!(names, expected);
}

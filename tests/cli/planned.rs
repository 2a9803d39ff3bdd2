//! `plan | convert-unit | commit` night after night: what is not in the units comes with the plan, and what goes wrong with
//! some units is not the end of the others.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde_json::Value;

use crate::support::build::Capture;
use crate::support::{Ran, files, finish, folder, hashes, manifests, packets, run, run_with, text};

use super::capture;

/// An archive beside its lake.
struct Nights {
    folder: tempfile::TempDir,
}

impl Nights {
    fn of(captures: &[(&str, &[u8])]) -> Self {
        let nights = Self { folder: folder() };
        fs::create_dir(nights.archive()).unwrap();
        captures.iter().for_each(|(name, bytes)| nights.write(name, bytes));
        nights
    }

    fn archive(&self) -> PathBuf {
        self.folder.path().join("archive")
    }

    fn lake(&self) -> String {
        text(&self.folder.path().join("lake"))
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        fs::write(self.archive().join(name), bytes).unwrap();
    }

    /// Into small parts, so that each capture has units of its own, and larger ones several.
    fn plan(&self, options: &[&str]) -> Ran {
        let shape = ["--chunk-size", "900", "--target-file-size", "64"];
        run([&["plan", &text(&self.archive()), "--out", &self.lake()], &shape[..], options].concat())
    }

    fn convert_units(&self, lines: &str) -> Ran {
        run_with(["convert-unit", "--out", &self.lake()], lines.as_bytes())
    }

    fn commit(&self, lines: &str, options: &[&str]) -> Ran {
        run_with([&["commit", &self.lake(), "--format", "json"], options].concat(), lines.as_bytes())
    }

    /// All three, as one pipe.
    fn night(&self) -> Ran {
        let units = self.plan(&[]).stdout;
        self.commit(&self.convert_units(&units).stdout, &[])
    }

    fn rows(&self) -> usize {
        packets(self.lake().as_ref()).len()
    }

    /// What lies in the folder of units, by the names of plans.
    fn staged(&self) -> BTreeMap<String, usize> {
        let mut plans = BTreeMap::new();
        for path in files(&Path::new(&self.lake()).join("_parcap/units")) {
            *plans.entry(text(path.iter().next().unwrap().as_ref())).or_default() += 1;
        }
        plans
    }

    fn is_sound(&self) {
        let ran = run(["verify", "--deep", &self.lake()]);
        assert_eq!(ran.status, Some(0), "{ran:?}");
    }
}

fn bytes_of(packets: usize) -> Vec<u8> {
    let whole = capture();
    whole.bytes[..whole.boundaries[packets].0].to_vec()
}

fn lines(text: &str) -> Vec<&str> {
    text.lines().collect()
}

fn refused(ran: &Ran) -> Vec<String> {
    let refused = ran.json()["refused"].as_array().unwrap().clone();
    refused.iter().map(|refused| refused["path"].as_str().unwrap().rsplit('/').next().unwrap().to_owned()).collect()
}

/// Regression: a capture that had been renamed was in the lake twice.
#[test]
fn a_plan_knows_what_was_renamed_compressed_and_refused() {
    let nights = Nights::of(&[("a.pcap", &bytes_of(40)), ("b.pcap", &bytes_of(60)), ("no.pcap", b"no capture at all")]);
    let ran = nights.night();
    assert_eq!((ran.status, &ran.json()["rows"], refused(&ran)), (Some(3), &100.into(), vec!["no.pcap".to_owned()]));
    fs::rename(nights.archive().join("a.pcap"), nights.archive().join("a-2.pcap")).unwrap();
    assert!(std::process::Command::new("gzip").arg(nights.archive().join("b.pcap")).status().unwrap().success());
    nights.write("c.pcap", &bytes_of(7));
    let planned = nights.plan(&[]);
    // What was refused once is not opened again.
    assert_eq!((planned.status, planned.stderr.contains("no.pcap")), (Some(0), false), "{planned:?}");
    let ran = nights.commit(&nights.convert_units(&planned.stdout).stdout, &[]);
    let report = ran.json();
    assert_eq!(
        (ran.status, &report["quarantined"], report["renamed"].as_array().map(Vec::len)),
        (Some(0), &1.into(), Some(2)),
        "{ran:?}"
    );
    assert_eq!(nights.rows(), 107);
    nights.is_sound();
    let before = hashes(nights.lake().as_ref());
    assert_eq!((nights.night().status, nights.plan(&[]).stdout.lines().count()), (Some(0), 1));
    assert_eq!(hashes(nights.lake().as_ref()), before, "a night without anything to do changes something");
}

#[test]
fn the_first_line_may_come_anywhere_any_number_of_times_or_from_a_file() {
    let nights = Nights::of(&[("a.pcap", &bytes_of(40))]);
    assert_eq!(nights.night().status, Some(0));
    fs::rename(nights.archive().join("a.pcap"), nights.archive().join("b.pcap")).unwrap();
    nights.write("c.pcap", &bytes_of(80));
    let plan = nights.plan(&[]).stdout;
    let file = text(&nights.folder.path().join("plan.jsonl"));
    fs::write(&file, &plan).unwrap();
    let (head, units) = plan.split_once('\n').unwrap();
    assert!(units.lines().count() > 3, "{units}");
    let rows = nights.convert_units(units).stdout;
    assert_eq!((rows.lines().count(), rows.contains("\"units\":")), (units.lines().count(), false));
    // The row that goes with a plan is not taken without it, for the plan has more to say.
    let ran = nights.commit(&rows, &[]);
    assert_eq!((ran.status, ran.complaint().contains("is committed together with the first line")), (Some(1), true));
    let saved = nights.folder.path().join("saved");
    copy(nights.lake().as_ref(), &saved);
    for (delivered, options) in [
        (format!("{head}\n{rows}"), vec![]),
        (format!("{rows}\n{head}\n{head}\n"), vec![]),
        (format!("{rows}{plan}"), vec![]),
        (rows.clone(), vec!["--plan", &file]),
        (format!("{head}\n{rows}"), vec!["--plan", &file]),
    ] {
        fs::remove_dir_all(nights.lake()).unwrap();
        copy(&saved, nights.lake().as_ref());
        let ran = nights.commit(&delivered, &options);
        assert_eq!(
            (ran.status, &ran.json()["renamed"][0]["was"]),
            (Some(0), &text(&nights.archive().join("a.pcap")).into())
        );
        assert_eq!((nights.rows(), nights.staged()), (120, BTreeMap::new()));
    }
    nights.is_sound();
    // A scheduler that commits twice is told so.
    let before = hashes(nights.lake().as_ref());
    let ran = nights.commit(&format!("{head}\n{rows}"), &[]);
    assert_eq!((ran.status, ran.complaint()), (Some(0), "note: the lake holds all of the plan already"), "{ran:?}");
    assert_eq!(hashes(nights.lake().as_ref()), before);
}

fn copy(from: &Path, to: &Path) {
    for file in files(from) {
        let place = to.join(&file);
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        fs::copy(from.join(&file), place).unwrap();
    }
}

#[test]
fn rows_that_only_add_captures_are_taken_without_the_first_line() {
    let nights = Nights::of(&[("a.pcap", &bytes_of(40)), ("gone.pcap", b"no capture at all")]);
    assert_eq!(nights.night().status, Some(3));
    // Touched, and forgiven.
    let later = SystemTime::now() + Duration::from_secs(9);
    File::open(nights.archive().join("a.pcap")).unwrap().set_modified(later).unwrap();
    fs::remove_file(nights.archive().join("gone.pcap")).unwrap();
    nights.write("b.pcap", &bytes_of(7));
    let plan = nights.plan(&[]).stdout;
    let rows = nights.convert_units(plan.split_once('\n').unwrap().1).stdout;
    let ran = nights.commit(&rows, &[]);
    assert_eq!((ran.status, nights.rows()), (Some(0), 47), "{ran:?}");
    let ran = nights.night();
    assert_eq!((ran.status, &ran.json()["touched"], nights.rows()), (Some(0), &1.into(), 47), "{ran:?}");
    nights.is_sound();
}

#[test]
fn a_first_line_that_was_changed_or_of_another_plan_is_refused() {
    let nights = Nights::of(&[("a.pcap", &bytes_of(40))]);
    let first = nights.plan(&[]).stdout;
    nights.write("b.pcap", &bytes_of(50));
    let second = nights.plan(&[]).stdout;
    let rows = nights.convert_units(&second).stdout;
    let both = format!("{}\n{rows}", lines(&first)[0]);
    let ran = nights.commit(&both, &[]);
    assert_eq!(
        (ran.status, ran.complaint().contains("is not of the same plan as the line before it")),
        (Some(1), true)
    );
    let ran = nights.commit(&rows.replacen("\"sequence\":0", "\"sequence\":3", 1), &[]);
    assert_eq!((ran.status, ran.complaint().contains("was changed, or made by another version")), (Some(1), true));
    let file = text(&nights.archive().join("a.pcap"));
    assert_eq!(nights.commit("", &["--plan", &file]).status, Some(1));
    assert_eq!(nights.commit(&rows, &["--plan", "nowhere"]).status, Some(1));
    // Folders are called by what a plan says.
    let unit = lines(&second)[1];
    let plan = serde_json::from_str::<Value>(unit).unwrap()["plan"].as_str().unwrap().to_owned();
    for id in ["../../../x", "", "0123456789abcde/", "0123456789abcdeg"] {
        let ran = nights.convert_units(&unit.replace(&plan, id));
        assert_eq!((ran.status, ran.complaint().contains("is not a unit as `parcap plan` prints it")), (Some(1), true));
    }
    assert_eq!(nights.staged().keys().collect::<Vec<_>>(), [&plan]);
}

/// Regression: one unit that failed kept all others from being committed.
#[test]
fn what_is_missing_is_named_and_left_out_as_a_whole_where_that_is_wanted() {
    let nights = Nights::of(&[("a.pcap", &bytes_of(5)), ("b.pcap", &bytes_of(90)), ("c.pcap", &bytes_of(6))]);
    let plan = nights.plan(&[]).stdout;
    let planned: Value = serde_json::from_str(lines(&plan)[0]).unwrap();
    assert_eq!((&planned["captures"], &planned["sequence"]), (&3.into(), &0.into()));
    let converted = nights.convert_units(&plan).stdout;
    let rows = lines(&converted);
    // The first and the last unit are captures; between them are those of the large one.
    assert!(rows.len() > 5, "{}", rows.len());
    let without = |places: &[usize]| -> String {
        let kept = rows.iter().enumerate().filter(|(place, _)| !places.contains(place));
        kept.map(|(_, row)| format!("{row}\n")).collect()
    };
    let before = hashes(nights.lake().as_ref());
    let ran = nights.commit(&without(&[1, 3]), &[]);
    let said = format!(
        "error: 2 of {} units of the plan are missing, with 2 captures; nothing was committed\n  {}\n  {}\nhint: ",
        rows.len() - 1,
        nights.archive().join("a.pcap").display(),
        nights.archive().join("b.pcap").display(),
    );
    assert_eq!((ran.status, ran.stderr.starts_with(&said)), (Some(1), true), "{ran:?}");
    // The lock is there from now on.
    let mut after = hashes(nights.lake().as_ref());
    after.remove(Path::new("_parcap/lock"));
    assert_eq!(after, before);
    // An attempt that was lost, one that was cut off while it was told, and one that is still under way.
    assert_eq!(nights.convert_units(lines(&plan)[2]).status, Some(0));
    let torn = format!("{}{}", without(&[1, 3]), &rows[3][..rows[3].len() / 2]);
    assert_eq!(nights.commit(&torn, &[]).status, Some(1));
    let ran = nights.commit(&torn, &["--incomplete", "leave-out"]);
    assert_eq!((ran.status, refused(&ran)), (Some(3), vec!["a.pcap".to_owned(), "b.pcap".to_owned()]), "{ran:?}");
    assert!(
        ran.stderr.starts_with(&format!("warning: stdin, line {}: not a valid unit row: ", rows.len() - 1)),
        "{ran:?}"
    );
    assert_eq!((nights.rows(), nights.staged()), (6, BTreeMap::new()));
    assert_eq!(manifests(nights.lake().as_ref())[0]["refused"], Value::Array(Vec::new()));
    nights.is_sound();
    let ran = nights.night();
    assert_eq!((ran.status, nights.rows()), (Some(0), 101), "{ran:?}");
}

/// Where the first part of a unit is staged.
fn part(nights: &Nights, row: &str) -> PathBuf {
    let row: Value = serde_json::from_str(row).unwrap();
    Path::new(&nights.lake()).join(row["parts"][0]["staged"].as_str().unwrap())
}

#[test]
fn a_unit_whose_files_are_not_as_they_were_staged_is_missing() {
    let nights = Nights::of(&[("a.pcap", &bytes_of(5)), ("b.pcap", &bytes_of(6)), ("c.pcap", &bytes_of(7))]);
    let converted = nights.convert_units(&nights.plan(&[]).stdout).stdout;
    fs::remove_file(part(&nights, lines(&converted)[1])).unwrap();
    let changed = part(&nights, lines(&converted)[2]);
    let mut bytes = fs::read(&changed).unwrap();
    bytes[100] ^= 1;
    fs::write(&changed, bytes).unwrap();
    assert_eq!(nights.commit(&converted, &[]).status, Some(1));
    let ran = nights.commit(&converted, &["--incomplete", "leave-out"]);
    assert_eq!((ran.status, refused(&ran)), (Some(3), vec!["a.pcap".to_owned(), "b.pcap".to_owned()]), "{ran:?}");
    assert_eq!((nights.night().status, nights.rows()), (Some(0), 18));
}

#[test]
fn what_is_left_out_leaves_what_it_was_to_replace() {
    let nights = Nights::of(&[("a.part", &bytes_of(40)), ("b.pcap", &bytes_of(30))]);
    assert_eq!(nights.night().status, Some(0));
    // Longer and renamed, so that it replaces a capture of another name; and grown.
    fs::remove_file(nights.archive().join("a.part")).unwrap();
    nights.write("a.pcap", &bytes_of(45));
    nights.write("b.pcap", &bytes_of(31));
    let plan = nights.plan(&[]).stdout;
    let ran = nights.commit(lines(&plan)[0], &["--incomplete", "leave-out"]);
    assert_eq!((ran.status, refused(&ran)), (Some(3), vec!["a.pcap".to_owned(), "b.pcap".to_owned()]), "{ran:?}");
    assert_eq!(nights.rows(), 70);
    assert_eq!((nights.night().status, nights.rows()), (Some(0), 76));
    nights.is_sound();
}

#[test]
fn a_unit_that_fails_has_no_row_and_the_others_have_theirs() {
    let nights = Nights::of(&[("a.pcap", &bytes_of(5)), ("b.pcap", &bytes_of(6))]);
    let plan = nights.plan(&[]).stdout;
    let lines = lines(&plan);
    let broken = [lines[0], &lines[1][..lines[1].len() / 2], "", lines[2]].join("\n");
    let ran = nights.convert_units(&broken);
    assert_eq!((ran.status, ran.stdout.lines().count()), (Some(1), 2), "{ran:?}");
    assert!(ran.stderr.starts_with("error: stdin, line 2: not a valid unit: "), "{ran:?}");
    // Without anything to do, nothing is done.
    for nothing in [String::new(), "\n".to_owned(), format!("{}\n", lines[0])] {
        let ran = nights.convert_units(&nothing);
        assert_eq!((ran.status, ran.stdout.trim()), (Some(0), nothing.trim()), "{ran:?}");
    }
    // Converted twice, and the first attempt is gone.
    let [first, second] = [0, 1].map(|_| nights.convert_units(&plan).stdout);
    fs::remove_dir_all(part(&nights, first.lines().nth(1).unwrap()).parent().unwrap()).unwrap();
    let ran = nights.commit(&(first + &second), &[]);
    assert_eq!((ran.status, nights.rows()), (Some(0), 11), "{ran:?}");
    // One that cannot be written leaves nothing.
    fs::remove_dir_all(nights.lake()).unwrap();
    fs::write(nights.lake(), "").unwrap();
    let ran = nights.convert_units(&plan);
    assert_eq!((ran.status, ran.stdout.lines().count(), ran.stderr.matches("is a file").count()), (Some(1), 1, 2));
}

#[test]
fn a_lake_that_has_changed_since_takes_no_plan_and_the_next_plan_takes_its_rows() {
    let nights = Nights::of(&[("a.pcap", &bytes_of(40))]);
    assert_eq!(nights.night().status, Some(0));
    assert_eq!(nights.night().status, Some(0));
    fs::rename(nights.archive().join("a.pcap"), nights.archive().join("b.pcap")).unwrap();
    nights.write("c.pcap", &bytes_of(80));
    let plan = nights.plan(&[]).stdout;
    let converted = nights.convert_units(&plan).stdout;
    // Others convert and forget meanwhile: it is another lake.
    let other = nights.folder.path().join("other.pcap");
    fs::write(&other, bytes_of(3)).unwrap();
    let shape = ["--chunk-size", "900", "--target-file-size", "64"];
    assert_eq!(run([&["convert", &text(&other), "--out", &nights.lake()], &shape[..]].concat()).status, Some(0));
    let before = hashes(nights.lake().as_ref());
    for options in [&[][..], &["--incomplete", "leave-out"]] {
        let ran = nights.commit(&converted, options);
        let said = "has changed since the plan was made: it was at commit 1, and is at commit 2; nothing was committed";
        assert_eq!((ran.status, ran.complaint().ends_with(said)), (Some(1), true), "{ran:?}");
        assert_eq!(hashes(nights.lake().as_ref()), before);
    }
    let again = nights.plan(&[]).stdout;
    let rows = lines(&converted)[1..].join("\n");
    // Compacted meanwhile it is the same lake, which has other files.
    assert_eq!(run(["compact", &nights.lake()]).status, Some(0));
    let ran = nights.commit(&format!("{}\n{rows}\n", lines(&again)[0]), &[]);
    assert_eq!((ran.status, nights.rows(), nights.staged()), (Some(0), 123, BTreeMap::new()), "{ran:?}");
    // A row that none of the plan's units needs.
    let ran = nights.commit(&format!("{}\n{rows}\n", lines(&nights.plan(&[]).stdout)[0]), &[]);
    let note =
        format!("note: {} rows were passed over, of units that are not in this plan\n", lines(&converted).len() - 1);
    assert_eq!((ran.status, ran.stderr.starts_with(&note)), (Some(0), true), "{ran:?}");
    nights.is_sound();
}

/// Regression: what lost attempts had staged stayed for ever.
#[test]
fn plans_that_never_came_back_are_removed_by_age_and_others_are_not() {
    let nights = Nights::of(&[("a.pcap", &bytes_of(5))]);
    let stale = nights.plan(&[]).stdout;
    assert_eq!(nights.convert_units(&stale).status, Some(0));
    nights.write("b.pcap", &bytes_of(6));
    let alive = nights.plan(&[]).stdout;
    let converted = nights.convert_units(&alive).stdout;
    let id = |plan: &str| serde_json::from_str::<Value>(lines(plan)[0]).unwrap()["plan"].as_str().unwrap().to_owned();
    assert_eq!(nights.staged().into_keys().collect::<std::collections::BTreeSet<_>>(), [id(&stale), id(&alive)].into());
    let units = Path::new(&nights.lake()).join("_parcap/units");
    let old = units.join(id(&stale));
    let some_time_ago = SystemTime::now() - Duration::from_secs(3 * 86_400);
    let age = |path: &Path| File::open(path).unwrap().set_modified(some_time_ago).unwrap();
    // All but one file, which somebody writes.
    let written = files(&old);
    written[1..].iter().for_each(|path| age(&old.join(path)));
    let mut folders: Vec<_> =
        written.iter().flat_map(|path| path.ancestors().skip(1)).map(|path| old.join(path)).collect();
    folders.sort();
    folders.iter().rev().for_each(|path| age(path));
    // Of an earlier version, without the folder of a plan.
    let earlier = units.join("0123456789abcdef-1-2");
    fs::create_dir(&earlier).unwrap();
    age(&earlier);
    assert_eq!(nights.commit("", &["--abandon", "2d"]).status, Some(0));
    assert_eq!((old.exists(), units.join(id(&alive)).exists(), earlier.exists()), (true, true, false));
    age(&old.join(&written[0]));
    assert_eq!(nights.commit("", &["--abandon", "4d"]).status, Some(0));
    assert!(old.exists());
    assert_eq!(nights.commit(&converted, &["--abandon", "2d"]).status, Some(0));
    assert_eq!((units.exists(), nights.rows()), (false, 11));
    // Where there is no lake there is nothing to remove, and none is made.
    let nowhere = text(&nights.folder.path().join("nowhere"));
    assert_eq!(run(["commit", &nowhere, "--abandon", "2d"]).status, Some(0));
    assert!(!Path::new(&nowhere).exists());
}

#[test]
fn a_plan_forces_leaves_out_and_carries_names_of_any_bytes() {
    let name = |bytes: &[u8]| PathBuf::from(OsStr::from_bytes(bytes));
    let nights = Nights::of(&[]);
    for (bytes, packets) in [(&b"\xff.pcap"[..], 20), (b"\xfe.pcap", 30)] {
        fs::write(nights.archive().join(name(bytes)), bytes_of(packets)).unwrap();
    }
    assert_eq!((nights.night().status, nights.rows()), (Some(0), 50));
    fs::rename(nights.archive().join(name(b"\xff.pcap")), nights.archive().join(name(b"\xfd.pcap"))).unwrap();
    let packed = zstd::encode_all(&*bytes_of(30), 1).unwrap();
    fs::remove_file(nights.archive().join(name(b"\xfe.pcap"))).unwrap();
    fs::write(nights.archive().join(name(b"\xfe.pcap.zst")), packed).unwrap();
    fs::write(nights.archive().join(name(b"\xfc.pcap")), bytes_of(20)).unwrap();
    let plan = nights.plan(&["--dedupe"]).stdout;
    let ran = nights.commit(&nights.convert_units(&plan).stdout, &[]);
    let report = ran.json();
    assert_eq!(
        (ran.status, report["renamed"].as_array().map(Vec::len), &report["duplicates"][0]["left_out"]),
        (Some(0), Some(2), &true.into()),
        "{ran:?}"
    );
    assert_eq!(nights.rows(), 50);
    let forced = nights.plan(&["--force", "--dedupe"]).stdout;
    let ran = nights.commit(&nights.convert_units(&forced).stdout, &[]);
    // What was left out is there, and was named: it is converted as well.
    assert_eq!((ran.status, nights.rows()), (Some(0), 70), "{ran:?}");
    assert!(ran.json()["replaced"].as_u64().unwrap() >= 2, "{ran:?}");
    nights.is_sound();
}

#[test]
fn a_plan_of_nothing_makes_no_lake() {
    let nights = Nights::of(&[("no.pcap", b"no capture at all")]);
    let plan = nights.plan(&["--allow-empty"]);
    assert_eq!((plan.status, plan.stdout.lines().count()), (Some(3), 1), "{plan:?}");
    let ran = nights.commit(&plan.stdout, &[]);
    assert_eq!((ran.status, refused(&ran)), (Some(3), vec!["no.pcap".to_owned()]));
    assert!(!Path::new(&nights.lake()).exists());
    // As a shell has it, over what is there now.
    nights.write("a.pcap", &Capture::pcap().bytes);
    let binary = env!("CARGO_BIN_EXE_parcap");
    let pipe = format!(
        "'{binary}' plan archive --out lake | '{binary}' convert-unit --out lake | '{binary}' commit lake -q --top 0"
    );
    let ran = finish(std::process::Command::new("bash").args(["-c", &pipe]).current_dir(nights.folder.path()));
    assert_eq!((ran.status, ran.stdout.as_str()), (Some(3), ""), "{ran:?}");
    assert_eq!(packets(nights.lake().as_ref()).len(), 0);
}

//! Runs: one at a time, ended by signals, the same bytes whatever surrounds them, rows where their partition is.

use std::fs::{self, File};
use std::io::Write as _;
use std::process::{Command, Stdio};

use crate::support::build::Known;
use crate::support::{command, ended, files, finish, folder, hashes, packets, run, sample, save, text, wait_until};

use super::capture;

#[test]
fn a_second_run_ends_with_75_while_the_lock_is_held() {
    let folder = folder();
    let lake = folder.path().join("lake");
    assert_eq!(run(["convert", &sample("vlan.pcap"), "--out", &text(&lake)]).status, Some(0));
    let lock = File::options().write(true).open(lake.join("_parcap/lock")).unwrap();
    lock.lock().unwrap();
    let before = hashes(&lake);
    let ran = run(["convert", &sample("any.pcap"), "--out", &text(&lake)]);
    let complaint = format!("error: {}: another run holds this lake", lake.display());
    assert_eq!((ran.status, ran.complaint()), (Some(75), complaint.as_str()));
    assert_eq!(hashes(&lake), before);
    lock.unlock().unwrap();
    assert_eq!(run(["convert", &sample("any.pcap"), "--out", &text(&lake)]).status, Some(0));
    // 110 and 22: EXPECTED.tsv.
    assert_eq!(packets(&lake).len(), 132);
}

/// Sends a signal by the shell's command, for that needs no unsafe code.
pub(super) fn signal(name: &str, process: u32) {
    assert!(Command::new("kill").args([&format!("-{name}"), &process.to_string()]).status().unwrap().success());
}

#[test]
fn a_second_signal_ends_a_run_that_waits_for_input_and_nothing_is_visible() {
    // Of two that are there at once, the one with the lower number comes first.
    for (first, second, status) in [("INT", "TERM", &[143][..]), ("TERM", "INT", &[130, 143])] {
        // On a busy machine the second one may come when the first one has ended the run alone.
        let mut statuses = (0..5).map(|_| interrupt_twice(first, second));
        assert!(statuses.any(|code| status.contains(&code)), "SIG{first}, SIG{second}");
    }
}

/// Sends two signals to a run that waits for input. Returns its exit status.
fn interrupt_twice(first: &str, second: &str) -> i32 {
    let folder = folder();
    let lake = folder.path().join("lake");
    let mut child = command()
        .args(["convert", "-", "--out", &text(&lake), "--row-group-rows", "5"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // More than is read ahead at once, and the pipe stays open: a run that does not end by itself never ends.
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(&capture().bytes).unwrap();
    stdin.flush().unwrap();
    wait_until("staging", || lake.join("_parcap/staging").is_dir());
    // One right after the other: the first one leaves the input a moment for what is on its way.
    let both = format!("kill -{first} {0}; kill -{second} {0}", child.id());
    Command::new("sh").args(["-c", &both]).status().unwrap();
    let ended = ended(&mut child);
    let code = ended.code().unwrap();
    assert!([130, 143].contains(&code), "{ended}");
    assert_eq!((files(&lake.join("packets")), files(&lake.join("summaries"))), (vec![], vec![]));
    drop(stdin);
    let ran = crate::support::run_with(["convert", "-", "--out", &text(&lake)], &capture().bytes);
    assert_eq!(ran.status, Some(0), "{ran:?}");
    assert_eq!(packets(&lake).iter().map(Known::of).collect::<Vec<_>>(), capture().rows());
    code
}

#[test]
fn a_signal_ends_a_run_at_work_and_the_next_run_gives_the_same_lake() {
    let folder = folder();
    let mut bytes = capture().bytes;
    let records = bytes.split_off(24);
    (0..2000).for_each(|_| bytes.extend(&records));
    let input = text(&save(&folder, "big.pcap", &bytes));
    let lake = folder.path().join("lake");
    let args = ["convert", &input, "--chunk-size", "1MiB", "--row-group-rows", "20000", "--out"];
    let mut child = command().args(args).arg(&lake).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    wait_until("the first part", || !files(&lake.join("_parcap/staging")).is_empty());
    signal("TERM", child.id());
    let ended = ended(&mut child);
    assert_eq!(ended.code(), Some(143), "{ended}");
    assert_eq!((files(&lake.join("packets")), files(&lake.join("summaries"))), (vec![], vec![]));
    let (again, undisturbed) =
        (run(args.iter().map(std::ffi::OsStr::new).chain([lake.as_os_str()])), folder.path().join("other"));
    assert_eq!(again.status, Some(0), "{again:?}");
    assert_eq!(run(args.iter().map(std::ffi::OsStr::new).chain([undisturbed.as_os_str()])).status, Some(0));
    assert_eq!(hashes(&lake), hashes(&undisturbed));
}

#[test]
fn neither_zone_nor_language_nor_threads_change_a_byte() {
    let folder = folder();
    let input = text(&save(&folder, "capture.pcap", &capture().bytes));
    let lake_of = |name: &str, environment: &[(&str, &str)], jobs: &[&str]| {
        let lake = folder.path().join(name);
        let mut command = command();
        command.args(["convert", &input, &sample("midnight.pcap"), &sample("dns.pcapng"), "--out", &text(&lake)]);
        command.args(["--chunk-size", "2000", "--partition-by", "date,hour"]);
        let ran = finish(command.args(jobs).envs(environment.iter().copied()));
        assert_eq!(ran.status, Some(0), "{ran:?}");
        hashes(&lake)
    };
    let usual = lake_of("usual", &[("TZ", "UTC"), ("LC_ALL", "C")], &[]);
    assert!(usual.len() > 10);
    assert_eq!(lake_of("tokyo", &[("TZ", "Asia/Tokyo"), ("LC_ALL", "de_DE.UTF-8")], &[]), usual);
    assert_eq!(lake_of("west", &[("TZ", "WST+11:30"), ("LANG", "tr_TR.UTF-8")], &[]), usual);
    assert_eq!(lake_of("one-thread", &[("RAYON_NUM_THREADS", "1")], &[]), usual);
    assert_eq!(lake_of("one-job", &[], &["--jobs", "1"]), usual);
    assert_eq!(lake_of("many-jobs", &[], &["--jobs", "7"]), usual);
}

#[test]
fn each_part_holds_rows_of_the_partition_that_its_folders_name() {
    let folder = folder();
    let input = text(&save(&folder, "capture.pcap", &capture().bytes));
    let lake = folder.path().join("lake");
    let ran = run(["convert", &input, "--out", &text(&lake), "--partition-by", "date,hour,protocol"]);
    assert_eq!(ran.status, Some(0), "{ran:?}");
    let rows = packets(&lake);
    assert_eq!(rows.len(), 90);
    for row in &rows {
        let seconds = row.int("datetime").unwrap() / 1_000_000;
        // The capture's two dates begin at these seconds: `date -u -d DATE +%s`.
        let date = if seconds < 1_709_164_800 { "2020-02-29" } else { "2024-02-29" };
        // lake.md: hours are not padded; readers show Hive's default partition as null.
        let protocol = row.get("protocol").unwrap_or("__HIVE_DEFAULT_PARTITION__");
        let expected = format!("date={date}/hour={}/protocol={protocol}", seconds % 86_400 / 3600);
        assert_eq!(row.partition, expected);
    }
    let mut partitions: Vec<_> = rows.into_iter().map(|row| row.partition).collect();
    partitions.dedup();
    let hours = ["date=2020-02-29/hour=0", "date=2020-02-29/hour=7", "date=2024-02-29/hour=23"];
    let expected: Vec<_> = hours
        .iter()
        .flat_map(|hour| ["UDP", "__HIVE_DEFAULT_PARTITION__"].map(|protocol| format!("{hour}/protocol={protocol}")))
        .collect();
    assert_eq!(partitions, expected);
    // Nothing but Parquet lies where readers look.
    for folder in ["packets", "summaries"] {
        assert!(files(&lake.join(folder)).iter().all(|path| path.extension().unwrap() == "parquet"), "{folder}");
    }
    assert!(fs::read_dir(&lake).unwrap().count() == 3);
}

//! A lake can keep a plan. Units are then converted by their places in it, and their rows stay in the lake. Another process can
//! go on where one stopped.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::{Ran, files, folder, hashes, run, text};

use super::capture;

/// An archive of three captures of several units each, and a lake that is to be.
struct Cluster {
    folder: tempfile::TempDir,
}

const SHAPE: [&str; 4] = ["--chunk-size", "900", "--target-file-size", "64"];

impl Cluster {
    fn new() -> Self {
        let cluster = Self { folder: folder() };
        fs::create_dir(cluster.folder.path().join("archive")).unwrap();
        let whole = capture();
        for (name, packets) in [("a.pcap", 40), ("b.pcap", 60), ("c.pcap", 7)] {
            let bytes = &whole.bytes[..whole.boundaries[packets].0];
            fs::write(cluster.folder.path().join("archive").join(name), bytes).unwrap();
        }
        cluster
    }

    fn at(&self, name: &str) -> String {
        text(&self.folder.path().join(name))
    }

    /// Plans, and keeps the plan. Returns its name, and how many units it has.
    fn plan(&self) -> (String, usize) {
        let ran = run([&["plan", &self.at("archive"), "--out", &self.at("lake"), "--keep"], &SHAPE[..]].concat());
        assert_eq!(ran.status, Some(0), "{ran:?}");
        let first: Value = serde_json::from_str(ran.stdout.lines().next().unwrap()).unwrap();
        (first["plan"].as_str().unwrap().to_owned(), ran.stdout.lines().count() - 1)
    }

    fn convert(&self, plan: &str, places: &[usize]) -> Ran {
        let places: Vec<_> = places.iter().map(ToString::to_string).collect();
        run(["convert-unit", "--out", &self.at("lake"), "--of", plan, "--unit", &places.join(",")])
    }

    fn commit(&self, plan: &str, options: &[&str]) -> Ran {
        run([&["commit", &self.at("lake"), "--plan", plan, "--format", "json"], options].concat())
    }

    /// The lake that `convert` makes of the archive.
    fn converted(&self) -> String {
        let other = self.at("converted");
        let ran = run([&["convert", &self.at("archive"), "--out", &other, "--quiet"], &SHAPE[..]].concat());
        assert_eq!(ran.status, Some(0), "{ran:?}");
        other
    }

    fn waiting(&self) -> Vec<String> {
        files(&Path::new(&self.at("lake")).join("_parcap/units")).iter().map(|path| text(path)).collect()
    }
}

fn known(ran: &Ran) -> Vec<bool> {
    let of_line = |line: &str| serde_json::from_str::<Value>(line).unwrap()["known"].as_bool().unwrap();
    ran.stdout.lines().map(of_line).collect()
}

#[test]
fn it_gives_the_lake_of_convert_to_the_last_byte() {
    let cluster = Cluster::new();
    let (plan, units) = cluster.plan();
    assert!(units > 5);
    let (even, odd): (Vec<_>, Vec<_>) = (0..units).partition(|place| place % 2 == 0);
    let odd: Vec<_> = odd.into_iter().rev().collect();
    assert_eq!(known(&cluster.convert(&plan, &odd)), vec![false; odd.len()]);
    assert_eq!(known(&cluster.convert(&plan, &even)), vec![false; even.len()]);
    let ran = cluster.commit(&plan, &[]);
    assert_eq!((ran.status, &ran.json()["rows"]), (Some(0), &107.into()), "{ran:?}");
    assert_eq!(hashes(cluster.at("lake").as_ref()), hashes(cluster.converted().as_ref()));
    assert_eq!(cluster.waiting(), Vec::<String>::new());
}

#[test]
fn who_comes_after_one_that_died_converts_only_the_rest() {
    let cluster = Cluster::new();
    let (plan, units) = cluster.plan();
    assert_eq!(cluster.convert(&plan, &[0, 2]).status, Some(0));
    // The same archive and lake have the same plan.
    assert_eq!(cluster.plan(), (plan.clone(), units));
    let all: Vec<_> = (0..units).collect();
    let expected: Vec<_> = all.iter().map(|place| [0, 2].contains(place)).collect();
    assert_eq!(known(&cluster.convert(&plan, &all)), expected);
    assert_eq!(cluster.commit(&plan, &[]).status, Some(0));
    assert_eq!(hashes(cluster.at("lake").as_ref()), hashes(cluster.converted().as_ref()));
}

/// What was staged may be lost, or its row be cut off, on a disk that lies. Converting again is the way out.
#[test]
fn a_row_counts_as_long_as_its_files_are_as_they_were_written() {
    let cluster = Cluster::new();
    let (plan, units) = cluster.plan();
    let all: Vec<_> = (0..units).collect();
    cluster.convert(&plan, &all);
    let below = Path::new(&cluster.at("lake")).join("_parcap/units").join(&plan);
    let part = files(&below).into_iter().find(|path| path.extension().is_some_and(|it| it == "parquet")).unwrap();
    fs::write(below.join(part), b"no part").unwrap();
    let row = files(&below.join("rows")).pop().unwrap();
    fs::write(below.join("rows").join(row), b"{\"unit\":").unwrap();
    assert_eq!(known(&cluster.convert(&plan, &all)).iter().filter(|known| !**known).count(), 2);
    assert_eq!(cluster.commit(&plan, &[]).status, Some(0));
    assert_eq!(hashes(cluster.at("lake").as_ref()), hashes(cluster.converted().as_ref()));
}

#[test]
fn units_that_are_missing_are_refused_or_left_out() {
    let cluster = Cluster::new();
    let (plan, units) = cluster.plan();
    assert_eq!(cluster.convert(&plan, &(1..units).collect::<Vec<_>>()).status, Some(0));
    let ran = cluster.commit(&plan, &[]);
    assert_eq!(ran.status, Some(1), "{ran:?}");
    assert!(ran.stderr.contains(&format!("1 of {units} units")), "{ran:?}");
    // A process was killed while it wrote a row: there is none, or a file with another name.
    let ran = cluster.commit(&plan, &["--incomplete", "leave-out"]);
    assert_eq!((ran.status, &ran.json()["rows"]), (Some(3), &67.into()), "{ran:?}");
    assert!(ran.stderr.contains("a.pcap"), "{ran:?}");
}

#[test]
fn what_is_not_there_is_named() {
    let cluster = Cluster::new();
    let (plan, units) = cluster.plan();
    let ran = cluster.convert(&plan, &[0, units]);
    assert_eq!((ran.status, ran.stdout.lines().count()), (Some(1), 1), "{ran:?}");
    assert!(ran.stderr.contains(&format!("has no unit {units}")), "{ran:?}");
    for ran in [cluster.convert("0123456789abcdef", &[0]), cluster.commit("0123456789abcdef", &[])] {
        assert_eq!(ran.status, Some(1), "{ran:?}");
        assert!(ran.stderr.contains("is no plan that is kept here;"), "{ran:?}");
    }
    let ran = cluster.convert("../..", &[0]);
    assert!(ran.status == Some(2) && ran.stderr.contains("16 hexadecimal digits"), "{ran:?}");
    assert_eq!(cluster.convert(&plan, &(0..units).collect::<Vec<_>>()).status, Some(0));
    assert_eq!(cluster.commit(&plan, &[]).status, Some(0));
    assert_eq!(cluster.commit(&plan, &[]).status, Some(1));
}

//! `--retain`: what is asked of it, what it says, and what it leaves.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::support::delta::{assert_log_is_the_lake, delta_log};
use crate::support::{Ran, files, folder, manifests, run, text};

use super::minute;

struct Retaining {
    folder: tempfile::TempDir,
}

impl Retaining {
    fn new() -> Self {
        let folder = folder();
        fs::create_dir(folder.path().join("archive")).unwrap();
        let retaining = Self { folder };
        retaining.night(0);
        retaining
    }

    fn lake(&self) -> PathBuf {
        self.folder.path().join("lake")
    }

    fn capture(&self, number: u32) -> PathBuf {
        self.folder.path().join(format!("archive/{number}.pcap"))
    }

    /// Another capture of the same date.
    fn night(&self, number: u32) {
        fs::write(self.capture(number), minute(number, 20)).unwrap();
    }

    fn convert(&self, options: &[&str]) -> Ran {
        let (archive, lake) = (text(&self.folder.path().join("archive")), text(&self.lake()));
        run([&["convert", &archive, "--out", &lake, "--top", "0"], options].concat())
    }

    fn on_lake(&self, words: &[&str]) -> Ran {
        run([&words[..1], &[&text(&self.lake())], &words[1..]].concat())
    }

    fn there(&self) -> BTreeSet<String> {
        let there = files(&self.lake().join("packets"));
        there.iter().map(|path| format!("packets/{}", path.display())).collect()
    }

    fn live(&self) -> BTreeSet<String> {
        delta_log(&self.lake()).live.into_keys().collect()
    }
}

#[test]
fn nothing_is_retained_where_readers_of_files_would_count_it_twice() {
    let lake = Retaining::new();
    let refused = |ran: &Ran| {
        assert_eq!((ran.status, ran.stdout.as_str()), (Some(2), ""), "{ran:?}");
        let said = "has no Delta log: readers of its files would count their rows twice";
        assert!(ran.stderr.contains(said) && ran.stderr.contains("hint: `--delta` gives"), "{ran:?}");
    };
    refused(&lake.convert(&["--retain", "7d"]));
    assert!(!lake.lake().exists());
    let archive = text(&lake.folder.path().join("archive"));
    refused(&run(["plan", &archive, "--out", &text(&lake.lake()), "--retain", "7d"]));
    assert_eq!(lake.convert(&["--retain", "0"]).status, Some(0));
    let before = manifests(&lake.lake());
    refused(&lake.convert(&["--retain", "1h"]));
    refused(&lake.on_lake(&["compact", "--retain", "1h"]));
    assert_eq!(lake.on_lake(&["compact", "--retain", "0s"]).status, Some(0));
    assert_eq!(manifests(&lake.lake()), before);
    for wrong in ["-1h", "7", "week"] {
        let ran = lake.on_lake(&["compact", &format!("--retain={wrong}")]);
        assert_eq!((ran.status, ran.complaint().contains("--retain")), (Some(2), true), "{ran:?}");
    }
}

#[test]
fn a_lake_retains_as_it_was_told_until_it_is_told_otherwise() {
    let lake = Retaining::new();
    assert_eq!(lake.convert(&["--delta"]).status, Some(0));
    let first = lake.there();
    // A run without anything new makes a commit of it, and the next one none.
    for _ in 0..2 {
        assert_eq!(lake.convert(&["--retain", "7d"]).status, Some(0));
        assert_eq!(manifests(&lake.lake()).len(), 2);
    }
    lake.night(1);
    assert_eq!(lake.convert(&[]).status, Some(0));
    let before = lake.there();
    let ran = lake.on_lake(&["compact"]);
    assert!(ran.stdout.starts_with("2 parts of ") && !ran.stdout.contains("retained"), "{ran:?}");
    assert!(lake.there().is_superset(&before) && lake.live().is_disjoint(&before), "{:?}", lake.there());
    let last = manifests(&lake.lake()).pop().unwrap();
    let retained: BTreeSet<_> =
        last["retained"].as_array().unwrap().iter().map(|part| part["path"].as_str().unwrap().to_owned()).collect();
    assert_eq!(retained, before);
    let until = last["retained"][0]["until"].as_i64().unwrap();
    assert_eq!(until - last["delta"]["time"].as_i64().unwrap(), 7 * 24 * 3600 * 1000);
    let ran = lake.on_lake(&["verify"]);
    assert_eq!(ran.status, Some(0), "{ran:?}");
    assert!(
        ran.stdout.contains("all as written\n2 parts of ") && ran.stdout.contains("for versions before"),
        "{ran:?}"
    );
    // One that somebody has deleted is no loss, and what is not retained is still a stray.
    fs::remove_file(lake.lake().join(first.first().unwrap())).unwrap();
    assert_eq!(lake.on_lake(&["verify"]).status, Some(0));
    let stray = lake.lake().join("packets/stray.parquet");
    fs::copy(lake.lake().join(lake.live().first().unwrap()), &stray).unwrap();
    assert_eq!(lake.on_lake(&["verify"]).status, Some(1));
    fs::remove_file(stray).unwrap();
    assert_eq!(lake.on_lake(&["compact"]).stdout, "nothing to compact\n");
    let ran = lake.on_lake(&["compact", "--retain", "0"]);
    assert!(ran.status == Some(0) && ran.stdout.ends_with("2 retained parts were removed\n"), "{ran:?}");
    assert_log_is_the_lake(&lake.lake());
    // Now nothing is retained.
    lake.night(2);
    assert_eq!(lake.convert(&[]).status, Some(0));
    assert_eq!(lake.on_lake(&["compact"]).status, Some(0));
    assert_log_is_the_lake(&lake.lake());
}

#[test]
fn what_a_base_manifest_retains_is_known_as_before_and_goes_when_it_is_forgotten() {
    let lake = Retaining::new();
    assert_eq!(lake.convert(&["--delta", "--retain", "7d"]).status, Some(0));
    // Nine manifests become one, and the parts of all nights one.
    for number in 1..9 {
        lake.night(number);
        assert_eq!(lake.convert(&[]).status, Some(0));
    }
    let before = lake.there();
    let ran = lake.on_lake(&["compact"]);
    assert!(ran.stdout.contains("manifests became 1"), "{ran:?}");
    assert_eq!(manifests(&lake.lake()).len(), 1);
    assert!(lake.there().is_superset(&before));
    assert_eq!(lake.on_lake(&["verify", "--deep"]).status, Some(0));
    // Captures that go on at their paths, and one that is forgotten then.
    fs::write(lake.capture(3), minute(3, 25)).unwrap();
    assert_eq!(lake.convert(&[]).status, Some(0));
    let ran = lake.on_lake(&["forget", &text(&lake.capture(3))]);
    assert_eq!(ran.status, Some(0), "{ran:?}");
    // Nine parts were retained. The one with rows of the capture is gone. So are the two that got its rows later.
    let left: BTreeSet<_> = lake.there().difference(&lake.live()).cloned().collect();
    assert!(left.len() == 8 && left.is_subset(&before), "{left:?}");
    assert_eq!(lake.on_lake(&["verify", "--deep"]).status, Some(0));
    // A lake that is no Delta table any more has no readers of versions.
    assert_eq!(lake.on_lake(&["delta", "--off"]).status, Some(0));
    assert_eq!(lake.there().len(), 1);
    assert_eq!(lake.on_lake(&["verify", "--deep"]).status, Some(0));
    assert!(!manifests(&lake.lake())[0]["settings"].as_object().unwrap().contains_key("retain_ms"));
}

#[test]
fn a_lake_whose_manifests_are_lost_takes_up_no_part_that_it_only_retained() {
    for lose in [Lose::All, Lose::Last] {
        let lake = Retaining::new();
        assert_eq!(lake.convert(&["--delta", "--retain", "7d"]).status, Some(0));
        // The capture is another one at the same path.
        fs::write(lake.capture(0), minute(7, 30)).unwrap();
        assert_eq!(lake.convert(&[]).status, Some(0));
        lake.night(1);
        assert_eq!(lake.convert(&[]).status, Some(0));
        assert_eq!(lake.on_lake(&["compact"]).status, Some(0));
        let rows = |root: &Path| delta_log(root).live.len();
        assert_eq!((rows(&lake.lake()), lake.there().len()), (1, 4));
        let manifest = lake.lake().join("_parcap/manifest");
        match lose {
            Lose::All => fs::remove_dir_all(lake.lake().join("_parcap")).unwrap(),
            Lose::Last => fs::remove_file(manifest.join("0000000004.json")).unwrap(),
        }
        let ran = lake.on_lake(&["verify", "--repair", "--deep"]);
        // What is not taken up is named, and stays for the user to decide.
        assert!(ran.stdout.contains("2 captures, 50 rows in"), "{lose:?}: {ran:?}");
        assert_eq!(ran.status, Some(1), "{lose:?}: {ran:?}");
        let named: Vec<_> = lake.there().into_iter().filter(|path| !lake.live().contains(path)).collect();
        assert!(!named.is_empty() && named.iter().all(|path| ran.stdout.contains(path)), "{lose:?}: {ran:?}");
        named.iter().for_each(|path| fs::remove_file(lake.lake().join(path)).unwrap());
        assert_log_is_the_lake(&lake.lake());
        // And it goes on.
        lake.night(2);
        assert_eq!(lake.convert(&[]).status, Some(0));
        assert_eq!(lake.on_lake(&["verify", "--deep"]).status, Some(0));
    }
}

#[derive(Clone, Copy, Debug)]
enum Lose {
    All,
    Last,
}

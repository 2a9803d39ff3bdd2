//! Journals and manifests that others wrote, and files that are not the lake's.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::error::{Error, Result};
use crate::lake::committer::recover;
use crate::lake::lock::Lock;
use crate::lake::manifest::Manifest;
use crate::lake::record::CommittedPart;
use crate::lake::snapshot::Snapshot;

use super::*;

/// The journal of an earlier version: files that are moved, and removed, one by one.
#[test]
fn a_journal_of_an_earlier_version_is_carried_out() {
    let dir = folder();
    let lake = two_parts(dir.path());
    let (moves, removes) = replacement(&lake);
    let step = staged_for(&lake, "m", "m", "_parcap/manifest/0000000002.json");
    manifest(2).write(&lake.resolve(Path::new("_parcap/staging/m2"))).unwrap();
    fs::rename(lake.resolve(Path::new("_parcap/staging/m2")), lake.resolve(&step.from)).unwrap();
    let journal = serde_json::json!({ "moves": moves, "removes": removes, "manifest": step });
    fs::write(lake.pending(), journal.to_string()).unwrap();
    // It had come so far.
    fs::create_dir_all(lake.resolve(moves[0].to.parent().unwrap())).unwrap();
    fs::rename(lake.resolve(&moves[0].from), lake.resolve(&moves[0].to)).unwrap();
    recover(&lake).unwrap();
    assert_eq!((visible(&lake), sequence(&lake)), (of(&NEW), 2));
    recover(&lake).unwrap();
}

#[test]
fn a_journal_that_leads_out_of_the_lake_or_into_its_own_files_is_refused_and_touches_nothing() {
    let dir = folder();
    let victim = dir.path().join("victim");
    fs::write(&victim, "keep").unwrap();
    let absolute = victim.to_str().unwrap();
    let good = |from: &str, to: &str| serde_json::json!({ "from": from, "to": to });
    let manifest = good("_parcap/staging/m", "_parcap/manifest/0000000001.json");
    let (from, part) = ("_parcap/staging/e", "packets/date=1970-01-01/e.parquet");
    let exchange = |folder: &str, built: &str, witness: &str| {
        serde_json::json!({ "adds": [], "removes": [], "manifest": manifest, "exchanges": [{
            "folder": folder, "built": built, "adds": [], "removes": [], "witness": witness, "comes": true }] })
    };
    let adds = |step: serde_json::Value| serde_json::json!({ "adds": [step], "removes": [], "manifest": manifest });
    let moves = |step: serde_json::Value| serde_json::json!({ "moves": [step], "removes": [], "manifest": manifest });
    let removes = |path: &str| serde_json::json!({ "moves": [], "removes": [path], "manifest": manifest });
    let published = |step: serde_json::Value| serde_json::json!({ "moves": [], "removes": [], "manifest": step });
    let journals = [
        adds(good(from, absolute)),
        moves(good(from, "../victim")),
        moves(good(from, "packets/../../victim")),
        moves(good(from, "_parcap/lock")),
        moves(good(from, "packets")),
        moves(good("../victim", part)),
        moves(good(absolute, part)),
        moves(good("packets/date=1970-01-01/a.parquet", part)),
        removes("../victim"),
        removes(absolute),
        removes("_parcap/lock"),
        removes("packets/./../../victim"),
        published(good("_parcap/staging/m", "../victim")),
        published(good("_parcap/staging/m", "_parcap/manifest/../lock")),
        published(good("../victim", "_parcap/manifest/0000000001.json")),
        exchange("packets", "_parcap/staging/exchange/0", "e"),
        exchange("../victim", "_parcap/staging/exchange/0", "e"),
        exchange("packets/date=1970-01-01", "../victim", "e"),
        exchange("packets/date=1970-01-01", "_parcap/staging/exchange/0", "../../../victim"),
    ];
    for (number, journal) in journals.into_iter().enumerate() {
        let root = dir.path().join("lake").join(number.to_string()).join("lake");
        let lake = two_parts(&root);
        fs::write(root.join("../victim"), "keep").unwrap();
        staged(&lake, "e", "evil");
        staged(&lake, "m", "evil");
        fs::write(lake.pending(), journal.to_string()).unwrap();
        let error = recover(&lake).unwrap_err();
        assert!(matches!(error, Error::Outside { .. }), "{journal}: {error}");
        for path in [&victim, &root.join("../victim")] {
            assert_eq!(fs::read_to_string(path).unwrap(), "keep", "{journal}");
        }
        assert_eq!((visible(&lake), sequence(&lake)), (of(&OLD), 1), "{journal}");
    }
}

#[test]
fn a_manifest_that_names_files_elsewhere_is_refused() {
    let part = |path: &str| CommittedPart {
        path: path.into(),
        unit: String::new(),
        rows: 0,
        bytes: 0,
        checksum: String::new(),
        ranges: Vec::new(),
        delta: None,
    };
    let dir = folder();
    let read = |change: &dyn Fn(&mut Manifest)| -> Result<Manifest> {
        let mut manifest = manifest(1);
        change(&mut manifest);
        let path = dir.path().join("m.json");
        let _ = fs::remove_file(&path);
        manifest.write(&path).unwrap();
        Manifest::read(&path)
    };
    read(&|manifest| manifest.parts.push(part("packets/date=1970-01-01/a.parquet"))).unwrap();
    let strange =
        ["/etc/passwd", "../a.parquet", "packets/../../a.parquet", "packets", "", "_parcap/lock", "summaries/a/b"];
    for path in strange {
        let refused =
            |found: Result<Manifest>| assert!(matches!(found, Err(Error::Outside { .. })), "{path}: {found:?}");
        refused(read(&|manifest| manifest.parts.push(part(path))));
        refused(read(&|manifest| manifest.removed.parts.push(path.into())));
        refused(read(&|manifest| manifest.removed.partials.push(path.into())));
        if !path.starts_with("summaries/") {
            refused(read(&|manifest| manifest.removed.tables.push(path.into())));
        }
    }
}

#[test]
fn a_fifo_in_the_place_of_the_lakes_own_files_keeps_nobody_waiting() {
    let dir = folder();
    let lake = two_parts(dir.path());
    let fifo = |path: &Path| Command::new("mkfifo").arg(path).status().unwrap().success();
    assert!(fifo(&lake.pending()) && fifo(&lake.lock()) && fifo(&lake.manifest().join("0000000002.json")));
    recover(&lake).unwrap_err();
    Lock::take(&lake, Duration::ZERO, || Ok(())).unwrap_err();
    Snapshot::read(&lake).unwrap_err();
}

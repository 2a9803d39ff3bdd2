//! Law 25: whatever happens to an archive between the nights, and whatever other engines write into the log, the Delta log of a
//! lake that was mended leads to the files of the lake. Each commit is in it once. A lake with a log has the bytes of one without.

use std::fs;
use std::path::Path;
use std::time::Duration;

use parcap::cancel::Cancel;
use parcap::commands::{ConvertRequest, DeltaRequest, RewriteRequest, VerifyRequest, compact_lake, delta, verify};
use parcap::config::{CHECKPOINT_AFTER, Settings};
use parcap::outcome::{DeltaReport, Report};
use proptest::prelude::*;
use serde_json::Value;

use crate::support::delta::{assert_log_is_the_lake, delta_log, log_lines};
use crate::support::{Row, convert, files, folder, hashes, request, rows_of, save};

use super::archive::{Archive, any_event, content};
use super::nights_planned::in_pieces;

/// What another engine does.
#[derive(Clone, Copy, Debug)]
enum Foreign {
    Nothing,
    /// It sets a property, or notes how far a stream of its own has come.
    Property,
    Transaction,
    /// It deletes a file, adds one, or writes one again.
    Delete,
    Append,
    Optimize,
    /// A file of the log is lost.
    Lose,
}

impl Foreign {
    /// Does it, and says whether the log is not the lake's any more.
    fn happen(self, lake: &Path) -> bool {
        let version = delta_log(lake).versions;
        let first = delta_log(lake).live.keys().next().cloned();
        let remove = first.map(|path| format!("{{\"remove\":{{\"path\":\"{path}\",\"dataChange\":true}}}}\n"));
        let add = "{\"add\":{\"path\":\"x.parquet\",\"partitionValues\":{\"date\":\"2024-03-11\"},\"size\":1,\"modificationTime\":1,\"dataChange\":false}}\n";
        let text = match self {
            Self::Nothing => return false,
            Self::Property => "{\"commitInfo\":{\"operation\":\"SET TBLPROPERTIES\"}}\n".to_owned(),
            Self::Transaction => "{\"txn\":{\"appId\":\"x\",\"version\":1}}\n".to_owned(),
            Self::Delete if remove.is_none() => return false,
            Self::Delete => remove.unwrap_or_default(),
            Self::Append => add.to_owned(),
            Self::Optimize => remove.unwrap_or_default() + add,
            Self::Lose => {
                fs::remove_dir_all(lake.join("_delta_log")).unwrap();
                return true;
            }
        };
        fs::write(lake.join(format!("_delta_log/{version:020}.json")), text).unwrap();
        !matches!(self, Self::Property | Self::Transaction)
    }
}

fn rewrite_of(lake: &Path) -> RewriteRequest {
    RewriteRequest {
        lake: lake.into(),
        target_file_size: None,
        jobs: 2,
        wait: Duration::ZERO,
        earlier_forms: false,
        retain: None,
        checkpoint_after: CHECKPOINT_AFTER,
        dry_run: false,
        cancel: Cancel::default(),
    }
}

fn mend(lake: &Path) -> DeltaReport {
    delta(&DeltaRequest { lake: lake.into(), off: false, wait: Duration::ZERO, cancel: Cancel::default() }).unwrap()
}

fn faults(lake: &Path) -> Vec<String> {
    let request = VerifyRequest {
        lake: lake.into(),
        deep: false,
        repair: false,
        jobs: 2,
        wait: Duration::ZERO,
        cancel: Cancel::default(),
    };
    verify(&request)
        .unwrap()
        .faults
        .into_iter()
        .map(|fault| format!("{}: {}", fault.path.display(), fault.problem))
        .collect()
}

/// The commits are in the log in their order, and each once; a log that was mended says its commit again.
fn assert_commits(lake: &Path, was_mended: bool) {
    let commits = delta_log(lake).commits;
    assert!(commits.is_sorted(), "{commits:?}");
    let numbers: Vec<u64> = (1..=*commits.last().unwrap()).collect();
    assert!(was_mended || commits == numbers, "{commits:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn whatever_happens_the_log_is_the_lake_or_the_run_says_that_it_is_not(
        nights in prop::collection::vec(
            (
                prop::collection::vec(any_event(), 1..5),
                prop::sample::select(vec![
                    Foreign::Nothing, Foreign::Nothing, Foreign::Nothing, Foreign::Property, Foreign::Transaction,
                    Foreign::Delete, Foreign::Append, Foreign::Optimize, Foreign::Lose,
                ]),
                any::<bool>(),
            ),
            1..5,
        ),
        chunk_size in prop::sample::select(vec![64 << 20, 300_u64]),
    ) {
        let mut archive = Archive::new();
        let (lake, plain) = (archive.folder.path().join("lake"), archive.folder.path().join("plain"));
        let settings = Settings { chunk_size, ..Settings::default() };
        let (mut is_foreign, mut was_foreign) = (false, false);
        for (events, foreign, compacted) in nights {
            for event in events {
                // A capture that is to be forgotten goes from both lakes.
                archive.happen(event, &rewrite_of(&lake));
            }
            let named = [archive.named(false), archive.named(true)];
            let asked = Settings { delta: !lake.exists(), ..settings.clone() };
            // Each commit makes a checkpoint of the lake too.
            let night = ConvertRequest { settings: asked, checkpoint_after: 0, ..request(&named, &lake) };
            let report: Report = convert(&night);
            archive.night(|_| true);
            // A lake that no capture has made yet has no log either.
            if !lake.exists() {
                continue;
            }
            let mut lack = report.lost.delta_lacks;
            if compacted {
                lack = lack.or(compact_lake(&rewrite_of(&lake)).unwrap().lost.delta_lacks);
            }
            if is_foreign || lack.is_some() {
                prop_assert!(faults(&lake).iter().any(|fault| fault.starts_with("_delta_log: ")), "{lack:?}");
            }
            prop_assert!(is_foreign || lack.is_none(), "{lack:?}");
            mend(&lake);
            assert_log_is_the_lake(&lake);
            prop_assert_eq!(faults(&lake), Vec::<String>::new());
            prop_assert!(mend(&lake).log_version.is_none(), "mended twice");
            was_foreign |= is_foreign;
            assert_commits(&lake, was_foreign);
            // A new lake of the same archive, without a log: what a log changes of packets and summaries is nothing.
            let _ = fs::remove_dir_all(&plain);
            convert(&ConvertRequest { settings: settings.clone(), ..request(&named, &plain) });
            let logged = archive.folder.path().join("logged");
            let _ = fs::remove_dir_all(&logged);
            convert(&ConvertRequest { settings: Settings { delta: true, ..settings.clone() }, ..request(&named, &logged) });
            for table in ["packets", "summaries", "_parcap/partials"] {
                prop_assert_eq!(hashes(&logged.join(table)), hashes(&plain.join(table)));
            }
            is_foreign = foreign.happen(&lake);
        }
    }
}

/// A text of the log or of a manifest without what two runs may differ in: times, and the identity of the table.
fn without_times(text: &str) -> String {
    let mut text = text.to_owned();
    for name in ["timestamp", "lastUpdated", "deletionTimestamp", "modificationTime", "createdTime", "modified", "time"]
    {
        let key = format!("\"{name}\":");
        let mut pieces = text.split(&key);
        let mut plain = pieces.next().unwrap().to_owned();
        for piece in pieces {
            let rest = piece.trim_start_matches(|c: char| c.is_ascii_digit());
            // A time as milliseconds; in statistics the same name is that of a column.
            let is_time = piece.len() - rest.len() == 13;
            plain += &key;
            plain += if is_time { rest } else { piece };
        }
        text = plain;
    }
    let id = text.find("parcap:").map(|at| text[at + 7..at + 43].to_owned());
    let text = id.map_or(text.clone(), |id| text.replace(&id, "ID"));
    text.split("\"checksum\": \"").next().unwrap().to_owned()
}

/// The log and the manifests of a lake, comparable with those of another one.
fn told(lake: &Path) -> Vec<(String, String)> {
    let mut told = Vec::new();
    for folder in ["_delta_log", "_parcap/manifest"] {
        for name in files(&lake.join(folder)) {
            let text = fs::read_to_string(lake.join(folder).join(&name)).unwrap();
            let id = text.find("\"delta\": {\"id\":\"").map(|at| text[at + 16..at + 52].to_owned());
            let text = id.map_or(text.clone(), |id| text.replace(&id, "ID"));
            told.push((format!("{folder}/{}", name.display()), without_times(&text)));
        }
    }
    told
}

#[test]
fn two_lakes_made_alike_differ_in_times_and_in_the_identity_alone() {
    let folder = folder();
    let captures: Vec<_> = (0..6).map(|night| save(&folder, &format!("{night}.pcap"), &content(night, 20))).collect();
    let make = |name: &str, planned: bool| {
        let lake = folder.path().join(name);
        for night in 1..=captures.len() {
            let settings = Settings { delta: true, ..Settings::default() };
            let settings = Settings { delta: night == 1, ..settings };
            let night = ConvertRequest { settings, ..request(&captures[..night], &lake) };
            if planned {
                in_pieces(&night);
            } else {
                convert(&night);
            }
        }
        compact_lake(&rewrite_of(&lake)).unwrap();
        assert_log_is_the_lake(&lake);
        told(&lake)
    };
    let whole = make("whole", false);
    assert_eq!(whole.len(), 14, "seven versions, and seven manifests");
    assert_eq!(make("again", false), whole);
    assert_eq!(make("pieces", true), whole);
}

#[test]
fn compacting_changes_no_data_for_readers_of_changes() {
    let folder = folder();
    let captures: Vec<_> = (0..4).map(|night| save(&folder, &format!("{night}.pcap"), &content(night, 20))).collect();
    let lake = folder.path().join("lake");
    for night in 1..=captures.len() {
        let settings = Settings { delta: true, ..Settings::default() };
        let night = ConvertRequest {
            settings: Settings { delta: night == 1, ..settings },
            ..request(&captures[..night], &lake)
        };
        convert(&night);
    }
    compact_lake(&rewrite_of(&lake)).unwrap();
    let lines = log_lines(&lake);
    let changes: Vec<Vec<bool>> = lines
        .iter()
        .map(|lines| {
            let changes = lines
                .iter()
                .filter_map(|line| line["add"]["dataChange"].as_bool().or(line["remove"]["dataChange"].as_bool()));
            changes.collect()
        })
        .collect();
    assert!(changes[..4].iter().all(|changes| *changes == [true]), "{changes:?}");
    assert!(changes[4].len() > 4 && changes[4].iter().all(|change| !change), "{changes:?}");
    assert_eq!(lines[4][0]["commitInfo"]["operation"], "OPTIMIZE");
}

/// The statistics of a column as its values give them: nulls, and the least and the greatest value as JSON.
fn statistics_of(rows: &[Row], name: &str, kind: &str) -> (usize, Option<(Value, Value)>) {
    let values: Vec<&str> = rows.iter().filter_map(|row| row.get(name)).collect();
    let nulls = rows.len() - values.len();
    let ints = || values.iter().map(|value| value.parse::<i64>().unwrap());
    let instant = |millis: i64| {
        let time = jiff::Timestamp::from_millisecond(millis).unwrap();
        Value::from(time.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string())
    };
    let bounds = match kind {
        "timestamp" => {
            let (min, max) = (ints().min(), ints().max());
            // A millisecond is a thousand: down for the least, up for the greatest.
            min.zip(max).map(|(min, max)| (instant(min.div_euclid(1000)), instant((max + 999).div_euclid(1000))))
        }
        "long" | "integer" => ints().min().zip(ints().max()).map(|(min, max)| (min.into(), max.into())),
        "double" => {
            let doubles = || values.iter().map(|value| value.parse::<f64>().unwrap());
            let (min, max) = (doubles().min_by(f64::total_cmp), doubles().max_by(f64::total_cmp));
            min.zip(max).map(|(min, max)| (min.into(), max.into()))
        }
        "string" => {
            let bounds = values.iter().min().zip(values.iter().max());
            bounds.map(|(min, max)| ((*min).into(), (*max).into()))
        }
        _ => values
            .iter()
            .min()
            .zip(values.iter().max())
            .map(|(min, max)| ((*min == "true").into(), (*max == "true").into())),
    };
    (nulls, bounds)
}

fn is_long(rows: &[Row], name: &str) -> bool {
    rows.iter().any(|row| row.get(name).is_some_and(|text| text.len() > 64))
}

#[test]
fn the_statistics_of_a_file_are_those_of_its_rows() {
    let folder = folder();
    let lake = folder.path().join("lake");
    let captures = crate::support::repository("data/captures");
    let columns = parcap::further_columns("capture,link,ip,transport,flow,dns,tunnel,tls").unwrap();
    // Several row groups a file.
    let settings = Settings { delta: true, columns, row_group_rows: 50, ..Settings::default() };
    convert(&ConvertRequest { settings, ..request(&[captures], &lake) });
    let log = delta_log(&lake);
    let (mut compared, mut cut, mut empty) = (0, 0, 0);
    for (path, file) in &log.live {
        let rows = rows_of(&lake.join(path), "");
        let stats: Value = serde_json::from_str(file["stats"].as_str().unwrap()).unwrap();
        assert_eq!(stats["numRecords"], rows.len());
        for (name, kind) in log.columns.iter().filter(|(name, _)| !log.partitions.contains(name)) {
            let (nulls, bounds) = statistics_of(&rows, name, kind);
            assert_eq!(stats["nullCount"][name], nulls, "{path}: {name}");
            let found = (stats["minValues"].get(name), stats["maxValues"].get(name));
            match (found, &bounds) {
                ((Some(least), Some(greatest)), Some((min, max))) if is_long(&rows, name) => {
                    // The footer has the first 64 bytes of a longer text: a bound, and no value.
                    let text = |value: &Value| value.as_str().unwrap().to_owned();
                    assert!(text(least) <= text(min) && text(greatest) >= text(max), "{path}: {name}: {found:?}");
                    cut += usize::from(stats["tightBounds"] == false);
                }
                ((Some(least), Some(greatest)), Some((min, max))) => {
                    // -0 and 0 are one number.
                    assert!(
                        least == min || least.as_f64() == min.as_f64() && min.is_f64(),
                        "{path}: {name}: {least} {min}"
                    );
                    assert!(
                        greatest == max || greatest.as_f64() == max.as_f64() && max.is_f64(),
                        "{path}: {name}: {greatest} {max}"
                    );
                    compared += 1;
                }
                ((None, None), None) => {
                    assert_eq!(nulls, rows.len(), "{path}: {name}: a reader finds no row by a column without bounds");
                    empty += 1;
                }
                (found, bounds) => panic!("{path}: {name}: {found:?}, and its rows have {bounds:?}"),
            }
        }
    }
    assert!(compared > 100 && cut > 0 && empty > 0, "{compared} {cut} {empty}");
}

//! A lake of an earlier version (`data/earlier`) is read as it is; `compact --rewrite` gives it the form of today.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use parquet::basic::{ColumnOrder, Encoding};
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use tempfile::TempDir;

use crate::support::{
    Row, command, files, finish, folder, hashes, manifests, packets, parts, repository, run, sample, summary,
    summary_names, text,
};

/// The captures of which it was made, in the order of the runs.
const CAPTURES: [&str; 2] = ["vlan.pcap", "two-interfaces.pcapng"];

/// A copy of the lake.
fn earlier(folder: &TempDir) -> PathBuf {
    let (from, to) = (repository("data/earlier/lake"), folder.path().join("earlier"));
    for path in files(&from) {
        fs::create_dir_all(to.join(&path).parent().unwrap()).unwrap();
        fs::copy(from.join(&path), to.join(&path)).unwrap();
    }
    to
}

/// The lake that today's parcap makes of the same captures, named as they were then.
fn converted_again(folder: &TempDir) -> PathBuf {
    fs::create_dir(folder.path().join("captures")).unwrap();
    for name in CAPTURES {
        fs::copy(sample(name), folder.path().join("captures").join(name)).unwrap();
        let mut command = command();
        command.current_dir(folder.path()).args(["convert", &format!("captures/{name}"), "--out", "again"]);
        assert_eq!(finish(&mut command).status, Some(0));
    }
    folder.path().join("again")
}

/// The Parquet files that readers see, by their path, each with what of it older readers do not know.
fn forms(lake: &Path) -> BTreeMap<PathBuf, BTreeSet<&'static str>> {
    let is_parquet = |path: &PathBuf| path.extension().is_some_and(|suffix| suffix == "parquet");
    let below = files(lake).into_iter().filter(is_parquet);
    below.map(|path| (path.clone(), form(&lake.join(path)))).collect()
}

fn form(path: &Path) -> BTreeSet<&'static str> {
    let reader = SerializedFileReader::new(File::open(path).unwrap()).unwrap();
    let metadata = reader.metadata();
    let mut found = BTreeSet::new();
    for column in metadata.row_groups().iter().flat_map(|group| group.columns()) {
        found.extend(column.encodings().any(|held| held == Encoding::BYTE_STREAM_SPLIT).then_some("encoding"));
    }
    let orders = metadata.file_metadata().column_orders().unwrap();
    assert_eq!(orders.len(), metadata.file_metadata().schema_descr().num_columns());
    let known = orders.iter().all(|order| matches!(order, ColumnOrder::TYPE_DEFINED_ORDER(_)));
    found.extend((!known).then_some("column order"));
    found
}

/// What a part says of the captures that its rows are of.
fn inputs_of(path: &Path) -> String {
    let reader = SerializedFileReader::new(File::open(path).unwrap()).unwrap();
    let pairs = reader.metadata().file_metadata().key_value_metadata().unwrap();
    pairs.iter().find(|pair| pair.key == "parcap.inputs").unwrap().value.clone().unwrap()
}

/// The rows of all tables. The earlier version had captures of all dates in one file.
fn tables(lake: &Path) -> BTreeMap<&'static str, Vec<Row>> {
    let mut tables: BTreeMap<_, _> = summary_names().map(|name| (name, summary(lake, name))).collect();
    tables.get_mut("captures").unwrap().iter_mut().for_each(|row| row.partition.clear());
    tables
}

/// The files of the tables of captures.
fn tables_of_captures(lake: &Path) -> Vec<String> {
    let files = files(&lake.join("summaries/captures"));
    files.iter().map(|path| text(path)).collect()
}

fn verified(lake: &Path) {
    let ran = run(["verify", &text(lake), "--deep"]);
    assert_eq!(ran.status, Some(0), "{ran:?}");
}

#[test]
fn the_lake_of_an_earlier_version_has_what_older_readers_do_not_know() {
    let forms = forms(&repository("data/earlier/lake"));
    let with = |what| forms.iter().filter(|(_, found)| found.contains(what)).map(|(path, _)| path).collect::<Vec<_>>();
    assert_eq!(with("encoding").len(), 2, "both parts");
    // Besides the parts the tables that have doubles.
    let stems: Vec<_> = with("column order").iter().filter_map(|path| path.file_stem()?.to_str()).collect();
    assert_eq!((stems.len(), &stems[2..]), (4, &["send_rates", "send_rates_by_protocol"][..]));
}

#[test]
fn a_lake_of_an_earlier_version_is_read_as_it_is() {
    let folder = folder();
    let again = converted_again(&folder);
    let lake = earlier(&folder);
    verified(&lake);
    assert_eq!(packets(&lake), packets(&again));
    let csv = |lake: &Path| {
        run(["summarize", &text(lake), "--format", "csv", "--table", "send_rates", "--top", "all"]).stdout
    };
    assert!(csv(&again).lines().count() > 10);
    assert_eq!(csv(&lake), csv(&again));
    let page = text(&folder.path().join("page.html"));
    assert_eq!(run(["report", &text(&lake), "--out", &page]).status, Some(0));
    let before = packets(&lake);
    assert_eq!(run(["compact", &text(&lake)]).status, Some(0));
    verified(&lake);
    assert_eq!((packets(&lake), parts(&lake).len()), (before, 1));
    let ran = run(["forget", &text(&lake), "/captures/vlan.pcap"]);
    assert_eq!(ran.status, Some(0), "{ran:?}");
    verified(&lake);
    assert_eq!(packets(&lake).len(), 42);
    assert_eq!(run(["convert", &sample("web.pcap.gz"), "--out", &text(&lake)]).status, Some(0));
    verified(&lake);
}

#[test]
fn a_rewritten_lake_is_byte_by_byte_what_converting_again_gives() {
    let folder = folder();
    let lake = earlier(&folder);
    let again = converted_again(&folder);
    let (before, known) = (packets(&lake), tables(&lake));
    let inputs: Vec<_> =
        parts(&lake).iter().map(|part| inputs_of(&lake.join(part["path"].as_str().unwrap()))).collect();
    // No part is small, so that none comes to another one.
    let rewrite = ["compact", &text(&lake), "--rewrite", "--target-file-size", "1"];
    let ran = run(rewrite);
    assert_eq!((ran.status, ran.stderr.as_str()), (Some(0), ""));
    assert!(ran.stdout.starts_with("2 parts of ") && ran.stdout.contains(" became 2 of "), "{ran:?}");
    assert!(ran.stdout.contains("\n2 parts and 3 summary tables of an earlier form were rewritten\n"), "{ran:?}");
    verified(&lake);
    assert!(forms(&lake).values().all(BTreeSet::is_empty), "{:?}", forms(&lake));
    assert_eq!((packets(&lake), tables(&lake)), (before, known));
    let now: Vec<_> = parts(&lake).iter().map(|part| inputs_of(&lake.join(part["path"].as_str().unwrap()))).collect();
    // That parts say what their captures are known by came later.
    let now: Vec<_> = now.iter().map(|inputs| inputs.replace("\"capture\":0,", "")).collect();
    assert_eq!(now, inputs);
    // Names of parts follow from what they were made of.
    let bytes = |lake: &Path| -> Vec<_> {
        parts(lake).iter().map(|part| fs::read(lake.join(part["path"].as_str().unwrap())).unwrap()).collect()
    };
    assert!(bytes(&lake) == bytes(&again));
    let (found, expected) = (hashes(&lake.join("summaries")), hashes(&again.join("summaries")));
    assert!(found.len() > 10);
    for (path, hash) in found {
        assert_eq!(Some(&hash), expected.get(&path), "{}", path.display());
    }

    // What has today's form is left alone.
    let before = hashes(&lake);
    let ran = run(rewrite);
    assert_eq!(ran.stdout, "nothing to compact, and all files have today's form\n", "{ran:?}");
    let ran = run(["compact", &text(&again), "--rewrite", "--target-file-size", "1", "--format", "json"]);
    let figures = ["parts_before", "parts_after", "earlier_parts", "earlier_tables"];
    assert_eq!(figures.map(|name| ran.json()[name].as_u64().unwrap()), [0; 4], "{ran:?}");
    assert_eq!(hashes(&lake), before);
}

#[test]
fn a_lake_is_rewritten_and_compacted_in_one_go_by_any_number_of_workers() {
    let folder = folder();
    let mut made = Vec::new();
    for jobs in ["1", "3"] {
        let lake = earlier(&folder);
        let before = (packets(&lake), tables(&lake));
        let ran = run(["compact", &text(&lake), "--rewrite", "--jobs", jobs, "--wait", "1s", "--format", "json"]);
        assert_eq!(ran.status, Some(0), "{ran:?}");
        let figures = ["parts_before", "parts_after", "earlier_parts", "earlier_tables", "rows"];
        assert_eq!(figures.map(|name| ran.json()[name].as_u64().unwrap()), [2, 1, 2, 3, 152]);
        verified(&lake);
        assert!(forms(&lake).values().all(BTreeSet::is_empty));
        assert_eq!((packets(&lake), tables(&lake)), before);
        assert_eq!(run(["compact", &text(&lake), "--rewrite"]).status, Some(0));
        made.push(["packets", "summaries"].map(|below| hashes(&lake.join(below))));
        fs::remove_dir_all(&lake).unwrap();
    }
    assert_eq!(made[0], made[1]);
}

#[test]
fn a_part_of_an_earlier_form_is_rewritten_beside_parts_of_today() {
    let folder = folder();
    let lake = earlier(&folder);
    assert_eq!(run(["convert", &sample("web.pcap.gz"), "--out", &text(&lake)]).status, Some(0));
    let before = hashes(&lake.join("packets"));
    let ran = run(["compact", &text(&lake), "--rewrite", "--target-file-size", "1", "--format", "json"]);
    assert_eq!((&ran.json()["earlier_parts"], ran.status), (&2.into(), Some(0)), "{ran:?}");
    let after = hashes(&lake.join("packets"));
    let kept = before.iter().filter(|(path, hash)| after.get(*path) == Some(hash)).count();
    assert_eq!((before.len() - kept, after.len()), (2, before.len()));
    verified(&lake);
}

#[test]
fn a_file_that_is_not_what_was_written_is_not_rewritten_and_nothing_else_is() {
    for place in ["packets", "summaries/send_rates/date=2024-03-11"] {
        let folder = folder();
        let lake = earlier(&folder);
        let mut held = forms(&lake).into_iter().filter(|(path, found)| path.starts_with(place) && !found.is_empty());
        let path = lake.join(held.next_back().unwrap().0);
        let mut bytes = fs::read(&path).unwrap();
        bytes[40] ^= 1;
        fs::write(&path, bytes).unwrap();
        let before = hashes(&lake);
        let ran = run(["compact", &text(&lake), "--rewrite"]);
        assert_eq!(ran.status, Some(1), "{ran:?}");
        assert!(ran.stderr.starts_with(&format!("error: {}: the checksum differs ", text(&path))), "{ran:?}");
        assert_eq!(hashes(&lake), before);
    }
}

/// One file for all dates gives way to one a date, with the first commit that writes tables. Readers of both would count captures twice.
#[test]
fn the_table_of_captures_of_all_dates_becomes_one_a_date() {
    let web = sample("web.pcap.gz");
    let commands: [(&[&str], usize); 3] = [
        (&["convert", &web, "--out", "LAKE"], 3),
        (&["forget", "LAKE", "/captures/vlan.pcap"], 1),
        (&["compact", "LAKE", "--rewrite"], 2),
    ];
    for (command, captures) in commands {
        let folder = folder();
        let lake = earlier(&folder);
        assert_eq!(tables_of_captures(&lake), ["captures.parquet"]);
        let ran = run(command.iter().map(|word| word.replace("LAKE", &text(&lake))));
        assert_eq!(ran.status, Some(0), "{ran:?}");
        // Both captures are of one date, and so is the third.
        assert_eq!(tables_of_captures(&lake), ["date=2024-03-11/captures.parquet"], "{command:?}");
        assert_eq!(summary(&lake, "captures").len(), captures, "{command:?}");
        verified(&lake);
    }
    // A lake that has lost what it is known by has its tables made again.
    let folder = folder();
    let lake = earlier(&folder);
    fs::remove_dir_all(lake.join("_parcap")).unwrap();
    assert_eq!(run(["verify", &text(&lake), "--repair"]).status, Some(3));
    assert_eq!(tables_of_captures(&lake), ["date=2024-03-11/captures.parquet"]);
    verified(&lake);
    // So has one that has lost the table.
    let folder = crate::support::folder();
    let lake = earlier(&folder);
    fs::remove_file(lake.join("summaries/captures/captures.parquet")).unwrap();
    assert_eq!(run(["verify", &text(&lake), "--repair"]).status, Some(0));
    assert_eq!(tables_of_captures(&lake), ["date=2024-03-11/captures.parquet"]);
    verified(&lake);
}

/// The journal decides: a rewriting that ends right after it was written is finished by the next run.
#[test]
fn a_rewriting_that_was_decided_is_finished_by_the_next_run() {
    let folder = folder();
    let (lake, done) = (earlier(&folder), folder.path().join("done"));
    let before = hashes(&lake);
    let rows = packets(&lake);
    assert_eq!(run(["compact", &text(&lake), "--rewrite", "--target-file-size", "1"]).status, Some(0));
    fs::rename(&lake, &done).unwrap();
    let lake = earlier(&folder);
    assert_eq!(hashes(&lake), before);
    // As staged, with the journal that lists the moves and removals of the change.
    let change = manifests(&done).pop().unwrap();
    let staging = lake.join("_parcap/staging");
    fs::create_dir_all(&staging).unwrap();
    let name = format!("{:010}.json", change["sequence"].as_u64().unwrap());
    let mut moves = Vec::new();
    let added = ["parts", "partials", "tables"].iter().flat_map(|kind| change[*kind].as_array().unwrap());
    let added = added.map(|file| file["path"].as_str().unwrap().to_owned());
    for (number, path) in added.chain(["_parcap/last".to_owned(), format!("_parcap/manifest/{name}")]).enumerate() {
        fs::copy(done.join(&path), staging.join(number.to_string())).unwrap();
        moves.push(serde_json::json!({ "from": format!("_parcap/staging/{number}"), "to": path }));
    }
    let removed = ["parts", "partials", "tables"].iter().flat_map(|kind| change["removed"][*kind].as_array().unwrap());
    let removes: Vec<_> = removed.collect();
    assert_eq!(removes.len(), 5);
    let manifest = moves.pop();
    let journal = serde_json::json!({ "moves": moves, "manifest": manifest, "removes": removes });
    fs::write(lake.join("_parcap/pending.json"), journal.to_string()).unwrap();
    let ran = run(["compact", &text(&lake), "--rewrite", "--target-file-size", "1"]);
    assert_eq!(ran.stdout, "nothing to compact, and all files have today's form\n", "{ran:?}");
    assert_eq!((hashes(&lake), packets(&lake)), (hashes(&done), rows));
    verified(&lake);
}

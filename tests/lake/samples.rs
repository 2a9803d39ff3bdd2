//! The sample captures of `data/`: each has the rows, the format, the bytes and the fault that its `EXPECTED.tsv` says.
//!
//! The tables come from how the captures were made, and agree with capinfos and tshark (see the READMEs there).

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use crate::support::{convert, files, folder, manifests, packets, repository, request, run, sum, summary};

/// The rows of a table, by file, each with its columns by name.
type Expected = BTreeMap<String, BTreeMap<String, String>>;

fn expected(data: &Path) -> Expected {
    let text = fs::read_to_string(data.join("EXPECTED.tsv")).unwrap();
    let mut lines = text.lines().map(|line| line.split('\t').map(str::to_owned));
    let names: Vec<String> = lines.next().unwrap().collect();
    lines
        .map(|fields| {
            let row: BTreeMap<_, _> = names.iter().cloned().zip(fields).collect();
            (row["file"].clone(), row)
        })
        .collect()
}

#[test]
fn nothing_in_the_data_folders_is_unread() {
    for folder in ["data/captures", "data/damaged", "data/recipes"] {
        let data = repository(folder);
        let there: BTreeSet<_> = files(&data).iter().map(|path| path.to_str().unwrap().to_owned()).collect();
        let mut named: BTreeSet<_> = expected(&data).into_keys().collect();
        named.extend(["EXPECTED.tsv", "README.md"].map(str::to_owned));
        assert_eq!(there, named, "{folder}");
    }
}

#[test]
fn all_sample_captures_in_one_run_are_whole() {
    for data in ["data/captures", "data/recipes"] {
        are_whole_in_one_run(&repository(data));
    }
}

fn are_whole_in_one_run(data: &Path) {
    let expected = expected(data);
    let folder = folder();
    let lake = folder.path().join("lake");
    let (data_name, out) = (data.to_str().unwrap(), lake.to_str().unwrap());
    let ran = run(["convert", data_name, "--out", out, "--format", "json"]);
    assert_eq!(ran.status, Some(0), "{ran:?}");
    let rows: i64 = expected.values().map(|row| row["rows"].parse::<i64>().unwrap()).sum();
    let bytes: i64 = expected.values().map(|row| row["wire_bytes"].parse::<i64>().unwrap()).sum();
    let report = ran.json();
    let counts = ["inputs", "records", "rows", "unchanged"].map(|name| report[name].as_i64().unwrap());
    // Its README and the table are no captures.
    assert_eq!((counts, &report["stepped_over"]), ([i64::try_from(expected.len()).unwrap(), rows, rows, 0], &2.into()));
    assert_eq!((&report["damaged"], &report["refused"]), (&serde_json::json!([]), &serde_json::json!([])));

    let table = packets(&lake);
    assert_eq!((i64::try_from(table.len()).unwrap(), sum(&table, "length")), (rows, bytes));
    for name in ["volume_by_ip", "volume_by_name", "send_rates", "protocols", "captures"] {
        let table = summary(&lake, name);
        assert_eq!((sum(&table, "bytes"), sum(&table, "packets")), (bytes, rows), "{name}");
    }
    let captures = summary(&lake, "captures");
    assert_eq!(captures.len(), expected.len());
    for (file, row) in &expected {
        let path = data.join(file);
        let found = captures.iter().find(|found| found.get("capture") == path.to_str()).unwrap();
        assert_eq!(found.get("format"), Some(row["format"].as_str()), "{file}");
        assert_eq!(found.get("compression"), Some(row["compression"].as_str()), "{file}");
        assert_eq!(found.get("packets"), Some(row["rows"].as_str()), "{file}");
        assert_eq!(found.get("bytes"), Some(row["wire_bytes"].as_str()), "{file}");
        assert_eq!((found.get("damage"), found.get("damage_offset")), (None, None), "{file}");
        assert!(["whole", "odd"].contains(&found.get("status").unwrap()), "{file}");
    }
}

#[test]
fn each_sample_capture_alone_has_its_rows() {
    let folders = ["data/captures", "data/recipes"].map(repository);
    for (capture, row) in
        folders.iter().flat_map(|data| expected(data).into_iter().map(|(file, row)| (data.join(file), row)))
    {
        let folder = folder();
        let request = request(std::slice::from_ref(&capture), &folder.path().join("lake"));
        let report = convert(&request);
        let found = if report.rows > 0 { packets(&request.lake) } else { Vec::new() };
        assert_eq!(
            (found.len().to_string(), sum(&found, "length").to_string()),
            (row["rows"].clone(), row["wire_bytes"].clone()),
            "{}",
            capture.display()
        );
    }
}

#[test]
fn what_the_readme_of_the_samples_says_of_their_dates_and_times_shows() {
    let dates = |file: &str| {
        let folder = folder();
        let request = request(&[repository("data/captures").join(file)], &folder.path().join("lake"));
        convert(&request);
        let mut counts = BTreeMap::<String, usize>::new();
        packets(&request.lake).into_iter().for_each(|row| *counts.entry(row.partition).or_default() += 1);
        counts
    };
    let both = [("date=2024-02-28".to_owned(), 17), ("date=2024-02-29".to_owned(), 17)];
    assert_eq!(dates("midnight.pcap"), BTreeMap::from(both));
    assert_eq!(dates("no-time.pcapng"), BTreeMap::from([("date=1970-01-01".to_owned(), 15)]));
}

#[test]
fn each_damaged_capture_gives_its_rows_up_to_its_fault_and_is_named() {
    let data = repository("data/damaged");
    for (file, row) in &expected(&data) {
        // Each into a lake of its own, for some are cut copies of others.
        let folder = folder();
        let lake = folder.path().join("lake");
        let path = data.join(file).to_str().unwrap().to_owned();
        let ran = run(["convert", &path, "--out", lake.to_str().unwrap(), "--format", "json"]);
        assert_eq!(ran.status, Some(3), "{ran:?}");
        assert!(ran.stderr.lines().any(|line| line.contains(&path)), "{file} is not named");
        let report = ran.json();
        let status = row["status"].as_str();
        if status == "refused" {
            assert_eq!(report["refused"][0]["path"], path, "{file}");
            continue;
        }
        let found = &report["damaged"][0];
        assert_eq!((status, &found["path"]), ("damaged", &path.clone().into()), "{file}");
        assert_eq!(found["records"].to_string(), row["rows"], "{file}");
        assert_eq!(found["damage"]["offset"].to_string(), row["fault_offset"], "{file}");
        assert!(ran.stderr.contains(&format!("warning: {path}: {}", found["message"].as_str().unwrap())));
        let rows: usize = row["rows"].parse().unwrap();
        assert_eq!(packets(&lake).len(), rows);
        assert_eq!(manifests(&lake)[0]["rows"], rows);
    }
}

/// `office-hour.pcap` is cut to a snapshot length: a classic pcap is 24 bytes, and 16 a packet, and what was captured.
#[test]
fn captured_lengths_are_what_the_file_holds() {
    let capture = repository("data/captures/office-hour.pcap");
    let row = &expected(&repository("data/captures"))["office-hour.pcap"];
    let (packets_in_it, wire) = (row["rows"].parse::<u64>().unwrap(), row["wire_bytes"].parse::<i64>().unwrap());
    let captured = i64::try_from(fs::metadata(&capture).unwrap().len() - 24 - 16 * packets_in_it).unwrap();
    assert!(captured < wire, "the sample is cut");
    for (kind, bytes) in [("wire", wire), ("captured", captured)] {
        let folder = folder();
        let lake = folder.path().join("lake");
        let ran =
            run(["convert", capture.to_str().unwrap(), "--out", lake.to_str().unwrap(), "--length", kind, "--quiet"]);
        assert_eq!(ran.status, Some(0), "{ran:?}");
        assert_eq!(sum(&packets(&lake), "length"), bytes);
        assert_eq!(sum(&summary(&lake, "volume_by_ip"), "bytes"), bytes);
    }
}

#[test]
fn every_page_compression_can_be_read_and_names_can_be_off() {
    let capture = repository("data/captures/office-hour.pcap");
    let row = &expected(&repository("data/captures"))["office-hour.pcap"];
    for codec in ["zstd:3", "snappy", "lz4", "none"] {
        let folder = folder();
        let lake = folder.path().join("lake");
        let (capture, out) = (capture.to_str().unwrap(), lake.to_str().unwrap());
        let ran = run(["convert", capture, "--out", out, "--compression", codec, "--names", "off", "--quiet"]);
        assert_eq!(ran.status, Some(0), "{ran:?}");
        let table = packets(&lake);
        assert_eq!(
            (table.len().to_string(), sum(&table, "length").to_string()),
            (row["rows"].clone(), row["wire_bytes"].clone())
        );
        // Every address is `N/A`, and packets without one are apart.
        assert_eq!(summary(&lake, "volume_by_name").len(), 2, "{codec}");
    }
}

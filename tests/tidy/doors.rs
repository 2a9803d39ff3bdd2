//! Which files may name which crate, and why there is each dependency.

use std::fs;

use super::sources;
use crate::support::repository;

/// The crates that have a door: the files and folders (with a final `/`) that may name them.
const DOORS: [(&str, &[&str]); 42] = [
    ("clap", &["cli/"]),
    ("clap_complete", &["cli/"]),
    ("clap_mangen", &["cli/"]),
    ("toml", &["cli/"]),
    (
        "thiserror",
        &["error/mod.rs", "discover/candidate.rs", "storage/open.rs", "capture/reopen.rs", "storage/objects/causes.rs"],
    ),
    ("pcap_file", &["capture/"]),
    ("byteorder_slice", &["capture/"]),
    ("bitflags", &["capture/record.rs"]),
    ("etherparse", &["decode/"]),
    ("base64", &["decode/community_id.rs", "decode/dns/rdata.rs"]),
    ("sha1", &["decode/community_id.rs"]),
    (
        "arrow",
        &[
            "packets/",
            "stream/",
            "tables/table.rs",
            "tables/text_values.rs",
            "tables/given.rs",
            "aggregate/",
            "error/mod.rs",
            "lake/delta/checkpoint.rs",
        ],
    ),
    ("arrow_ipc", &["aggregate/"]),
    ("arrow_json", &["lake/delta/checkpoint.rs"]),
    ("tempfile", &["storage/hashed_file.rs", "storage/replace.rs", "storage/spool.rs", "storage/scratch.rs"]),
    ("csv", &["tables/as_csv.rs", "tables/given.rs"]),
    ("ipnet", &["summary/filter.rs", "cli/"]),
    ("postcard", &["packets/"]),
    (
        "parquet",
        &[
            "packets/",
            "tables/file.rs",
            "tables/reader.rs",
            "tables/given.rs",
            "error/mod.rs",
            "lake/delta/checkpoint.rs",
        ],
    ),
    ("domain", &["names/"]),
    ("tokio", &["names/", "storage/objects/"]),
    ("object_store", &["storage/objects/"]),
    ("reqwest", &["storage/objects/"]),
    ("quick_xml", &["storage/objects/signed_list.rs"]),
    ("futures_util", &["storage/objects/"]),
    ("rayon", &["threads.rs"]),
    ("rustix", &["storage/"]),
    // Bars; and its formats of numbers in what is shown.
    (
        "indicatif",
        &[
            "cli/progress.rs",
            "text.rs",
            "cli/messages.rs",
            "cli/dry_run.rs",
            "inspect/table.rs",
            "summary/render.rs",
            "cli/lake.rs",
            "cli/delta.rs",
            "cli/extract.rs",
        ],
    ),
    ("walkdir", &["discover/"]),
    ("glob", &["discover/"]),
    ("flate2", &["capture/"]),
    // Captures, and pages.
    ("zstd", &["capture/", "packets/encode/compress.rs"]),
    ("liblzma", &["capture/"]),
    ("bzip2", &["capture/"]),
    ("lz4_flex", &["capture/", "packets/encode/compress.rs"]),
    ("snap", &["packets/encode/compress.rs"]),
    // Encoded pages; and what goes to object stores and comes from them.
    ("bytes", &["packets/encode/", "packets/part_bounds.rs", "storage/", "lake/bucket/", "lake/delta/checkpoint.rs"]),
    ("hashbrown", &["packets/"]),
    ("twox_hash", &["hash.rs"]),
    ("comfy_table", &["summary/render.rs"]),
    ("askama", &["report/"]),
    ("signal_hook", &["cli/signals.rs"]),
];

/// Crates that any stage may name: data formats, dates and hash tables.
const EVERYWHERE: [&str; 4] = ["serde", "serde_json", "jiff", "foldhash"];

#[test]
fn every_crate_has_one_door() {
    for source in sources().iter().filter(|source| !source.is_test()) {
        for (name, doors) in DOORS {
            let allowed = doors
                .iter()
                .any(|door| if door.ends_with('/') { source.name.starts_with(door) } else { source.name == *door });
            assert!(allowed || !source.names(name), "{} names {name}, whose door is {doors:?}", source.name);
        }
    }
}

#[test]
fn every_door_is_in_use_and_every_dependency_has_one() {
    let sources = sources();
    for (name, doors) in DOORS {
        for door in doors {
            let uses = sources.iter().any(|source| source.name.starts_with(door) && source.names(name));
            assert!(uses, "{door} does not name {name} any more");
        }
    }
    for name in dependencies("[dependencies]") {
        let name = name.replace('-', "_");
        assert!(
            DOORS.iter().any(|(held, _)| *held == name) || EVERYWHERE.contains(&name.as_str()),
            "{name} has no door"
        );
    }
}

#[test]
fn cargo_toml_says_why_there_is_each_dependency() {
    dependencies("[dependencies]");
    dependencies("[dev-dependencies]");
}

/// The names in a section of `Cargo.toml`; each must have a comment above it, its own or that of the crate whose name
/// its own begins with.
fn dependencies(section: &str) -> Vec<String> {
    let text = fs::read_to_string(repository("Cargo.toml")).unwrap();
    let lines = text.lines().skip_while(|line| *line != section).skip(1).take_while(|line| !line.starts_with('['));
    let (mut names, mut above) = (Vec::<String>::new(), "");
    for line in lines {
        if let Some((name, _)) = line.split_once(" = ").filter(|_| !line.starts_with('#')) {
            let sibling = above.split_once(" = ").is_some_and(|(held, _)| {
                name.starts_with(held) || names.iter().any(|other| name.starts_with(other.as_str()))
            });
            assert!(above.starts_with("# ") || sibling, "Cargo.toml does not say why there is {name}");
            names.push(name.to_owned());
        }
        above = line;
    }
    assert!(!names.is_empty(), "{section}");
    names
}

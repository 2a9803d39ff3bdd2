//! What has one place: the file system, the loop over packets, and the names of options.

use std::collections::BTreeSet;

use super::{rust_files, sources};

/// What names the standard library's file system.
const FILE_SYSTEM: [&str; 16] = [
    "std::fs",
    "unix::fs",
    "fs::",
    "File::open",
    "File::create",
    "File::options",
    "OpenOptions",
    ".metadata()",
    ".symlink_metadata()",
    ".canonicalize()",
    ".read_dir()",
    ".read_link()",
    ".exists()",
    ".is_dir()",
    ".is_file()",
    ".is_symlink()",
];

/// Files that name something else by such a word, and what.
const NO_FILE_SYSTEM: [(&str, &str, &str); 5] = [
    ("packets/footer.rs", ".metadata()", "the footer of a Parquet file"),
    ("packets/part_bounds.rs", ".metadata()", "the footer of a Parquet file"),
    ("packets/part_reader.rs", ".metadata()", "the footer of a Parquet file"),
    ("packets/part_scan.rs", ".metadata()", "the footer of a Parquet file"),
    ("discover/walk.rs", ".is_dir()", "what walkdir has found out"),
];

/// Where bytes are is known to `storage/` alone, so that another store can stand beside the file system.
#[test]
fn only_storage_names_the_file_system() {
    let mut free: BTreeSet<&(&str, &str, &str)> = BTreeSet::new();
    for source in sources().iter().filter(|source| !source.name.starts_with("storage/") && !source.is_test()) {
        for line in &source.lines {
            // The standard library may be named by a list: `use std::{fs, io};`.
            let list = line.strip_prefix("use std::{").map(|list| list.trim_end_matches("};"));
            let in_a_list = list.is_some_and(|list| list.split(", ").any(|name| name == "fs"));
            assert!(!in_a_list, "{}: {line}", source.name);
            for word in FILE_SYSTEM.iter().filter(|word| names_word(line, word)) {
                let reason = NO_FILE_SYSTEM.iter().find(|(file, held, _)| *file == source.name && held == word);
                assert!(reason.is_some(), "{}: {word} is for storage/ alone: {line}", source.name);
                free.extend(reason);
            }
        }
    }
    assert_eq!(free.len(), NO_FILE_SYSTEM.len(), "only these are needed: {free:?}");
}

/// Whether a word stands in a line, and not as the end of a longer name: `LocalFile::open` is not `File::open`.
fn names_word(line: &str, word: &str) -> bool {
    let goes_on = |text: &str| !word.starts_with('.') && text.ends_with(|c: char| c.is_alphanumeric() || c == '_');
    line.match_indices(word).any(|(at, _)| !goes_on(&line[..at]))
}

/// What is said of a packet cannot depend on who asks.
#[test]
fn one_loop_decodes() {
    let decodes = |line: &String| {
        [" decode(", "decode::decode(", "decode_inner(", "decode_into("].iter().any(|call| line.contains(call))
    };
    let sources = sources();
    let outside = sources.iter().filter(|source| source.module() != "decode" && source.lines.iter().any(decodes));
    assert_eq!(outside.map(|source| source.name.as_str()).collect::<Vec<_>>(), ["convert/scan.rs"]);
}

/// Text that names options outside the command line, and why it does.
const NAMES_OPTIONS: [(&str, &str); 3] = [
    // The documentation of values and columns, which `docs/tables.md` has too.
    ("packets/schema.rs", "captured bytes with `--length captured`"),
    ("summary/registry.rs", "bytes that `--salvage` gave up"),
    ("plan/status.rs", "it was read up to a fault, or with `--salvage` around faults"),
];

/// What happened, and what can be done, is data; the command line alone says it with the names of its options and commands.
#[test]
fn the_library_names_no_option() {
    let of_others = |text: &str| ["xz -dc --format=lzma FILE"].contains(&text);
    let mut met = BTreeSet::new();
    for (name, text) in rust_files("src") {
        if name.starts_with("cli/") || name == "main.rs" || name.contains("tests") {
            continue;
        }
        let lines = text.lines().take_while(|line| *line != "mod tests {");
        for line in lines {
            // Every second piece is within quotes, or the line is a comment.
            let pieces = line.split('"').skip(1).step_by(2);
            let is_comment = line.trim_start().starts_with("//");
            let names_option = |text: &str| text.match_indices("--").any(|(at, _)| begins_a_word(&text[at + 2..]));
            for text in pieces.filter(|text| names_option(text) && !of_others(text)) {
                let known = NAMES_OPTIONS.iter().find(|(file, known)| *file == name && text.contains(known));
                assert!(known.is_some(), "{name} names an option: {line}");
                met.extend(known);
            }
            let in_comment = is_comment && line.contains("`--");
            assert!(!in_comment && !line.contains("`parcap "), "{name} names an option or a command: {line}");
        }
    }
    assert_eq!(met, NAMES_OPTIONS.iter().collect());
}

fn begins_a_word(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase())
}

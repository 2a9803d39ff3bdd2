//! The architecture, read from the sources: which stage may use which, and which crate has which door.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use crate::support::{files, repository};

/// The modules of the crate, each after those it may use. There are no exceptions.
const ORDER: [&str; 33] = [
    "address",
    "day",
    "hash",
    "memory",
    "path_text",
    "text",
    "advice",
    "cancel",
    "threads",
    "observer",
    "config",
    "error",
    "bug",
    "storage",
    "discover",
    "capture",
    "decode",
    "packets",
    "tables",
    "aggregate",
    "names",
    "plan",
    "summary",
    "lake",
    "outcome",
    "select",
    "convert",
    "stream",
    "inspect",
    "report",
    "commands",
    "api",
    "cli",
];

/// The crates that have a door: the files and folders (with a final `/`) that may name them.
const DOORS: [(&str, &[&str]); 34] = [
    ("clap", &["cli/"]),
    ("clap_complete", &["cli/"]),
    ("clap_mangen", &["cli/"]),
    ("toml", &["cli/"]),
    ("thiserror", &["error/mod.rs", "discover/candidate.rs", "storage/open.rs", "capture/reopen.rs"]),
    ("pcap_file", &["capture/"]),
    ("byteorder_slice", &["capture/"]),
    ("bitflags", &["capture/record.rs"]),
    ("etherparse", &["decode/"]),
    ("arrow", &["packets/", "stream/", "tables/table.rs", "aggregate/", "error/mod.rs"]),
    ("arrow_ipc", &["aggregate/"]),
    ("tempfile", &["storage/hashed_file.rs", "storage/replace.rs"]),
    ("csv", &["tables/as_csv.rs"]),
    ("ipnet", &["summary/filter.rs", "cli/"]),
    ("parquet", &["packets/", "tables/file.rs", "error/mod.rs"]),
    ("domain", &["names/"]),
    ("tokio", &["names/"]),
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
    ("bytes", &["packets/encode/"]),
    ("hashbrown", &["packets/"]),
    ("twox_hash", &["hash.rs"]),
    ("comfy_table", &["summary/render.rs"]),
    ("askama", &["report/"]),
    ("signal_hook", &["cli/signals.rs"]),
];

/// Crates that any stage may name: data formats, dates and hash tables.
const EVERYWHERE: [&str; 4] = ["serde", "serde_json", "jiff", "foldhash"];

/// Lines that a file may have; tests are read otherwise.
const LINES: usize = 350;

/// A source file by its path below `src`, and its lines of code: without comments, and without the tests at its end.
struct Source {
    name: String,
    lines: Vec<String>,
}

impl Source {
    /// The module of the crate that it belongs to.
    fn module(&self) -> &str {
        self.name.split('/').next().unwrap().trim_end_matches(".rs")
    }

    /// Whether a path of this crate or module is named in it: `name::`, not as a part of a longer path.
    fn names(&self, name: &str) -> bool {
        let path = format!("{name}::");
        let part_of_a_path = |text: &str| text.ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':');
        self.lines.iter().any(|line| line.match_indices(&path).any(|(at, _)| !part_of_a_path(&line[..at])))
            || self.lines.iter().any(|line| line.trim() == format!("use {name};"))
    }
}

fn sources() -> Vec<Source> {
    let root = repository("src");
    let rust = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "rs");
    let sources = files(&root).into_iter().filter(rust).map(|path| {
        let text = fs::read_to_string(root.join(&path)).unwrap();
        let code = |line: &str| line.split_once("// ").map_or(line, |(code, _)| code).to_owned();
        let lines = text.lines().take_while(|line| *line != "mod tests {");
        let lines = lines.filter(|line| !line.trim_start().starts_with("//")).map(code);
        Source { name: path.to_str().unwrap().to_owned(), lines: lines.collect() }
    });
    let sources: Vec<_> = sources.collect();
    assert!(sources.len() > 60, "{} source files", sources.len());
    sources
}

fn place(module: &str) -> usize {
    ORDER.iter().position(|held| *held == module).unwrap_or_else(|| panic!("{module} has no place in the order"))
}

/// Modules of the crate that a line names: `crate::read`.
fn uses(line: &str) -> impl Iterator<Item = &str> {
    line.match_indices("crate::").map(|(at, text)| {
        let rest = &line[at + text.len()..];
        &rest[..rest.find(|c: char| !c.is_ascii_lowercase() && c != '_').unwrap_or(rest.len())]
    })
}

#[test]
fn a_module_uses_only_modules_before_it() {
    for source in sources().iter().filter(|source| !["main.rs", "lib.rs"].contains(&source.name.as_str())) {
        for line in &source.lines {
            for used in uses(line) {
                assert!(!used.is_empty(), "{}: name one module a line: {line}", source.name);
                assert!(place(used) <= place(source.module()), "{} uses {used}: {line}", source.name);
            }
        }
    }
}

/// What a type is called tells what it is, wherever it is met.
#[test]
fn no_two_types_have_one_name() {
    let mut held: BTreeMap<String, String> = BTreeMap::new();
    for source in sources() {
        for line in &source.lines {
            if let Some(name) = defined_type(line) {
                let other = held.insert(name.to_owned(), source.name.clone());
                assert_eq!(other, None, "{} defines {name} as well", source.name);
            }
        }
    }
    assert!(held.len() > 200, "{} types", held.len());
}

/// The type that a line defines. Associated types, which are indented, are the trait's.
fn defined_type(line: &str) -> Option<&str> {
    let is_indented = line.starts_with(' ');
    let mut words = line.split_whitespace().skip_while(|word| word.starts_with("pub"));
    let keyword = words.next()?;
    let is_type = ["struct", "enum", "trait", "union"].contains(&keyword) || keyword == "type" && !is_indented;
    let name = words.next().filter(|_| is_type)?;
    Some(&name[..name.find(|c: char| !c.is_alphanumeric()).unwrap_or(name.len())])
}

#[test]
fn no_module_goes_around_the_order_by_super() {
    // Above a module's own file is the crate.
    for source in sources() {
        if source.name.ends_with("/mod.rs") && source.name.matches('/').count() == 1 || !source.name.contains('/') {
            let up =
                source.lines.iter().find(|line| line.starts_with("use super::") || line.contains("super::super::"));
            assert_eq!(up, None, "{}", source.name);
        }
    }
}

#[test]
fn every_crate_has_one_door() {
    let is_test = |name: &str| name.ends_with("/tests.rs") || name.contains("/tests/");
    for source in sources().iter().filter(|source| !is_test(&source.name)) {
        for (name, doors) in DOORS {
            let allowed = doors
                .iter()
                .any(|door| if door.ends_with('/') { source.name.starts_with(door) } else { source.name == *door });
            assert!(allowed || !source.names(name), "{} names {name}, whose door is {doors:?}", source.name);
        }
    }
}

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
const NO_FILE_SYSTEM: [(&str, &str, &str); 3] = [
    ("packets/footer.rs", ".metadata()", "the footer of a Parquet file"),
    ("packets/part_reader.rs", ".metadata()", "the footer of a Parquet file"),
    ("discover/walk.rs", ".is_dir()", "what walkdir has found out"),
];

/// Where bytes are is known to `storage/` alone, so that another store can stand beside the file system.
#[test]
fn only_storage_names_the_file_system() {
    let is_test = |name: &str| name.ends_with("/tests.rs") || name.contains("/tests/");
    let mut free: BTreeSet<&(&str, &str, &str)> = BTreeSet::new();
    for source in sources().iter().filter(|source| !source.name.starts_with("storage/") && !is_test(&source.name)) {
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

#[test]
fn cargo_toml_says_why_there_is_each_dependency() {
    dependencies("[dependencies]");
    dependencies("[dev-dependencies]");
}

/// What is said of a packet cannot depend on who asks.
#[test]
fn one_loop_decodes() {
    let decodes = |line: &String| line.contains(" decode(") || line.contains("decode::decode(");
    let sources = sources();
    let outside = sources.iter().filter(|source| source.module() != "decode" && source.lines.iter().any(decodes));
    assert_eq!(outside.map(|source| source.name.as_str()).collect::<Vec<_>>(), ["convert/scan.rs"]);
}

#[test]
fn no_module_is_a_bag_and_no_file_is_long() {
    for source in sources() {
        let bag = ["util", "utils", "helper", "helpers", "common", "misc"];
        let names = source.name.trim_end_matches(".rs").split('/');
        assert!(names.clone().all(|name| !bag.contains(&name)), "{}", source.name);
        let lines = fs::read_to_string(repository("src").join(&source.name)).unwrap().lines().count();
        assert!(source.name.contains("tests") || lines <= LINES, "{} has {lines} lines", source.name);
    }
}

/// Words that make a sentence hard to read, and plainer ones.
const STOP_LIST: [(&str, &str); 5] = [
    ("behind", "after"),
    ("whoever", "a reader, a caller, a process"),
    ("so many", "the number itself"),
    ("anew", "again"),
    ("the one that", "the noun"),
];

#[test]
fn comments_use_plain_words() {
    for source in files(&repository("src")).iter().filter(|path| path.extension().is_some_and(|e| e == "rs")) {
        let text = fs::read_to_string(repository("src").join(source)).unwrap();
        // The command line's help and the words of a report stand in comments of their own.
        let is_shown =
            ["cli/args.rs", "cli/select_args.rs", "decode/stop.rs"].iter().any(|shown| source.ends_with(shown));
        for line in text.lines().filter(|line| !is_shown && line.trim_start().starts_with("//")) {
            let line = line.to_lowercase();
            for (word, plainer) in STOP_LIST {
                let found = line.match_indices(word).any(|(at, _)| is_word(&line, at, word.len()));
                assert!(!found, "{}: say {plainer} for {word}: {line}", source.display());
            }
        }
    }
}

/// Whether no letter, digit or backtick stands at either end of a part of a line.
fn is_word(line: &str, at: usize, len: usize) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_' || c == '`';
    !line[..at].ends_with(is_part) && !line[at + len..].starts_with(is_part)
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
    for source in files(&repository("src")).iter().filter(|path| path.extension().is_some_and(|e| e == "rs")) {
        let name = source.to_str().unwrap();
        if name.starts_with("cli/") || name == "main.rs" || name.contains("tests") {
            continue;
        }
        let text = fs::read_to_string(repository("src").join(source)).unwrap();
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

/// Each type that the glossary explains is there.
#[test]
fn the_words_of_the_glossary_are_in_use() {
    let map = fs::read_to_string(repository("ARCHITECTURE.md")).unwrap();
    let words = map.split("## Words").nth(1).and_then(|text| text.split("\n## ").next()).unwrap();
    let words: Vec<_> = words.lines().filter_map(|line| line.strip_prefix("| ")?.split(" | ").next()).collect();
    assert!(words.len() > 15, "{words:?}");
    let code: String =
        sources().iter().flat_map(|source| source.lines.clone()).collect::<Vec<_>>().join("\n").to_lowercase();
    for word in words.iter().skip(1).flat_map(|words| words.split([',', '(', ')'])).map(str::trim) {
        assert!(word.is_empty() || code.contains(&word.to_lowercase()), "nothing is called {word}");
    }
}

#[test]
fn nothing_is_left_to_be_done() {
    // In two pieces, or this file would be found.
    let words = ["TO", "DO"].concat();
    let words = [words, ["FIX", "ME"].concat(), ["XX", "X"].concat(), ["unimple", "mented!"].concat()];
    for folder in ["src", "tests"] {
        for path in files(&repository(folder)).iter().filter(|path| path.extension().is_some_and(|e| e == "rs")) {
            let text = fs::read_to_string(repository(folder).join(path)).unwrap();
            let found = text.lines().find(|line| words.iter().any(|word| line.contains(word)));
            assert_eq!(found, None, "{folder}/{}", path.display());
        }
    }
}

/// A machine that is busy must fail no test: what is claimed is bytes, steps and who ends by itself. Only the guards against
/// hanging look at a clock.
#[test]
fn no_test_asserts_a_time() {
    let guards = "tests/support/binary.rs";
    for folder in ["tests", "src"] {
        for path in files(&repository(folder)).into_iter().map(|path| PathBuf::from(folder).join(path)) {
            let text = fs::read_to_string(repository(path.to_str().unwrap())).unwrap_or_default();
            // In `src`, what stands in tests.
            let is_test = folder == "tests" || path.components().any(|part| part.as_os_str() == "tests");
            let tests =
                if is_test { Some(text.as_str()) } else { text.split_once("#[cfg(test)]").map(|(_, tests)| tests) };
            let looks = tests.is_some_and(|tests| tests.contains(concat!(".elapsed", "(")));
            assert_eq!(looks, path == *guards, "{}", path.display());
        }
    }
}

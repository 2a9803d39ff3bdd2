//! What types are called, and which words comments use.

use std::collections::BTreeMap;
use std::fs;

use super::{rust_files, sources};
use crate::support::repository;

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
    for (name, text) in rust_files("src") {
        // The command line's help and the words of a report stand in comments of their own.
        let is_shown = ["cli/args.rs", "cli/select_args.rs", "decode/stop.rs"].contains(&name.as_str());
        for line in text.lines().filter(|line| !is_shown && line.trim_start().starts_with("//")) {
            let line = line.to_lowercase();
            for (word, plainer) in STOP_LIST {
                let found = line.match_indices(word).any(|(at, _)| is_word(&line, at, word.len()));
                assert!(!found, "{}: say {plainer} for {word}: {line}", name);
            }
        }
    }
}

/// Whether no letter, digit or backtick stands at either end of a part of a line.
fn is_word(line: &str, at: usize, len: usize) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_' || c == '`';
    !line[..at].ends_with(is_part) && !line[at + len..].starts_with(is_part)
}

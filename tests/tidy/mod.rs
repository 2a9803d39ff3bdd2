//! The architecture, read from the sources.

mod doors;
mod files;
mod one_place;
mod order;
mod words;

use std::fs;
use std::path::PathBuf;

use crate::support::{files, repository};

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

    fn is_test(&self) -> bool {
        self.name.ends_with("/tests.rs") || self.name.contains("/tests/")
    }

    /// Whether a path of this crate or module is named in it: `name::`, not as a part of a longer path.
    fn names(&self, name: &str) -> bool {
        let path = format!("{name}::");
        let part_of_a_path = |text: &str| text.ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':');
        self.lines.iter().any(|line| line.match_indices(&path).any(|(at, _)| !part_of_a_path(&line[..at])))
            || self.lines.iter().any(|line| line.trim() == format!("use {name};"))
    }
}

/// The Rust files of a folder of the repository: the path of each below that folder, and its text.
fn rust_files(folder: &str) -> Vec<(String, String)> {
    let root = repository(folder);
    let mut paths = files(&root);
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "rs"));
    let read = |path: &PathBuf| fs::read_to_string(root.join(path)).unwrap();
    paths.iter().map(|path| (path.to_str().unwrap().to_owned(), read(path))).collect()
}

fn sources() -> Vec<Source> {
    let sources = rust_files("src").into_iter().map(|(name, text)| {
        let code = |line: &str| line.split_once("// ").map_or(line, |(code, _)| code).to_owned();
        let lines = text.lines().take_while(|line| *line != "mod tests {");
        let lines = lines.filter(|line| !line.trim_start().starts_with("//")).map(code);
        Source { name, lines: lines.collect() }
    });
    let sources: Vec<_> = sources.collect();
    assert!(sources.len() > 60, "{} source files", sources.len());
    sources
}

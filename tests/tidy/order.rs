//! Which module may use which.

use super::sources;

/// The modules of the crate, each after those it may use. There are no exceptions.
const ORDER: [&str; 36] = [
    "address",
    "clock",
    "day",
    "hash",
    "memory",
    "path_text",
    "shown_path",
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
    "extract",
    "report",
    "commands",
    "api",
    "cli",
];

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

/// Modules of the crate that a line names: `crate::read`.
fn uses(line: &str) -> impl Iterator<Item = &str> {
    line.match_indices("crate::").map(|(at, text)| {
        let rest = &line[at + text.len()..];
        &rest[..rest.find(|c: char| !c.is_ascii_lowercase() && c != '_').unwrap_or(rest.len())]
    })
}

fn place(module: &str) -> usize {
    ORDER.iter().position(|held| *held == module).unwrap_or_else(|| panic!("{module} has no place in the order"))
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

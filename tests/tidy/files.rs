//! What a file may be called, how long it may be, and what may not be left in one.

use super::rust_files;

/// Lines that a file may have; tests are read otherwise.
const LINES: usize = 350;

#[test]
fn no_module_is_a_bag_and_no_file_is_long() {
    let bag = ["util", "utils", "helper", "helpers", "common", "misc"];
    for (name, text) in rust_files("src") {
        let names = name.trim_end_matches(".rs").split('/');
        assert!(names.clone().all(|name| !bag.contains(&name)), "{name}");
        let lines = text.lines().count();
        assert!(name.contains("tests") || lines <= LINES, "{name} has {lines} lines");
    }
}

#[test]
fn nothing_is_left_to_be_done() {
    // In two pieces, or this file would be found.
    let words = ["TO", "DO"].concat();
    let words = [words, ["FIX", "ME"].concat(), ["XX", "X"].concat(), ["unimple", "mented!"].concat()];
    for folder in ["src", "tests"] {
        for (name, text) in rust_files(folder) {
            let found = text.lines().find(|line| words.iter().any(|word| line.contains(word)));
            assert_eq!(found, None, "{folder}/{name}");
        }
    }
}

/// A machine that is busy must fail no test: what is claimed is bytes, steps and who ends by itself. Only the guards against
/// hanging look at a clock.
#[test]
fn no_test_asserts_a_time() {
    let guards = "tests/support/binary.rs";
    for folder in ["tests", "src"] {
        for (name, text) in rust_files(folder) {
            // In `src`, what stands in tests.
            let is_test = folder == "tests" || name.starts_with("tests/") || name.contains("/tests/");
            let tests =
                if is_test { Some(text.as_str()) } else { text.split_once("#[cfg(test)]").map(|(_, tests)| tests) };
            let looks = tests.is_some_and(|tests| tests.contains(concat!(".elapsed", "(")));
            let path = format!("{folder}/{name}");
            assert_eq!(looks, path == guards, "{path}");
        }
    }
}

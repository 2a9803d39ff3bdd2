//! The commands of the README, the guide, the pages about operations and reports, and the recipes run, in their order, and print what is shown.
//!
//! Their Python examples, and the statements of the recipes and of the page about reports, run in `scripts/oracle/check_readme.py`, which needs the engines.

use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

/// A command of a `console` block, and the output shown below it.
struct Example {
    command: String,
    shown: Vec<String>,
}

fn examples(readme: &str) -> Vec<Example> {
    let mut examples: Vec<Example> = Vec::new();
    let mut inside = false;
    for line in readme.lines() {
        if line.starts_with("```") {
            inside = line == "```console";
        } else if let Some(command) = line.strip_prefix("$ ").filter(|_| inside) {
            examples.push(Example { command: command.to_owned(), shown: Vec::new() });
        } else if inside {
            examples.last_mut().unwrap().shown.push(line.to_owned());
        }
    }
    examples
}

#[test]
fn the_commands_of_the_readme_print_what_it_shows() {
    let examples = examples(&page("README.md"));
    assert!(examples.len() >= 6, "the README has fewer examples than it had");
    // The first two are what a newcomer types. This test is part of the first one.
    assert_eq!(examples[0].command, "cargo test");
    assert_eq!(examples[1].command, "cargo run --release -- convert data/captures --out lake");
    run_all("the README", &examples[1..]);
}

#[test]
fn the_commands_of_the_guide_print_what_it_shows() {
    let examples = examples(&page("docs/guide.md"));
    assert!(examples.len() >= 18, "the guide has fewer examples than it had");
    // The whole output of a conversion is shown once.
    assert_eq!(examples[0].command, "parcap convert data/captures --out lake");
    assert!(examples[0].shown.len() > 20);
    run_all("the guide", &examples);
}

#[test]
fn the_commands_of_the_page_about_operations_work() {
    let examples = examples(&page("docs/operations.md"));
    assert!(examples.len() >= 6, "the page has fewer examples than it had");
    run_all("the page", &examples);
}

/// The rows that `extract` takes come from DuckDB, so that command runs in `scripts/oracle/check_readme.py` alone.
#[test]
fn the_commands_of_the_recipes_print_what_they_show() {
    let mut examples = examples(&page("docs/recipes.md"));
    examples.retain(|example| !example.command.contains("--rows"));
    assert!(examples[0].command.starts_with("parcap convert data/recipes --out lake --columns "));
    run_all("the recipes", &examples);
}

#[test]
fn the_commands_of_the_page_about_reports_work() {
    let examples = examples(&page("docs/report.md"));
    assert!(examples.len() >= 4, "the page has fewer examples than it had");
    run_all("the page", &examples);
}

/// Only `console` and `python` blocks are run, and the `sql` of the recipes and of the page about reports, so a command with a prompt must not stand in another one.
#[test]
fn a_command_with_a_prompt_is_in_a_block_that_is_run() {
    for name in ["README.md", "docs/guide.md", "docs/operations.md", "docs/recipes.md", "docs/report.md"] {
        let page = page(name);
        let prompts = page.lines().filter(|line| line.starts_with("$ ")).count();
        assert_eq!(prompts, examples(&page).len(), "{name}");
        let kinds = page.lines().filter_map(|line| line.strip_prefix("```")).filter(|kind| !kind.is_empty());
        for kind in kinds {
            let has_sql = ["docs/recipes.md", "docs/report.md"].contains(&name);
            let is_run = ["console", "python", "text", "json"].contains(&kind) || has_sql && kind == "sql";
            assert!(is_run, "{name}: a block of {kind} is not checked");
        }
    }
}

/// Stands for any number of lines of an output.
const LEFT_OUT: &str = "…";

/// The first piece of what is shown that is not printed after those before it. Pieces are what is between lines that are
/// left out; the first line and the last one are those of the output, unless something is left out there.
fn missing_piece(shown: &[String], printed: &str) -> Option<String> {
    let bare = |line: &str| line.trim_end().split(" kB out, ").next().unwrap_or_default().to_owned();
    let printed: Vec<_> = printed.lines().map(bare).collect();
    let mut from = 0;
    for piece in shown.split(|line| line == LEFT_OUT).filter(|piece| !piece.is_empty()) {
        let piece: Vec<_> = piece.iter().map(|line| bare(line)).collect();
        match printed[from..].windows(piece.len()).position(|lines| lines == piece) {
            Some(place) => from += place + piece.len(),
            None => return Some(piece.join("\n")),
        }
    }
    let ends = shown.last().is_none_or(|line| line != LEFT_OUT);
    (ends && from < printed.len()).then(|| printed[from..].join("\n"))
}

#[test]
fn a_piece_is_missed_that_is_changed_or_elsewhere() {
    let of = |shown: &str| {
        let lines: Vec<_> = shown.split(' ').map(str::to_owned).collect();
        missing_piece(&lines, "a\nb\nc\nd").is_none()
    };
    for shown in ["a b c d", "… b c …", "a … d", "…", "a … c d"] {
        assert!(of(shown), "{shown}");
    }
    for shown in ["… b d", "… c … b …", "a … x …", "a b c", "… a … a …"] {
        assert!(!of(shown), "{shown}");
    }
}

fn page(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

fn run_all(page: &str, examples: &[Example]) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let binary = Path::new(env!("CARGO_BIN_EXE_parcap"));
    let folder = tempfile::tempdir().unwrap();
    symlink(root.join("data"), folder.path().join("data")).unwrap();
    let path = format!("{}:{}", binary.parent().unwrap().display(), std::env::var("PATH").unwrap());
    for Example { command, shown } in examples {
        // What cargo runs has been built; it says more before that.
        let command = &command.replacen("cargo run --release --", "parcap", 1);
        let output = Command::new("bash")
            .args(["-euo", "pipefail", "-c", &command.replacen("; test $? = 3", " || test $? = 3", 1)])
            .current_dir(folder.path())
            .env("PATH", &path)
            .output()
            .unwrap();
        let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{command}: {}\n{text}", output.status);
        if shown.iter().any(|line| line == LEFT_OUT) {
            assert_eq!(
                missing_piece(shown, &text),
                None,
                "`{command}` does not print this piece of {page}, but:\n{text}"
            );
            continue;
        }
        // How long it took is the only thing that differs from run to run.
        for line in shown.iter().filter(|line| !line.contains("packets/s")) {
            let printed = text.lines().any(|printed| printed.trim_end() == line.trim_end());
            assert!(printed, "`{command}` does not print this line of {page}:\n{line}\nbut:\n{text}");
        }
    }
}

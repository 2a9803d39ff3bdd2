//! The commands of the README and of the page about operations run, in their order, and print what they say they print.

#![expect(clippy::unwrap_used, reason = "a test helper may stop at the first surprise")]

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
    let (cargo, parcap): (Vec<_>, Vec<_>) = examples.iter().partition(|example| example.command.starts_with("cargo "));
    let cargo: Vec<_> = cargo.iter().map(|example| example.command.as_str()).collect();
    assert_eq!(cargo, ["cargo run --release -- convert data/captures --out lake", "cargo test"]);
    assert!(parcap.len() >= 6, "the README has fewer examples than it had");
    run_all("the README", &parcap);
}

#[test]
fn the_commands_of_the_page_about_operations_work() {
    let examples = examples(&page("docs/operations.md"));
    assert!(examples.len() >= 6, "the page has fewer examples than it had");
    run_all("the page", &examples.iter().collect::<Vec<_>>());
}

fn page(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

fn run_all(page: &str, examples: &[&Example]) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let binary = Path::new(env!("CARGO_BIN_EXE_parcap"));
    let folder = tempfile::tempdir().unwrap();
    symlink(root.join("data"), folder.path().join("data")).unwrap();
    let path = format!("{}:{}", binary.parent().unwrap().display(), std::env::var("PATH").unwrap());
    for Example { command, shown } in examples {
        let output = Command::new("bash")
            .args(["-euo", "pipefail", "-c", &command.replacen("; test $? = 3", " || test $? = 3", 1)])
            .current_dir(folder.path())
            .env("PATH", &path)
            .output()
            .unwrap();
        let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{command}: {}\n{text}", output.status);
        // How long it took is the only thing that differs from run to run.
        for line in shown.iter().filter(|line| !line.contains("packets/s")) {
            let printed = text.lines().any(|printed| printed.trim_end() == line.trim_end());
            assert!(printed, "`{command}` does not print this line of {page}:\n{line}\nbut:\n{text}");
        }
    }
}

//! What help says about all options at once: where they can be set besides. Also what to type where a path stands in
//! place of a command.

use std::ffi::OsString;
use std::path::Path;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, Command, CommandFactory as _, Error};

use crate::discover::is_capture_name;
use crate::lake::Layout;
use crate::storage::{Location, local};

use super::args::Args;

/// The prefix of environment variables.
const PREFIX: &str = "PARCAP_";

/// The command line, with help that says once where options can be set, and not on each line.
pub(super) fn command() -> Command {
    let mut command = Args::command().mut_args(|arg| arg.hide_env(true)).mut_subcommands(|subcommand| {
        let environment = environment(&subcommand);
        let examples = subcommand.get_after_help().map(|text| format!("{text}\n\n")).unwrap_or_default();
        let subcommand = subcommand.mut_args(|arg| arg.hide_env(true));
        if environment.is_empty() { subcommand } else { subcommand.after_help(examples + &environment) }
    });
    command.build();
    command
}

/// The name of an option in the configuration file: that of its variable, in lower case and with hyphens.
pub(super) fn key(option: &Arg) -> Option<String> {
    let variable = option.get_env()?.to_str()?.strip_prefix(PREFIX)?;
    Some(variable.to_lowercase().replace('_', "-"))
}

/// The variables of a command's options: a rule, and the exceptions.
fn environment(command: &Command) -> String {
    let options: Vec<_> = command.get_arguments().filter_map(|option| option.get_long().zip(key(option))).collect();
    if options.is_empty() {
        return String::new();
    }
    let mut text = format!(
        "Options from elsewhere:\n  Each option can be set as {PREFIX}<OPTION> in the environment (--log-format as {PREFIX}LOG_FORMAT),\n  \
         or by its name in the file of --config. The command line wins, then the environment."
    );
    for (option, key) in options.iter().filter(|(option, key)| option != key) {
        let variable = key.replace('-', "_").to_uppercase();
        text.push_str(&format!("\n  But --{option} is {PREFIX}{variable} here, and `{key}` in the file."));
    }
    text
}

/// What to type where a capture or a lake stands in place of a command. `None` if neither does.
pub(super) fn instead(error: &Error, args: &[OsString]) -> Option<String> {
    let word = match (error.kind(), error.get(ContextKind::InvalidSubcommand), error.get(ContextKind::InvalidArg)) {
        (ErrorKind::InvalidSubcommand, Some(ContextValue::String(word)), _)
        | (ErrorKind::UnknownArgument, _, Some(ContextValue::String(word))) => word,
        _ => return None,
    };
    let typed: Vec<_> = args.iter().skip(1).map(|arg| arg.to_string_lossy()).collect();
    let place = typed.iter().position(|arg| arg == word)?;
    let path = Path::new(word);
    if Layout::at(path).is_there() {
        return Some(format!("{word} is a lake: `parcap summarize {}` shows its summaries", quoted(word)));
    }
    let pattern = word.contains(['*', '?', '/']);
    if !Location::of(path).is_stdin() && !pattern && !local::exists(path) && !is_capture_name(path) {
        return None;
    }
    // Of many paths, only the first: a shell has expanded them from a pattern.
    let many = typed.len() > place + 4;
    let shown = typed.get(place..if many { place + 1 } else { typed.len() })?;
    let mut line: String = shown.iter().map(|arg| format!(" {}", quoted(arg))).collect();
    if many {
        line.push_str(" …");
    }
    let has_lake = shown.iter().any(|arg| *arg == "-o" || *arg == "--out" || arg.starts_with("--out="));
    let lake = if has_lake { "" } else { " --out lake" };
    Some(format!(
        "a command comes first: `parcap convert{line}{lake}` converts, `parcap inspect {}` only looks",
        quoted(word)
    ))
}

/// The word in quotes, where a shell needs them to take it for one word.
fn quoted(word: &str) -> String {
    let is_plain = |character: char| character.is_alphanumeric() || "-_./=:,%+@".contains(character);
    let shown: String =
        word.chars().map(|character| if character.is_control() { '\u{fffd}' } else { character }).collect();
    if !shown.is_empty() && shown.chars().all(is_plain) { shown } else { format!("'{}'", shown.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Law: help may leave the variables out, because each option of each command has the variable of the rule.
    #[test]
    fn each_option_has_the_variable_of_its_name() {
        let mut others = Vec::new();
        let command = command();
        for subcommand in command.get_subcommands() {
            let clap_own = |arg: &&Arg| !["help", "version"].contains(&arg.get_id().as_str());
            for option in subcommand.get_arguments().filter(clap_own) {
                let Some(long) = option.get_long() else { continue };
                let variable = option.get_env().and_then(|name| name.to_str()).unwrap_or("none");
                if variable != format!("PARCAP_{}", long.replace('-', "_").to_uppercase()) {
                    others.push([subcommand.get_name(), long, variable].map(str::to_owned));
                }
            }
        }
        // A page must never be written where the user's lake is.
        // And what `json` is to others is no format of a capture.
        let own = [["report", "out", "PARCAP_REPORT"], ["extract", "out", "PARCAP_EXTRACT"]];
        assert_eq!(others, [&own[..], &[["extract", "format", "PARCAP_EXTRACT_FORMAT"]]].concat());
    }

    #[test]
    fn words_are_quoted_as_a_shell_takes_them() {
        for (word, shown) in [("a.pcap", "a.pcap"), ("a b", "'a b'"), ("it's", r"'it'\''s'"), ("*.pcap", "'*.pcap'")] {
            assert_eq!(quoted(word), shown);
        }
        assert!(!quoted("\u{1b}[31m").contains('\u{1b}'));
    }
}

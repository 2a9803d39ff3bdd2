//! The configuration file: options by their long names, below the command line and the environment.

use std::ffi::OsString;
use std::path::Path;

use clap::parser::ValueSource;
use clap::{ArgMatches, CommandFactory as _, Error, error::ErrorKind};

use super::args::Args;

/// Parses the command line, and once more with what the configuration file says where nobody else has.
pub(super) fn matches(args: &[OsString]) -> Result<ArgMatches, Error> {
    let matches = match Args::command().try_get_matches_from(args) {
        // What is missing may be in the file, and the file is named in what is there.
        Err(error) if error.kind() == ErrorKind::MissingRequiredArgument => {
            let named = Args::command().ignore_errors(true).try_get_matches_from(args)?;
            let config = named.subcommand().and_then(|(_, used)| used.get_one::<std::path::PathBuf>("config"));
            if config.is_none() {
                return Err(error);
            }
            named
        }
        result => result?,
    };
    let Some((name, used)) = matches.subcommand() else {
        return Ok(matches);
    };
    let Some(path) = used.get_one::<std::path::PathBuf>("config") else {
        return Ok(matches);
    };
    let table = read(path)?;
    let mut command = Args::command();
    command.build();
    let Some(subcommand) = command.find_subcommand(name) else {
        return Ok(matches);
    };
    let mut more = Vec::new();
    for (key, value) in &table {
        let Some(argument) = subcommand.get_arguments().find(|argument| argument.get_long() == Some(key)) else {
            if known(key) {
                continue;
            }
            return Err(wrong(path, &format!("there is no option `{key}`")));
        };
        let source = used.value_source(argument.get_id().as_str());
        if matches!(source, Some(ValueSource::CommandLine | ValueSource::EnvVariable)) {
            continue;
        }
        match value {
            toml::Value::Boolean(true) => more.push(OsString::from(format!("--{key}"))),
            toml::Value::Boolean(false) => {}
            toml::Value::String(text) => more.push(OsString::from(format!("--{key}={text}"))),
            toml::Value::Integer(number) => more.push(OsString::from(format!("--{key}={number}"))),
            _ => {
                return Err(wrong(path, &format!("`{key}` must be a text, a number or true")));
            }
        }
    }
    // Before a `--` that may end the options.
    let end = args.iter().position(|argument| argument == "--").unwrap_or(args.len());
    let (before, after) = args.split_at_checked(end).unwrap_or((args, &[]));
    Args::command().try_get_matches_from(before.iter().chain(&more).chain(after))
}

/// Whether another subcommand has the option, so that one file serves all.
fn known(key: &str) -> bool {
    let mut command = Args::command();
    command.build();
    command
        .get_subcommands()
        .any(|subcommand| subcommand.get_arguments().any(|argument| argument.get_long() == Some(key)))
}

fn read(path: &Path) -> Result<toml::Table, Error> {
    let text = std::fs::read_to_string(path).map_err(|error| wrong(path, &format!("cannot be read: {error}")))?;
    text.parse().map_err(|error: toml::de::Error| wrong(path, error.message()))
}

fn wrong(path: &Path, problem: &str) -> Error {
    Args::command().error(ErrorKind::ValueValidation, format!("configuration file {}: {problem}", path.display()))
}

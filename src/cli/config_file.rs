//! The configuration file: options by their long names, below the command line and the environment.

use std::ffi::OsString;
use std::path::Path;

use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Error, error::ErrorKind};

use crate::storage::read_small;

use super::help::{command, key};

/// The most bytes of a configuration file.
const MOST: u64 = 1 << 20;

/// Parses the command line. Parses it again with the options of the configuration file that neither the command line nor
/// the environment sets.
pub(super) fn matches(args: &[OsString]) -> Result<ArgMatches, Error> {
    let matches = match command().try_get_matches_from(args) {
        // A missing option may be in the file, and the options that are there name the file.
        Err(error) if error.kind() == ErrorKind::MissingRequiredArgument => {
            let named = command().ignore_errors(true).try_get_matches_from(args)?;
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
    let all = command();
    let Some(subcommand) = all.find_subcommand(name) else {
        return Err(wrong(path, &format!("there is no command `{name}`")));
    };
    let mut more = Vec::new();
    for (name, value) in &table {
        let Some(argument) = subcommand.get_arguments().find(|argument| is_named(argument, name)) else {
            if known(name) {
                continue;
            }
            return Err(wrong(path, &format!("there is no option `{name}`")));
        };
        let Some(long) = argument.get_long() else { continue };
        let source = used.value_source(argument.get_id().as_str());
        if matches!(source, Some(ValueSource::CommandLine | ValueSource::EnvVariable)) {
            continue;
        }
        match value {
            toml::Value::Boolean(true) => more.push(OsString::from(format!("--{long}"))),
            toml::Value::Boolean(false) => {}
            toml::Value::String(text) => more.push(OsString::from(format!("--{long}={text}"))),
            toml::Value::Integer(number) => more.push(OsString::from(format!("--{long}={number}"))),
            _ => {
                return Err(wrong(path, &format!("`{name}` must be a text, a number or true")));
            }
        }
    }
    // Before a `--` that may end the options.
    let end = args.iter().position(|argument| argument == "--").unwrap_or(args.len());
    let (before, after) = (args.iter().take(end), args.iter().skip(end));
    command().try_get_matches_from(before.chain(&more).chain(after))
}

/// Whether an option has this name in the file.
fn is_named(option: &Arg, name: &str) -> bool {
    option.get_long().is_some() && key(option).is_some_and(|key| key == name)
}

/// Whether any subcommand has the option, so that one file serves all.
fn known(name: &str) -> bool {
    command().get_subcommands().any(|subcommand| subcommand.get_arguments().any(|argument| is_named(argument, name)))
}

fn read(path: &Path) -> Result<toml::Table, Error> {
    let text = read_small(path, MOST).map_err(|error| wrong(path, &format!("cannot be read: {error}")))?;
    text.parse().map_err(|error: toml::de::Error| wrong(path, error.message()))
}

fn wrong(path: &Path, problem: &str) -> Error {
    command().error(ErrorKind::ValueValidation, format!("configuration file {}: {problem}", path.display()))
}

//! Checks of all options at once, whichever command has them.

use std::path::PathBuf;

use clap::{ArgMatches, Error, error::ErrorKind};

use crate::path_text::printable;
use crate::storage::Location;
use crate::storage::objects::is_object;
use crate::threads::{cores, workers};

use super::help::command;

/// Names of captures, by the names of the options that take them.
const CAPTURES: [&str; 2] = ["inputs", "captures"];

/// Refuses URLs that cannot be used. A folder `s3:` would not be the lake that was meant.
pub(super) fn refuse_urls(matches: &ArgMatches) -> Result<(), Error> {
    let Some((_, used)) = matches.subcommand() else { return Ok(()) };
    for id in used.ids() {
        // Texts and numbers are not paths, and may be anything.
        let Ok(Some(paths)) = used.try_get_many::<PathBuf>(id.as_str()) else { continue };
        for path in paths {
            if let Location::Url { scheme, rest } = Location::of(path) {
                let is_read = CAPTURES.contains(&id.as_str()) && is_object(path);
                if is_read {
                    continue;
                }
                let what = match scheme {
                    "file" => format!("give the path: {}", rest.strip_prefix("localhost").unwrap_or(rest)),
                    _ => "copy or mount it, and give the path of a file or folder; `./` before it says that it is one"
                        .to_owned(),
                };
                let problem = format!("{}: URLs are not supported\nhint: {what}", printable(path));
                return Err(command().error(ErrorKind::ValueValidation, problem));
            }
        }
    }
    Ok(())
}

/// The message if more workers are asked for than there will be.
pub(super) fn too_many_jobs(matches: &ArgMatches) -> Option<String> {
    let (_, used) = matches.subcommand()?;
    let jobs = *used.try_get_one::<usize>("jobs").ok()??;
    let workers = workers(jobs);
    let cores = cores();
    (jobs > workers)
        .then(|| format!("`--jobs {jobs}` is more than four for each of {cores} cores; there are {workers} workers"))
}

//! Checks of all options at once, whichever command has them.

use std::path::PathBuf;

use clap::{ArgMatches, Error, error::ErrorKind};

use crate::path_text::printable;
use crate::storage::Location;
use crate::storage::objects::ObjectAddress;
use crate::threads::{cores, workers};

use super::help::command;

/// Where lakes are named, which may be in buckets. `--out` of a page or of an extract is a file.
const LAKES: [&str; 2] = ["lake", "out"];
const WITH_A_FILE: [&str; 2] = ["extract", "report"];
/// Where captures are named, or a lake. They may be at any URL that can be read.
const CAPTURES: [&str; 2] = ["inputs", "captures"];

/// Refuses paths that are URLs, where none is supported: a folder `s3:` would not be what was meant.
pub(super) fn refuse_urls(matches: &ArgMatches) -> Result<(), Error> {
    let Some((name, used)) = matches.subcommand() else { return Ok(()) };
    for id in used.ids() {
        // Texts and numbers are not paths, and may be anything.
        let Ok(Some(paths)) = used.try_get_many::<PathBuf>(id.as_str()) else { continue };
        let is_lake = LAKES.contains(&id.as_str()) && !(id.as_str() == "out" && WITH_A_FILE.contains(&name));
        let is_capture = CAPTURES.contains(&id.as_str());
        for path in paths {
            let Location::Url { scheme, rest } = Location::of(path) else { continue };
            let address = ObjectAddress::of(path);
            if address.is_some_and(|address| is_capture || is_lake && address.root.is_bucket()) {
                continue;
            }
            let what = match scheme {
                "file" => format!("give the path: {}", rest.strip_prefix("localhost").unwrap_or(rest)),
                _ if is_lake => "a lake is in a folder, or in a bucket: s3://, gs:// or az://".to_owned(),
                _ if is_capture => "captures are files, or at s3://, gs://, az://, http:// and https://".to_owned(),
                _ => "give the path of a file; `./` before it says that it is one".to_owned(),
            };
            let problem = format!("{}: this URL is not supported here\nhint: {what}", printable(path));
            return Err(command().error(ErrorKind::ValueValidation, problem));
        }
    }
    Ok(())
}

/// The message if more workers are asked for than there will be.
pub(super) fn too_many_jobs(matches: &ArgMatches) -> Option<String> {
    // A plan has no workers, but files that it opens.
    let (_, used) = matches.subcommand().filter(|(command, _)| *command != "plan")?;
    let jobs = *used.try_get_one::<usize>("jobs").ok()??;
    let workers = workers(jobs);
    let cores = cores();
    (jobs > workers)
        .then(|| format!("`--jobs {jobs}` is more than four for each of {cores} cores; there are {workers} workers"))
}

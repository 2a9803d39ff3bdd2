//! `parcap report`: a lake, or some dates of it, as one page.

use std::fs;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use crate::commit::{InputEntry, Lake};
use crate::config::Names;
use crate::discover::path_text;
use crate::error::{Error, Result};
use crate::partition::Day;
use crate::report::{Content, html, plots};
use crate::summary::{Listed, time};
use crate::unit::Cancel;

use super::naming::now;
use super::summarize::{SummarizeRequest, Summarized, summarize};

/// Columns of the table of captures that the page has. The text of a damage names the byte at which it begins.
const CAPTURES: [&str; 8] = ["capture", "format", "packets", "bytes", "first_time", "last_time", "status", "damage"];

/// What is to be reported, and whereto.
#[derive(Clone, Debug)]
pub struct PageRequest {
    /// The lake's directory.
    pub lake: PathBuf,
    /// The page's file.
    pub out: PathBuf,
    /// A directory for the plots as files.
    pub svg: Option<PathBuf>,
    /// The first and the last date.
    pub days: RangeInclusive<Day>,
    /// Where names of addresses come from; as in the lake, unless it is said.
    pub names: Option<Names>,
    /// Rows of each table.
    pub top: usize,
    /// How the run is stopped early.
    pub cancel: Cancel,
}

/// Makes the page.
///
/// # Errors
/// If there is no lake, it has no summaries, or something cannot be read or written.
pub fn page(request: &PageRequest) -> Result<()> {
    if !Lake::at(&request.lake).exists() {
        let (problem, hint) = ("is no lake", "make one of captures with `parcap convert`");
        return Err(Error::Summaries { path: request.lake.clone(), problem, hint });
    }
    let summarized = summarize(&SummarizeRequest {
        days: request.days.clone(),
        names: request.names.clone(),
        top: Some(request.top),
        with_series: true,
        ..SummarizeRequest::of_lake(&request.lake, &request.cancel)
    })?;
    let content = content(request, summarized)?;
    let page = html(&content).map_err(Error::io("write", &request.out))?;
    write(&request.out, &page)?;
    if let Some(folder) = &request.svg {
        fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
        for (name, plot) in plots(&content) {
            write(&folder.join(name), &plot)?;
        }
    }
    Ok(())
}

/// Writes a file as a whole or not at all: who looks at the old one meanwhile sees all of it.
fn write(path: &Path, text: &str) -> Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}", std::process::id()));
    let draft = path.with_file_name(name);
    let written = fs::write(&draft, text).and_then(|()| fs::rename(&draft, path));
    written.map_err(|error| {
        let _ = fs::remove_file(&draft);
        Error::io("write", path)(error)
    })
}

fn content(request: &PageRequest, summarized: Summarized) -> Result<Content> {
    let Summarized { gather, mut captures, refused, days, .. } = summarized;
    let gathered = gather.finish()?;
    let mut tables = gathered.tables;
    let mut table = |name: &str| {
        let place = tables.iter().position(|listed| listed.name == name);
        place.map(|place| tables.swap_remove(place)).unwrap_or_default()
    };
    let damaged = captures.iter().filter(|entry| entry.is_damaged()).count() as u64;
    let refused_count = refused.len() as u64;
    let whole = captures.len() as u64;
    captures.extend(refused.iter().map(InputEntry::of_refused));
    // What went wrong is seen first, and never among what is not listed.
    captures.sort_by_key(|entry| (entry.found.refused.is_none(), !entry.is_damaged()));
    let captures =
        Listed::captures(captures.iter(), request.top.max((damaged + refused_count).try_into().unwrap_or(0)));
    let by_ip = table("volume_by_ip");
    let (bytes, packets) = gathered.total;
    Ok(Content {
        lake: path_text::printable(&request.lake),
        dates: days.first().zip(days.last()).map(|(first, last)| (first.text(), last.text())),
        made: time(now() * 1_000_000),
        packets,
        bytes,
        captures: whole,
        damaged,
        refused: refused_count,
        series: gathered.series.unwrap_or_default(),
        by_name: table("volume_by_name"),
        by_ip,
        by_src: table("volume_by_src"),
        protocols: table("protocols"),
        ports: table("ports"),
        conversations: table("conversations"),
        dns_queries: table("dns_queries"),
        dns_failures: gathered.failures,
        captures_table: Listed { first: captures.first.select(&CAPTURES), ..captures },
    })
}

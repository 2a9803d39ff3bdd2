//! Extracting: packets of a lake, from the original captures, as a capture.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use crate::aggregate::Space;
use crate::cancel::Cancel;
use crate::error::{Error, NotExtracted, Result};
use crate::extract::{ExtractFormat, Extracted, PacketFilter, PacketOrder, Search, fetch, write};
use crate::lake::{Layout, Lookup, Snapshot, WantedCaptures, steadily};
use crate::path_text::printable;
use crate::storage::{Location, OutFile, local, open_seekable};
use crate::tables::NamingRows;

/// What to extract, and where to.
#[derive(Clone, Debug)]
pub struct ExtractRequest {
    /// The lake's directory.
    pub lake: PathBuf,
    /// Which packets, if no rows are given.
    pub filter: PacketFilter,
    /// A table of rows that name the packets, as Parquet or CSV; `-` for standard input.
    pub rows: Option<PathBuf>,
    /// The file that is written; `-` for standard output.
    pub out: PathBuf,
    /// The order of the packets.
    pub order: PacketOrder,
    /// What is written.
    pub format: ExtractFormat,
    /// Bytes of memory for the keys of one pass. By default that of sums.
    pub room: Option<usize>,
    /// How the work is stopped early.
    pub cancel: Cancel,
}

/// Extracts packets. Nothing in the lake is changed.
///
/// # Errors
/// If there is no lake, or it does not say where its packets are; if the rows cannot be read; if the packets do not fit into
/// the format; if the file cannot be written, or would be written over a capture of the lake; if the work is cancelled.
/// Packets that are not found are no errors: the result names them.
pub fn extract(request: &ExtractRequest) -> Result<Extracted> {
    let lake = Layout::at(&request.lake);
    if !lake.is_there() {
        return Err(Error::NoLake { path: request.lake.clone() });
    }
    let cancel = &request.cancel;
    let out_path = local::canonical(&request.out).ok().filter(|_| !Location::of(&request.out).is_stdin());
    let (snapshot, is_over_capture) = steadily(
        &lake,
        || Ok(cancel.check()?),
        |_| false,
        || {
            let snapshot = Snapshot::begin(&lake)?;
            let found = match &out_path {
                Some(path) => Lookup::new(&snapshot).find(&[path])?,
                None => Vec::new(),
            };
            Ok((snapshot, found.iter().any(Option::is_some)))
        },
    )?;
    if is_over_capture {
        return Err(Error::NotExtracted(NotExtracted::OverCapture { path: request.out.clone() }));
    }
    // What is wrong with the lake or the rows is said before a file is begun.
    Search::new(&lake, &snapshot, &Space::new(Path::new("")), cancel)?;
    let mut out = match Location::of(&request.out) {
        Location::Stdin => OutFile::stdout(),
        _ => OutFile::create(&request.out)?,
    };
    let space = Space::new(&out.folder()).cancelled_by(cancel);
    let space = request.room.map_or(space.clone(), |room| space.with_room(room));
    let mut given = match &request.rows {
        None => None,
        Some(path) => {
            let name = if Location::of(path).is_stdin() { "stdin".to_owned() } else { printable(path) };
            let file = open_seekable(path, space.folder()).map_err(Error::io("read", path))?;
            Some(NamingRows::open(file, name)?)
        }
    };
    let (snapshot, wanted, terms) = steadily(
        &lake,
        || Ok(cancel.check()?),
        |_| false,
        || {
            let mut snapshot = if given.is_some() { Snapshot::read(&lake)? } else { Snapshot::begin(&lake)? };
            let search = Search::new(&lake, &snapshot, &space, cancel)?;
            let wanted = match &mut given {
                Some(rows) => search.named(rows)?,
                None => search.filtered(&request.filter)?,
            };
            let terms = search.terms();
            snapshot.load(&WantedCaptures::of(wanted.captures()))?;
            Ok((snapshot, wanted, terms))
        },
    )?;
    let found = fetch(wanted, &snapshot, &terms, request.order, &space, cancel)?;
    let (extracted, _) = write(found, &snapshot, request.format, (&mut out, &request.out), cancel)?;
    out.flush().map_err(Error::io("write", &request.out))?;
    out.finish()?;
    Ok(extracted)
}

//! Opens a capture again, if it is still the file that was found.

use std::io;
use std::ops::Range;
use std::sync::Mutex;

use crate::discover::{Compression, Input};
use crate::storage::objects::{RangeInHand, ReadSoon};
use crate::storage::{CaptureFile, fingerprint};

/// A file was replaced after it was found and before its first packet was converted.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("it was exchanged after it had been found; the next run looks at it again")]
struct Exchanged;

/// Opens a capture that is as it was found, or has grown since. Each request for an object says which one is meant, so of an object
/// nothing is asked here.
///
/// # Errors
/// If it cannot be opened, or if another file has its name by now: the packets of that file would be recorded under the
/// content of the first.
pub(super) fn open_as_found(input: &Input) -> io::Result<CaptureFile> {
    let file = CaptureFile::open(&input.absolute, &input.object_version(), input.size)?;
    let CaptureFile::Local(opened) = &file else { return Ok(file) };
    let now = opened.facts()?;
    let is_as_found = (now.size, now.modified) == (input.size, input.modified);
    // A file that has become shorter shows when it is read.
    if !is_as_found
        && now.size >= input.size
        && let Some(found) = &input.fingerprint
        && fingerprint(&file, input.size)? != *found
    {
        return Err(io::Error::other(Exchanged));
    }
    Ok(file)
}

/// Whether a capture can only be read from its beginning: it is a stream, compressed, or at a web server that gives no ranges.
pub(crate) fn is_read_forward(input: &Input) -> bool {
    let is_streamed = || match CaptureFile::open_object(&input.absolute, &input.object_version(), input.size) {
        Some(Ok(object)) => object.is_stream(),
        _ => false,
    };
    input.is_stdin() || input.compression != Compression::None || is_streamed()
}

/// Asks for the beginnings of captures that will be read next, if they are objects: for what a task reads from them first.
pub(crate) fn want_soon<'i>(soon: &mut ReadSoon, next: impl Iterator<Item = (&'i Input, Range<u64>)>) {
    let objects = next.filter_map(|(input, range)| {
        let opened = CaptureFile::open_object(&input.absolute, &input.object_version(), input.size)?;
        Some((opened.ok()?, range))
    });
    soon.want(objects);
}

/// Says that a range of a capture is read from now on, if it is an object: until the answer is dropped.
pub(crate) fn begin_range<'s>(soon: &'s Mutex<ReadSoon>, input: &Input, range: Range<u64>) -> Option<RangeInHand<'s>> {
    let object = CaptureFile::open_object(&input.absolute, &input.object_version(), input.size)?;
    Some(ReadSoon::begin(soon, &object.ok()?, range))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::process::Command;

    use super::*;
    use crate::discover::{Candidate, Refusal};

    #[test]
    fn a_capture_is_what_it_is_when_it_is_opened() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.pcap");
        let capture = [&[0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0][..], &[0; 16]].concat();
        fs::write(&path, &capture).unwrap();
        let met = || Candidate::of(&path, true).unwrap();
        let before = met();
        fs::write(&path, [&capture[..], &[0; 4]].concat()).unwrap();
        let input = before.probe().unwrap();
        assert_eq!(input, met().probe().unwrap());
        assert_eq!(input.size, 28);
        // First the file has grown, then another one has its name.
        fs::write(&path, [&capture[..], &[0; 5]].concat()).unwrap();
        assert!(open_as_found(&input).is_ok());
        fs::write(&path, [&capture[..], &[1; 5]].concat()).unwrap();
        assert!(open_as_found(&input).unwrap_err().to_string().starts_with("it was exchanged"));
        let before = met();
        fs::remove_file(&path).unwrap();
        assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
        assert!(matches!(before.probe(), Err(Refusal::NotAFile("a FIFO"))));
    }
}

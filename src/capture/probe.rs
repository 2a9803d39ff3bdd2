//! Opens a candidate, and says what it is or why it is refused.

use std::io::{BufReader, Read as _};

use crate::discover::{Candidate, Compression, Input, LOOKED_AT, Refusal, magic};
use crate::memory::USUAL_WINDOW;
use crate::storage::{CaptureFile, fingerprint};

use super::decompress::unpack;
use super::dictionary_size::window_of;

impl Candidate {
    /// Opens the candidate, and tells by its bytes what it is.
    ///
    /// # Errors
    /// If it cannot be opened or is no capture.
    pub fn probe(self) -> Result<Input, Refusal> {
        self.probe_within(USUAL_WINDOW)
    }

    /// As [`Candidate::probe`], with up to `window` bytes of memory for a decompressor.
    ///
    /// # Errors
    /// If it cannot be opened, is no capture, or needs more memory than that.
    pub fn probe_within(self, window: u64) -> Result<Input, Refusal> {
        let file = CaptureFile::open(&self.absolute, &self.version, self.size)?;
        // The size of what was opened: the file may have grown since it was found, or be another one.
        let (size, modified) = match &file {
            CaptureFile::Local(file) => file.facts().map(|opened| (opened.size, opened.modified))?,
            CaptureFile::Object(object) => {
                object.take_in()?;
                (self.size, self.modified)
            }
        };
        let head = file.head(LOOKED_AT)?;
        let compression = magic::compression(&head);
        let (head, too_large) = match compression {
            Compression::None => (head, None),
            packed => unpacked_head(&file, &head, packed, window)?,
        };
        let format = magic::format(&head).ok_or_else(|| magic::refusal(&head))?;
        if size == 0 && !self.is_there()? {
            return Err(Refusal::Marker);
        }
        // A file that is no capture is skipped, however much memory it would need.
        too_large.map_or(Ok(()), Err)?;
        let fingerprint = Some(fingerprint(&file, size)?);
        Ok(Input {
            path: self.path,
            absolute: self.absolute,
            reached: self.reached,
            size,
            modified,
            fingerprint,
            compression,
            format: Some(format),
            head: None,
            etag: self.version.etag,
            version: self.version.version,
        })
    }
}

/// The first decompressed bytes, and a refusal if the rest takes more memory than `window`. These few bytes need little
/// memory, however large a dictionary is announced. A stream that is cut within them is judged by what there is.
fn unpacked_head(
    file: &CaptureFile,
    packed_head: &[u8],
    compression: Compression,
    window: u64,
) -> Result<(Vec<u8>, Option<Refusal>), Refusal> {
    let needed = window_of(packed_head, compression).unwrap_or(0);
    let too_large = (needed > window).then_some(Refusal::Window { compression, needed, allowed: window });
    let mut head = Vec::with_capacity(LOOKED_AT);
    let packed = file.reader()?;
    let failure = packed.failure();
    let unpacked = unpack(compression, BufReader::new(packed), window.max(needed));
    let result = unpacked.and_then(|bytes| bytes.take(LOOKED_AT as u64).read_to_end(&mut head));
    match result {
        // An error of the system, or of a store, says nothing about the bytes.
        Err(error) if error.raw_os_error().is_some() => Err(error.into()),
        Err(_) if let Some(error) = failure.and_then(|failure| failure.take()) => Err(error.into()),
        Err(error) if head.is_empty() => {
            Err(too_large.unwrap_or(Refusal::Packing { compression, problem: error.to_string() }))
        }
        _ => Ok((head, too_large)),
    }
}

//! Opens a candidate, and says what it is or why it is refused.

use std::io::{self, BufReader, Read as _, Seek as _};

use crate::discover::{Candidate, Compression, Input, LOOKED_AT, Refusal, magic};
use crate::memory::USUAL_WINDOW;
use crate::storage::{LocalFile, RetryingReader, fingerprint, open_regular};

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
        let file = open_regular(&self.absolute)?;
        // The size of what was opened: the file may have grown since it was found, or be another one.
        let opened = file.facts()?;
        let head = head_of(&file)?;
        let compression = magic::compression(&head);
        let (head, too_large) = match compression {
            Compression::None => (head, None),
            packed => unpacked_head(&file, packed, window)?,
        };
        let format = magic::format(&head).ok_or_else(|| magic::refusal(&head))?;
        // A file that is no capture is skipped, however much memory it would need.
        too_large.map_or(Ok(()), Err)?;
        let fingerprint = Some(fingerprint(&file, opened.size)?);
        Ok(Input {
            path: self.path,
            absolute: self.absolute,
            reached: self.reached,
            size: opened.size,
            modified: opened.modified,
            fingerprint,
            compression,
            format: Some(format),
            head: None,
        })
    }
}

fn head_of(file: &LocalFile) -> io::Result<Vec<u8>> {
    let mut head = Vec::with_capacity(LOOKED_AT);
    RetryingReader(file).take(LOOKED_AT as u64).read_to_end(&mut head)?;
    Ok(head)
}

/// The first decompressed bytes, and a refusal if the rest takes more memory than `window`. These few bytes need little
/// memory, however large a dictionary is announced. A stream that is cut within them is judged by what there is.
fn unpacked_head(
    file: &LocalFile,
    compression: Compression,
    window: u64,
) -> Result<(Vec<u8>, Option<Refusal>), Refusal> {
    let mut again = file.share()?;
    again.rewind()?;
    let needed = window_of(&again, compression)?.unwrap_or(0);
    let too_large = (needed > window).then_some(Refusal::Window { compression, needed, allowed: window });
    again.rewind()?;
    let mut head = Vec::with_capacity(LOOKED_AT);
    let packed = BufReader::new(RetryingReader(again));
    let unpacked = unpack(compression, packed, window.max(needed));
    let result = unpacked.and_then(|bytes| bytes.take(LOOKED_AT as u64).read_to_end(&mut head));
    match result {
        // An error of the system says nothing about the bytes.
        Err(error) if error.raw_os_error().is_some() => Err(error.into()),
        Err(error) if head.is_empty() => {
            Err(too_large.unwrap_or(Refusal::Packing { compression, problem: error.to_string() }))
        }
        _ => Ok((head, too_large)),
    }
}

//! Documents that wait on disk, in the order in which they came. There may be any number of them.

use std::io::{self, BufRead as _, BufReader, Read};
use std::marker::PhantomData;
use std::ops::Range;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::local_file::LocalFile;
use super::scratch::scratch_root;
use super::spool::Spool;

/// Bytes that are read at once.
const BUFFER: usize = 128 << 10;

/// Documents that are written, a line of JSON each.
#[derive(Debug)]
pub(crate) struct SpoolWriter<T> {
    spool: Spool,
    line: Vec<u8>,
    of: PhantomData<fn(T)>,
}

/// Documents that were written. Each can be read, any number of times.
#[derive(Debug)]
pub(crate) struct Spooled<T> {
    file: Arc<LocalFile>,
    of: PhantomData<fn() -> T>,
}

/// Reads such documents one after the other.
#[derive(Debug)]
pub(crate) struct SpooledItems<T> {
    from: BufReader<FromPlace>,
    line: Vec<u8>,
    of: PhantomData<fn() -> T>,
}

/// The bytes of a file from a place on. Others may read it too.
#[derive(Debug)]
struct FromPlace {
    file: Arc<LocalFile>,
    at: u64,
}

impl<T> SpoolWriter<T> {
    /// None yet, in the folder for temporary files.
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self { spool: Spool::new(&scratch_root())?, line: Vec::new(), of: PhantomData })
    }

    /// Adds the text of a document, which is one line. Returns the place of its bytes.
    pub(crate) fn push_text(&mut self, text: &[u8]) -> io::Result<Range<u64>> {
        let start = self.spool.append(text)?;
        self.spool.append(b"\n")?;
        Ok(start..start + text.len() as u64)
    }

    /// All that were added.
    pub(crate) fn finish(self) -> io::Result<Spooled<T>> {
        Ok(Spooled { file: Arc::new(self.spool.into_file()?), of: PhantomData })
    }
}

impl<T: Serialize> SpoolWriter<T> {
    /// Adds a document. Returns the place of its bytes.
    pub(crate) fn push(&mut self, document: &T) -> io::Result<Range<u64>> {
        let mut line = std::mem::take(&mut self.line);
        line.clear();
        serde_json::to_writer(&mut line, document)?;
        let place = self.push_text(&line);
        self.line = line;
        place
    }
}

impl<T: DeserializeOwned> Spooled<T> {
    /// All of them, from the first on.
    pub(crate) fn items(&self) -> SpooledItems<T> {
        let from = FromPlace { file: Arc::clone(&self.file), at: 0 };
        SpooledItems { from: BufReader::with_capacity(BUFFER, from), line: Vec::new(), of: PhantomData }
    }

    /// The one whose bytes are at a place.
    pub(crate) fn at(&self, place: &Range<u64>) -> io::Result<T> {
        let mut bytes = vec![0; usize::try_from(place.end - place.start).map_err(io::Error::other)?];
        self.file.read_exact_at(&mut bytes, place.start)?;
        Ok(serde_json::from_slice(&bytes)?)
    }
}

impl<T: DeserializeOwned> Iterator for SpooledItems<T> {
    type Item = io::Result<T>;

    fn next(&mut self) -> Option<Self::Item> {
        self.line.clear();
        match self.from.read_until(b'\n', &mut self.line) {
            Ok(0) => None,
            Ok(_) => Some(serde_json::from_slice(&self.line).map_err(io::Error::from)),
            Err(error) => Some(Err(error)),
        }
    }
}

impl Read for FromPlace {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(buffer, self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_come_out_in_their_order_and_from_their_places() {
        let all: Vec<String> = (0..9000_u32).map(|number| format!("{number}\n\u{1}").repeat(3)).collect();
        let mut writer = SpoolWriter::new().unwrap();
        let places: Vec<_> = all.iter().map(|text| writer.push(text).unwrap()).collect();
        let spooled = writer.finish().unwrap();
        let half: Vec<String> = spooled.items().take(4500).map(Result::unwrap).collect();
        assert_eq!(half, all[..4500]);
        assert_eq!(spooled.items().map(Result::unwrap).collect::<Vec<_>>(), all);
        for (text, place) in all.iter().zip(&places).rev().step_by(7) {
            assert_eq!(spooled.at(place).unwrap(), *text);
        }
    }
}

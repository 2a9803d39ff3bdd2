//! Reads captures to tell whether they are the same: their beginnings, all of their records, or as many as another one
//! has.

use crate::bug::bug;
use crate::cancel::Cancel;
use crate::capture::{CaptureReader, ContentHashes, Damage, Source, Timestamp};
use crate::discover::Input;
use crate::error::Result;
use crate::hash::ContentHash;
use crate::lake::InputEntry;
use crate::memory::SMALL_WINDOW;
use crate::storage::local;
use crate::storage::objects::is_object;

/// Bytes that are hashed at a time.
const BUFFER: usize = 1 << 18;
/// Records between two checks for a signal.
const STRIDE: u64 = 1 << 16;

/// The content of a capture, as far as it tells it from others.
#[derive(Clone, Debug, Default)]
pub(super) struct ReadContent {
    /// `None` where bytes cannot be read.
    pub(super) content: Option<ContentHashes>,
    /// Whole records.
    pub(super) records: u64,
    /// Time of the first record that has one.
    pub(super) first: Option<Timestamp>,
    /// Where it stops being a capture before its end.
    damage: Option<Damage>,
}

impl ReadContent {
    /// Whether all of it was read.
    pub(super) fn is_whole(&self) -> bool {
        self.damage.is_none()
    }

    /// Whether it ends within a record, or its compression does. It may be being written, copied or compressed.
    pub(super) fn is_cut(&self) -> bool {
        self.damage.as_ref().is_some_and(Damage::is_at_the_end)
    }

    /// Offset of the first byte after the last whole record.
    pub(super) fn end(&self) -> u64 {
        self.content.as_ref().map_or(0, ContentHashes::end)
    }
}

/// Whether all of a capture was read, and it was not being written.
pub(super) fn is_whole(entry: &InputEntry) -> bool {
    entry.found.damage.is_none() && !entry.is_open()
}

/// How the captures of a run are read, before any of them is converted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Look<'a> {
    /// Bytes that a decompressor may take.
    pub(super) window: u64,
    pub(super) cancel: &'a Cancel,
}

impl Look<'_> {
    fn window(&self, input: &Input) -> u64 {
        input.window().ok().flatten().unwrap_or(0).clamp(SMALL_WINDOW, self.window.max(SMALL_WINDOW))
    }

    /// Hash of the decompressed bytes up to the end of the first record. `None` if there is no whole record.
    ///
    /// Two captures that begin with the same packet at the same time, in the same format, are the same as far as they go,
    /// or were made to look so. So the hash finds captures that are worth a comparison.
    pub(super) fn head(&self, input: &Input) -> Option<String> {
        let (source, sipped) = Source::in_sips(input, self.window(input)).ok()?;
        let mut reader = CaptureReader::glance_at(source, input.compression).ok()?;
        reader.next().ok()??;
        sipped.hash(reader.end_of_record())
    }

    /// Reads all of a capture. A capture that cannot be opened has no content.
    ///
    /// # Errors
    /// If a signal has arrived.
    pub(super) fn scan(&self, input: &Input) -> Result<ReadContent> {
        let Ok(reader) = CaptureReader::open_within(input, self.window(input)) else {
            return Ok(ReadContent::default());
        };
        let (mut reader, mut scan) = (reader.hashing(), ReadContent::default());
        loop {
            match reader.next() {
                Ok(Some(record)) => scan.first = scan.first.or(record.time),
                Ok(None) => break,
                Err(damage) => {
                    scan.damage = Some(damage);
                    break;
                }
            }
            if reader.frames().is_multiple_of(STRIDE) {
                self.cancel.check()?;
            }
        }
        (scan.content, scan.records) = (reader.take_content(), reader.frames());
        Ok(scan)
    }

    /// Whether a capture begins with all known content of another one. The bytes before the first record are not
    /// compared: heads compare those.
    ///
    /// # Errors
    /// If a signal has arrived. A capture that cannot be read does not begin with anything.
    pub(super) fn begins_with(&self, input: &Input, content: &ContentHashes) -> Result<bool> {
        let Ok((mut source, _)) = Source::open_within(input, self.window(input)) else {
            return Ok(false);
        };
        let mut buffer = vec![0; BUFFER];
        let mut hash_of = |bytes: u64| -> Result<Option<String>> {
            let (mut left, mut hash) = (bytes, ContentHash::default());
            while left > 0 {
                self.cancel.check()?;
                let wanted = buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
                let room = buffer.get_mut(..wanted).ok_or_else(|| bug!())?;
                let Ok(read @ 1..) = source.read(room) else { return Ok(None) };
                hash.update(room.get(..read).ok_or_else(|| bug!())?);
                left -= read as u64;
            }
            Ok(Some(hash.hex()))
        };
        if hash_of(content.start())?.is_none() {
            return Ok(false);
        }
        let mut at = content.start();
        for piece in content.pieces() {
            if hash_of(piece.end.saturating_sub(at))?.as_ref() != Some(&piece.hash) {
                return Ok(false);
            }
            at = piece.end;
        }
        Ok(!content.pieces().is_empty())
    }
}

impl Look<'_> {
    /// Whether a capture has all that the lake has of another one, and perhaps more.
    ///
    /// # Errors
    /// If a signal has arrived.
    pub(super) fn goes_on(&self, input: &Input, entry: &InputEntry) -> Result<bool> {
        match &entry.found.content {
            Some(content) if input.head.is_some() && input.head == entry.input.head => self.begins_with(input, content),
            _ => Ok(false),
        }
    }
}

/// Whether two names lead to the same file: hard links, or the same disk mounted twice. An object has one name.
pub(super) fn is_same_file(a: &Input, b: &Input) -> bool {
    if [a, b].iter().any(|input| is_object(&input.absolute)) {
        return false;
    }
    let file = |input: &Input| local::facts(&input.absolute);
    matches!((file(a), file(b)), (Ok(a), Ok(b)) if a.inode == b.inode)
}

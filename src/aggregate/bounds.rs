//! Checks that a file of sums asks for no more memory than its size explains. Arrow's reader allocates what a length says
//! before it looks further, and the system ends a process that asks for too much.

use std::io;

use arrow_ipc::reader::read_footer_length;
use arrow_ipc::{root_as_footer, root_as_message};

use crate::storage::LocalFile;

/// The most bytes of a batch's columns when compressed, and of each column when decompressed. parcap writes batches of a
/// megabyte in all.
const MOST: u64 = 16 << 20;
/// The most bytes that describe a batch.
const MOST_METADATA: u64 = 1 << 20;
/// Bytes at the end of a file: the length of the footer, and the magic bytes.
const TRAILER: usize = 10;
/// Bytes before the description of a batch: a mark, and its length.
const BEFORE_MESSAGE: usize = 8;
/// A column that is not compressed has this in place of its length.
const NOT_PACKED: i64 = -1;

/// Checks all lengths of a file.
///
/// # Errors
/// If one of them cannot be right, or the file cannot be read.
pub(super) fn check(file: &LocalFile) -> io::Result<()> {
    let end = file.facts()?.size.checked_sub(TRAILER as u64).ok_or_else(unfit)?;
    let mut trailer = [0; TRAILER];
    file.read_exact_at(&mut trailer, end)?;
    let footer_length = read_footer_length(trailer).map_err(|_| unfit())?;
    let start = end.checked_sub(footer_length as u64).ok_or_else(unfit)?;
    let footer = bytes(file, start, footer_length)?;
    let footer = root_as_footer(&footer).map_err(|_| unfit())?;
    if footer.dictionaries().is_some_and(|blocks| !blocks.is_empty()) {
        return Err(unfit());
    }
    for block in footer.recordBatches().into_iter().flatten() {
        let offset = u64::try_from(block.offset()).map_err(|_| unfit())?;
        let metadata = u64::try_from(block.metaDataLength()).map_err(|_| unfit())?;
        let body = u64::try_from(block.bodyLength()).map_err(|_| unfit())?;
        let columns = offset.checked_add(metadata).ok_or_else(unfit)?;
        if metadata > MOST_METADATA || body > MOST || columns.checked_add(body).is_none_or(|after| after > start) {
            return Err(unfit());
        }
        let message = bytes(file, offset, usize::try_from(metadata).map_err(|_| unfit())?)?;
        let message = root_as_message(message.get(BEFORE_MESSAGE..).ok_or_else(unfit)?).map_err(|_| unfit())?;
        let batch = message.header_as_record_batch().ok_or_else(unfit)?;
        if batch.compression().is_none() {
            continue;
        }
        for buffer in batch.buffers().into_iter().flatten().filter(|buffer| buffer.length() > 0) {
            let at = u64::try_from(buffer.offset()).ok().filter(|at| at.checked_add(8).is_some_and(|end| end <= body));
            let mut length = [0; 8];
            file.read_exact_at(&mut length, columns + at.ok_or_else(unfit)?)?;
            let length = i64::from_le_bytes(length);
            if length != NOT_PACKED && u64::try_from(length).is_ok_and(|length| length > MOST) {
                return Err(unfit());
            }
        }
    }
    Ok(())
}

fn bytes(file: &LocalFile, at: u64, length: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; length];
    file.read_exact_at(&mut bytes, at)?;
    Ok(bytes)
}

fn unfit() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "its lengths are not those of a partial summary")
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::aggregator::Aggregator;
    use super::super::buffer::{Measure, Sums};
    use super::super::group::Group;
    use super::super::sorted_run::Owners;
    use super::super::spill::Space;
    use crate::day::Day;

    /// Whatever a byte of a file is changed to, reading it ends with sums or with an error. It never ends the process,
    /// and never takes more memory than a few times the file.
    #[test]
    fn a_file_with_any_byte_changed_is_read_or_refused() {
        let folder = tempfile::tempdir().unwrap();
        let space = Space::new(folder.path());
        let group = Group { day: Day(1), kind: 1, measure: Measure::Add, by_owner: false };
        let mut aggregator = Aggregator::new(&space);
        for key in 0..300_u32 {
            aggregator.add(group, &key.to_be_bytes(), Sums::of(i64::from(key), 1)).unwrap();
        }
        let path = folder.path().join("sums");
        aggregator.save(&path).unwrap();
        let sound = fs::read(&path).unwrap();
        let mut refused = 0;
        for place in 0..sound.len() {
            for with in [0x01, 0x80, 0xff] {
                let mut bytes = sound.clone();
                bytes[place] ^= with;
                let path = folder.path().join("changed");
                fs::write(&path, &bytes).unwrap();
                let mut aggregator = Aggregator::new(&space);
                let read = aggregator.append_file(&path, Owners::AddUp).and_then(|()| {
                    let mut merge = aggregator.read(group)?;
                    while merge.next()?.is_some() {}
                    Ok(())
                });
                refused += usize::from(read.is_err());
            }
        }
        assert!(refused > sound.len() / 10, "{refused} of {}", sound.len() * 3);
    }
}

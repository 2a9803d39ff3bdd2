//! How many records are before the units of a capture that is cut.

use crate::cancel::Cancel;
use crate::capture::CaptureReader;
use crate::error::Result;

use super::unit::Unit;

/// Records between two checks for a signal.
const STRIDE: u64 = 4096;

/// Notes in each unit that begins within a capture how many records are before it. That reads each of these captures once, and
/// decodes nothing. A capture that cannot be read has no numbers: its units will say what is wrong with it.
///
/// # Errors
/// If a signal has arrived.
pub fn count_frames(units: &mut [Unit], cancel: &Cancel) -> Result<()> {
    let mut reader: Option<CaptureReader> = None;
    for unit in units {
        let chunk_size = unit.settings.chunk_size;
        for capture in &mut unit.captures {
            let Some(chunks) = capture.chunks.clone() else { continue };
            if chunks.start == 0 {
                let salvage = unit.settings.salvage;
                reader = CaptureReader::open(&capture.input).ok().map(|reader| reader.salvaging(salvage, None));
                continue;
            }
            let Some(reader) = &mut reader else { continue };
            capture.frames_before = frames_up_to(reader, chunks.start * chunk_size, cancel)?;
        }
    }
    Ok(())
}

/// Records that begin before an offset. `None` if there is damage before it.
fn frames_up_to(reader: &mut CaptureReader, offset: u64, cancel: &Cancel) -> Result<Option<u64>> {
    reader.set_limit(offset);
    loop {
        match reader.next() {
            Ok(Some(_)) => {}
            Ok(None) => return Ok(Some(reader.frames())),
            Err(_) => return Ok(None),
        }
        if reader.frames().is_multiple_of(STRIDE) {
            cancel.check()?;
        }
    }
}

//! What the first records of a capture tell the planner.

use crate::capture::CaptureReader;
use crate::discover::{Compression, Input};

use super::pack::Sampled;

/// First records of a capture that are read to learn how large its records are.
const SAMPLE: u64 = 256;

/// Looks at the first records of a capture that may be cut into chunks, for the planner.
#[must_use]
pub fn sample(input: Input, chunk_size: u64) -> Sampled {
    let mut sampled = Sampled { input, bytes_per_record: None, starts_timed: true };
    // Small captures are not cut, whatever their records are. Compressed ones are not cut either.
    if sampled.input.size <= chunk_size || sampled.input.compression != Compression::None || sampled.input.is_stdin() {
        return sampled;
    }
    let Ok(mut reader) = CaptureReader::open(&sampled.input).map(CaptureReader::glancing) else {
        return sampled;
    };
    let start = reader.position().offset;
    while reader.frames() < SAMPLE {
        match reader.next() {
            Ok(Some(record)) if record.time.is_none() => {
                sampled.starts_timed = false;
                break;
            }
            Ok(Some(_)) => {}
            _ => break,
        }
    }
    let bytes = reader.position().offset - start;
    sampled.bytes_per_record = bytes.checked_div(reader.frames().saturating_sub(1));
    sampled
}

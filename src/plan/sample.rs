//! What the first records of a capture tell the planner.

use std::convert::Infallible;

use crate::capture::{CaptureReader, is_read_forward};
use crate::discover::{Compression, Input};
use crate::storage::openings;
use crate::threads::in_order_by;

use super::pack::Sampled;

/// First records of a capture that are read to learn how large its records are.
const SAMPLE: u64 = 256;
/// Bytes of them that are read, at most by a record more.
const SAMPLED_BYTES: u64 = 4 << 20;

/// Looks at the first records of captures that may be cut into chunks, for the planner.
#[must_use]
pub fn sample(inputs: Vec<Input>, chunk_size: u64) -> Vec<Sampled> {
    if inputs.iter().filter(|input| is_cut(input, chunk_size)).count() < 2 {
        return inputs.into_iter().map(|input| sample_one(input, chunk_size)).collect();
    }
    let threads = openings(0, inputs.iter().map(|input| input.absolute.as_path()));
    let Ok(sampled) = in_order_by::<_, _, Infallible>(inputs, threads, |input| Ok(sample_one(input, chunk_size)));
    sampled
}

/// Small captures are not cut, whatever their records are. Compressed ones are not cut either.
fn is_cut(input: &Input, chunk_size: u64) -> bool {
    input.size > chunk_size && !is_read_forward(input)
}

fn sample_one(input: Input, chunk_size: u64) -> Sampled {
    let can_jump = input.compression != Compression::None || input.is_stdin() || !is_read_forward(&input);
    let mut sampled = Sampled { input, bytes_per_record: None, starts_timed: can_jump };
    if !is_cut(&sampled.input, chunk_size) {
        return sampled;
    }
    let Ok(mut reader) = CaptureReader::glance(&sampled.input) else {
        return sampled;
    };
    let start = reader.position().offset;
    while reader.frames() < SAMPLE && reader.position().offset - start < SAMPLED_BYTES {
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

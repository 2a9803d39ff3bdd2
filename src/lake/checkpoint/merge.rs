//! Makes one segment of some that lie above each other.

use crate::error::Result;
use crate::tables::{PIECE, Table};

use super::Kind;
use super::columns::{
    AGAIN, BYTES, CAPTURES, CONTENT, ENTRY, ETAG, FINGERPRINT, FIRST, FIRST_TIME, HEAD, LAST, LAST_TIME, LONG_ROWS,
    MODIFIED, PACKETS, STATUS, STREAM,
};
use super::layers::Layers;
use super::stage::Staging;

/// How many segments with about as many entries there may be.
const FAN: usize = 8;

/// How many segments at the end of a list are to become one, by their entries: all of one power of eight, and smaller ones.
pub(super) fn to_merge(entries: &[u64]) -> usize {
    let level = |entries: u64| entries.max(1).ilog(8);
    let Some(newest) = entries.last() else { return 0 };
    let run = entries.iter().rev().take_while(|entries| level(**entries) <= level(*newest)).count();
    if run >= FAN { run } else { 0 }
}

/// Writes what counts of some layers as one. Removals stay where there are segments below.
///
/// # Memory
/// Some thousand rows of each layer, and what was removed.
pub(super) fn merge(layers: Layers, is_lowest: bool, staging: &mut Staging<'_>) -> Result<()> {
    for kind in Kind::ALL.into_iter().filter(|kind| *kind != Kind::Removed) {
        // The columns in the order of the file: those that tell whether a row counts are among them.
        let columns: &[&str] = match kind {
            Kind::Captures => &[
                BYTES,
                MODIFIED,
                ETAG,
                STATUS,
                AGAIN,
                STREAM,
                PACKETS,
                FIRST_TIME,
                LAST_TIME,
                FINGERPRINT,
                HEAD,
                CONTENT,
                ENTRY,
            ],
            Kind::Units => &[ENTRY],
            _ => &[FIRST, LAST, CAPTURES, ENTRY],
        };
        let piece_rows = if kind == Kind::Captures { PIECE } else { LONG_ROWS };
        let mut merged = layers.merged(kind, columns)?;
        staging.write(kind, |_| {
            let mut piece = Table::default();
            while piece.rows() < piece_rows {
                let Some(row) = merged.next()? else { break };
                row.copy_to(&mut piece)?;
            }
            Ok(piece)
        })?;
    }
    if !is_lowest {
        let mut removed = Some(layers.into_removals().to_table());
        staging.write(Kind::Removed, |_| Ok(removed.take().unwrap_or_default()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The sizes of segments after this many nights that add as much each, and how much was written.
    fn nights(nights: usize, night: u64) -> (Vec<u64>, u64) {
        let (mut sizes, mut written) = (Vec::new(), 0);
        for _ in 0..nights {
            sizes.push(night);
            written += night;
            loop {
                let run = to_merge(&sizes);
                if run == 0 {
                    break;
                }
                let one = sizes.split_off(sizes.len() - run).iter().sum();
                sizes.push(one);
                written += one;
            }
        }
        (sizes, written)
    }

    #[test]
    fn segments_are_few_and_each_entry_is_written_a_few_times() {
        for night in [1 << 10, 1 << 20, 5 << 20, 16 << 20] {
            for count in [1, 7, 8, 64, 1000, 10_000] {
                let (sizes, written) = nights(count, night);
                let total = night * count as u64;
                assert_eq!(sizes.iter().sum::<u64>(), total);
                let levels = u64::from(total.ilog(8) - night.ilog(8)) + 1;
                assert!(sizes.len() as u64 <= levels * FAN as u64, "{count} of {night}: {} segments", sizes.len());
                assert!(written <= total * (levels + 1), "{count} of {night}: {written} written for {total}");
            }
        }
    }
}

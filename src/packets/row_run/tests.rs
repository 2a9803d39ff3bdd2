//! Rows that go over a run on disk.

use crate::capture::{LinkType, PacketRecord, Resolution, Timestamp};
use crate::config::{LengthKind, PartitionBy, TimestampUnit};
use crate::decode::Packet;
use crate::packets::{TableColumns, When};

use super::*;

/// The resolutions of pcapng: whole seconds to 10^-18, and 2^-10 to 2^-70 seconds.
const RESOLUTIONS: [u8; 9] = [0, 3, 6, 9, 12, 18, 0x80 | 10, 0x80 | 30, 0x80 | 70];

/// Times may be finer than nanoseconds and than any decimal fraction, and each is counted from the first one of its capture. Both come
/// back to the last digit.
#[test]
fn times_finer_than_nanoseconds_come_back_with_the_first_one_of_their_capture() {
    let time = |row: u64| {
        let ticks = 1_000_003_u64.wrapping_mul(row + 1).wrapping_mul(0x9e37_79b9);
        let unit = RESOLUTIONS[usize::try_from(row).unwrap() % RESOLUTIONS.len()];
        (row % 5 != 4).then(|| Timestamp::from_pcapng(ticks, Resolution(unit), 0)).flatten()
    };
    let firsts = [None, time(4 * 45 + 8), time(0)];
    for unit in [TimestampUnit::Us, TimestampUnit::Ns] {
        let rows = || Rows::new(TableColumns::default(), unit, LengthKind::Wire);
        let (mut mixed, mut expected) = (MixedRows::new(rows()), BTreeMap::new());
        for row in 0..270_u64 {
            let input = usize::try_from(row / 90).unwrap();
            let mut record = PacketRecord::of_bytes(LinkType(1), &[], row);
            record.time = time(row);
            let when = When::of_seconds(i64::try_from(row % 3).unwrap() * 86_400, PartitionBy::default());
            let key = PartitionKey { when, protocol: None };
            mixed.append(key, input, &record, &Packet::default(), firsts[input]);
            let (of_key, times) = expected.entry(key).or_insert_with(|| (rows(), Vec::new()));
            of_key.append(input, &record, &Packet::default(), firsts[input]);
            times.push((record.time, firsts[input]));
        }
        let folder = tempfile::tempdir().unwrap();
        let mut merge = RunMerge::new(vec![RowRun::write(&mut mixed, folder.path()).unwrap()]).unwrap();
        let mut found: BTreeMap<PartitionKey, Rows> = BTreeMap::new();
        while let Some(next) = merge.peek() {
            merge.read(found.entry(next.key).or_insert_with(rows)).unwrap();
        }
        assert_eq!(found.len(), 3);
        for (key, (expected, times)) in expected {
            let rows = &found[&key];
            assert_eq!((rows.len(), rows.spans()), (times.len(), expected.spans()));
            assert_eq!(rows.batch(0..rows.len()).unwrap(), expected.batch(0..expected.len()).unwrap());
            for (row, (time, first)) in times.into_iter().enumerate() {
                assert_eq!(rows.times.exact(row), Some((time, first)));
            }
        }
    }
}

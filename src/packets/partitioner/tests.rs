//! Rows of more dates than fit.

use crate::capture::LinkType;
use crate::decode::decode;
use crate::packets::row_run::{RowRun, RunMerge};

use super::*;

const DATES: i64 = 500;
const ROWS: i64 = 20_000;

/// The date of a row: in no order, and every third row of the same one.
fn date(row: i64) -> i64 {
    if row % 3 == 0 { 7 } else { row * row % 7919 % DATES }
}

/// Ethernet, IPv4 and UDP, from a host of its own.
fn frame(row: i64) -> Vec<u8> {
    let [.., high, low] = row.to_be_bytes();
    let ip = [
        0x45, 0, 0, 32, 0, 1, 0, 0, 64, 17, 0, 0, 10, 0, high, low, 10, 1, 1, 1, 0, 99, 0, 100, 0, 12, 0, 0, 1, 2, 3, 4,
    ];
    [&[2, 0, 0, 0, 0, 1, 2, 0, 0, 0, high, low, 8, 0], ip.as_slice()].concat()
}

fn each_row(mut take: impl FnMut(&PacketRecord<'_>, &Packet<'_>)) {
    for row in 0..ROWS {
        let frame = frame(row);
        let offset = 24 + row.unsigned_abs() * 62;
        let time = Some(Timestamp::from_micros(date(row) * 86_400_000_000 + row));
        let mut record = PacketRecord::of_bytes(LinkType(1), &frame, offset);
        record.time = time;
        take(&record, &decode(LinkType(1), &frame));
    }
}

fn no_rows() -> Rows {
    Rows::new(TableColumns::default(), TimestampUnit::Us, LengthKind::Wire)
}

#[test]
fn rows_of_more_dates_than_fit_come_back_by_partition_in_any_room() {
    let first = Some(Timestamp::from_micros(0));
    let by = PartitionBy::default();
    let mut expected: BTreeMap<PartitionKey, Rows> = BTreeMap::new();
    each_row(|record, packet| {
        let key = PartitionKey { when: When::of_seconds(record.time.unwrap().seconds(), by), protocol: None };
        expected.entry(key).or_insert_with(no_rows).append(3, record, packet, first);
    });
    let folder = tempfile::tempdir().unwrap();
    for (room, most_runs) in [(500_000, 30), (600_000, 25), (800_000, 20)] {
        let kinds = (TimestampUnit::Us, LengthKind::Wire);
        let mut partitioner = Partitioner::new(TableColumns::default(), by, kinds, 1 << 20, Vec::new()).mixing();
        partitioner.room = room;
        partitioner.begin(3, None);
        let mut runs = Vec::new();
        let mut write = |partitioner: &mut Partitioner| {
            while let Some(handed_on) = partitioner.take_handed_on() {
                let HandedOn::Mixed(mut rows) = handed_on else { panic!("a row group of {room} bytes") };
                assert!(rows.bytes() <= room + 64 * 400, "{} bytes", rows.bytes());
                runs.push(RowRun::write(&mut rows, folder.path()).unwrap());
                partitioner.recycle(rows.into_spare());
            }
        };
        each_row(|record, packet| {
            partitioner.append(3, record, packet, first);
            write(&mut partitioner);
        });
        partitioner.flush();
        write(&mut partitioner);
        assert!((2..=most_runs).contains(&runs.len()), "{} runs", runs.len());
        assert_eq!(runs.iter().flat_map(RowRun::rows).map(|(_, rows)| rows).sum::<u64>(), ROWS.unsigned_abs());
        // Files without a name: a killed run leaves nothing.
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        let mut merge = RunMerge::new(runs).unwrap();
        let mut found: Vec<(PartitionKey, Rows)> = Vec::new();
        while let Some(next) = merge.peek() {
            if found.last().is_none_or(|(key, _)| *key != next.key) {
                found.push((next.key, no_rows()));
            }
            merge.read(&mut found.last_mut().unwrap().1).unwrap();
        }
        assert_eq!(found.len(), expected.len());
        for ((key, rows), (expected_key, expected)) in found.iter().zip(&expected) {
            assert_eq!((key, rows.spans()), (expected_key, expected.spans()));
            assert_eq!(rows.batch(0..rows.len()).unwrap(), expected.batch(0..expected.len()).unwrap());
        }
    }
}

#[test]
fn few_dates_are_collected_by_partition_again() {
    let kinds = (TimestampUnit::Us, LengthKind::Wire);
    let mut partitioner =
        Partitioner::new(TableColumns::default(), PartitionBy::default(), kinds, 1000, Vec::new()).mixing();
    partitioner.begin(0, None);
    let mut row_groups = Vec::new();
    let mut mixed = 0;
    let mut rows = 0..;
    let mut append = |dates: i64, count: i64| {
        for row in rows.by_ref().take(usize::try_from(count).unwrap()) {
            let frame = frame(row);
            let time = Some(Timestamp::from_micros(row % dates * 86_400_000_000));
            let mut record = PacketRecord::of_bytes(LinkType(1), &frame, 0);
            record.time = time;
            partitioner.append(0, &record, &decode(LinkType(1), &frame), time);
        }
        while let Some(handed_on) = partitioner.take_handed_on() {
            match handed_on {
                HandedOn::RowGroup(_, rows) => row_groups.push(rows.len()),
                HandedOn::Mixed(_) => mixed += 1,
            }
        }
        (std::mem::take(&mut row_groups), std::mem::take(&mut mixed))
    };
    // Twice the rows of a row group are handed on, sorted or not.
    assert_eq!(append(500, 4000), (vec![], 2));
    // The first two thousand are the last that are sorted.
    assert_eq!(append(2, 4100), (vec![1000, 1000], 1));
}

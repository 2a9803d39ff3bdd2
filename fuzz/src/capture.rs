//! Bytes as a capture.
//!
//! Laws of the records, for any bytes:
//! - their offsets increase, and what a record holds lies at its offset in the input;
//! - no time lies outside the years 1 to 9999, and every form of it is finite;
//! - after the end, or after damage, nothing follows.
//!
//! Laws of reading, of which one is tried a run, chosen by the bytes themselves:
//! - prefix: the records of a capture that is cut anywhere are those of the whole one that end before the cut;
//! - limit: reading up to a limit and then on gives the records of reading at once, split at the limit;
//! - short reads: a source that gives few bytes at a time gives the same records;
//! - salvage: what precedes the first fault is as without it, gaps and records do not overlap, and short reads change
//!   neither.

use std::io::{self, Cursor, Read};

use parcap::discover::Compression;
use parcap::capture::Source;
use parcap::capture::{CaptureReader, Damage, DamageKind, Gaps, LinkType, RecordAnomaly, Timestamp};

use super::mixed;

/// 0001-01-01T00:00:00Z and 9999-12-31T23:59:59Z.
const YEARS_1_TO_9999: std::ops::RangeInclusive<i64> = -62_135_596_800..=253_402_300_799;

/// A record, and where its bytes lie in the input.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Record {
    offset: u64,
    data: std::ops::Range<usize>,
    time: Option<Timestamp>,
    orig_len: u32,
    cap_len: u32,
    link_type: Option<LinkType>,
    odd: RecordAnomaly,
}

/// All records, and how reading ended.
struct Reading {
    records: Vec<Record>,
    end: Result<(), Damage>,
}

/// Asserts every law.
pub fn check(bytes: &[u8]) {
    let Some(mut reader) = open(Cursor::new(bytes.to_vec())) else {
        return;
    };
    let whole = read(&mut reader, bytes);
    let choice = mixed(bytes);
    match choice % 4 {
        0 => cut(bytes, &whole, choice / 4),
        1 => limited(bytes, &whole, choice / 4),
        2 => short_reads(bytes, &whole, choice / 4),
        _ => salvage(bytes, &whole, choice / 4),
    }
}

fn open(bytes: impl Read + Send + 'static) -> Option<CaptureReader> {
    let source = Source::Stream { bytes: Box::new(bytes), origin: Default::default() };
    CaptureReader::from_source(source, Compression::None).ok()
}

/// Reads on to the end or the limit, and checks each record against the input.
fn read(reader: &mut CaptureReader, bytes: &[u8]) -> Reading {
    let (before, mut records) = (reader.frames(), Vec::<Record>::new());
    let end = loop {
        let start = reader.position().offset;
        let next = reader.next();
        let record = match next {
            Ok(Some(record)) => record,
            Ok(None) => break Ok(()),
            Err(damage) => break Err(damage),
        };
        assert!(record.offset >= start, "a record begins before the place where the one before it ends");
        assert!(records.last().is_none_or(|last| last.offset < record.offset), "offsets increase");
        let at = usize::try_from(record.offset).unwrap();
        // A record header of pcap, of either length; block type, length and fields of a simple, or of an enhanced or old
        // packet block. A capture of another format may have been appended.
        let places = [12, 16, 24, 28];
        let place = places
            .into_iter()
            .map(|place| at + place)
            .find(|&place| bytes.get(place..place + record.data.len()).is_some_and(|held| held == record.data));
        let place = place.expect("the data of a record are those of the input");
        if record.odd.contains(RecordAnomaly::CAP_LEN_OVER_BLOCK) {
            assert!(record.data.len() < record.cap_len as usize);
        } else {
            assert_eq!(record.data.len(), record.cap_len as usize, "all that is announced is there");
        }
        assert!(!(record.odd.contains(RecordAnomaly::TIME_OUT_OF_RANGE) && record.time.is_some()));
        assert_eq!(record.link_type.is_none(), record.odd.contains(RecordAnomaly::NO_INTERFACE));
        records.push(Record {
            offset: record.offset,
            data: place..place + record.data.len(),
            time: record.time,
            orig_len: record.orig_len,
            cap_len: record.cap_len,
            link_type: record.link_type,
            odd: record.odd,
        });
        let first = reader.position().first_time;
        if let Some(time) = records.last().and_then(|record| record.time) {
            check_time(time, first.expect("a record with a time has been read"));
        }
    };
    assert_eq!(reader.frames() - before, records.len() as u64);
    let position = reader.position().clone();
    assert!(position.offset <= bytes.len() as u64, "a reader stands within the input");
    assert_eq!(position.ended, end.is_err(), "damage ends a capture");
    if let Err(damage) = &end {
        assert_eq!(damage.frame, reader.frames() + 1);
        assert_eq!(damage.offset, position.offset);
        assert!(!damage.to_string().is_empty());
    }
    assert!(matches!(reader.next(), Ok(None)), "nothing follows the end");
    assert_eq!(reader.position(), &position, "asking at the end moves nothing");
    Reading { records, end }
}

fn check_time(time: Timestamp, first: Timestamp) {
    assert!(YEARS_1_TO_9999.contains(&time.seconds()), "{time:?} is no time of the years 1 to 9999");
    assert_eq!(time.micros().div_euclid(1_000_000), time.seconds());
    assert!(time.nanos().is_none_or(|nanos| nanos.div_euclid(1000) == time.micros()));
    let (double, since) = (time.as_f64(), time.since(first));
    assert!(double.is_finite() && since.is_finite());
    assert!((double - time.seconds() as f64).abs() <= 1.000_1, "{double} is not {time:?}");
    assert_eq!(since < 0.0, time < first, "{time:?} since {first:?} is {since}");
    assert_eq!(since, -first.since(time), "a difference is that of the other direction, negative");
}

fn cut(bytes: &[u8], whole: &Reading, choice: u64) {
    let cut = usize::try_from(choice % (bytes.len() as u64 + 1)).unwrap();
    let bytes = &bytes[..cut];
    let Some(mut reader) = open(Cursor::new(bytes.to_vec())) else {
        return;
    };
    let reading = read(&mut reader, bytes);
    let mut records = reading.records.as_slice();
    // A record of nothing, captured or on the wire, is none if zeros follow it.
    if let [before @ .., last] = records
        && last.orig_len == 0
        && records.len() > whole.records.len()
    {
        records = before;
    }
    let count = records.len();
    assert_eq!(whole.records.get(..count), Some(records), "a cut changes no record before it");
    // Padding and the block's second length follow the data of pcapng, so the next record tells where one has ended.
    let whole_before_cut = whole.records.iter().skip(1).filter(|next| next.offset <= cut as u64).count();
    // What a header of zeros is, those after it tell.
    let zeros = matches!(&reading.end, Err(Damage { kind: DamageKind::ZeroTail | DamageKind::ZeroGap, .. }));
    assert!(zeros || count >= whole_before_cut, "a cut loses no record that ends before it");
}

fn limited(bytes: &[u8], whole: &Reading, choice: u64) {
    let limit = choice % (bytes.len() as u64 + 1);
    let mut reader = open(Cursor::new(bytes.to_vec())).expect("it was opened before");
    reader.set_limit(limit);
    let first = read(&mut reader, bytes);
    assert!(first.records.iter().all(|record| record.offset < limit));
    reader.set_limit(u64::MAX);
    let (mut records, mut end) = (first.records, first.end);
    if end.is_ok() {
        let second = read(&mut reader, bytes);
        assert!(second.records.iter().all(|record| record.offset >= limit));
        records.extend(second.records);
        end = second.end;
    }
    assert_eq!(records, whole.records, "a limit changes no record");
    assert_eq!(end, whole.end, "a limit changes no damage");
}

fn short_reads(bytes: &[u8], whole: &Reading, choice: u64) {
    let step = usize::try_from(choice % 61 + 1).unwrap().max(bytes.len() / 4096);
    let mut reader = open(Short { bytes: Cursor::new(bytes.to_vec()), step }).expect("it was opened before");
    let reading = read(&mut reader, bytes);
    assert_eq!(reading.records, whole.records, "short reads change no record");
    assert_eq!(reading.end, whole.end, "short reads change no damage");
}

/// Gives at most `step` bytes at a time.
struct Short {
    bytes: Cursor<Vec<u8>>,
    step: usize,
}

impl Read for Short {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let step = self.step.min(buffer.len());
        self.bytes.read(&mut buffer[..step])
    }
}

fn salvage(bytes: &[u8], whole: &Reading, choice: u64) {
    let at_once = salvaged(open(Cursor::new(bytes.to_vec())).expect("it was opened before"));
    let step = usize::try_from(choice % 61 + 1).unwrap().max(bytes.len() / 4096);
    let short = open(Short { bytes: Cursor::new(bytes.to_vec()), step }).expect("it was opened before");
    assert_eq!(at_once, salvaged(short), "short reads change nothing that is salvaged");
    let (records, gaps) = at_once;
    let offsets: Vec<u64> = whole.records.iter().map(|record| record.offset).collect();
    assert!(records.starts_with(&offsets), "what precedes the first fault is as it was");
    // Not the same words: a block that is too long is damage at once, if something may follow it.
    let damage = whole.end.as_ref().err().map(|damage| (damage.frame, damage.offset));
    let first = gaps.first.first().map(|gap| (gap.damage.frame, gap.damage.offset));
    assert_eq!(first, damage, "the first gap begins with the damage");
    assert!(gaps.bytes <= bytes.len() as u64);
    for gap in &gaps.first {
        let gap = gap.damage.offset..gap.damage.offset + gap.bytes;
        assert!(gap.end <= bytes.len() as u64 && !records.iter().any(|offset| gap.contains(offset)));
    }
}

/// The offsets of the records, which increase, and the gaps between them.
fn salvaged(reader: CaptureReader) -> (Vec<u64>, Gaps) {
    let mut reader = reader.salvaging(true, None);
    let mut offsets = Vec::new();
    while let Ok(Some(record)) = reader.next() {
        assert!(offsets.last().is_none_or(|last| *last < record.offset), "offsets increase");
        offsets.push(record.offset);
    }
    assert!(matches!(reader.next(), Ok(None)), "nothing follows the end");
    let gaps = reader.take_gaps();
    (offsets, gaps)
}

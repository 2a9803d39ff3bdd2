//! Law 22: a projection gives columns of the rows that there are without it, in its order, whatever the filter, the kind of text,
//! the chunks and the workers.

use std::path::PathBuf;
use std::sync::LazyLock;

use arrow::array::RecordBatch;
use arrow::datatypes::DataType;
use parcap::config::{TextKind, TimestampUnit};
use parcap::packets::{COLUMNS, Column, ColumnType, SETS};
use parcap::stream::ReadCaptures;
use parcap::summary::Filter;
use proptest::prelude::*;
use proptest::sample::subsequence;

use crate::support::{Row, files, folder, repository, rows_in, save};

use super::adversary::{hostile_pcap, hostile_pcapng};
use super::{mixed_pcapng, plain_pcap};

/// Captures, and all of their rows with all columns, as one worker reads them without chunks.
struct Whole {
    captures: Vec<PathBuf>,
    rows: Vec<Row>,
    _folder: tempfile::TempDir,
}

static WHOLE: LazyLock<Whole> = LazyLock::new(|| {
    let folder = folder();
    let of_repository = |at| files(&repository(at)).into_iter().map(move |path| repository(at).join(path));
    let mut captures: Vec<_> = ["data/captures", "data/damaged"].into_iter().flat_map(of_repository).collect();
    captures.retain(|path| !path.extension().is_some_and(|kind| kind == "md" || kind == "tsv"));
    for (name, built) in [
        ("plain.pcap", plain_pcap().bytes),
        ("mixed.pcapng", mixed_pcapng().bytes),
        ("hostile.pcap", hostile_pcap().bytes),
        ("hostile.pcapng", hostile_pcapng().bytes),
    ] {
        captures.push(save(&folder, name, &built));
    }
    let whole = ReadCaptures::new(captures.clone()).columns(every()).unwrap();
    let rows = rows_of(&whole.jobs(1).chunk_size(u64::MAX));
    assert!(rows.iter().any(|row| row.get("dns_resp").is_some()) && rows.iter().any(|row| row.get("time").is_none()));
    Whole { captures, rows, _folder: folder }
});

/// All columns, further ones too.
fn columns() -> impl Iterator<Item = &'static Column> {
    COLUMNS.iter().chain(SETS.iter().flat_map(|set| set.columns))
}

fn every() -> Vec<&'static str> {
    columns().map(|column| column.name).collect()
}

fn batches_of(captures: &ReadCaptures) -> Vec<RecordBatch> {
    captures.open().unwrap().map(Result::unwrap).collect()
}

fn rows_of(captures: &ReadCaptures) -> Vec<Row> {
    batches_of(captures).iter().flat_map(|batch| rows_in(batch, "")).collect()
}

/// Conditions as a reader has them, and what they say of a row.
type Condition = (Filter, bool, fn(&Row) -> bool);

fn conditions() -> [Condition; 6] {
    let nets = ["192.0.2.0/24", "2001:db8::/32"].map(|net| net.parse().unwrap());
    [
        (Filter::default(), false, |_| true),
        (Filter::default(), true, |row| row.get("is_dns") == Some("true")),
        (Filter { protocols: vec![17, 1], ..Filter::default() }, false, |row| {
            matches!(row.get("protocol"), Some("UDP" | "ICMP"))
        }),
        (Filter { nets: nets.to_vec(), ..Filter::default() }, false, |row| {
            let is_of = |address: Option<&str>| {
                address.is_some_and(|address| address.starts_with("192.0.2.") || address.starts_with("2001:db8:"))
            };
            is_of(row.get("ip_dst")) || is_of(row.get("ip_src"))
        }),
        (Filter { times: Some(i64::MIN..1_590_000_000_000_000), ..Filter::default() }, false, |row| {
            row.int("datetime").is_some_and(|micros| micros < 1_590_000_000_000_000)
        }),
        (Filter { protocols: vec![17], nets: nets.to_vec(), times: Some(0..i64::MAX) }, true, |row| {
            let is_of = |address: Option<&str>| {
                address.is_some_and(|address| address.starts_with("192.0.2.") || address.starts_with("2001:db8:"))
            };
            row.get("is_dns") == Some("true")
                && row.get("protocol") == Some("UDP")
                && row.int("datetime").is_some_and(|micros| micros >= 0)
                && (is_of(row.get("ip_dst")) || is_of(row.get("ip_src")))
        }),
    ]
}

fn type_of_text(kind: TextKind) -> DataType {
    match kind {
        TextKind::Utf8 => DataType::Utf8,
        TextKind::View => DataType::Utf8View,
        TextKind::Dictionary => DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8)),
    }
}

const KINDS: [TextKind; 3] = [TextKind::Utf8, TextKind::View, TextKind::Dictionary];

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_projection_gives_columns_and_changes_none(
        names in subsequence(every(), 0..=every().len()).prop_shuffle(),
        condition in 0..conditions().len(),
        kind in 0..KINDS.len(),
        batch_rows in prop::sample::select(vec![1_usize, 7, 100, 100_000]),
    ) {
        let (filter, only_dns, is_wanted) = conditions()[condition].clone();
        let expected: Vec<&Row> = WHOLE.rows.iter().filter(|row| is_wanted(row)).collect();
        let text = type_of_text(KINDS[kind]);
        for jobs in [1, 2, 8] {
            for chunk_size in [4096, 64 << 20] {
                let read = ReadCaptures::new(WHOLE.captures.clone()).columns(names.iter().copied()).unwrap();
                let read = read.filter(filter.clone()).text(KINDS[kind]).batch_rows(batch_rows);
                let read = if only_dns { read.one_of("is_dns", [Some("true")]).unwrap() } else { read };
                let read = read.jobs(jobs).chunk_size(chunk_size);
                let batches = batches_of(&read);
                for batch in &batches {
                    let schema = batch.schema();
                    prop_assert_eq!(&schema, &read.schema().unwrap());
                    prop_assert!(schema.fields().iter().map(|field| field.name().as_str()).eq(names.iter().copied()));
                    for field in schema.fields() {
                        let is_text = columns().any(|column| {
                            column.name == field.name() && column.kind == ColumnType::Text
                        });
                        prop_assert_eq!(*field.data_type() == text, is_text, "{}", field);
                    }
                }
                prop_assert_eq!(batches.iter().map(RecordBatch::num_rows).sum::<usize>(), expected.len());
                let rows = batches.iter().flat_map(|batch| rows_in(batch, ""));
                for (row, expected) in rows.zip(&expected) {
                    for name in &names {
                        prop_assert_eq!(row.get(name), expected.get(name), "{} of {:?}", name, expected);
                    }
                }
            }
        }
    }
}

#[test]
fn text_of_any_kind_is_the_same_text() {
    for unit in [TimestampUnit::Us, TimestampUnit::Ns] {
        let read =
            |kind| ReadCaptures::new(WHOLE.captures.clone()).timestamp_unit(unit).text(kind).jobs(2).chunk_size(4096);
        let usual = rows_of(&read(TextKind::Utf8));
        for kind in KINDS {
            assert_eq!(rows_of(&read(kind)), usual, "{kind:?}");
        }
    }
}

/// A dictionary has the texts of its own column alone, each once: pandas would list others as categories.
#[test]
fn a_dictionary_has_what_its_rows_have() {
    use arrow::array::{Array as _, AsArray as _};
    use arrow::datatypes::Int32Type;
    use std::collections::BTreeSet;

    let read = ReadCaptures::new(WHOLE.captures.clone()).text(TextKind::Dictionary);
    for batch in batches_of(&read) {
        for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
            let Some(dictionary) = column.as_dictionary_opt::<Int32Type>() else { continue };
            let keys: BTreeSet<_> = dictionary.keys().iter().flatten().collect();
            let values = dictionary.values().as_string::<i32>();
            assert!(keys.into_iter().eq(0..i32::try_from(values.len()).unwrap()), "{field}");
            assert_eq!(values.iter().collect::<BTreeSet<_>>().len(), values.len(), "{field}");
        }
    }
}

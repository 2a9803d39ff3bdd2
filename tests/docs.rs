//! `docs/tables.md` is made of the tables' own descriptions: `PARCAP_BLESS=1 cargo test docs::` writes it anew.

use std::fmt::Write as _;
use std::path::Path;

use parcap::convert::oddities;
use parcap::packets::{COLUMNS, ColumnType};
use parcap::plan::Status;
use parcap::summary::{SUMMARIES, Values};

fn tables() -> String {
    let mut text =
        "# The tables\n\nMade of the descriptions in the code, which the Parquet files are made of as well.\n\n\
        ## `packets`\n\nOne row a packet record; partitioned by the packet's UTC date. A row without a time goes to the date of the timed row \
        before it in its capture, else of the first timed one; of a capture in which no packet has a time, all go to \
        `date=1970-01-01`, with null in the columns of times.\n\n\
        | column | type | null when | meaning |\n|---|---|---|---|\n"
            .to_owned();
    for column in COLUMNS {
        let kind = match column.kind {
            ColumnType::Timestamp => "timestamp[us, UTC]",
            ColumnType::Text => "string",
            ColumnType::Int64 => "int64",
            ColumnType::Int32 => "int32",
            ColumnType::Float64 => "double",
            ColumnType::Bool => "bool",
        };
        let null_when = if column.null_when.is_empty() { "never" } else { column.null_when };
        writeln!(text, "| `{}` | {kind} | {null_when} | {} |", column.name, column.meaning).unwrap();
    }
    text.push_str(
        "\n# The summaries\n\nEach below `summaries/<name>/`, partitioned by UTC date (`captures` is one file). `bytes` is the \
         sum of `length`, so that each table adds up to the packets table. Tables of volumes and counts have the largest rows \
         first, the others are in the order of their first columns.\n",
    );
    for summary in SUMMARIES.iter().rev() {
        write!(
            text,
            "\n## `{}`\n\nRows: {}.\n\n| column | type | null when | meaning |\n|---|---|---|---|\n",
            summary.name, summary.rows
        )
        .unwrap();
        for column in summary.columns {
            let values = match column.values {
                Values::Text => "string",
                Values::Int | Values::Number | Values::Bytes => "int64",
                Values::Seconds | Values::Rate => "double",
                Values::Time => "timestamp[us, UTC]",
            };
            let null_when = if column.null_when.is_empty() { "never" } else { column.null_when };
            writeln!(text, "| `{}` | {values} | {null_when} | {} |", column.name, column.meaning).unwrap();
        }
    }
    text.push_str("\n# The status of a capture\n\n| status | what it means |\n|---|---|\n");
    for status in Status::ALL {
        writeln!(text, "| `{}` | {} |", status.name(), status.meaning()).unwrap();
    }
    text.push_str(
        "\nOdd is not wrong: no packet is lost, and the exit status is 0. A capture is `odd` if it is empty, or if any of the \
         following counts is not zero. Packets that a snapshot length cut do not make it odd, also where the cut is within a \
         header: the length was chosen when the capture was made. `parcap inspect CAPTURE` shows the counts of a capture, the manifest has them in \
         `odd`.\n\n| count | packets |\n|---|---|\n",
    );
    for (name, meaning) in oddities() {
        writeln!(text, "| `{name}` | {meaning} |").unwrap();
    }
    text
}

#[test]
fn the_page_of_tables_is_what_the_tables_say_of_themselves() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/tables.md");
    if std::env::var_os("PARCAP_BLESS").is_some() {
        std::fs::write(&path, tables()).unwrap();
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap(), tables(), "PARCAP_BLESS=1 cargo test docs::");
}

#[test]
fn the_readme_names_every_column_and_every_table() {
    let readme = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    for name in COLUMNS.iter().map(|column| column.name).chain(SUMMARIES.iter().map(|summary| summary.name)) {
        assert!(readme.contains(&format!("| `{name}` |")), "{name}");
    }
}

//! The pages `docs/tables.md` and `docs/columns.md`, made of the tables' own descriptions.

use std::fmt::Write as _;

use parcap::convert::oddities;
use parcap::packets::{COLUMNS, Column, ColumnType, SETS};
use parcap::plan::Status;
use parcap::summary::{FLOW_STATES, SUMMARIES, Values};

/// The line of a column of the packets table.
fn packets_column(column: &Column) -> String {
    let kind = match column.kind {
        ColumnType::Timestamp => "timestamp[us, UTC]",
        ColumnType::Text => "string",
        ColumnType::Int64 => "int64",
        ColumnType::Int32 => "int32",
        ColumnType::Float64 => "double",
        ColumnType::Bool => "bool",
    };
    let null_when = if column.null_when.is_empty() { "never" } else { column.null_when };
    format!("| `{}` | {kind} | {null_when} | {} |\n", column.name, column.meaning)
}

/// The page `docs/columns.md`.
pub(crate) fn further_columns() -> String {
    let mut text = "# Further columns\n\nThis page is made of the descriptions in the code, as [tables.md](tables.md) is. A lake has further \
        columns after those of every lake, in this order, if its first run asks for them: `--columns ip,dns` for sets, `--columns \
        tcp_flags` for single ones. `parcap.read` and `ReadCaptures` have them by their names. [recipes.md](recipes.md) has statements \
        that use them.\n"
        .to_owned();
    for set in SETS {
        write!(text, "\n## `{}`\n\n| column | type | null when | meaning |\n|---|---|---|---|\n", set.name).unwrap();
        set.columns.iter().for_each(|column| text.push_str(&packets_column(column)));
        if set.name == "tunnel" {
            text.push_str(
                "\nA lake looks into tunnels if its first run asks for it (`--decapsulate all`). All columns that name the outermost \
                 header are then of the innermost packet that decodes. In any other lake this set is null.\n",
            );
        }
    }
    text.push_str(
        "\n## The text of DNS answers\n\n`dns_answers` has the data of the answer section as a line of a zone file would, one after \
         the other: `www.example.com. 192.0.2.1 10 mail.example.com. \"v=spf1 -all\"`. Names are as in `dns_query`, with the final dot; \
         character strings are in quotes, hexadecimal digits are small, and keys and signatures are base64 without spaces. Services \
         (SVCB, HTTPS) are as `dig` shows them: `1 . alpn=\"h2,h3\" ipv4hint=192.0.2.1`. A type without a known form, and data that do \
         not fit their type, are in the generic form of RFC 3597: `\\# 4 0a000001`. OPT records are left out, and records of the other \
         sections. The class is not looked at.\n\nWhere a message is cut, or cannot be read on, the answers before that are shown, and \
         `dns_min_ttl` is null. So `dns_min_ttl IS NOT NULL` tells that all answers are there. The columns are of the message that \
         `dns_query` is of: in a TCP segment the first one, as far as it lies in the segment.\n\n`tls_sni` is on any TCP port. The \
         ClientHello has to begin in the segment, after other TLS records at most, and may lie in several records. A name that is cut, or \
         goes on in the next segment, is none. With Encrypted Client Hello it is the public name.\n",
    );
    text
}

/// The page `docs/tables.md`.
pub(crate) fn tables() -> String {
    let mut text =
        "# The tables\n\nThis page is made of the descriptions in the code. The Parquet files are made of the same descriptions.\n\n\
        ## `packets`\n\nOne row a packet record, partitioned by the packet's UTC date. A row without a time goes to the date of the \
        timed row before it in its capture. If there is none, it goes to the date of the first timed row. If no packet of the \
        capture has a time, its rows go to `date=1970-01-01`. The columns of times are null in such rows.\n\n\
        | column | type | null when | meaning |\n|---|---|---|---|\n"
            .to_owned();
    COLUMNS.iter().for_each(|column| text.push_str(&packets_column(column)));
    text.push_str("\n[columns.md](columns.md) has the further columns that a lake has on request.\n");
    text.push_str(
        "\n# The summaries\n\nEach is below `summaries/<name>/`, partitioned by UTC date. `bytes` is the \
         sum of `length`, so each table adds up to the packets table, and `tunnels` to the packets in tunnels. A date without such \
         packets has no `tunnels`. On each date `dns_clients` has as many messages of a response code as `dns_queries`; names of several \
         dates do not add up, and `parcap summarize` counts them once. A lake that an earlier version began has no `dns_clients`. Packets \
         without a time, or without an IP header, are in no flow; all others are in one, and `parcap verify --deep` checks that. Tables of volumes and counts have the largest rows \
         first. The others are in the order of their first columns.\n\nA capture has its row in `captures` below the date of its \
         `first_time`, or below `date=1970-01-01` if that is null, as of a duplicate, whose packets were not read. These rows are in the \
         order of the absolute paths.\n",
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
                Values::Flag => "boolean",
            };
            let null_when = if column.null_when.is_empty() { "never" } else { column.null_when };
            writeln!(text, "| `{}` | {values} | {null_when} | {} |", column.name, column.meaning).unwrap();
        }
    }
    text.push_str(
        "\n# The state of a flow\n\nThe words are Zeek's, for what the flags of TCP tell: \"established\" is a SYN from both ends. A RST \
         counts before a FIN, and one from the other end before one from the source. Flags of all packets of the flow count, in any \
         order; Zeek also looks at sequence numbers and sizes, so it may say otherwise where a port was used again within the \
         timeout.\n\n| state | what was seen |\n|---|---|\n",
    );
    for (state, seen) in FLOW_STATES {
        writeln!(text, "| `{state}` | {seen} |").unwrap();
    }
    text.push_str("\n# The status of a capture\n\n| status | what it means |\n|---|---|\n");
    for status in Status::ALL {
        writeln!(text, "| `{}` | {} |", status.name(), status.meaning()).unwrap();
    }
    text.push_str(
        "\nOdd is not wrong: no packet is lost, and the exit status is 0. A capture is `odd` if it is empty, or if any of the \
         following counts is not zero. Packets that a snapshot length cut do not make it odd, also if the cut is within a \
         header: the length was chosen when the capture was made. `parcap inspect CAPTURE` shows the counts of a capture. The \
         manifest has them in `odd`.\n\n| count | packets |\n|---|---|\n",
    );
    for (name, meaning) in oddities() {
        writeln!(text, "| `{name}` | {meaning} |").unwrap();
    }
    text
}

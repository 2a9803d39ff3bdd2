//! From keys and sums to the rows of a summary table.

use std::borrow::Cow;

use crate::aggregate::Sums;
use crate::bug::bug;
use crate::decode::{dns, protocol_name};
use crate::error::Result;
use crate::packets::NO_PROTOCOL;
use crate::tables::{Table, TableColumn, TextValues};
use crate::text::time;

use super::flows::FlowRow;
use super::key::KeyReader;
use super::schema::{KeyField, Summary, SummaryColumn, ValueSource, Values};

/// Rows of a table while they are made.
#[derive(Debug)]
pub(crate) struct SummaryRows {
    columns: &'static [SummaryColumn],
    table: Table,
    window: i64,
    /// Memory for the text of an address.
    address: Vec<u8>,
}

impl SummaryRows {
    /// No rows yet. `window` is the length of a window in microseconds.
    pub(crate) fn new(summary: &Summary, window: i64) -> Self {
        let columns = summary.columns.iter().map(|column| {
            let values = match column.values {
                Values::Text => TableColumn::Text(TextValues::new()),
                Values::Int | Values::Number | Values::Bytes => TableColumn::Int(Vec::new()),
                Values::Seconds | Values::Rate => TableColumn::Float(Vec::new()),
                Values::Time => TableColumn::Time(Vec::new()),
                Values::Flag => TableColumn::Flag(Vec::new()),
            };
            (column.name.to_owned(), values)
        });
        Self { columns: summary.columns, table: Table { columns: columns.collect() }, window, address: Vec::new() }
    }

    /// How many rows there are.
    pub(crate) fn len(&self) -> usize {
        self.table.rows()
    }

    /// Takes the rows, and leaves none here.
    pub(crate) fn take(&mut self) -> Table {
        let empty = self.table.without_rows();
        std::mem::replace(&mut self.table, empty)
    }

    /// Appends a row.
    ///
    /// # Errors
    /// If a column is of another type than its values, which is a bug.
    pub(crate) fn push(&mut self, key: &[u8], sums: Sums) -> Result<()> {
        self.row(Some(KeyReader(key)), sums, None)
    }

    /// Appends the row that sums up the `rest`: a number of rows without a row of their own.
    ///
    /// # Errors
    /// As [`SummaryRows::push`].
    pub(crate) fn push_rest(&mut self, sums: Sums, rest: i64) -> Result<()> {
        self.row(None, sums, Some(rest))
    }

    fn is_of_flows(&self) -> bool {
        matches!(self.columns, [SummaryColumn { from: ValueSource::Flow(_), .. }, ..])
    }

    fn row(&mut self, mut key: Option<KeyReader<'_>>, sums: Sums, rest: Option<i64>) -> Result<()> {
        let (Sums { bytes, packets, more: [first, second] }, window) = (sums, self.window);
        // Whether the row has a window. Rows of packets without a time have none.
        let mut has_window = false;
        let flow = key.and_then(|key| FlowRow::read(key.0)).filter(|_| self.is_of_flows());
        for (column, (_, into)) in self.columns.iter().zip(&mut self.table.columns) {
            match (column.from, into) {
                (ValueSource::Key(field), TableColumn::Text(values)) => {
                    let may_be_null = !column.null_when.is_empty();
                    match &mut key {
                        Some(key) => push_text(values, field, key, may_be_null, &mut self.address),
                        None => values.push(None),
                    }
                }
                (ValueSource::Key(KeyField::Port), TableColumn::Int(values)) => {
                    values.push(key.as_mut().and_then(|key| key.port().map(i64::from)));
                }
                (ValueSource::Key(KeyField::TunnelId), TableColumn::Int(values)) => {
                    values.push(key.as_mut().and_then(|key| key.tunnel_id().map(i64::from)));
                }
                (ValueSource::Key(KeyField::Window), TableColumn::Time(values)) => {
                    let start = key.as_mut().and_then(KeyReader::time);
                    has_window = start.is_some();
                    values.push(start);
                }
                (ValueSource::Bytes, TableColumn::Int(values)) => values.push(Some(bytes)),
                (ValueSource::Packets, TableColumn::Int(values)) => values.push(Some(packets)),
                (ValueSource::First, TableColumn::Int(values)) => values.push(Some(first)),
                (ValueSource::Second, TableColumn::Int(values)) => values.push(Some(second)),
                (ValueSource::First, TableColumn::Time(values)) => values.push(seen(first)),
                (ValueSource::Second, TableColumn::Time(values)) => values.push(seen(second)),
                (ValueSource::WindowLength, TableColumn::Float(values)) => {
                    values.push(has_window.then(|| seconds(window)));
                }
                (ValueSource::Rate, TableColumn::Float(values)) => values.push(has_window.then(|| rate(bytes, window))),
                (ValueSource::Rest, TableColumn::Int(values)) => values.push(rest),
                (ValueSource::Flow(field), into) => {
                    if !flow.as_ref().is_some_and(|flow| flow.push(field, into, &mut self.address)) {
                        return Err(bug!());
                    }
                }
                _ => return Err(bug!()),
            }
        }
        Ok(())
    }
}

/// Appends the next field of a key as text. `address` is memory for the text of an address.
fn push_text(
    values: &mut TextValues,
    field: KeyField,
    key: &mut KeyReader<'_>,
    may_be_null: bool,
    address: &mut Vec<u8>,
) {
    match field {
        KeyField::Address => {
            address.clear();
            let held = key.address();
            held.into_iter().for_each(|held| held.write_to(address));
            values.push(held.and_then(|_| std::str::from_utf8(address).ok()));
        }
        KeyField::Name => {
            let name = key.name();
            values.push(Some(name).filter(|name| !name.is_empty() || !may_be_null));
        }
        KeyField::Protocol => values.push(protocol(key.protocol()).as_deref()),
        KeyField::RecordType => values.push(key.code().map(dns::type_name).as_deref()),
        KeyField::ResponseCode => values.push(key.code().map(dns::response_code_name).as_deref()),
        KeyField::Port => values.push(key.port().map(|port| port.to_string()).as_deref()),
        KeyField::Window => values.push(key.time().map(time).as_deref()),
        KeyField::TunnelId => values.push(key.tunnel_id().map(|id| id.to_string()).as_deref()),
    }
}

/// When something was seen, unless that was never.
fn seen(time: i64) -> Option<i64> {
    (!Sums::NO_SPAN.contains(&time)).then_some(time)
}

/// The text of a protocol, as in the packets table.
pub(super) fn protocol(protocol: u16) -> Option<Cow<'static, str>> {
    if protocol == NO_PROTOCOL {
        return None;
    }
    let name = u8::try_from(protocol).ok().and_then(protocol_name);
    Some(name.map_or_else(|| Cow::Owned(protocol.to_string()), Cow::Borrowed))
}

#[expect(clippy::cast_precision_loss, reason = "a window is at most a day, far below 2^53 microseconds")]
pub(super) fn seconds(micros: i64) -> f64 {
    micros as f64 / 1e6
}

#[expect(clippy::cast_precision_loss, reason = "a rate is an approximation; bytes of a window are far below 2^53")]
pub(super) fn rate(bytes: i64, window: i64) -> f64 {
    bytes as f64 / seconds(window)
}

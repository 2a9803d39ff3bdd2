//! From keys and sums to the rows of a summary table.

use crate::address::IpAddress;
use crate::aggregate::Sums;
use crate::decode::{dns, protocol_name};
use crate::packets::NO_PROTOCOL;
use crate::tables::{Table, TableColumn};

use super::key::KeyReader;
use super::schema::{Summary, Values};
use super::sum_kind::SumKind;

/// Rows of a table while they are made.
#[derive(Debug)]
pub(crate) struct SummaryRows {
    table: Table,
    next: usize,
    window: i64,
}

impl SummaryRows {
    /// No rows yet. `window` is the length of a window in microseconds.
    pub(crate) fn new(summary: &Summary, window: i64) -> Self {
        let columns = summary.columns.iter().map(|column| {
            let values = match column.values {
                Values::Text => TableColumn::Text(Vec::new()),
                Values::Int | Values::Number | Values::Bytes => TableColumn::Int(Vec::new()),
                Values::Seconds | Values::Rate => TableColumn::Float(Vec::new()),
                Values::Time => TableColumn::Time(Vec::new()),
            };
            (column.name.to_owned(), values)
        });
        Self { table: Table { columns: columns.collect() }, next: 0, window }
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

    /// Appends a row of a table of this kind.
    pub(crate) fn push(&mut self, kind: SumKind, key: &[u8], sums: Sums) {
        let mut key = KeyReader(key);
        let Sums { bytes, packets, more } = sums;
        match kind {
            SumKind::ByIp | SumKind::BySrc => {
                let address = key.address();
                self.text(address.map(IpAddress::to_text)).int(bytes).int(packets);
            }
            SumKind::ByName => {
                let name = key.name();
                self.text((!name.is_empty()).then(|| name.to_owned())).int(bytes).int(packets);
            }
            SumKind::Conversations => {
                let (src, dst) = (key.address(), key.address());
                self.text(src.map(IpAddress::to_text)).text(dst.map(IpAddress::to_text));
                self.int(bytes).int(packets).maybe(None);
            }
            SumKind::Protocols => {
                self.text(protocol(key.protocol())).int(bytes).int(packets);
            }
            SumKind::Ports => {
                self.text(protocol(key.protocol())).maybe(key.port().map(i64::from));
                let [bytes_from, packets_from] = more;
                self.int(bytes).int(packets).int(bytes_from).int(packets_from);
            }
            SumKind::Rates => {
                let start = key.time();
                self.window(start).int(bytes).int(packets).rate(start, bytes);
            }
            SumKind::Windows => {
                let start = key.time();
                self.window(start).text(protocol(key.protocol())).int(bytes).int(packets).rate(start, bytes);
            }
            SumKind::Queries => {
                let name = key.name();
                let (kind, code) = (key.code(), key.code());
                self.text((!name.is_empty()).then(|| name.to_owned()));
                self.text(kind.map(|kind| dns::type_name(kind).into_owned()));
                self.text(code.map(|code| dns::response_code_name(code).into_owned())).int(packets);
            }
            SumKind::Names => {
                let (address, name) = (key.address(), key.name());
                self.text(address.map(IpAddress::to_text)).text(Some(name.to_owned())).int(packets);
                let [first, last] = more.map(|time| (!Sums::NO_SPAN.contains(&time)).then_some(time));
                self.time(first).time(last);
            }
            SumKind::Named => {
                let (address, name) = (key.address(), key.name());
                self.text(address.map(IpAddress::to_text))
                    .text(Some(name.to_owned()))
                    .text(Some(key.name().to_owned()));
            }
            // These kinds have no table.
            SumKind::Flows | SumKind::AlignedWindows | SumKind::NamesWithin | SumKind::Unnamed => {}
        }
    }

    /// Appends one row for all conversations without their own row.
    pub(crate) fn push_rest(&mut self, sums: Sums, conversations: i64) {
        self.text(None).text(None).int(sums.bytes).int(sums.packets).maybe(Some(conversations));
    }

    fn window(&mut self, start: Option<i64>) -> &mut Self {
        let length_s = start.map(|_| seconds(self.window));
        self.time(start).float(length_s)
    }

    fn rate(&mut self, start: Option<i64>, bytes: i64) -> &mut Self {
        let rate = start.map(|_| rate(bytes, self.window));
        self.float(rate)
    }

    /// The column of the row's next value.
    fn column(&mut self) -> Option<&mut TableColumn> {
        let place = self.next;
        self.next = if place + 1 >= self.table.columns.len() { 0 } else { place + 1 };
        self.table.columns.get_mut(place).map(|(_, column)| column)
    }

    fn text(&mut self, value: Option<String>) -> &mut Self {
        if let Some(TableColumn::Text(values)) = self.column() {
            values.push(value);
        }
        self
    }

    fn int(&mut self, value: i64) -> &mut Self {
        self.maybe(Some(value))
    }

    fn maybe(&mut self, value: Option<i64>) -> &mut Self {
        if let Some(TableColumn::Int(values)) = self.column() {
            values.push(value);
        }
        self
    }

    fn float(&mut self, value: Option<f64>) -> &mut Self {
        if let Some(TableColumn::Float(values)) = self.column() {
            values.push(value);
        }
        self
    }

    fn time(&mut self, value: Option<i64>) -> &mut Self {
        if let Some(TableColumn::Time(values)) = self.column() {
            values.push(value);
        }
        self
    }
}

/// The text of a protocol, as in the packets table.
pub(super) fn protocol(protocol: u16) -> Option<String> {
    if protocol == NO_PROTOCOL {
        return None;
    }
    let name = u8::try_from(protocol).ok().and_then(protocol_name);
    Some(name.map_or_else(|| protocol.to_string(), str::to_owned))
}

#[expect(clippy::cast_precision_loss, reason = "a window is at most a day, far below 2^53 microseconds")]
pub(super) fn seconds(micros: i64) -> f64 {
    micros as f64 / 1e6
}

#[expect(clippy::cast_precision_loss, reason = "a rate is an approximation; bytes of a window are far below 2^53")]
pub(super) fn rate(bytes: i64, window: i64) -> f64 {
    bytes as f64 / seconds(window)
}

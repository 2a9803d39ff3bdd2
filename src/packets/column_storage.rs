//! How rows keep the values of a column. What is done with a column follows from it: Arrow arrays, pages, and the way
//! back from a part.
//!
//! The columns of every lake are parts of a row (`packed.rs`), of its flow (`flow_table.rs`) or of its time (`row_times.rs`). A
//! [`RowField`] says which part, in both directions. It is asked once for many rows, not once a row. Any other column is kept
//! for itself, and its entry has the function that a packet is asked ([`Further`]).

use std::ops::Range;

use crate::bug::bug;
use crate::capture::PacketRecord;
use crate::decode::{FlowKey, Packet};
use crate::error::Result;

use super::fields::FieldSets;
use super::rows::Rows;
use super::schema::ColumnType;
use super::text_table::SparseCodes;

/// How rows keep the values of a column, and how they are written.
#[derive(Clone, Copy, Debug)]
pub enum Storage {
    /// Instants in the unit of the rows; [`NO_DATETIME`](super::packed::NO_DATETIME) for null. Written as differences.
    Instant(RowField<i64>),
    /// Doubles, NaN for null. Written plainly.
    Double(RowField<f64>),
    /// True, false, or neither: 1, 0, and `NO_FLAG`. Written as bits.
    Flag(RowField<u8>),
    /// A name of a DNS message: a code into the table of names, for the few rows that have one. Written with a dictionary.
    Name(NameField),
    /// The text of an IP address: a code into the table of addresses. Written with a dictionary, as all that follow.
    IpText(RowField<u32>),
    /// The number of the address whose text is in the column before.
    IpNumber(RowField<u32>),
    /// The text of a MAC address: a code into the table of MACs.
    MacText(RowField<u32>),
    /// The number of the address whose text is in the column before.
    MacNumber(RowField<u32>),
    /// A number below `SMALL`, such as a port; `NO_CODE` for null.
    Small32(RowField<u32>),
    /// As the one before, in 64 bits.
    Small64(RowField<u32>),
    /// A number of 32 bits; `NO_COUNT` for null. Written with a dictionary if all are small, as lengths
    /// are, and plainly otherwise.
    Wide(RowField<i64>),
    /// A number that differs little from one row to the next. Never null. Written as differences.
    Counter(RowField<i64>),
    /// A number of bytes. Never null.
    Length(RowField<u32>),
    /// A protocol number, shown by its name; `NO_CODE` for null.
    Protocol(RowField<u32>),
    /// Values that are kept for themselves.
    Further(Further),
}

/// Numbers below this are their own keys of a dictionary: ports, tags, labels.
pub(super) const SMALL: u32 = 1 << 20;

/// A column that is kept for itself. It has the function that each packet is asked.
#[derive(Clone, Copy, Debug)]
pub enum Further {
    /// Numbers below `SMALL` that few rows have, as integers of 32 bits. Written with a dictionary, or plainly if there are many
    /// different ones.
    Small32(fn(&PacketRecord<'_>, &Packet<'_>) -> Option<u32>),
    /// Numbers of 32 bits that few rows have, as integers of 64. Written with a dictionary if they are small, as lengths are, and
    /// plainly otherwise.
    Wide(fn(&PacketRecord<'_>, &Packet<'_>) -> Option<u32>),
    /// True or false, for few rows. Written as bits.
    Flag(fn(&PacketRecord<'_>, &Packet<'_>) -> Option<bool>),
    /// Text that few rows have, or that most rows share with the row before. The function appends it, in UTF-8; what it has
    /// appended is void if it returns `None`. Written with a dictionary, or plainly if there are many different ones.
    Text(fn(&PacketRecord<'_>, &Packet<'_>, &mut Vec<u8>) -> Option<()>),
    /// Text that the record has, and nearly all share with the row before. Written as the other text.
    Steady(for<'a> fn(&PacketRecord<'a>) -> Option<&'a str>),
    /// Text that follows from the flow of a packet. Written as the other text.
    Flow(fn(&PacketRecord<'_>, &Packet<'_>) -> Option<FlowKey>),
}

impl Storage {
    /// What a reader sees.
    pub(super) const fn kind(self) -> ColumnType {
        match self {
            Self::Instant(_) => ColumnType::Timestamp,
            Self::Double(_) => ColumnType::Float64,
            Self::Flag(_) | Self::Further(Further::Flag(_)) => ColumnType::Bool,
            Self::Name(_)
            | Self::IpText(_)
            | Self::MacText(_)
            | Self::Protocol(_)
            | Self::Further(Further::Text(_) | Further::Steady(_) | Further::Flow(_)) => ColumnType::Text,
            Self::Small32(_) | Self::Further(Further::Small32(_)) => ColumnType::Int32,
            Self::IpNumber(_)
            | Self::MacNumber(_)
            | Self::Length(_)
            | Self::Small64(_)
            | Self::Wide(_)
            | Self::Counter(_)
            | Self::Further(Further::Wide(_)) => ColumnType::Int64,
        }
    }

    /// Whether the column follows from the one before it, as the number of an address does from its text.
    #[must_use]
    pub(super) const fn is_derived(self) -> bool {
        matches!(self, Self::IpNumber(_) | Self::MacNumber(_))
    }

    /// Marks the parts of the rows that the column is made of.
    pub(super) fn mark(self, parts: &mut Parts) {
        match self {
            Self::Instant(field) => (field.mark)(parts),
            Self::Double(field) => (field.mark)(parts),
            Self::Flag(field) => (field.mark)(parts),
            Self::Name(field) => (field.mark)(parts),
            Self::IpText(field)
            | Self::IpNumber(field)
            | Self::MacText(field)
            | Self::MacNumber(field)
            | Self::Small32(field)
            | Self::Small64(field)
            | Self::Length(field)
            | Self::Protocol(field) => (field.mark)(parts),
            Self::Wide(field) | Self::Counter(field) => (field.mark)(parts),
            Self::Further(_) => {}
        }
    }

    /// Whether the column has few distinct values. Each of them is parsed once when the column is read again.
    #[must_use]
    pub(super) const fn is_address(self) -> bool {
        matches!(self, Self::IpText(_) | Self::MacText(_))
    }
}

/// A column that is a part of rows, of their flows or of their times: how it is taken out of them, and put into them.
#[derive(Clone, Copy, Debug)]
pub struct RowField<T: 'static> {
    /// Appends the values of some rows. `None` if there are no such rows.
    pub(super) take: fn(&Rows, Range<usize>, &mut Vec<T>) -> Option<()>,
    /// Sets the values of rows, from one on.
    pub(super) put: fn(&mut Rows, usize, &[T]),
    /// Of a value that all rows of a flow have in common: appends that of each flow.
    pub(super) of_flows: Option<fn(&Rows, &mut Vec<T>)>,
    /// Marks the part of the rows that it is a part of.
    pub(super) mark: fn(&mut Parts),
}

impl<T> RowField<T> {
    /// The values of some rows.
    pub(super) fn values(self, rows: &Rows, range: &Range<usize>) -> Result<Vec<T>> {
        let mut values = Vec::with_capacity(range.len());
        (self.take)(rows, range.clone(), &mut values).ok_or_else(|| bug!())?;
        Ok(values)
    }
}

/// A column that few rows have.
#[derive(Clone, Copy, Debug)]
pub struct NameField {
    pub(super) codes: fn(&Rows) -> &SparseCodes,
    pub(super) codes_mut: fn(&mut Rows) -> &mut SparseCodes,
    /// As in a [`RowField`].
    pub(super) mark: fn(&mut Parts),
}

/// Which parts of the rows are collected. What every row has is not among them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Parts {
    pub(super) times: bool,
    /// Of the destination, and of the source.
    pub(super) ip: [bool; 2],
    pub(super) mac: [bool; 2],
    pub(super) ports: bool,
    pub(super) dns_query: bool,
    pub(super) dns_resp: bool,
    /// Of the columns that not every lake has.
    pub(super) fields: FieldSets,
}

impl Parts {
    /// What every lake has.
    pub(super) const ALL: Self = Self {
        times: true,
        ip: [true; 2],
        mac: [true; 2],
        ports: true,
        dns_query: true,
        dns_resp: true,
        fields: FieldSets { records: false, tags: false, ip: false, transport: false },
    };
}

/// The [`RowField`] of a part of the packed rows in a field of [`Rows`]: `part!(facts, row => row.length)`. Two functions may
/// follow, if the column has other values than the rows: to those of the column, and back.
macro_rules! part {
    // What every row has.
    (facts, $row:ident => $part:expr) => {
        part!(facts, $row => $part, ::std::convert::identity, ::std::convert::identity)
    };
    (facts, $row:ident => $part:expr, $to:expr, $from:expr) => {
        part!(|_| (); facts, $row => $part, $to, $from)
    };
    ($rows:ident, $row:ident => $part:expr) => {
        part!(|parts| parts.$rows = true; $rows, $row => $part, ::std::convert::identity, ::std::convert::identity)
    };
    ($mark:expr; $rows:ident, $row:ident => $part:expr, $to:expr, $from:expr) => {
        $crate::packets::column_storage::RowField {
            mark: $mark,
            take: |rows, range, out| {
                out.extend(rows.$rows.get(range)?.iter().map(|$row| $to($part)));
                Some(())
            },
            put: |rows, start, values| {
                rows.$rows.iter_mut().skip(start).zip(values).for_each(|($row, value)| $part = $from(*value));
            },
            of_flows: None,
        }
    };
}

/// The [`RowField`] of a column of times: `time!(datetimes => datetime)`, how [`RowTimes`](super::row_times::RowTimes) makes it, and its
/// place where it was read from a part.
macro_rules! time {
    ($make:ident => $given:ident) => {
        $crate::packets::column_storage::RowField {
            mark: |parts| parts.times = true,
            take: |rows, range, out| rows.times.$make(range, out),
            put: |rows, start, values| {
                let given = rows.times.given_mut().iter_mut().skip(start);
                given.zip(values).for_each(|(times, value)| times.$given = *value);
            },
            of_flows: None,
        }
    };
}

/// The [`RowField`] of a value of flows: `of_flow!(ip[0])` for one of two, or `of_flow!(parts => mark; flow => flow.protocol)`, with two
/// functions as in `part!`.
macro_rules! of_flow {
    ($field:ident[$end:literal]) => {
        of_flow!(parts => parts.$field[$end] = true; flow => flow.$field[$end])
    };
    ($parts:ident => $mark:expr; $flow:ident => $part:expr) => {
        of_flow!($parts => $mark; $flow => $part, ::std::convert::identity, ::std::convert::identity)
    };
    ($parts:ident => $mark:expr; $flow:ident => $part:expr, $to:expr, $from:expr) => {
        $crate::packets::column_storage::RowField {
            mark: |$parts| $mark,
            take: |rows, range, out| {
                let flows = rows.flow.get(range)?.iter().map(|code| rows.flows.get(*code));
                out.extend(flows.map(|$flow| $to($part)));
                Some(())
            },
            put: |rows, start, values| {
                let unsettled = rows.unsettled.iter_mut().skip(start.saturating_sub(rows.flow.len()));
                unsettled.zip(values).for_each(|($flow, value)| $part = $from(*value));
            },
            of_flows: Some(|rows, out| out.extend(rows.flows.all().iter().map(|$flow| $to($part)))),
        }
    };
}

/// The [`NameField`] of a field of [`Rows`].
macro_rules! name {
    ($rows:ident) => {
        $crate::packets::column_storage::NameField {
            codes: |rows| &rows.$rows,
            codes_mut: |rows| &mut rows.$rows,
            mark: |parts| parts.$rows = true,
        }
    };
}

/// The [`RowField`] of a field of a set: `field!(ip, row => row.ttl(), ttl => row.set_ttl(ttl))`.
macro_rules! field {
    ($set:ident, $row:ident => $get:expr, $value:ident => $put:expr) => {
        $crate::packets::column_storage::RowField {
            mark: |parts| parts.fields.$set = true,
            take: |rows, range, out| {
                out.extend(rows.fields.$set.get(range)?.iter().map(|$row| $get));
                Some(())
            },
            put: |rows, start, values| {
                rows.fields.$set.iter_mut().skip(start).zip(values.iter().copied()).for_each(|($row, $value)| $put);
            },
            of_flows: None,
        }
    };
}

pub(super) use {field, name, of_flow, part, time};

//! Makes rows of Arrow batches of the packets table again, to write them together with others.

use std::net::IpAddr;
use std::ops::Range;

use arrow::array::{Array, ArrayRef, AsArray as _, RecordBatch, StringArray};
use arrow::datatypes::{
    DataType, Field, Float64Type, Int32Type, Int64Type, Schema, SchemaRef, TimestampMicrosecondType,
    TimestampNanosecondType,
};
use arrow::error::ArrowError;

use crate::address::{IpAddress, MacAddr};
use crate::config::{LengthKind, TimestampUnit};
use crate::decode::protocol_number;

use super::code_table::{CodeTable, DictionaryValue, NO_CODE};
use super::rows::{NO_DATETIME, NO_PORT, NO_PROTOCOL, Ports, RowMeta, Rows, Span, SparseCodes, Times};
use super::schema::{COLUMNS, schema};
use super::text_table::TextTable;

/// The columns that [`Rows::restore`] needs, by their place in the table.
#[must_use]
pub fn restored_columns() -> Vec<usize> {
    (0..COLUMNS.len()).filter(|place| COLUMNS.get(*place).is_some_and(|column| !column.storage.is_derived())).collect()
}

/// The schema by which a part is best read for [`Rows::restore`]. Addresses are dictionaries, so that each is parsed once
/// and not once a row.
#[must_use]
pub fn restored_schema(unit: TimestampUnit) -> SchemaRef {
    let whole = schema(unit);
    let fields = whole.fields().iter().zip(COLUMNS).map(|(field, column)| {
        if column.storage.is_address() {
            let dictionary = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
            return Field::new(column.name, dictionary, field.is_nullable());
        }
        field.as_ref().clone()
    });
    Schema::new(fields.collect::<Vec<_>>()).into()
}

impl Rows {
    /// Appends some rows of a batch that was read from a part with [`restored_columns`] and [`restored_schema`].
    ///
    /// `input` is the place of their capture. `offsets` are those of the first and the last record in the stretch of the
    /// capture that the rows belong to.
    ///
    /// # Errors
    /// If the batch does not have the columns of the table, or a value is not what this column holds.
    pub fn restore(
        &mut self,
        batch: &RecordBatch,
        range: Range<usize>,
        input: usize,
        (first_offset, last_offset): (u64, u64),
    ) -> Result<(), ArrowError> {
        let column = |name: &str| {
            let column = batch.column_by_name(name).map(|column| column.slice(range.start, range.len()));
            column.ok_or_else(|| unfit(name))
        };
        let start = self.len();
        self.restore_times(&column("datetime")?, &column("time")?, &column("time_normed")?)?;
        sparse(&column("dns_query")?, start, &mut self.names, &mut self.dns_query)?;
        sparse(&column("dns_resp")?, start, &mut self.names, &mut self.dns_resp)?;
        let ip = [codes(&column("ip_dst")?, &mut self.ips, ip)?, codes(&column("ip_src")?, &mut self.ips, ip)?];
        pairs(ip, &mut self.ip);
        let mac = [codes(&column("mac_dst")?, &mut self.macs, mac)?, codes(&column("mac_src")?, &mut self.macs, mac)?];
        pairs(mac, &mut self.mac);
        let (dst, src) = (column("port_dst")?, column("port_src")?);
        let ports = |column: &'_ ArrayRef, name| {
            let ports = column.as_primitive_opt::<Int32Type>().ok_or_else(|| unfit(name))?;
            Ok::<Vec<_>, ArrowError>(ports.iter().map(|port| port.unwrap_or(NO_PORT)).collect())
        };
        let ports = ports(&dst, "port_dst")?.into_iter().zip(ports(&src, "port_src")?);
        self.ports.extend(ports.map(|(dst, src)| Ports { dst, src }));
        self.restore_facts(&column("length")?, &column("is_dns")?, &column("protocol")?)?;
        match self.spans.last_mut() {
            Some(span) if span.input == input => {
                span.rows += range.len() as u64;
                span.last_offset = last_offset;
            }
            _ => self.spans.push(Span { input, rows: range.len() as u64, first_offset, last_offset }),
        }
        Ok(())
    }

    fn restore_times(&mut self, datetime: &ArrayRef, time: &ArrayRef, normed: &ArrayRef) -> Result<(), ArrowError> {
        let datetime: Vec<_> = match self.unit {
            TimestampUnit::Us => {
                datetime.as_primitive_opt::<TimestampMicrosecondType>().map(|all| all.iter().collect())
            }
            TimestampUnit::Ns => datetime.as_primitive_opt::<TimestampNanosecondType>().map(|all| all.iter().collect()),
        }
        .ok_or_else(|| unfit("datetime"))?;
        let doubles = |column: &ArrayRef, name| {
            let values = column.as_primitive_opt::<Float64Type>().ok_or_else(|| unfit(name))?;
            Ok::<Vec<f64>, ArrowError>(values.iter().map(|value| value.unwrap_or(f64::NAN)).collect())
        };
        let (time, normed) = (doubles(time, "time")?, doubles(normed, "time_normed")?);
        if self.unit == TimestampUnit::Ns {
            self.micros.extend(datetime.iter().zip(&time).map(|(nanos, seconds)| micros(*nanos, *seconds)));
        }
        let times = datetime.iter().zip(time).zip(normed).map(|((datetime, time), time_normed)| Times {
            datetime: datetime.unwrap_or(NO_DATETIME),
            time,
            time_normed,
        });
        self.times.extend(times);
        Ok(())
    }

    fn restore_facts(&mut self, lengths: &ArrayRef, is_dns: &ArrayRef, protocols: &ArrayRef) -> Result<(), ArrowError> {
        let lengths = lengths.as_primitive_opt::<Int64Type>().ok_or_else(|| unfit("length"))?;
        let is_dns = is_dns.as_boolean_opt().ok_or_else(|| unfit("is_dns"))?;
        let protocols = protocols.as_string_opt::<i32>().ok_or_else(|| unfit("protocol"))?;
        let mut before: Option<(&str, u16)> = None;
        for ((length, is_dns), text) in lengths.values().iter().zip(is_dns).zip(protocols) {
            let protocol = match (text, before) {
                (None, _) => NO_PROTOCOL,
                (Some(text), Some((held, number))) if held == text => number,
                (Some(text), _) => {
                    let number = protocol_number(text).map(u16::from).ok_or_else(|| unfit("protocol"))?;
                    before = Some((text, number));
                    number
                }
            };
            let length = u32::try_from(*length).map_err(|_| unfit("length"))?;
            self.facts.push(RowMeta { length, protocol, is_dns: is_dns.unwrap_or(false) });
        }
        Ok(())
    }

    /// No rows yet, for rows that are read from a part.
    #[must_use]
    pub fn to_restore(unit: TimestampUnit) -> Self {
        // The part has the lengths, whichever kind they are.
        Self::new(unit, LengthKind::default())
    }
}

/// Microseconds of a row in nanoseconds. In years that nanoseconds do not reach, only the double is known.
#[expect(clippy::cast_possible_truncation, reason = "years 1 to 9999 are some 2^58 microseconds")]
fn micros(nanos: Option<i64>, seconds: f64) -> i64 {
    match nanos {
        Some(nanos) => nanos.div_euclid(1000),
        None if seconds.is_nan() => NO_DATETIME,
        None => (seconds * 1e6).floor() as i64,
    }
}

fn unfit(name: &str) -> ArrowError {
    ArrowError::SchemaError(format!("the column {name} is not that of a part"))
}

fn sparse(column: &ArrayRef, start: usize, names: &mut TextTable, into: &mut SparseCodes) -> Result<(), ArrowError> {
    let texts = column.as_string_opt::<i32>().ok_or_else(|| unfit("dns"))?;
    for (row, text) in texts.iter().enumerate() {
        if let Some(text) = text {
            into.push(start + row, names.code(|held| held.extend_from_slice(text.as_bytes())));
        }
    }
    Ok(())
}

/// Codes of the values of a dictionary, each parsed once.
fn codes<K: DictionaryValue>(
    column: &ArrayRef,
    table: &mut CodeTable<K>,
    parse: impl Fn(&str) -> Option<K>,
) -> Result<Vec<u32>, ArrowError> {
    let mut into = Vec::with_capacity(column.len());
    let wrong = || unfit("of addresses");
    let dictionary = column.as_dictionary_opt::<Int32Type>().ok_or_else(wrong)?;
    let values: &StringArray = dictionary.values().as_string_opt().ok_or_else(wrong)?;
    let mut known: Vec<Option<u32>> = vec![None; values.len()];
    for key in dictionary.keys() {
        let code = match key {
            None => NO_CODE,
            Some(key) => {
                let place = usize::try_from(key).unwrap_or(usize::MAX);
                let known = known.get_mut(place).ok_or_else(wrong)?;
                match *known {
                    Some(code) => code,
                    None => {
                        let value = parse(values.value(place)).ok_or_else(wrong)?;
                        *known.insert(table.code(Some(value)))
                    }
                }
            }
        };
        into.push(code);
    }
    Ok(into)
}

fn pairs([dst, src]: [Vec<u32>; 2], into: &mut Vec<[u32; 2]>) {
    into.extend(dst.into_iter().zip(src).map(|(dst, src)| [dst, src]));
}

fn ip(text: &str) -> Option<IpAddress> {
    Some(match text.parse().ok()? {
        IpAddr::V4(address) => IpAddress::V4(address.to_bits()),
        IpAddr::V6(address) => IpAddress::V6(address.to_bits()),
    })
}

fn mac(text: &str) -> Option<MacAddr> {
    let mut bits = 0;
    let mut octets = 0;
    for octet in text.split(':') {
        bits = bits << 8 | u64::from(u8::from_str_radix(octet, 16).ok()?);
        octets += 1;
    }
    (octets == 6).then_some(MacAddr(bits))
}

//! Rows that are made for the tests, with every column.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Int32Array, Int64Array, StringArray};

use crate::address::{IpAddress, MacAddr};
use crate::config::{LengthKind, Settings, TimestampUnit};

use super::super::super::code_table::NO_CODE;
use super::super::super::column_storage::{Further, Storage};
use super::super::super::flow_table::CodedFlow;
use super::super::super::packed::{NO_DATETIME, NO_PROTOCOL, NO_TCP_FLAGS, Ports, RowMeta, Times};
use super::super::super::rows::Rows;
use super::super::super::schema::{COLUMNS, TableColumns};
use super::super::super::sets::{SETS, further_columns};

/// Settings of a lake that has every column.
pub(super) fn settings() -> Settings {
    let sets: Vec<_> = SETS.iter().map(|set| set.name).collect();
    Settings { columns: further_columns(&sets.join(",")).unwrap(), ..Settings::default() }
}

/// Every column.
pub(super) fn columns() -> TableColumns {
    TableColumns::with(&settings().columns).unwrap()
}

/// How the values of some rows are spread.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    /// Of a thousand rows, how many are null where the column may be.
    pub(super) nulls: u64,
    /// Distinct values, about.
    pub(super) distinct: u64,
    /// How many rows in succession have the same value, about.
    pub(super) run: u64,
    pub(super) seed: u64,
}

/// A number that is computed from others, and looks random.
pub(super) fn mixed(number: u64) -> u64 {
    let mut state = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    state ^ (state >> 31)
}

impl Shape {
    /// A number for a row of a column; `None` for null.
    fn number(self, column: u64, row: usize) -> Option<u64> {
        let stretch = row as u64 / self.run.max(1);
        let number = mixed(mixed(self.seed ^ column << 32) ^ stretch);
        (number % 1000 >= self.nulls).then_some((number >> 10) % self.distinct.max(1))
    }
}

/// Rows of such shapes. No packets give all of them: each column has its own shape.
#[expect(clippy::cast_possible_truncation, reason = "any bits will do")]
#[expect(clippy::cast_precision_loss, reason = "any double will do")]
pub(super) fn rows(count: usize, shapes: [Shape; 6]) -> Rows {
    let [times, names, ips, macs, ports, others] = shapes;
    let mut rows = Rows::new(columns(), TimestampUnit::Us, LengthKind::Wire);
    for row in 0..count {
        let time = times.number(0, row);
        let datetime = time.map_or(NO_DATETIME, |time| mixed(time).cast_signed() >> (time % 40));
        let sign = |time: u64| if time.is_multiple_of(2) { 1.0 } else { -1.0 };
        rows.times.grow_given(row + 1);
        *rows.times.given_mut().last_mut().unwrap() = Times {
            datetime,
            time: time.map_or(f64::NAN, |time| (time as f64 - 3.0) / 7.0 * sign(time)),
            time_normed: time.map_or(f64::NAN, |time| if time == 0 { -0.0 } else { (time / 2) as f64 }),
        };
        for (column, place) in [(1, 0), (2, 1)] {
            if let Some(name) = names.number(column, row) {
                let code = rows.names.code(|text| {
                    // Names that are longer than a statistic, some of them in parts that cannot be cut.
                    let filling = ["a", "~", "z\u{fc}", "\u{10ffff}"].get(name as usize % 4).unwrap();
                    text.extend_from_slice(filling.repeat(name as usize % 40 * 3).as_bytes());
                    text.extend_from_slice(name.to_string().as_bytes());
                });
                let column = if place == 0 { &mut rows.dns_query } else { &mut rows.dns_resp };
                column.rows.push(row as u32);
                column.codes.push(code);
            }
        }
        let ip = |number: u64| match number % 5 {
            0 => IpAddress::V6(u128::from(mixed(number)) << 64 | u128::from(number)),
            _ => IpAddress::V4(mixed(number) as u32),
        };
        let dst = ips.number(3, row).map_or(NO_CODE, |number| rows.ips.code(Some(ip(number))));
        // Either all addresses are IPv4 or none is: then the two columns of an address share their pages.
        let src = ips.number(4, row).map_or(NO_CODE, |number| rows.ips.code(Some(ip(number * 5 + 1))));
        let ip = [dst, src];
        let mac = |number: u64| MacAddr(mixed(number) >> 16);
        let dst = macs.number(5, row).map_or(NO_CODE, |number| rows.macs.code(Some(mac(number))));
        let src = macs.number(6, row).map_or(NO_CODE, |number| rows.macs.code(Some(mac(number + 1))));
        let mac = [dst, src];
        let dst = ports.number(7, row).map_or(NO_CODE, |number| u32::from(mixed(number) as u16));
        let src = ports.number(8, row).map_or(NO_CODE, |number| u32::from(number as u16));
        let ports = Ports { dst, src };
        let protocol = others.number(9, row).map_or(NO_PROTOCOL, |number| number as u16 % 256);
        let length = others.number(11, row).map_or(0, |number| number as u32);
        rows.append_flow(CodedFlow { ip, mac, ports, protocol });
        let is_dns = others.number(10, row).is_some();
        rows.facts.push(RowMeta { length, tcp_flags: NO_TCP_FLAGS, is_dns });
    }
    rows.times.settle();
    // The columns that not every lake has. A field that is smaller than a value keeps another one, or none.
    rows.fields.grow(count);
    for (place, column) in (12..).zip(columns().iter().skip(COLUMNS.len())) {
        let is_nullable = !column.null_when.is_empty();
        let numbers = (0..count).map(|row| others.number(place, row).or((!is_nullable).then_some(0)));
        let array: ArrayRef = match column.storage {
            Storage::Small32(_) | Storage::Further(Further::Small32(_)) => {
                Arc::new(Int32Array::from_iter(numbers.map(|number| Some(i32::from(mixed(number?) as u16)))))
            }
            Storage::Small64(_) => {
                Arc::new(Int64Array::from_iter(numbers.map(|number| Some(i64::from(mixed(number?) as u16)))))
            }
            // Small ones have a dictionary.
            Storage::Wide(_) | Storage::Further(Further::Wide(_)) => {
                let small = place % 2 == 0;
                let number = |number| i64::from(mixed(number) as u32 >> if small { 15 } else { 0 });
                Arc::new(Int64Array::from_iter(numbers.map(|one| one.map(number))))
            }
            Storage::Flag(_) | Storage::Further(Further::Flag(_)) => {
                Arc::new(BooleanArray::from_iter(numbers.map(|number| Some(mixed(number?).is_multiple_of(2)))))
            }
            Storage::Length(_) => {
                Arc::new(Int64Array::from_iter(numbers.map(|number| Some(i64::from(mixed(number?) as u32 >> 15)))))
            }
            Storage::Counter(_) => {
                Arc::new(Int64Array::from_iter(numbers.map(|number| Some((number? >> 4).cast_signed()))))
            }
            _ => Arc::new(StringArray::from_iter(numbers.map(|number| Some(number?.to_string())))),
        };
        rows.put(column, &array, 0).unwrap();
    }
    rows
}

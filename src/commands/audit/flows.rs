//! Whether the flows of a lake hold its packets.

use std::collections::BTreeMap;
use std::path::Path;

use crate::aggregate::Aggregator;
use crate::day::Day;
use crate::error::Result;
use crate::lake::{Layout, SUMMARIES, Snapshot};
use crate::outcome::Verified;
use crate::summary::{FLOWS, Packets, packets_of_date};
use crate::tables::{Table, TableColumn, read_table};

/// Checks that pieces of flows and packets in no flow are all packets of each date, and that the tables hold the pieces. `aggregator` has
/// what the units have counted.
///
/// # Errors
/// If sums or tables cannot be read.
pub(super) fn flows(
    lake: &Layout,
    snapshot: &Snapshot,
    aggregator: &mut Aggregator,
    verified: &mut Verified,
) -> Result<()> {
    let mut tables: BTreeMap<Day, (i64, i64)> = BTreeMap::new();
    let folder = Path::new(SUMMARIES).join(FLOWS);
    for table in snapshot.tables.values().filter(|table| table.path.starts_with(&folder)) {
        let sum = tables.entry(Layout::day_of(&table.path)).or_default();
        read_table(&lake.fetch(&table.path)?, |piece| {
            sum.0 = sum.0.saturating_add(total(piece, ["bytes_out", "bytes_in"]));
            sum.1 = sum.1.saturating_add(total(piece, ["packets_out", "packets_in"]));
        })?;
    }
    let days = aggregator.groups().into_iter().map(|group| group.day);
    let days: Vec<Day> =
        days.chain(tables.keys().copied()).collect::<std::collections::BTreeSet<_>>().into_iter().collect();
    for day in days {
        let Packets { all, in_flows, in_no_flow } = packets_of_date(day, aggregator)?;
        let whole = (in_flows.0.saturating_add(in_no_flow.0), in_flows.1.saturating_add(in_no_flow.1));
        if whole != all {
            let problem = format!(
                "of {}, the flows and the packets in none are {} packets of {} bytes, of {} of {}",
                day.text(),
                whole.1,
                whole.0,
                all.1,
                all.0
            );
            verified.fault("_parcap/partials", problem);
        }
        let (bytes, packets) = tables.get(&day).copied().unwrap_or_default();
        if (bytes, packets) != in_flows {
            let problem = format!(
                "of {}, its flows are {packets} packets of {bytes} bytes; the units have counted {} of {}",
                day.text(),
                in_flows.1,
                in_flows.0
            );
            verified.fault(&folder, problem);
        }
    }
    Ok(())
}

/// The sum of some columns.
fn total(piece: &Table, columns: [&str; 2]) -> i64 {
    let values = columns.into_iter().filter_map(|name| match piece.column(name) {
        Some(TableColumn::Int(values)) => Some(values.iter().flatten()),
        _ => None,
    });
    values.flatten().fold(0, |sum, value| sum.saturating_add(*value))
}

//! Whether a lake adds up: the rows of its parts to its captures, its tables to its packets, its sums to its rows.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use crate::aggregate::{Aggregator, Group, Measure, Owners, Space, Sums};
use crate::bug::bug;
use crate::cancel::Cancel;
use crate::commands::audit::flows::flows;
use crate::commands::verify::VerifyRequest;
use crate::config::Settings;
use crate::day::Day;
use crate::error::{Error, Result};
use crate::lake::{CaptureBrief, CaptureVisitor, InputEntry, Layout, PACKETS, SUMMARIES, Snapshot, recount};
use crate::outcome::Verified;
use crate::storage::scratch_root;
use crate::summary::{DNS_CLIENTS, SUMMARIES as TABLES, what_rows_do_not_give};
use crate::tables::{TableColumn, read_table};
use crate::threads::in_order;

/// Rows of captures, by their numbers: those that parts hold are packets, and those that captures gave are bytes. The first further
/// number is how many captures have the number.
const ROWS: Group = Group { day: Day::EPOCH, kind: 0, measure: Measure::Add, by_owner: false };

/// What the captures of a lake are together.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::commands) struct CaptureTotals {
    /// How many there are.
    pub(in crate::commands) captures: u64,
    /// Bytes of their packets.
    bytes: i64,
}

/// The rows that captures gave, and that parts hold.
struct RowsByCapture {
    rows: Aggregator,
    totals: CaptureTotals,
}

// What somebody else wrote may be any number, and is a fault in any case.
fn int(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn key(input: usize) -> [u8; 8] {
    (input as u64).to_be_bytes()
}

impl CaptureVisitor for RowsByCapture {
    fn asks_what_was_found(&self) -> bool {
        true
    }

    fn meet(&mut self, brief: &CaptureBrief<'_>) -> Result<bool> {
        let found = brief.found.ok_or_else(|| bug!())?;
        self.rows.add(ROWS, &key(brief.id), Sums { more: [1, 0], ..Sums::of(int(found.rows), 0) })?;
        self.totals.captures += 1;
        self.totals.bytes = self.totals.bytes.saturating_add(found.length);
        Ok(false)
    }

    fn take(&mut self, _: &InputEntry) -> Result<()> {
        Ok(())
    }
}

/// Checks that the rows of every capture are in parts, each once.
///
/// # Memory
/// As [`Aggregator`], whatever the number of captures.
pub(in crate::commands) fn captures(
    snapshot: &Snapshot,
    cancel: &Cancel,
    verified: &mut Verified,
) -> Result<CaptureTotals> {
    let folder = scratch_root();
    let rows = Aggregator::new(&Space::new(&folder).cancelled_by(cancel));
    let mut added = RowsByCapture { rows, totals: CaptureTotals::default() };
    snapshot.each_part(
        |_| true,
        |part| {
            let mut next = 0;
            for range in &part.ranges {
                added.rows.add(ROWS, &key(range.input), Sums::of(0, int(range.rows)))?;
                if range.first_row != next {
                    verified.fault(&part.path, format!("the manifest does not say whose row {next} is"));
                }
                next = range.first_row.saturating_add(range.rows);
            }
            if next != part.rows {
                verified.fault(&part.path, format!("the manifest says whose {next} rows are, of {}", part.rows));
            }
            Ok(())
        },
    )?;
    snapshot.visit_captures(&mut added)?;
    let (mut wrong, mut unknown) = (BTreeMap::new(), Vec::new());
    let mut rows = added.rows.read(ROWS)?;
    while let Some((key, Sums { bytes: gave, packets: held, more: [captures, _] })) = rows.next()? {
        let number = u64::from_be_bytes(key.try_into().map_err(|_| bug!())?);
        if captures == 0 {
            unknown.push((number, held));
        } else if held != gave {
            wrong.insert(usize::try_from(number).map_err(|_| bug!())?, (gave, held));
        }
    }
    for (number, entry) in snapshot.captures_of(&wrong.keys().copied().collect())? {
        let (gave, held) = wrong.get(&number).ok_or_else(|| bug!())?;
        let problem = format!("gave {gave} rows, and the manifest's parts hold {held} of them");
        verified.fault(&entry.input.absolute, problem);
    }
    for (input, count) in unknown {
        verified.fault(PACKETS, format!("{count} rows are of a capture {input} that the manifest does not name"));
    }
    Ok(added.totals)
}

/// Checks that every table that divides all packets adds up to all packets.
pub(in crate::commands) fn balance(
    lake: &Layout,
    snapshot: &Snapshot,
    CaptureTotals { bytes, .. }: CaptureTotals,
    verified: &mut Verified,
) -> Result<()> {
    let packets = snapshot.parts.values().map(|part| part.rows).fold(0, u64::saturating_add);
    let packets = i64::try_from(packets).unwrap_or(i64::MAX);
    let mut sums: BTreeMap<&str, (i64, i64)> = BTreeMap::new();
    for name in TABLES.iter().filter(|summary| summary.balances).map(|summary| summary.name) {
        for table in snapshot.tables.values().filter(|table| table.path.starts_with(Path::new(SUMMARIES).join(name))) {
            let sum = sums.entry(name).or_default();
            read_table(&lake.fetch(&table.path)?, |piece| {
                for (column, into) in [("bytes", &mut sum.0), ("packets", &mut sum.1)] {
                    let values = piece.columns.iter().find(|(name, _)| name == column);
                    if let Some((_, TableColumn::Int(values))) = values {
                        *into = values.iter().flatten().fold(*into, |sum, value| sum.saturating_add(*value));
                    }
                }
            })?;
        }
    }
    if packets > 0 && sums.is_empty() {
        verified.fault(SUMMARIES, "there are packets, and no tables of them");
    }
    for (name, (found_bytes, found_packets)) in sums {
        if (found_bytes, found_packets) != (bytes, packets) {
            let problem = format!(
                "adds up to {found_packets} packets of {found_bytes} bytes; the captures have {packets} of {bytes}"
            );
            verified.fault(Path::new(SUMMARIES).join(name), problem);
        }
    }
    Ok(())
}

/// Checks that on each date the clients of DNS have as many messages of a response code as there were. Only of lakes that count them.
pub(in crate::commands) fn clients(lake: &Layout, snapshot: &Snapshot, verified: &mut Verified) -> Result<()> {
    let counted = [("dns_queries", "response_code", "count"), (DNS_CLIENTS, "rcode", "queries")];
    let [all, of_clients] = counted.map(|(name, code, count)| {
        let folder = Path::new(SUMMARIES).join(name);
        let mut sums: BTreeMap<(Day, Option<String>), i64> = BTreeMap::new();
        for table in snapshot.tables.values().filter(|table| table.path.starts_with(&folder)) {
            let day = Layout::day_of(&table.path);
            read_table(&lake.fetch(&table.path)?, |piece| {
                let columns = (piece.column(code), piece.column(count));
                let (Some(TableColumn::Text(codes)), Some(TableColumn::Int(counts))) = columns else { return };
                for (code, count) in codes.iter().zip(counts) {
                    let sum = sums.entry((day, code.map(str::to_owned))).or_default();
                    *sum = sum.saturating_add(count.unwrap_or(0));
                }
            })?;
        }
        Ok::<_, Error>(sums)
    });
    let (all, of_clients) = (all?, of_clients?);
    for (day, code) in all.keys().chain(of_clients.keys()).collect::<BTreeSet<_>>() {
        let [there, found] = [&all, &of_clients].map(|sums| sums.get(&(*day, code.clone())).copied().unwrap_or(0));
        if there != found {
            let (day, code) = (day.text(), code.as_deref().unwrap_or("no response code"));
            let problem = format!("of {day}, adds up to {found} messages with {code}; `dns_queries` has {there}");
            verified.fault(Path::new(SUMMARIES).join(DNS_CLIENTS), problem);
        }
    }
    Ok(())
}

/// Checks that the counts of the units are what their rows give when they are counted again.
pub(in crate::commands) fn sums(
    lake: &Layout,
    snapshot: &Snapshot,
    settings: &Settings,
    request: &VerifyRequest,
    verified: &mut Verified,
) -> Result<()> {
    let folder = scratch_root();
    let space = Space::new(&folder).cancelled_by(&request.cancel);
    let counted = Mutex::new(Aggregator::new(&space));
    in_order::<_, _, Error>(snapshot.parts.values().collect(), request.jobs, |part| {
        let aggregator = recount(lake, part, settings, &space)?;
        counted.lock().unwrap_or_else(PoisonError::into_inner).append(aggregator)
    })?;
    let mut aggregator = Aggregator::new(&space);
    for partial in snapshot.partials.values() {
        partial.append_to(&mut aggregator, lake, None, Owners::AddUp)?;
    }
    if settings.flow_timeout.is_some() {
        flows(lake, snapshot, &mut aggregator, verified)?;
    }
    aggregator.subtract(counted.into_inner().unwrap_or_else(PoisonError::into_inner))?;
    for (day, keys) in what_rows_do_not_give(&mut aggregator)? {
        let problem = format!("of {}, {keys} sums differ from what its rows give", day.text());
        verified.fault("_parcap/partials", problem);
    }
    Ok(())
}

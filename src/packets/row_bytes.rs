//! One row as bytes, and back. So rows lie on disk until those of their partition are put together.
//!
//! The bytes are written and read by the same process. They are no format for anybody else.

use serde::{Deserialize, Serialize};

use crate::address::{IpAddress, MacAddr};
use crate::capture::{TimeParts, Timestamp};
use crate::decode::LinkTags;

use super::fields::{CaptureFields, IpFields, TransportFields};
use super::flow_table::{CodedFlow, FlowValues};
use super::further::{FurtherColumn, FurtherValues};
use super::packed::{Ports, RowMeta};
use super::rows::Rows;

/// The values that each row has, or may have. Those of the columns that are kept for themselves follow, in the order of the table.
#[derive(Serialize, Deserialize)]
struct RowBytes<'a> {
    time: Option<TimeParts>,
    /// That of the first record of its capture that has one.
    first: Option<TimeParts>,
    facts: RowMeta,
    ip: [Option<IpAddress>; 2],
    mac: [Option<MacAddr>; 2],
    ports: Ports,
    protocol: u16,
    #[serde(borrow)]
    dns_query: Option<&'a [u8]>,
    #[serde(borrow)]
    dns_resp: Option<&'a [u8]>,
    records: Option<CaptureFields>,
    tags: Option<LinkTags>,
    ip_fields: Option<IpFields>,
    transport: Option<TransportFields>,
}

impl Rows {
    /// Appends a row's bytes to `out`. `None` if there is no such row.
    pub(super) fn write_row(&self, row: usize, out: Vec<u8>) -> Option<Vec<u8>> {
        let CodedFlow { ip, mac, ports, protocol } = self.flows.get(*self.flow.get(row)?);
        let (time, first) = self.times.exact(row)?;
        let bytes = RowBytes {
            time: time.map(Timestamp::parts),
            first: first.map(Timestamp::parts),
            facts: *self.facts.get(row)?,
            ip: ip.map(|code| self.ips.key(code)),
            mac: mac.map(|code| self.macs.key(code)),
            ports,
            protocol,
            dns_query: self.dns_query.of_row(row).and_then(|code| self.names.text(code)),
            dns_resp: self.dns_resp.of_row(row).and_then(|code| self.names.text(code)),
            records: self.fields.records.get(row).copied(),
            tags: self.fields.tags.get(row).copied(),
            ip_fields: self.fields.ip.get(row).copied(),
            transport: self.fields.transport.get(row).copied(),
        };
        let out = postcard::to_extend(&bytes, out).ok()?;
        self.further.iter().try_fold(out, |out, column| column.write_row(row, out))
    }

    /// Appends the row whose bytes these begin with, and returns the bytes after it. The numbers of its records count from the
    /// one after `frames_before` on. `None` if these are not the bytes of a row of this table.
    pub(super) fn read_row<'b>(&mut self, bytes: &'b [u8], frames_before: u64) -> Option<&'b [u8]> {
        let (read, mut rest) = postcard::take_from_bytes::<RowBytes<'b>>(bytes).ok()?;
        let row = self.len();
        self.times.count_from(read.first.map(Timestamp::of_parts));
        self.times.push(read.time.map(Timestamp::of_parts));
        self.facts.push(read.facts);
        let RowBytes { ip, mac, ports, protocol, .. } = read;
        self.append_values(&FlowValues { ip: ip.each_ref(), mac: mac.each_ref(), ports, protocol });
        for (text, column) in [(read.dns_query, &mut self.dns_query), (read.dns_resp, &mut self.dns_resp)] {
            if let Some(text) = text {
                column.push(row, self.names.code(|held| held.extend_from_slice(text)));
            }
        }
        let renumbered = |fields: CaptureFields| fields.after_frames(frames_before);
        self.fields.records.extend(read.records.map(renumbered));
        self.fields.tags.extend(read.tags);
        self.fields.ip.extend(read.ip_fields);
        self.fields.transport.extend(read.transport);
        for column in &mut self.further {
            rest = column.read_row(row, rest)?;
        }
        Some(rest)
    }
}

impl FurtherColumn {
    /// Appends the bytes of a row's value to `out`.
    fn write_row(&self, row: usize, out: Vec<u8>) -> Option<Vec<u8>> {
        let written = match &self.values {
            FurtherValues::Small32 { codes, .. }
            | FurtherValues::Wide { codes, .. }
            | FurtherValues::Flag { codes, .. } => postcard::to_extend(&codes.of_row(row), out),
            FurtherValues::Text(runs) => postcard::to_extend(&runs.of_row(row), out),
            FurtherValues::Flow(flows) => postcard::to_extend(&flows.of_row(row), out),
        };
        written.ok()
    }

    /// Appends the value whose bytes these begin with, for a row, and returns the bytes after it.
    fn read_row<'b>(&mut self, row: usize, bytes: &'b [u8]) -> Option<&'b [u8]> {
        match &mut self.values {
            FurtherValues::Small32 { codes, .. }
            | FurtherValues::Wide { codes, .. }
            | FurtherValues::Flag { codes, .. } => {
                let (code, rest) = postcard::take_from_bytes::<Option<u32>>(bytes).ok()?;
                code.into_iter().for_each(|code| codes.push(row, code));
                Some(rest)
            }
            FurtherValues::Text(runs) => {
                let (text, rest) = postcard::take_from_bytes::<Option<&[u8]>>(bytes).ok()?;
                text.into_iter().for_each(|text| runs.push(row, text));
                Some(rest)
            }
            FurtherValues::Flow(flows) => {
                let (text, rest) = postcard::take_from_bytes::<Option<&[u8]>>(bytes).ok()?;
                flows.append_text(text);
                Some(rest)
            }
        }
    }
}

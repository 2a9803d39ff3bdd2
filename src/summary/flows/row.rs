//! A flow as a row of its table. On the way there it is a key, so that rows are sorted as all sums are: by time.

use crate::address::IpAddress;
use crate::decode::{FlowEnds, FlowKey, flow_between, write_community_id};
use crate::packets::NO_TCP_FLAGS;
use crate::summary::key::{Key, KeyReader};
use crate::summary::rows::protocol;
use crate::tables::TableColumn;

use super::end::End;
use super::state::{FLOW_STATES, OTHER, UNANSWERED};

/// A column of the table of flows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::summary) enum FlowField {
    FirstTime,
    LastTime,
    Duration,
    IpSrc,
    PortSrc,
    IpDst,
    PortDst,
    Protocol,
    PacketsOut,
    BytesOut,
    PacketsIn,
    BytesIn,
    FlagsOut,
    FlagsIn,
    State,
    IsCut,
    CommunityId,
    NameDst,
}

/// What one end sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct SentVolume {
    pub(super) packets: i64,
    pub(super) bytes: i64,
    /// [`NO_TCP_FLAGS`] if the flow is not TCP.
    pub(super) flags: u16,
}

/// A flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::summary) struct FlowRow<'a> {
    /// First and last time, in microseconds since the Unix epoch.
    pub(super) times: [i64; 2],
    /// The source and the destination.
    pub(super) ends: [End; 2],
    pub(super) protocol: u16,
    /// From the source, and to it.
    pub(super) sent: [SentVolume; 2],
    pub(super) state: Option<&'static str>,
    pub(super) is_cut: bool,
    /// Name of the destination.
    pub(super) name: Option<&'a str>,
}

impl<'a> FlowRow<'a> {
    /// Writes all but the name.
    pub(super) fn write(&self, key: &mut Key) {
        let [first, last] = self.times;
        key.time(Some(first)).number(last.saturating_sub(first));
        self.ends.into_iter().for_each(|end| end.write(key));
        key.protocol(self.protocol);
        for sent in self.sent {
            key.number(sent.packets).number(sent.bytes).raw(&sent.flags.to_be_bytes());
        }
        key.raw(&[self.state_code(), u8::from(self.is_cut)]);
    }

    /// Reads a key that [`FlowRow::write`] wrote, with a name after it or none. `None` if it is no such key.
    pub(in crate::summary) fn read(key: &'a [u8]) -> Option<Self> {
        let mut reader = KeyReader(key);
        let first = reader.time()?;
        let times = [first, first.saturating_add(reader.number())];
        let ends = [End::read(&mut reader)?, End::read(&mut reader)?];
        let protocol = reader.protocol();
        let mut sent = || {
            let (packets, bytes) = (reader.number(), reader.number());
            Some(SentVolume { packets, bytes, flags: u16::from_be_bytes(reader.bytes()?) })
        };
        let sent = [sent()?, sent()?];
        let [state, is_cut] = reader.bytes()?;
        let state = FLOW_STATES.get(usize::from(state)).map(|(state, _)| *state);
        let name = Some(reader.name()).filter(|name| !name.is_empty());
        Some(Self { times, ends, protocol, sent, state, is_cut: is_cut == 1, name })
    }

    /// The addresses of the source and the destination.
    pub(in crate::summary) fn addresses(&self) -> [IpAddress; 2] {
        self.ends.map(|end| end.ip)
    }

    /// First and last time, in microseconds since the Unix epoch.
    pub(in crate::summary) fn times(&self) -> [i64; 2] {
        self.times
    }

    /// Its protocol, and the port that it went to: that of the destination. The first packet that was captured need not be the first that
    /// was sent; where the state does not tell, it is the port of the source, if that alone is one of the system ports (RFC 6335, section 6).
    pub(in crate::summary) fn port(&self) -> (u16, Option<u16>) {
        let [src, dst] = self.ends.map(End::port);
        let is_of_system = |port: &u16| *port < 1024;
        let is_told = self.state.is_some_and(|state| state != OTHER);
        let of_source = src.filter(|port| !is_told && is_of_system(port) && !dst.is_some_and(|dst| is_of_system(&dst)));
        (self.protocol, of_source.or(dst))
    }

    /// The place of its state among [`FLOW_STATES`], or a number beyond all of them if it is not TCP.
    pub(in crate::summary) fn state_code(&self) -> u8 {
        let place = self.state.and_then(|state| FLOW_STATES.iter().position(|(held, _)| *held == state));
        place.and_then(|place| u8::try_from(place).ok()).unwrap_or(u8::MAX)
    }

    /// Whether nobody answered, or a connection was refused.
    pub(in crate::summary) fn is_silent(&self) -> bool {
        let [_, back] = self.sent;
        match self.state {
            Some(state) => UNANSWERED.contains(&state),
            None => back.packets == 0,
        }
    }

    /// Appends its value of a column. `text` is memory for text. Returns whether the column is of the type of its values.
    pub(in crate::summary) fn push(&self, field: FlowField, into: &mut TableColumn, text: &mut Vec<u8>) -> bool {
        let ([first, last], [src, dst], [out, back]) = (self.times, self.ends, self.sent);
        let flags = |flags: u16| Some(flags).filter(|flags| *flags != NO_TCP_FLAGS).map(i64::from);
        match (field, into) {
            (FlowField::FirstTime, TableColumn::Time(values)) => values.push(Some(first)),
            (FlowField::LastTime, TableColumn::Time(values)) => values.push(Some(last)),
            (FlowField::Duration, TableColumn::Float(values)) => {
                values.push(Some(crate::summary::rows::seconds(last.saturating_sub(first))));
            }
            (FlowField::IpSrc | FlowField::IpDst, TableColumn::Text(values)) => {
                text.clear();
                let end = if field == FlowField::IpSrc { src } else { dst };
                end.ip.write_to(text);
                values.push(std::str::from_utf8(text).ok());
            }
            (FlowField::PortSrc, TableColumn::Int(values)) => values.push(src.port().map(i64::from)),
            (FlowField::PortDst, TableColumn::Int(values)) => values.push(dst.port().map(i64::from)),
            (FlowField::Protocol, TableColumn::Text(values)) => values.push(protocol(self.protocol).as_deref()),
            (FlowField::PacketsOut, TableColumn::Int(values)) => values.push(Some(out.packets)),
            (FlowField::BytesOut, TableColumn::Int(values)) => values.push(Some(out.bytes)),
            (FlowField::PacketsIn, TableColumn::Int(values)) => values.push(Some(back.packets)),
            (FlowField::BytesIn, TableColumn::Int(values)) => values.push(Some(back.bytes)),
            (FlowField::FlagsOut, TableColumn::Int(values)) => values.push(flags(out.flags)),
            (FlowField::FlagsIn, TableColumn::Int(values)) => values.push(flags(back.flags)),
            (FlowField::State, TableColumn::Text(values)) => values.push(self.state),
            (FlowField::IsCut, TableColumn::Flag(values)) => values.push(Some(self.is_cut)),
            (FlowField::CommunityId, TableColumn::Text(values)) => {
                text.clear();
                let flow = self.flow();
                flow.iter().for_each(|flow| write_community_id(flow, text));
                values.push(flow.and_then(|_| std::str::from_utf8(text).ok()));
            }
            (FlowField::NameDst, TableColumn::Text(values)) => values.push(self.name),
            _ => return false,
        }
        true
    }

    /// The flow that its Community ID is of. `None` where its packets may have several, or none: ICMP, and fragments without ports.
    fn flow(&self) -> Option<FlowKey> {
        let [src, dst] = self.ends;
        let protocol = u8::try_from(self.protocol).ok()?;
        let ports = src.port().zip(dst.port());
        flow_between(FlowEnds { ips: [src.ip, dst.ip], protocol, ports })
    }
}

/// A flow of two addresses to a port, for tests.
#[cfg(test)]
pub(in crate::summary) fn row_of(
    [src, dst]: [IpAddress; 2],
    port: u16,
    state: Option<&'static str>,
    times: [i64; 2],
    packets_back: i64,
) -> FlowRow<'static> {
    let ends = [End { ip: src, port: 40_000 }, End { ip: dst, port: u32::from(port) }];
    let [out, back] = [1, packets_back].map(|packets| SentVolume { packets, ..SentVolume::default() });
    FlowRow { times, ends, protocol: 6, sent: [out, back], state, is_cut: false, name: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flow_goes_to_its_destination_or_to_the_system_port_where_no_syn_tells() {
        let port = |src: u32, dst: u32, state| {
            let [one, other] = [1, 2].map(IpAddress::V4);
            let flow = row_of([one, other], 0, state, [0, 1], 0);
            let ends = [End { ip: one, port: src }, End { ip: other, port: dst }];
            FlowRow { ends, ..flow }.port().1
        };
        let none = crate::packets::NO_CODE;
        let cases = [
            ([50_000, 443], Some(443)),
            ([443, 50_000], Some(443)),
            ([53, 123], Some(123)),
            ([50_000, 8080], Some(8080)),
            ([8080, 50_000], Some(50_000)),
            ([1024, 1023], Some(1023)),
            ([1023, 1024], Some(1023)),
            ([none, none], None),
        ];
        for ([src, dst], expected) in cases {
            assert_eq!([None, Some("OTH")].map(|state| port(src, dst, state)), [expected; 2], "{src} {dst}");
            // NFS is asked from system ports, and a scan can choose its own.
            let told = ["S0", "SF", "REJ"].map(|state| port(src, dst, Some(state)));
            assert_eq!(told, [u16::try_from(dst).ok(); 3], "{src} {dst}");
        }
    }
}

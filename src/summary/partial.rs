//! What a unit contributes to the summaries, while its packets are converted.

use std::net::IpAddr;

use crate::aggregate::{Aggregator, Space};
use crate::bug::bug;
use crate::day::Day;
use crate::decode::{Packet, Tunnels, dns};
use crate::error::Result;
use crate::names::of_host;
use crate::packets::Rows;

use super::count::Counter;
use super::flows::FlowCounter;
use super::messages::MessageCounts;
use super::sum_kind::SumKind;
use super::tunnel_counts::TunnelCounts;

/// Contributions of some rows and messages, on the way to an [`Aggregator`]. They add up with others in any order.
#[derive(Debug)]
pub struct Partial {
    aggregator: Aggregator,
    counter: Counter,
    flows: Option<FlowCounter>,
    messages: MessageCounts,
    tunnels: TunnelCounts,
    /// Memory for a name.
    server_name: Vec<u8>,
    /// Rows and row groups that were added since the memory of the sums was last checked.
    unseen: usize,
}

/// What a row group counts for, besides its rows.
const ROW_GROUP: usize = 64;
/// Rows between two checks: with thousands of dates, a check of all of them costs more than counting some rows.
const STRIDE: usize = 8192;

impl Partial {
    /// Nothing yet. What does not fit in memory is spilled.
    #[must_use]
    pub fn new(space: &Space) -> Self {
        Self {
            aggregator: Aggregator::new(space),
            counter: Counter::default(),
            flows: None,
            messages: MessageCounts::default(),
            tunnels: TunnelCounts::default(),
            server_name: Vec::new(),
            unseen: 0,
        }
    }

    /// The same, counting the clients of DNS messages too, or not.
    #[must_use]
    pub fn counting_clients(mut self, counts: bool) -> Self {
        self.messages.count_clients(counts);
        self
    }

    /// The same, which also counts flows, if there is a timeout for them in microseconds. `by_owner` says whether captures may be taken
    /// out again: the pieces of flows are then kept by the capture that each row came from.
    #[must_use]
    pub fn with_flows(self, timeout: Option<i64>, by_owner: bool) -> Self {
        Self { flows: timeout.map(|timeout| FlowCounter::new(timeout, by_owner)), ..self }
    }

    /// Adds the rows of one partition, whose date is `day`.
    ///
    /// Windows of `window` microseconds begin at multiples of it since the Unix epoch, and belong to the date on which
    /// they begin.
    ///
    /// # Errors
    /// If there is no room left in memory, and the sums cannot be spilled.
    pub fn add_rows(&mut self, day: Day, rows: &Rows, window: i64) -> Result<()> {
        self.counter.count(day, rows, window, &mut self.aggregator);
        if let Some(flows) = &mut self.flows {
            flows.count(day, rows, &mut self.aggregator);
        }
        self.unseen += rows.len() + ROW_GROUP;
        if self.unseen < STRIDE {
            return Ok(());
        }
        self.unseen = 0;
        self.aggregator.keep_within()
    }

    /// DNS messages, server names and tunnels that are added from now on belong to the capture at this place of its unit. Rows do
    /// not tell what they contribute, or not in every lake. So it is kept by capture, for the day when the capture is removed.
    ///
    /// # Errors
    /// [`Error::Bug`](crate::error::Error::Bug) if a unit has more captures than memory could hold.
    pub fn begin(&mut self, capture: usize) -> Result<()> {
        let owner = u32::try_from(capture).map_err(|_| bug!())?;
        self.messages.belong_to(owner, &mut self.aggregator);
        self.tunnels.belong_to(owner, &mut self.aggregator);
        Ok(())
    }

    /// Adds a DNS message that was captured on `day` in this packet: who asked, what was asked, and how it was answered.
    pub fn add_message(&mut self, day: Day, message: &dns::Message<'_>, packet: &Packet<'_>) {
        let client = if message.is_response() { packet.ip_dst } else { packet.ip_src };
        self.messages.add(day, message, client, &mut self.aggregator);
    }

    /// Adds each address that a DNS message gives under the name that was asked; `micros` is when it was captured, in
    /// microseconds since the Unix epoch.
    pub fn add_names(&mut self, day: Day, micros: Option<i64>, message: &dns::Message<'_>) {
        self.messages.add_names(day, micros, message, &mut self.aggregator);
    }

    /// Adds the server name of a ClientHello as a name of the address that it was sent to, if the packet is one and DNS could have
    /// such a name; `micros` as in [`Partial::add_names`]. An address as text is no name.
    pub fn add_server_name(&mut self, day: Day, micros: Option<i64>, packet: &Packet<'_>) {
        self.server_name.clear();
        let bytes = &mut self.server_name;
        let Some(address) = packet.tls_server_name(|piece| bytes.extend_from_slice(piece)).and(packet.ip_dst) else {
            return;
        };
        let is_address = |name: &&[u8]| std::str::from_utf8(name).is_ok_and(|name| name.parse::<IpAddr>().is_ok());
        let name = Some(self.server_name.as_slice()).filter(|name| !is_address(name)).and_then(of_host);
        if let Some(name) = name {
            self.messages.add_server_name(day, micros, (address, &name), &mut self.aggregator);
        }
    }

    /// Adds a packet of `length` bytes that was captured on `day` and taken out of tunnels. Its row must be added as well, for
    /// rows are what the memory of the sums is checked by.
    #[inline]
    pub fn add_tunnels(&mut self, day: Day, tunnels: &Tunnels<'_>, length: i64) {
        self.tunnels.add(day, tunnels, length, &mut self.aggregator);
    }

    /// Spills the sums in memory if they exceed the limit.
    ///
    /// # Errors
    /// If the sums cannot be spilled.
    pub fn keep_within(&mut self) -> Result<()> {
        self.aggregator.keep_within()
    }

    /// Moves what was added under [`Day::UNKNOWN`] to `day`.
    pub fn resolve(&mut self, day: Day) {
        self.flush();
        self.aggregator.redate(Day::UNKNOWN, day);
    }

    /// All that was added.
    #[must_use]
    pub fn into_aggregator(mut self) -> Aggregator {
        self.flush();
        self.aggregator
    }

    fn flush(&mut self) {
        self.counter.flush(&mut self.aggregator);
        self.messages.flush(&mut self.aggregator);
        self.tunnels.flush(&mut self.aggregator);
    }

    /// The names that were added, as names of some times only: a table shows them, and no address is named by them.
    ///
    /// # Errors
    /// If sums cannot be read or spilled.
    pub fn into_names_within(self) -> Result<Aggregator> {
        let mut names = self.into_aggregator();
        let mut within = Aggregator::new(names.space());
        for group in names.groups() {
            let mut merge = names.read(group)?;
            while let Some((key, sums)) = merge.next()? {
                within.add(SumKind::NamesWithin.group(group.day), key, sums)?;
            }
        }
        Ok(within)
    }
}

//! The ports of a conversation.

use std::cmp::Reverse;

use super::rows::protocol;

/// Ports of a conversation that are shown.
const SHOWN: usize = 3;

/// What the flows of a conversation went to: protocols and ports, those of most flows first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PairPorts {
    /// Protocols as in the packets table, and ports; none where a protocol has no ports, or they were not seen.
    pub most: Vec<(String, Option<u16>)>,
    /// How many others there are.
    pub others: u64,
}

/// A protocol and a port.
pub(super) type FlowPort = (u16, Option<u16>);

/// The ports of a conversation with most flows, while flows come port by port.
#[derive(Debug, Default)]
pub(super) struct MostPorts {
    /// With how many flows. The last port is still being added up.
    held: Vec<(FlowPort, i64)>,
    ports: u64,
}

impl MostPorts {
    /// Takes flows. Those of a port come one after another.
    pub(super) fn add(&mut self, port: FlowPort, flows: i64) {
        match self.held.last_mut() {
            Some((held, count)) if *held == port => *count = count.saturating_add(flows),
            _ => {
                self.keep_most();
                self.held.push((port, flows));
                self.ports += 1;
            }
        }
    }

    /// Of ports with equally many flows, the first one stays.
    fn keep_most(&mut self) {
        self.held.sort_by_key(|(_, count)| Reverse(*count));
        self.held.truncate(SHOWN);
    }

    pub(super) fn into_ports(mut self) -> PairPorts {
        self.keep_most();
        let others = self.ports - self.held.len() as u64;
        // A flow is of an IP header, so its protocol is known.
        let text = |number| protocol(number).unwrap_or_default().into_owned();
        let most = self.held.into_iter().map(|((number, port), _)| (text(number), port)).collect();
        PairPorts { most, others }
    }
}

//! Whether packets fit into one pcap: it has one link type, and times in microseconds or nanoseconds.

use crate::capture::{Interface, LinkType, PcapForm, Timestamp};

/// What is said of the largest captured length where a capture says nothing: libpcap's maximum.
const SNAP_LEN: u32 = 262_144;

/// What a pcap must have to hold some packets, or why none can.
#[derive(Clone, Debug, Default)]
pub(super) struct PcapNeeds {
    link_type: Option<LinkType>,
    snap_len: u32,
    nanoseconds: bool,
    problem: Option<String>,
}

impl PcapNeeds {
    /// Notes a packet.
    pub(super) fn note(&mut self, time: Option<Timestamp>, interface: Option<&Interface>, is_short: bool) {
        if self.problem.is_some() {
            return;
        }
        let Some(interface) = interface else { return self.fail("one has no interface, and so no link type") };
        let Some(time) = time else { return self.fail("one has no time") };
        if u32::try_from(time.seconds()).is_err() {
            return self.fail("the time of one is before 1970 or after 2106");
        }
        if is_short {
            return self.fail("one has fewer captured bytes than its record says");
        }
        match interface.resolution.0 {
            0..=6 => {}
            7..=9 => self.nanoseconds = true,
            _ => return self.fail(&format!("times are in units of {}", interface.resolution)),
        }
        self.snap_len = self.snap_len.max(if interface.snap_len == 0 { SNAP_LEN } else { interface.snap_len });
        self.of_link_type(interface.link_type);
    }

    /// Adds what other packets need.
    pub(super) fn add(&mut self, other: &Self) {
        self.nanoseconds |= other.nanoseconds;
        self.snap_len = self.snap_len.max(other.snap_len);
        self.problem = self.problem.take().or_else(|| other.problem.clone());
        other.link_type.into_iter().for_each(|link_type| self.of_link_type(link_type));
    }

    /// The pcap that holds them.
    pub(super) fn form(self) -> Result<PcapForm, String> {
        match self.problem {
            Some(problem) => Err(problem),
            None => Ok(PcapForm {
                link_type: self.link_type.unwrap_or(LinkType(1)),
                snap_len: if self.snap_len == 0 { SNAP_LEN } else { self.snap_len },
                nanoseconds: self.nanoseconds,
            }),
        }
    }

    fn of_link_type(&mut self, link_type: LinkType) {
        let held = *self.link_type.get_or_insert(link_type);
        if held != link_type && self.problem.is_none() {
            self.fail(&format!("they are of several link types, {held} and {link_type}"));
        }
    }

    fn fail(&mut self, problem: &str) {
        self.problem = Some(problem.to_owned());
    }
}

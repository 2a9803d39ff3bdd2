//! What a unit contributes to the summaries. Contributions add up in any order.

use std::collections::{BTreeMap, HashMap};
use std::ops::AddAssign;

use serde::{Deserialize, Serialize};

use crate::columns::{NO_PROTOCOL, Rows};
use crate::decode::{IpAddress, dns};
use crate::partition::Day;

/// How much, and how many packets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Volume {
    /// Sum of `length`.
    pub bytes: i64,
    /// Packets.
    pub packets: i64,
}

impl AddAssign for Volume {
    fn add_assign(&mut self, more: Self) {
        self.bytes += more.bytes;
        self.packets += more.packets;
    }
}

/// A name that DNS gave to an address, in lower case, as presentation text.
pub type Named = (IpAddress, String);

/// Contributions to the tables of one date.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DayPartial {
    /// By destination address; `None` for packets without one.
    pub destinations: HashMap<Option<IpAddress>, Volume, foldhash::fast::RandomState>,
    /// By protocol number, or [`NO_PROTOCOL`].
    pub protocols: BTreeMap<u16, Volume>,
    /// By start of the window, in microseconds since the Unix epoch; `None` for packets without a time.
    pub windows: BTreeMap<Option<i64>, Volume>,
    /// How often DNS answered with an address to a name.
    pub names: HashMap<Named, i64, foldhash::fast::RandomState>,
}

impl AddAssign for DayPartial {
    fn add_assign(&mut self, more: Self) {
        for (key, volume) in more.destinations {
            *self.destinations.entry(key).or_default() += volume;
        }
        for (key, volume) in more.protocols {
            *self.protocols.entry(key).or_default() += volume;
        }
        for (key, volume) in more.windows {
            *self.windows.entry(key).or_default() += volume;
        }
        for (key, count) in more.names {
            *self.names.entry(key).or_default() += count;
        }
    }
}

/// Contributions to the tables of some dates.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Partial {
    /// By date.
    pub days: BTreeMap<Day, DayPartial>,
}

impl AddAssign for Partial {
    fn add_assign(&mut self, more: Self) {
        for (day, more) in more.days {
            *self.days.entry(day).or_default() += more;
        }
    }
}

impl Partial {
    /// Adds the rows of one partition, of which `day` is the date. Addresses are counted by their codes, so that each
    /// distinct one is looked up once a row group.
    ///
    /// Windows of `window` microseconds begin at multiples of it since the Unix epoch, and belong to the date on which
    /// they begin.
    pub fn add_rows(&mut self, day: Day, rows: &Rows, window: i64) {
        let table = rows.addresses();
        let mut by_code = vec![Volume::default(); table.len()];
        let mut nowhere = Volume::default();
        let mut by_protocol = [Volume::default(); NO_PROTOCOL as usize + 1];
        let mut windows: Vec<(Option<i64>, Volume)> = Vec::new();
        let columns = rows.destinations().iter().zip(rows.lengths()).zip(rows.protocols()).zip(rows.micros());
        for (((code, bytes), protocol), micros) in columns {
            let volume = Volume { bytes: *bytes, packets: 1 };
            *by_code.get_mut(*code as usize).unwrap_or(&mut nowhere) += volume;
            if let Some(sum) = by_protocol.get_mut(usize::from(*protocol)) {
                *sum += volume;
            }
            match windows.last_mut() {
                // The packets of a window mostly follow one another: no division, no lookup.
                Some((held, sum)) if holds(*held, micros, window) => *sum += volume,
                _ => windows.push((micros.map(|micros| micros - micros.rem_euclid(window)), volume)),
            }
        }
        for (start, volume) in windows {
            let day = start.map_or(day, |start| Day::of_seconds(start.div_euclid(1_000_000)));
            *self.days.entry(day).or_default().windows.entry(start).or_default() += volume;
        }
        let partial = self.days.entry(day).or_default();
        for (code, volume) in (0u32..).zip(by_code).filter(|(_, volume)| volume.packets > 0) {
            *partial.destinations.entry(table.key(code)).or_default() += volume;
        }
        if nowhere.packets > 0 {
            *partial.destinations.entry(None).or_default() += nowhere;
        }
        for (protocol, volume) in (0u16..).zip(by_protocol).filter(|(_, volume)| volume.packets > 0) {
            *partial.protocols.entry(protocol).or_default() += volume;
        }
    }

    /// Adds the address answers of a DNS message that was captured on `day`: each address under the name that was asked.
    pub fn add_names(&mut self, day: Day, message: &dns::Message<'_>) {
        for (name, address) in message.addresses() {
            let mut text = Vec::new();
            name.write_to(&mut text);
            // Resolvers vary the case of what they ask; the names are the same.
            text.make_ascii_lowercase();
            if let Ok(text) = String::from_utf8(text) {
                *self.days.entry(day).or_default().names.entry((address, text)).or_default() += 1;
            }
        }
    }

    /// What was added under [`Day::UNKNOWN`] belongs to `day`.
    pub fn resolve(&mut self, day: Day) {
        if let Some(waiting) = self.days.remove(&Day::UNKNOWN) {
            *self.days.entry(day).or_default() += waiting;
        }
    }

    /// The dates that it contributes to.
    #[must_use]
    pub fn days(&self) -> Vec<Day> {
        self.days.keys().copied().collect()
    }
}

fn holds(start: Option<i64>, micros: Option<i64>, window: i64) -> bool {
    match (start, micros) {
        (Some(start), Some(micros)) => (start..start + window).contains(&micros),
        (None, None) => true,
        _ => false,
    }
}

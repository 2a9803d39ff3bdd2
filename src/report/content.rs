//! The content of a report: sums and tables, which the caller makes.

use std::collections::BTreeMap;

use crate::config::LengthKind;
use crate::summary::{Newcomers, PairPorts, Patterns, Preview, Series, Tracks};

use super::capture_times::CaptureTimes;
use super::clock_steps::ClockSteps;
use super::implausible::ImplausibleCounts;
use super::long_captures::LongCaptures;
use super::rotation::Stray;

/// How sources of names are asked for, in the words of the program that makes the page.
#[derive(Clone, Copy, Debug)]
pub struct NameOptions {
    /// DNS answers in the captures.
    pub dns: &'static str,
    /// A hosts file as well.
    pub hosts: &'static str,
    /// Reverse lookups as well.
    pub ptr: &'static str,
    /// Reverse lookups of private addresses.
    pub private: &'static str,
}

impl Default for NameOptions {
    fn default() -> Self {
        Self { dns: "dns", hosts: "hosts", ptr: "ptr", private: "private" }
    }
}

/// How a reader asks for what the page says, in the words of the program that makes it.
#[derive(Clone, Debug, Default)]
pub struct QueryWords {
    /// The path of the lake, if its tables can be asked in SQL for what the page says. `None` for captures, and if a filter took some of
    /// the packets.
    pub lake: Option<String>,
    /// The command that shows tables of the same packets; `None` if it would be too long. Options are appended to it.
    pub summarize: Option<String>,
    /// The option for a table, before its name.
    pub table: &'static str,
    /// The command that says what is in a capture, before its path.
    pub inspect: &'static str,
    /// Writes a path as a word of a command.
    pub word: Option<fn(&str) -> String>,
    /// The options of the filter; empty if there is none.
    pub filter: String,
    /// Commands that count flows: for a lake, and of captures.
    pub flows: [&'static str; 2],
}

/// A table that the page lacks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AbsentTable {
    /// Its name.
    pub name: &'static str,
    /// Why it is not there, as part of a sentence.
    pub why: String,
    /// A command that gives it, if there is one.
    pub gives: Option<&'static str>,
}

/// Everything that a report says.
///
/// A column that is missing from a table is shown as if it were null throughout.
#[derive(Clone, Debug, Default)]
pub struct PageContent {
    /// The title of the page, unless it is the lake's path.
    pub title: Option<String>,
    /// The path of the lake, or the paths of the captures, as given.
    pub lake: String,
    /// Whether captures were summed up, and not a lake.
    pub of_captures: bool,
    /// What bytes count.
    pub length: LengthKind,
    /// Where names come from: `dns`, `hosts`, `ptr`.
    pub sources: Vec<&'static str>,
    /// How other sources of names are asked for.
    pub name_options: NameOptions,
    /// Names of the addresses in the tables.
    pub names: BTreeMap<String, String>,
    /// Captures with a packet whose announced length is not credible and is much of all bytes, the largest first.
    pub implausible: Vec<ImplausibleCounts>,
    /// First and last date, `2024-03-11`.
    pub dates: Option<(String, String)>,
    /// When the report was made, RFC 3339, UTC.
    pub made: String,
    /// Packets in the lake.
    pub packets: i64,
    /// Bytes of these packets.
    pub bytes: i64,
    /// Captures that the lake was made of.
    pub captures: u64,
    /// How many of these captures are damaged.
    pub damaged: u64,
    /// Captures that were refused and gave no packets.
    pub refused: u64,
    /// How a reader asks for the same.
    pub words: QueryWords,
    /// Tables that cannot be made as asked, or that the lake does not have.
    pub absent: Vec<AbsentTable>,
    /// When there were captures.
    pub capture_times: CaptureTimes,
    /// Captures whose times do not fit between those of their neighbours, and how many there are.
    pub strays: (u64, Vec<Stray>),
    /// Captures whose times go back.
    pub clock_steps: ClockSteps,
    /// Captures that take days.
    pub long_captures: LongCaptures,
    /// Who sent packets on the last date, and never before.
    pub newcomers: Newcomers,
    /// What flows look like, if they were counted.
    pub patterns: Patterns,
    /// `client`, `rcode`, `queries`, `names`: clients of DNS and response codes that say that questions failed.
    pub failing_clients: Preview,
    /// Traffic over time.
    pub series: Series,
    /// What addresses of the largest names sent and were sent on each date; null and `N/A` as in `by_name`.
    pub names_by_date: Option<Tracks>,
    /// `name_dst`, `bytes`, `packets`; null for packets without an address, `N/A` for addresses without a name.
    pub by_name: Preview,
    /// `ip_dst`, `bytes`, `packets`; null for packets without an address.
    pub by_ip: Preview,
    /// `ip_src`, `bytes`, `packets`; null for packets without an address.
    pub by_src: Preview,
    /// `protocol`, `bytes`, `packets`; null for packets without an IP header.
    pub protocols: Preview,
    /// `protocol`, `port`, `bytes`, `packets`, `bytes_from`, `packets_from`.
    pub ports: Preview,
    /// `ip_src`, `ip_dst`, `bytes`, `packets`, `bytes_out`, `packets_out`, `bytes_in`, `packets_in`: conversations with both directions in one
    /// row. The source is who sent more; out is from it. With flows also `flows`, `silent` (how many of them nobody answered), `states`
    /// (TCP states, each with a number), `first_time` and `last_time`.
    pub conversations: Preview,
    /// What the flows of each conversation went to, if they were counted.
    pub conversation_ports: Vec<PairPorts>,
    /// `name`, `type`, `response_code`, `count`: the names asked for most. Queries have no response code.
    pub dns_queries: Preview,
    /// `name`, `type`, `response_code`, `count`: only response codes other than NOERROR.
    pub dns_failures: Preview,
    /// `capture`, `format`, `packets`, `bytes`, `first_time`, `last_time`, `status` (`whole`, `odd`, `damaged` or
    /// `refused`), `damage` (text), `damage_offset`.
    pub captures_table: Preview,
}

impl PageContent {
    /// Whether a table is on the page.
    pub(super) fn has(&self, table: &str) -> bool {
        self.absent.iter().all(|absent| absent.name != table)
    }
}

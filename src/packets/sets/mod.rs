//! The columns that a lake has if they are asked for, in sets. They come after those of every lake, in this order.
//!
//! To add a column, add its entry to its set, and make `docs/columns.md` again (`PARCAP_BLESS=1 cargo test docs::`). A set has a file of its own.

mod capture;
mod dns;
mod flow;
mod ip;
mod link;
mod tls;
mod transport;
mod tunnel;

use crate::config::FurtherColumns;
use crate::decode::Packet;

use super::column_storage::{Further, Storage};
use super::schema::{COLUMNS, Column, column};

pub(crate) use transport::TCP_FLAGS;
pub(super) use tunnel::IN_EACH as IN_EACH_OF_TUNNELS;

/// The column of numbers that are known in a chunk only once all before it has been read.
pub const FRAME: &str = "frame";
/// The column of the names of interfaces. A capture that is read in chunks needs to know the names in each.
pub const INTERFACE: &str = "interface";

/// Columns that belong together.
#[derive(Clone, Copy, Debug)]
pub struct ColumnSet {
    /// Its name.
    pub name: &'static str,
    /// Its columns, in their order.
    pub columns: &'static [Column],
    /// Which packets have them.
    applies: Applies,
}

/// Which packets may have a value of a column. Others are not asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Applies {
    /// All.
    Always,
    /// Those that are DNS messages.
    Dns,
    /// Those that were taken out of a tunnel.
    Tunnel,
    /// Those with a TCP header.
    Tcp,
}

impl Applies {
    #[inline]
    pub(super) fn to(self, packet: &Packet<'_>) -> bool {
        match self {
            Self::Always => true,
            Self::Dns => packet.dns.is_some(),
            Self::Tunnel => !packet.tunnels.is_empty(),
            Self::Tcp => packet.is_tcp(),
        }
    }
}

const fn further(name: &'static str, of: Further, null_when: &'static str, meaning: &'static str) -> Column {
    column(name, Storage::Further(of), null_when, meaning)
}

/// The sets, in their order.
#[rustfmt::skip]
pub static SETS: &[ColumnSet] = &[
    ColumnSet { name: "capture", columns: capture::COLUMNS, applies: Applies::Always },
    ColumnSet { name: "link", columns: link::COLUMNS, applies: Applies::Always },
    ColumnSet { name: "ip", columns: ip::COLUMNS, applies: Applies::Always },
    ColumnSet { name: "transport", columns: transport::COLUMNS, applies: Applies::Always },
    ColumnSet { name: "flow", columns: flow::COLUMNS, applies: Applies::Always },
    ColumnSet { name: "dns", columns: dns::COLUMNS, applies: Applies::Dns },
    ColumnSet { name: "tunnel", columns: tunnel::COLUMNS, applies: Applies::Tunnel },
    ColumnSet { name: "tls", columns: tls::COLUMNS, applies: Applies::Tcp },
];

/// Which packets may have a value of a column.
pub(super) fn applies(name: &str) -> Applies {
    let of = |set: &&ColumnSet| set.columns.iter().any(|column| column.name == name);
    SETS.iter().find(of).map_or(Applies::Always, |set| set.applies)
}

/// All further columns, in their order.
fn all() -> impl Iterator<Item = &'static Column> {
    SETS.iter().flat_map(|set| set.columns)
}

/// The column with a name, whether every lake has it or not.
pub fn find_column(name: &str) -> Option<&'static Column> {
    COLUMNS.iter().chain(all()).find(|column| column.name == name)
}

/// The further columns of some sets and single names, with commas between.
///
/// # Errors
/// The first name that is neither, and that of a column of every lake.
///
/// ```
/// # use parcap::packets::further_columns;
/// assert_eq!(further_columns("tcp_flags,ip_ttl").unwrap().to_string(), "ip_ttl,tcp_flags");
/// assert_eq!(further_columns("transport").unwrap().names().count(), 7);
/// assert!(further_columns("").unwrap().is_empty());
/// assert_eq!(further_columns("ip,ttl").unwrap_err(), "ttl");
/// ```
pub fn further_columns(asked: &str) -> Result<FurtherColumns, String> {
    let asked: Vec<&str> = asked.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
    let of_set = |name: &str| SETS.iter().find(|set| set.name == name).map_or(&[][..], |set| set.columns);
    let is_known = |name: &str| !of_set(name).is_empty() || all().any(|column| column.name == name);
    if let Some(name) = asked.iter().find(|name| !is_known(name)) {
        return Err((*name).to_owned());
    }
    let is_asked = |column: &Column| {
        asked.iter().any(|name| column.name == *name || of_set(name).iter().any(|one| one.name == column.name))
    };
    Ok(FurtherColumns(all().filter(|column| is_asked(column)).map(|column| column.name.to_owned()).collect()))
}

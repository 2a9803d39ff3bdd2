//! Whether some rows have what somebody asks for.

use crate::config::SERVER_NAMES;

use super::further::FurtherColumn;
use super::rows::Rows;
use super::sets::IN_EACH_OF_TUNNELS;

/// IANA protocol number of TCP.
pub(crate) const TCP: u16 = 6;

impl Rows {
    /// Whether a row is of a TCP packet.
    pub(crate) fn has_tcp(&self) -> bool {
        self.flows().iter().any(|flow| flow.protocol == TCP)
    }

    /// Whether a row has the server name of a ClientHello.
    #[must_use]
    pub fn has_server_names(&self) -> bool {
        self.further.iter().any(|column| column.name == SERVER_NAMES && column.has_text())
    }

    /// Whether a row may be of a packet that was taken out of a tunnel, in a lake that looks into them. The text of the columns of
    /// tunnels tells; without such a column any row may be.
    #[must_use]
    pub fn may_have_tunnels(&self) -> bool {
        let mut telling = self.further.iter().filter(|column| IN_EACH_OF_TUNNELS.contains(&column.name)).peekable();
        !self.is_empty() && (telling.peek().is_none() || telling.any(FurtherColumn::has_text))
    }
}

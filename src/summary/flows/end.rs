//! One end of a flow, and the key of both.

use crate::address::IpAddress;
use crate::packets::NO_CODE;
use crate::summary::key::{Key, KeyReader};

/// An address, and a port, [`NO_CODE`] for none. In the order of its bytes in a key: no port comes last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct End {
    pub(super) ip: IpAddress,
    pub(super) port: u32,
}

impl End {
    /// The port as a number; `None` if there is none.
    pub(super) fn port(self) -> Option<u16> {
        u16::try_from(self.port).ok()
    }

    pub(super) fn write(self, key: &mut Key) {
        key.address(Some(self.ip)).port(self.port());
    }

    /// `None` if there is no address.
    pub(super) fn read(reader: &mut KeyReader<'_>) -> Option<Self> {
        Some(Self { ip: reader.address()?, port: reader.port().map_or(NO_CODE, u32::from) })
    }
}

/// Writes the key of the flows between two ends, the lower one first, by a protocol.
pub(super) fn write_pair(key: &mut Key, ends: [End; 2], protocol: u16) {
    ends.into_iter().for_each(|end| end.write(key));
    key.protocol(protocol);
}

/// Reads what [`write_pair`] wrote, and returns what comes after it. `None` if it is no such key.
pub(super) fn read_pair(key: &[u8]) -> Option<([End; 2], u16, &[u8])> {
    let mut reader = KeyReader(key);
    let ends = [End::read(&mut reader)?, End::read(&mut reader)?];
    Some((ends, reader.protocol(), reader.0))
}

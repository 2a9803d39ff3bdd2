//! The server name in the ClientHello of TLS.
//!
//! In: the payload of a TCP segment, on any port. Out: the bytes of the first host name in the extension `server_name`, if the
//! segment begins with TLS records and the first handshake record among them begins a ClientHello. Records of other types may stand
//! before it: after a HelloRetryRequest, a change_cipher_spec does. The message may lie in several records. What comes after the
//! name need not be there. Always: each step goes on in the segment, so its length bounds the work. Not here: a name that lies in
//! a later segment, QUIC, DTLS, the format of SSL 2.
//!
//! Source: RFC 8446 4.1.2 and 5.1, RFC 5246 7.4.1.2, RFC 6066 3, appendix D.4 of RFC 8446.

use super::field::be16;
use super::packet::Packet;
use super::transport::TCP;

const HANDSHAKE: u8 = 22;
/// change_cipher_spec, alert, handshake, application_data, heartbeat.
const CONTENT_TYPES: std::ops::RangeInclusive<u8> = 20..=24;
const CLIENT_HELLO: usize = 1;
/// The number of the extension.
const SERVER_NAME: usize = 0;
/// The only type of names in it.
const HOST_NAME: usize = 0;
/// Random bytes in a ClientHello.
const RANDOM: usize = 32;
/// The major version of SSL 3 and every TLS.
const MAJOR: u8 = 3;
/// Bytes before those of a record: its type, version and length.
const RECORD_HEADER: usize = 5;

impl Packet<'_> {
    /// Hands on the server name of a ClientHello as it was sent, piece by piece if it lies in several records. `None` if there is
    /// none, or none that is whole; what was handed on is void then.
    #[must_use]
    #[inline]
    pub fn tls_server_name(&self, name: impl FnMut(&[u8])) -> Option<()> {
        let segment = self.transport.filter(|_| self.protocol == Some(TCP))?;
        let header = usize::from(segment.get(12)? >> 4) * 4;
        let payload = segment.get(header.max(20)..)?;
        match payload {
            [kind, MAJOR, ..] if CONTENT_TYPES.contains(kind) => server_name(payload, name),
            _ => None,
        }
    }
}

#[inline(never)]
fn server_name(payload: &[u8], name: impl FnMut(&[u8])) -> Option<()> {
    let mut records = payload;
    // Each record has at least the bytes of its header.
    while *records.first()? != HANDSHAKE {
        records = records.get(RECORD_HEADER + record_length(records)?..)?;
    }
    let mut hello = Handshake { records, in_record: 0, left: usize::MAX };
    if hello.number(1)? != CLIENT_HELLO {
        return None;
    }
    hello.enter(3)?;
    if hello.number(2)? >> 8 != usize::from(MAJOR) {
        return None;
    }
    hello.skip(RANDOM)?;
    // The session, the cipher suites and the ways of compression.
    for length_bytes in [1, 2, 1] {
        let length = hello.number(length_bytes)?;
        hello.skip(length)?;
    }
    hello.enter(2)?;
    hello.find(2, SERVER_NAME)?;
    hello.enter(2)?;
    hello.enter(2)?;
    hello.find(1, HOST_NAME)?;
    let length = hello.number(2).filter(|length| *length > 0)?;
    hello.take(length, name)
}

/// The length of the record that begins here. `None` if its header is cut, or is none of TLS.
fn record_length(record: &[u8]) -> Option<usize> {
    match record {
        [kind, MAJOR, ..] if CONTENT_TYPES.contains(kind) => Some(usize::from(be16(record, 3)?)),
        _ => None,
    }
}

/// Handshake messages, without the headers of the records in which they lie.
struct Handshake<'a> {
    /// What is left of the segment.
    records: &'a [u8],
    /// Bytes left in the record that is being read.
    in_record: usize,
    /// Bytes left in the part that is being read. Nothing is read after a part that has been entered.
    left: usize,
}

impl Handshake<'_> {
    /// Hands on the next bytes, piece by piece.
    fn take(&mut self, mut length: usize, mut of: impl FnMut(&[u8])) -> Option<()> {
        self.left = self.left.checked_sub(length)?;
        while length > 0 {
            if self.in_record == 0 {
                self.in_record = record_length(self.records).filter(|_| self.records.first() == Some(&HANDSHAKE))?;
                self.records = self.records.get(RECORD_HEADER..)?;
                continue;
            }
            let (piece, rest) = self.records.split_at_checked(length.min(self.in_record))?;
            of(piece);
            self.records = rest;
            self.in_record -= piece.len();
            length -= piece.len();
        }
        Some(())
    }

    fn skip(&mut self, length: usize) -> Option<()> {
        self.take(length, |_| ())
    }

    /// A number of some bytes, at most three.
    fn number(&mut self, bytes: usize) -> Option<usize> {
        let mut number = 0;
        self.take(bytes, |piece| number = piece.iter().fold(number, |number, byte| number << 8 | usize::from(*byte)))?;
        Some(number)
    }

    /// Enters a part that begins here, with its length.
    fn enter(&mut self, length_bytes: usize) -> Option<()> {
        let length = self.number(length_bytes)?;
        self.left = Some(length).filter(|length| *length <= self.left)?;
        Some(())
    }

    /// Goes to the first item of a kind, up to its length, which has two bytes.
    fn find(&mut self, kind_bytes: usize, kind: usize) -> Option<()> {
        while self.number(kind_bytes)? != kind {
            let length = self.number(2)?;
            self.skip(length)?;
        }
        Some(())
    }
}

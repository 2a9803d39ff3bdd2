//! What a ClientHello of TLS says.

use super::super::column_storage::Further;
use super::super::schema::Column;
use super::further;
use crate::config::SERVER_NAMES;
use crate::text::octet_escape;

#[rustfmt::skip]
pub(super) static COLUMNS: &[Column] = &[
    further(SERVER_NAMES, Further::Text(|_, packet, text| {
        packet.tls_server_name(|name| escape(name, text))
    }), "no TCP segment that begins with a ClientHello, no server name in it, or cut before its end", "server name as the client sent it; a backslash is `\\\\`, bytes outside 0x21-0x7e are `\\DDD`").looked_up(),
];

/// Makes text of the bytes of a name, as in the columns of DNS names. A dot is a dot.
fn escape(name: &[u8], text: &mut Vec<u8>) {
    for &byte in name {
        match byte {
            b'\\' => text.extend_from_slice(b"\\\\"),
            0x21..=0x7e => text.push(byte),
            _ => text.extend_from_slice(&octet_escape(byte)),
        }
    }
}

//! The parameters of SVCB and HTTPS records.
//!
//! In: the bytes after the target's name. Out: `key=value` for each, as BIND writes them: lists of protocols and unknown values in
//! quotes, the others without. A value that does not fit its key makes the record one of the generic form.
//!
//! Source: RFC 9460 2.1, 7, 8 and appendix A; RFC 9461 (dohpath), RFC 9540 (ohttp).

use std::io::Write as _;

use crate::address::IpAddress;

use super::super::field::be16;
use super::rdata::{RdataWriter, base64, escaped, quoted};

/// By number, from 0 on.
const KEYS: [&str; 9] =
    ["mandatory", "alpn", "no-default-alpn", "port", "ipv4hint", "ech", "ipv6hint", "dohpath", "ohttp"];

impl RdataWriter<'_, '_> {
    /// All parameters, with a space before each.
    pub(super) fn params(&mut self) -> Option<()> {
        while !self.is_empty() {
            self.out.push(b' ');
            let key = be16(self.take(2)?, 0)?;
            let length = be16(self.take(2)?, 0)?;
            let value = self.take(length.into())?;
            write_key(key, self.out)?;
            write_value(key, value, self.out)?;
        }
        Some(())
    }
}

fn write_key(key: u16, out: &mut Vec<u8>) -> Option<()> {
    match KEYS.get(usize::from(key)) {
        Some(name) => out.extend_from_slice(name.as_bytes()),
        None => write!(out, "key{key}").ok()?,
    }
    Some(())
}

fn write_value(key: u16, value: &[u8], out: &mut Vec<u8>) -> Option<()> {
    match key {
        // Keys without a value.
        2 | 8 => return value.is_empty().then_some(()),
        // A value may be empty where the key is unknown.
        9.. if value.is_empty() => return Some(()),
        _ if value.is_empty() => return None,
        _ => out.push(b'='),
    }
    match key {
        0 => listed(value, out, |key: [u8; 2], out| write_key(u16::from_be_bytes(key), out)),
        1 => protocols(value, out),
        3 => write!(out, "{}", u16::from_be_bytes(value.try_into().ok()?)).ok(),
        4 => listed(value, out, |address: [u8; 4], out| {
            IpAddress::from(address).write_to(out);
            Some(())
        }),
        5 => base64(value, out),
        6 => listed(value, out, |address: [u8; 16], out| {
            IpAddress::from(address).write_to(out);
            Some(())
        }),
        _ => {
            quoted(value, out);
            Some(())
        }
    }
}

/// Items of one size, with commas between.
fn listed<const N: usize>(
    value: &[u8],
    out: &mut Vec<u8>,
    mut write: impl FnMut([u8; N], &mut Vec<u8>) -> Option<()>,
) -> Option<()> {
    for (place, item) in value.chunks(N).enumerate() {
        if place > 0 {
            out.push(b',');
        }
        write(item.try_into().ok()?, out)?;
    }
    Some(())
}

/// Names of protocols, with commas between. A comma within one is escaped, and then its backslash once more.
fn protocols(mut value: &[u8], out: &mut Vec<u8>) -> Option<()> {
    out.push(b'"');
    let mut is_first = true;
    while let Some((length, rest)) = value.split_first() {
        let (name, rest) = rest.split_at_checked(usize::from(*length)).filter(|(name, _)| !name.is_empty())?;
        if !is_first {
            out.push(b',');
        }
        is_first = false;
        for byte in name {
            match byte {
                b',' => out.extend_from_slice(b"\\\\,"),
                b'\\' => out.extend_from_slice(b"\\\\\\\\"),
                _ => escaped(*byte, out),
            }
        }
        value = rest;
    }
    out.push(b'"');
    Some(())
}

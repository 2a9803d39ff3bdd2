//! The system's resolvers, as resolv.conf(5) names them.
//!
//! Only `nameserver` lines count, and only the first three, as in glibc. Other lines are for other programs. parcap has
//! its own settings for how long and how often to ask.

use std::io::{self, Read as _};
use std::net::{IpAddr, Ipv6Addr, SocketAddr, ToSocketAddrs as _};
use std::path::Path;

use crate::storage::open_regular;

/// Where it is.
pub(super) const PATH: &str = "/etc/resolv.conf";

/// The port of DNS.
const PORT: u16 = 53;

/// The most resolvers that count.
const MAX_RESOLVERS: usize = 3;

/// Bytes that are read of the file. Real ones have a few hundred.
const MAX_BYTES: u64 = 1 << 20;

/// The resolvers that a file names; none if it names none.
pub(super) fn read(path: &Path) -> io::Result<Vec<SocketAddr>> {
    let mut bytes = Vec::new();
    open_regular(path)?.take(MAX_BYTES).read_to_end(&mut bytes)?;
    Ok(parse(&String::from_utf8_lossy(&bytes)))
}

fn parse(text: &str) -> Vec<SocketAddr> {
    let named = text.lines().filter_map(|line| {
        let mut words = line.split_ascii_whitespace();
        words.next().filter(|word| *word == "nameserver")?;
        resolver(words.next()?)
    });
    named.take(MAX_RESOLVERS).collect()
}

fn resolver(address: &str) -> Option<SocketAddr> {
    match address.split_once('%') {
        // The standard library has no other way to look up the number of an interface. This call asks no server.
        Some((before, _)) if before.parse::<Ipv6Addr>().is_ok() => (address, PORT).to_socket_addrs().ok()?.next(),
        _ => Some(SocketAddr::new(address.parse::<IpAddr>().ok()?, PORT)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_three_resolvers_count() {
        let text = "# by hand\n; or not\nsearch example.com\nnameserver\nnameserver 192.0.2.1 # first\r\n\
            nameserver example.com\n\tnameserver\t2001:db8::1\nlookup file bind\noptions edns0 timeout:1\n\
            nameserver ::1\nnameserver 192.0.2.4\n";
        let expected = ["192.0.2.1:53", "[2001:db8::1]:53", "[::1]:53"].map(|text| text.parse().unwrap());
        assert_eq!(parse(text), expected);
        assert_eq!(parse("domain example.com\n#nameserver 192.0.2.1\n"), []);
    }

    #[test]
    fn a_zone_is_the_number_of_an_interface() {
        assert_eq!(parse("nameserver fe80::1%no-such-link0\n"), []);
        if let [SocketAddr::V6(address)] = parse("nameserver fe80::1%lo\n").as_slice() {
            assert_ne!(address.scope_id(), 0);
        }
        assert_eq!(parse("nameserver example.com%lo\n"), []);
    }

    #[test]
    fn a_missing_file_is_an_error_and_a_directory_too() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(read(&folder.path().join("none")).unwrap_err().kind(), io::ErrorKind::NotFound);
        assert!(read(folder.path()).is_err());
    }
}

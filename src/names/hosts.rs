//! A hosts file.
//!
//! In: the text of a file as in hosts(5). Out: one name an address. Always: a line that is no address and a name is
//! stepped over and noted, never an error. The first line of an address wins, and in it the first name, the canonical one.
//! Bytes that are not ASCII are escaped as in a DNS name, because nothing says which encoding they have.

use std::collections::HashMap;
use std::io::{self, Read as _};
use std::net::IpAddr;
use std::path::Path;

use crate::address::IpAddress;
use crate::error::{Error, Result};
use crate::names::text;
use crate::path_text::printable;
use crate::storage::open_regular;
use crate::text::plural_of;

/// Bytes that a hosts file may have. The largest that are in use, lists of blocked names, have some 5 MB.
pub const HOSTS_SIZE: u64 = 64 << 20;

/// Names by address from a hosts file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hosts {
    names: HashMap<IpAddress, Box<str>>,
    /// Lines that are no address and a name.
    skipped: u64,
    /// The number of the first one, from 1.
    first_skipped: u64,
    note: Option<String>,
}

impl Hosts {
    /// Reads a hosts file.
    ///
    /// # Memory
    /// The file, at most [`HOSTS_SIZE`], and the names in it.
    /// # Errors
    /// If it cannot be read, or is larger than [`HOSTS_SIZE`].
    pub fn read(path: &Path) -> Result<Self> {
        let file = open_regular(path).map_err(Error::io("open", path))?;
        let mut bytes = Vec::new();
        file.take(HOSTS_SIZE + 1).read_to_end(&mut bytes).map_err(Error::io("read", path))?;
        if bytes.len() as u64 > HOSTS_SIZE {
            let source = io::Error::new(io::ErrorKind::FileTooLarge, "it has over 64 MiB, and no hosts file has");
            return Err(Error::io("read", path)(source));
        }
        let mut hosts = Self::parse(&bytes);
        hosts.note = hosts.skipped_in_words(path);
        Ok(hosts)
    }

    /// What to tell the user about the file, if anything.
    #[must_use]
    pub fn note(&self) -> Option<&str> {
        self.note.as_deref()
    }

    fn skipped_in_words(&self, path: &Path) -> Option<String> {
        let (path, first) = (printable(path), self.first_skipped);
        match self.skipped {
            0 => None,
            1 => Some(format!("{path}: line {first} is no address and a name, and was passed over")),
            more => {
                let others = plural_of(more - 1, "other line", "other lines");
                Some(format!("{path}: line {first} and {others} are no address and a name, and were passed over"))
            }
        }
    }

    /// The name of an address, in lower case and with the final dot.
    ///
    /// ```
    /// # use parcap::address::IpAddress;
    /// # use parcap::names::Hosts;
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("hosts");
    /// std::fs::write(&path, "127.0.0.1 Localhost loopback # this machine\n")?;
    /// let hosts = Hosts::read(&path)?;
    /// assert_eq!(hosts.name(IpAddress::V4(0x7f00_0001)), Some("localhost."));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn name(&self, address: IpAddress) -> Option<&str> {
        self.names.get(&address).map(AsRef::as_ref)
    }

    fn parse(bytes: &[u8]) -> Self {
        let mut hosts = Self::default();
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        for (number, line) in (1..).zip(bytes.split(|byte| *byte == b'\n')) {
            let said = line.split(|byte| *byte == b'#').next().unwrap_or_default().trim_ascii();
            if said.is_empty() {
                continue;
            }
            if let Some((address, name)) = entry(said) {
                hosts.names.entry(address).or_insert(name.into());
            } else {
                hosts.first_skipped = if hosts.skipped == 0 { number } else { hosts.first_skipped };
                hosts.skipped += 1;
            }
        }
        hosts
    }
}

/// The address and the first name of a line.
fn entry(line: &[u8]) -> Option<(IpAddress, String)> {
    let mut words = line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    let address = std::str::from_utf8(words.next()?).ok()?;
    let address = match address.split_once('%') {
        // A zone names a link of this machine. Packets do not have zones.
        Some((address, zone)) if !zone.is_empty() => IpAddr::V6(address.parse().ok()?),
        _ => address.parse().ok()?,
    };
    Some((address.into(), text::of_host(words.next()?)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn v4(octets: [u8; 4]) -> IpAddress {
        octets.into()
    }

    #[test]
    fn debians_file_is_read() {
        let hosts = Hosts::parse(
            b"127.0.0.1\tlocalhost\n127.0.1.1\tDebian.example.com debian\n\n# for IPv6\n\
              ::1     localhost ip6-localhost ip6-loopback\nff02::1 ip6-allnodes\n",
        );
        assert_eq!(hosts.name(v4([127, 0, 0, 1])), Some("localhost."));
        assert_eq!(hosts.name(v4([127, 0, 1, 1])), Some("debian.example.com."));
        assert_eq!(hosts.name(IpAddress::V6(1)), Some("localhost."));
        assert_eq!(hosts.name(IpAddress::V6(0xff02 << 112 | 1)), Some("ip6-allnodes."));
        assert_eq!(hosts.name(v4([127, 0, 0, 2])), None);
        assert_eq!(hosts.names.len(), 4);
    }

    #[test]
    fn the_first_line_of_an_address_wins() {
        let hosts = Hosts::parse(b"10.0.0.1 first second\n10.0.0.1 third\n");
        assert_eq!(hosts.name(v4([10, 0, 0, 1])), Some("first."));
    }

    #[test]
    fn windows_files_zones_comments_and_final_dots() {
        let hosts = Hosts::parse(
            b"\xef\xbb\xbf10.0.0.1 a.\r\n\t 10.0.0.2 \x0b\tb#c\r\n \r\n#\r\nfe80::1%lo0 localhost\r\n\
              ::ffff:10.0.0.3 mapped\r\n10.0.0.4 M\xc3\xbcller\\x",
        );
        assert_eq!(hosts.name(v4([10, 0, 0, 1])), Some("a."));
        assert_eq!(hosts.name(v4([10, 0, 0, 2])), None, "a vertical tab is no space, and no part of a name");
        assert_eq!(hosts.name(IpAddress::V6(0xfe80 << 112 | 1)), Some("localhost."));
        assert_eq!(hosts.name(IpAddress::V6(0xffff_0a00_0003)), Some("mapped."));
        assert_eq!(hosts.name(v4([10, 0, 0, 3])), None);
        assert_eq!(hosts.name(v4([10, 0, 0, 4])), Some("m\\195\\188ller\\\\x."));
    }

    #[test]
    fn lines_that_say_nothing_of_use_are_counted() {
        let long = format!("10.0.0.1 {}", "a".repeat(64));
        let longer = format!("10.0.0.1 {}a", "a.".repeat(127));
        let lines = [
            "10.0.0.1",
            "10.0.0 a",
            "localhost 127.0.0.1",
            "10.0.0.1%lo a",
            "fe80::1% a",
            "10.0.0.1 .",
            "10.0.0.1 a..b",
        ];
        for line in lines.into_iter().chain([long.as_str(), longer.as_str(), "10.0.0.1 a\u{1}", "010.0.0.1 a"]) {
            let hosts = Hosts::parse(line.as_bytes());
            assert_eq!((hosts.names.len(), hosts.skipped, hosts.first_skipped), (0, 1, 1), "{line}");
        }
        let hosts = Hosts::parse(b"# ours\n\n10.0.0.1 a\nb 10.0.0.2\n10.0.0.3\n");
        assert_eq!((hosts.names.len(), hosts.skipped, hosts.first_skipped), (1, 2, 4));
    }

    #[test]
    fn a_huge_file_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hosts");
        std::fs::File::create(&path).unwrap().set_len(HOSTS_SIZE).unwrap();
        assert!(Hosts::read(&path).is_ok());
        std::fs::File::create(&path).unwrap().set_len(HOSTS_SIZE + 1).unwrap();
        let error = Hosts::read(&path).unwrap_err().to_string();
        assert_eq!(error, format!("{}: cannot read: it has over 64 MiB, and no hosts file has", path.display()));
        let missing = Hosts::read(&folder.path().join("none")).unwrap_err().to_string();
        assert!(missing.contains("cannot open"), "{missing}");
    }

    proptest! {
        /// Whatever bytes a file has, names are names, and each line is an entry, a repetition, empty or counted.
        #[test]
        fn any_bytes_are_read(bytes in prop::collection::vec(prop_oneof![Just(b'\n'), Just(b' '), Just(b'1'), Just(b'.'), Just(b':'), any::<u8>()], 0..200)) {
            let hosts = Hosts::parse(&bytes);
            prop_assert!(hosts.names.values().all(|name| text::is_name(name)));
            let lines = bytes.split(|byte| *byte == b'\n').count() as u64;
            prop_assert!(hosts.names.len() as u64 + hosts.skipped <= lines && hosts.first_skipped <= lines);
        }

        /// What was written down is found again.
        #[test]
        fn entries_are_found(addresses in prop::collection::btree_set(any::<u128>(), 1..20)) {
            let line = |bits: &u128| format!("{} h{bits:x} other\n", std::net::Ipv6Addr::from_bits(*bits));
            let hosts = Hosts::parse(addresses.iter().map(line).collect::<String>().as_bytes());
            for bits in &addresses {
                let name = format!("h{bits:x}.");
                prop_assert_eq!(hosts.name(IpAddress::V6(*bits)), Some(name.as_str()));
            }
        }
    }
}

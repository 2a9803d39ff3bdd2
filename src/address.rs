//! MAC and IP addresses as numbers, and their text.

use std::fmt;
use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde::{Deserialize, Serialize};

/// A 48-bit MAC address as a number, first octet highest.
///
/// ```
/// # use parcap::address::MacAddr;
/// let mac = MacAddr::from([0x02, 0, 0, 0, 0, 0x1f]);
/// assert_eq!(mac, MacAddr(0x0200_0000_001f));
/// assert_eq!(mac.to_string(), "02:00:00:00:00:1f");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct MacAddr(pub u64);

impl MacAddr {
    /// The six octets, first on the wire first.
    #[must_use]
    pub fn octets(self) -> [u8; 6] {
        let [_, _, octets @ ..] = self.0.to_be_bytes();
        octets
    }

    /// Reads an address as [`Display`](fmt::Display) writes it, or with capital letters.
    ///
    /// ```
    /// # use parcap::address::MacAddr;
    /// assert_eq!(MacAddr::parse("02:00:00:00:00:1F"), Some(MacAddr(0x0200_0000_001f)));
    /// assert_eq!(MacAddr::parse("02:00:00:00:00"), None);
    /// ```
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut octets = text.split(':').map(|octet| {
            let is_hex = octet.len() == 2 && octet.bytes().all(|byte| byte.is_ascii_hexdigit());
            is_hex.then(|| u8::from_str_radix(octet, 16).ok()).flatten()
        });
        let mut all = [0; 6];
        for octet in &mut all {
            *octet = octets.next()??;
        }
        octets.next().is_none().then(|| all.into())
    }
}

impl From<[u8; 6]> for MacAddr {
    fn from([a, b, c, d, e, f]: [u8; 6]) -> Self {
        Self(u64::from_be_bytes([0, 0, a, b, c, d, e, f]))
    }
}

impl fmt::Display for MacAddr {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, f] = self.octets();
        write!(out, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{f:02x}")
    }
}

/// An IP address as a number, first octet highest.
///
/// ```
/// # use parcap::address::IpAddress;
/// assert_eq!(IpAddress::V4(0x0a00_0001).to_string(), "10.0.0.1");
/// assert_eq!(IpAddress::V6(1).to_string(), "::1");
/// assert_eq!(IpAddress::V6(0x0a00_0001).to_string(), "::10.0.0.1");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum IpAddress {
    /// IPv4.
    V4(u32),
    /// IPv6.
    V6(u128),
}

impl From<[u8; 4]> for IpAddress {
    fn from(octets: [u8; 4]) -> Self {
        Self::V4(u32::from_be_bytes(octets))
    }
}

impl From<[u8; 16]> for IpAddress {
    fn from(octets: [u8; 16]) -> Self {
        Self::V6(u128::from_be_bytes(octets))
    }
}

impl From<IpAddr> for IpAddress {
    fn from(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(address) => Self::V4(address.to_bits()),
            IpAddr::V6(address) => Self::V6(address.to_bits()),
        }
    }
}

impl From<IpAddress> for IpAddr {
    fn from(address: IpAddress) -> Self {
        match address {
            IpAddress::V4(bits) => Self::V4(bits.into()),
            IpAddress::V6(bits) => Self::V6(bits.into()),
        }
    }
}

impl IpAddress {
    /// Whether it stands for all or some of a network: multicast, or the limited broadcast address (RFC 919, RFC 5771, RFC 4291).
    #[must_use]
    pub fn is_multicast_or_broadcast(self) -> bool {
        match self {
            Self::V4(bits) => bits >> 28 == 0xe || bits == u32::MAX,
            Self::V6(bits) => bits >> 120 == 0xff,
        }
    }

    /// Appends the text that [`Display`](fmt::Display) gives. For IPv4 it does not use the formatting machinery, which is
    /// ten times slower.
    ///
    /// ```
    /// # use parcap::address::IpAddress;
    /// let mut text = Vec::new();
    /// IpAddress::V4(0x0a00_ff07).write_to(&mut text);
    /// assert_eq!(text, b"10.0.255.7");
    /// ```
    pub fn write_to(self, text: &mut Vec<u8>) {
        let Self::V4(bits) = self else {
            // Writing to a vector cannot fail.
            let _ = write!(text, "{self}");
            return;
        };
        for (place, octet) in bits.to_be_bytes().into_iter().enumerate() {
            if place > 0 {
                text.push(b'.');
            }
            if octet >= 100 {
                text.push(b'0' + octet / 100);
            }
            if octet >= 10 {
                text.push(b'0' + octet / 10 % 10);
            }
            text.push(b'0' + octet % 10);
        }
    }

    /// Its text.
    #[must_use]
    pub fn to_text(self) -> String {
        // The length of the longest address.
        let mut text = Vec::with_capacity(39);
        self.write_to(&mut text);
        // It is ASCII.
        String::from_utf8(text).unwrap_or_default()
    }
}

impl fmt::Display for IpAddress {
    /// A dotted quad for IPv4. For IPv6 the text of RFC 5952. Its section 5 recommends the dotted quad after a prefix
    /// that announces an IPv4 address: `::ffff:0:0/96`, and `::/96` except below `::1:0`, where `::1` and the like are.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::V4(bits) => fmt::Display::fmt(&Ipv4Addr::from_bits(bits), f),
            // The standard library knows only the first of the two prefixes.
            Self::V6(bits @ 0x1_0000..=0xffff_ffff) => {
                let [.., a, b, c, d] = bits.to_be_bytes();
                f.pad(&format!("::{}", Ipv4Addr::new(a, b, c, d)))
            }
            Self::V6(bits) => fmt::Display::fmt(&Ipv6Addr::from_bits(bits), f),
        }
    }
}

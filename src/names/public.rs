//! Which addresses may have a name in the public DNS.
//!
//! Source: the IANA registries of special-purpose addresses (RFC 6890 and its updates), RFC 5771, RFC 4291 2.4.

use crate::address::IpAddress;

/// IPv4 networks without public names, as their first address and the length of their prefix.
const V4: [([u8; 4], u32); 14] = [
    ([0, 0, 0, 0], 8),       // this network, unspecified
    ([10, 0, 0, 0], 8),      // private
    ([100, 64, 0, 0], 10),   // shared by the customers of a provider (CGNAT)
    ([127, 0, 0, 0], 8),     // loopback
    ([169, 254, 0, 0], 16),  // link-local
    ([172, 16, 0, 0], 12),   // private
    ([192, 0, 0, 0], 24),    // protocol assignments
    ([192, 0, 2, 0], 24),    // documentation
    ([192, 168, 0, 0], 16),  // private
    ([198, 18, 0, 0], 15),   // benchmarking
    ([198, 51, 100, 0], 24), // documentation
    ([203, 0, 113, 0], 24),  // documentation
    ([224, 0, 0, 0], 4),     // multicast
    ([240, 0, 0, 0], 4),     // reserved, broadcast
];

/// The IPv6 addresses that can be reached from anywhere. All others are local, multicast or reserved.
const GLOBAL_UNICAST: (u128, u32) = (0x2000 << 112, 3);

/// Networks among them without public names.
const V6: [(u128, u32); 5] = [
    (0x2001_0002 << 96, 48), // benchmarking
    (0x2001_0010 << 96, 28), // ORCHID
    (0x2001_0020 << 96, 28), // ORCHIDv2
    (0x2001_0db8 << 96, 32), // documentation
    (0x3fff << 112, 20),     // documentation (RFC 9637)
];

/// IPv6 networks whose last 32 bits are an IPv4 address: `::ffff:0:0/96` (IPv4-mapped) and `64:ff9b::/96` (NAT64).
const CARRIERS: [u128; 2] = [0xffff << 32, 0x0064_ff9b << 96];

/// The address whose name is asked for in place of `address`.
///
/// An IPv4-mapped or NAT64 address goes by the IPv4 address in it. The former has no reverse zone; for the latter, DNS64
/// gives the same name by a CNAME (RFC 6147 5.3.1).
pub(super) fn meant(address: IpAddress) -> IpAddress {
    match address {
        IpAddress::V6(bits) if CARRIERS.contains(&(bits & !0xffff_ffff)) => {
            let [.., a, b, c, d] = bits.to_be_bytes();
            IpAddress::V4(u32::from_be_bytes([a, b, c, d]))
        }
        _ => address,
    }
}

/// Whether an address, or the IPv4 address in it, may have a name in the public DNS.
pub(super) fn is_public(address: IpAddress) -> bool {
    match meant(address) {
        IpAddress::V4(bits) => !V4.iter().any(|(net, length)| (bits ^ u32::from_be_bytes(*net)) >> (32 - length) == 0),
        IpAddress::V6(bits) => {
            let within = |(net, length): (u128, u32)| (bits ^ net) >> (128 - length) == 0;
            within(GLOBAL_UNICAST) && !V6.into_iter().any(within)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::IpAddr;

    fn address(text: &str) -> IpAddress {
        text.parse::<IpAddr>().unwrap().into()
    }

    /// The first and the last address of each network, and their neighbours, by hand.
    #[test]
    fn borders_of_the_networks() {
        let inside = "0.0.0.0 0.255.255.255 10.0.0.0 10.255.255.255 100.64.0.0 100.127.255.255 127.0.0.1 169.254.0.0 \
            169.254.255.255 172.16.0.0 172.31.255.255 192.0.0.0 192.0.0.255 192.0.2.0 192.0.2.255 192.168.0.0 \
            192.168.255.255 198.18.0.0 198.19.255.255 198.51.100.0 198.51.100.255 203.0.113.0 203.0.113.255 224.0.0.1 \
            239.255.255.255 240.0.0.0 255.255.255.255 :: ::1 ::10.0.0.1 fc00:: fdff:ffff:: fe80::1 febf::1 fec0::1 ff02::1 \
            ff0e::1 2001:db8:: 2001:db8:ffff:ffff:ffff:ffff:ffff:ffff 3fff::1 3fff:fff:ffff:: 2001:2::1 2001:10::1 2001:2f::1 \
            100::1 5f00::1 64:ff9b:1::1 ::ffff:10.0.0.1 ::ffff:192.0.2.1 64:ff9b::10.0.0.1 64:ff9b::255.255.255.255";
        let outside = "1.0.0.0 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.0 169.253.255.255 \
            169.255.0.0 172.15.255.255 172.32.0.0 191.255.255.255 192.0.1.0 192.0.3.0 192.167.255.255 192.169.0.0 \
            198.17.255.255 198.20.0.0 198.51.99.255 198.51.101.0 203.0.112.255 203.0.114.0 223.255.255.255 2000:: \
            2001:db7:ffff:: 2001:db9:: 2001:2:1:: 2001:4860:4860::8888 2002:: 2606:4700::1111 3ffe:: 3fff:1000:: \
            ::ffff:8.8.8.8 64:ff9b::8.8.8.8";
        for text in inside.split_whitespace() {
            assert!(!is_public(address(text)), "{text}");
        }
        for text in outside.split_whitespace() {
            assert!(is_public(address(text)), "{text}");
        }
    }

    #[test]
    fn carried_addresses_are_meant() {
        let meant = |text: &str| meant(address(text)).to_string();
        assert_eq!(meant("::ffff:8.8.4.4"), "8.8.4.4");
        assert_eq!(meant("64:ff9b::8.8.4.4"), "8.8.4.4");
        assert_eq!(meant("64:ff9b:1::8.8.4.4"), "64:ff9b:1::808:404");
        assert_eq!(meant("::8.8.4.4"), "::8.8.4.4");
        assert_eq!(meant("9.9.9.9"), "9.9.9.9");
    }
}

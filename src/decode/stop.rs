//! Why decoding a frame ended before everything it announces was read.
//!
//! A stop is an oddity, not an error: the frame keeps its row and what precedes the fault, and the run report counts the
//! stops by name. `*_cut`: the bytes end inside a header. `*_malformed`: a header contradicts itself.
//! Deliberately not here: how many there were; that is the summary's.

use std::fmt;

macro_rules! stops {
    ($($(#[doc = $doc:literal])* $variant:ident = $name:literal,)*) => {
        /// Why decoding ended early, and in which layer.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Stop {
            $($(#[doc = $doc])* $variant,)*
        }

        impl Stop {
            /// Every stop, in the order of the layers; `ALL[stop.index()] == stop`.
            pub const ALL: [Self; Self::COUNT] = [$(Self::$variant,)*];
            /// How many kinds there are.
            pub const COUNT: usize = [$($name,)*].len();

            /// The name it is counted under.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }

            /// What it means, as a sentence.
            #[must_use]
            pub fn meaning(self) -> &'static str {
                match self {
                    $(Self::$variant => concat!($($doc),*).trim_ascii(),)*
                }
            }

            /// Whether bytes are missing, rather than wrong: a snapshot length explains that.
            #[must_use]
            pub fn is_cut(self) -> bool {
                self.name().ends_with("_cut")
            }
        }
    };
}

stops! {
    /// The link type is not decoded.
    UnknownLinkType = "unknown_link_type",
    /// A pseudo-header in front of the packet (SLL, NFLOG, PKTAP, loopback …) is cut.
    LinkCut = "link_cut",
    /// A pseudo-header in front of the packet contradicts itself.
    LinkMalformed = "link_malformed",
    /// An Ethernet, FDDI or Token Ring header is cut.
    EthernetCut = "ethernet_cut",
    /// An 802.1Q or 802.1ad tag is cut.
    VlanCut = "vlan_cut",
    /// Another tag between the MACs and the packet (MACsec, NSH, VN-tag, DSA …) is cut.
    TagCut = "tag_cut",
    /// An LLC or SNAP header is cut.
    LlcCut = "llc_cut",
    /// An MPLS label stack is cut.
    MplsCut = "mpls_cut",
    /// A PPPoE header is cut.
    PppoeCut = "pppoe_cut",
    /// A PPP header is cut.
    PppCut = "ppp_cut",
    /// A Cisco HDLC or Frame Relay header is cut.
    HdlcCut = "hdlc_cut",
    /// A radiotap, Prism, AVS or PPI header is cut.
    RadioCut = "radio_cut",
    /// A radiotap, Prism, AVS or PPI header contradicts itself.
    RadioMalformed = "radio_malformed",
    /// An IEEE 802.11 header is cut.
    WifiCut = "wifi_cut",
    /// An IEEE 802.11 header of another protocol version.
    WifiMalformed = "wifi_malformed",
    /// Where an IP header belongs, the version is neither 4 nor 6.
    IpVersionUnknown = "ip_version_unknown",
    /// An IPv4 header is cut.
    Ipv4Cut = "ipv4_cut",
    /// An IPv4 header shorter than 20 bytes or longer than its packet, or announced as IPv4 with another version.
    Ipv4Malformed = "ipv4_malformed",
    /// An IPv6 header is cut.
    Ipv6Cut = "ipv6_cut",
    /// Announced as IPv6, but the version is another.
    Ipv6Malformed = "ipv6_malformed",
    /// An IP extension header is cut.
    ExtensionCut = "extension_cut",
    /// An IP extension header shorter than its fixed part.
    ExtensionMalformed = "extension_malformed",
    /// A TCP header is cut.
    TcpCut = "tcp_cut",
    /// A TCP data offset under 5.
    TcpMalformed = "tcp_malformed",
    /// A UDP header is cut.
    UdpCut = "udp_cut",
    /// A UDP length of 1 to 7.
    UdpMalformed = "udp_malformed",
    /// An SCTP header is cut.
    SctpCut = "sctp_cut",
    /// A DCCP header is cut.
    DccpCut = "dccp_cut",
    /// A UDP-Lite header is cut.
    UdpLiteCut = "udp_lite_cut",
    /// The header of a tunnel is cut.
    TunnelCut = "tunnel_cut",
    /// The header of a tunnel contradicts itself, or is of another version.
    TunnelMalformed = "tunnel_malformed",
    /// Tunnels in one another beyond the eighth, which are not looked into.
    TunnelsTooDeep = "tunnels_too_deep",
    /// A DNS message ends before the names that are asked for.
    DnsCut = "dns_cut",
    /// A TCP segment on a DNS port that holds no message: as a rule it continues the one of the segments before it.
    DnsMidStream = "dns_mid_stream",
    /// A DNS name on the way to the names that are asked for does not decode.
    DnsMalformed = "dns_malformed",
}

impl Stop {
    /// Its place in [`Stop::ALL`], under [`Stop::COUNT`]: for an array of counts.
    #[must_use]
    pub fn index(self) -> usize {
        usize::from(self as u8)
    }
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

//! Names of the IP protocol numbers.
//!
//! In: the number of an IPv4 `protocol` or an IPv6 `next header` field. Out: the text of the `protocol` column.
//!
//! Source: the keywords of IANA's "Assigned Internet Protocol Numbers", without their "(deprecated)"; number 58, there
//! `IPv6-ICMP`, is `ICMPv6` as in tshark and the notebook.

/// The name of an IP protocol, or `None` for a number without a keyword: its column then holds the number as text.
///
/// ```
/// # use parcap::decode::protocol_name;
/// assert_eq!(protocol_name(6), Some("TCP"));
/// assert_eq!(protocol_name(58), Some("ICMPv6"));
/// assert_eq!(protocol_name(200), None);
/// ```
#[must_use]
pub fn protocol_name(number: u8) -> Option<&'static str> {
    NAMES.get(usize::from(number)).copied().filter(|name| !name.is_empty())
}

/// The text of an IP protocol: its name, or its number where it has none.
///
/// ```
/// # use parcap::decode::protocol_text;
/// assert_eq!(protocol_text(17), "UDP");
/// assert_eq!(protocol_text(200), "200");
/// ```
#[must_use]
pub fn protocol_text(number: u8) -> String {
    protocol_name(number).map_or_else(|| number.to_string(), str::to_owned)
}

/// The number of an IP protocol by its name, upper or lower case, or by the number as text.
///
/// ```
/// # use parcap::decode::protocol_number;
/// assert_eq!(protocol_number("udp"), Some(17));
/// assert_eq!(protocol_number("200"), Some(200));
/// assert_eq!(protocol_number("smoke"), None);
/// ```
#[must_use]
pub fn protocol_number(name: &str) -> Option<u8> {
    let named = NAMES.iter().position(|held| !held.is_empty() && held.eq_ignore_ascii_case(name));
    named.and_then(|number| u8::try_from(number).ok()).or_else(|| name.parse().ok())
}

/// Keywords by number; empty where IANA gives none.
#[rustfmt::skip]
const NAMES: [&str; 148] = [
    // 0
    "HOPOPT", "ICMP", "IGMP", "GGP", "IPv4", "ST", "TCP", "CBT", "EGP", "IGP",
    // 10
    "BBN-RCC-MON", "NVP-II", "PUP", "ARGUS", "EMCON", "XNET", "CHAOS", "UDP", "MUX", "DCN-MEAS",
    // 20
    "HMP", "PRM", "XNS-IDP", "TRUNK-1", "TRUNK-2", "LEAF-1", "LEAF-2", "RDP", "IRTP", "ISO-TP4",
    // 30
    "NETBLT", "MFE-NSP", "MERIT-INP", "DCCP", "3PC", "IDPR", "XTP", "DDP", "IDPR-CMTP", "TP++",
    // 40
    "IL", "IPv6", "SDRP", "IPv6-Route", "IPv6-Frag", "IDRP", "RSVP", "GRE", "DSR", "BNA",
    // 50
    "ESP", "AH", "I-NLSP", "SWIPE", "NARP", "Min-IPv4", "TLSP", "SKIP", "ICMPv6", "IPv6-NoNxt",
    // 60
    "IPv6-Opts", "", "CFTP", "", "SAT-EXPAK", "KRYPTOLAN", "RVD", "IPPC", "", "SAT-MON",
    // 70
    "VISA", "IPCV", "CPNX", "CPHB", "WSN", "PVP", "BR-SAT-MON", "SUN-ND", "WB-MON", "WB-EXPAK",
    // 80
    "ISO-IP", "VMTP", "SECURE-VMTP", "VINES", "IPTM", "NSFNET-IGP", "DGP", "TCF", "EIGRP", "OSPFIGP",
    // 90
    "Sprite-RPC", "LARP", "MTP", "AX.25", "IPIP", "MICP", "SCC-SP", "ETHERIP", "ENCAP", "",
    // 100
    "GMTP", "IFMP", "PNNI", "PIM", "ARIS", "SCPS", "QNX", "A/N", "IPComp", "SNP",
    // 110
    "Compaq-Peer", "IPX-in-IP", "VRRP", "PGM", "", "L2TP", "DDX", "IATP", "STP", "SRP",
    // 120
    "UTI", "SMP", "SM", "PTP", "ISIS over IPv4", "FIRE", "CRTP", "CRUDP", "SSCOPMCE", "IPLT",
    // 130
    "SPS", "PIPE", "SCTP", "FC", "RSVP-E2E-IGNORE", "Mobility Header", "UDPLite", "MPLS-in-IP", "manet", "HIP",
    // 140
    "Shim6", "WESP", "ROHC", "Ethernet", "AGGFRAG", "NSH", "Homa", "BIT-EMU",
];

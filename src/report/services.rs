//! Names of services, beside the ports that are registered for them.
//!
//! Source: IANA's "Service Name and Transport Protocol Port Number Registry" (RFC 6335), of which these are the ports that are met most. What
//! uses a port need not be what it is registered for.

/// Services of both TCP and UDP, by port.
const SERVICES: [(u16, &str); 116] = [
    (7, "echo"),
    (9, "discard"),
    (13, "daytime"),
    (17, "qotd"),
    (19, "chargen"),
    (20, "ftp-data"),
    (21, "ftp"),
    (22, "ssh"),
    (23, "telnet"),
    (25, "smtp"),
    (37, "time"),
    (43, "nicname"),
    (49, "tacacs"),
    (53, "domain"),
    (67, "bootps"),
    (68, "bootpc"),
    (69, "tftp"),
    (70, "gopher"),
    (79, "finger"),
    (80, "http"),
    (88, "kerberos"),
    (102, "iso-tsap"),
    (109, "pop2"),
    (110, "pop3"),
    (111, "sunrpc"),
    (119, "nntp"),
    (123, "ntp"),
    (135, "epmap"),
    (137, "netbios-ns"),
    (138, "netbios-dgm"),
    (139, "netbios-ssn"),
    (143, "imap"),
    (161, "snmp"),
    (162, "snmptrap"),
    (177, "xdmcp"),
    (179, "bgp"),
    (194, "irc"),
    (389, "ldap"),
    (427, "svrloc"),
    (443, "https"),
    (445, "microsoft-ds"),
    (464, "kpasswd"),
    (500, "isakmp"),
    (502, "mbap"),
    (515, "printer"),
    (521, "ripng"),
    (546, "dhcpv6-client"),
    (547, "dhcpv6-server"),
    (548, "afpovertcp"),
    (554, "rtsp"),
    (563, "nntps"),
    (587, "submission"),
    (631, "ipp"),
    (636, "ldaps"),
    (646, "ldp"),
    (830, "netconf-ssh"),
    (853, "domain-s"),
    (873, "rsync"),
    (989, "ftps-data"),
    (990, "ftps"),
    (993, "imaps"),
    (995, "pop3s"),
    (1080, "socks"),
    (1194, "openvpn"),
    (1433, "ms-sql-s"),
    (1434, "ms-sql-m"),
    (1720, "h323hostcall"),
    (1723, "pptp"),
    (1812, "radius"),
    (1813, "radius-acct"),
    (1883, "mqtt"),
    (1900, "ssdp"),
    (2049, "nfs"),
    (2083, "radsec"),
    (2123, "gtp-control"),
    (2152, "gtp-user"),
    (2404, "iec-104"),
    (3260, "iscsi-target"),
    (3268, "msft-gc"),
    (3269, "msft-gc-ssl"),
    (3306, "mysql"),
    (3389, "ms-wbt-server"),
    (3478, "stun"),
    (3544, "teredo"),
    (3702, "ws-discovery"),
    (4500, "ipsec-nat-t"),
    (4739, "ipfix"),
    (4789, "vxlan"),
    (5060, "sip"),
    (5061, "sips"),
    (5222, "xmpp-client"),
    (5269, "xmpp-server"),
    (5349, "stuns"),
    (5353, "mdns"),
    (5355, "llmnr"),
    (5432, "postgresql"),
    (5671, "amqps"),
    (5672, "amqp"),
    (5683, "coap"),
    (5684, "coaps"),
    (5900, "rfb"),
    (5985, "wsman"),
    (5986, "wsmans"),
    (6081, "geneve"),
    (6343, "sflow"),
    (6379, "redis"),
    (6514, "syslog-tls"),
    (8080, "http-alt"),
    (8883, "secure-mqtt"),
    (9100, "pdl-datastream"),
    (9418, "git"),
    (11211, "memcache"),
    (20000, "dnp"),
    (27017, "mongodb"),
    (44818, "EtherNet-IP-2"),
    (47808, "bacnet"),
];

/// Ports that stand for one service over TCP and for another one over UDP.
const APART: [(u16, &str, &str); 5] = [
    (512, "exec", "biff"),
    (513, "login", "who"),
    (514, "shell", "syslog"),
    (520, "efs", "router"),
    (623, "oob-ws-http", "asf-rmcp"),
];

/// The service that is registered for a port of TCP or UDP, if it is among those that are met most.
pub(super) fn service(protocol: &str, port: i64) -> Option<&'static str> {
    let port = u16::try_from(port).ok()?;
    let of_apart = APART.iter().find(|(number, ..)| *number == port);
    let of_both =
        || SERVICES.binary_search_by_key(&port, |(number, _)| *number).ok().and_then(|place| SERVICES.get(place));
    match (protocol, of_apart) {
        ("TCP", Some((_, name, _))) | ("UDP", Some((_, _, name))) => Some(name),
        ("TCP" | "UDP", None) => of_both().map(|(_, name)| *name),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_are_found_by_protocol_and_port() {
        assert!(SERVICES.windows(2).all(|pair| pair[0].0 < pair[1].0), "sorted by port, each once");
        assert!(APART.iter().all(|(port, ..)| SERVICES.iter().all(|(other, _)| other != port)));
        // RFC 7858 section 6, RFC 6762 section 22.2, RFC 5426 section 3.3, RFC 9110 section 18.
        for (protocol, port, name) in [
            ("UDP", 53, Some("domain")),
            ("TCP", 853, Some("domain-s")),
            ("UDP", 5353, Some("mdns")),
            ("UDP", 514, Some("syslog")),
            ("TCP", 514, Some("shell")),
            ("TCP", 443, Some("https")),
            ("UDP", 443, Some("https")),
            ("TCP", 7, Some("echo")),
            ("UDP", 47808, Some("bacnet")),
            ("SCTP", 443, None),
            ("TCP", 6, None),
            ("TCP", -1, None),
            ("TCP", 65_536 + 443, None),
        ] {
            assert_eq!(service(protocol, port), name, "{protocol} {port}");
        }
    }
}

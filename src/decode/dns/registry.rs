//! Names of the numbers in DNS messages.
//!
//! Source: IANA's "Domain Name System (DNS) Parameters", resource record types and response codes; RFC 3597 section 5 for
//! types without a name.

use std::borrow::Cow;

/// The name of a record type, e.g. `AAAA`. A type without a name gives e.g. `TYPE65280`.
///
/// ```
/// # use parcap::decode::dns::type_name;
/// assert_eq!(type_name(28), "AAAA");
/// assert_eq!(type_name(65280), "TYPE65280");
/// ```
#[must_use]
pub fn type_name(number: u16) -> Cow<'static, str> {
    let held = TYPES.binary_search_by_key(&number, |(held, _)| *held).ok();
    let name = held.and_then(|place| TYPES.get(place)).map(|(_, name)| Cow::Borrowed(*name));
    name.unwrap_or_else(|| Cow::Owned(format!("TYPE{number}")))
}

/// The name of a response code, e.g. `NXDOMAIN`. A code without a name gives e.g. `RCODE12`.
///
/// ```
/// # use parcap::decode::dns::response_code_name;
/// assert_eq!(response_code_name(3), "NXDOMAIN");
/// ```
#[must_use]
pub fn response_code_name(number: u16) -> Cow<'static, str> {
    let name = RESPONSE_CODES.get(usize::from(number)).map(|name| Cow::Borrowed(*name));
    name.unwrap_or_else(|| Cow::Owned(format!("RCODE{number}")))
}

/// By number, from 0 on.
const RESPONSE_CODES: [&str; 12] = [
    "NOERROR",
    "FORMERR",
    "SERVFAIL",
    "NXDOMAIN",
    "NOTIMP",
    "REFUSED",
    "YXDOMAIN",
    "YXRRSET",
    "NXRRSET",
    "NOTAUTH",
    "NOTZONE",
    "DSOTYPENI",
];

/// In the order of their numbers. IANA calls 255 `*`; its usual name is `ANY`.
#[rustfmt::skip]
const TYPES: [(u16, &str); 97] = [
    (1, "A"), (2, "NS"), (3, "MD"), (4, "MF"), (5, "CNAME"), (6, "SOA"), (7, "MB"), (8, "MG"), (9, "MR"), (10, "NULL"),
    (11, "WKS"), (12, "PTR"), (13, "HINFO"), (14, "MINFO"), (15, "MX"), (16, "TXT"), (17, "RP"), (18, "AFSDB"),
    (19, "X25"), (20, "ISDN"), (21, "RT"), (22, "NSAP"), (23, "NSAP-PTR"), (24, "SIG"), (25, "KEY"), (26, "PX"),
    (27, "GPOS"), (28, "AAAA"), (29, "LOC"), (30, "NXT"), (31, "EID"), (32, "NIMLOC"), (33, "SRV"), (34, "ATMA"),
    (35, "NAPTR"), (36, "KX"), (37, "CERT"), (38, "A6"), (39, "DNAME"), (40, "SINK"), (41, "OPT"), (42, "APL"),
    (43, "DS"), (44, "SSHFP"), (45, "IPSECKEY"), (46, "RRSIG"), (47, "NSEC"), (48, "DNSKEY"), (49, "DHCID"),
    (50, "NSEC3"), (51, "NSEC3PARAM"), (52, "TLSA"), (53, "SMIMEA"), (55, "HIP"), (56, "NINFO"), (57, "RKEY"),
    (58, "TALINK"), (59, "CDS"), (60, "CDNSKEY"), (61, "OPENPGPKEY"), (62, "CSYNC"), (63, "ZONEMD"), (64, "SVCB"),
    (65, "HTTPS"), (66, "DSYNC"), (67, "HHIT"), (68, "BRID"), (99, "SPF"), (100, "UINFO"), (101, "UID"), (102, "GID"),
    (103, "UNSPEC"), (104, "NID"), (105, "L32"), (106, "L64"), (107, "LP"), (108, "EUI48"), (109, "EUI64"),
    (128, "NXNAME"), (249, "TKEY"), (250, "TSIG"), (251, "IXFR"), (252, "AXFR"), (253, "MAILB"), (254, "MAILA"),
    (255, "ANY"), (256, "URI"), (257, "CAA"), (258, "AVC"), (259, "DOA"), (260, "AMTRELAY"), (261, "RESINFO"),
    (262, "WALLET"), (263, "CLA"), (264, "IPN"), (32768, "TA"), (32769, "DLV"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_in_the_order_of_their_numbers() {
        assert!(TYPES.windows(2).all(|pair| pair[0].0 < pair[1].0));
        assert!(TYPES.iter().all(|(number, name)| type_name(*number) == *name));
    }
}

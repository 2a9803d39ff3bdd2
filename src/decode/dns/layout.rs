//! The fields of the data of each record type.
//!
//! To add a type, add its fields to [`layout`]; types that are not there are shown in the generic form.
//! Source: RFC 1035 3.3, RFC 1183, RFC 1706, RFC 2163, RFC 1712 and those named at the types.

/// One field of the data.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    Name,
    U8,
    U16,
    U32,
    V4,
    V6,
    /// The number of a record type.
    Type,
    /// Seconds since the Unix epoch, shown as a date (RFC 4034 3.2).
    Time,
    /// A character string, in quotes.
    Text,
    /// One or more character strings, to the end.
    Texts,
    /// All that is left, in quotes.
    Quoted,
    /// A character string of letters and digits, without quotes.
    Word,
    /// All that is left, in hexadecimal digits or base64. At least one byte.
    Hex,
    Base64,
    /// A length, and as many bytes in hexadecimal digits; `-` for none (RFC 5155 3.3).
    Salt,
    /// A length, and as many bytes in base32 with extended hex alphabet (RFC 5155 3.3).
    Hash,
    /// Numbers of record types, to the end (RFC 4034 4.1.2).
    Types,
    /// 64 bits in groups of 16 (RFC 6742).
    Locator,
    /// All that is left, in hexadecimal digits with hyphens between the bytes (RFC 7043).
    Eui,
    /// Parameters of a service, to the end (RFC 9460).
    Params,
}

/// The fields of the data of a type.
#[rustfmt::skip]
pub(super) fn layout(kind: u16) -> Option<&'static [Field]> {
    use Field::{
        Base64, Eui, Hash, Hex, Locator, Name, Params, Quoted, Salt, Text, Texts, Time, Type, Types, U8, U16, U32, V4, V6, Word,
    };
    Some(match kind {
        1 => &[V4],
        // NS, MD, MF, CNAME, MB, MG, MR, PTR, NSAP-PTR, DNAME.
        2..=5 | 7..=9 | 12 | 23 | 39 => &[Name],
        // SOA.
        6 => &[Name, Name, U32, U32, U32, U32, U32],
        // HINFO.
        13 => &[Text, Text],
        // MINFO, RP, TALINK.
        14 | 17 | 58 => &[Name, Name],
        // MX, AFSDB, RT, KX, LP.
        15 | 18 | 21 | 36 | 107 => &[U16, Name],
        // TXT, ISDN, NINFO, SPF, AVC, RESINFO, WALLET.
        16 | 20 | 56 | 99 | 258 | 261 | 262 => &[Texts],
        // X25.
        19 => &[Text],
        // SIG, RRSIG (RFC 4034 3).
        24 | 46 => &[Type, U8, U8, U32, Time, Time, U16, Name, Base64],
        // KEY, DNSKEY, CDNSKEY (RFC 4034 2, RFC 7344).
        25 | 48 | 60 => &[U16, U8, U8, Base64],
        // PX.
        26 => &[U16, Name, Name],
        // GPOS.
        27 => &[Text, Text, Text],
        28 => &[V6],
        // SRV (RFC 2782).
        33 => &[U16, U16, U16, Name],
        // NAPTR (RFC 3403).
        35 => &[U16, U16, Text, Text, Text, Name],
        // CERT (RFC 4398).
        37 => &[U16, U16, U8, Base64],
        // DS, CDS, TA, DLV (RFC 4034 5).
        43 | 59 | 32768 | 32769 => &[U16, U8, U8, Hex],
        // SSHFP (RFC 4255).
        44 => &[U8, U8, Hex],
        // NSEC (RFC 4034 4).
        47 => &[Name, Types],
        // DHCID, OPENPGPKEY.
        49 | 61 => &[Base64],
        // NSEC3, NSEC3PARAM (RFC 5155).
        50 => &[U8, U8, U16, Salt, Hash, Types],
        51 => &[U8, U8, U16, Salt],
        // TLSA, SMIMEA (RFC 6698).
        52 | 53 => &[U8, U8, U8, Hex],
        // CSYNC (RFC 7477).
        62 => &[U32, U16, Types],
        // ZONEMD (RFC 8976).
        63 => &[U32, U8, U8, Hex],
        // SVCB, HTTPS.
        64 | 65 => &[U16, Name, Params],
        // NID, L32, L64 (RFC 6742).
        104 | 106 => &[U16, Locator],
        105 => &[U16, V4],
        // EUI48, EUI64.
        108 | 109 => &[Eui],
        // URI (RFC 7553).
        256 => &[U16, U16, Quoted],
        // CAA (RFC 8659).
        257 => &[U8, Word, Quoted],
        _ => return None,
    })
}

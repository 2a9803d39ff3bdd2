//! Kinds of files that are taken for captures but are not, or whose format is not read here. Each is recognised by its
//! first bytes, and comes with what to do about it.
//!
//! Sources: Wireshark's wiretap (the magic numbers of its readers), the formats' own specifications, file(1). ERF has no
//! magic number: a file is taken for ERF if two successive records agree. Formats with neither are not recognised here,
//! among them the captures of CommView, PacketLogger and ETL.

use std::fmt;

use crate::advice::Advice;

use Remedy::{Archive, Lake, Packed, Say};

/// First bytes of a file that are looked at: enough for the magic number of a tar archive, and for two records of ERF.
pub const LOOKED_AT: usize = 4096;

/// The kind of a file that is not a capture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileKind {
    /// Its name, with an article.
    name: &'static str,
    remedy: Remedy,
}

/// What can be done about a file of a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Remedy {
    /// This command writes the captures in it to a pipe.
    Archive(&'static str),
    /// This command writes it unpacked to a pipe.
    Packed(&'static str),
    /// It is not a capture but a file of a lake.
    Lake,
    /// Something else, in words.
    Say(&'static str),
}

impl FileKind {
    /// What to do about it.
    #[must_use]
    pub fn advice(self) -> Advice {
        match self.remedy {
            Archive(command) => Advice::Unpack { command: command.to_owned(), is_archive: true },
            Packed(command) => Advice::Unpack { command: command.to_owned(), is_archive: false },
            Lake => Advice::PerhapsALake,
            Say(text) => Advice::Text(text.to_owned()),
        }
    }
}

impl fmt::Display for FileKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

const EDITCAP: Remedy = Say("`editcap -F pcap FILE OUT` makes a pcap of it");
const NO_PACKETS: Remedy = Say("it holds no packets");
const DOWNLOAD: Remedy = Say("perhaps a download or a copy that failed: fetch the capture again");

/// Where the magic number is, the number, the kind, and what to do.
type Signature = (usize, &'static [u8], &'static str, Remedy);

const KINDS: [Signature; 54] = [
    // Archives, which may hold captures.
    (0, b"PK\x03\x04", "a zip archive", Archive("unzip -p FILE")),
    (0, b"PK\x05\x06", "an empty zip archive", NO_PACKETS),
    (257, b"ustar", "a tar archive", Archive("tar -xOf FILE")),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7z archive", Archive("7z x -so FILE")),
    (0, b"Rar!\x1a\x07", "a rar archive", Archive("unrar p -inul FILE")),
    (0, b"MSCF", "a cabinet archive", Archive("cabextract -p FILE")),
    (0, b"070701", "a cpio archive", Say("unpack it with `cpio -i`, and convert what was in it")),
    (0, b"070707", "a cpio archive", Say("unpack it with `cpio -i`, and convert what was in it")),
    (0, b"!<arch>\n", "an ar archive", Say("unpack it with `ar x`, and convert what was in it")),
    // Compressions that are not read.
    (0, b"\x1f\x9d", "a file of compress (.Z)", Packed("gzip -dc FILE")),
    (0, b"\x1f\xa0", "a file of compress (.Z)", Packed("gzip -dc FILE")),
    (0, b"LZIP", "an lzip file", Packed("lzip -dc FILE")),
    (0, b"\x89LZO\0\r\n\x1a\n", "an lzop file", Packed("lzop -dc FILE")),
    (0, b"\x5d\0\0", "an lzma file, older than xz", Packed("xz -dc --format=lzma FILE")),
    (0, b"\x02\x21\x4c\x18", "an lz4 file of the legacy format", Packed("lz4 -dc FILE")),
    (0, b"\xff\x06\0\0sNaPpY", "a snappy file", Say("unpack it, and convert the unpacked file")),
    // Encrypted files.
    (0, b"-----BEGIN PGP MESSAGE", "an encrypted file (PGP)", Packed("gpg -d FILE")),
    (0, b"age-encryption.org/", "an encrypted file (age)", Packed("age -d FILE")),
    (0, b"Salted__", "an encrypted file (OpenSSL)", Say("decrypt it, and convert the decrypted file")),
    (0, b"LUKS\xba\xbe", "an encrypted disk (LUKS)", Say("open and mount it, and convert what is on it")),
    // Captures of other formats, as editcap reads them.
    (0, b"snoop\0\0\0", "a Solaris snoop capture", EDITCAP),
    (0, b"GMBU", "a capture of Microsoft Network Monitor 2", EDITCAP),
    (0, b"RTSS", "a capture of Microsoft Network Monitor 1", EDITCAP),
    (0, b"btsnoop\0", "a btsnoop capture (Bluetooth)", EDITCAP),
    (0, b"iptrace 1.0", "an AIX iptrace capture", EDITCAP),
    (0, b"iptrace 2.0", "an AIX iptrace capture", EDITCAP),
    (0, b"TRSNIFF data    \x1a", "a capture of the NetXRay or DOS Sniffer", EDITCAP),
    (0, b"XCP\0", "a capture of NetXRay or the Windows Sniffer", EDITCAP),
    (0, b"VL\0\0", "a capture of NetXRay 1", EDITCAP),
    (0, b"\x7fver", "a capture of EtherPeek or OmniPeek", EDITCAP),
    (0, b"\x05VNF", "a capture of Visual Networks", EDITCAP),
    (0, b"\xaa\xaa\xaa\xaa", "a capture of 5View", EDITCAP),
    (0, b"\0\0\x02\0\x12\x05\0\x10", "a Tektronix K12 capture", EDITCAP),
    (0, b"+---------+---------------+----------+", "a Tektronix K12 text file", EDITCAP),
    (0, b"\xac\x01\0\x1c", "an IXIA capture (lcap)", EDITCAP),
    (0, b"\xab\x01\0\x1c", "an IXIA capture (lcap)", EDITCAP),
    (0, b"\xa1\xb2\x34\xcd", "a pcap of an old variant (magic a1b234cd)", EDITCAP),
    (0, b"\xcd\x34\xb2\xa1", "a pcap of an old variant (magic a1b234cd)", EDITCAP),
    (0, b"LOGGz\0\0\0", "a bus log of Vector (BLF)", EDITCAP),
    // Flow records, and logs about traffic.
    (0, b"\xde\xad\xbe\xef", "a file of flows (SiLK)", NO_PACKETS),
    (0, b"\x0c\xa5\x01\0", "a file of flows (nfdump)", NO_PACKETS),
    (0, b"\x0c\xa5\x02\0", "a file of flows (nfdump)", NO_PACKETS),
    (0, b"#separator", "a Zeek log", NO_PACKETS),
    // Other content in the place of a capture.
    (
        0,
        b"\0\x05\x16\x07",
        "an AppleDouble file",
        Say("macOS keeps attributes of the file of the same name without `._` in it"),
    ),
    (
        0,
        b"version https://git-lfs.github.com/",
        "a pointer of Git LFS",
        Say("`git lfs pull` fetches the capture itself"),
    ),
    (0, b"SQLite format 3\0", "a SQLite database", NO_PACKETS),
    (0, b"\x7fELF", "a program (ELF)", NO_PACKETS),
    (0, b"PAR1", "a Parquet file", Lake),
    (0, b"ARROW1", "an Arrow file", NO_PACKETS),
    (0, b"%PDF-", "a PDF", NO_PACKETS),
    (0, b"\x89PNG\r\n\x1a\n", "a picture (PNG)", NO_PACKETS),
    (0, b"<?xml", "XML", DOWNLOAD),
    (0, b"<!DOCTYPE html", "an HTML page", DOWNLOAD),
    (0, b"<html", "an HTML page", DOWNLOAD),
];

/// The kind of a file that is not a capture, by its first bytes. `None` if they do not tell.
#[must_use]
pub(super) fn kind(head: &[u8]) -> Option<FileKind> {
    let begins = |(at, magic, ..): &&Signature| {
        head.get(*at..at + magic.len()).is_some_and(|found| found.eq_ignore_ascii_case(magic))
    };
    if let Some((_, _, name, remedy)) = KINDS.iter().find(begins) {
        return Some(FileKind { name, remedy: *remedy });
    }
    if !head.is_empty() && crate::discover::zeros(head) == head.len() {
        let remedy = Say("its place was taken and its content never written, or lost: take it from a backup");
        return Some(FileKind { name: "nothing but zeros", remedy });
    }
    is_erf(head).then_some(FileKind { name: "what looks like an Endace ERF capture", remedy: EDITCAP })
}

/// Two successive records with times and lengths that agree. Fields: time (8 bytes, little endian, seconds in the upper
/// half), type, flags, record length, drops, wire length (big endian).
fn is_erf(head: &[u8]) -> bool {
    // From 1995 to 2037.
    const YEARS: std::ops::Range<u32> = 788_918_400..2_145_916_800;
    /// Types of records; the highest bit says that extension headers follow.
    const TYPES: std::ops::RangeInclusive<u8> = 1..=48;
    let record = |at: usize| {
        let [_, _, _, _, s0, s1, s2, s3, kind, _, l0, l1, _, _, w0, w1] = *head.get(at..)?.first_chunk()?;
        let (seconds, len) = (u32::from_le_bytes([s0, s1, s2, s3]), usize::from(u16::from_be_bytes([l0, l1])));
        let is_one = YEARS.contains(&seconds) && TYPES.contains(&(kind & 0x7f)) && len > 16 && [w0, w1] != [0, 0];
        is_one.then_some((seconds, len))
    };
    let Some((first, len)) = record(0) else { return false };
    record(len).is_some_and(|(second, _)| (first..=first.saturating_add(86_400)).contains(&second))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_kind_hides_another_and_none_is_a_capture() {
        for (place, (at, magic, name, _)) in KINDS.iter().enumerate() {
            let mut head = vec![b'.'; 300];
            head[*at..at + magic.len()].copy_from_slice(magic);
            assert_eq!(kind(&head).map(|kind| kind.name), Some(*name), "{place}");
            assert!(super::super::magic::format(&head).is_none());
        }
        assert_eq!(kind(b""), None);
        assert_eq!(kind(b"PK"), None);
        assert_eq!(kind(&[0; 40]).map(|kind| kind.name), Some("nothing but zeros"));
    }

    #[test]
    fn erf_is_two_records_that_agree() {
        // As in Wireshark's samples: 2004-06-03, Ethernet, 80 and 96 bytes.
        let record = |seconds: u32, len: u8| {
            let mut bytes = vec![1, 2, 3, 4];
            bytes.extend(seconds.to_le_bytes());
            bytes.extend([2, 4, 0, len, 0, 0, 0, 60]);
            bytes.resize(len.into(), 0x55);
            bytes
        };
        let whole = [record(1_086_220_800, 80), record(1_086_220_801, 96)].concat();
        assert!(is_erf(&whole));
        assert!(!is_erf(&whole[..90]));
        assert!(!is_erf(&[record(1_086_220_800, 80), record(1_000_000_000, 96)].concat()));
        assert!(!is_erf(&[0x20; 400]));
    }
}

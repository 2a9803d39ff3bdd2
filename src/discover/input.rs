//! One capture as the later stages see it.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::path_text;
use crate::storage::Location;
use crate::storage::objects::ObjectVersion;

/// A capture that was found and recognised. Any process that sees the same files can open it again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Input {
    /// The path as it was given on the command line, or as the walk of a given directory found it. `-` is stdin.
    #[serde(with = "path_text")]
    pub path: PathBuf,
    /// The absolute path, or the URL of an object. It tells one input from another, from run to run. A stream has no place, because its bytes come
    /// once. So this is no absolute path for a stream, but `-`, followed by the path of the FIFO (`-/dev/fd/63`).
    #[serde(with = "path_text")]
    pub absolute: PathBuf,
    /// The absolute path with its links, if it has any. By the next run, a link may lead to a copy.
    #[serde(default, with = "path_text::optional", skip_serializing_if = "Option::is_none")]
    pub reached: Option<PathBuf>,
    /// Bytes of the file as it is, compressed or not; 0 for stdin. Bytes that are appended later are not read.
    pub size: u64,
    /// Nanoseconds since the Unix epoch; 0 where the system does not tell, and for stdin.
    pub modified: i64,
    /// Fingerprint of the content. `None` for stdin, which has not been read yet.
    pub fingerprint: Option<String>,
    /// How the bytes are compressed; [`Compression::None`] for stdin until it is read.
    pub compression: Compression,
    /// The format of the decompressed bytes. `None` for stdin, which has not been read yet.
    pub format: Option<Format>,
    /// Hash of the decompressed bytes up to the end of the first record. `None` for stdin, and where there is no record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head: Option<String>,
    /// The ETag of an object (RFC 9110 section 8.8.3), with its quotation marks. `None` for a file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
    /// The version or generation of an object, where its store has such. `None` for a file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}

impl Input {
    /// An input of which only the path is known.
    #[must_use]
    pub fn unread(path: &Path) -> Self {
        Self {
            path: path.to_path_buf(),
            absolute: path.to_path_buf(),
            reached: None,
            size: 0,
            modified: 0,
            fingerprint: None,
            compression: Compression::None,
            format: None,
            head: None,
            etag: None,
            version: None,
        }
    }

    /// Which object is meant, of those that had its key.
    #[must_use]
    pub fn object_version(&self) -> ObjectVersion {
        ObjectVersion { etag: self.etag.clone(), version: self.version.clone() }
    }

    /// A stream: `-`, or the path of a FIFO.
    #[must_use]
    pub fn stream(path: &Path) -> Self {
        let mut input = Self::unread(path);
        if !Location::of(path).is_stdin() {
            let place = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
            input.absolute = Path::new("-").join(place.strip_prefix("/").unwrap_or(&place));
        }
        input
    }

    /// Whether this is standard input, or a FIFO that is read like it.
    #[must_use]
    pub fn is_stdin(&self) -> bool {
        self.absolute.starts_with("-")
    }

    /// The path as one line that is safe on a terminal.
    #[must_use]
    pub fn name(&self) -> String {
        if Location::of(&self.path).is_stdin() { "stdin".to_owned() } else { path_text::printable(&self.path) }
    }
}

/// A compression format, recognised by its magic bytes and never by a suffix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Compression {
    /// Not compressed.
    None,
    /// RFC 1952, any number of members.
    Gzip,
    /// RFC 8878, any number of frames.
    Zstd,
    /// The .xz format, any number of streams.
    Xz,
    /// bzip2, any number of streams.
    Bzip2,
    /// LZ4 frames.
    Lz4,
}

impl Compression {
    /// Suffixes of compressed captures. They choose which files are looked at, and which names one capture may have had.
    pub const SUFFIXES: [&str; 6] = [".gz", ".zst", ".zstd", ".xz", ".bz2", ".lz4"];

    /// The name that reports and tables use.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
            Self::Xz => "xz",
            Self::Bzip2 => "bzip2",
            Self::Lz4 => "lz4",
        }
    }
}

/// A capture format, recognised by its magic bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// No bytes at all: what a rotated capture without traffic leaves.
    Empty,
    /// libpcap, microseconds (magic `a1b2c3d4`).
    PcapUs,
    /// libpcap, nanoseconds (magic `a1b23c4d`).
    PcapNs,
    /// libpcap as patched by A. Kuznetsov, with 24-byte record headers (magic `a1b2cd34`).
    PcapModified,
    /// pcapng (draft-ietf-opsawg-pcapng).
    Pcapng,
}

impl Format {
    /// The name that reports and tables use.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::PcapUs => "pcap-us",
            Self::PcapNs => "pcap-ns",
            Self::PcapModified => "pcap-modified",
            Self::Pcapng => "pcapng",
        }
    }
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

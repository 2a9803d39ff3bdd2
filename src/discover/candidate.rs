//! A file that may be a capture, and why a file is not one.

use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::advice::Advice;
use crate::memory::Bytes;
use crate::path_text;
use crate::storage::objects::{
    ObjectAddress, ObjectFacts, ObjectVersion, is_archived, is_without_credentials, object_facts,
};
use crate::storage::{EntryKind, NotRegular, local};

use super::input::Compression;
use super::input::Input;
use super::kind::FileKind;

/// Why an input gives no rows at all. The run goes on without it, and ends with exit status 3.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// Nothing is there, or it went away between the walk and the opening.
    #[error("does not exist")]
    Missing,
    /// The operating system does not let us read it.
    #[error("cannot be read: {0}")]
    Unreadable(io::Error),
    /// It is a device, a FIFO or a socket.
    #[error("is {0} and not a regular file")]
    NotAFile(&'static str),
    /// It is not a capture.
    #[error("is not a capture: it begins with {found}")]
    NotACapture {
        /// What it begins with.
        found: String,
    },
    /// It is a file of another kind, which is known.
    #[error("is not a capture that can be read: it is {kind}")]
    OtherKind {
        /// What it is.
        kind: FileKind,
    },
    /// It begins as a capture and ends within the file header.
    #[error("is not a whole capture: its header needs {needed} bytes, the file has {found}")]
    HeaderCut {
        /// Bytes of the file header.
        needed: u64,
        /// Bytes that are there.
        found: u64,
    },
    /// Its version is not defined anywhere.
    #[error("has format version {major}.{minor}, which is not one that can be read")]
    Version {
        /// The major version of the header.
        major: u16,
        /// The minor version of the header.
        minor: u16,
    },
    /// It cannot be decompressed, so that not even the first bytes are known.
    #[error("is a {compression} file that does not unpack: {problem}")]
    Packing {
        /// The compression its magic bytes announce.
        compression: Compression,
        /// What the decompressor said.
        problem: String,
    },
    /// Its decompression takes more memory than there is.
    #[error("is a {compression} file that takes {} of memory to unpack, and there are {}", Bytes(*needed), Bytes(*allowed))]
    Window {
        /// How it is compressed.
        compression: Compression,
        /// Bytes that its first frame or block needs.
        needed: u64,
        /// Bytes that its decompressor may take.
        allowed: u64,
    },
    /// It is the object of no bytes that a console or a file system on a bucket makes in place of a folder.
    #[error("stands for a folder")]
    Marker,
    /// The URL of a file at a web server has a query, which may be a signature.
    #[error("has a query or a fragment, which may be a signature, and names of captures are kept")]
    SignedUrl,
    /// Its key is none that can be asked for.
    #[error("has a key with an empty segment, `.`, `..` or a control character, which cannot be read")]
    OddKey,
    /// It lies in an archive of its store.
    #[error("is archived, and its store gives it only after it was restored")]
    Archived,
    /// A directory was named, and no capture is in it.
    #[error("holds no capture")]
    NoCaptures,
    /// A pattern that matches nothing.
    #[error("is a pattern that matches no file")]
    NoMatch,
    /// A pattern that matches folders, none of which holds a capture.
    #[error("is a pattern that leads to no capture")]
    NoCapturesMatch,
}

impl Refusal {
    /// Whether the bytes of the file are the reason. Then the refusal stands until they change.
    #[must_use]
    pub fn is_of_content(&self) -> bool {
        matches!(
            self,
            Self::NotACapture { .. }
                | Self::OtherKind { .. }
                | Self::HeaderCut { .. }
                | Self::Version { .. }
                | Self::Packing { .. }
        )
    }

    /// What to do about it, if anything.
    #[must_use]
    pub fn advice(&self) -> Option<Advice> {
        let text = match self {
            Self::NotACapture { .. } => {
                "captures are pcap or pcapng, plain or in gzip, zstd, xz, bzip2 or lz4; `editcap -F pcap` converts others"
            }
            Self::OtherKind { kind } => return Some(kind.advice()),
            Self::Window { .. } => return Some(Advice::MoreMemory),
            Self::NotAFile("a FIFO") => "a FIFO is read as a stream if it is named itself",
            Self::NotAFile("a socket") => "`-` reads standard input, whatever it is",
            Self::SignedUrl => {
                "fetch it to a pipe and name `-`, or name an object of a bucket by s3://, gs:// or az://"
            }
            Self::OddKey => "copy it to another key",
            Self::Archived => "restore it first, e.g. by `aws s3api restore-object`; each run tries again",
            Self::Unreadable(error) if is_without_credentials(error) => {
                "`aws configure export-credentials` prints those of a profile as variables of the environment, with the format `env`"
            }
            Self::NoCaptures | Self::NoCapturesMatch => {
                "captures are recognised by their first bytes, whatever they are called"
            }
            _ => return None,
        };
        Some(Advice::Text(text.to_owned()))
    }
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Self {
        if let Some(NotRegular(kind)) = error.get_ref().and_then(|error| error.downcast_ref()) {
            return Self::NotAFile(kind);
        }
        if is_archived(&error) {
            return Self::Archived;
        }
        if error.kind() == io::ErrorKind::NotFound { Self::Missing } else { Self::Unreadable(error) }
    }
}

/// A path that exists and may be a capture, with what the walk knows about it. It has not been opened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidate {
    /// The path as it was given, or found.
    #[serde(with = "path_text")]
    pub path: PathBuf,
    /// The absolute path.
    #[serde(with = "path_text")]
    pub absolute: PathBuf,
    /// The absolute path with its links, if it has any.
    #[serde(default, with = "path_text::optional", skip_serializing_if = "Option::is_none")]
    pub reached: Option<PathBuf>,
    /// Bytes.
    pub size: u64,
    /// Nanoseconds since the Unix epoch.
    pub modified: i64,
    /// Whether it must be a capture: it was named itself, or its name says so.
    pub claimed: bool,
    /// Which object is meant, of those that had its key. Nothing of a file.
    pub version: ObjectVersion,
}

impl Candidate {
    /// Asks the system about a path, or a store about the object of a URL, without opening it.
    ///
    /// # Errors
    /// If it does not exist, cannot be asked about, or is of a kind that may block when opened.
    pub fn of(path: &Path, claimed: bool) -> Result<Self, Refusal> {
        if let Some(address) = ObjectAddress::of(path) {
            let facts = object_facts(&address)?.ok_or(Refusal::Missing)?;
            return Ok(Self::of_object(&address, facts, claimed));
        }
        // Without `..` and links, so that a file has one name, whichever path led to it.
        Self::at(path, claimed, || Ok(local::canonical(path)?))
    }

    /// A file that was opened as this input.
    pub(crate) fn of_input(input: &Input) -> Self {
        Self {
            path: input.path.clone(),
            absolute: input.absolute.clone(),
            reached: input.reached.clone(),
            size: input.size,
            modified: input.modified,
            claimed: true,
            version: input.object_version(),
        }
    }

    /// As [`Candidate::of`], where it is known how the absolute path is to be had.
    pub(super) fn at(
        path: &Path,
        claimed: bool,
        absolute: impl FnOnce() -> Result<PathBuf, Refusal>,
    ) -> Result<Self, Refusal> {
        let found = local::facts(path)?;
        if found.kind != EntryKind::File {
            return Err(Refusal::NotAFile(found.kind.name()));
        }
        let absolute = absolute()?;
        let reached = std::path::absolute(path).ok().filter(|reached| *reached != absolute);
        let path = path.to_path_buf();
        Ok(Self {
            path,
            absolute,
            reached,
            size: found.size,
            modified: found.modified,
            claimed,
            version: ObjectVersion::default(),
        })
    }

    /// Whether a store has an object of exactly this name, and not one whose key ends with a slash, which it lists without it.
    ///
    /// # Errors
    /// If it cannot be asked.
    pub(crate) fn is_there(&self) -> Result<bool, Refusal> {
        match ObjectAddress::of(&self.absolute) {
            Some(address) => Ok(object_facts(&address)?.is_some()),
            None => Ok(true),
        }
    }

    /// An object, by what its store says of it.
    pub(super) fn of_object(address: &ObjectAddress, facts: ObjectFacts, claimed: bool) -> Self {
        let path = address.path();
        let ObjectFacts { size, modified, version, .. } = facts;
        Self { absolute: path.clone(), path, reached: None, size, modified, claimed, version }
    }
}

//! The text of a manifest: JSON that people can read, with a checksum at its end.

use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::Path;

use serde::Serialize;

use crate::bug::bug;
use crate::error::{Error, Result};
use crate::hash::{ContentHash, checksum};
use crate::path_text;
use crate::storage::{HashedFile, LocalFile, open_own};

use super::layout::Layout;
use super::manifest::Manifest;

/// The version of the manifest itself.
pub(super) const MANIFEST_VERSION: u32 = 2;

/// The version of a manifest without whose checkpoint the lake cannot be read: earlier versions of parcap must not take it for all.
pub(super) const CHECKPOINT_VERSION: u32 = 3;

/// Bytes at the beginning of a manifest within which its first lines are.
const HEAD: usize = 1024;

/// The beginning of the line that says where the last checkpoint is.
const CHECKPOINT_AT: &str = "\"checkpoint_at\": ";
/// The beginning of the line that says where the last manifest is that describes the whole lake.
pub(super) const BASE_AT: &str = "\"base_at\": ";

/// Bytes that are read at a time.
const BUFFER: usize = 1 << 18;

/// Bytes of a manifest that is read at once, which takes half the time.
const AT_ONCE: u64 = 64 << 20;

/// The beginning of a manifest's last lines, before the checksum of all that precedes them.
const CHECKSUM: &str = "\"checksum\": \"";
/// What follows the checksum.
const AFTER_CHECKSUM: &str = "\"\n}\n";

impl Manifest {
    /// Reads a manifest.
    ///
    /// # Errors
    /// If it cannot be read, has another version, differs from the text that was written, or names files in places where
    /// they do not belong. Manifests of earlier versions have no checksum, and are taken as they are.
    pub fn read(path: &Path) -> Result<Self> {
        let mut file = open_own(path).map_err(Error::io("read", path))?;
        let size = file.facts().map_err(Error::io("read", path))?.size;
        if size <= AT_ONCE {
            let mut text = Vec::new();
            file.read_to_end(&mut text).map_err(Error::io("read", path))?;
            return Self::of_bytes(&text, path);
        }
        let (expected, length) = expected_checksum(&file).map_err(Error::io("read", path))?;
        Self::parse(file, expected, length, path)
    }

    /// Checks that a manifest is as it was written, without making anything of it. One without a checksum is read.
    ///
    /// # Errors
    /// As [`Manifest::read`].
    pub(super) fn check(path: &Path) -> Result<()> {
        let file = open_own(path).map_err(Error::io("read", path))?;
        let (expected, length) = expected_checksum(&file).map_err(Error::io("read", path))?;
        let Some(expected) = expected else { return Self::read(path).map(drop) };
        let mut hashed = Hashed { text: file, left: length, hash: ContentHash::default() };
        io::copy(&mut BufReader::with_capacity(BUFFER, &mut hashed), &mut io::sink())
            .map_err(Error::io("read", path))?;
        let found = checksum(&hashed.hash);
        if found == expected {
            return Ok(());
        }
        Err(Error::FileDiffers { path: path.to_path_buf(), what: "checksum of the manifest", expected, found })
    }

    /// Reads a manifest from its text. `path` is its name in messages.
    ///
    /// # Errors
    /// As [`Manifest::read`].
    pub(super) fn of_bytes(text: &[u8], path: &Path) -> Result<Self> {
        let tail = text.len().checked_sub(tail_length()).and_then(|length| Some((length, text.get(length..)?)));
        let sum = tail.and_then(|(length, tail)| Some((length, checksum_in(tail)?)));
        let length = sum.as_ref().map_or(text.len(), |(length, _)| *length);
        let (covered, _) = text.split_at_checked(length).unwrap_or((text, &[]));
        let mut hash = ContentHash::default();
        hash.update(covered);
        let manifest = serde_json::from_slice(text).map_err(not_one(path))?;
        Self::checked(manifest, sum.map(|(_, sum)| sum), checksum(&hash), path)
    }

    /// The number of the commit that made the last checkpoint, as the first lines of a manifest say.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub(super) fn checkpoint_at(path: &Path) -> Result<Option<u64>> {
        let mut head = Vec::new();
        let file = open_own(path).map_err(Error::io("read", path))?;
        file.take(HEAD as u64).read_to_end(&mut head).map_err(Error::io("read", path))?;
        let text = String::from_utf8_lossy(&head);
        Ok(text.lines().find_map(|line| number_in(line, CHECKPOINT_AT)))
    }

    /// Parses a manifest, whose first `length` bytes should have a checksum.
    fn parse(text: impl Read, expected: Option<String>, length: u64, path: &Path) -> Result<Self> {
        let mut hashed = Hashed { text, left: length, hash: ContentHash::default() };
        // For a large archive, the text is larger than the parsed manifest.
        let manifest = serde_json::from_reader(BufReader::with_capacity(BUFFER, &mut hashed)).map_err(not_one(path))?;
        Self::checked(manifest, expected, checksum(&hashed.hash), path)
    }

    /// Checks that a manifest has a version that is known, is as it was written, and names files where they belong.
    fn checked(manifest: Self, expected: Option<String>, found: String, path: &Path) -> Result<Self> {
        if !(MANIFEST_VERSION..=CHECKPOINT_VERSION).contains(&manifest.version) {
            return Err(Error::ManifestVersion {
                path: path.to_path_buf(),
                found: manifest.version,
                expected: CHECKPOINT_VERSION,
            });
        }
        match expected {
            Some(expected) if expected != found => {
                let path = path.to_path_buf();
                return Err(Error::FileDiffers { path, what: "checksum of the manifest", expected, found });
            }
            _ => {}
        }
        match manifest.strange() {
            Some(named) => Err(Error::Outside { path: path.to_path_buf(), named: path_text::printable(named) }),
            None => Ok(manifest),
        }
    }

    /// Its text.
    ///
    /// # Errors
    /// If a path cannot be written as text.
    pub(super) fn to_bytes(&self) -> Result<Vec<u8>> {
        let mut text = Vec::new();
        let write = |text: &mut Vec<u8>| {
            self.write_lines(text)?;
            let mut hash = ContentHash::default();
            hash.update(text);
            write!(text, "{CHECKSUM}{}{AFTER_CHECKSUM}", checksum(&hash))
        };
        write(&mut text).map_err(Error::io("write", Layout::manifests().join(Self::file_name(self.sequence))))?;
        Ok(text)
    }

    /// Writes it as a new file, synced. Each capture, part and so on has its own line, for people and for `grep`.
    ///
    /// # Errors
    /// If the file exists, or cannot be written or synced.
    pub fn write(&self, path: &Path) -> Result<()> {
        let file = HashedFile::create(path).map_err(Error::io("create", path))?;
        let mut out = BufWriter::new(file);
        let text = |out: &mut BufWriter<HashedFile>| {
            self.write_lines(out)?;
            out.flush()?;
            let sum = out.get_ref().checksum();
            write!(out, "{CHECKSUM}{sum}{AFTER_CHECKSUM}")
        };
        text(&mut out).map_err(Error::io("write", path))?;
        let file = out.into_inner().map_err(|error| Error::io("write", path)(error.into_error()))?;
        file.finish().map(drop).map_err(Error::io("sync", path))
    }

    fn write_lines(&self, out: &mut impl Write) -> io::Result<()> {
        let mut head = vec![
            ("parcap", serde_json::to_string(&self.parcap)?),
            ("schema_version", serde_json::to_string(&self.schema_version)?),
            ("sequence", serde_json::to_string(&self.sequence)?),
        ];
        // Among the first lines, for it is read before the rest.
        if let Some(number) = self.checkpoint_at {
            head.push(("checkpoint_at", serde_json::to_string(&number)?));
        }
        if let Some(number) = self.base_at {
            head.push(("base_at", serde_json::to_string(&number)?));
        }
        head.extend([
            ("action", serde_json::to_string(&self.action)?),
            ("settings", serde_json::to_string(&self.settings)?),
            ("records", serde_json::to_string(&self.records)?),
            ("rows", serde_json::to_string(&self.rows)?),
            ("removed", serde_json::to_string(&self.removed)?),
        ]);
        if let Some(checkpoint) = &self.checkpoint {
            head.push(("checkpoint", serde_json::to_string(checkpoint)?));
        }
        if let Some(plan) = &self.plan {
            head.push(("plan", serde_json::to_string(plan)?));
        }
        if let Some(delta) = &self.delta {
            head.push(("delta", serde_json::to_string(delta)?));
        }
        if self.base {
            head.push(("base", serde_json::to_string(&self.base)?));
        }
        if let Some(run) = &self.run {
            head.push(("run", serde_json::to_string(run)?));
        }
        if let Some(committed) = &self.committed {
            head.push(("committed", serde_json::to_string(committed)?));
        }
        if self.void {
            head.push(("void", serde_json::to_string(&self.void)?));
        }
        if let Some(pending) = &self.pending {
            head.push(("pending", serde_json::to_string(pending)?));
        }
        out.write_all(b"{\n")?;
        for (name, value) in head {
            writeln!(out, "\"{name}\": {value},")?;
        }
        write_list(out, "inputs", &self.inputs)?;
        write_list(out, "met_again", &self.met_again)?;
        write_list(out, "units", &self.units)?;
        write_list(out, "parts", &self.parts)?;
        write_list(out, "partials", &self.partials)?;
        write_list(out, "tables", &self.tables)?;
        if let Some(names) = &self.names {
            writeln!(out, "\"names\": {},", serde_json::to_string(names)?)?;
        }
        write_list(out, "refused", &self.refused)?;
        if !self.retired.is_empty() {
            write_list(out, "retired", &self.retired)?;
        }
        if !self.retained.is_empty() {
            write_list(out, "retained", &self.retained)?;
        }
        writeln!(out, "\"version\": {},", self.version)
    }
}

/// The number in a line of a manifest that begins so.
pub(super) fn number_in(line: &str, beginning: &str) -> Option<u64> {
    line.strip_prefix(beginning)?.trim_end_matches(',').parse().ok()
}

fn not_one(path: &Path) -> impl FnOnce(serde_json::Error) -> Error + '_ {
    move |source| Error::Json { name: path_text::printable(path), what: "manifest", source }
}

/// The checksum that a manifest has for itself, and the length of the text that it covers. Without a checksum, the length
/// of all.
fn expected_checksum(file: &LocalFile) -> io::Result<(Option<String>, u64)> {
    let size = file.facts()?.size;
    let mut tail = vec![0; tail_length()];
    let Some(length) = size.checked_sub(tail.len() as u64) else { return Ok((None, size)) };
    file.read_exact_at(&mut tail, length)?;
    Ok(checksum_in(&tail).map_or((None, size), |sum| (Some(sum), length)))
}

/// Bytes of the checksum's line and of all that follows it.
fn tail_length() -> usize {
    CHECKSUM.len() + checksum(&ContentHash::default()).len() + AFTER_CHECKSUM.len()
}

/// The checksum in the last lines of a manifest.
fn checksum_in(tail: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(tail).ok()?;
    text.strip_prefix(CHECKSUM)?.strip_suffix(AFTER_CHECKSUM).map(str::to_owned)
}

/// Text whose first bytes are hashed as they are read.
struct Hashed<R> {
    text: R,
    left: u64,
    hash: ContentHash,
}

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.text.read(buffer)?;
        let hashed = usize::try_from(self.left).unwrap_or(usize::MAX).min(read);
        self.hash.update(buffer.get(..hashed).ok_or_else(|| io::Error::other(bug!()))?);
        self.left -= hashed as u64;
        Ok(read)
    }
}

/// A list, one line for each element.
fn write_list<T: Serialize>(out: &mut impl Write, name: &str, list: &[T]) -> io::Result<()> {
    write!(out, "\"{name}\": [")?;
    for (place, element) in list.iter().enumerate() {
        out.write_all(if place == 0 { b"\n " } else { b",\n " })?;
        serde_json::to_writer(&mut *out, element)?;
    }
    out.write_all(if list.is_empty() { b"],\n" } else { b"\n],\n" })
}

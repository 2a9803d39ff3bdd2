//! The names that a capture may have had, compressed or not.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use crate::discover::Compression;

/// The names of a capture with each compression suffix, and without one.
pub(super) fn packed_names(path: &Path) -> impl Iterator<Item = PathBuf> {
    let plain = without_packing(path);
    let names = Compression::SUFFIXES.map(|suffix| with_suffix(&plain, suffix));
    std::iter::once(plain).chain(names)
}

fn without_packing(path: &Path) -> PathBuf {
    let bytes = path.as_os_str().as_bytes();
    let plain = Compression::SUFFIXES.iter().find_map(|suffix| bytes.strip_suffix(suffix.as_bytes()));
    plain.map_or_else(|| path.to_path_buf(), |plain| PathBuf::from(OsStr::from_bytes(plain)))
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

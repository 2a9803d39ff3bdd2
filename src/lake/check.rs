//! Whether a file is as it was written.

use std::io::Read as _;
use std::path::Path;

use crate::bug::bug;
use crate::error::{Error, Result};
use crate::hash::{ContentHash, checksum};
use crate::storage::LocalFile;

/// Bytes that are read at a time.
const BUFFER: usize = 1 << 20;

/// Reads a file, and compares its size and checksum with the recorded ones.
///
/// # Errors
/// If it cannot be read; [`Error::FileDiffers`] if it differs.
pub fn checked(path: &Path, bytes: u64, expected: &str) -> Result<()> {
    let file = LocalFile::open(path).map_err(Error::io("open", path))?;
    let found = file.facts().map_err(Error::io("read", path))?.size;
    let differs = |what, expected: String, found: String| {
        Err(Error::FileDiffers { path: path.to_path_buf(), what, expected, found })
    };
    if found != bytes {
        return differs("size", format!("{bytes} bytes"), format!("{found} bytes"));
    }
    let (_, found) = sum(file, path)?;
    if found == expected { Ok(()) } else { differs("checksum", expected.to_owned(), found) }
}

/// The number of bytes of a file, and their checksum.
///
/// # Errors
/// If it cannot be read.
pub fn sum_of(path: &Path) -> Result<(u64, String)> {
    sum(LocalFile::open(path).map_err(Error::io("open", path))?, path)
}

fn sum(mut file: LocalFile, path: &Path) -> Result<(u64, String)> {
    let mut hash = ContentHash::default();
    let mut buffer = vec![0; BUFFER];
    let mut bytes = 0;
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok((bytes, checksum(&hash))),
            Ok(read) => {
                hash.update(buffer.get(..read).ok_or_else(|| bug!())?);
                bytes += read as u64;
            }
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(Error::io("read", path)(error)),
        }
    }
}

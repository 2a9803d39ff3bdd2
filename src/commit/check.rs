//! Whether a file is what was written.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use crate::discover::{ContentHash, checksum};
use crate::error::{Error, Result};

/// Bytes that are read at a time.
const BUFFER: usize = 1 << 20;

/// Reads a file, and compares its size and checksum with those that were recorded when it was written.
///
/// # Errors
/// If it cannot be read; [`Error::FileDiffers`] if it is another one.
pub fn checked(path: &Path, bytes: u64, expected: &str) -> Result<()> {
    let mut file = File::open(path).map_err(Error::io("open", path))?;
    let found = file.metadata().map_err(Error::io("read", path))?.len();
    let differs = |what, expected: String, found: String| {
        Err(Error::FileDiffers { path: path.to_path_buf(), what, expected, found })
    };
    if found != bytes {
        return differs("size", format!("{bytes} bytes"), format!("{found} bytes"));
    }
    let mut hash = ContentHash::default();
    let mut buffer = vec![0; BUFFER];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => hash.update(buffer.get(..read).unwrap_or_default()),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(Error::io("read", path)(error)),
        }
    }
    let found = checksum(&hash);
    if found == expected { Ok(()) } else { differs("checksum", expected.to_owned(), found) }
}

//! Paths as a log has them: below the table's root, as a URI reference (RFC 2396), which readers decode.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

/// A path below the lake as a log has it. Names of partitions keep their `=`, as all writers leave it.
pub(super) fn encoded(path: &Path) -> String {
    let mut text = String::new();
    for byte in path.as_os_str().as_bytes() {
        // RFC 2396, 2.3: letters, digits and marks stand for themselves; 3.3: so do `/` and `=` in a path.
        if byte.is_ascii_alphanumeric() || b"-_.!~*'()/=".contains(byte) {
            text.push(char::from(*byte));
        } else {
            let _ = write!(text, "%{byte:02X}");
        }
    }
    text
}

/// The path that a text of a log stands for. What is no percent-encoding stands for itself.
pub(super) fn decoded(text: &str) -> PathBuf {
    let bytes = text.as_bytes();
    let (mut path, mut at) = (Vec::with_capacity(bytes.len()), 0);
    while let Some(byte) = bytes.get(at) {
        let digits = (*byte == b'%').then(|| text.get(at + 1..at + 3)).flatten();
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                path.push(byte);
                at += 3;
            }
            None => {
                path.push(*byte);
                at += 1;
            }
        }
    }
    PathBuf::from(OsString::from_vec(path))
}

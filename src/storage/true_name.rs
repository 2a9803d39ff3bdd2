//! Paths without links.

use std::fs;
use std::path::{Path, PathBuf};

use super::objects::ObjectAddress;

/// The most links that are followed to a true name.
const LINKS: u32 = 40;

/// The absolute path without links, as far as it exists. The rest of it is kept as it is. The name of an object is its URL.
#[must_use]
pub fn true_name(path: &Path) -> PathBuf {
    object_name(path).unwrap_or_else(|| follow(path, LINKS))
}

/// The absolute path as it is written, with its links. The name of an object is its URL.
pub(crate) fn absolute(path: &Path) -> PathBuf {
    object_name(path).unwrap_or_else(|| std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf()))
}

/// The URL of an object or of a folder of objects, always in the same form. `None` if the name is that of a file.
fn object_name(path: &Path) -> Option<PathBuf> {
    let mut address = ObjectAddress::of(path)?;
    address.key.truncate(address.key.trim_end_matches('/').len());
    Some(address.path())
}

fn follow(path: &Path, links: u32) -> PathBuf {
    if let Ok(name) = path.canonicalize() {
        return name;
    }
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
        return path;
    };
    match fs::read_link(&path) {
        Ok(target) if links > 0 => follow(&parent.join(target), links - 1),
        _ => follow(parent, links).join(name),
    }
}

//! Paths without links.

use std::fs;
use std::path::{Path, PathBuf};

/// The most links that are followed to a true name.
const LINKS: u32 = 40;

/// The absolute path without links, as far as it exists. The rest of it is kept as it is.
#[must_use]
pub fn true_name(path: &Path) -> PathBuf {
    follow(path, LINKS)
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

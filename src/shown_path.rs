//! Paths in messages: copies of what is elsewhere are called by the name of what they are copies of.

use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock};

/// Local folders that stand for something else, each with its name.
static STAND_INS: RwLock<Vec<(PathBuf, PathBuf)>> = RwLock::new(Vec::new());

/// The folder of a stand-in in which copies of files are, each below a folder of its own with a number.
pub const COPIES: &str = "read";

/// Notes that a local folder stands for what has this name.
pub fn stands_for(folder: &Path, name: &Path) {
    let mut stand_ins = STAND_INS.write().unwrap_or_else(PoisonError::into_inner);
    stand_ins.push((folder.to_path_buf(), name.to_path_buf()));
}

/// The text of a path in a message.
#[must_use]
pub fn shown(path: &Path) -> String {
    let stand_ins = STAND_INS.read().unwrap_or_else(PoisonError::into_inner);
    let found = stand_ins.iter().find_map(|(folder, name)| {
        let below = path.strip_prefix(folder).ok()?;
        let copied = below.strip_prefix(COPIES).ok().map(|copy| copy.iter().skip(1).collect::<PathBuf>());
        Some(name.join(copied.as_deref().unwrap_or(below)))
    });
    found.as_deref().unwrap_or(path).display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_for_a_bucket_is_called_by_its_url() {
        stands_for(Path::new("/scratch/lake-1"), Path::new("s3://bucket/lake"));
        for (path, expected) in [
            ("/scratch/lake-1/packets/x", "s3://bucket/lake/packets/x"),
            ("/scratch/lake-1/read/17/packets/x", "s3://bucket/lake/packets/x"),
            ("/scratch/lake-1", "s3://bucket/lake/"),
            ("/scratch/lake-10/x", "/scratch/lake-10/x"),
        ] {
            assert_eq!(shown(Path::new(path)), expected);
        }
    }
}

//! What the names of files and folders say: whether a file is to be a capture, is incomplete, or is for others.

use std::path::Path;

use super::input::Compression;

/// Folders that file systems, storage appliances, desktops and copying programs keep among the files of their users.
/// Their content was deleted, is a copy of files beside them, is incomplete, or may not be read. Such a folder is walked
/// if it was given itself.
const OTHERS: [&str; 21] = [
    // File systems: what a check found; snapshots of ZFS, NetApp, Isilon, CephFS, btrfs' snapper and Synology.
    "lost+found",
    ".zfs",
    ".snapshot",
    "~snapshot",
    ".snap",
    ".snapshots",
    "#snapshot",
    // Indexes and thumbnails of Synology and of macOS.
    "@eaDir",
    ".Spotlight-V100",
    ".fseventsd",
    ".TemporaryItems",
    ".DocumentRevisions-V100",
    // What macOS puts beside each file of an archive.
    "__MACOSX",
    // What was deleted: freedesktop.org's trash, also `.Trash-1000`, macOS, Synology, QNAP, Windows.
    ".Trash",
    ".Trashes",
    "#recycle",
    "@Recycle",
    "$RECYCLE.BIN",
    "System Volume Information",
    // rsync: incomplete files, and files that wait for the others.
    ".rsync-partial",
    ".~tmp~",
];

/// Whether a folder is one of [`OTHERS`].
pub(super) fn is_of_others(folder: &Path) -> bool {
    let Some(name) = folder.file_name().and_then(|name| name.to_str()) else { return false };
    let trash = name.strip_prefix(".Trash-").is_some_and(|user| user.bytes().all(|byte| byte.is_ascii_digit()));
    trash || OTHERS.contains(&name)
}

/// Whether a file is a copy that rsync has not finished: `.x.pcap.Ab3xYz`, until it is renamed to `x.pcap`.
pub(super) fn is_unfinished(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str());
    let parts = name.and_then(|name| name.strip_prefix('.')?.rsplit_once('.'));
    parts.is_some_and(|(name, random)| {
        random.len() == 6 && random.bytes().all(|byte| byte.is_ascii_alphanumeric()) && is_capture_name(Path::new(name))
    })
}

/// Whether a name says that the file is a capture: `.pcap`, `.cap`, `.pcapng`, `.dmp`, with or without a compression
/// suffix, and with the number that `tcpdump -C` appends (`.pcap12`). Not so for a name like `._x.pcap`, under which
/// macOS puts a file beside another one (RFC 1740). A capture with such a name is recognised by its bytes.
#[must_use]
pub fn is_capture_name(path: &Path) -> bool {
    let Some(name) = path.file_name().map(|name| name.to_string_lossy().to_ascii_lowercase()) else {
        return false;
    };
    if name.starts_with("._") {
        return false;
    }
    let name = Compression::SUFFIXES.iter().find_map(|suffix| name.strip_suffix(suffix)).unwrap_or(&name);
    let name = name.trim_end_matches(|character: char| character.is_ascii_digit());
    [".pcap", ".cap", ".pcapng", ".dmp"].iter().any(|suffix| name.ends_with(suffix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_claim_to_be_captures() {
        for name in ["a.pcap", "A.PCAP", "b.cap.gz", "c.pcapng.zst", "d.dmp", "e.pcap3", "f.cap.bz2"] {
            assert!(is_capture_name(Path::new(name)), "{name}");
        }
        for name in ["notes.txt", "pcap", "a.pcap.idx", "a.parquet", "README", "a.gz", "._a.pcap"] {
            assert!(!is_capture_name(Path::new(name)), "{name}");
        }
    }

    #[test]
    fn what_rsync_has_not_finished_is_known_by_its_name() {
        for name in [".a.pcap.Xy12zB", "d/.b.cap.gz.AAAAAA", ".c.pcap3.000000"] {
            assert!(is_unfinished(Path::new(name)), "{name}");
        }
        for name in [".a.pcap", "a.pcap.Xy12zB", ".a.txt.Xy12zB", ".a.pcap.Xy12z", ".a.Xy12zB.pcap", ".pcap.gz"] {
            assert!(!is_unfinished(Path::new(name)), "{name}");
        }
    }
}

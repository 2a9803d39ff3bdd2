//! What was named on the command line becomes files: directories are walked, patterns expanded, in sorted order.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use super::places::Places;
use super::probe::{Candidate, Refusal};

/// Everything that was named, as files that may be captures.
#[derive(Debug, Default)]
pub struct Found {
    /// Files, each once, in the order named and sorted by name below each directory.
    pub candidates: Vec<Candidate>,
    /// What cannot be an input, and why.
    pub refused: Vec<(PathBuf, Refusal)>,
    /// Whether `-` was named.
    pub stdin: bool,
    /// FIFOs, devices, sockets and dangling links that were met while walking.
    pub stepped_over: u64,
    /// What each path leads to that was named, `-` aside.
    pub leads: Vec<Lead>,
    /// Where all these are looked for.
    pub places: Places,
}

/// What a path that was named leads to.
#[derive(Debug, Default)]
pub struct Lead {
    /// As it was named.
    pub named: PathBuf,
    /// Whether it is a pattern.
    pub is_pattern: bool,
    /// Whether it names something that is there and is no folder, be it a capture or not.
    pub is_file: bool,
    /// The folders and files that are there.
    pub to: Vec<PathBuf>,
}

/// Expands what was named. Nothing is opened but directories.
#[must_use]
pub fn find(named: &[PathBuf]) -> Found {
    let mut found = Found::default();
    let mut seen = HashSet::new();
    for path in named {
        if path.as_os_str() == "-" {
            found.stdin = true;
            continue;
        }
        let mut lead = Lead { named: path.clone(), ..Lead::default() };
        if path.is_dir() {
            lead.to.push(path.clone());
            walk(path, &mut seen, &mut found);
        } else if path.symlink_metadata().is_err() && is_pattern(path) {
            lead.is_pattern = true;
            expand(path, &mut seen, &mut found, &mut lead.to);
        } else {
            lead.is_file = name(path, &mut seen, &mut found);
            found.places.add(path);
        }
        found.leads.push(lead);
    }
    found
}

fn add(candidate: Candidate, seen: &mut HashSet<PathBuf>, found: &mut Found) {
    if seen.insert(candidate.absolute.clone()) {
        found.candidates.push(candidate);
    }
}

/// Adds a file; whether something is there.
fn name(path: &Path, seen: &mut HashSet<PathBuf>, found: &mut Found) -> bool {
    match Candidate::of(path, true) {
        Ok(candidate) => {
            add(candidate, seen, found);
            true
        }
        Err(refusal) => {
            let is_there = matches!(refusal, Refusal::NotAFile(_));
            found.refused.push((path.to_path_buf(), refusal));
            is_there
        }
    }
}

fn is_pattern(path: &Path) -> bool {
    path.to_str().is_some_and(|text| text.contains(['*', '?', '[']))
}

fn expand(pattern: &Path, seen: &mut HashSet<PathBuf>, found: &mut Found, to: &mut Vec<PathBuf>) {
    found.places.add_pattern(pattern);
    let matches = pattern.to_str().and_then(|text| glob::glob(text).ok());
    let mut any = false;
    for path in matches.into_iter().flatten() {
        any = true;
        match path {
            Ok(path) => {
                if path.is_dir() {
                    walk(&path, seen, found);
                } else {
                    name(&path, seen, found);
                }
                to.push(path);
            }
            Err(error) => found.refused.push((error.path().to_path_buf(), Refusal::Unreadable(error.into()))),
        }
    }
    if !any {
        found.refused.push((pattern.to_path_buf(), Refusal::NoMatch));
    }
}

/// Walks a directory, following symbolic links; a link that leads back to one of its own parents is stepped over.
fn walk(root: &Path, seen: &mut HashSet<PathBuf>, found: &mut Found) {
    found.places.add(root);
    for entry in WalkDir::new(root).follow_links(true).sort_by_file_name() {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                let path = error.path().unwrap_or(root).to_path_buf();
                if is_link(&path) {
                    found.places.add(&path);
                }
                match error.into_io_error() {
                    Some(error) if !is_link(&path) => found.refused.push((path, Refusal::from(error))),
                    _ => found.stepped_over += 1,
                }
                continue;
            }
        };
        if entry.file_type().is_dir() {
            if entry.path_is_symlink() {
                found.places.add(entry.path());
            }
            continue;
        }
        match Candidate::of(entry.path(), is_capture_name(entry.path())) {
            Ok(candidate) => add(candidate, seen, found),
            Err(Refusal::NotAFile(_)) => found.stepped_over += 1,
            Err(refusal) => found.refused.push((entry.into_path(), refusal)),
        }
    }
}

fn is_link(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|metadata| metadata.is_symlink())
}

/// Whether a name says that the file is a capture: `.pcap`, `.cap`, `.pcapng`, `.dmp`, with or without a compression
/// suffix, and with the number that `tcpdump -C` appends (`.pcap12`).
#[must_use]
pub fn is_capture_name(path: &Path) -> bool {
    let Some(name) = path.file_name().map(|name| name.to_string_lossy().to_ascii_lowercase()) else {
        return false;
    };
    let packed = [".gz", ".zst", ".zstd", ".xz", ".bz2", ".lz4"];
    let name = packed.iter().find_map(|suffix| name.strip_suffix(suffix)).unwrap_or(&name);
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
        for name in ["notes.txt", "pcap", "a.pcap.idx", "a.parquet", "README", "a.gz"] {
            assert!(!is_capture_name(Path::new(name)), "{name}");
        }
    }

    #[test]
    fn a_file_that_is_named_twice_is_found_once_and_links_in_a_circle_end() {
        let dir = tempfile::tempdir().unwrap();
        let sub = dir.path().join("sub");
        std::fs::create_dir(&sub).unwrap();
        for name in ["b.pcap", "a.pcap"] {
            std::fs::write(sub.join(name), b"x").unwrap();
        }
        std::os::unix::fs::symlink(dir.path(), sub.join("loop")).unwrap();
        let found = find(&[sub.join("b.pcap"), dir.path().to_path_buf(), dir.path().join("s*/*.pcap"), "none".into()]);
        let names: Vec<_> =
            found.candidates.iter().map(|c| c.path.file_name().unwrap().to_str().unwrap().to_owned()).collect();
        assert_eq!(names, ["b.pcap", "a.pcap"]);
        assert_eq!(found.stepped_over, 1);
        assert!(matches!(found.refused.as_slice(), [(path, Refusal::Missing)] if path == Path::new("none")));
    }
}

//! Makes files of the paths on the command line: walks directories and expands patterns, in sorted order. URLs are for
//! `buckets.rs`.

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use crate::storage::objects::ObjectAddress;
use crate::storage::{EntryKind, Inode, Location, expect_streams, local, stdin_inode};

use super::buckets::find_objects;
use super::candidate::{Candidate, Refusal};
use super::input::Input;
use super::names::{is_capture_name, is_of_others, is_unfinished};
use super::places::Places;

/// Everything that was given, as files that may be captures.
#[derive(Debug, Default)]
pub struct Found {
    /// Files, each once, in the order named and sorted by name below each directory.
    pub candidates: Vec<Candidate>,
    /// What cannot be an input, and why.
    pub refused: Vec<(PathBuf, Refusal)>,
    /// Standard input, and the FIFOs that were named, each once.
    pub streams: Vec<Input>,
    /// FIFOs, devices, sockets, dangling links and folders of other programs that the walk found.
    pub stepped_over: u64,
    /// Where each given path leads, streams aside.
    pub leads: Vec<Lead>,
    /// Where all these are searched.
    pub places: Places,
}

/// Where a path that was given leads.
#[derive(Debug, Default)]
pub struct Lead {
    /// As it was named.
    pub named: PathBuf,
    /// Whether it is a pattern.
    pub is_pattern: bool,
    /// Whether it names something that exists and is not a folder, whether a capture or not.
    pub is_file: bool,
    /// The folders and files that exist.
    pub to: Vec<PathBuf>,
}

/// Files that have been found, by their absolute path without links. Whichever path leads to a file, it is found once.
#[derive(Default)]
pub(super) struct Visited {
    files: HashSet<PathBuf>,
    folders: HashSet<PathBuf>,
    /// Streams: `-` and `/dev/stdin` are one.
    streams: HashSet<Inode>,
}

/// Expands what was given. Only directories are opened, and buckets listed.
#[must_use]
pub fn find(named: &[PathBuf]) -> Found {
    let mut found = Found::default();
    let mut seen = Visited::default();
    for path in named {
        if let Some(inode) = stream(path) {
            if seen.streams.insert(inode) {
                found.streams.push(Input::stream(path));
            }
            continue;
        }
        if let Some(address) = ObjectAddress::of(path) {
            let lead = find_objects(path, &address, &mut seen, &mut found);
            found.leads.push(lead);
            continue;
        }
        let mut lead = Lead { named: path.clone(), ..Lead::default() };
        if local::is_folder(path) {
            lead.to.push(path.clone());
            walk(path, &mut seen, &mut found);
        } else if !local::name_exists(path) && is_pattern(path) {
            lead.is_pattern = true;
            expand(path, &mut seen, &mut found, &mut lead.to);
        } else {
            lead.is_file = name(path, &mut seen, &mut found);
            found.places.add(path);
        }
        found.leads.push(lead);
    }
    expect_streams(found.streams.len());
    found
}

/// The inode of standard input, by `-`, or of a FIFO.
fn stream(path: &Path) -> Option<Inode> {
    if Location::of(path).is_stdin() {
        return Some(stdin_inode());
    }
    let found = local::facts(path).ok()?;
    (found.kind == EntryKind::Fifo).then_some(found.inode)
}

pub(super) fn add(candidate: Candidate, seen: &mut Visited, found: &mut Found) {
    if seen.files.insert(candidate.absolute.clone()) {
        found.candidates.push(candidate);
    }
}

/// Adds a file. Returns whether the path exists.
fn name(path: &Path, seen: &mut Visited, found: &mut Found) -> bool {
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

fn expand(pattern: &Path, seen: &mut Visited, found: &mut Found, to: &mut Vec<PathBuf>) {
    found.places.add_pattern(pattern);
    let matches = pattern.to_str().and_then(|text| glob::glob(text).ok());
    let mut any = false;
    for path in matches.into_iter().flatten() {
        any = true;
        match path {
            Ok(path) => {
                if local::is_folder(&path) {
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

/// Walks a directory, following symbolic links. Each folder is walked once: by the first path, in sorted order, that
/// leads to it. A link back to one of its own parents is stepped over, and so are folders of other programs.
fn walk(root: &Path, seen: &mut Visited, found: &mut Found) {
    found.places.add(root);
    let mut walk = WalkDir::new(root).follow_links(true).sort_by_file_name().into_iter();
    let mut folders = LastFolder::default();
    while let Some(entry) = walk.next() {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                let path = error.path().unwrap_or(root).to_path_buf();
                if local::is_link(&path) {
                    found.places.add(&path);
                }
                match error.into_io_error() {
                    Some(error) if !local::is_link(&path) => found.refused.push((path, Refusal::from(error))),
                    _ => found.stepped_over += 1,
                }
                continue;
            }
        };
        if entry.file_type().is_dir() {
            if entry.path_is_symlink() {
                found.places.add(entry.path());
            }
            let absolute = local::canonical(entry.path());
            if entry.depth() > 0 && is_of_others(entry.path()) {
                found.stepped_over += 1;
                absolute.into_iter().for_each(|absolute| found.places.step_over(absolute));
                walk.skip_current_dir();
            } else if absolute.is_ok_and(|absolute| !seen.folders.insert(absolute)) {
                walk.skip_current_dir();
            }
            continue;
        }
        if is_unfinished(entry.path()) {
            found.stepped_over += 1;
            continue;
        }
        let is_link = entry.path_is_symlink();
        let absolute = || match entry.path().file_name() {
            Some(name) if !is_link => {
                let mut absolute = folders.canonical(entry.path())?.join(name);
                // There may be millions of them.
                absolute.shrink_to_fit();
                Ok(absolute)
            }
            _ => Ok(local::canonical(entry.path())?),
        };
        match Candidate::at(entry.path(), is_capture_name(entry.path()), absolute) {
            Ok(candidate) => add(candidate, seen, found),
            Err(Refusal::NotAFile(_)) => found.stepped_over += 1,
            Err(refusal) => found.refused.push((entry.into_path(), refusal)),
        }
    }
}

/// The folder of the last file, and its path without links. To ask for each file of a folder costs as much as the rest of the walk.
#[derive(Default)]
struct LastFolder {
    folder: PathBuf,
    canonical: PathBuf,
}

impl LastFolder {
    /// The path without links of the folder of a file.
    fn canonical(&mut self, file: &Path) -> io::Result<&Path> {
        let folder = file.parent().unwrap_or(Path::new(""));
        if self.canonical.as_os_str().is_empty() || folder != self.folder {
            self.canonical = local::canonical(folder)?;
            self.folder = folder.to_path_buf();
        }
        Ok(&self.canonical)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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

    #[test]
    fn the_absolute_path_of_what_a_walk_finds_is_the_one_without_links() {
        let dir = tempfile::tempdir().unwrap();
        let elsewhere = tempfile::tempdir().unwrap();
        for (folder, name) in [(&dir, "a/1"), (&dir, "a/b/2"), (&dir, "a/c"), (&dir, "d"), (&elsewhere, "x/3")] {
            let file = folder.path().join(name);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, b"x").unwrap();
        }
        std::os::unix::fs::symlink(elsewhere.path().join("x"), dir.path().join("a/ba")).unwrap();
        std::os::unix::fs::symlink("../d", dir.path().join("a/link")).unwrap();
        let found = find(&[dir.path().join("a/../a")]);
        assert_eq!(found.candidates.len(), 5);
        for candidate in &found.candidates {
            assert_eq!(candidate.absolute, candidate.path.canonicalize().unwrap());
            assert_eq!(Some(candidate), Candidate::of(&candidate.path, candidate.claimed).as_ref().ok());
        }
    }
}

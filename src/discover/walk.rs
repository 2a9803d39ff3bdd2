//! Makes files of the paths on the command line: walks directories and expands patterns, in sorted order. URLs are for
//! `buckets.rs`.

use std::collections::HashSet;
use std::ffi::OsString;
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
use super::visited::{Visited, Walked};

/// Everything that was given, but for the files that may be captures.
#[derive(Debug, Default)]
pub struct Found {
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
    /// The folders that exist, and those of files that a pattern matches.
    pub to: Vec<PathBuf>,
}

/// Expands what was given. Only directories are opened, and buckets listed. `each` takes the files that may be captures, each once,
/// in the order named and sorted by name below each directory.
///
/// # Memory
/// As the number of folders, and of files that were named, that patterns or links lead to, or that are objects.
pub fn find(named: &[PathBuf], each: &mut dyn FnMut(Candidate)) -> Found {
    let mut found = Found::default();
    let mut seen = Visited { each, files: HashSet::new(), folders: HashSet::new(), streams: HashSet::new() };
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

/// Adds a file. Returns whether the path exists.
fn name(path: &Path, seen: &mut Visited<'_>, found: &mut Found) -> bool {
    match Candidate::of(path, true) {
        Ok(candidate) => {
            seen.add(candidate, &[]);
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

fn expand(pattern: &Path, seen: &mut Visited<'_>, found: &mut Found, to: &mut Vec<PathBuf>) {
    found.places.add_pattern(pattern);
    let matches = pattern.to_str().and_then(|text| glob::glob(text).ok());
    let mut any = false;
    for path in matches.into_iter().flatten() {
        any = true;
        match path {
            Ok(path) => {
                let folder = if local::is_folder(&path) {
                    walk(&path, seen, found);
                    path
                } else {
                    name(&path, seen, found);
                    path.parent().map(Path::to_path_buf).unwrap_or_default()
                };
                // A pattern may match millions of files.
                if to.last() != Some(&folder) {
                    to.push(folder);
                }
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
fn walk(root: &Path, seen: &mut Visited<'_>, found: &mut Found) {
    found.places.add(root);
    let mut walk = WalkDir::new(root).follow_links(true).sort_by_file_name().into_iter();
    let mut folders = LastFolder::default();
    let mut walking: Vec<Walked> = Vec::new();
    while let Some(entry) = walk.next() {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                let path = error.path().unwrap_or(root).to_path_buf();
                // Files of a folder that cannot be listed may be named all the same.
                if error.loop_ancestor().is_none()
                    && let Ok(folder) = local::canonical(&path)
                {
                    seen.folders.remove(&folder);
                }
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
        walking.truncate(entry.depth());
        walking.iter_mut().next_back().into_iter().for_each(|walked| walked.at = entry.file_name().to_owned());
        if entry.file_type().is_dir() {
            if entry.path_is_symlink() {
                found.places.add(entry.path());
            }
            let absolute = local::canonical(entry.path());
            if entry.depth() > 0 && is_of_others(entry.path()) {
                found.stepped_over += 1;
                absolute.into_iter().for_each(|absolute| found.places.step_over(absolute));
                walk.skip_current_dir();
            } else if let Ok(absolute) = absolute {
                if seen.folders.insert(absolute.clone()) {
                    walking.push(Walked { folder: absolute, at: OsString::new() });
                } else {
                    walk.skip_current_dir();
                }
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
            Ok(candidate) if is_link => seen.add(candidate, &walking),
            Ok(candidate) => seen.add_walked(candidate),
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

    fn all(named: &[PathBuf]) -> (Vec<Candidate>, Found) {
        let mut candidates = Vec::new();
        let found = find(named, &mut |candidate| candidates.push(candidate));
        (candidates, found)
    }

    #[test]
    fn whichever_way_leads_to_a_file_the_first_one_counts() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        for name in ["a/1", "a/b/2", "a/z", "c/3", "c/4", "d/.5.pcap.Ab3xYz", "d/6"] {
            std::fs::create_dir_all(root.join(name).parent().unwrap()).unwrap();
            std::fs::write(root.join(name), b"x").unwrap();
        }
        // To files that the walk has met, has not met yet, is about to meet, steps over, and to a folder.
        for (link, to) in [
            ("a/m", "z"),
            ("a/n", "1"),
            ("a/b/x", "../z"),
            ("a/b/y", "../b/2"),
            ("b1", "c/4"),
            ("b2", "d/.5.pcap.Ab3xYz"),
            ("e", "a/1"),
            ("e2", "c"),
        ] {
            std::os::unix::fs::symlink(to, root.join(link)).unwrap();
        }
        let named = [".", "c", "c/3", "a/*", "e", "d/.5.pcap.Ab3xYz"];
        for from in 0..named.len() {
            let order: Vec<_> = named.iter().cycle().skip(from).take(named.len()).map(|name| root.join(name)).collect();
            for named in [&order[..1], &order[..3], &order[..]] {
                let (candidates, _) = all(named);
                // The law: as if each file that is found was remembered.
                let mut once = HashSet::new();
                assert!(candidates.iter().all(|file| once.insert(file.absolute.clone())), "{named:?}: one comes twice");
                let every: HashSet<_> =
                    named.iter().flat_map(|one| all(std::slice::from_ref(one)).0).map(|file| file.absolute).collect();
                assert_eq!(once, every, "{named:?}");
                let paths: Vec<_> = named.iter().flat_map(|one| all(std::slice::from_ref(one)).0).collect();
                for candidate in &candidates {
                    let first = paths.iter().find(|file| file.absolute == candidate.absolute).unwrap();
                    assert_eq!(first.path, candidate.path, "{named:?}");
                }
            }
        }
        let (whole, _) = all(std::slice::from_ref(&root));
        let found: Vec<_> = whole.iter().map(|file| file.path.strip_prefix(&root).unwrap().to_str().unwrap()).collect();
        assert_eq!(found, ["a/1", "a/b/2", "a/b/x", "b1", "b2", "c/3", "d/6"]);
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
        let (candidates, found) =
            all(&[sub.join("b.pcap"), dir.path().to_path_buf(), dir.path().join("s*/*.pcap"), "none".into()]);
        let names: Vec<_> =
            candidates.iter().map(|c| c.path.file_name().unwrap().to_str().unwrap().to_owned()).collect();
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
        let (candidates, _) = all(&[dir.path().join("a/../a")]);
        assert_eq!(candidates.len(), 5);
        for candidate in &candidates {
            assert_eq!(candidate.absolute, candidate.path.canonicalize().unwrap());
            assert_eq!(Some(candidate), Candidate::of(&candidate.path, candidate.claimed).as_ref().ok());
        }
    }
}

//! Where captures are searched: whether a capture of a lake should have been found.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use glob::{MatchOptions, Pattern};

use crate::storage::objects::ObjectAddress;
use crate::storage::true_name;

/// The paths that were given, and the paths that patterns and links lead to, whether they exist or not.
#[derive(Debug, Default)]
pub struct Places {
    /// Absolute paths of folders and files, without links; URLs of prefixes and objects.
    roots: HashSet<PathBuf>,
    /// The folder above the first wildcard of a pattern, and the pattern below it.
    patterns: Vec<(PathBuf, Pattern)>,
    /// Folders that the walk stepped over. No capture in them should have been found.
    stepped_over: HashSet<PathBuf>,
}

impl Places {
    /// Adds a folder or file. It need not exist.
    pub(super) fn add(&mut self, path: &Path) {
        self.roots.insert(true_name(path));
    }

    /// Notes a folder that is stepped over.
    pub(super) fn step_over(&mut self, folder: PathBuf) {
        self.stepped_over.insert(folder);
    }

    /// Adds the places that a pattern matches or would match.
    pub(super) fn add_pattern(&mut self, pattern: &Path) {
        if let Some(address) = ObjectAddress::of(pattern) {
            let end = address.key.find(['*', '?', '[']).unwrap_or(address.key.len());
            let base = address.key.get(..end).and_then(|plain| plain.rfind('/')).map_or(0, |slash| slash + 1);
            let (base, below) = address.key.split_at(base);
            if let Ok(below) = Pattern::new(below.trim_end_matches('/')) {
                self.patterns.push((true_name(&address.root.object(base).path()), below));
            }
            return;
        }
        let is_wild = |part: &Path| part.to_str().is_none_or(|text| text.contains(['*', '?', '[']));
        let base: PathBuf = pattern.components().take_while(|part| !is_wild(part.as_ref())).collect();
        let below = pattern.strip_prefix(&base).ok().and_then(Path::to_str);
        if let Some(below) = below.and_then(|below| Pattern::new(below).ok()) {
            let base = if base.as_os_str().is_empty() { Path::new(".") } else { &base };
            self.patterns.push((true_name(base), below));
        }
    }

    /// The uppermost place that a file belongs to, by its absolute path: a folder, or the file itself. If a pattern
    /// matches the file or one of its folders, the place is the folder above the first wildcard.
    #[must_use]
    pub fn root_of<'a>(&'a self, absolute: &Path) -> Option<&'a Path> {
        // Not if a place below such a folder was given.
        let within = absolute.ancestors().take_while(|path| !self.roots.contains(*path));
        if within.into_iter().any(|path| self.stepped_over.contains(path)) {
            return None;
        }
        let named = absolute.ancestors().filter_map(|path| self.roots.get(path)).last();
        let options = MatchOptions { require_literal_separator: true, ..MatchOptions::new() };
        let matching = self.patterns.iter().filter(|(base, pattern)| {
            let below = absolute.strip_prefix(base).unwrap_or(Path::new(""));
            let mut names = below.ancestors().filter(|name| !name.as_os_str().is_empty());
            names.any(|name| pattern.matches_path_with(name, options))
        });
        let bases = matching.map(|(base, _)| base);
        bases.chain(named).min_by_key(|path| path.components().count()).map(PathBuf::as_path)
    }

    /// Whether a folder was given itself, and is not only below one that was.
    #[must_use]
    pub fn is_named(&self, folder: &Path) -> bool {
        self.roots.contains(folder) || self.patterns.iter().any(|(base, _)| base == folder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_file_belongs_to_the_uppermost_place_whether_it_exists_or_not() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        fs::create_dir_all(root.join("a/b")).unwrap();
        std::os::unix::fs::symlink("a", root.join("link")).unwrap();
        std::os::unix::fs::symlink("gone", root.join("dangling")).unwrap();
        let mut places = Places::default();
        for name in ["a/b", "link", "dangling/x", "missing/../lost"] {
            places.add(&root.join(name));
        }
        places.add_pattern(&root.join("day-*/*.pcap"));
        places.add_pattern(&root.join("hour-?"));
        for (file, place) in [
            ("a/b/c.pcap", Some("a")),
            ("a/x", Some("a")),
            ("gone/x/y.pcap", Some("gone/x")),
            ("gone/y.pcap", None),
            ("day-1/x.pcap", Some("")),
            ("day-1/x.pcapng", None),
            ("day-1/sub/x.pcap", None),
            ("day-1/x.pcap/y", Some("")),
            ("hour-1/sub/x", Some("")),
            ("hour-12/x", None),
        ] {
            let place = place.map(|place| root.join(place));
            assert_eq!(places.root_of(&root.join(file)), place.as_deref(), "{file}");
        }
        for name in ["s3://b/x/", "s3://other", "S3://b/day-*/[a-c].pcap"] {
            if name.contains('*') { places.add_pattern(Path::new(name)) } else { places.add(Path::new(name)) }
        }
        for (file, place) in [
            ("s3://b/x/y/z.pcap", Some("s3://b/x")),
            ("s3://b/xy/z.pcap", None),
            ("s3://other/z.pcap", Some("s3://other")),
            ("s3://b/day-1/b.pcap", Some("s3://b")),
            ("s3://b/day-1/d.pcap", None),
            ("s3://c/day-1/b.pcap", None),
        ] {
            assert_eq!(places.root_of(Path::new(file)), place.map(Path::new), "{file}");
        }
        assert!(places.is_named(&root) && places.is_named(&root.join("a")) && !places.is_named(&root.join("day-1")));
    }
}

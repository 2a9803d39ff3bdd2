//! Many paths in little room.

use std::ffi::OsStr;
use std::fmt;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::hash::ContentHash;
use crate::path_text::Element;

/// Paths in an order. Of each, what it does not share with the one before is kept: those of a folder take little more than their names.
/// In JSON it is a list of texts, and of `{"hex": "…"}` where a path is not UTF-8.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PathList {
    /// Of each path, the bytes that it shares with the one before, the number of the others, both in four bytes, and the others.
    bytes: Vec<u8>,
    count: usize,
}

/// The paths of a list, from the first on.
#[derive(Clone, Debug)]
pub struct Paths<'a> {
    rest: &'a [u8],
    path: Vec<u8>,
}

impl PathList {
    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The paths.
    #[must_use]
    pub fn iter(&self) -> Paths<'_> {
        Paths { rest: &self.bytes, path: Vec::new() }
    }

    /// A number that differs where the paths do.
    #[must_use]
    pub fn key(&self) -> i64 {
        let mut hash = ContentHash::default();
        hash.update(&self.bytes);
        hash.key()
    }

    /// Adds a path after `last`, which is the last one.
    fn push(&mut self, last: &[u8], path: &Path) {
        let path = path.as_os_str().as_bytes();
        let shared = last.iter().zip(path).take_while(|(a, b)| a == b).count();
        // No path is so long: a system takes 4,096 bytes, a store 1,024.
        let shared = u32::try_from(shared).unwrap_or(u32::MAX);
        let rest = path.get(shared as usize..).unwrap_or_default();
        let rest = rest.get(..u32::MAX as usize).unwrap_or(rest);
        self.bytes.extend(shared.to_le_bytes());
        self.bytes.extend(u32::try_from(rest.len()).unwrap_or(u32::MAX).to_le_bytes());
        self.bytes.extend(rest);
        self.count += 1;
    }
}

impl<P: AsRef<Path>> FromIterator<P> for PathList {
    fn from_iter<I: IntoIterator<Item = P>>(paths: I) -> Self {
        let (mut list, mut last) = (Self::default(), Vec::new());
        for path in paths {
            list.push(&last, path.as_ref());
            path.as_ref().as_os_str().as_bytes().clone_into(&mut last);
        }
        list.bytes.shrink_to_fit();
        list
    }
}

impl<'a> IntoIterator for &'a PathList {
    type Item = PathBuf;
    type IntoIter = Paths<'a>;

    fn into_iter(self) -> Paths<'a> {
        self.iter()
    }
}

impl Iterator for Paths<'_> {
    type Item = PathBuf;

    fn next(&mut self) -> Option<PathBuf> {
        let (shared, rest) = self.rest.split_first_chunk()?;
        let (own, rest) = rest.split_first_chunk()?;
        let (own, rest) = rest.split_at_checked(u32::from_le_bytes(*own) as usize)?;
        self.path.truncate(u32::from_le_bytes(*shared) as usize);
        self.path.extend(own);
        self.rest = rest;
        Some(PathBuf::from(OsStr::from_bytes(&self.path)))
    }
}

impl Serialize for PathList {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter().map(Element))
    }
}

impl<'de> Deserialize<'de> for PathList {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ListVisitor;

        impl<'de> Visitor<'de> for ListVisitor {
            type Value = PathList;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of paths")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut paths: A) -> Result<PathList, A::Error> {
                let mut failed = None;
                let next = || {
                    paths.next_element::<Element>().unwrap_or_else(|error| {
                        failed = Some(error);
                        None
                    })
                };
                let list = std::iter::from_fn(next).map(|Element(path)| path).collect();
                failed.map_or(Ok(list), Err)
            }
        }

        deserializer.deserialize_seq(ListVisitor)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Law: a list gives the paths that it was made of, whatever their bytes are; and so does its JSON.
        #[test]
        fn a_list_gives_the_paths_it_was_made_of(paths in prop::collection::vec("(/a|/\u{e9}b|\u{1}|c|){0,5}", 0..20), odd in any::<Vec<u8>>()) {
            let mut paths: Vec<PathBuf> = paths.into_iter().map(PathBuf::from).collect();
            paths.push(PathBuf::from(OsStr::from_bytes(&odd)));
            let list: PathList = paths.iter().collect();
            prop_assert_eq!(list.iter().collect::<Vec<_>>(), paths.clone());
            prop_assert_eq!(list.len(), paths.len());
            let json = serde_json::to_string(&list).unwrap();
            prop_assert_eq!(serde_json::from_str::<PathList>(&json).unwrap(), list);
        }
    }

    #[test]
    fn what_is_no_list_of_paths_is_refused() {
        for json in ["{}", "[1]", r#"["a", {"hex": "0"}]"#] {
            assert!(serde_json::from_str::<PathList>(json).is_err(), "{json}");
        }
    }
}

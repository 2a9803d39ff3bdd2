//! Names of objects.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::storage::Location;

/// Schemes of S3, of Google Cloud Storage and of Azure Blob Storage, as their own programs and those of Hadoop write them.
const BUCKETS: [&str; 8] = ["s3", "s3a", "gs", "az", "azure", "adl", "abfs", "abfss"];

/// A bucket or container, or a server: `s3://bucket`, `https://example.com:8443`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StoreRoot {
    scheme: String,
    host: String,
}

/// An object, or the beginning of the keys of several.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectAddress {
    /// Where it is.
    pub root: StoreRoot,
    /// Its key as it is: nothing in it is an escape, a percent sign neither.
    pub key: String,
}

impl StoreRoot {
    /// Whether it is a bucket, whose objects can be listed and written.
    #[must_use]
    pub fn is_bucket(&self) -> bool {
        BUCKETS.contains(&self.scheme.as_str())
    }

    /// In lower case.
    #[cfg(any(feature = "remote", test, feature = "internal-api"))]
    #[must_use]
    pub fn scheme(&self) -> &str {
        &self.scheme
    }

    /// The bucket or server.
    #[cfg(feature = "remote")]
    pub(super) fn host(&self) -> &str {
        &self.host
    }

    /// The address of a key in it.
    #[must_use]
    pub fn object(&self, key: &str) -> ObjectAddress {
        ObjectAddress { root: self.clone(), key: key.to_owned() }
    }
}

impl ObjectAddress {
    /// The address that a name stands for. `None` if it is no URL of a kind that can be read.
    #[must_use]
    pub fn of(name: &Path) -> Option<Self> {
        let Location::Url { scheme, rest } = Location::of(name) else { return None };
        let scheme = scheme.to_ascii_lowercase();
        if !BUCKETS.contains(&scheme.as_str()) && !["http", "https"].contains(&scheme.as_str()) {
            return None;
        }
        let (host, key) = rest.split_once('/').unwrap_or((rest, ""));
        // What stands before an `@` is a container of Azure. Elsewhere it would be a password.
        let is_secret = host.contains('@') && !scheme.starts_with("a");
        (!host.is_empty() && !is_secret)
            .then(|| Self { root: StoreRoot { scheme, host: host.to_owned() }, key: key.to_owned() })
    }

    /// Whether its key has an empty segment, or one that is `.` or `..`, or a control character. Such objects can be written and
    /// listed, and cannot be read here: as a path, the key would be that of another object.
    #[must_use]
    pub fn is_odd(&self) -> bool {
        let is_odd =
            |segment: &str| matches!(segment, "" | "." | "..") || segment.contains(|c: char| c.is_ascii_control());
        self.root.is_bucket() && self.key.split('/').any(is_odd)
    }

    /// The address as a path, which is how names of inputs and of lakes are kept.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        PathBuf::from(self.to_string())
    }

    /// The key as that of a folder: it ends with a slash, or is empty.
    #[must_use]
    pub fn folder(&self) -> String {
        match self.key.trim_end_matches('/') {
            "" => String::new(),
            key => format!("{key}/"),
        }
    }
}

/// Whether a name is that of an object, or of a folder of objects.
#[must_use]
pub fn is_object(name: &Path) -> bool {
    ObjectAddress::of(name).is_some()
}

impl fmt::Display for StoreRoot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme, self.host)
    }
}

impl fmt::Display for ObjectAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.key.is_empty() { write!(f, "{}", self.root) } else { write!(f, "{}/{}", self.root, self.key) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_are_no_paths_are_odd() {
        for (key, is_odd) in [
            ("a/b.pcap", false),
            ("a.b/..c/100%/#?", false),
            ("", true),
            ("/a", true),
            ("a/", true),
            ("a//b", true),
            ("a/./b", true),
            ("../a", true),
            ("a\nb", true),
        ] {
            let root = ObjectAddress::of(Path::new("s3://b")).unwrap().root;
            assert_eq!(root.object(key).is_odd(), is_odd, "{key:?}");
        }
    }

    #[test]
    fn a_url_is_a_store_and_a_key() {
        for (name, root, key) in [
            ("s3://bucket/a/b.pcap", "s3://bucket", "a/b.pcap"),
            ("S3://bucket/100%.pcap", "s3://bucket", "100%.pcap"),
            ("gs://bucket", "gs://bucket", ""),
            ("abfss://files@account.dfs.core.windows.net/x", "abfss://files@account.dfs.core.windows.net", "x"),
            ("https://example.com:8443/x/y.pcap.gz", "https://example.com:8443", "x/y.pcap.gz"),
            ("s3://b/a//b/../c#d?e", "s3://b", "a//b/../c#d?e"),
        ] {
            let address = ObjectAddress::of(Path::new(name)).unwrap();
            assert_eq!((address.root.to_string().as_str(), address.key.as_str()), (root, key), "{name}");
            assert_eq!(ObjectAddress::of(&address.path()), Some(address), "{name}");
        }
        for name in [
            "https://me:secret@host/x",
            "s3://key:secret@b/x",
            "/s3://b/k",
            "./s3://b/k",
            "ftp://host/x",
            "file:///x",
            "s3:///k",
            "-",
        ] {
            assert_eq!(ObjectAddress::of(Path::new(name)), None, "{name}");
        }
        let folder = |name| ObjectAddress::of(Path::new(name)).unwrap().folder();
        assert_eq!(
            (folder("s3://b"), folder("s3://b/x"), folder("s3://b/x/")),
            (String::new(), "x/".into(), "x/".into())
        );
    }
}

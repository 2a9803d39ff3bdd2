//! Where something is that was named.

use std::path::Path;

/// What a name stands for that was given as an input or as a lake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Location<'a> {
    /// Standard input, by `-`.
    Stdin,
    /// A path of the file system.
    Path(&'a Path),
    /// A URL by its scheme, and what follows `://` (RFC 3986 section 3.1). [`ObjectAddress`](super::objects::ObjectAddress) knows
    /// those that can be read.
    Url { scheme: &'a str, rest: &'a str },
}

impl<'a> Location<'a> {
    /// The location of a name. `./` before a name makes it a path.
    pub(crate) fn of(name: &'a Path) -> Self {
        if name.as_os_str() == "-" {
            return Self::Stdin;
        }
        let parts = name.to_str().and_then(|name| name.split_once("://"));
        match parts.filter(|(scheme, _)| is_scheme(scheme)) {
            Some((scheme, rest)) => Self::Url { scheme, rest },
            None => Self::Path(name),
        }
    }

    pub(crate) fn is_stdin(self) -> bool {
        self == Self::Stdin
    }
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.chars().all(|other| other.is_ascii_alphanumeric() || "+-.".contains(other))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_told_from_paths() {
        for (name, expected) in
            [("s3://bucket/lake", "s3"), ("file:///x", "file"), ("S3A://b", "S3A"), ("h2+x.-://", "h2+x.-")]
        {
            let found = Location::of(Path::new(name));
            assert!(matches!(found, Location::Url { scheme, .. } if scheme == expected), "{name}: {found:?}");
        }
        for path in ["./s3://bucket", "s3:/bucket", "a b://c", "://x", "1a://x", "/a/b://c", "C:\\x", "./-"] {
            assert_eq!(Location::of(Path::new(path)), Location::Path(Path::new(path)), "{path}");
        }
        assert!(Location::of(Path::new("-")).is_stdin());
    }
}

//! Paths in JSON and on the terminal.
//!
//! A file name on Unix may have any bytes except `/` and NUL. In JSON it must survive the way there and back. On a
//! terminal it must not control the cursor.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A path as [`serialize`] writes it, within a list or an option.
#[derive(Serialize, Deserialize)]
pub(crate) struct Element(#[serde(with = "self")] pub(crate) PathBuf);

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Form {
    Text(String),
    Bytes { hex: String },
}

/// Writes a path as a string, or as `{"hex": "…"}` where it is not UTF-8. For `#[serde(with = "path_text")]`.
///
/// # Errors
/// Only the serializer's own.
pub fn serialize<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    match path.to_str() {
        Some(text) => Form::Text(text.to_owned()),
        None => {
            let mut hex = String::new();
            for byte in path.as_os_str().as_bytes() {
                let _ = write!(hex, "{byte:02x}");
            }
            Form::Bytes { hex }
        }
    }
    .serialize(serializer)
}

/// Reads what [`serialize`] wrote.
///
/// # Errors
/// If the value is neither a string nor an even number of hexadecimal digits.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<PathBuf, D::Error> {
    let hex = match Form::deserialize(deserializer)? {
        Form::Text(text) => return Ok(PathBuf::from(text)),
        Form::Bytes { hex } => hex,
    };
    let digits = hex.as_bytes();
    let bytes: Option<Vec<u8>> = digits
        .chunks(2)
        .map(|pair| std::str::from_utf8(pair).ok().filter(|text| text.len() == 2))
        .map(|pair| pair.and_then(|text| u8::from_str_radix(text, 16).ok()))
        .collect();
    bytes
        .map(|bytes| PathBuf::from(OsString::from_vec(bytes)))
        .ok_or_else(|| serde::de::Error::custom("a path's hex must be pairs of hexadecimal digits"))
}

/// A path as text that [`of_text`] makes the same path of: itself, or `{"hex": "…"}` where it is not UTF-8. It must not begin
/// with a brace.
#[must_use]
pub fn to_text(path: &Path) -> String {
    path.to_str().map_or_else(|| serde_json::to_string(&Element(path.to_path_buf())).unwrap_or_default(), str::to_owned)
}

/// The path that [`to_text`] made a text of.
///
/// # Errors
/// If the text begins as the other form of a path does, and is none.
pub fn of_text(text: &str) -> serde_json::Result<PathBuf> {
    if text.starts_with('{') { serde_json::from_str::<Element>(text).map(|element| element.0) } else { Ok(text.into()) }
}

/// What is shown in place of a character that would control the terminal.
#[must_use]
pub fn visible(character: char) -> char {
    if steers(character) { '\u{fffd}' } else { character }
}

/// Lists of paths, each as [`serialize`] writes it. For `#[serde(with = "path_text::list")]`.
pub mod list {
    use std::path::PathBuf;

    use serde::{Deserialize as _, Deserializer, Serializer};

    use super::Element;

    /// Writes paths.
    ///
    /// # Errors
    /// Only the serializer's own.
    pub fn serialize<S: Serializer>(paths: &[PathBuf], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(paths.iter().map(|path| Element(path.clone())))
    }

    /// Reads what [`serialize`] wrote.
    ///
    /// # Errors
    /// If one of them is not a path.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<PathBuf>, D::Error> {
        Ok(Vec::<Element>::deserialize(deserializer)?.into_iter().map(|Element(path)| path).collect())
    }
}

/// Lists of pairs, of a path as [`serialize`] writes it and another value. For `#[serde(with = "path_text::pairs")]`.
pub mod pairs {
    use std::path::PathBuf;

    use serde::de::DeserializeOwned;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    struct Pair<T> {
        #[serde(with = "super")]
        path: PathBuf,
        of: T,
    }

    /// Writes pairs.
    ///
    /// # Errors
    /// Only the serializer's own.
    pub fn serialize<S: Serializer, T: Serialize>(pairs: &[(PathBuf, T)], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(pairs.iter().map(|(path, of)| Pair { path: path.clone(), of }))
    }

    /// Reads what [`serialize`] wrote.
    ///
    /// # Errors
    /// If one of them is not a pair.
    pub fn deserialize<'de, D, T>(deserializer: D) -> Result<Vec<(PathBuf, T)>, D::Error>
    where
        D: Deserializer<'de>,
        T: DeserializeOwned,
    {
        Ok(Vec::<Pair<T>>::deserialize(deserializer)?.into_iter().map(|Pair { path, of }| (path, of)).collect())
    }

    /// The same, with the path second.
    pub mod reversed {
        use std::path::PathBuf;

        use serde::de::DeserializeOwned;
        use serde::{Deserialize as _, Deserializer, Serialize, Serializer};

        use super::Pair;

        /// Writes pairs.
        ///
        /// # Errors
        /// Only the serializer's own.
        pub fn serialize<S: Serializer, T: Serialize>(pairs: &[(T, PathBuf)], to: S) -> Result<S::Ok, S::Error> {
            to.collect_seq(pairs.iter().map(|(of, path)| Pair { path: path.clone(), of }))
        }

        /// Reads what [`serialize`] wrote.
        ///
        /// # Errors
        /// If one of them is not a pair.
        pub fn deserialize<'de, D, T>(from: D) -> Result<Vec<(T, PathBuf)>, D::Error>
        where
            D: Deserializer<'de>,
            T: DeserializeOwned,
        {
            Ok(Vec::<Pair<T>>::deserialize(from)?.into_iter().map(|Pair { path, of }| (of, path)).collect())
        }
    }
}

/// A path or none, as [`serialize`] writes it. For `#[serde(with = "path_text::optional")]`, with a default.
pub mod optional {
    use std::path::PathBuf;

    use super::Element;
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

    /// Writes a path, or null.
    ///
    /// # Errors
    /// Only the serializer's own.
    pub fn serialize<S: Serializer>(path: &Option<PathBuf>, serializer: S) -> Result<S::Ok, S::Error> {
        path.clone().map(Element).serialize(serializer)
    }

    /// Reads what [`serialize`] wrote.
    ///
    /// # Errors
    /// If it is neither a path nor null.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<PathBuf>, D::Error> {
        Ok(Option::<Element>::deserialize(deserializer)?.map(|Element(path)| path))
    }
}

/// The path as one line of text that is safe on a terminal and in a log: control characters are escaped as Rust
/// escapes them, bytes that are not UTF-8 show as U+FFFD.
#[must_use]
pub fn printable(path: &Path) -> String {
    let mut text = String::new();
    for character in path.to_string_lossy().chars() {
        if steers(character) {
            text.extend(character.escape_default());
        } else {
            text.push(character);
        }
    }
    text
}

/// Whether a character controls the terminal that it is shown on: control characters, and characters that change the
/// direction in which text is read (Unicode Standard Annex 9).
#[must_use]
pub fn steers(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Holder {
        #[serde(with = "super")]
        path: PathBuf,
    }

    #[test]
    fn any_bytes_survive_json() {
        for bytes in [&b"plain.pcap"[..], b"new\nline", b"\xff\xfe\x00x", b"", "Ü/ß".as_bytes()] {
            let path = PathBuf::from(OsString::from_vec(bytes.to_vec()));
            let text = serde_json::to_string(&Holder { path: path.clone() }).unwrap();
            assert_eq!(serde_json::from_str::<Holder>(&text).unwrap().path, path);
        }
        assert!(serde_json::from_str::<Holder>(r#"{"path":{"hex":"abc"}}"#).is_err());
    }

    #[test]
    fn a_terminal_sees_no_control_bytes() {
        assert_eq!(printable(Path::new("a\u{1b}[2Jb\nc")), "a\\u{1b}[2Jb\\nc");
        assert_eq!(printable(Path::new("a\u{202e}pcap.exe")), "a\\u{202e}pcap.exe");
    }
}

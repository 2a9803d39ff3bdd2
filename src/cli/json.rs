//! JSON documents for programs, each on one line and with the version of its format. `docs/json.md` describes them.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// The version of all documents. It is raised when a field is removed, or changes its type, unit or meaning. It is not
/// raised when a field is added.
const VERSION: u64 = 1;

#[derive(Serialize)]
struct Document<'a, T> {
    version: u64,
    #[serde(flatten)]
    of: &'a T,
}

/// The part of a document that is read first.
#[derive(Deserialize)]
struct DocumentHead {
    version: Option<u64>,
}

/// A document as one line, with the line end.
pub(super) fn line(value: &impl Serialize) -> Result<String> {
    let document = Document { version: VERSION, of: value };
    let mut text = serde_json::to_string(&document).map_err(|source| Error::io("write", "stdout")(source.into()))?;
    text.push('\n');
    Ok(text)
}

/// Reads a document of this version, or of the time before documents had a version.
pub(super) fn read<T: DeserializeOwned>(what: &'static str, name: &str, text: &str) -> Result<T> {
    let unreadable = |source| Error::Json { name: name.to_owned(), what, source };
    let DocumentHead { version } = serde_json::from_str(text).map_err(unreadable)?;
    match version {
        Some(version) if version != VERSION => {
            Err(Error::JsonVersion { name: name.to_owned(), what, version, known: VERSION })
        }
        _ => serde_json::from_str(text).map_err(unreadable),
    }
}

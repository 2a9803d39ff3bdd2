//! What an object store says of an object.

use serde::{Deserialize, Serialize};

/// What an object store says of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectFacts {
    /// Its key within the bucket or container.
    pub key: String,
    /// Bytes.
    pub size: u64,
    /// When it was last written, in nanoseconds since the Unix epoch, by the store's clock.
    pub modified: i64,
    /// Which of the objects that had this key it is.
    pub version: ObjectVersion,
}

/// An upload that is open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenUpload {
    /// The key that its object would have.
    pub key: String,
    /// The store's identity of it.
    pub upload: String,
    /// When it was begun, in nanoseconds since the Unix epoch, by the store's clock. `None` if the store does not say.
    pub since: Option<i64>,
}

/// Which of the objects that had a key one after another is meant. S3 and Azure tell them apart by the ETag (RFC 9110
/// section 8.8.3), Google Cloud Storage by the generation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ObjectVersion {
    /// The ETag, with its quotation marks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
    /// The number of the version, or the generation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}

impl ObjectVersion {
    /// Whether it tells nothing: that of a file, or of a server that has no ETag for what it serves.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        self.etag.is_none() && self.version.is_none()
    }
}

//! Causes of refused requests that a caller acts on.

use std::io;

/// Why a store refuses a request, where more can be said than that it does.
#[derive(Clone, Debug, thiserror::Error)]
#[cfg_attr(not(feature = "remote"), expect(dead_code, reason = "without stores nothing is refused by one"))]
pub(super) enum RefusedRequest {
    /// Amazon's `InvalidObjectState`; Azure's `BlobArchived`.
    #[error("the object is archived")]
    Archived,
    /// Nothing in the environment says who asks, and no machine of the store's provider does.
    #[error("there are no credentials for it in the environment, and none are offered by the machine: {0}")]
    NoCredentials(String),
}

impl RefusedRequest {
    #[cfg(feature = "remote")]
    pub(super) fn into_error(self) -> io::Error {
        io::Error::new(io::ErrorKind::PermissionDenied, self)
    }

    fn of(error: &io::Error) -> Option<&Self> {
        error.get_ref()?.downcast_ref()
    }
}

/// Whether an object lies in an archive, from which it must be restored before it can be read.
pub(crate) fn is_archived(error: &io::Error) -> bool {
    matches!(RefusedRequest::of(error), Some(RefusedRequest::Archived))
}

/// Whether a store was not asked because there are no credentials.
pub(crate) fn is_without_credentials(error: &io::Error) -> bool {
    matches!(RefusedRequest::of(error), Some(RefusedRequest::NoCredentials(_)))
}

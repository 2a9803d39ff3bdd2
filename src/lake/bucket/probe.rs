//! Whether a store does what a commit relies on.

use std::io;

use bytes::Bytes;

use crate::error::Result;
use crate::lake::layout::Layout;
use crate::storage::objects::PutIf;

use super::open::Bucket;

impl Bucket {
    /// Checks that the store creates an object only if there is none. Some that speak S3 ignore the condition; then two runs
    /// could both believe that they have committed.
    ///
    /// # Errors
    /// If the store ignores the condition, or fails.
    pub(in crate::lake) fn probe(&self) -> Result<()> {
        let objects = self.objects()?;
        let place = Layout::own(&format!("probe-{}", self.run()));
        let put = || objects.store.put(&objects.key(&place), Bytes::from_static(b"\n"), PutIf::New);
        // The first attempt may be carried out and fail all the same.
        let first = put();
        let second = objects.steadily(put);
        objects.remove(&place)?;
        match (first, second) {
            (_, Err(error)) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            (Err(error), _) | (_, Err(error)) => Err(objects.failed("write", &place)(error)),
            (Ok(_), Ok(_)) => Err(objects.failed("write", &place)(io::Error::new(
                io::ErrorKind::Unsupported,
                "the store overwrites an object that was to be written only if there is none (If-None-Match), so no commit would be safe",
            ))),
        }
    }
}

//! Uploads that are held open until a commit is decided.

use std::path::Path;
use std::thread;

use bytes::Bytes;

use crate::bug::bug;
use crate::clock::now_ms;
use crate::error::{Error, Result};
use crate::hash::{ContentHash, checksum};
use crate::lake::check::sum_of;
use crate::storage::LocalFile;
use crate::storage::objects::HeldUpload;

use super::objects::{Objects, is_another};

/// Bytes of a piece of an upload. All but the last are of one size, which Cloudflare's R2 asks for; S3 wants 5 MiB at least.
const PIECE: u64 = 8 << 20;
/// How often an upload is completed that a store neither completes nor says is gone.
const ATTEMPTS: u32 = 4;

impl Objects {
    /// Uploads a local file whole. Nobody sees it before [`Objects::complete`].
    pub(super) fn hold(&self, file: &Path, to: &Path) -> Result<HeldUpload> {
        let (bytes, checksum) = sum_of(file)?;
        let key = self.key(to);
        let failed = || self.failed("upload", to);
        let since = Some(now_ms());
        let upload = self.steadily(|| self.store.begin(&key)).map_err(failed())?;
        let open = LocalFile::open(file).map_err(Error::io("read", file))?;
        let mut pieces = Vec::new();
        let mut at = 0;
        while at < bytes || pieces.is_empty() {
            let length = usize::try_from(PIECE.min(bytes - at)).map_err(|_| bug!())?;
            let mut piece = vec![0; length];
            open.read_exact_at(&mut piece, at).map_err(Error::io("read", file))?;
            at += length as u64;
            let piece = Bytes::from(piece);
            let put = || self.store.put_piece(&key, &upload, pieces.len(), piece.clone());
            pieces.push(self.steadily(put).map_err(failed())?);
        }
        Ok(HeldUpload { path: to.to_path_buf(), upload, pieces, bytes, checksum, since })
    }

    /// Makes an object of an upload, or finds that it has been made. Returns false if it can neither be made nor found: the
    /// upload is gone.
    pub(super) fn complete(&self, held: &HeldUpload) -> Result<bool> {
        // Its name was never given before.
        self.try_to_complete(held, || Ok(self.facts(&held.path)?.is_some_and(|found| found.size == held.bytes)))
    }

    /// Completes an upload. An error may mean that it was completed before, by this run or another one, that it is gone, or that
    /// an answer was lost, and not all stores tell these apart. So it is asked whether the object `is_there`.
    fn try_to_complete(&self, held: &HeldUpload, is_there: impl Fn() -> Result<bool>) -> Result<bool> {
        let key = self.key(&held.path);
        for attempt in 1..=ATTEMPTS {
            match self.store.complete(&key, &held.upload, &held.pieces) {
                Ok(_) => return Ok(true),
                Err(_) if is_there()? => return Ok(true),
                // Another one's completion may still be on its way, and the object not be there yet.
                Err(_) => thread::sleep(self.patience * attempt),
            }
        }
        Ok(false)
    }

    /// As [`Objects::complete`], of a file that takes the place of an earlier one, which may have the same size. If it returns
    /// false, nobody can complete the upload any more.
    pub(super) fn replace(&self, held: &HeldUpload) -> Result<bool> {
        if self.try_to_complete(held, || self.is_as_written(held))? {
            return Ok(true);
        }
        self.abandon(held);
        self.is_as_written(held)
    }

    /// Whether an object has the bytes of an upload.
    fn is_as_written(&self, held: &HeldUpload) -> Result<bool> {
        let Some(found) = self.facts(&held.path)?.filter(|found| found.size == held.bytes) else { return Ok(false) };
        let mut hash = ContentHash::default();
        let read = self.read_into(&held.path, &found, &mut |piece| {
            hash.update(piece);
            Ok(())
        });
        match read {
            // It was replaced meanwhile.
            Err(Error::Io { source, .. }) if is_another(&source) => Ok(false),
            read => read.map(|()| checksum(&hash) == held.checksum),
        }
    }

    /// Gives an upload up. If that fails, it stays until it is swept or the store removes it; nobody sees it.
    pub(super) fn abandon(&self, held: &HeldUpload) {
        let _ = self.store.abandon(&self.key(&held.path), &held.upload);
    }
}

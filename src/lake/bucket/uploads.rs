//! Uploads that are held open until a commit is decided, and files that are written before that.

use std::path::{Path, PathBuf};

use bytes::Bytes;

use crate::bug::bug;
use crate::clock::now_ms;
use crate::error::{Error, LostUploads, Result};
use crate::hash::{ContentHash, checksum};
use crate::lake::check::sum_of;
use crate::storage::objects::HeldUpload;
use crate::storage::{LocalFile, local};

use super::objects::{Objects, is_another};
use super::open::Bucket;
use super::uploader::UploadAs;

/// Bytes of a piece of an upload. All but the last are of one size, which Cloudflare's R2 asks for; S3 wants 5 MiB at least.
const PIECE: u64 = 8 << 20;
/// Bytes of an object that is written in one request, for which it is in memory. A larger one is uploaded in pieces.
const IN_ONE: u64 = 16 << 20;
/// How often an upload is completed that a store neither completes nor says is gone.
const ATTEMPTS: u32 = 7;

/// An upload that was begun of a local file. Its pieces are uploaded in any order.
#[derive(Debug)]
pub(super) struct BegunUpload {
    file: PathBuf,
    open: LocalFile,
    /// Without its pieces.
    held: HeldUpload,
}

impl BegunUpload {
    /// How many pieces it has; an empty file has one.
    pub(super) fn count(&self) -> usize {
        usize::try_from(self.held.bytes.div_ceil(PIECE)).unwrap_or(usize::MAX).max(1)
    }

    /// Bytes of a piece.
    pub(super) fn length(&self, place: usize) -> u64 {
        self.held.bytes.saturating_sub(place as u64 * PIECE).min(PIECE)
    }

    /// The upload with these pieces.
    pub(super) fn held(&self, pieces: Vec<String>) -> HeldUpload {
        HeldUpload { pieces, ..self.held.clone() }
    }
}

impl Bucket {
    /// Writes local files as objects, several at a time, and removes them here.
    pub(super) fn write_files<'a>(&self, files: impl Iterator<Item = (&'a Path, &'a Path)> + Clone) -> Result<()> {
        let objects = self.objects()?;
        for (file, to) in files.clone() {
            let is_large = local::facts(file).map_err(Error::io("read", file))?.size > IN_ONE;
            let kind = if is_large { UploadAs::Held } else { UploadAs::Object };
            self.uploader.give(objects, file.to_path_buf(), to, kind)?;
        }
        for (file, _) in files {
            let Some(held) = self.uploader.taken(file)? else { continue };
            let completed = objects.complete(&held);
            if !matches!(completed, Ok(true)) {
                objects.abandon(&held);
                completed?;
                return Err(Error::Undone(LostUploads::Gone { lake: self.root().to_path_buf() }));
            }
        }
        Ok(())
    }
}

impl Objects {
    /// Begins to upload a local file. Nobody sees it before [`Objects::complete`].
    pub(super) fn begin_upload(&self, file: &Path, to: &Path) -> Result<BegunUpload> {
        let (bytes, checksum) = sum_of(file)?;
        let open = LocalFile::open(file).map_err(Error::io("read", file))?;
        let since = Some(now_ms());
        let upload = self.steadily(|| self.store.begin(&self.key(to))).map_err(self.failed("upload", to))?;
        let held = HeldUpload { path: to.to_path_buf(), upload, pieces: Vec::new(), bytes, checksum, since };
        Ok(BegunUpload { file: file.to_path_buf(), open, held })
    }

    /// Uploads a piece of a file. Returns the store's identity of it.
    pub(super) fn put_piece(&self, begun: &BegunUpload, place: usize) -> Result<String> {
        let BegunUpload { file, open, held } = begun;
        let mut piece = vec![0; usize::try_from(begun.length(place)).map_err(|_| bug!())?];
        open.read_exact_at(&mut piece, place as u64 * PIECE).map_err(Error::io("read", file))?;
        let (key, piece) = (self.key(&held.path), Bytes::from(piece));
        let put = || self.store.put_piece(&key, &held.upload, place, piece.clone());
        self.steadily(put).map_err(self.failed("upload", &held.path))
    }

    /// Writes a local file as an object, and removes it.
    pub(super) fn write_file(&self, file: &Path, to: &Path) -> Result<()> {
        let bytes = local::read(file).map_err(Error::io("read", file))?;
        self.write(to, Bytes::from(bytes))?;
        local::remove(file).map_err(Error::io("remove", file))
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
                Err(_) => self.pause(attempt),
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

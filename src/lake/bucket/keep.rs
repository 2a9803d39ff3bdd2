//! Files of a checkpoint: they are in their places in the local folder as long as there is one, for they are read again and again.

use std::collections::HashSet;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use crate::clock::now_ms;
use crate::error::{Error, Result};
use crate::lake::check::checked;
use crate::lake::layout::Layout;
use crate::lake::losses::is_loss;
use crate::lake::record::CommittedTable;
use crate::shown_path::COPIES;
use crate::storage::objects::{ObjectFacts, ObjectVersion};
use crate::storage::{HashedFile, local};

use super::fetch::Fetched;
use super::many::at_once;
use super::open::Bucket;
use super::sweep::OLD;

impl Bucket {
    /// Makes sure that files which never change are in their local places, as they were written. Those that are not are fetched,
    /// several at a time.
    ///
    /// # Errors
    /// If one does not exist, or cannot be read; [`Error::FileDiffers`] if it differs from what was written.
    pub(in crate::lake) fn keep(&self, files: &[&CommittedTable]) -> Result<()> {
        at_once(files, |file| {
            let place = self.local(&file.path)?;
            if checked(&place, file.bytes, &file.checksum).is_ok() { Ok(()) } else { self.fetch_to(file, &place) }
        })?;
        Ok(())
    }

    /// Fetches a file to its place. Nobody gives its name to another one, so its size and checksum say which object is meant, and the
    /// store is not asked about it first.
    fn fetch_to(&self, file: &CommittedTable, place: &Path) -> Result<()> {
        let objects = self.objects()?;
        let number = self.copies.fetch_add(1, Ordering::Relaxed);
        let copy = self.local(&Path::new(COPIES).join(number.to_string()).join(&file.path))?;
        for folder in [copy.parent(), place.parent()].into_iter().flatten() {
            local::make_folders(folder).map_err(Error::io("create", folder))?;
        }
        let copy = Fetched::copy(copy);
        let mut text = HashedFile::create(&copy).map_err(Error::io("create", &copy))?;
        let wanted = ObjectFacts {
            key: objects.key(&file.path),
            size: file.bytes,
            modified: 0,
            version: ObjectVersion::default(),
        };
        let differs = |what, expected: String, found: String| {
            Err(Error::FileDiffers { path: place.to_path_buf(), what, expected, found })
        };
        if let Err(error) = objects.read_into(&file.path, &wanted, &mut |piece| text.write_all(piece)) {
            // A store may say of a range that is not there what it likes.
            return match objects.facts(&file.path)? {
                None => Err(objects.failed("read", &file.path)(ErrorKind::NotFound.into())),
                Some(found) if found.size != file.bytes => {
                    differs("size", format!("{} bytes", file.bytes), format!("{} bytes", found.size))
                }
                Some(_) => Err(error),
            };
        }
        let (_, found) = text.finish_unsynced();
        if found != file.checksum {
            return differs("checksum", file.checksum.clone(), found);
        }
        local::rename(&copy, place).map_err(Error::io("write", place))
    }

    /// Leaves a staged file of a checkpoint in its local place as well, so that this run need not fetch it.
    pub(super) fn keep_staged(&self, staged: &Path, to: &Path) {
        let (Ok(staged), Ok(place)) = (self.local(staged), self.local(to)) else { return };
        if to.starts_with(Layout::checkpoints())
            && let Some(folder) = place.parent()
        {
            // Where there are no links, it is fetched.
            let _ = local::make_folders(folder).and_then(|()| local::link(&staged, &place));
        }
    }

    /// Removes local copies of files of a checkpoint that are gone.
    pub(in crate::lake) fn forget_copies(&self, gone: &[PathBuf]) {
        let places = gone.iter().filter_map(|path| self.local(path).ok());
        places.for_each(|place| drop(local::remove(&place)));
    }

    /// Files of checkpoints that runs wrote over a week ago and nobody needs. A commit that is decided after this may remove them: who
    /// wrote them has been overtaken, or will be.
    ///
    /// # Errors
    /// If they cannot be listed.
    pub(in crate::lake) fn old_segments(&self, needed: &HashSet<&Path>) -> Result<Vec<PathBuf>> {
        let before = now_ms().saturating_mul(1_000_000).saturating_sub(OLD);
        let listed = self.times(&Layout::checkpoints())?.into_iter();
        Ok(listed.filter(|(path, time)| *time < before && !needed.contains(&**path)).map(|(path, _)| path).collect())
    }

    /// Whether an error is of the store, and says nothing of what is there.
    pub(in crate::lake) fn has_failed(error: &Error) -> bool {
        matches!(error, Error::Io { .. }) && !is_loss(error)
    }
}

//! What only Linux tells of a file: the mount that it is on, and whether its attributes forbid to change it. Elsewhere a
//! mount is known by its device alone, and whether a file may be changed shows in the attempt.

use std::io;
use std::path::Path;

use rustix::fs::AtFlags;
#[cfg(target_os = "linux")]
use rustix::fs::{CWD, StatxAttributes, StatxFlags, statx};
#[cfg(target_os = "linux")]
use rustix::io::Errno;

/// The number of the mount that a folder is on, if the system tells it. Linux before 5.8 does not.
#[cfg(target_os = "linux")]
pub(super) fn mount_of(folder: &Path) -> Option<u64> {
    let stat = statx(CWD, folder, AtFlags::empty(), StatxFlags::MNT_ID).ok()?;
    (stat.stx_mask & StatxFlags::MNT_ID.bits() != 0).then_some(stat.stx_mnt_id)
}

#[cfg(not(target_os = "linux"))]
pub(super) fn mount_of(_folder: &Path) -> Option<u64> {
    None
}

/// Whether the attributes of a file allow that it is changed (`chattr +i`, `chattr +a`).
///
/// # Errors
/// `EPERM` if they do not; the error of the system if they cannot be asked for.
#[cfg(target_os = "linux")]
pub(super) fn not_fixed(path: &Path, flags: AtFlags) -> io::Result<()> {
    let stat = match statx(CWD, path, flags, StatxFlags::BASIC_STATS) {
        // A file system that does not know attributes has none.
        Err(Errno::NOSYS) => return Ok(()),
        stat => stat?,
    };
    let fixed = stat.stx_attributes.intersects(StatxAttributes::IMMUTABLE | StatxAttributes::APPEND);
    if fixed { Err(Errno::PERM.into()) } else { Ok(()) }
}

#[cfg(not(target_os = "linux"))]
pub(super) fn not_fixed(_path: &Path, _flags: AtFlags) -> io::Result<()> {
    Ok(())
}

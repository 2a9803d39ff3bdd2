//! Where bytes are: files and streams. They are opened, read again after a failure, hashed as they are written, and
//! replaced as a whole. The only place that names the standard library's file system.

mod attributes;
mod capture_file;
mod facts;
mod fingerprint;
mod hashed_file;
pub(crate) mod local;
mod local_file;
mod location;
mod lock_file;
mod network;
pub mod objects;
mod open;
mod open_files;
mod read_ahead;
mod reopenable_file;
mod replace;
mod retry;
mod scratch;
mod spool;
mod spooled;
mod stream;
mod system;
mod true_name;
mod unsynced;

pub(crate) use capture_file::{
    CaptureFacts, CaptureFile, FileIdentity, ForwardReader, ReadFailure, capture_facts, may_exist,
};
pub(crate) use facts::{EntryKind, Inode};
pub(crate) use fingerprint::fingerprint;
pub use hashed_file::HashedFile;
pub(crate) use local::FolderSync;
pub use local_file::LocalFile;
pub(crate) use location::Location;
pub(crate) use lock_file::LockFile;
pub(crate) use network::openings;
pub(crate) use open::NotRegular;
pub use open::{open_regular, read_small};
pub use open_files::open_for_writing;
pub use read_ahead::ReadAhead;
pub(crate) use reopenable_file::ReopenableFile;
pub use replace::{OutFile, write_out};
pub(crate) use retry::{RetryingReader, steadily};
pub use scratch::want_scratch;
pub(crate) use scratch::{ScratchFolder, scratch_root};
pub(crate) use spool::{Spool, open_seekable};
pub(crate) use spooled::{SpoolWriter, Spooled, SpooledItems};
pub use stream::end_streams;
pub(crate) use stream::{Stream, expect_streams, stdin_inode};
pub(crate) use system::{Mount, exchange, is_not_fixed, is_unsupported, may_change, open_own};
pub(crate) use true_name::absolute;
pub use true_name::true_name;
pub(crate) use unsynced::{UnsyncedFiles, write_back_many};

//! Where temporary files lie.

use std::path::PathBuf;

use clap::Args as ClapArgs;

use crate::storage::{local, want_scratch};

/// Where temporary files lie.
#[derive(Debug, ClapArgs)]
pub(super) struct ScratchArg {
    /// Folder for temporary files: what is staged for a lake in a bucket, what is fetched from one, and sums that take more than
    /// memory [default: $TMPDIR, or /tmp]
    #[arg(long, value_name = "DIR", env = "PARCAP_SCRATCH", value_parser = existing)]
    scratch: Option<PathBuf>,
}

impl ScratchArg {
    /// Notes the folder for this process.
    pub(super) fn set(&self) {
        want_scratch(self.scratch.clone());
    }
}

/// A folder that is there. One that is made where a disk should be would fill another disk.
fn existing(text: &str) -> Result<PathBuf, String> {
    let folder = PathBuf::from(text);
    if local::is_folder(&folder) { Ok(folder) } else { Err("give a folder that exists".to_owned()) }
}

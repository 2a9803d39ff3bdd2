//! How many requests for bytes of objects are under way, and where temporary files lie.

use clap::Args as ClapArgs;
use clap::builder::RangedU64ValueParser;

use crate::memory::MOST_FETCHES;
use crate::storage::objects::want_fetches;

use super::scratch_arg::ScratchArg;

/// How many requests for bytes of objects are under way.
#[derive(Debug, ClapArgs)]
pub(super) struct FetchesArg {
    /// Requests for bytes of captures on object stores that are under way at once, each of up to 4 MiB [default: four a worker,
    /// at least 8]
    #[arg(long, value_name = "N", env = "PARCAP_FETCHES", value_parser = RangedU64ValueParser::<usize>::new().range(1..=MOST_FETCHES as u64))]
    fetches: Option<usize>,
    #[command(flatten)]
    scratch: ScratchArg,
}

impl FetchesArg {
    /// Notes both for this process.
    pub(super) fn set(&self) {
        want_fetches(self.fetches.unwrap_or(0));
        self.scratch.set();
    }
}

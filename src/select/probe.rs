//! Opens files to see what they are, many at once.

use std::convert::Infallible;

use crate::discover::{Candidate, Input, Refusal};
use crate::memory::SMALL_WINDOW;
use crate::storage::objects::{is_object, small_fetches};
use crate::storage::openings;
use crate::threads::in_order_by;

use super::backlog::ToOpen;
use super::same_content::Look;
use super::selector::Opener;

/// Files that are opened before the first of them is looked at. It bounds what is held of them.
pub(super) const BATCH: usize = 1024;
/// Fewer files are not worth threads.
const FEW: usize = 8;

/// What a file is, with the hash of its beginning.
pub(super) type Probed = Result<Input, Refusal>;

impl Opener<'_> {
    /// Opens some files. `None` for files that take more memory than each thread has: they are opened in their turn.
    pub(super) fn probe(&self, files: &[ToOpen]) -> Vec<Option<Probed>> {
        let jobs = match files.len() {
            0..FEW => 1,
            // A store takes as long for each, and the wait is no work of this machine.
            _ if files.iter().any(|file| is_object(&file.candidate.absolute)) => small_fetches(),
            _ => openings(self.rules.jobs, files.iter().map(|file| file.candidate.absolute.as_path())),
        };
        let (look, window) = (self.look, self.rules.window.min(SMALL_WINDOW));
        let Ok(probed) = in_order_by::<_, _, Infallible>(files.iter().collect(), jobs, |file| {
            let probed = probe(file.candidate.clone(), look, window);
            Ok(Some(probed).filter(|probed| !matches!(probed, Err(Refusal::Window { .. }))))
        });
        probed
    }
}

/// Opens a file.
pub(super) fn probe(candidate: Candidate, look: Option<Look<'_>>, window: u64) -> Probed {
    let mut input = candidate.probe_within(window)?;
    input.head = look.and_then(|look| look.head(&input));
    Ok(input)
}

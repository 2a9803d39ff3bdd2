//! Opens files to see what they are, many at once.

use std::convert::Infallible;

use crate::discover::{Candidate, Input, Refusal};
use crate::memory::SMALL_WINDOW;
use crate::storage::objects::{is_object, small_fetches};
use crate::threads::{WAITING, in_order_by, workers};

use super::same_content::Look;
use super::selector::Selector;

/// Files that are opened before the first of them is looked at. It bounds what is held of them.
pub(super) const BATCH: usize = 1024;
/// Fewer files are not worth threads.
const FEW: usize = 8;

/// What a file is, with the hash of its beginning.
pub(super) type Probed = Result<Input, Refusal>;

impl Selector<'_> {
    /// Opens those of some files about which nothing is known. `None` for the others, and for files that take more memory
    /// than each thread has: they are opened in their turn.
    pub(super) fn probe(&self, candidates: &[Candidate], skip: impl Fn(&Candidate) -> bool) -> Vec<Option<Probed>> {
        let wanted: Vec<_> = candidates.iter().map(|file| !skip(file) && self.is_unknown(file)).collect();
        let jobs = match wanted.iter().filter(|wanted| **wanted).count() {
            0 => return wanted.iter().map(|_| None).collect(),
            1..FEW => 1,
            // A store takes as long for each, and the wait is no work of this machine.
            _ if candidates.iter().any(|file| is_object(&file.absolute)) => small_fetches(),
            _ => workers(WAITING),
        };
        let (look, window) = (self.look, self.rules.window.min(SMALL_WINDOW));
        let files: Vec<_> = candidates.iter().zip(wanted).collect();
        let Ok(probed) = in_order_by::<_, _, Infallible>(files, jobs, |(candidate, wanted)| {
            let probed = wanted.then(|| probe(candidate.clone(), look, window));
            Ok(probed.filter(|probed| !matches!(probed, Err(Refusal::Window { .. }))))
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

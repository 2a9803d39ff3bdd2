//! Law 31: what a checkpoint says is the sum of the manifests. Whichever commits have made one, a lake that is read from its last
//! checkpoint on holds what it holds without any.

use std::fs;
use std::path::Path;

use parcap::Lake;

use crate::support::folder;

use super::nights_planned::copy_all;

/// All that a lake holds, as text.
fn held(lake: &Path) -> String {
    let held = Lake::open(lake).unwrap().snapshot().unwrap();
    let mut units: Vec<_> = held.parts.values().map(|part| &part.unit).filter(|unit| held.has_unit(unit)).collect();
    units.sort();
    let mut streams: Vec<_> = held.streams.iter().collect();
    streams.sort();
    let once = (held.sequence, held.next_input(), &held.settings, &held.delta, &held.names, &held.retained, streams);
    let paths: Vec<_> =
        held.inputs.values().map(|entry| held.input_at(&entry.input.absolute).map(|entry| entry.id)).collect();
    format!(
        "{once:#?}\n{units:#?}\n{paths:?}\n{:#?}\n{:#?}\n{:#?}\n{:#?}\n{:#?}\n{:#?}",
        held.inputs, held.parts, held.partials, held.tables, held.quarantine, held.refused
    )
}

/// A lake whose manifests are all there holds what they add up to.
pub(super) fn assert_checkpoint_is_sum_of_manifests(lake: &Path) {
    if !lake.join("_parcap/checkpoint").exists() || !lake.join("_parcap/manifest/0000000001.json").exists() {
        return;
    }
    let folder = folder();
    let log = folder.path().join("log");
    copy_all(&lake.join("_parcap/manifest"), &log.join("_parcap/manifest"));
    fs::copy(lake.join("_parcap/last"), log.join("_parcap/last")).unwrap();
    assert_eq!(held(lake), held(&log));
}

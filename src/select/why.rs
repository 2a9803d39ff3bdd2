//! A dry run: which captures would be converted, and why each of them.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use crate::capture::DamageKind;
use crate::discover::Input;
use crate::lake::{InputEntry, Snapshot};
use crate::outcome::{Why, WouldConvert};

use super::selection::{SelectOptions, Selection, is_same_content};

/// Why a capture would be converted.
fn why(
    input: &Input,
    entry: Option<&InputEntry>,
    selection: &Selection,
    snapshot: &Snapshot,
    rules: &SelectOptions,
) -> Why {
    let Some(entry) = entry else {
        let of_it = |(absolute, id): &(PathBuf, usize)| (*absolute == input.absolute).then_some(*id);
        let entry = |list: &[(PathBuf, usize)]| list.iter().find_map(of_it).and_then(|id| snapshot.inputs.get(&id));
        if let Some(was) = entry(&selection.goes_on) {
            return Why::GoesOn { was: was.input.path.clone() };
        }
        let was = entry(&selection.may_be);
        let refused = snapshot.quarantine.get(&input.absolute);
        return match was {
            _ if input.is_stdin() => Why::Stdin,
            Some(was) => Why::Repacked { was: was.input.path.clone() },
            None if refused.is_some_and(|refused| !refused.retired) => Why::RefusedAndRetried,
            None if refused.is_some() && rules.force => Why::Forced,
            None => Why::New,
        };
    };
    let damage = entry.found.damage.as_ref();
    if !is_same_content(&entry.input, input) {
        Why::Changed { was_bytes: entry.input.size }
    } else if rules.force {
        Why::Forced
    } else if entry.is_open() {
        Why::Open
    } else if entry.lost_rows > 0 {
        Why::Incomplete
    } else if damage.is_some_and(|damage| damage.kind == DamageKind::Unreadable) {
        Why::Unreadable
    } else if damage.is_some() {
        Why::DamagedAndRetried
    } else {
        Why::NotStoodForAnyMore
    }
}

/// The captures that would be converted, in the order in which they were given and found.
pub(crate) fn would_convert(selection: &Selection, snapshot: &Snapshot, rules: &SelectOptions) -> Vec<WouldConvert> {
    // A renamed capture is known by its content.
    let met: HashMap<&Path, usize> =
        selection.relocated.iter().map(|met| (met.seen.absolute.as_path(), met.input)).collect();
    let of = |input: &Input| {
        let met = met.get(input.absolute.as_path()).and_then(|id| snapshot.inputs.get(id));
        let entry = met.map(AsRef::as_ref).or_else(|| snapshot.input_at(&input.absolute));
        WouldConvert {
            path: input.path.clone(),
            bytes: (!input.is_stdin()).then_some(input.size),
            why: why(input, entry, selection, snapshot, rules),
        }
    };
    selection.convert.iter().map(of).collect()
}

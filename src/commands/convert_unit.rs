//! Converting a unit of a plan, wherever the plan was made.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher as _, Hasher as _};
use std::path::Path;
use std::time::SystemTime;

use crate::cancel::Cancel;
use crate::convert;
use crate::convert::ConvertContext;
use crate::error::{Error, Foreign, Result};
use crate::lake::{Layout, sweep, sweep_staging};
use crate::memory::Memory;
use crate::packets::Encoder;
use crate::plan::{Unit, UnitResult, is_identity};
use crate::storage::local;
use crate::storage::objects::{limit_fetches, wanted_fetches};
use crate::threads::workers;

/// Converts one unit, and stages the result in a folder of the lake that no other conversion uses. So the same unit may
/// be converted twice, even at the same time.
///
/// # Errors
/// If the unit is not one that a plan makes, or the lake cannot be written. Then nothing of it is left.
pub fn convert_unit(unit: &Unit, lake: &Path, jobs: usize, cancel: Cancel) -> Result<UnitResult> {
    // Folders are named after them.
    let has_names = is_identity(&unit.id) && unit.plan.as_ref().is_none_or(|plan| is_identity(plan));
    if !has_names || !unit.is_sound() {
        return Err(Error::Foreign { path: unit.name().into(), what: Foreign::Unit });
    }
    if local::is_file(lake) {
        return Err(Error::LakeIsAFile { path: lake.to_path_buf() });
    }
    let lake = Layout::at(lake);
    lake.check_is_whole()?;
    let lake = lake.made()?;
    lake.take_note_of_names()?;
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_nanos());
    let folder = unit.plan.as_ref().map_or_else(Layout::units, |plan| Layout::units().join(plan));
    // In containers, processes of many machines have the same number.
    let folder = folder.join(format!("{}-{}-{now:x}-{:x}", unit.id, std::process::id(), random()));
    let encoder = Encoder::of_lake(&unit.settings, lake.root())?;
    let (memory, fetches) =
        Memory::share_with_fetches(None, wanted_fetches(), workers(jobs), unit.settings.row_group_rows)?;
    limit_fetches(fetches);
    let place = lake.resolve(&folder);
    let mut context = ConvertContext::new(lake.clone(), encoder, memory, cancel);
    context.staging = folder;
    let result = convert::convert_unit(unit, &context, jobs).and_then(|mut row| {
        row.parts.iter_mut().try_for_each(|part| lake.finish_delivery(part))?;
        Ok(row)
    });
    match result {
        Ok(_) => lake.hand_over(),
        // The first failure is what matters.
        Err(_) => drop(sweep(&place).and(sweep_staging(&lake))),
    }
    result
}

/// A number that no other process has.
pub(super) fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}

//! Counts sums again from the rows that are left, if the sums or some of their rows are lost.
//!
//! The rows do not have the content of DNS messages, and not in every lake the tunnels of packets. These are taken from the earlier partial
//! summaries, by owner. TCP flags, which not every lake has in its rows either, are lost with the pieces of flows: those must fit the rows.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::Arc;

use crate::aggregate::{Group, Owners, Saved, Space};
use crate::bug::bug;
use crate::cancel::Cancel;
use crate::config::Settings;
use crate::day::Day;
use crate::error::{Error, Result};
use crate::lake::{
    CommittedPart, CommittedPartial, Layout, Remains, Rewriter, Told, Transaction, problem_of, recount_captures,
};
use crate::outcome::{LostFile, Repaired};
use crate::packets::{Encoder, TCP_FLAGS};
use crate::plan::{PartialEntry, derived_identity};
use crate::storage::local;
use crate::summary::SumKind;
use crate::threads::in_order;

/// Captures whose sums are counted again together, because they share a partial summary or a part.
struct Groups {
    parents: HashMap<usize, usize>,
}

impl Groups {
    fn root(&mut self, number: usize) -> usize {
        let mut root = number;
        loop {
            let parent = *self.parents.entry(root).or_insert(root);
            if parent == root {
                break;
            }
            root = parent;
        }
        let mut below = number;
        while below != root
            && let Some(parent) = self.parents.insert(below, root)
        {
            below = parent;
        }
        root
    }

    fn join(&mut self, mut numbers: impl Iterator<Item = usize>) {
        let Some(first) = numbers.next().map(|number| self.root(number)) else { return };
        for number in numbers {
            let root = self.root(number);
            self.parents.insert(root, first);
        }
    }
}

/// What is left of partial summaries that do not count as they are: the counts of DNS messages and tunnels, by owner.
struct LostMessages<'a> {
    path: PathBuf,
    /// The captures by the place that is the number of an owner; 0 for none.
    inputs: Vec<usize>,
    /// Bytes and checksum, if a manifest has them.
    known: Option<&'a CommittedPartial>,
}

/// Counts the sums again that no longer fit the parts. Returns the dates that they touch.
pub(super) fn count_again(
    lake: &Layout,
    left: &mut Remains,
    settings: &Settings,
    change: &mut Transaction,
    (jobs, cancel): (usize, &Cancel),
    repaired: &mut Repaired,
) -> Result<BTreeSet<Day>> {
    let partials: Vec<CommittedPartial> = left.snapshot.partials.values().cloned().collect();
    let problems = in_order::<_, _, Error>(partials.iter().collect(), jobs, |partial: &CommittedPartial| {
        cancel.check()?;
        Ok(lake.check(&partial.path, partial.bytes, &partial.checksum).err().map(|error| problem_of(&error)))
    })?;
    let mut again = left.changed.clone();
    let mut dropped = BTreeSet::new();
    // Of a large capture, which has several partial summaries, some may be whole.
    let mut gone = BTreeSet::new();
    for (place, (partial, problem)) in partials.iter().zip(&problems).enumerate() {
        let is_unknown = partial.inputs.iter().any(|input| *input > 0 && !left.snapshot.inputs.contains_key(input));
        if let Some(problem) = problem {
            repaired.lost.push(LostFile::of(&partial.path, problem, &left.snapshot));
            gone.extend(partial.inputs.iter().copied());
        }
        if problem.is_some() || is_unknown {
            dropped.insert(place);
            again.extend(partial.inputs.iter().copied().filter(|input| *input > 0));
        }
    }
    let summed: BTreeSet<usize> = partials.iter().flat_map(|partial| partial.inputs.iter().copied()).collect();
    let of_parts = left.snapshot.parts.values().flat_map(|part| part.ranges.iter().map(|range| range.input));
    again.extend(of_parts.filter(|input| !summed.contains(input)));
    // A capture that is summed up together with one of them is counted again as well.
    loop {
        let touched = |(place, partial): &(usize, &CommittedPartial)| {
            !dropped.contains(place) && partial.inputs.iter().any(|input| again.contains(input))
        };
        let more: Vec<_> = partials.iter().enumerate().filter(touched).collect();
        if more.is_empty() {
            break;
        }
        for (place, partial) in more {
            dropped.insert(place);
            again.extend(partial.inputs.iter().copied().filter(|input| *input > 0));
        }
    }
    again.retain(|number| left.snapshot.inputs.contains_key(number));
    let mut days = BTreeSet::new();
    let mut messages = Vec::new();
    let mut groups = Groups { parents: HashMap::new() };
    for (place, partial) in partials.iter().enumerate().filter(|(place, _)| dropped.contains(place)) {
        days.extend(partial.days.iter().copied());
        left.snapshot.partials.remove(&partial.path);
        change.remove_partial(&partial.path);
        groups.join(partial.inputs.iter().copied().filter(|input| again.contains(input)));
        if problems.get(place).is_some_and(Option::is_none) {
            let known = Some(partial);
            messages.push(LostMessages { path: partial.path.clone(), inputs: partial.inputs.clone(), known });
        }
    }
    let known: BTreeSet<PathBuf> = messages.iter().map(|lost: &LostMessages<'_>| lost.path.clone()).collect();
    for (unit, places) in &left.units {
        let path = Layout::partial_path(unit);
        let Some(last) = places.keys().next_back().filter(|_| local::exists(&lake.resolve(&path))) else { continue };
        if !known.contains(&path) && !left.snapshot.partials.contains_key(&path) {
            groups.join(places.values().copied().filter(|input| again.contains(input)));
            let inputs = (0..=*last).map(|place| places.get(&place).copied().unwrap_or(0)).collect();
            change.remove_partial(&path);
            messages.push(LostMessages { path, inputs, known: None });
        }
    }
    let mut parts_of: BTreeMap<usize, Vec<&CommittedPart>> = BTreeMap::new();
    let mut messages_of: BTreeMap<usize, Vec<&LostMessages<'_>>> = BTreeMap::new();
    let of_part = |part: &CommittedPart| -> BTreeSet<usize> {
        part.ranges.iter().map(|range| range.input).filter(|input| again.contains(input)).collect()
    };
    for part in left.snapshot.parts.values() {
        groups.join(of_part(part).into_iter());
    }
    for part in left.snapshot.parts.values() {
        if let Some(first) = of_part(part).into_iter().next() {
            parts_of.entry(groups.root(first)).or_default().push(part);
        }
    }
    for lost in &messages {
        if let Some(first) = lost.inputs.iter().find(|input| again.contains(input)) {
            messages_of.entry(groups.root(*first)).or_default().push(lost);
        }
    }
    let mut members: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
    for number in &again {
        members.entry(groups.root(*number)).or_default().insert(*number);
    }
    let encoder = Encoder::of_lake(settings, lake.root())?;
    let rewriter = Rewriter::new(lake, &left.snapshot, &encoder, cancel);
    let of_groups: Vec<_> = members.into_iter().collect();
    let counted = in_order::<_, _, Error>(of_groups, jobs, |(root, captures)| {
        let parts = parts_of.get(&root).map(Vec::as_slice).unwrap_or_default();
        let messages = messages_of.get(&root).map(Vec::as_slice).unwrap_or_default();
        count_group(&rewriter, parts, &captures, (messages, &gone), settings)
    })?;
    for Counted { partial, captures, told, without_messages, without_tunnels, without_flags } in counted {
        if let Some((unit, entry)) = partial {
            repaired.partials += 1;
            days.extend(entry.days.iter().copied());
            change.add_partial(&unit, &entry, captures)?;
        }
        let path = |number: usize| left.snapshot.inputs.get(&number).map(|entry| entry.input.path.clone());
        repaired.without_messages.extend(without_messages.into_iter().filter_map(path));
        repaired.without_tunnels.extend(without_tunnels.into_iter().filter_map(path));
        repaired.without_flags.extend(without_flags.into_iter().filter_map(path));
        for (number, told) in told {
            let entry = left.snapshot.inputs.get_mut(&number).map(Arc::make_mut).ok_or_else(|| bug!())?;
            if entry.from_rows || entry.found.rows != told.rows {
                let found = &mut entry.found;
                (found.records, found.rows, found.length) = (told.rows, told.rows, told.length);
                (found.earliest, found.latest) = (told.earliest, told.latest);
            }
        }
    }
    left.snapshot
        .partials
        .extend(change.manifest.partials.iter().map(|partial| (partial.path.clone(), partial.clone())));
    Ok(days)
}

/// What was counted again.
struct Counted {
    partial: Option<(String, PartialEntry)>,
    captures: Vec<usize>,
    told: BTreeMap<usize, Told>,
    without_messages: Vec<usize>,
    without_tunnels: Vec<usize>,
    without_flags: Vec<usize>,
}

fn count_group(
    rewriter: &Rewriter<'_>,
    parts: &[&CommittedPart],
    captures: &BTreeSet<usize>,
    (messages, gone): (&[&LostMessages<'_>], &BTreeSet<usize>),
    settings: &Settings,
) -> Result<Counted> {
    let lake = rewriter.lake;
    let folder = lake.make_folder(&Layout::staging())?;
    let space = Space::new(&folder).cancelled_by(rewriter.cancel);
    let (mut aggregator, told) = recount_captures(rewriter, parts, captures, &space)?;
    let places: Vec<usize> = captures.iter().copied().collect();
    let days: BTreeSet<Day> = told.values().flat_map(|told| told.messages.iter().copied()).collect();
    let of_tunnels: BTreeSet<Day> = told.values().flat_map(|told| told.tunnels.iter().copied()).collect();
    let mut known: BTreeSet<usize> = BTreeSet::new();
    for lost in messages {
        let place = |input: &usize| places.binary_search(input).ok().map(u32::try_from).transpose();
        let numbers = lost.inputs.iter().map(place).collect::<Result<_, _>>().map_err(|_| bug!())?;
        let owners = Owners::Renumber(numbers);
        let path = match lake.fetch(&lost.path) {
            Err(Error::Io { .. }) if lost.known.is_none() => continue,
            path => path?,
        };
        let wanted = |group: Group| {
            let days = if group.kind == SumKind::Tunnels as u8 { &of_tunnels } else { &days };
            // Flows have been counted again from the rows.
            group.by_owner
                && !SumKind::OF_FLOWS.iter().any(|kind| *kind as u8 == group.kind)
                && days.contains(&group.day)
        };
        match aggregator.append_groups(&path, owners, &wanted) {
            Ok(()) => known.extend(lost.inputs.iter().copied()),
            // Nothing says what it should be.
            Err(Error::Io { .. }) if lost.known.is_none() => {}
            Err(error) => return Err(error),
        }
    }
    let unknown = || told.iter().filter(|(number, _)| !known.contains(number) || gone.contains(number));
    let without_messages = unknown().filter(|(_, told)| !told.messages.is_empty()).map(|(number, _)| *number).collect();
    let without_tunnels = unknown().filter(|(_, told)| !told.tunnels.is_empty()).map(|(number, _)| *number).collect();
    let lacks_flags = settings.flow_timeout.is_some() && !settings.columns.names().any(|name| name == TCP_FLAGS);
    let without_flags =
        told.iter().filter(|(_, told)| lacks_flags && told.has_tcp).map(|(number, _)| *number).collect();
    if aggregator.groups().is_empty() {
        return Ok(Counted { partial: None, captures: places, told, without_messages, without_tunnels, without_flags });
    }
    let staged = rewriter.staged("arrow")?;
    let Saved { bytes, checksum, days } = aggregator.save(&lake.resolve(&staged))?;
    let window = settings.window.to_string();
    let fields = std::iter::once(window.as_str()).chain(parts.iter().map(|part| part.checksum.as_str()));
    let unit = derived_identity("repair", fields.chain(std::iter::once(checksum.as_str())));
    let partial = PartialEntry { staged, path: Layout::partial_path(&unit), bytes, checksum, days };
    Ok(Counted {
        partial: Some((unit, partial)),
        captures: places,
        told,
        without_messages,
        without_tunnels,
        without_flags,
    })
}

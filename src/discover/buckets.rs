//! Makes candidates of URLs: an object, those below a prefix, those that a pattern matches. Nothing is opened; the listing says
//! what there is, how large it is, and which version of it.

use std::collections::HashSet;
use std::io;
use std::path::Path;

use glob::{MatchOptions, Pattern};

use crate::storage::objects::{ObjectAddress, ObjectFacts, Store, object_facts};

use super::candidate::{Candidate, Refusal};
use super::names::{is_capture_name, is_of_others, is_unfinished};
use super::walk::{Found, Lead, Visited, add};

/// Finds the objects that a URL names. A bucket has no folders; what stands before a slash of a key counts as one.
pub(super) fn find_objects(named: &Path, address: &ObjectAddress, seen: &mut Visited, found: &mut Found) -> Lead {
    let mut lead = Lead { named: named.to_path_buf(), ..Lead::default() };
    if !address.root.is_bucket()
        && let Some((plain, _)) = address.key.split_once(['?', '#'])
    {
        // What may be a signature is not repeated, not even here.
        lead.named = address.root.object(plain).path();
        found.refused.push((lead.named.clone(), Refusal::SignedUrl));
        return lead;
    }
    let result = if !address.root.is_bucket() {
        of_server(named, address, seen, found, &mut lead)
    } else if is_pattern(&address.key) {
        expand(named, address, seen, found, &mut lead)
    } else {
        of_bucket(named, address, seen, found, &mut lead)
    };
    if let Err(refusal) = result {
        found.refused.push((named.to_path_buf(), refusal));
    }
    lead
}

fn is_pattern(key: &str) -> bool {
    key.contains(['*', '?', '['])
}

/// A file of a web server, which cannot be listed.
fn of_server(
    named: &Path,
    address: &ObjectAddress,
    seen: &mut Visited,
    found: &mut Found,
    lead: &mut Lead,
) -> Result<(), Refusal> {
    found.places.add(named);
    match object_facts(address)? {
        Some(facts) => name(named, address, facts, seen, found, lead),
        None => return Err(Refusal::Missing),
    }
    Ok(())
}

/// An object of exactly this key, or else all below it.
fn of_bucket(
    named: &Path,
    address: &ObjectAddress,
    seen: &mut Visited,
    found: &mut Found,
    lead: &mut Lead,
) -> Result<(), Refusal> {
    let mut refused = None;
    if !address.key.is_empty() && !address.key.ends_with('/') {
        match object_facts(address) {
            Ok(Some(facts)) => {
                found.places.add(named);
                name(named, address, facts, seen, found, lead);
                return Ok(());
            }
            Ok(None) => {}
            // A store that may not be listed does not say that there is no such object either.
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => refused = Some(error),
            Err(error) => return Err(error.into()),
        }
    }
    let listed = list(address, &address.folder()).map_err(|error| refused.take().unwrap_or(error))?;
    found.places.add(named);
    if listed.is_empty() {
        return Err(refused.map_or(Refusal::Missing, Refusal::from));
    }
    let root = address.folder();
    lead.to.push(address.path());
    take(address, listed, &root, |_| false, seen, found);
    Ok(())
}

/// The objects that a pattern matches, and those below the prefixes that it matches.
fn expand(
    named: &Path,
    address: &ObjectAddress,
    seen: &mut Visited,
    found: &mut Found,
    lead: &mut Lead,
) -> Result<(), Refusal> {
    let wild = address.key.find(['*', '?', '[']).unwrap_or(0);
    let base = address.key.get(..wild).and_then(|plain| plain.rfind('/')).map_or(0, |slash| slash + 1);
    let folder = address.key.get(..base).unwrap_or_default();
    let listed = list(address, folder)?;
    if let Some(facts) = listed.iter().find(|facts| facts.key == address.key) {
        // The name itself has these characters.
        found.places.add(named);
        name(named, address, facts.clone(), seen, found, lead);
        return Ok(());
    }
    lead.is_pattern = true;
    found.places.add_pattern(named);
    let pattern = Pattern::new(address.key.trim_end_matches('/')).map_err(|_| Refusal::NoMatch)?;
    let options = MatchOptions { require_literal_separator: true, ..MatchOptions::new() };
    let mut roots: Vec<(String, Vec<ObjectFacts>)> = Vec::new();
    for facts in listed {
        // The uppermost folder that the pattern matches, or else the key itself.
        let ends = facts.key.match_indices('/').map(|(end, _)| end).chain([facts.key.len()]);
        let mut matching = ends.filter_map(|end| facts.key.get(..end));
        let Some(root) = matching.find(|name| pattern.matches_with(name, options)).map(str::to_owned) else { continue };
        match roots.iter_mut().find(|(held, _)| *held == root) {
            Some((_, below)) => below.push(facts),
            None => roots.push((root, vec![facts])),
        }
    }
    if roots.is_empty() {
        return Err(Refusal::NoMatch);
    }
    roots.sort_by(|(a, _), (b, _)| by_segments(a, b));
    for (root, below) in roots {
        lead.to.push(address.root.object(&root).path());
        take(address, below, &format!("{root}/"), |key| key == root, seen, found);
    }
    Ok(())
}

/// All objects whose keys begin with a prefix, in the order in which a folder is walked.
fn list(address: &ObjectAddress, prefix: &str) -> io::Result<Vec<ObjectFacts>> {
    let mut listed = Vec::new();
    Store::connect(&address.root)?.list(prefix, &mut |facts| {
        listed.push(facts);
        Ok(())
    })?;
    listed.sort_by(|a, b| by_segments(&a.key, &b.key));
    listed.dedup_by(|a, b| a.key == b.key);
    Ok(listed)
}

/// A folder comes where its name does, and not where its slash does.
fn by_segments(a: &str, b: &str) -> std::cmp::Ordering {
    a.split('/').cmp(b.split('/'))
}

/// Takes an object that was named itself.
fn name(
    named: &Path,
    address: &ObjectAddress,
    facts: ObjectFacts,
    seen: &mut Visited,
    found: &mut Found,
    lead: &mut Lead,
) {
    lead.is_file = true;
    let candidate = Candidate::of_object(address, facts, true);
    add(Candidate { path: named.to_path_buf(), ..candidate }, seen, found);
}

/// Takes what was listed, as a walk of a folder would: without what is incomplete, was deleted, or stands for a folder. `root` is the key
/// of the folder, with its slash.
fn take(
    address: &ObjectAddress,
    listed: Vec<ObjectFacts>,
    root: &str,
    is_claimed: impl Fn(&str) -> bool,
    seen: &mut Visited,
    found: &mut Found,
) {
    let mut of_others = HashSet::new();
    let mut listed = listed.into_iter().peekable();
    while let Some(facts) = listed.next() {
        let object = address.root.object(&facts.key);
        let path = object.path();
        if let Some(folder) = folder_of_others(&facts.key, root) {
            if of_others.insert(folder.to_owned()) {
                found.stepped_over += 1;
                found.places.step_over(address.root.object(folder).path());
            }
            continue;
        }
        let has_more = |next: &ObjectFacts| next.key.strip_prefix(&facts.key).is_some_and(|rest| rest.starts_with('/'));
        let is_marker = facts.key.ends_with('/') || listed.peek().is_some_and(has_more);
        if facts.size == 0 && is_marker {
            continue;
        }
        if is_unfinished(&path) {
            found.stepped_over += 1;
        } else if object.is_odd() {
            // Only what says that it is a capture has to be told of.
            if is_claimed(&facts.key) || is_capture_name(&path) {
                found.refused.push((path, Refusal::OddKey));
            } else {
                found.stepped_over += 1;
            }
        } else {
            let claimed = is_claimed(&facts.key) || is_capture_name(&path);
            add(Candidate::of_object(&object, facts, claimed), seen, found);
        }
    }
}

/// The folder of a key, below the root, that other programs keep among the files of their users.
fn folder_of_others<'k>(key: &'k str, root: &str) -> Option<&'k str> {
    let below = key.get(root.len()..)?;
    let mut slashes = below.match_indices('/').map(|(slash, _)| root.len() + slash);
    slashes.find_map(|end| key.get(..end).filter(|folder| is_of_others(Path::new(folder))))
}

//! Makes candidates of URLs: an object, those below a prefix, those that a pattern matches. Nothing is opened; the listing says
//! what there is, how large it is, and which version of it.

use std::collections::HashSet;
use std::io;
use std::path::Path;

use glob::{MatchOptions, Pattern};

use crate::storage::objects::{ObjectAddress, ObjectFacts, Store, object_facts};

use super::candidate::{Candidate, Refusal};
use super::names::{is_capture_name, is_of_others, is_unfinished};
use super::visited::Visited;
use super::walk::{Found, Lead};

/// A URL that was named, and what was found so far.
struct NamedUrl<'a, 'v> {
    named: &'a Path,
    address: &'a ObjectAddress,
    seen: &'a mut Visited<'v>,
    found: &'a mut Found,
    lead: Lead,
}

/// Finds the objects that a URL names. A bucket has no folders; what stands before a slash of a key counts as one.
pub(super) fn find_objects(named: &Path, address: &ObjectAddress, seen: &mut Visited<'_>, found: &mut Found) -> Lead {
    let mut lead = Lead { named: named.to_path_buf(), ..Lead::default() };
    if !address.root.is_bucket()
        && let Some((plain, _)) = address.key.split_once(['?', '#'])
    {
        // What may be a signature is not repeated, not even here.
        lead.named = address.root.object(plain).path();
        found.refused.push((lead.named.clone(), Refusal::SignedUrl));
        return lead;
    }
    let mut url = NamedUrl { named, address, seen, found, lead };
    let result = if !address.root.is_bucket() {
        url.of_server()
    } else if is_pattern(&address.key) {
        url.expand()
    } else {
        url.of_bucket()
    };
    if let Err(refusal) = result {
        url.found.refused.push((named.to_path_buf(), refusal));
    }
    url.lead
}

fn is_pattern(key: &str) -> bool {
    key.contains(['*', '?', '['])
}

impl NamedUrl<'_, '_> {
    /// A file of a web server, which cannot be listed.
    fn of_server(&mut self) -> Result<(), Refusal> {
        self.found.places.add(self.named);
        match object_facts(self.address)? {
            Some(facts) => self.name(facts),
            None => return Err(Refusal::Missing),
        }
        Ok(())
    }

    /// An object of exactly this key, or else all below it.
    fn of_bucket(&mut self) -> Result<(), Refusal> {
        let mut refused = None;
        if !self.address.key.is_empty() && !self.address.key.ends_with('/') {
            match object_facts(self.address) {
                Ok(Some(facts)) => {
                    self.found.places.add(self.named);
                    self.name(facts);
                    return Ok(());
                }
                Ok(None) => {}
                // A store that may not be listed does not say that there is no such object either.
                Err(error) if error.kind() == io::ErrorKind::PermissionDenied => refused = Some(error),
                Err(error) => return Err(error.into()),
            }
        }
        let listed = list(self.address, &self.address.folder()).map_err(|error| refused.take().unwrap_or(error))?;
        self.found.places.add(self.named);
        if listed.is_empty() {
            return Err(refused.map_or(Refusal::Missing, Refusal::from));
        }
        let root = self.address.folder();
        self.lead.to.push(self.address.path());
        self.take(listed, &root, |_| false);
        Ok(())
    }

    /// The objects that a pattern matches, and those below the prefixes that it matches.
    fn expand(&mut self) -> Result<(), Refusal> {
        let wild = self.address.key.find(['*', '?', '[']).unwrap_or(0);
        let base = self.address.key.get(..wild).and_then(|plain| plain.rfind('/')).map_or(0, |slash| slash + 1);
        let folder = self.address.key.get(..base).unwrap_or_default();
        let listed = list(self.address, folder)?;
        if let Some(facts) = listed.iter().find(|facts| facts.key == self.address.key) {
            // The name itself has these characters.
            self.found.places.add(self.named);
            self.name(facts.clone());
            return Ok(());
        }
        self.lead.is_pattern = true;
        self.found.places.add_pattern(self.named);
        let pattern = Pattern::new(self.address.key.trim_end_matches('/')).map_err(|_| Refusal::NoMatch)?;
        let options = MatchOptions { require_literal_separator: true, ..MatchOptions::new() };
        let mut roots: Vec<(String, Vec<ObjectFacts>)> = Vec::new();
        for facts in listed {
            // The uppermost folder that the pattern matches, or else the key itself.
            let ends = facts.key.match_indices('/').map(|(end, _)| end).chain([facts.key.len()]);
            let mut matching = ends.filter_map(|end| facts.key.get(..end));
            let Some(root) = matching.find(|name| pattern.matches_with(name, options)).map(str::to_owned) else {
                continue;
            };
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
            let place = self.address.root.object(&root).path();
            let is_object = below.iter().any(|facts| facts.key == root);
            self.lead.to.push(place.parent().filter(|_| is_object).map_or(place.clone(), Path::to_path_buf));
            self.take(below, &format!("{root}/"), |key| key == root);
        }
        Ok(())
    }

    /// Takes the object that was named itself.
    fn name(&mut self, facts: ObjectFacts) {
        self.lead.is_file = true;
        let candidate = Candidate::of_object(self.address, facts, true);
        self.seen.add(Candidate { path: self.named.to_path_buf(), ..candidate }, &[]);
    }

    /// Takes what was listed, as a walk of a folder would: without what is incomplete, was deleted, or stands for a folder. `root` is the key
    /// of the folder, with its slash.
    fn take(&mut self, listed: Vec<ObjectFacts>, root: &str, is_claimed: impl Fn(&str) -> bool) {
        let mut of_others = HashSet::new();
        let mut listed = listed.into_iter().peekable();
        while let Some(facts) = listed.next() {
            let object = self.address.root.object(&facts.key);
            let path = object.path();
            if let Some(folder) = folder_of_others(&facts.key, root) {
                if of_others.insert(folder.to_owned()) {
                    self.found.stepped_over += 1;
                    self.found.places.step_over(self.address.root.object(folder).path());
                }
                continue;
            }
            let has_more =
                |next: &ObjectFacts| next.key.strip_prefix(&facts.key).is_some_and(|rest| rest.starts_with('/'));
            let is_marker = facts.key.ends_with('/') || listed.peek().is_some_and(has_more);
            if facts.size == 0 && is_marker {
                continue;
            }
            if is_unfinished(&path) {
                self.found.stepped_over += 1;
            } else if object.is_odd() {
                // Only what says that it is a capture has to be told of.
                if is_claimed(&facts.key) || is_capture_name(&path) {
                    self.found.refused.push((path, Refusal::OddKey));
                } else {
                    self.found.stepped_over += 1;
                }
            } else {
                let claimed = is_claimed(&facts.key) || is_capture_name(&path);
                self.seen.add(Candidate::of_object(&object, facts, claimed), &[]);
            }
        }
    }
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

/// The folder of a key, below the root, that other programs keep among the files of their users.
fn folder_of_others<'k>(key: &'k str, root: &str) -> Option<&'k str> {
    let below = key.get(root.len()..)?;
    let mut slashes = below.match_indices('/').map(|(slash, _)| root.len() + slash);
    slashes.find_map(|end| key.get(..end).filter(|folder| is_of_others(Path::new(folder))))
}

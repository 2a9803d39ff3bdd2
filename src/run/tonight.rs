//! What a run has to do: which of the captures that were named are new, changed, renamed, or known.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::commit::{Holdings, InputEntry, MetAgain, Seen};
use crate::discover::{self, Candidate, Format, Input, Lead, Places, Refusal, is_capture_name};
use crate::memory::USUAL_WINDOW;
use crate::read::DamageKind;

use super::away::{Away, Present, nothing_is_there};
use super::report::{Duplicate, Renamed, Report};

/// What becomes of captures that a lake holds already, in one way or another.
#[derive(Clone, Debug)]
pub struct Rules {
    /// Whether captures that are as they were are converted once more.
    pub force: bool,
    /// Whether captures that were damaged or refused are looked at once more, although they are as they were.
    pub retry_damaged: bool,
    /// Whether a capture with the same content as another one is left out.
    pub dedupe: bool,
    /// Captures that were modified less than this ago are left alone.
    pub settle: Duration,
    /// Bytes of memory that a decompressor may take.
    pub window: u64,
    /// Whether a capture that has another name now is known by its content, and not converted again.
    pub rename: bool,
    /// Whether an archive without captures is taken as it is, instead of for a disk that is missing.
    pub allow_empty: bool,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            force: false,
            retry_damaged: false,
            dedupe: false,
            settle: Duration::ZERO,
            window: USUAL_WINDOW,
            rename: true,
            allow_empty: false,
        }
    }
}

/// The captures of a run.
#[derive(Debug, Default)]
pub(super) struct Tonight {
    /// What is to be converted. A capture that the lake holds under the same path is replaced.
    pub(super) convert: Vec<Input>,
    /// Captures that the lake holds, under another name or with another time.
    pub(super) met_again: Vec<MetAgain>,
    /// Captures of the lake whose place another one has that the lake holds too.
    pub(super) displaced: BTreeSet<usize>,
    /// Captures that may be others of the lake in another packing: `a.pcap.gz` where there was `a.pcap`. By the absolute
    /// path of the new one.
    pub(super) repacked: Vec<(PathBuf, usize)>,
    /// Captures that are left out, and the absolute path of the one whose rows stand for theirs.
    pub(super) left_out: Vec<(Input, PathBuf)>,
    /// Files that are not there any more, and whose refusal is forgotten.
    pub(super) forgiven: Vec<PathBuf>,
}

/// Captures for a command that knows no lake.
pub(super) fn inputs(named: &[PathBuf], report: &mut Report) -> Vec<Input> {
    let convert = tonight(named, &Holdings::default(), &Rules::default(), report).convert;
    // That matters to a lake only.
    report.duplicates.clear();
    if !convert.is_empty() {
        report.away.clear();
    }
    convert
}

/// Sorts out what was named; what is not to be converted is noted in the report.
pub(super) fn tonight(named: &[PathBuf], held: &Holdings, rules: &Rules, report: &mut Report) -> Tonight {
    let found = discover::find(named);
    let mut sorting = Sorting {
        named,
        held,
        rules,
        report,
        present: Present::default(),
        refused: HashSet::new(),
        opened: Vec::new(),
        stood_for: Vec::new(),
    };
    sorting.report.stepped_over = found.stepped_over;
    for (path, refusal) in found.refused {
        if is_capture_name(&path) && matches!(refusal, Refusal::Unreadable(_)) {
            sorting.present.add(&path, &std::path::absolute(&path).unwrap_or_default());
        }
        sorting.refuse(path, &refusal, None);
    }
    let settled = SystemTime::now().checked_sub(rules.settle).map_or(i64::MAX, nanos);
    for candidate in found.candidates {
        if !rules.settle.is_zero() && candidate.modified > settled {
            sorting.present.add(&candidate.path, &candidate.absolute);
            sorting.report.settling += 1;
        } else {
            sorting.meet(candidate);
        }
    }
    sorting.complain_of_empty(&found.leads);
    let nothing_is_there = !found.stdin && nothing_is_there(&found.leads, &sorting.present);
    let (mut tonight, missing, mut away) = sorting.decide(&found.places);
    report.captures_missing = Some(missing);
    if nothing_is_there && away.is_empty() {
        away.extend(found.leads.iter().map(|lead| Away { path: lead.named.clone(), captures: 0 }));
    }
    if !rules.allow_empty {
        report.away = away;
    }
    if found.stdin {
        tonight.convert.insert(0, Input::unread(Path::new("-")));
    }
    let gone = held.quarantine.keys().filter(|path| path.symlink_metadata().is_err());
    tonight.forgiven = gone.cloned().collect();
    tonight
}

fn nanos(time: SystemTime) -> i64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
}

/// Captures that are being sorted out.
struct Sorting<'a> {
    named: &'a [PathBuf],
    held: &'a Holdings,
    rules: &'a Rules,
    report: &'a mut Report,
    /// What is a capture, or claims to be one.
    present: Present,
    /// Paths that were refused: a directory that has none, and no capture either, is complained about.
    refused: HashSet<PathBuf>,
    /// What was opened, with what the lake holds under its path.
    opened: Vec<(Input, Option<usize>)>,
    /// Duplicates that were left out by an earlier run, as they were: by what stands for them.
    stood_for: Vec<(Candidate, usize)>,
}

impl<'a> Sorting<'a> {
    fn meet(&mut self, candidate: Candidate) {
        match self.held.input_at(&candidate.absolute) {
            Some(entry) if same(&Seen::of_input(&entry.input), &candidate) && !self.is_wanted_again(entry) => {
                self.report.unchanged += 1;
                self.present.add(&candidate.path, &candidate.absolute);
                self.stood_for.extend(entry.same_as.map(|same_as| (candidate, same_as)));
            }
            Some(entry) => self.meet_other(candidate, Some(entry.id)),
            None => self.meet_other(candidate, None),
        }
    }

    /// Whether a capture is converted again although it is as it was. What could not be read is not known; one that was
    /// being written, and has not grown since, may have been left as it is.
    fn is_wanted_again(&self, entry: &InputEntry) -> bool {
        let damage = entry.found.damage.as_ref();
        let unreadable = damage.is_some_and(|damage| damage.kind == DamageKind::Unreadable);
        self.rules.force
            || unreadable
            || entry.is_open()
            || entry.lost_rows > 0
            || (self.rules.retry_damaged && damage.is_some())
    }

    /// A file that is new, or not as it was: perhaps it was refused as it is.
    fn meet_other(&mut self, candidate: Candidate, held: Option<usize>) {
        let again = self.rules.force || self.rules.retry_damaged;
        let known = self.held.quarantine.get(&candidate.absolute);
        let known = known.filter(|refused| !again && refused.seen.as_ref().is_some_and(|seen| same(seen, &candidate)));
        if known.is_some() && (held.is_some() || is_capture_name(&candidate.path)) {
            self.present.add(&candidate.path, &candidate.absolute);
        }
        match known {
            // Whoever names it wants to know.
            Some(refused) if self.named.contains(&candidate.path) => {
                self.refused.insert(candidate.path.clone());
                self.report.refused.push(refused.clone());
            }
            Some(_) => {
                self.refused.insert(candidate.path);
                self.report.quarantined += 1;
            }
            None => self.open(candidate, held),
        }
    }

    /// Opens a file, to see what it is.
    fn open(&mut self, candidate: Candidate, held: Option<usize>) {
        let (path, claimed, seen) = (candidate.path.clone(), candidate.claimed, Seen::of(&candidate));
        let says_so = held.is_some() || is_capture_name(&path);
        match candidate.probe_within(self.rules.window) {
            // A file without bytes is a capture only if somebody says so.
            Ok(input) if claimed || held.is_some() || input.format != Some(Format::Empty) => {
                if says_so || input.format != Some(Format::Empty) {
                    self.present.add(&path, &input.absolute);
                }
                self.opened.push((input, held));
            }
            // That it is a capture is known of one that only lacks memory, whatever it is called.
            Err(refusal) if claimed || held.is_some() || matches!(refusal, Refusal::Window { .. }) => {
                // That somebody named it does not make it one.
                if says_so || matches!(refusal, Refusal::Window { .. }) {
                    self.present.add(&path, &seen.absolute);
                }
                self.refuse(path, &refusal, Some(seen));
            }
            _ => self.report.stepped_over += 1,
        }
    }

    fn refuse(&mut self, path: PathBuf, refusal: &Refusal, seen: Option<Seen>) {
        self.refused.insert(path.clone());
        self.report.refuse(path, refusal, seen.filter(|_| refusal.is_of_content()));
    }

    /// Complains of folders without captures, and of patterns that lead to such folders only.
    fn complain_of_empty(&mut self, leads: &[Lead]) {
        for lead in leads.iter().filter(|lead| !lead.to.is_empty() && !self.present.is_below(lead)) {
            if !self.refused.iter().any(|path| lead.to.iter().any(|to| path.starts_with(to))) {
                let refusal = if lead.is_pattern { Refusal::NoCapturesMatch } else { Refusal::NoCaptures };
                self.report.refuse(lead.named.clone(), &refusal, None);
            }
        }
    }

    /// What is done with which capture; how many captures of the lake are missing at these places, and the folders that
    /// look as if a disk were missing.
    fn decide(mut self, places: &Places) -> (Tonight, u64, Vec<Away>) {
        let mut tonight = Tonight::default();
        let opened = std::mem::take(&mut self.opened);
        let mut known = Known::of(self.held, &opened);
        let mut replaced = BTreeSet::new();
        for (input, own) in opened {
            let own = own.and_then(|id| self.held.inputs.get(&id));
            match own {
                Some(entry) if is_same_content(&entry.input, &input) && !self.is_wanted_again(entry) => {
                    self.report.unchanged += 1;
                    self.report.touched += 1;
                    tonight.met_again.push(met_again(entry.id, &input));
                }
                _ => self.decide_one(input, own.map(|entry| entry.id), &mut known, &mut tonight, &mut replaced),
            }
        }
        // Those that were moved themselves are somewhere.
        tonight.displaced.retain(|id| !known.found.contains(id));
        replaced.extend(&tonight.displaced);
        let repacked = std::mem::take(&mut tonight.repacked);
        tonight.repacked = repacked.into_iter().filter(|(_, id)| !known.found.contains(id)).collect();
        let repacked: HashSet<usize> = tonight.repacked.iter().map(|(_, id)| *id).collect();
        let elsewhere = |id| known.found.contains(&id) || repacked.contains(&id);
        let (missing, away) = self.present.missing(self.held, places, elsewhere);
        // What stood for them changes tonight.
        for (candidate, same_as) in std::mem::take(&mut self.stood_for) {
            if replaced.contains(&same_as)
                && let Ok(input) = candidate.probe_within(self.rules.window)
            {
                self.report.unchanged -= 1;
                tonight.convert.push(input);
            }
        }
        (tonight, missing, away)
    }

    fn decide_one(
        &mut self,
        input: Input,
        own: Option<usize>,
        known: &mut Known<'a>,
        tonight: &mut Tonight,
        replaced: &mut BTreeSet<usize>,
    ) {
        let renamed = known.renamed(&input);
        if let Some(entry) = renamed.filter(|_| self.rules.rename) {
            tonight.displaced.extend(own);
            self.report.renamed.push(Renamed { path: input.path.clone(), was: entry.input.path.clone() });
            tonight.met_again.push(met_again(entry.id, &input));
            if !self.is_wanted_again(entry) {
                return;
            }
        } else if let Some((path, absolute)) = known.duplicate(&input).filter(|_| renamed.is_none()) {
            let left_out = self.rules.dedupe && own.is_none();
            self.report.duplicates.push(Duplicate { path: input.path.clone(), same_as: path, left_out });
            if left_out {
                tonight.left_out.push((input, absolute));
                return;
            }
        } else {
            known.add(&input);
        }
        if own.is_none() && self.rules.rename {
            let before = known.packed_otherwise(&input, self.held);
            tonight.repacked.extend(before.map(|entry| (input.absolute.clone(), entry.id)));
        }
        replaced.extend(own);
        tonight.convert.push(input);
    }
}

fn same(seen: &Seen, candidate: &Candidate) -> bool {
    (seen.size, seen.modified) == (candidate.size, candidate.modified)
}

/// Whether two captures are the same, as far as their fingerprints tell.
pub(super) fn is_same_content(a: &Input, b: &Input) -> bool {
    a.size == b.size && a.fingerprint.is_some() && a.fingerprint == b.fingerprint
}

fn met_again(id: usize, input: &Input) -> MetAgain {
    MetAgain { input: id, path: input.path.clone(), seen: Seen::of_input(input) }
}

/// Captures by their content.
struct Known<'a> {
    held: HashMap<&'a str, Vec<&'a InputEntry>>,
    /// Captures of the lake that are not where they were: nothing is there, or something else.
    moved: HashSet<usize>,
    /// Those of them of which nothing is where they were.
    gone: HashSet<usize>,
    /// Those of them that have been found under another name.
    found: HashSet<usize>,
    /// Captures that are converted or were found tonight: as named, and absolute.
    tonight: HashMap<String, (PathBuf, PathBuf)>,
}

impl<'a> Known<'a> {
    fn of(held: &'a Holdings, opened: &[(Input, Option<usize>)]) -> Self {
        let mut by_content: HashMap<&str, Vec<&InputEntry>> = HashMap::new();
        let wanted: HashSet<&str> = opened.iter().filter_map(|(input, _)| input.fingerprint.as_deref()).collect();
        for entry in held.inputs.values().filter(|entry| entry.same_as.is_none()) {
            if let Some(fingerprint) = entry.input.fingerprint.as_deref().filter(|known| wanted.contains(known)) {
                by_content.entry(fingerprint).or_default().push(entry);
            }
        }
        let changed = opened.iter().filter_map(|(input, own)| {
            let entry = held.inputs.get(own.as_ref()?)?;
            (!is_same_content(&entry.input, input)).then_some(entry.id)
        });
        let mut moved: HashSet<usize> = changed.collect();
        let files = by_content.values().flatten().filter(|entry| !entry.input.is_stdin());
        let gone = files.filter(|entry| entry.input.absolute.symlink_metadata().is_err()).map(|entry| entry.id);
        let gone: HashSet<usize> = gone.collect();
        moved.extend(&gone);
        Self { held: by_content, moved, gone, found: HashSet::new(), tonight: HashMap::new() }
    }

    fn with_content(&self, input: &Input) -> impl Iterator<Item = &'a InputEntry> {
        let entries = input.fingerprint.as_deref().and_then(|fingerprint| self.held.get(fingerprint));
        // All that are empty are the same.
        let entries = entries.filter(|_| input.format != Some(Format::Empty));
        entries.into_iter().flatten().copied().filter(|entry| !entry.input.is_stdin())
    }

    /// The capture of the lake that was given this name: it has the same content, and is not where it was. Each once.
    fn renamed(&mut self, input: &Input) -> Option<&'a InputEntry> {
        let entries = self.with_content(input).filter(|entry| {
            self.moved.contains(&entry.id)
                && !self.found.contains(&entry.id)
                && entry.input.absolute != input.absolute
                && entry.input.size == input.size
        });
        // Where another one took its place, that one replaces it; where nothing is, it can only have been moved.
        let entry = entries.min_by_key(|entry| (!self.gone.contains(&entry.id), entry.id))?;
        self.found.insert(entry.id);
        self.add(input);
        Some(entry)
    }

    /// Another capture with the same content: as named, and its absolute path.
    fn duplicate(&self, input: &Input) -> Option<(PathBuf, PathBuf)> {
        let there = |entry: &&InputEntry| entry.input.absolute != input.absolute && !self.moved.contains(&entry.id);
        let held = self.with_content(input).find(there);
        let held = held.map(|entry| (entry.input.path.clone(), entry.input.absolute.clone()));
        held.or_else(|| {
            let fingerprint = input.fingerprint.as_deref().filter(|_| input.format != Some(Format::Empty))?;
            self.tonight.get(fingerprint).cloned()
        })
    }

    /// A capture of the lake that is gone, and has the same name as this one but for a suffix of compression.
    fn packed_otherwise(&self, input: &Input, held: &'a Holdings) -> Option<&'a InputEntry> {
        let plain = without_packing(&input.absolute);
        let names = std::iter::once(plain.clone()).chain(PACKINGS.map(|suffix| with_suffix(&plain, suffix)));
        let entries = names.filter(|name| *name != input.absolute).filter_map(|name| held.input_at(&name));
        let mut gone = entries.filter(|entry| entry.input.absolute.symlink_metadata().is_err());
        gone.find(|entry| entry.input.compression != input.compression)
    }

    fn add(&mut self, input: &Input) {
        if let Some(fingerprint) = &input.fingerprint {
            self.tonight.insert(fingerprint.clone(), (input.path.clone(), input.absolute.clone()));
        }
    }
}

/// Suffixes of compressed captures.
const PACKINGS: [&str; 6] = [".gz", ".zst", ".zstd", ".xz", ".bz2", ".lz4"];

fn without_packing(path: &Path) -> PathBuf {
    let bytes = path.as_os_str().as_bytes();
    let plain = PACKINGS.iter().find_map(|suffix| bytes.strip_suffix(suffix.as_bytes()));
    plain.map_or_else(|| path.to_path_buf(), |plain| PathBuf::from(OsStr::from_bytes(plain)))
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

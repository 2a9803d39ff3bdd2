//! An archive as people keep it, and what a lake should hold of it after each night: a model that knows contents by number,
//! and none of the code that tells captures apart.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::Write as _;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use parcap::commands::{RewriteRequest, forget};
use proptest::prelude::*;
use tempfile::TempDir;

use crate::support::build::{Capture, dns_answer, udp};
use crate::support::folder;

/// Where a capture is: its number, and whether it is compressed (`3.pcap`, `3.pcap.gz`). Those with odd numbers are in one
/// folder, the others in another.
pub(super) type Place = (u8, bool);

/// What a capture holds. Those of the same seed begin alike, and go on as far as they have packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Content {
    pub(super) seed: u8,
    pub(super) packets: u8,
    /// Whether it is all there; else it ends within the next packet.
    pub(super) whole: bool,
}

/// What happens to a capture by day.
#[derive(Clone, Copy, Debug)]
pub(super) enum Event {
    /// A new one, or another content for one that is there, which may have fewer packets, or none.
    Write(Place, Content),
    /// More of the same; or the rest of one that was cut.
    Grow { place: Place, packets: u8 },
    /// Another time of modification.
    Touch(Place),
    /// Another name, as it is.
    Move(Place, Place),
    /// The same once more.
    Copy(Place, Place),
    /// What a log rotation does: the old one gets another name, and a new one takes its place.
    Rotate { place: Place, to: Place, seed: u8 },
    /// It is packed or unpacked where it is; as far as this has come, and with or without the other form beside it.
    Repack { place: Place, to: Place, packets: u8, keep: bool },
    /// It gets its last name, packed or not, and has more by then.
    Finish { place: Place, to: Place, packets: u8 },
    /// There is less of it, or nothing.
    Shrink { place: Place, packets: u8 },
    /// It is gone; the lake keeps it.
    Delete(Place),
    /// It is gone, and is to be forgotten.
    Forget(Place),
}

fn any_place() -> impl Strategy<Value = Place> {
    (0..5_u8, prop::bool::weighted(0.3))
}

fn any_content() -> impl Strategy<Value = Content> {
    (0..4_u8, prop_oneof![1 => Just(0_u8), 12 => 1..30_u8], prop::bool::weighted(0.7))
        .prop_map(|(seed, packets, whole)| Content { seed, packets, whole: whole || packets == 0 })
}

pub(super) fn any_event() -> impl Strategy<Value = Event> {
    let (place, to) = (any_place(), any_place());
    prop_oneof![
        4 => (any_place(), any_content()).prop_map(|(place, content)| Event::Write(place, content)),
        2 => (any_place(), 0..30_u8).prop_map(|(place, packets)| Event::Grow { place, packets }),
        1 => any_place().prop_map(Event::Touch),
        2 => (any_place(), any_place()).prop_map(|(from, to)| Event::Move(from, to)),
        1 => (any_place(), any_place()).prop_map(|(from, to)| Event::Copy(from, to)),
        1 => (any_place(), any_place(), 0..4_u8).prop_map(|(place, to, seed)| Event::Rotate { place, to, seed }),
        3 => (place, to, prop_oneof![Just(u8::MAX), 0..30_u8], any::<bool>())
            .prop_map(|(place, to, packets, keep)| Event::Repack { place, to, packets, keep }),
        3 => (any_place(), any_place(), 0..9_u8)
            .prop_map(|(place, to, packets)| Event::Finish { place, to, packets }),
        1 => (any_place(), 0..9_u8).prop_map(|(place, packets)| Event::Shrink { place, packets }),
        1 => any_place().prop_map(Event::Delete),
        1 => any_place().prop_map(Event::Forget),
    ]
}

/// A file: what is in it, and when it was modified, in whole seconds of a clock of our own.
type Stamped = (Content, u64);

/// A capture that the lake holds.
#[derive(Clone, Copy, Debug)]
struct Held {
    place: Place,
    content: Content,
    modified: u64,
}

/// An archive, and what a lake should hold of it.
pub(super) struct Archive {
    pub(super) folder: TempDir,
    files: BTreeMap<Place, Stamped>,
    /// By the order in which the lake came to hold them.
    held: BTreeMap<usize, Held>,
    /// Captures that were left out, for they were cut and another one begins as they do: that one.
    left_out: BTreeMap<Place, (Stamped, usize)>,
    next: usize,
    clock: u64,
}

/// Some packets over two dates, to and from addresses that depend on the seed; every fourth is a DNS answer.
pub(super) fn content(seed: u8, packets: u8) -> Vec<u8> {
    let mut capture = Capture::pcap();
    for number in 0..u16::from(packets) {
        let frame = if number % 4 == 1 {
            let name = format!("host-{}", (u16::from(seed) + number) % 3);
            dns_answer(number, &[name.as_bytes(), b"example"], &[[192, 0, 2, seed]])
        } else {
            udp(u16::from(seed) * 64 + number % 8, &[seed; 20])
        };
        capture.record(usize::from(seed % 2) + usize::from(number > 20), u32::from(number) * 10_000, frame);
    }
    capture.bytes
}

impl Content {
    /// A plain capture; one without packets is a file without bytes.
    pub(super) fn bytes(self) -> Vec<u8> {
        if self.packets == 0 {
            return Vec::new();
        }
        let mut bytes = content(self.seed, self.packets);
        if !self.whole {
            let more = content(self.seed, self.packets + 1);
            bytes.extend(&more[bytes.len()..bytes.len() + 20]);
        }
        bytes
    }

    /// The same in gzip; of one that is cut, as far as it had been written.
    fn packed(self) -> Vec<u8> {
        // Stored and not deflated, so that as much can be unpacked as there is.
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::none());
        packer.write_all(&self.bytes()).unwrap();
        let mut packed = packer.finish().unwrap();
        if !self.whole {
            packed.truncate(packed.len() - 8);
        }
        packed
    }

    /// How far it goes, of those that begin alike.
    fn reach(self) -> (u8, bool) {
        (self.packets, self.whole)
    }

    /// Whether it has all packets of the other one.
    pub(super) fn has_all_of(self, other: Self) -> bool {
        self.begins_like(other) && self.packets >= other.packets
    }

    fn begins_like(self, other: Self) -> bool {
        self.seed == other.seed && self.packets > 0 && other.packets > 0
    }

    /// Whether it begins with all of the other one, and has more.
    pub(super) fn goes_on_from(self, other: Self) -> bool {
        self.begins_like(other) && self.reach() > other.reach()
    }

    pub(super) fn is_whole(self) -> bool {
        self.whole
    }
}

impl Archive {
    pub(super) fn new() -> Self {
        let folder = folder();
        let mut archive = Self {
            folder,
            files: BTreeMap::new(),
            held: BTreeMap::new(),
            left_out: BTreeMap::new(),
            next: 0,
            clock: 0,
        };
        for odd in [false, true] {
            fs::create_dir_all(archive.named(odd)).unwrap();
            // Always there, or a folder without captures would be a disk that is away.
            archive.write((100 + u8::from(odd), false), Content { seed: 60 + u8::from(odd), packets: 2, whole: true });
        }
        archive
    }

    /// The folder of captures with odd or with even numbers.
    pub(super) fn named(&self, odd: bool) -> PathBuf {
        self.folder.path().join("archive").join(if odd { "odd" } else { "even" })
    }

    fn path(&self, (number, packed): Place) -> PathBuf {
        self.named(number % 2 == 1).join(format!("{number}.pcap{}", if packed { ".gz" } else { "" }))
    }

    fn write(&mut self, place: Place, content: Content) {
        let bytes = if place.1 && content.packets > 0 { content.packed() } else { content.bytes() };
        fs::write(self.path(place), bytes).unwrap();
        self.files.insert(place, (content, 0));
        self.touch(place);
    }

    fn touch(&mut self, place: Place) {
        self.clock += 1;
        if let Some((_, modified)) = self.files.get_mut(&place) {
            *modified = self.clock;
            let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000 + self.clock);
            File::options().append(true).open(self.path(place)).unwrap().set_modified(time).unwrap();
        }
    }

    fn delete(&mut self, place: Place) {
        if self.files.remove(&place).is_some() {
            fs::remove_file(self.path(place)).unwrap();
        }
    }

    fn rename(&mut self, from: Place, to: Place) {
        // A capture that is packed keeps its suffix.
        if from.1 == to.1
            && from != to
            && let Some(content) = self.files.remove(&from)
        {
            fs::rename(self.path(from), self.path(to)).unwrap();
            self.files.insert(to, content);
        }
    }

    pub(super) fn happen(&mut self, event: Event, lake: &RewriteRequest) {
        let there = |place: Place| self.files.get(&place).map(|(content, _)| *content);
        match event {
            Event::Write(place, content) => self.write(place, content),
            Event::Grow { place, packets } => {
                if let Some(Content { seed, packets: before, .. }) = there(place) {
                    self.write(place, Content { seed, packets: before.saturating_add(packets).min(120), whole: true });
                }
            }
            Event::Touch(place) => self.touch(place),
            Event::Move(from, to) => self.rename(from, to),
            Event::Copy(from, to) if from != to => {
                if let Some(content) = there(from) {
                    self.write(to, content);
                }
            }
            Event::Rotate { place, to, seed } if place != to && place.1 == to.1 && there(place).is_some() => {
                self.rename(place, to);
                self.write(place, Content { seed, packets: 7, whole: true });
            }
            Event::Repack { place, to, packets, keep } if place.1 != to.1 => {
                let Some(content) = there(place) else { return };
                let so_far = Content { packets, whole: false, ..content };
                self.write(to, if packets < content.packets && packets > 0 { so_far } else { content });
                if !keep {
                    self.delete(place);
                }
            }
            Event::Finish { place, to, packets } if place != to => {
                let Some(Content { seed, packets: before, .. }) = there(place).filter(|content| content.packets > 0)
                else {
                    return;
                };
                self.delete(place);
                self.write(to, Content { seed, packets: before.saturating_add(packets).min(120), whole: true });
            }
            Event::Shrink { place, packets } => {
                if let Some(content) = there(place).filter(|content| content.packets > packets) {
                    self.write(place, Content { packets, whole: true, ..content });
                }
            }
            Event::Delete(place) => self.delete(place),
            Event::Forget(place) => {
                self.delete(place);
                let of_it: Vec<_> =
                    self.held.iter().filter(|(_, held)| held.place == place).map(|(id, _)| *id).collect();
                if of_it.is_empty() && !self.left_out.contains_key(&place) {
                    return;
                }
                forget(lake, &[self.path(place)]).unwrap();
                self.left_out.remove(&place);
                of_it.into_iter().for_each(|id| self.remove(id));
            }
            Event::Copy(..) | Event::Rotate { .. } | Event::Repack { .. } | Event::Finish { .. } => {}
        }
    }

    /// A capture of the lake goes, and with it what it stood for.
    fn remove(&mut self, id: usize) {
        self.held.remove(&id);
        self.left_out.retain(|_, (_, double)| *double != id);
    }

    /// What the lake should hold: the content of each capture.
    pub(super) fn contents(&self) -> Vec<Content> {
        self.held.values().map(|held| held.content).collect()
    }

    /// The captures that the lake should hold, by their paths: what is in each, and of a copy that was left out nothing.
    pub(super) fn captures(&self) -> BTreeMap<PathBuf, Option<Content>> {
        let held = self.held.values().map(|held| (self.path(held.place), Some(held.content)));
        held.chain(self.left_out.keys().map(|place| (self.path(*place), None))).collect()
    }

    /// The captures that are left out, by their paths: what is in each.
    pub(super) fn left_out(&self) -> BTreeMap<PathBuf, Content> {
        self.left_out.iter().map(|(place, ((content, _), _))| (self.path(*place), *content)).collect()
    }

    fn held_at(&self, place: Place) -> Option<usize> {
        self.held.iter().find(|(_, held)| held.place == place).map(|(id, _)| *id)
    }

    /// What a night makes of the folders that are named.
    pub(super) fn night(&mut self, is_named: impl Fn(Place) -> bool) {
        let mut unchanged = BTreeSet::new();
        let mut opened = Vec::new();
        let mut stood_for = Vec::new();
        // In the order of the walk: of two that are what one was, the first is it.
        let mut files: Vec<_> = self.files.iter().map(|(place, file)| (*place, *file)).collect();
        files.retain(|(place, _)| is_named(*place));
        files.sort_by_key(|(place, _)| self.path(*place));
        for (place, (content, modified)) in files {
            let own = self.held.iter_mut().find(|(_, held)| held.place == place);
            match own {
                Some((id, held)) if held.content == content => {
                    held.modified = modified;
                    unchanged.insert(*id);
                }
                _ if self.left_out.get(&place).is_some_and(|((held, _), _)| *held == content) => {
                    self.left_out.entry(place).and_modify(|((_, held), _)| *held = modified);
                    stood_for.push(place);
                }
                _ => opened.push(place),
            }
        }
        let first = self.next;
        let mut night = Night {
            archive: self,
            first,
            unchanged,
            found: BTreeSet::new(),
            opened,
            converted: BTreeMap::new(),
            left_out: BTreeMap::new(),
        };
        // Where the lake has something else, it would be lost with another one's name.
        let (first, last): (Vec<_>, Vec<_>) = night.opened.iter().partition(|place| !night.may_lose(**place));
        let mut found: BTreeMap<_, _> = BTreeMap::new();
        first.into_iter().chain(last).for_each(|place| drop(found.insert(place, night.find(place))));
        night.decide(&found);
        // Whatever was left out, and whose double is not what it was.
        // One that is looked at again may be what others were left out for.
        loop {
            let again: Vec<_> = stood_for.extract_if(.., |place| !night.archive.left_out.contains_key(place)).collect();
            if again.is_empty() {
                break;
            }
            night.opened.extend(&again);
            let found: Vec<_> = again.iter().map(|place| night.find(*place)).collect();
            night.take_all(again.into_iter().zip(&found));
        }
    }
}

/// What a capture that was opened is to others.
#[derive(Clone, Debug)]
struct Found {
    /// Captures that go on in it.
    goes_on_from: Vec<usize>,
    /// What it is.
    moved: Option<usize>,
    /// Where one of the lake is, or one of tonight, that begins as it does and has more.
    beginning_of: Option<Place>,
}

/// A night under way.
struct Night<'a> {
    archive: &'a mut Archive,
    /// The first number of those that are converted in it.
    first: usize,
    unchanged: BTreeSet<usize>,
    found: BTreeSet<usize>,
    opened: Vec<Place>,
    /// The numbers of those that were opened, once the lake holds them.
    converted: BTreeMap<Place, usize>,
    /// Those that are left out tonight, and where what begins as they do is.
    left_out: BTreeMap<Place, Place>,
}

impl Night<'_> {
    fn content(&self, place: Place) -> Content {
        self.archive.files[&place].0
    }

    /// Whether a capture of the lake is where it was, as it was.
    fn is_there(&self, id: usize) -> bool {
        let held = &self.archive.held[&id];
        let file = self.archive.files.get(&held.place);
        // One that has grown where it is goes on there.
        if self.opened.contains(&held.place) {
            let now = self.content(held.place);
            return now.begins_like(held.content) && now.packets >= held.content.packets;
        }
        self.unchanged.contains(&id) || file == Some(&(held.content, held.modified))
    }

    /// Whether the lake has packets of what was at a place, and something else is there now.
    fn may_lose(&self, place: Place) -> bool {
        let own = self.archive.held_at(place).filter(|own| self.archive.held[own].content.packets > 0);
        own.is_some_and(|own| !self.is_there(own))
    }

    fn find(&mut self, place: Place) -> Found {
        let content = self.content(place);
        let mut found = Found { goes_on_from: Vec::new(), moved: None, beginning_of: None };
        let mut moved = Vec::new();
        for (&id, held) in self.archive.held.range(..self.first).filter(|(_, held)| held.place != place) {
            if !held.content.begins_like(content) {
                continue;
            }
            let is_there = self.is_there(id);
            if held.content == content {
                if !is_there && !self.found.contains(&id) {
                    moved.push(id);
                }
            } else if content.reach() > held.content.reach() || (content.packets == held.content.packets && !is_there) {
                // It is cut, so it may get more than the other one had.
                if !is_there || !held.content.whole {
                    found.goes_on_from.push(id);
                }
            } else if !content.whole && is_there {
                found.beginning_of.get_or_insert(held.place);
            }
        }
        if !content.whole && found.beginning_of.is_none() {
            let others = self.opened.iter().filter(|other| self.content(**other).begins_like(content));
            let longest = others.copied().rev().max_by_key(|other| self.content(*other).reach());
            found.beginning_of = longest.filter(|other| self.content(*other).reach() > content.reach());
        }
        moved.sort_by_key(|id| (self.archive.files.contains_key(&self.archive.held[id].place), *id));
        let moved = moved.first().copied();
        if found.beginning_of.is_some() {
            found.goes_on_from.extend(moved);
        } else if let Some(id) = moved {
            self.found.insert(id);
            found.moved = Some(id);
        }
        found
    }

    /// Takes in what was found, but for captures of which there is less now and that are nowhere else.
    fn decide(&mut self, found: &BTreeMap<Place, Found>) {
        let captures: Vec<_> = self.opened.iter().map(|place| (*place, &found[place])).collect();
        let mut stays: BTreeSet<Place> = BTreeSet::new();
        loop {
            let goes_on = captures.iter().filter(|(place, _)| !stays.contains(place));
            let goes_on = goes_on.flat_map(|(_, found)| found.goes_on_from.iter().copied());
            let taken: BTreeSet<usize> = self.found.iter().copied().chain(goes_on).collect();
            let has_less = |place: Place| {
                let Some(own) = self.archive.held_at(place).filter(|own| !taken.contains(own)) else { return false };
                let (own, now) = (self.archive.held[&own].content, self.content(place));
                now.packets < own.packets && (now.packets == 0 || now.seed == own.seed)
            };
            let now = captures.iter().filter(|(place, found)| found.moved.is_none() && has_less(*place));
            let now: BTreeSet<_> = now.map(|(place, _)| *place).collect();
            if now == stays {
                break;
            }
            stays = now;
        }
        self.take_all(captures.into_iter().filter(|(place, _)| !stays.contains(place)));
    }

    /// Numbers are given in order, whatever refers to them.
    fn take_all<'f>(&mut self, captures: impl Iterator<Item = (Place, &'f Found)>) {
        let (left_out, taken): (Vec<_>, Vec<_>) = captures.partition(|(_, found)| found.beginning_of.is_some());
        self.left_out.extend(left_out.iter().filter_map(|(place, found)| Some((*place, found.beginning_of?))));
        taken.into_iter().chain(left_out).for_each(|(place, found)| self.take(place, found));
    }

    fn take(&mut self, place: Place, found: &Found) {
        let (content, modified) = self.archive.files[&place];
        let own = self.archive.held_at(place).filter(|own| !self.found.contains(own));
        // One that stays as the lake holds it stands for others all the same, and so does what it goes on in.
        let left_out = |other| self.archive.left_out.get(&other).map(|(_, double)| *double);
        let held = |other| self.archive.held_at(other).or_else(|| left_out(other));
        let stood_for = found.beginning_of.map(|mut of| {
            while let Some(longer) = self.left_out.get(&of) {
                of = *longer;
            }
            self.converted.get(&of).copied().or_else(|| held(of)).unwrap()
        });
        self.archive.left_out.remove(&place);
        let gone = own.into_iter().chain(found.goes_on_from.iter().copied());
        let gone: Vec<_> = gone.filter(|id| !self.found.contains(id) && self.archive.held.contains_key(id)).collect();
        for id in gone {
            // What lies where it was is a beginning of this one from now on.
            self.go(id, place, stood_for.or(found.moved));
        }
        if let Some(double) = stood_for {
            self.archive.left_out.insert(place, ((content, modified), double));
        } else if let Some(id) = found.moved {
            self.archive.held.insert(id, Held { place, content, modified });
            self.converted.insert(place, id);
        } else {
            self.archive.held.insert(self.archive.next, Held { place, content, modified });
            self.converted.insert(place, self.archive.next);
            self.archive.next += 1;
        }
    }

    fn go(&mut self, id: usize, into: Place, stood_for: Option<usize>) {
        let was_there = self.unchanged.contains(&id).then(|| self.archive.held[&id]);
        let next = stood_for.unwrap_or(self.archive.next);
        self.archive.remove(id);
        if let Some(held) = was_there.filter(|held| held.place != into) {
            self.archive.left_out.insert(held.place, ((held.content, held.modified), next));
        }
    }
}

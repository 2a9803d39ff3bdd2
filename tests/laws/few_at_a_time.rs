//! Law 15, a few captures at a time: what a night decides of a capture may depend on captures that were selected before it or come after
//! it, and on what earlier nights left out. So of each capture the lake has what it should, after each of many nights, however few are
//! selected together.

use std::path::Path;

use parcap::Lake;
use parcap::commands::ConvertRequest;
use parcap::config::Settings;
use proptest::prelude::*;

use crate::support::{convert, folder, packets, request, save};

use super::archive::{Archive, Content, Event, Place, any_event};
use super::capture_dates::assert_captures_are_dated;
use super::nights::{assert_sound, rewrite_of};
use super::tally::tried;

/// Converts an archive each night after its events, and compares what the lake has of each capture. With each night comes how many
/// captures are selected together.
fn assert_nights<'e>(nights: impl Iterator<Item = (&'e [Event], usize)>) {
    let mut archive = Archive::new();
    let lake = archive.folder.path().join("lake");
    // Small, so that units fill, and not all wait for the last capture.
    let settings = Settings { chunk_size: 1000, ..Settings::default() };
    let folders = [false, true].map(|odd| archive.named(odd));
    let night = ConvertRequest { commit_every: 1, settings, ..request(&folders, &lake) };
    for (events, batch) in nights {
        events.iter().for_each(|event| archive.happen(*event, &rewrite_of(&lake)));
        convert(&ConvertRequest { batch, ..night.clone() });
        archive.night(|_| true);
        assert_captures_are_dated(&lake, &archive);
        assert_doubles_have_all(&lake, &archive);
    }
    let rows: usize = archive.contents().iter().map(|content| usize::from(content.packets)).sum();
    assert_eq!(packets(&lake).len(), rows);
    assert_sound(&lake);
}

/// What stands for a capture that is left out is in the lake, and has all of its packets.
fn assert_doubles_have_all(lake: &Path, archive: &Archive) {
    let held = Lake::open(lake).unwrap().snapshot().unwrap();
    let (contents, left_out) = (archive.captures(), archive.left_out());
    for (entry, double) in held.inputs.values().filter_map(|entry| Some((entry, entry.same_as?))) {
        let double = &held.inputs[&double];
        let (content, all) = (left_out[&entry.input.absolute], contents[&double.input.absolute]);
        assert!(double.same_as.is_none() && all.unwrap().has_all_of(content), "{content:?} {all:?}");
    }
}

/// Which of two longer captures stands for a third one may depend on what is selected together, and what is forgotten takes along what it
/// stands for. So nothing is forgotten here.
fn any_event_but_forgetting() -> impl Strategy<Value = Event> {
    any_event().prop_map(|event| match event {
        Event::Forget(place) => Event::Delete(place),
        event => event,
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn however_few_are_selected_together_the_lake_has_of_each_capture_what_it_should(
        nights in prop::collection::vec((prop::collection::vec(any_event_but_forgetting(), 1..5), prop::sample::select(vec![1, 2, 3, 1 << 20])), 1..30),
    ) {
        assert_nights(nights.iter().map(|(events, batch)| (&events[..], *batch)));
        tried("nights of a few captures at a time", nights.len());
    }
}

const EVEN: Place = (2, false);
const ODD: Place = (1, false);

fn whole(seed: u8, packets: u8) -> Content {
    Content { seed, packets, whole: true }
}

fn cut(seed: u8, packets: u8) -> Content {
    Content { seed, packets, whole: false }
}

/// Nights in which captures are selected one by one, a few at a time, and all together.
fn assert_either_way(nights: &[&[Event]]) {
    for batch in [1, 2, 3, 1 << 20] {
        assert_nights(nights.iter().map(|events| (*events, batch)));
    }
}

/// It was left out once more, as the beginning of a capture that was removed in the same commit, and its rows were nowhere.
#[test]
fn what_was_left_out_is_converted_when_its_double_is_overwritten() {
    assert_either_way(&[
        &[Event::Write(ODD, whole(0, 2))],
        &[Event::Write(EVEN, cut(0, 2))],
        &[Event::Shrink { place: ODD, packets: 0 }],
        &[Event::Write(ODD, cut(1, 1))],
    ]);
}

/// Its time of modification was looked at, and its double was not.
#[test]
fn what_was_left_out_and_touched_is_converted_when_its_double_is_overwritten() {
    assert_either_way(&[
        &[Event::Write(ODD, whole(0, 9))],
        &[Event::Write(EVEN, cut(0, 5))],
        &[Event::Touch(EVEN), Event::Write(ODD, whole(1, 3))],
    ]);
}

/// It was said to be the beginning of what had taken the name of its double, and stayed so whatever became of its double.
#[test]
fn what_was_left_out_follows_its_double_to_another_name() {
    assert_either_way(&[
        &[Event::Write(ODD, whole(0, 9))],
        &[Event::Write(EVEN, cut(0, 5))],
        &[Event::Move(ODD, (3, false)), Event::Write(ODD, whole(1, 3))],
        &[Event::Write((3, false), whole(2, 4))],
    ]);
}

/// The next capture of the name had fewer packets than the first one, which the lake had under another name by then. It was refused.
#[test]
fn a_capture_whose_name_went_with_an_earlier_selection_is_new() {
    assert_either_way(&[&[Event::Write(ODD, whole(3, 8))], &[Event::Rotate { place: ODD, to: EVEN, seed: 3 }]]);
    assert_either_way(&[&[Event::Write(ODD, cut(3, 8))], &[Event::Rotate { place: ODD, to: EVEN, seed: 3 }]]);
}

/// It was taken for the capture that had got another name, and the packets that the lake has under its path were lost by that.
#[test]
fn of_two_that_are_what_one_was_the_one_that_takes_nothing_is_it() {
    assert_either_way(&[
        &[Event::Write((4, false), whole(0, 14))],
        &[Event::Write((4, false), whole(0, 8))],
        &[Event::Write(EVEN, whole(0, 8))],
        &[Event::Rotate { place: EVEN, to: ODD, seed: 0 }],
    ]);
}

/// Two captures that went on from a third one both left it out, and the lake listed it twice.
#[test]
fn what_goes_on_in_two_captures_is_left_out_once() {
    let zip = (0, true);
    assert_either_way(&[
        &[Event::Write((0, false), whole(1, 0))],
        &[Event::Write((3, false), cut(1, 4))],
        &[Event::Write(ODD, cut(1, 1))],
        &[
            Event::Repack { place: ODD, to: zip, packets: u8::MAX, keep: true },
            Event::Grow { place: ODD, packets: 3 },
            Event::Grow { place: (0, false), packets: 4 },
        ],
        &[Event::Write((0, false), whole(0, 0))],
    ]);
}

/// What had been at the path of its double went on in a third capture, and that one was said to stand for it.
#[test]
fn what_is_left_out_for_a_new_capture_has_nothing_to_do_with_what_was_at_its_path() {
    let (four, packed) = ((4, false), (4, true));
    assert_either_way(&[
        &[Event::Write(packed, whole(1, 1))],
        &[Event::Write(four, cut(0, 3))],
        &[Event::Write(EVEN, cut(0, 1))],
        &[Event::Finish { place: four, to: packed, packets: 0 }, Event::Write(ODD, whole(1, 2))],
        &[Event::Write(packed, whole(1, 1))],
    ]);
}

/// What was left out tonight for a third one stood for it, and was in no lake after that.
#[test]
fn what_is_left_out_for_one_that_is_left_out_follows_it() {
    let (packed, other) = ((0, true), (3, true));
    assert_either_way(&[
        &[Event::Write(other, whole(0, 6))],
        &[Event::Write((4, false), cut(0, 10))],
        &[Event::Write((0, false), whole(0, 10))],
        &[
            Event::Repack { place: (4, false), to: packed, packets: 1, keep: true },
            Event::Repack { place: (4, false), to: other, packets: u8::MAX, keep: false },
        ],
        &[Event::Write((0, false), whole(1, 3))],
    ]);
}

/// What stands for it was not decided yet, so it was left out for what the lake had under that path before.
#[test]
fn what_begins_like_a_capture_that_is_decided_later_is_decided_later() {
    assert_either_way(&[
        &[Event::Write((4, false), cut(0, 8))],
        &[Event::Write((0, false), cut(2, 1)), Event::Write((4, false), whole(2, 1)), Event::Write(ODD, whole(3, 2))],
    ]);
}

/// It was found in one that another capture of the same night went on from, and pointed to what the commit removed.
#[test]
fn what_is_left_out_for_one_that_goes_on_follows_it() {
    assert_either_way(&[
        &[Event::Write(ODD, whole(0, 9))],
        &[Event::Delete(ODD), Event::Write((3, false), cut(0, 3))],
        &[Event::Write((0, false), whole(0, 9)), Event::Write(EVEN, cut(0, 2))],
        &[Event::Write((0, false), whole(1, 4)), Event::Write((3, false), whole(2, 4))],
    ]);
}

/// One that had been touched was among those that were opened and among those that were looked at again.
#[test]
fn what_was_touched_and_waits_is_decided_once() {
    assert_either_way(&[
        &[Event::Write((0, false), whole(0, 9))],
        &[Event::Write(EVEN, cut(0, 5))],
        &[Event::Grow { place: (0, false), packets: 3 }, Event::Touch(EVEN), Event::Write((4, false), whole(1, 3))],
    ]);
}

/// What stood for it went on in one that had been left out, and was removed: so was what is said of it.
#[test]
fn what_was_left_out_for_one_that_goes_on_is_looked_at_too() {
    assert_either_way(&[
        &[Event::Write(ODD, whole(0, 3))],
        &[Event::Write((0, false), cut(0, 2))],
        &[Event::Write((3, false), whole(0, 9))],
        &[Event::Write(EVEN, cut(0, 5))],
        &[Event::Delete(ODD), Event::Write((3, false), whole(1, 4))],
    ]);
}

/// What this run had converted before was removed, and was neither in the lake nor left out.
#[test]
fn what_goes_on_in_a_capture_that_is_selected_later_is_left_out() {
    assert_either_way(&[&[Event::Write((0, false), cut(0, 20)), Event::Write(EVEN, whole(0, 29))]]);
}

/// All of them were converted.
#[test]
fn of_copies_whose_double_is_overwritten_one_is_converted() {
    for batch in [1, 2, 3, 1 << 20] {
        let folder = folder();
        let names = ["a.pcap", "b.pcap", "c.pcap"];
        let copies = names.map(|name| save(&folder, name, &whole(0, 9).bytes()));
        let mut night = request(&copies, &folder.path().join("lake"));
        (night.rules.dedupe, night.batch) = (true, batch);
        assert_eq!(convert(&night).rows, 9);
        save(&folder, "a.pcap", &whole(1, 3).bytes());
        assert_eq!((convert(&night).rows, packets(&night.lake).len()), (3 + 9, 3 + 9), "{batch} at a time");
        assert_eq!(convert(&night).inputs, 0);
    }
}

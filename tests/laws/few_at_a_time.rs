//! Law 15, a few captures at a time: what a night decides of a capture may depend on captures that were selected before it or come after
//! it, and on what earlier nights left out. So of each capture the lake has what it should, after each of many nights, however few are
//! selected together.

use parcap::commands::ConvertRequest;
use proptest::prelude::*;

use crate::support::{convert, packets, request};

use super::archive::{Archive, Content, Event, Place, any_event};
use super::capture_dates::assert_captures_are_dated;
use super::nights::{assert_sound, rewrite_of};
use super::tally::tried;

/// Converts an archive each night after its events, and compares what the lake has of each capture. With each night comes how many
/// captures are selected together.
fn assert_nights<'e>(nights: impl Iterator<Item = (&'e [Event], usize)>) {
    let mut archive = Archive::new();
    let lake = archive.folder.path().join("lake");
    let night = ConvertRequest { commit_every: 1, ..request(&[false, true].map(|odd| archive.named(odd)), &lake) };
    for (events, batch) in nights {
        events.iter().for_each(|event| archive.happen(*event, &rewrite_of(&lake)));
        convert(&ConvertRequest { batch, ..night.clone() });
        archive.night(|_| true);
        assert_captures_are_dated(&lake, &archive);
    }
    let rows: usize = archive.contents().iter().map(|content| usize::from(content.packets)).sum();
    assert_eq!(packets(&lake).len(), rows);
    assert_sound(&lake);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn however_few_are_selected_together_the_lake_has_of_each_capture_what_it_should(
        nights in prop::collection::vec((prop::collection::vec(any_event(), 1..3), prop::sample::select(vec![1, 2, 1 << 20])), 1..40),
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

/// Nights in which captures are selected one by one, and all together.
fn assert_either_way(nights: &[&[Event]]) {
    for batch in [1, 1 << 20] {
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

/// The next capture of the name was compared with the one that had been found under another name before, and refused for having less.
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

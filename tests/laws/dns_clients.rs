//! Law 34: the table of the clients of DNS has the messages of the captures that are there, and their different names, whatever
//! happened to other captures; and by response code as many as the table of what was asked.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;

use parcap::commands::ConvertRequest;
use proptest::prelude::*;

use crate::support::build::{Capture, udp};
use crate::support::dns::{Asked, Question, all, assert_balances, counted, of_all_dates, said, succeeds, summarized};
use crate::support::losing::{Piece, repair};
use crate::support::{convert, folder, hashes, repository, request, run, save, summary, text};

fn any_question() -> impl Strategy<Value = Question> {
    let client = prop::sample::select(vec!["192.0.2.1", "192.0.2.2", "192.0.10.2", "2001:db8::1", "2001:db8::2"]);
    let name = prop::option::weighted(0.9, prop::sample::select(vec!["a.", "A.", "b.", "a.b.", "c.example.", "."]));
    let kind = prop::sample::select(vec![1, 28]);
    let code = prop::option::weighted(0.6, prop::sample::select(vec![0, 2, 3, 5, 15]));
    (client, 3..5_usize, name, kind, code, prop::bool::weighted(0.1)).prop_map(
        |(client, day, name, kind, code, cut)| {
            // Without its type, the root may be what an OPT record has in place of a name (RFC 6891 6.1.2), which asks for nothing.
            let cut = cut && name.is_some_and(|name| name != ".");
            Question { client: client.parse().unwrap(), day, name: name.map(str::to_owned), kind, code, cut }
        },
    )
}

/// A capture that begins as no other does: with a packet of this number. `more` queries come after the others.
fn capture(number: u16, questions: &[Question], more: usize) -> (Vec<u8>, Asked) {
    let mut capture = Capture::pcap();
    let mut asked = Asked::new();
    capture.record(3, 0, udp(1000 + number, b"first"));
    let client = "198.51.100.9".parse().unwrap();
    let rest = Question { client, day: 3, name: Some("more.example.".to_owned()), kind: 1, code: None, cut: false };
    for (micros, question) in (1..).zip(questions.iter().chain(std::iter::repeat_n(&rest, more))) {
        question.add_to(&mut asked);
        capture.record(question.day, micros, question.frame());
    }
    (capture.bytes, asked)
}

/// A night. Before its run, captures are made again or forgotten. The last field says whether the lake is compacted afterwards.
type Night = (Vec<(usize, Option<Vec<Question>>)>, bool);

fn any_night() -> impl Strategy<Value = Night> {
    let content = prop::option::weighted(0.7, prop::collection::vec(any_question(), 0..20));
    (prop::collection::vec((0..4_usize, content), 0..4), any::<bool>())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn clients_are_those_of_the_captures_that_are_there(
        nights in prop::collection::vec(any_night(), 1..5),
        chunk_size in prop::sample::select(vec![64 << 20, 300_u64]),
        jobs in 1..3_usize,
        several_units: bool,
        lost in prop::sample::select(vec![Piece::Manifest, Piece::Partial, Piece::Table, Piece::Own]),
        which in 0..9_usize,
    ) {
        let folder = folder();
        let lake = folder.path().join("lake");
        let mut held: BTreeMap<usize, (PathBuf, Asked)> = BTreeMap::new();
        for (number, (events, compacted)) in nights.into_iter().enumerate() {
            for (place, (name, content)) in events.into_iter().enumerate() {
                match content {
                    Some(questions) => {
                        // Longer than before, or it would not take its place.
                        let (bytes, asked) = capture(u16::try_from(number * 10 + place).unwrap(), &questions, number * 30 + place * 21);
                        held.insert(name, (save(&folder, &format!("{name}.pcap"), &bytes), asked));
                    }
                    None if held.len() > 1 && lake.exists() => {
                        if let Some((path, _)) = held.remove(&name) {
                            // It is not in the lake if it was made this night.
                            let ran = run(["forget", &text(&lake), &text(&path)]);
                            prop_assert!(matches!(ran.status, Some(0 | 2)), "{ran:?}");
                            std::fs::remove_file(path).unwrap();
                        }
                    }
                    None => {}
                }
            }
            let paths: Vec<_> = held.values().map(|(path, _)| path.clone()).collect();
            if paths.is_empty() {
                continue;
            }
            let mut night = request(&paths, &lake);
            (night.settings.chunk_size, night.jobs) = (chunk_size, jobs);
            if several_units {
                night.settings.target_file_size = 500;
            }
            convert(&night);
            if compacted {
                succeeds(&["compact", &text(&lake)]);
            }
            let expected = all(held.values().map(|(_, asked)| asked));
            prop_assert_eq!(&said(&lake), &counted(&expected));
            assert_balances(&lake);
            for summarized in summarized(&text(&lake)) {
                prop_assert_eq!(summarized, of_all_dates(&expected));
            }
            succeeds(&["verify", "--deep", &text(&lake)]);
        }
        if lake.exists() {
            let before = hashes(&lake.join("summaries"));
            lost.lose(&lake, which);
            let repaired = repair(&lake);
            let is_named = |path: &PathBuf| repaired.stderr.contains(&format!("{}: what its DNS messages said", text(path)));
            let kept = counted(&all(held.values().filter(|(path, _)| !is_named(path)).map(|(_, asked)| asked)));
            let (found, whole) = (said(&lake), counted(&all(held.values().map(|(_, asked)| asked))));
            // What is gone is of captures that are named.
            for (key, (messages, names)) in &kept {
                let (found, of) = found.get(key).copied().unwrap_or_default();
                prop_assert!(found >= *messages && of >= *names, "{key:?}: {found} {of}, {kept:?}");
            }
            for (key, (messages, names)) in &found {
                let (most, of) = whole.get(key).copied().unwrap_or_default();
                prop_assert!(*messages <= most && *names <= of, "{key:?}: {messages} {names}, {whole:?}");
            }
            assert_balances(&lake);
            if matches!(lost, Piece::Table) {
                prop_assert_eq!(hashes(&lake.join("summaries")), before);
            }
        }
    }
}

/// Converts a capture in chunks and units of several sizes: what the table says is the same, to the byte, and what captures say.
fn assert_in_any_chunks(bytes: &[u8], asked: &Asked) {
    let folder = folder();
    let path = save(&folder, "many.pcap", bytes);
    let mut hash = None;
    for (jobs, chunk_size, target) in [(1, 64 << 20, 128 << 20), (3, 170_000, 128 << 20), (2, 90_000, 500)] {
        let lake = folder.path().join(format!("lake{jobs}-{chunk_size}"));
        let mut request: ConvertRequest = request(&[&path], &lake);
        (request.jobs, request.settings.chunk_size, request.settings.target_file_size) = (jobs, chunk_size, target);
        convert(&request);
        assert_eq!(said(&lake), counted(asked));
        assert_balances(&lake);
        let found = hashes(&lake.join("summaries/dns_clients"));
        assert_eq!(hash.get_or_insert_with(|| found.clone()), &found);
    }
    for summarized in summarized(&text(&path)) {
        assert_eq!(summarized, of_all_dates(asked));
    }
}

fn query(client: u32, name: u32, day: usize) -> Question {
    let client = IpAddr::from(client.to_be_bytes());
    Question { client, day, name: Some(format!("name-{name}.example.")), kind: 1, code: None, cut: false }
}

#[test]
fn more_names_than_are_counted_at_a_time_are_each_counted_once() {
    // Three clients in turn, each name again after all others, on two days.
    let questions = |round: u32| (0..15_000).map(move |number| query(number % 3, number / 3, 3 + (round % 2) as usize));
    let questions: Vec<_> = (0..3).flat_map(questions).collect();
    let (bytes, asked) = capture(1, &questions, 3);
    assert!(counted(&asked).values().filter(|(messages, names)| *names == 5000 && messages % 5000 == 0).count() == 6);
    assert_in_any_chunks(&bytes, &asked);
}

#[test]
fn more_clients_than_are_counted_at_a_time_are_counted_apart() {
    // Each asks for two names, twice, between the others.
    let questions: Vec<_> = (0..40_000).map(|number| query(number % 10_000, number / 20_000, 3)).collect();
    let (bytes, asked) = capture(1, &questions, 3);
    assert_eq!(counted(&asked).values().filter(|counts| **counts == (4, 2)).count(), 10_000);
    assert_in_any_chunks(&bytes, &asked);
}

#[test]
fn the_samples_balance() {
    let folder = folder();
    let lake = folder.path().join("lake");
    convert(&request(&["data/captures", "data/recipes", "data/damaged"].map(repository), &lake));
    assert_balances(&lake);
    assert!(summary(&lake, "dns_clients").len() > 20);
}

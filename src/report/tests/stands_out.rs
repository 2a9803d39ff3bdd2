//! What holds of all rules.

use crate::day::Day;
use crate::report::{html, plots};
use crate::summary::{Attempts, LastSources, Newcomer, Newcomers, Patterns, Pause, Pauses, Regular, Series};

use super::super::clock_steps::{ClockStep, ClockSteps};
use super::super::content::{AbsentTable, PageContent, QueryWords};
use super::super::implausible::ImplausibleCounts;
use super::super::rotation::Stray;
use super::super::stands_out::{Finding, RULES, StandsOut, StandsOutRule, Words};
use super::super::text::Printable;
use super::laws::read;
use super::sample::{ints, listed, texts, tracks};

const HOUR: i64 = 3_600_000_000;

/// A page on which each rule finds something, with a text in every place that takes one.
fn all(text: &str) -> PageContent {
    let text = || text.to_owned();
    let pauses =
        Pauses { longest: vec![Pause { from: 20 * HOUR, to: 21 * HOUR }], overlooked: 0, ends: Some((0, 30 * HOUR)) };
    let bytes: Vec<i64> = (0..100).map(|bin| if bin == 7 { 1_000_000 } else { 1000 }).collect();
    let series = Series { protocols: tracks((0, HOUR), vec![(Some(text()), bytes)]), pauses, ..Series::default() };
    let sources = LastSources { all: 30, new: 1, first: vec![Newcomer { address: text(), bytes: 5, packets: 1 }] };
    let stray = Stray { capture: text(), ends: (0, 1), away: 50 * HOUR, between: (Some(50 * HOUR), None) };
    let step = ClockStep { capture: text(), by: HOUR, records: 1, ends: (0, 9) };
    let some = Some(text());
    PageContent {
        lake: text(),
        damaged: 1,
        refused: 1,
        bytes: 1_200_000,
        captures_table: listed(
            2,
            [
                ("capture", texts(&[some.as_deref(), some.as_deref()])),
                ("status", texts(&[Some("refused"), Some("damaged")])),
                ("damage", texts(&[some.as_deref(), some.as_deref()])),
                ("gap_bytes", ints(&[0, 7])),
            ],
        ),
        conversations: listed(
            30,
            [
                ("ip_src", texts(&[some.as_deref()])),
                ("ip_dst", texts(&[some.as_deref()])),
                ("bytes", ints(&[1_050_000])),
                ("packets", ints(&[9])),
                ("bytes_out", ints(&[1_000_000])),
                ("bytes_in", ints(&[50_000])),
            ],
        ),
        implausible: vec![ImplausibleCounts { capture: text(), frame: 3, orig_len: 130_000, cap_len: 60, packets: 1 }],
        strays: (1, vec![stray]),
        clock_steps: ClockSteps { count: 1, longest: vec![step] },
        newcomers: Newcomers { date: Some(Day(19_000)), dates_before: 3, private: sources.clone(), public: sources },
        series,
        words: QueryWords {
            lake: some.clone(),
            summarize: Some("parcap summarize x".to_owned()),
            table: " --table ",
            inspect: "parcap inspect ",
            word: Some(str::to_owned),
            flows: ["convert --flows", "report --flows"],
            filter: text(),
        },
        patterns: Patterns {
            attempts: vec![Attempts {
                source: text(),
                tried: 200,
                silent: 200,
                hosts: 1,
                host: text(),
                ports: 200,
                times: [0, 1],
            }],
            regular: vec![Regular { source: text(), target: text(), flows: 20, interval: 60.0, ..Regular::default() }],
            ..Patterns::default()
        },
        failing_clients: listed(
            1,
            [
                ("client", texts(&[some.as_deref()])),
                ("rcode", texts(&[some.as_deref()])),
                ("queries", ints(&[300])),
                ("names", ints(&[300])),
            ],
        ),
        ..PageContent::default()
    }
}

/// Each rule finds something there, and seven findings are shown; whatever the text is, they are the same elements.
#[test]
fn any_text_in_a_finding_is_text() {
    let hostile = [
        "<script>alert(1)</script>",
        "\"><img src=x>",
        "'; DROP TABLE x; --",
        "]]>-->",
        "\u{202e}\u{0}",
        "</pre>&amp;",
    ];
    let plain = html(&all("x")).unwrap();
    assert_eq!(plain.matches("<p class=\"finding\">").count(), 7);
    assert!(plain.contains("… and 6 more"), "{plain}");
    for text in hostile {
        let page = html(&all(text)).unwrap();
        // A long name has no room in the picture.
        let plain = html(&all(&"x".repeat(Printable::new(text).len()))).unwrap();
        assert_eq!(read(&page).0, read(&plain).0, "{text}");
        assert!(!page.contains(['\u{202e}', '\0']));
    }
    for rule in RULES {
        let found = (rule.find)(&all("x"));
        assert!(!found.is_empty(), "{}", rule.about);
        for Finding { sentence, evidence, query, .. } in found {
            assert!(!sentence.is_empty() && !evidence.is_empty() && query.is_some(), "{}", rule.about);
        }
        assert!((rule.find)(&PageContent::default()).is_empty(), "{}", rule.about);
    }
}

/// Links lead to places that are there.
#[test]
fn the_way_to_a_finding_is_there() {
    for mut content in [all("x"), PageContent { absent: absent(&["captures", "conversations"]), ..all("x") }] {
        for damaged in [0, 1] {
            content.damaged = damaged;
            let page = html(&content).unwrap();
            for link in page.split("href=\"#").skip(1).map(|rest| rest.split('"').next().unwrap()) {
                assert!(page.contains(&format!(" id=\"{link}\"")), "{link}");
            }
        }
    }
}

fn absent(names: &[&'static str]) -> Vec<AbsentTable> {
    let why = || "it is not in the lake".to_owned();
    names.iter().map(|name| AbsentTable { name, why: why(), gives: Some("parcap convert --all-of-it") }).collect()
}

#[test]
fn a_rule_without_its_table_is_left_out_and_the_page_says_so() {
    fn found(_: &PageContent) -> Vec<Finding> {
        let sentence = vec![Words::own("Found.")];
        vec![Finding { sentence, evidence: Vec::new(), link: None, query: None }]
    }
    let rule = |about, needs| StandsOutRule { about, needs, find: found };
    let rules =
        [rule("one", &["deeds"]), rule("two", &[]), rule("three", &["deeds"]), rule("four", &["ports", "deeds"])];
    let content = PageContent { absent: absent(&["deeds"]), ..PageContent::default() };
    let told = StandsOut::new(&content, &rules);
    assert_eq!((told.findings.len(), told.looked_for.as_str(), told.more), (1, "two", 0));
    let left_out = (
        "one, three and four".to_owned(),
        "deeds: it is not in the lake".to_owned(),
        Some("parcap convert --all-of-it"),
    );
    assert_eq!(told.left_out, [left_out]);
    let told = StandsOut::new(&PageContent::default(), &rules);
    assert_eq!((told.findings.len(), told.left_out.len()), (4, 0));
    let content = PageContent { absent: absent(&["conversations"]), ..all("x") };
    let page = html(&content).unwrap();
    let says = "Not looked for: one conversation that is most of the traffic; conversations: it is not in the lake. \
                <code>parcap convert --all-of-it</code> gives it.";
    assert!(
        page.contains(says) && page.contains("<code>conversations</code> is left out: it is not in the lake."),
        "{page}"
    );
    assert!(!page.contains("id=\"conversations\""));
    assert!(plots(&content).iter().all(|(file, _)| file != "conversations.svg"));
}

/// Where DuckDB would read a pattern, or the end of a text, a path is a path.
#[test]
fn the_path_of_a_lake_is_quoted_in_statements() {
    let page = html(&all("/it's/[a]*?/")).unwrap();
    let quoted = "read_parquet('/it''s/[[]a][*][?]/summaries/send_rates/**/*.parquet', hive_partitioning = true)";
    let shown = quoted.replace('\'', "&#39;");
    assert!(page.contains(&shown), "{page}");
}

#[test]
fn a_clock_is_set_back_if_times_are_before_the_first_or_after_the_last() {
    let seconds = |seconds: i64| Some(seconds * 1_000_000);
    for (ends, is_one) in
        [([0, 0, 900, 900], false), ([0, 299, 900, 1199], false), ([0, 300, 900, 900], true), ([0, 0, 600, 900], true)]
    {
        assert_eq!(ClockSteps::is_one(ends.map(seconds)), is_one, "{ends:?}");
    }
    assert!(!ClockSteps::is_one([None; 4]));
}

#[test]
fn long_intervals_are_in_large_units() {
    for (interval, said) in
        [(5.04, "every 5.0 s."), (300.2, "every 5 min."), (5400.0, "every 1.5 h."), (86_400.0, "every 1 day.")]
    {
        let mut content = PageContent { patterns: all("x").patterns, ..PageContent::default() };
        content.patterns.regular.iter_mut().for_each(|regular| regular.interval = interval);
        let (_, text) = read(&html(&content).unwrap());
        assert!(text.contains(said), "{said}: {text}");
    }
}

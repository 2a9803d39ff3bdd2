//! Reverse lookups against a resolver that is written here: what it holds is what must come out, and it may lie.
//!
//! All questions go to 127.0.0.1. Counts are asserted, never times. `PARCAP_PTR_RESOLVER` names a resolver to try by hand.

use std::cell::Cell;
use std::net::SocketAddr;
use std::time::Duration;

use parcap::address::IpAddress;
use parcap::names::{Asked, PtrCache, PtrOptions, ask};
use parcap::tables::TableColumn;
use proptest::prelude::*;

use crate::support::nameserver::{CNAME, PTR, Record, Says, Server, reverse, wire};

const NOW: i64 = 1_800_000_000;
const HOUR: i64 = 3600;
const DAY: u32 = 86_400;

/// A public address; nothing is sent there.
fn address(number: u32) -> IpAddress {
    IpAddress::V4(0x0b00_0000 + number)
}

fn options(servers: &[&Server]) -> PtrOptions {
    PtrOptions {
        resolvers: servers.iter().map(|server| server.address).collect(),
        // Long for an answer that comes, as a loaded machine may be slow; short for one that does not.
        timeout: Duration::from_secs(5),
        ..PtrOptions::default()
    }
}

/// For questions that nobody will answer.
fn impatient(servers: &[&Server]) -> PtrOptions {
    PtrOptions { timeout: Duration::from_millis(100), ..options(servers) }
}

fn go_on() -> bool {
    false
}

fn round(addresses: &[IpAddress], cache: &mut PtrCache, options: &PtrOptions) -> Asked {
    let asked = ask(addresses.iter().copied(), cache, options, NOW, &go_on);
    balanced(&asked, addresses.len());
    asked
}

/// Each address counts once.
fn balanced(asked: &Asked, addresses: usize) {
    assert_eq!(asked.asked, asked.named + asked.without_name + asked.failed, "{asked:?}");
    let all = asked.asked + asked.cached + asked.not_asked_private + asked.left_over;
    assert_eq!(all, addresses as u64, "{asked:?}");
}

/// The outcome of an address in the table of the cache: outcome, name, seconds that it holds.
fn outcome(cache: &PtrCache, address: IpAddress) -> Option<(String, Option<String>, i64)> {
    let table = cache.table();
    let texts = |name: &str| match table.column(name) {
        Some(TableColumn::Text(values)) => values.clone(),
        other => unreachable!("{other:?}"),
    };
    let Some(TableColumn::Time(expires)) = table.column("expires") else { unreachable!("{table:?}") };
    let row = texts("address").iter().position(|held| held == Some(address.to_string().as_str()))?;
    let expires = expires[row].unwrap() / 1_000_000 - NOW;
    let text = |name: &str| texts(name).get(row).map(str::to_owned);
    Some((text("outcome").unwrap(), text("name"), expires))
}

fn found(name: &str, seconds: i64) -> Option<(String, Option<String>, i64)> {
    Some(("name".to_owned(), Some(name.to_owned()), seconds))
}

fn nothing(outcome: &str, seconds: i64) -> Option<(String, Option<String>, i64)> {
    Some((outcome.to_owned(), None, seconds))
}

/// Asks a server that says one thing of one address.
fn asked_once(says: Says) -> Option<(String, Option<String>, i64)> {
    let server = Server::start([(address(1), says)]);
    let mut cache = PtrCache::default();
    round(&[address(1)], &mut cache, &options(&[&server]));
    outcome(&cache, address(1))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// Whatever the zone, the order and the concurrency: what the server holds is what is known, and asking again sends nothing.
    #[test]
    fn what_the_server_holds_is_known(
        zone in prop::collection::btree_map(0_u32..5000, 0_u8..6, 1..120),
        order in any::<prop::sample::Index>(),
        concurrency in 1_usize..80,
    ) {
        let says = |(number, kind): (&u32, &u8)| {
            let name = format!("Host-{number}.Example.");
            let says = match kind {
                0 => Says::name(&name, DAY),
                1 => Says::no_name(3, 7200),
                2 => Says::no_name(0, 7200),
                3 => Says::rcode(2),
                4 => Says::cut(Says::name(&name, DAY)),
                _ => Says::rcode(5),
            };
            (address(*number), says)
        };
        let server = Server::start(zone.iter().map(says));
        let mut addresses: Vec<_> = zone.keys().map(|number| address(*number)).collect();
        let middle = order.index(addresses.len());
        addresses.rotate_left(middle);
        let options = PtrOptions { concurrency, ..options(&[&server]) };
        let mut cache = PtrCache::default();
        let asked = round(&addresses, &mut cache, &options);
        let count = |kinds: &[u8]| zone.values().filter(|kind| kinds.contains(kind)).count() as u64;
        prop_assert_eq!((asked.named, asked.without_name, asked.failed), (count(&[0, 4]), count(&[1, 2]), count(&[3, 5])));
        for (number, kind) in &zone {
            let expected = match kind {
                0 | 4 => found(&format!("host-{number}.example."), DAY.into()),
                1 | 2 => nothing("no_name", 7200),
                3 => nothing("server_failure", 900),
                _ => nothing("refused", 900),
            };
            prop_assert_eq!(outcome(&cache, address(*number)), expected);
        }
        prop_assert!(cache.changed());
        let sent = server.questions();
        prop_assert_eq!(server.of(PTR), sent, "only PTR records are asked for");
        // A second round asks nothing, until the answers have expired.
        let again = round(&addresses, &mut cache, &options);
        prop_assert_eq!((again.asked, again.cached), (0, addresses.len() as u64));
        prop_assert_eq!(server.questions(), sent);
        let later = ask(addresses.iter().copied(), &mut cache, &options, NOW + 900, &go_on);
        prop_assert_eq!((later.asked, later.cached), (count(&[3, 5]), count(&[0, 1, 2, 4])));
    }

    /// A server that changes any byte of its answers: every address has an outcome, and a name is a name.
    #[test]
    fn mutated_answers_do_no_harm(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 40)) {
        let alias = |number| vec![Record::new(&reverse(address(number)), CNAME, DAY, &wire("a.b")), Record::new(&wire("a.b"), PTR, DAY, &wire("c.d"))];
        let says = changes.iter().cloned().zip(0..).map(|((at, byte), number)| {
            let mutate = move |mut answer: Vec<u8>| {
                // Not in the number of the message, or nothing would come of it.
                let at = 2 + at.index(answer.len() - 2);
                answer[at] = byte;
                vec![answer]
            };
            (address(number), Says::answer(0, alias(number), vec![]).then(mutate))
        });
        let server = Server::start(says);
        let addresses: Vec<_> = (0..40).map(address).collect();
        let mut cache = PtrCache::default();
        let asked = round(&addresses, &mut cache, &impatient(&[&server]));
        prop_assert_eq!(asked.asked, 40);
        for address in addresses {
            let name = cache.name(address).unwrap_or("c.d.");
            prop_assert!(name.ends_with('.') && name.bytes().all(|byte| matches!(byte, 0x21..=0x7e)), "{}", name);
        }
    }
}

#[test]
fn an_alias_into_a_classless_zone_is_followed() {
    let target = wire("1.0-25.2.0.192.in-addr.arpa");
    let records = vec![
        Record::new(&reverse(address(1)), CNAME, DAY, &target),
        Record::new(&target, PTR, 7200, &wire("host.example")),
    ];
    assert_eq!(asked_once(Says::answer(0, records, vec![])), found("host.example.", 7200));
    let circle = vec![
        Record::new(&reverse(address(1)), CNAME, DAY, &target),
        Record::new(&target, CNAME, DAY, &reverse(address(1))),
    ];
    assert_eq!(asked_once(Says::answer(0, circle, vec![])), nothing("malformed", 900));
}

#[test]
fn of_several_names_the_alphabetically_first_counts() {
    let names = |order: [&str; 3]| {
        order.iter().map(|name| Record::new(&reverse(address(1)), PTR, DAY, &wire(name))).collect::<Vec<_>>()
    };
    for order in [["b.example", "A.example", "c.example"], ["c.example", "b.example", "A.example"]] {
        assert_eq!(asked_once(Says::answer(0, names(order), vec![])), found("a.example.", DAY.into()));
    }
}

#[test]
fn odd_names_are_shown_as_in_the_packets_table() {
    let name = |data: &[u8]| Says::answer(0, vec![Record::new(&reverse(address(1)), PTR, DAY, data)], vec![]);
    assert_eq!(asked_once(name(b"\x06A.\\ \x00\xff\x00")), found("a\\.\\\\\\032\\000\\255.", DAY.into()));
    assert_eq!(asked_once(name(b"\x00")), nothing("no_name", DAY.into()));
    assert_eq!(asked_once(name(&[&[1, b'x'].repeat(128)[..], &[0]].concat())), nothing("malformed", 900));
}

#[test]
fn answers_are_kept_for_an_hour_to_a_week() {
    for (ttl, kept) in [(0, HOUR), (DAY, DAY.into()), (0x7fff_ffff, 7 * 24 * HOUR), (0x8000_0001, HOUR)] {
        assert_eq!(asked_once(Says::name("a.", ttl)), found("a.", kept));
        let kept = kept.min(24 * HOUR);
        assert_eq!(asked_once(Says::no_name(3, ttl)), nothing("no_name", kept));
    }
}

#[test]
fn a_cut_answer_is_asked_for_again_over_tcp() {
    let server =
        Server::start((0..30).map(|number| (address(number), Says::cut(Says::name(&format!("h{number}."), DAY)))));
    let addresses: Vec<_> = (0..30).map(address).collect();
    let mut cache = PtrCache::default();
    assert_eq!(round(&addresses, &mut cache, &options(&[&server])).named, 30);
    assert_eq!(server.over_tcp(), 30);
    assert_eq!(cache.name(address(7)), Some("h7."));
}

#[test]
fn answers_to_other_questions_are_passed_over() {
    let truth = || Says::name("true.", DAY);
    let number = |mut answer: Vec<u8>| {
        answer[0] ^= 0x55;
        answer
    };
    let question = |mut answer: Vec<u8>| {
        answer[13] ^= 1;
        answer
    };
    let kind = |mut answer: Vec<u8>| {
        let at = answer.windows(4).position(|window| window == [0, 12, 0, 1]).unwrap();
        answer[at + 1] = 1;
        answer
    };
    let request = |mut answer: Vec<u8>| {
        answer[2] &= 0x7f;
        answer
    };
    let garbage = |_: Vec<u8>| vec![0x55; 5];
    for lie in [number, question, kind, request, garbage] {
        // The lie comes first, the truth after it.
        assert_eq!(
            asked_once(truth().then(move |answer| vec![lie(answer.clone()), answer])),
            found("true.", DAY.into())
        );
        let server = Server::start([(address(1), truth().then(move |answer| vec![lie(answer)]))]);
        let mut cache = PtrCache::default();
        let asked = round(&[address(1)], &mut cache, &impatient(&[&server]));
        assert_eq!((asked.failed, outcome(&cache, address(1))), (1, nothing("timeout", 900)));
        assert!(asked.problem.unwrap().starts_with("no resolver answered: 127.0.0.1:"));
    }
}

#[test]
fn liars_over_tcp_do_no_harm_to_others() {
    let truth = |number: u32| Says::cut(Says::name(&format!("true{number}."), DAY));
    type Lie = fn(Vec<u8>) -> Vec<Vec<u8>>;
    let lies: [Lie; 4] = [
        |mut answer| {
            answer[1] ^= 0x55;
            vec![answer]
        },
        |_| vec![vec![0x55; 3]],
        |mut answer| {
            answer[13] ^= 1;
            vec![answer]
        },
        |_| vec![],
    ];
    for lie in lies {
        let server = Server::start([(address(1), truth(1)), (address(2), truth(2).then(lie)), (address(3), truth(3))]);
        let mut cache = PtrCache::default();
        // One after the other, for those on the same connection are lost with it.
        let options = PtrOptions { concurrency: 1, timeout: Duration::from_secs(2), ..options(&[&server]) };
        let asked = round(&[address(1), address(2), address(3)], &mut cache, &options);
        assert_eq!((asked.named, asked.failed), (2, 1));
        assert_eq!(
            (cache.name(address(1)), cache.name(address(2)), cache.name(address(3))),
            (Some("true1."), None, Some("true3."))
        );
    }
}

#[test]
fn costly_messages_over_tcp_are_read() {
    let server = Server::start((0..6).map(|number| {
        let costly = |answer: Vec<u8>| vec![crate::support::nameserver::costly(answer)];
        (address(number), Says::cut(Says::name("a.", DAY)).then(costly))
    }));
    let addresses: Vec<_> = (0..6).map(address).collect();
    let mut cache = PtrCache::default();
    let patient =
        PtrOptions { timeout: Duration::from_secs(60), budget: Duration::from_secs(600), ..options(&[&server]) };
    assert_eq!(round(&addresses, &mut cache, &patient).named, 6);
}

#[test]
fn private_addresses_send_nothing_unless_asked_for() {
    let private =
        [0x0a00_0001, 0x7f00_0001, 0xa9fe_0001, 0xc0a8_0001, 0xc000_0201, 0x6440_0001, 0xe000_0001, u32::MAX, 0]
            .map(IpAddress::V4);
    let six = [1, 0xfe80 << 112 | 1, 0xfd00 << 112, 0xff02 << 112 | 1, 0x2001_0db8 << 96, 0xffff_0a00_0001]
        .map(IpAddress::V6);
    let addresses = [&private[..], &six].concat();
    let server = Server::start(addresses.iter().map(|address| (*address, Says::name("here.", DAY))));
    let mut cache = PtrCache::default();
    let asked = round(&addresses, &mut cache, &options(&[&server]));
    assert_eq!((asked.not_asked_private, server.questions(), cache.changed()), (15, 0, false));
    let asked = round(&addresses, &mut cache, &PtrOptions { private: true, ..options(&[&server]) });
    // 10.0.0.1 stands for the address that carries it, too.
    assert_eq!((asked.named, asked.not_asked_private, server.questions()), (15, 0, 15));
    assert!(addresses.iter().all(|address| cache.name(*address) == Some("here.")));
}

#[test]
fn a_carried_address_has_the_name_of_what_it_carries() {
    let server = Server::start([(IpAddress::V4(0x0808_0404), Says::name("dns.example.", DAY))]);
    let mut cache = PtrCache::default();
    let addresses = [IpAddress::V6(0xffff_0808_0404), IpAddress::V6(0x0064_ff9b << 96 | 0x0808_0404)];
    assert_eq!(round(&addresses, &mut cache, &options(&[&server])).named, 2);
}

#[test]
fn a_budget_ends_and_the_rest_is_left_over() {
    let silent = Server::start((0..100).map(|number| (address(number), Says::silence())));
    let addresses: Vec<_> = (0..100).map(address).collect();
    let mut cache = PtrCache::default();
    let budget = PtrOptions { budget: Duration::from_millis(300), ..options(&[&silent]) };
    let asked = round(&addresses, &mut cache, &budget);
    // None waited its five seconds.
    assert_eq!((asked.asked, asked.left_over, cache.changed()), (0, 100, false));
    assert!(silent.questions() <= 2 * 64);
    // What was left over is asked for the next time.
    let server = Server::start((0..100).map(|number| (address(number), Says::name("late.", DAY))));
    assert_eq!(round(&addresses, &mut cache, &options(&[&server])).named, 100);
    // Without a budget nothing is sent.
    let mut cache = PtrCache::default();
    let sent = server.questions();
    let asked = round(&addresses, &mut cache, &PtrOptions { budget: Duration::ZERO, ..options(&[&server]) });
    assert_eq!((asked.left_over, server.questions()), (100, sent));
    // And one that no clock can hold is one, too.
    let asked = round(
        &addresses,
        &mut cache,
        &PtrOptions { budget: Duration::MAX, timeout: Duration::MAX, ..options(&[&server]) },
    );
    assert_eq!(asked.named, 100);
}

#[test]
fn a_limit_takes_the_first() {
    let server = Server::start((0..100).map(|number| (address(number), Says::name("a.", DAY))));
    let addresses: Vec<_> = (0..100).rev().map(address).collect();
    let mut cache = PtrCache::default();
    let limited = PtrOptions { limit: 30, ..options(&[&server]) };
    let asked = round(&addresses, &mut cache, &limited);
    assert_eq!((asked.named, asked.left_over, server.questions()), (30, 70, 30));
    assert!(addresses[..30].iter().all(|address| cache.name(*address).is_some()));
    let rounds: Vec<_> = (0..4).map(|_| round(&addresses, &mut cache, &limited).named).collect();
    assert_eq!(rounds, [30, 30, 10, 0]);
}

#[test]
fn what_failed_is_asked_for_last() {
    let says = |number| if number < 10 { Says::rcode(2) } else { Says::name("a.", DAY) };
    let server = Server::start((0..30).map(|number| (address(number), says(number))));
    let mut cache = PtrCache::default();
    let limited = PtrOptions { limit: 10, ..options(&[&server]) };
    // Each round comes when the failures of the one before have expired.
    let rounds: Vec<_> = (0..4)
        .map(|round| ask((0..30).map(address), &mut cache, &limited, NOW + 900 * round, &go_on))
        .map(|asked| (asked.named, asked.failed, asked.left_over))
        .collect();
    assert_eq!(rounds, [(0, 10, 20), (10, 0, 20), (10, 0, 10), (0, 10, 0)]);
}

#[test]
fn a_stop_ends_the_round() {
    let server = Server::start((0..100).map(|number| (address(number), Says::silence())));
    let addresses: Vec<_> = (0..100).map(address).collect();
    let mut cache = PtrCache::default();
    let asked = ask(addresses.iter().copied(), &mut cache, &options(&[&server]), NOW, &|| true);
    assert_eq!((asked.left_over, server.questions()), (100, 0), "stopped before it began");
    let polls = Cell::new(0);
    let stop = || {
        polls.set(polls.get() + 1);
        polls.get() > 3
    };
    let asked = ask(addresses.iter().copied(), &mut cache, &options(&[&server]), NOW, &stop);
    assert_eq!((asked.asked, asked.left_over, polls.get()), (0, 100, 4));
}

#[test]
fn the_next_resolver_is_asked_when_one_does_not_answer() {
    // Nobody listens there.
    let closed = SocketAddr::from(([127, 0, 0, 1], 1));
    let holds = Server::start([(address(1), Says::name("a.", DAY)), (address(2), Says::no_name(3, DAY))]);
    for says in [
        Says::silence(),
        Says::rcode(2),
        Says::rcode(5),
        Says::answer(0, vec![Record::new(&wire("x"), PTR, 0, &wire("x"))], vec![]),
    ] {
        let fails = Server::start([(address(1), says.clone()), (address(2), says)]);
        let mut cache = PtrCache::default();
        let mut options = PtrOptions { timeout: Duration::from_secs(4), ..options(&[&fails, &holds]) };
        options.resolvers.insert(0, closed);
        let asked = round(&[address(1), address(2)], &mut cache, &options);
        assert_eq!((asked.named, asked.without_name, asked.problem), (1, 1, None));
    }
    // Nobody there at all.
    let mut cache = PtrCache::default();
    let asked = round(&[address(1)], &mut cache, &PtrOptions { resolvers: vec![closed], ..PtrOptions::default() });
    assert_eq!(asked.problem, Some(format!("no resolver answered: {closed}")));
    assert_eq!(outcome(&cache, address(1)), nothing("unreachable", 900));
}

#[test]
fn a_lost_datagram_is_sent_again() {
    let server = Server::start((0..40).map(|number| (address(number), Says::name("a.", DAY).lost_at_first())));
    let addresses: Vec<_> = (0..40).map(address).collect();
    let mut cache = PtrCache::default();
    let asked = round(&addresses, &mut cache, &PtrOptions { timeout: Duration::from_secs(4), ..options(&[&server]) });
    assert_eq!((asked.named, server.questions()), (40, 80));
}

#[test]
fn the_cache_of_one_run_is_that_of_the_next() {
    let server = Server::start([(address(1), Says::name("a.", DAY)), (address(2), Says::rcode(2))]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("names.parquet");
    let mut cache = PtrCache::read(&path, NOW);
    assert_eq!(round(&[address(1), address(2)], &mut cache, &options(&[&server])).asked, 2);
    parcap::tables::write_table(&path, &cache.table()).unwrap();
    let mut cache = PtrCache::read(&path, NOW + 1);
    assert_eq!(round(&[address(1), address(2)], &mut cache, &options(&[&server])).cached, 2);
    assert!(!cache.changed());
    assert_eq!(cache.name(address(1)), Some("a."));
}

#[test]
fn a_round_is_told_in_one_line() {
    let asked = Asked {
        asked: 12,
        named: 9,
        without_name: 2,
        failed: 1,
        cached: 3,
        not_asked_private: 4,
        left_over: 5,
        seconds: 1.25,
        problem: None,
    };
    let line = "asked for 12 names in 1.25 s: 9 found, 2 do not exist, 1 failed, 3 known before, 4 private and not asked for, 5 left over";
    assert_eq!(asked.to_string(), line);
    let asked = Asked { left_over: 1, problem: Some("no resolver".to_owned()), ..Asked::default() };
    assert_eq!(asked.to_string(), "asked for 0 names in 0.00 s: 0 found, 1 left over; no resolver");
}

/// Tried by hand: `PARCAP_PTR_RESOLVER=127.0.0.1:5300 cargo test --release ptr::by_hand -- --nocapture`.
/// `PARCAP_PTR_ADDRESSES` says how many addresses from 10.0.0.0 on, `PARCAP_PTR_BUDGET` how many seconds.
#[test]
fn by_hand() {
    let Ok(resolver) = std::env::var("PARCAP_PTR_RESOLVER") else { return };
    let number = |name: &str, default| std::env::var(name).map_or(default, |text| text.parse().unwrap());
    let options = PtrOptions {
        resolvers: vec![resolver.parse::<SocketAddr>().unwrap()],
        private: true,
        budget: Duration::from_secs(number("PARCAP_PTR_BUDGET", 60)),
        limit: usize::MAX,
        ..PtrOptions::default()
    };
    let count = u32::try_from(number("PARCAP_PTR_ADDRESSES", 10_000)).unwrap();
    let addresses: Vec<_> = (0..count).map(|number| IpAddress::V4(0x0a00_0000 + number)).collect();
    let mut cache = PtrCache::default();
    for _ in 0..2 {
        println!("{}", round(&addresses, &mut cache, &options));
    }
}

//! What the laws have tried, counted in one place; `cargo test -- --nocapture` shows it.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

static TALLY: Mutex<BTreeMap<&'static str, u64>> = Mutex::new(BTreeMap::new());

/// Adds to a count, and prints how far it has come: the last line of a kind says what the whole run has tried.
#[expect(clippy::print_stdout, reason = "figures for those who ask for them with --nocapture")]
pub(super) fn tried(what: &'static str, count: usize) {
    let mut tally = TALLY.lock().unwrap_or_else(PoisonError::into_inner);
    let total = tally.entry(what).or_default();
    *total += count as u64;
    println!("{what} tried: {}", grouped(*total));
}

fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let groups: Vec<_> = digits.as_bytes().rchunks(3).rev().map(|group| String::from_utf8_lossy(group)).collect();
    groups.join(",")
}

#[test]
fn counts_are_grouped_by_thousands() {
    assert_eq!([0, 999, 1000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
}

//! Talk at regular intervals: a program that asks somewhere again and again, as implants do, and monitors.

use crate::decode::protocol_text;
use crate::report::clock::to_second;
use crate::report::scale::{about, count, saturated, whole};
use crate::summary::{FLOWS, Regular};

use super::statement::Statement;
use super::{Finding, PageContent, Words};

/// There are at least this many flows …
pub(in crate::report) const LEAST_FLOWS: u64 = 20;
/// … whose intervals have at most this standard deviation, as a share of their mean, …
pub(in crate::report) const MOST_SPREAD: f64 = 0.05;
/// … and at least this mean, in seconds.
pub(in crate::report) const LEAST_INTERVAL: f64 = 5.0;
/// Clocks are set at regular intervals everywhere: NTP.
const NTP: u16 = 123;

/// The targets with most regular flows.
pub(super) fn find(content: &PageContent) -> Vec<Finding> {
    let regular = content.patterns.regular.iter().filter(|regular| regular.port != Some(NTP));
    regular.map(|regular| finding(content, regular)).collect()
}

fn finding(content: &PageContent, regular: &Regular) -> Finding {
    let Regular { source, target, port, protocol, flows, interval, spread, times: [first, last] } = regular;
    let name = u8::try_from(*protocol).map_or_else(|_| protocol.to_string(), protocol_text);
    let mut sentence = vec![Words::data(source), Words::own(" talks to "), Words::data(target)];
    let port_words = port.map_or_else(String::new, |port| format!(" port {port}"));
    sentence.push(Words::own(format!("{port_words} ({name}) every {}.", every(*interval))));
    let evidence = format!(
        "{} from {} to {} UTC; the intervals between them have a spread of {:.1}%.",
        count(saturated(*flows), "flow", "flows"),
        to_second(*first),
        to_second(*last),
        spread * 100.0,
    );
    let query = Statement::of(content).of_table(FLOWS, |statement| {
        let (files, dates) = (statement.files(FLOWS), statement.dates());
        let port = port.map_or_else(|| "IS NULL".to_owned(), |port| format!("= {port}"));
        format!(
            "SELECT first_time, first_time - lag(first_time) OVER (ORDER BY first_time) AS after, bytes_out, bytes_in, state FROM {files} \
             WHERE {dates} AND ip_src = '{source}' AND ip_dst = '{target}' AND port_dst {port} AND protocol = '{name}' ORDER BY first_time;"
        )
    });
    Finding { sentence, evidence: vec![Words::own(evidence)], link: None, query }
}

/// An interval in seconds, as exactly as it is regular.
fn every(interval: f64) -> String {
    if interval < 120.0 { format!("{interval:.1} s") } else { about(whole(interval * 1e6)) }
}

//! One conversation that is most of the traffic.

use crate::report::scale::{bytes, count, saturated, share};
use crate::report::text::{int, text};
use crate::text::thousands;

use super::implausible::announced;
use super::statement::Statement;
use super::{Finding, PageContent, Words};

/// It is more than this many percent of all bytes.
const PERCENT: i64 = 50;
/// There are at least this many conversations: among few, one is most of the traffic anyway.
const LEAST_PAIRS: u64 = 10;
/// It has at least this many bytes.
const LEAST_BYTES: i64 = 100_000;

/// The largest conversation, both directions together.
pub(super) fn find(content: &PageContent) -> Vec<Finding> {
    let listed = &content.conversations;
    let table = &listed.first;
    let of = |column| int(table, column, 0).unwrap_or(0);
    let ends = text(table, "ip_src", 0).zip(text(table, "ip_dst", 0));
    let (both, announced) = (of("bytes"), announced(content));
    // As if none of what is announced and not there were in it; then it is most of the rest all the same.
    let (credible, all) = (both.saturating_sub(announced), content.bytes.saturating_sub(announced));
    let is_most = i128::from(credible) * 100 > i128::from(all) * i128::from(PERCENT);
    let Some((src, dst)) = ends.filter(|_| is_most && credible >= LEAST_BYTES && listed.rows >= LEAST_PAIRS) else {
        return Vec::new();
    };
    let mut sentence = vec![Words::own("One conversation is most of the traffic: "), Words::data(src)];
    sentence.extend([Words::own(" with "), Words::data(dst)]);
    sentence.push(Words::own(format!(", {} of all bytes.", share(both, content.bytes))));
    let evidence = format!(
        "{} in {}, of {} conversations; {} from the first, {} from the other.",
        bytes(both),
        count(of("packets"), "packet", "packets"),
        thousands(saturated(listed.rows)),
        bytes(of("bytes_out")),
        bytes(of("bytes_in")),
    );
    let query = Statement::of(content).of_table("conversations", |statement| {
        let (files, dates) = (statement.files("conversations"), statement.dates());
        format!(
            "SELECT least(ip_src, ip_dst) AS one, greatest(ip_src, ip_dst) AS other, sum(bytes) AS bytes, sum(packets) AS packets \
             FROM {files} WHERE {dates} AND rest IS NULL GROUP BY ALL ORDER BY bytes DESC LIMIT 5;"
        )
    });
    let link = Some(("conversations-1".to_owned(), "Conversations"));
    vec![Finding { sentence, evidence: vec![Words::own(evidence)], link, query }]
}

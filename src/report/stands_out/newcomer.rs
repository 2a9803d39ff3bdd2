//! Addresses that sent packets on the last date, and were met on no date before.

use crate::report::scale::{bytes, count, saturated};
use crate::summary::{LastSources, Newcomer};
use crate::text::thousands;

use super::statement::Statement;
use super::{Finding, PageContent, Words};

/// There are at least this many dates before.
const LEAST_DATES: u64 = 3;
/// New is one source of the date, or one in ten of them: where most are new each day, as on the side of the Internet, one of them is
/// nothing special.
const ONE_IN: u64 = 10;
/// There are at most this many new ones.
const MOST: u64 = 10;
/// At least this many sources of the date are known.
const LEAST_KNOWN: u64 = 3;

/// The new sources, private addresses and others apart.
pub(super) fn find(content: &PageContent) -> Vec<Finding> {
    let newcomers = &content.newcomers;
    let Some(date) = newcomers.date.filter(|_| newcomers.dates_before >= LEAST_DATES) else { return Vec::new() };
    let date = date.text();
    let finding = |sources: &LastSources, which: &str| {
        let number = saturated(sources.new);
        let is = if number == 1 { "was" } else { "were" };
        let mut sentence: Vec<Words> = Vec::new();
        for (place, Newcomer { address, .. }) in sources.first.iter().enumerate() {
            sentence.extend((place > 0).then(|| Words::own(", ")));
            sentence.push(Words::data(address));
        }
        let more = number - saturated(sources.first.len());
        let more = if more > 0 { format!(" and {} more", thousands(more)) } else { String::new() };
        sentence.push(Words::own(format!("{more} {is} never met before {date}.")));
        let largest = sources.first.first();
        let sent = largest.map_or_else(String::new, |largest| {
            let packets = count(largest.packets, "packet", "packets");
            let first = if number == 1 { "It" } else { "The first" };
            format!("{first} sent {} in {packets}. ", bytes(largest.bytes))
        });
        let evidence = format!(
            "{sent}All other {} {which} sources of the date were met on the {} dates before.",
            thousands(saturated(sources.all - sources.new)),
            thousands(saturated(newcomers.dates_before)),
        );
        let query = Statement::of(content).of_table("volume_by_src", |statement| {
            let [sources, destinations] = ["volume_by_src", "volume_by_ip"].map(|table| statement.files(table));
            let first = content.dates.as_ref().map_or(date.as_str(), |(first, _)| first.as_str());
            let before = format!("date >= '{first}' AND date < '{date}'");
            format!(
                "SELECT ip_src, sum(bytes) AS bytes, sum(packets) AS packets FROM {sources} WHERE date = '{date}' AND ip_src NOT IN \
                 (SELECT ip_src FROM {sources} WHERE {before} AND ip_src IS NOT NULL UNION ALL SELECT ip_dst FROM {destinations} \
                 WHERE {before} AND ip_dst IS NOT NULL) GROUP BY ip_src ORDER BY bytes DESC;"
            )
        });
        let link = Some(("sources".to_owned(), "Volume by source"));
        Finding { sentence, evidence: vec![Words::own(evidence)], link, query }
    };
    let is_special = |sources: &LastSources| {
        let LastSources { all, new, .. } = sources;
        (1..=MOST.min((all / ONE_IN).max(1))).contains(new) && all - new >= LEAST_KNOWN
    };
    let of = [(&newcomers.private, "private"), (&newcomers.public, "public")];
    of.into_iter().filter(|(sources, _)| is_special(sources)).map(|(sources, which)| finding(sources, which)).collect()
}

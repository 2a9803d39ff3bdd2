//! The peak of the traffic, and who made it.

use crate::report::ABSENT_IP;
use crate::report::clock::instant;
use crate::report::scale::{bytes, duration, float, share, times};
use crate::report::text::{int, text};

use super::implausible::announced;
use super::statement::Statement;
use super::{Finding, PageContent, Words};

/// A peak has this many times the bytes of the median bin with packets …
const TIMES_MEDIAN: i64 = 20;
/// … and this many times those of one bin in twenty: traffic that comes in bursts has no peak.
const TIMES_BUSY: i64 = 5;
const BUSY_ONE_IN: usize = 20;
/// Of fewer bins with packets nothing can be said.
const LEAST_BINS: usize = 60;
/// A peak has at least this many bytes.
const LEAST_BYTES: i64 = 100_000;

/// The bin of the traffic over time with most bytes, if it is far above the others. Bins are as long as those of the picture.
pub(super) fn find(content: &PageContent) -> Vec<Finding> {
    let tracks = &content.series.protocols;
    let totals = tracks.totals().bytes;
    let mut sorted: Vec<i64> = totals.iter().copied().filter(|bytes| *bytes > 0).collect();
    sorted.sort_unstable();
    // Where several are as high, the first.
    let peak = totals.iter().enumerate().reduce(|most, bin| if bin.1 > most.1 { bin } else { most });
    let median = sorted.get(sorted.len() / 2).copied();
    let busy = sorted.get(sorted.len().saturating_sub(sorted.len() / BUSY_ONE_IN + 1)).copied();
    let (Some((place, peak)), Some(median), Some(busy)) = (peak, median, busy) else { return Vec::new() };
    let credible = peak.saturating_sub(announced(content));
    let is_high = credible >= median.saturating_mul(TIMES_MEDIAN) && credible >= busy.saturating_mul(TIMES_BUSY);
    if sorted.len() < LEAST_BINS || credible < LEAST_BYTES || !is_high {
        return Vec::new();
    }
    let (from, to) = (tracks.at(place), tracks.at(place + 1));
    let of = tracks.each.iter().filter_map(|(name, track)| Some((name.as_deref(), *track.bytes.get(place)?)));
    let of = of.reduce(|most, next| if next.1 > most.1 { next } else { most });
    let sentence = format!(
        "The peak: {} in {} from {}, {} times the median.",
        bytes(*peak),
        duration(tracks.bin),
        instant(from),
        times(float(*peak) / float(median)),
    );
    let mut evidence = Vec::new();
    if let Some((name, part)) = of {
        evidence.push(Words::own(format!("{} of it is ", share(part, *peak))));
        evidence.push(name.map_or_else(|| Words::own(ABSENT_IP), Words::data));
        evidence.push(Words::own("."));
    }
    evidence.extend(who(content, credible.saturating_sub(median)));
    let query = Statement::of(content).of_table("send_rates_by_protocol", |statement| {
        let (files, dates) = (statement.files("packets"), statement.dates());
        format!(
            "SELECT ip_src, ip_dst, protocol, sum(length) AS bytes FROM {files} WHERE {dates} AND epoch_us(datetime) >= {from} AND \
             epoch_us(datetime) < {to} GROUP BY ALL ORDER BY bytes DESC LIMIT 5;"
        )
    });
    vec![Finding {
        sentence: vec![Words::own(sentence)],
        evidence,
        link: Some(("traffic".to_owned(), "Traffic over time")),
        query,
    }]
}

/// The only conversation that is large enough to have made the peak. Conversations are not counted by time, so it may have been others
/// together.
fn who(content: &PageContent, above: i64) -> Vec<Words> {
    let listed = &content.conversations;
    let is_large = |row: &usize| int(&listed.first, "bytes", *row).is_some_and(|bytes| bytes >= above);
    let large: Vec<usize> = (0..listed.first.rows()).filter(is_large).collect();
    // All others are smaller than the last one that is listed.
    let is_all = listed.left() == 0 || large.len() < listed.first.rows();
    let ends = |row| Some([text(&listed.first, "ip_src", row)?, text(&listed.first, "ip_dst", row)?]);
    match large.as_slice() {
        [row] if is_all => match ends(*row) {
            Some([src, dst]) => vec![
                Words::own(" Only one conversation has as many bytes: "),
                Words::data(src),
                Words::own(" with "),
                Words::data(dst),
                Words::own("."),
            ],
            None => Vec::new(),
        },
        [] if is_all => vec![Words::own(" No conversation has as many bytes: several made it.")],
        _ => Vec::new(),
    }
}

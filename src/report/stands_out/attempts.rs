//! Sources that tried many targets, none of which answered: scans of the ports of a host, or of a network.

use crate::report::clock::to_second;
use crate::report::scale::{count, saturated, share};
use crate::summary::{Attempts, FLOWS};
use crate::text::thousands;

use super::statement::Statement;
use super::{Finding, PageContent, Words};

/// At least this many targets never answered. A target is a port of an address.
pub(in crate::report) const LEAST_SILENT: u64 = 100;
/// These are at least this many percent of the targets that the source tried.
const PERCENT: u64 = 90;
/// Of this many flows of others that were tried, one in ten was answered. Else only one direction was captured, and nobody answers.
const LEAST_OTHERS: u64 = 20;
const ANSWERED_ONE_IN: u64 = 10;

/// The sources with most silent targets.
pub(super) fn find(content: &PageContent) -> Vec<Finding> {
    let patterns = &content.patterns;
    let is_special = |attempts: &&Attempts| {
        let others = patterns.tried.saturating_sub(attempts.silent);
        let is_one_way = others >= LEAST_OTHERS && patterns.answered < others / ANSWERED_ONE_IN;
        let is_most = attempts.silent.saturating_mul(100) >= attempts.tried.saturating_mul(PERCENT);
        attempts.silent >= LEAST_SILENT && is_most && !is_one_way
    };
    patterns.attempts.iter().filter(is_special).map(|attempts| finding(content, attempts)).collect()
}

fn finding(content: &PageContent, attempts: &Attempts) -> Finding {
    let Attempts { source, tried, silent, hosts, host, ports, times: [first, last] } = attempts;
    let number = |number: u64| thousands(saturated(number));
    let mut sentence = vec![Words::data(source)];
    if ports.saturating_mul(2) > *silent {
        sentence.push(Words::own(format!(" tried {} ports of ", number(*ports))));
        sentence.extend([Words::data(host), Words::own(", and none answered.")]);
    } else {
        sentence.push(Words::own(format!(" tried {} addresses, and none answered.", number(*hosts))));
    }
    let evidence = format!(
        "{} of the {} that it tried never answered ({}), on {}; from {} to {} UTC.",
        number(*silent),
        count(saturated(*tried), "target", "targets"),
        share(saturated(*silent), saturated(*tried)),
        count(saturated(*hosts), "address", "addresses"),
        to_second(*first),
        to_second(*last),
    );
    let query = Statement::of(content).of_table(FLOWS, |statement| {
        let (files, dates) = (statement.files(FLOWS), statement.dates());
        format!(
            "SELECT ip_dst, count(DISTINCT (protocol, port_dst)) AS ports, count(*) AS flows, min(first_time), max(last_time) FROM {files} \
             WHERE {dates} AND ip_src = '{source}' AND (state IN ('S0', 'REJ', 'RSTOS0', 'SH') OR state IS NULL AND packets_in = 0) \
             GROUP BY ip_dst ORDER BY ports DESC LIMIT 20;"
        )
    });
    Finding { sentence, evidence: vec![Words::own(evidence)], link: None, query }
}

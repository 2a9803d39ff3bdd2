//! Clients whose questions failed, for many names: programs that make up names, or that look for some that there are not.

use crate::report::scale::count;
use crate::report::text::{drawn, text};
use crate::summary::DNS_CLIENTS;
use crate::text::thousands;

use super::statement::Statement;
use super::{Finding, PageContent, Words};

/// The questions for at least this many different names failed in one way.
const LEAST_NAMES: i64 = 100;

/// The clients with most failures.
pub(super) fn find(content: &PageContent) -> Vec<Finding> {
    let table = &content.failing_clients.first;
    let rows = (0..table.rows()).filter(|row| drawn(table, "names", *row) >= LEAST_NAMES);
    let finding = |row| {
        let (client, code) = (text(table, "client", row)?, text(table, "rcode", row)?);
        let (names, messages) = (drawn(table, "names", row), drawn(table, "queries", row));
        let mut sentence = vec![Words::data(client)];
        sentence.push(Words::own(match code {
            "NXDOMAIN" => format!(" asked for {} names that do not exist.", thousands(names)),
            _ => format!(" asked for {} names and was answered {code}.", thousands(names)),
        }));
        let evidence = format!("{} to it said {code}.", count(messages, "response", "responses"));
        let query = Statement::of(content).of_table(DNS_CLIENTS, |statement| {
            let (files, dates) = (statement.files(DNS_CLIENTS), statement.dates());
            format!(
                "SELECT date, rcode, queries, names FROM {files} WHERE {dates} AND client = '{client}' ORDER BY ALL;"
            )
        });
        let link = Some(("dns-failures".to_owned(), "Failures of DNS"));
        Some(Finding { sentence, evidence: vec![Words::own(evidence)], link, query })
    };
    rows.filter_map(finding).collect()
}

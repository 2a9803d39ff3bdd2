//! Statements in SQL, or commands, that show what a finding says.

use crate::report::text::Printable;

use super::PageContent;

/// Makes the statement for a page.
pub(in crate::report) struct Statement<'a>(&'a PageContent);

impl<'a> Statement<'a> {
    pub(super) fn of(content: &'a PageContent) -> Self {
        Self(content)
    }

    /// What `sql` writes, if the lake can be asked in SQL; else the command for a summary table.
    pub(super) fn of_table(&self, table: &str, sql: impl FnOnce(&Self) -> String) -> Option<Printable> {
        let words = &self.0.words;
        let text = match (&words.lake, &words.summarize) {
            (Some(_), _) => sql(self),
            (None, Some(command)) => format!("{command}{}{table}", words.table),
            (None, None) => return None,
        };
        Some(Printable::new(&text))
    }

    /// The command that says what is in a capture.
    pub(super) fn inspect(&self, capture: &str) -> Option<Printable> {
        let words = &self.0.words;
        let word = words.word.filter(|_| !capture.is_empty())?;
        Some(Printable::new(&format!("{}{}", words.inspect, word(capture))))
    }

    /// The files of a summary table, or of `packets`, as DuckDB reads them.
    pub(super) fn files(&self, table: &str) -> String {
        let folder = if table == "packets" { "packets".to_owned() } else { format!("summaries/{table}") };
        let root = self.0.words.lake.as_deref().unwrap_or_default();
        let mut path = String::new();
        for character in root.trim_end_matches('/').chars() {
            match character {
                // In patterns these are themselves within brackets.
                '*' | '?' | '[' => path.extend(['[', character, ']']),
                '\'' => path.push_str("''"),
                other => path.push(other),
            }
        }
        format!("read_parquet('{path}/{folder}/**/*.parquet', hive_partitioning = true)")
    }

    /// The condition that takes the dates of the page.
    pub(super) fn dates(&self) -> String {
        match &self.0.dates {
            Some((first, last)) if first == last => format!("date = '{first}'"),
            Some((first, last)) => format!("date BETWEEN '{first}' AND '{last}'"),
            None => "true".to_owned(),
        }
    }
}

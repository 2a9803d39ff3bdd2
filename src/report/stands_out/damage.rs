//! Captures with damage or gaps, and files that were refused.

use crate::report::scale::{bytes, count, saturated};
use crate::report::text::{int, text};

use super::statement::Statement;
use super::{Finding, PageContent, Words};

/// From this number of captures on they are a finding. One is enough: its packets after the fault are missing everywhere on the page.
const LEAST: u64 = 1;

/// Damaged captures, and refused ones, in one finding each.
pub(super) fn find(content: &PageContent) -> Vec<Finding> {
    let statement = Statement::of(content);
    let table = &content.captures_table.first;
    let first = |status: &str| (0..table.rows()).find(|row| text(table, "status", *row) == Some(status));
    let link = || content.has("captures").then(|| ("captures".to_owned(), "All captures"));
    let mut found = Vec::new();
    if content.damaged >= LEAST {
        let number = saturated(content.damaged);
        let are = if number == 1 { "is" } else { "are" };
        let sentence = vec![Words::own(format!("{} {are} damaged.", count(number, "capture", "captures")))];
        let mut evidence = Vec::new();
        if let Some(row) = first("damaged") {
            evidence.push(Words::data(text(table, "capture", row).unwrap_or_default()));
            evidence.push(Words::own(": "));
            evidence.push(Words::data(text(table, "damage", row).unwrap_or_default()));
            let gaps = int(table, "gap_bytes", row).filter(|gap| *gap > 0);
            let gaps = gaps.map(|gap| format!("; {} given up after it", bytes(gap)));
            evidence.push(Words::own(format!("{}.", gaps.unwrap_or_default())));
        }
        let query = statement.of_table("captures", |statement| {
            let files = statement.files("captures");
            format!("SELECT capture, damage, damage_offset, gap_bytes FROM {files} WHERE damage IS NOT NULL;")
        });
        found.push(Finding { sentence, evidence, link: link(), query });
    }
    if content.refused >= LEAST {
        let number = saturated(content.refused);
        let sentence = vec![Words::own(format!("{} refused: no packet of it is here.", files_were(number)))];
        let mut evidence = Vec::new();
        if let Some(row) = first("refused") {
            evidence.push(Words::data(text(table, "capture", row).unwrap_or_default()));
            evidence.push(Words::own(": "));
            evidence.push(Words::data(text(table, "damage", row).unwrap_or_default()));
        }
        let query = first("refused").and_then(|row| statement.inspect(text(table, "capture", row)?));
        found.push(Finding { sentence, evidence, link: link(), query });
    }
    found
}

fn files_were(number: i64) -> String {
    format!("{} {}", count(number, "file", "files"), if number == 1 { "was" } else { "were" })
}

//! A table as CSV (RFC 4180).

use csv::{Terminator, WriterBuilder};

use crate::text::time;

use super::table::{Table, TableColumn};

/// A cell that begins with one of these characters is a formula to a spreadsheet.
const FORMULA: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// The rows of a table, below a line with the names of the columns if `header`. Nulls are empty cells, times are RFC
/// 3339.
///
/// Names come from captures, and so from anybody. A text that a spreadsheet would take for a formula gets an apostrophe
/// in front, which marks it as text.
#[must_use]
pub fn csv(table: &Table, header: bool) -> String {
    let mut writer = WriterBuilder::new().terminator(Terminator::Any(b'\n')).from_writer(Vec::new());
    // Writing to memory does not fail, and every row has as many cells as there are columns.
    if header {
        let _ = writer.write_record(table.columns.iter().map(|(name, _)| name));
    }
    for row in 0..table.rows() {
        let _ = writer.write_record(table.columns.iter().map(|(_, column)| cell(column, row)));
    }
    writer.into_inner().ok().and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default()
}

fn cell(column: &TableColumn, row: usize) -> String {
    let text = match column {
        TableColumn::Text(values) => values.get(row).map(harmless),
        TableColumn::Int(values) => values.get(row).copied().flatten().map(|value| value.to_string()),
        TableColumn::Float(values) => values.get(row).copied().flatten().map(|value| value.to_string()),
        TableColumn::Time(values) => values.get(row).copied().flatten().map(time),
        TableColumn::Flag(values) => values.get(row).copied().flatten().map(|value| value.to_string()),
    };
    text.unwrap_or_default()
}

fn harmless(text: &str) -> String {
    if text.starts_with(FORMULA) { format!("'{text}") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_begins_a_formula_and_quotes_are_doubled() {
        let names = ["=cmd|' /C calc'!A0.", "+1.", "-1.", "@SUM(1).", "\t=1.", "\r=1.", "a,\"b\".", "harmless."];
        let names = names.into_iter().map(Some).chain([None]).collect();
        let bytes = (0..9).map(|n| Some(n * 1000)).collect();
        let table = Table::new([("name", TableColumn::Text(names)), ("bytes", TableColumn::Int(bytes))]);
        let text = csv(&table, true);
        let lines: Vec<_> = text.split('\n').collect();
        assert_eq!(lines[0], "name,bytes");
        assert_eq!(lines[1], "'=cmd|' /C calc'!A0.,0");
        assert_eq!(lines[7], "\"a,\"\"b\"\".\",6000");
        assert_eq!(lines[9], ",8000");
        for line in &lines[1..] {
            assert!(!line.trim_start_matches('"').starts_with(FORMULA), "{line:?}");
        }
        assert!(!csv(&table, false).contains("bytes"));
    }
}

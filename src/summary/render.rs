//! A table as text for a terminal.

use comfy_table::{CellAlignment, ContentArrangement, Table as Text, presets};

use crate::columns::{Table, TableColumn};

/// Columns below which a terminal's width is not believed, or cannot be helped.
const NARROW: u16 = 40;

/// Draws the first rows of a table of `rows` rows, with numbers to the right and thousands apart; says how many are left.
#[must_use]
pub fn render(table: &Table, rows: usize) -> String {
    let mut text = Text::new();
    text.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    // A terminal that does not know its width says 0.
    if text.width().is_some_and(|width| width < NARROW) {
        text.set_content_arrangement(ContentArrangement::Disabled);
    }
    text.set_header(table.columns.iter().map(|(name, _)| name));
    for row in 0..table.rows() {
        text.add_row(table.columns.iter().map(|(_, column)| cell(column, row)));
    }
    for (place, (_, column)) in table.columns.iter().enumerate() {
        if matches!(column, TableColumn::Int(_) | TableColumn::Float(_))
            && let Some(drawn) = text.column_mut(place)
        {
            drawn.set_cell_alignment(CellAlignment::Right);
        }
    }
    let mut drawn: String = text.trim_fmt();
    drawn.push('\n');
    if let Some(left) = rows.checked_sub(table.rows()).filter(|left| *left > 0) {
        drawn.push_str(&format!(
            " … and {} more {}\n",
            thousands(i64::try_from(left).unwrap_or(i64::MAX)),
            if left == 1 { "row" } else { "rows" }
        ));
    }
    drawn
}

fn cell(column: &TableColumn, row: usize) -> String {
    let value = match column {
        TableColumn::Text(values) => values.get(row).cloned().flatten(),
        TableColumn::Int(values) => values.get(row).copied().flatten().map(thousands),
        TableColumn::Float(values) => values.get(row).copied().flatten().map(|value| format!("{value:.3}")),
        TableColumn::Time(values) => values.get(row).copied().flatten().map(time),
    };
    value.map_or_else(|| "-".to_owned(), |text| text.chars().map(visible).collect())
}

/// What is shown in place of a character that would steer the terminal.
fn visible(character: char) -> char {
    if character.is_control() { '\u{fffd}' } else { character }
}

/// An instant in microseconds since the Unix epoch, as RFC 3339 text in UTC.
#[must_use]
pub fn time(micros: i64) -> String {
    jiff::Timestamp::from_microsecond(micros).map_or_else(|_| micros.to_string(), |time| time.to_string())
}

/// `1409869` as `1,409,869`.
#[must_use]
pub fn thousands(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    if number < 0 { format!("-{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_and_nulls_are_a_dash() {
        for (number, text) in [(0, "0"), (999, "999"), (1000, "1,000"), (-1_409_869, "-1,409,869")] {
            assert_eq!(thousands(number), text);
        }
        let table = Table::new([
            ("ip_dst", TableColumn::Text(vec![Some("192.168.1.13".into()), None, Some("\u{1b}[31m".into())])),
            ("bytes", TableColumn::Int(vec![Some(1_409_869), Some(52), Some(1)])),
        ]);
        let drawn = render(&table.clone().first(2), 3);
        assert!(drawn.contains("1,409,869") && drawn.contains(" -") && drawn.contains("1 more row"), "{drawn}");
        assert!(!render(&table, 3).contains('\u{1b}'));
    }
}

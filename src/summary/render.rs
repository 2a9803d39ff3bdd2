//! A table as text for a terminal.

use comfy_table::{CellAlignment, ContentArrangement, Table as Text, presets};
use indicatif::DecimalBytes;

use crate::path_text::visible;
use crate::plan::Status;
use crate::tables::{Table, TableColumn};
use crate::text::{thousands, time};

use super::preview::Preview;
use super::schema::{Summary, Values};

/// Columns below which a terminal's width is not credible, or too small for any table.
const NARROW: u16 = 40;

/// How numbers of bytes are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Units {
    /// In units for readers: `1.41 MB`.
    Human,
    /// With all digits: `1,409,869`.
    Exact,
}

/// Draws the rows of a table, with numbers to the right and thousands apart. Says how many rows are not shown.
#[must_use]
pub fn render(listed: &Preview, units: Units) -> String {
    let summary = Summary::of(listed.name);
    let shown = summary.and_then(|summary| summary.shown);
    let table = shown.map_or_else(|| listed.first.clone(), |shown| listed.first.select(shown));
    let mut text = Text::new();
    text.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    // A terminal that does not know its width says 0.
    if text.width().is_some_and(|width| width < NARROW) {
        text.set_content_arrangement(ContentArrangement::Disabled);
    }
    text.set_header(table.columns.iter().map(|(name, _)| name));
    let values = |name: &str| Some(summary?.columns.iter().find(|column| column.name == name)?.values);
    for row in 0..table.rows() {
        text.add_row(table.columns.iter().map(|(name, column)| cell(column, row, values(name), units)));
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
    drawn.push_str(&legend(&table));
    let left = listed.left();
    if left > 0 {
        drawn.push_str(&format!(
            " … and {} more {}\n",
            thousands(i64::try_from(left).unwrap_or(i64::MAX)),
            if left == 1 { "row" } else { "rows" }
        ));
    }
    drawn
}

/// The meaning of the words in the column `status`, where they are not obvious.
fn legend(table: &Table) -> String {
    let Some(TableColumn::Text(shown)) = table.column("status") else {
        return String::new();
    };
    let lines = Status::legend(|word| shown.iter().flatten().any(|shown| shown == word));
    lines.map(|line| format!(" {line}\n")).collect()
}

fn cell(column: &TableColumn, row: usize, values: Option<Values>, units: Units) -> String {
    let human = units == Units::Human;
    let value = match column {
        TableColumn::Text(texts) => texts.get(row).map(str::to_owned),
        TableColumn::Int(numbers) => numbers.get(row).copied().flatten().map(|number| match u64::try_from(number) {
            Ok(bytes) if human && values == Some(Values::Bytes) => DecimalBytes(bytes).to_string(),
            _ if values == Some(Values::Number) => number.to_string(),
            _ => thousands(number),
        }),
        TableColumn::Float(numbers) => numbers.get(row).copied().flatten().map(|number| match values {
            Some(Values::Rate) if human => format!("{}/s", DecimalBytes(whole(number))),
            _ => format!("{number:.3}"),
        }),
        TableColumn::Time(times) => times.get(row).copied().flatten().map(time),
        TableColumn::Flag(flags) => flags.get(row).copied().flatten().map(|flag| flag.to_string()),
    };
    value.map_or_else(|| "-".to_owned(), |text| text.chars().map(visible).collect())
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "for people; rates are not negative")]
fn whole(rate: f64) -> u64 {
    rate.round() as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::thousands;

    #[test]
    fn numbers_are_grouped_and_nulls_are_a_dash() {
        for (number, text) in [(0, "0"), (999, "999"), (1000, "1,000"), (-1_409_869, "-1,409,869")] {
            assert_eq!(thousands(number), text);
        }
        let first = Table::new([
            ("ip_dst", TableColumn::Text([Some("192.168.1.13"), None, Some("\u{1b}[31m")].into_iter().collect())),
            ("bytes", TableColumn::Int(vec![Some(1_409_869), Some(52), Some(1)])),
            ("packets", TableColumn::Int(vec![Some(1_409_869), Some(1), Some(1)])),
        ]);
        let mut listed = Preview { name: "volume_by_ip", rows: 4, first };
        let drawn = render(&listed, Units::Exact);
        assert!(drawn.contains(" 1,409,869  1,409,869\n"), "{drawn}");
        assert!(drawn.contains(" -") && drawn.contains("1 more row") && !drawn.contains('\u{1b}'), "{drawn}");
        listed.rows = 3;
        let drawn = render(&listed, Units::Human);
        assert!(drawn.contains(" 1.41 MB  1,409,869\n") && !drawn.contains("more row"), "{drawn}");
    }
}

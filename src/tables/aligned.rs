//! Text in columns, one line a row at any width of the terminal: for lists that both people and scripts read.

use crate::path_text::visible;

/// Draws rows with two blanks between columns. Columns in `right` hold numbers, which are aligned at their ends. The last
/// column is not padded. Characters that would control the terminal are escaped.
///
/// ```
/// # use parcap::tables::aligned;
/// let rows = [["path", "packets"], ["a.pcap", "1,000"], ["long/b.pcap", "7"]].map(|row| row.map(str::to_owned));
/// assert_eq!(aligned(&rows, &[1]), "path         packets\na.pcap         1,000\nlong/b.pcap        7\n");
/// ```
#[must_use]
pub fn aligned<const N: usize>(rows: &[[String; N]], right: &[usize]) -> String {
    let rows: Vec<[String; N]> =
        rows.iter().map(|row| row.each_ref().map(|cell| cell.chars().map(visible).collect())).collect();
    let mut widths = [0; N];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    let mut text = String::new();
    for row in &rows {
        let cells = row.iter().zip(widths).enumerate().map(|(place, (cell, width))| {
            if right.contains(&place) { format!("{cell:>width$}") } else { format!("{cell:<width$}") }
        });
        text.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        text.push('\n');
    }
    text
}

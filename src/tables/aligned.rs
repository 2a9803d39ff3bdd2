//! Text in columns, a line a row whatever the width of the terminal: for lists that are read by people and by scripts.

use crate::path_text::visible;

/// Draws rows with two blanks between columns; numbers, in the columns `right`, end below each other. The last column is
/// as long as it is. What would steer the terminal is not drawn.
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

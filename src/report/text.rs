//! Text from captures, made safe to look at. The templates make it safe to parse.

use std::fmt;

use crate::tables::{Table, TableColumn};

/// Text that comes from a capture or a path, with every character in it visible.
///
/// Templates hold no other foreign text, so none can be forgotten.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Printable(String);

impl Printable {
    /// Shows control characters, invisible characters, and those that change the direction of text, as `\u{202e}`.
    pub(super) fn new(text: &str) -> Self {
        let mut shown = String::with_capacity(text.len());
        for character in text.chars() {
            if unseen(character) { shown.extend(character.escape_unicode()) } else { shown.push(character) }
        }
        Self(shown)
    }

    /// The first characters of it, and an ellipsis if there are more than `most`.
    pub(super) fn short(&self, most: usize) -> Self {
        if self.0.chars().count() <= most {
            return self.clone();
        }
        Self(self.0.chars().take(most.saturating_sub(1)).chain(['…']).collect())
    }

    /// How many characters it has.
    pub(super) fn len(&self) -> usize {
        self.0.chars().count()
    }
}

impl fmt::Display for Printable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether a character is invisible, or changes how its neighbours look. Noncharacters too: XML forbids them.
fn unseen(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
            | '\u{fdd0}'..='\u{fdef}' | '\u{e0000}'..='\u{e0fff}')
        || u32::from(character) & 0xfffe == 0xfffe
}

/// The text in a row of a column.
pub(super) fn text<'t>(table: &'t Table, column: &str, row: usize) -> Option<&'t str> {
    match table.column(column)? {
        TableColumn::Text(values) => values.get(row),
        _ => None,
    }
}

/// The number or the time in a row of a column.
pub(super) fn int(table: &Table, column: &str, row: usize) -> Option<i64> {
    match table.column(column)? {
        TableColumn::Int(values) | TableColumn::Time(values) => values.get(row).copied()?,
        _ => None,
    }
}

/// The number in a row of a column that is drawn. A bar of none has no length.
pub(super) fn drawn(table: &Table, column: &str, row: usize) -> i64 {
    int(table, column, row).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_seen_is_shown() {
        for (text, shown) in [
            ("www.example.com.", "www.example.com."),
            ("gpj.\u{202e}exe", "gpj.\\u{202e}exe"),
            ("a\0b\u{1b}[31m\n", "a\\u{0}b\\u{1b}[31m\\u{a}"),
            ("pay\u{200b}pal\u{feff}", "pay\\u{200b}pal\\u{feff}"),
            ("\u{ffff}\u{1fffe}", "\\u{ffff}\\u{1fffe}"),
            ("bücher. שלום 例え <b>", "bücher. שלום 例え <b>"),
        ] {
            assert_eq!(Printable::new(text).to_string(), shown);
        }
        assert_eq!(Printable::new("abcdef").short(4).to_string(), "abc…");
        assert_eq!(Printable::new("abcd").short(4).to_string(), "abcd");
    }
}

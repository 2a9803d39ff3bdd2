//! Counts, times, paths and octets as readers expect them.

use std::path::Path;

use indicatif::HumanCount;

use crate::path_text;

/// A path as one line that is safe on a terminal.
#[must_use]
pub fn name(path: &Path) -> String {
    if path.as_os_str() == "-" { "stdin".to_owned() } else { path_text::printable(path) }
}

/// What a run that fails has not committed, by the number of its commits before.
#[must_use]
pub fn nothing_more(commits: u64) -> &'static str {
    if commits > 0 { "nothing more" } else { "nothing" }
}

/// `1 packet`, `1,024 packets`.
#[must_use]
pub fn plural_of(count: u64, one: &'static str, many: &'static str) -> String {
    format!("{} {}", HumanCount(count), plural(count, one, many))
}

/// The word for one thing, or for several.
#[must_use]
pub fn plural(count: u64, one: &'static str, many: &'static str) -> &'static str {
    if count == 1 { one } else { many }
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

/// A number of microseconds as text, in the longest unit that gives a whole number: `100ms`.
#[must_use]
pub fn time_text(micros: i64) -> String {
    for (unit, length) in [("s", 1_000_000), ("ms", 1_000)] {
        if micros % length == 0 {
            return format!("{}{unit}", micros / length);
        }
    }
    format!("{micros}us")
}

/// An octet as presentation format writes those that are no visible ASCII character: `\DDD`, in decimal (RFC 1035 5.1).
#[must_use]
#[inline]
pub(crate) fn octet_escape(octet: u8) -> [u8; 4] {
    let digit = |value: u8| b'0' + value % 10;
    [b'\\', digit(octet / 100), digit(octet / 10), digit(octet)]
}

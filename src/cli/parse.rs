//! Values of options that have their own syntax.

use std::fmt;
use std::ops::RangeInclusive;
use std::time::Duration;

use ipnet::IpNet;

use crate::config::{FurtherColumns, PageCompression, PartitionBy, ZSTD_LEVEL};
use crate::day::Day;
use crate::outcome::MaxDamaged;
use crate::packets::{SETS, further_columns};
use crate::summary::Filter;
use crate::text::time_text;

use super::args::{Micros, Size};
use super::failure::Failure;
use super::summarize::TopRows;

/// Units of sizes, largest first.
const SIZES: [(&str, u64); 10] = [
    ("TiB", 1 << 40),
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("TB", 1_000_000_000_000),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("kB", 1_000),
    ("KB", 1_000),
    ("B", 1),
];

/// The shortest and the longest window, in microseconds.
const WINDOWS: RangeInclusive<i64> = 1_000..=86_400_000_000;

/// `64MiB`, `1GB`, `4096`.
pub(super) fn size(text: &str) -> Result<Size, String> {
    let unit = SIZES.iter().find_map(|(unit, bytes)| text.strip_suffix(unit).map(|number| (number, *bytes)));
    let (number, unit) = unit.unwrap_or((text, 1));
    let bytes = number.trim().parse::<u64>().ok().and_then(|number| number.checked_mul(unit));
    match bytes {
        Some(0) | None => Err("give a size such as 64MiB, 1GB or 4096".to_owned()),
        Some(bytes) => Ok(Size(bytes)),
    }
}

/// As [`size`], or 0.
pub(super) fn size_or_none(text: &str) -> Result<Size, String> {
    if text.trim() == "0" { Ok(Size(0)) } else { size(text) }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = SIZES.iter().take(4).find(|(_, bytes)| self.0.is_multiple_of(*bytes));
        match unit {
            Some((unit, bytes)) if self.0 > 0 => write!(f, "{}{unit}", self.0 / bytes),
            _ => write!(f, "{}", self.0),
        }
    }
}

/// A window: `1s`, `100ms`, `5m`, `1d`.
pub(super) fn micros(text: &str) -> Result<Micros, String> {
    let usage = || "give a time from 1ms to 1d, such as 100ms, 1s, 5m or 1h".to_owned();
    time(text).filter(|micros| WINDOWS.contains(micros)).map(Micros).ok_or_else(usage)
}

/// A duration.
pub(super) fn duration(text: &str) -> Result<Micros, String> {
    let usage = || "give a time such as 500ms, 4s or 5m".to_owned();
    time(text).filter(|micros| *micros > 0).map(Micros).ok_or_else(usage)
}

/// A duration, or 0 for none.
pub(super) fn duration_or_none(text: &str) -> Result<Micros, String> {
    if text == "0" {
        Ok(Micros(0))
    } else {
        time(text)
            .filter(|micros| *micros >= 0)
            .map(Micros)
            .ok_or_else(|| "give a time such as 30s, 10m or 1h".to_owned())
    }
}

/// `5`, `2%`.
pub(super) fn max_damaged(text: &str) -> Result<MaxDamaged, String> {
    let usage = || "give a number of captures such as 5, or a share of them such as 2%".to_owned();
    match text.strip_suffix('%') {
        Some(share) => {
            let share = share.trim().parse::<f64>().ok().filter(|share| (0.0..=100.0).contains(share));
            share.map(MaxDamaged::Percent).ok_or_else(usage)
        }
        None => text.parse().map(MaxDamaged::Captures).map_err(|_| usage()),
    }
}

/// Microseconds of a time, if it is a whole number of them.
fn time(text: &str) -> Option<i64> {
    let span: jiff::Span = text.parse().ok()?;
    let duration = span.to_duration(jiff::SpanRelativeTo::days_are_24_hours()).ok()?;
    let micros = i64::try_from(duration.as_micros()).ok()?;
    (duration.subsec_nanos() % 1000 == 0).then_some(micros)
}

impl Micros {
    /// The duration as the standard library has it; options take none that is negative.
    pub(super) fn duration(self) -> Duration {
        Duration::from_micros(self.0.unsigned_abs())
    }
}

impl fmt::Display for Micros {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&time_text(self.0))
    }
}

/// `zstd:3`, `snappy`, `lz4`, `none`.
pub(crate) fn compression(text: &str) -> Result<PageCompression, String> {
    let (codec, level) = text.split_once(':').map_or((text, None), |(codec, level)| (codec, Some(level)));
    match (codec, level) {
        ("zstd", None) => Ok(PageCompression::Zstd(ZSTD_LEVEL)),
        ("zstd", Some(level)) => match level.parse() {
            Ok(level @ 1..=22) => Ok(PageCompression::Zstd(level)),
            _ => Err("levels of zstd are 1 to 22".to_owned()),
        },
        ("snappy", None) => Ok(PageCompression::Snappy),
        ("lz4", None) => Ok(PageCompression::Lz4),
        ("none", None) => Ok(PageCompression::None),
        ("snappy" | "lz4" | "none", Some(_)) => Err(format!("{codec} has no levels")),
        _ => Err("give zstd, zstd:LEVEL, snappy, lz4 or none".to_owned()),
    }
}

/// `ip,transport`, `tcp_flags`.
pub(super) fn columns(text: &str) -> Result<FurtherColumns, String> {
    further_columns(text).map_err(|name| {
        let sets: Vec<_> = SETS.iter().map(|set| set.name).collect();
        format!("`{name}` is none of the further columns; give the sets {}, or names of their columns", sets.join(", "))
    })
}

/// `date`, `date,hour`, `date,protocol`, `date,hour,protocol`.
pub(super) fn partition_by(text: &str) -> Result<PartitionBy, String> {
    match text {
        "date" => Ok(PartitionBy::default()),
        "date,hour" => Ok(PartitionBy { hour: true, protocol: false }),
        "date,protocol" => Ok(PartitionBy { hour: false, protocol: true }),
        "date,hour,protocol" => Ok(PartitionBy { hour: true, protocol: true }),
        _ => Err("give date, date,hour or date,hour,protocol".to_owned()),
    }
}

/// `2024-03-11`.
pub(super) fn date(text: &str) -> Result<Day, String> {
    Day::of_text(text).ok_or_else(|| "give a date such as 2024-03-11".to_owned())
}

/// The dates from the first to the last, both included.
pub(super) fn dates(from: Option<Day>, to: Option<Day>) -> Result<RangeInclusive<Day>, Failure> {
    let (from, to) = (from.unwrap_or(Day::FIRST), to.unwrap_or(Day::LAST));
    if from > to {
        let hint = "dates are inclusive: for one day, give it twice";
        return Err(Failure::usage("`--from` is later than `--to`", hint));
    }
    Ok(from..=to)
}

/// `UDP`, `17`.
pub(super) fn protocol(text: &str) -> Result<u16, String> {
    Filter::protocol(text).ok_or_else(|| "give a name such as TCP, or a number from 0 to 255".to_owned())
}

/// `192.0.2.0/24`, `2001:db8::/32`, or one address.
pub(super) fn net(text: &str) -> Result<IpNet, String> {
    let one = || text.parse::<std::net::IpAddr>().ok().map(IpNet::from);
    text.parse().ok().or_else(one).ok_or_else(|| "give an address, or a prefix such as 192.0.2.0/24".to_owned())
}

/// `20`, `all`.
pub(super) fn top(text: &str) -> Result<TopRows, String> {
    match text {
        "all" => Ok(TopRows::All),
        _ => text.parse().map(TopRows::Rows).map_err(|_| "give a number of rows, or all".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_times_read_as_they_are_shown() {
        for (text, bytes) in [("64MiB", 64 << 20), ("1GB", 1_000_000_000), ("4096", 4096), ("1KiB", 1024)] {
            assert_eq!(size(text), Ok(Size(bytes)));
            assert_eq!(size(&Size(bytes).to_string()), Ok(Size(bytes)));
        }
        for (text, count) in [("1s", 1_000_000), ("100ms", 100_000), ("1d", 86_400_000_000), ("5m", 300_000_000)] {
            assert_eq!(micros(text), Ok(Micros(count)));
            assert_eq!(micros(&Micros(count).to_string()), Ok(Micros(count)));
        }
        assert_eq!(size_or_none("0"), Ok(Size(0)));
        for text in ["", "0", "-1", "1XB", "99999999TiB", "MiB"] {
            assert!(size(text).is_err(), "{text}");
        }
        for text in ["", "0s", "999us", "2d", "-1s", "1 fortnight", "1.0000005s"] {
            assert!(micros(text).is_err(), "{text}");
        }
        assert!(compression("zstd:23").is_err() && compression("gzip").is_err() && compression("lz4:1").is_err());
    }
}

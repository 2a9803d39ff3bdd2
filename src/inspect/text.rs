//! An inspection as text for a person: one fact a line.

use std::fmt::Write as _;

use jiff::Timestamp as Instant;

use crate::capture::{AppendedSurvey, FileHeader, Interface, InterfaceSurvey, Timestamp};
use crate::convert::oddities;
use crate::discover::Compression;
use crate::inspect::Inspection;
use crate::plan::{APPENDED, BACKWARDS, CUT_BY_SNAP_LEN};
use crate::text::thousands;

/// Interfaces and sections that are shown one by one.
const SHOWN: usize = 20;

impl Inspection {
    /// Everything, one line a fact: a name, spaces, and the value.
    #[must_use]
    pub fn text(&self) -> String {
        let mut lines = Lines(format!("{}\n", self.input.name()));
        self.file(&mut lines);
        self.packets(&mut lines);
        self.sections(&mut lines);
        self.appended(&mut lines);
        self.oddities(&mut lines);
        for gap in &self.found.gaps.first {
            let after = match gap.resumed_at {
                Some(offset) => format!("the next credible packet is at byte {offset}"),
                None => "no credible packet follows".to_owned(),
            };
            lines.add("gap", &format!("{}; {after}, {} bytes on", gap.damage, number(gap.bytes)));
        }
        match &self.found.damage {
            Some(damage) if self.found.gaps.is_empty() => lines.add("damage", &damage.to_string()),
            Some(_) => {
                let gaps = &self.found.gaps;
                let s = if gaps.count == 1 { "" } else { "s" };
                lines.add("damage", &format!("{} bytes in {} gap{s}", number(gaps.bytes), number(gaps.count)));
            }
            None => lines.add("damage", "none"),
        }
        lines.0
    }

    /// The status of the capture as the tables have it, and what is unusual, each with its meaning.
    fn oddities(&self, lines: &mut Lines) {
        let status = self.found.status();
        lines.add("status", &format!("{}: {}", status.name(), status.meaning()));
        if let Some(cut) = self.found.odd.get(CUT_BY_SNAP_LEN) {
            let packets = if cut == 1 { "packet" } else { "packets" };
            let within: Vec<_> =
                self.found.snapped.iter().map(|(name, count)| format!("{name} {}", number(count))).collect();
            let within =
                if within.is_empty() { String::new() } else { format!("; within a header: {}", within.join(", ")) };
            lines.add("snapped", &format!("{} {packets}, cut by the snapshot length{within}", number(cut)));
        }
        for (name, count) in self.found.unusual().iter() {
            let meaning = oddities().find(|(known, _)| *known == name).map_or("", |(_, meaning)| meaning);
            lines.add("odd", &format!("{name} {}: {meaning}", number(count)));
        }
    }

    fn file(&self, lines: &mut Lines) {
        let mut format = self.found.format.map_or_else(String::new, |format| format.to_string());
        if let Some(order) = self.byte_order {
            let _ = write!(format, ", {order}-endian");
        }
        match self.snap_len {
            Some(0) => format.push_str(", no snapshot length"),
            Some(snap_len) => {
                let _ = write!(format, ", snapshot length {snap_len}");
            }
            None => {}
        }
        lines.add("format", &format);
        if let Some(compression) = self.found.compression.filter(|compression| *compression != Compression::None) {
            lines.add("compression", compression.name());
        }
        lines.add("file", &format!("{} bytes", number(self.input.size)));
    }

    fn packets(&self, lines: &mut Lines) {
        let link_types = self.found.link_types.iter().map(|(name, count)| format!("{name} {}", number(count)));
        let link_types: Vec<_> = link_types.collect();
        let packets = number(self.found.records);
        lines.add(
            "packets",
            &if link_types.is_empty() { packets } else { format!("{packets}: {}", link_types.join(", ")) },
        );
        lines.add("on the wire", &format!("{} bytes", thousands(self.found.length)));
        lines.add("captured", &format!("{} bytes", number(self.captured)));
        let (Some(earliest), Some(latest)) = (self.found.earliest, self.found.latest) else {
            return;
        };
        lines.add("first", &time(earliest));
        lines.add("last", &time(latest));
        lines.add("duration", &format!("{} s", latest.since(earliest)));
        let backwards = self.found.odd.get(BACKWARDS).unwrap_or_default();
        lines.add(
            "in order",
            &if self.in_order { "yes".to_owned() } else { format!("no, backwards {}", times(backwards)) },
        );
    }

    fn appended(&self, lines: &mut Lines) {
        for held in self.survey.appended.iter().take(SHOWN) {
            lines.add("appended", &appended(held));
        }
        more(lines, "appended", self.found.odd.get(APPENDED).unwrap_or_default());
    }

    fn sections(&self, lines: &mut Lines) {
        let survey = &self.survey;
        for (place, section) in survey.sections.iter().enumerate().take(SHOWN) {
            let said = [&section.hardware, &section.system, &section.application, &section.comment];
            let said: Vec<_> = said.into_iter().flatten().map(|text| shown(text)).collect();
            lines.add(&format!("section {place}"), &if said.is_empty() { "-".to_owned() } else { said.join(", ") });
        }
        more(lines, "sections", survey.section_count);
        for held in survey.interfaces.iter().take(SHOWN) {
            let number = held.number.map_or_else(|| "?".to_owned(), |number| number.to_string());
            let name = match survey.section_count {
                0 | 1 => format!("interface {number}"),
                _ => format!("interface {}.{number}", held.section),
            };
            lines.add(&name, &interface(held));
        }
        more(lines, "interfaces", survey.interface_count);
        if !survey.blocks.is_empty() {
            let blocks = survey.blocks.iter().map(|(name, count)| format!("{name} {}", number(*count)));
            lines.add("blocks", &blocks.collect::<Vec<_>>().join(", "));
        }
    }
}

/// Where a capture begins after another one, and what its file header says.
fn appended(held: &AppendedSurvey) -> String {
    let mut text = format!("at byte {}: {}", number(held.offset), held.format);
    if let Some(FileHeader { big_endian, snap_len, link_type, .. }) = held.header {
        let order = if big_endian { "big" } else { "little" };
        let _ = write!(text, ", {order}-endian, {link_type}, snapshot length {snap_len}");
    }
    text
}

/// Lines with their values below each other.
struct Lines(String);

impl Lines {
    fn add(&mut self, name: &str, value: &str) {
        let _ = writeln!(self.0, "  {name:<14}{value}");
    }
}

fn more(lines: &mut Lines, all: &str, count: u64) {
    if count > SHOWN as u64 {
        lines.add(all, &format!("{} in all", number(count)));
    }
}

fn interface(held: &InterfaceSurvey) -> String {
    let Interface { link_type, snap_len, resolution, offset_s, name: _ } = held.interface;
    let mut text = format!("{link_type}, times in {resolution}");
    if offset_s != 0 {
        let _ = write!(text, ", {offset_s} s added");
    }
    if snap_len != 0 {
        let _ = write!(text, ", snapshot length {snap_len}");
    }
    let packets = if held.packets == 1 { "packet" } else { "packets" };
    let _ = write!(text, ", {} {packets}", number(held.packets));
    for said in [&held.name, &held.description].into_iter().flatten() {
        let _ = write!(text, ", {}", shown(said));
    }
    text
}

/// Text from a capture, in quotes, and without what would control the terminal.
fn shown(text: &str) -> String {
    format!("{text:?}")
}

fn times(count: u64) -> String {
    if count == 1 { "once".to_owned() } else { format!("{} times", number(count)) }
}

pub(super) fn number(count: u64) -> String {
    thousands(i64::try_from(count).unwrap_or(i64::MAX))
}

/// RFC 3339, with as many digits as there are, up to nanoseconds.
pub(super) fn time(time: Timestamp) -> String {
    let nanos = i32::try_from(time.subsec_nanos()).unwrap_or(0);
    Instant::new(time.seconds(), nanos).map_or_else(|_| time.seconds().to_string(), |instant| instant.to_string())
}

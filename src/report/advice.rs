//! What is said below a plot or a table where its numbers alone would mislead.

use crate::config::LengthKind;
use crate::summary::NO_NAME;
use crate::text::thousands;

use super::content::PageContent;
use super::implausible::ImplausibleCounts;
use super::scale::{count, saturated, share};
use super::text::{Printable, text};

/// Captures that are named one by one.
const NAMED: usize = 5;

/// What would give names.
pub(super) struct NamesNote {
    /// Where names come from.
    pub(super) from: String,
    /// An option, and what it does.
    pub(super) options: Vec<[&'static str; 2]>,
}

/// What would give names, if most of the volume has none.
pub(super) fn names(content: &PageContent) -> Option<NamesNote> {
    if text(&content.by_name.first, "name_dst", 0) != Some(NO_NAME) {
        return None;
    }
    let has = |source: &str| content.sources.contains(&source);
    let mut from = Vec::new();
    let mut options = Vec::new();
    if has("dns") {
        from.push("the DNS answers in the captures");
    } else {
        options.push([content.name_options.dns, "takes names from the DNS answers in the captures"]);
    }
    if has("sni") {
        from.push("the server names in TLS");
    }
    if has("hosts") {
        from.push("a hosts file");
    } else {
        options.push([content.name_options.hosts, "takes names from a hosts file, too"]);
    }
    if has("ptr") {
        from.push(if content.of_captures { "reverse lookups" } else { "reverse lookups that the lake keeps" });
        options.push([content.name_options.private, "asks for private addresses, too, when captures are read"]);
    } else {
        options.push([content.name_options.ptr, "asks for reverse lookups when captures are read"]);
    }
    let from = match from.as_slice() {
        [] => "No names were asked for.".to_owned(),
        from => format!("Names come from {}.", from.join(" and ")),
    };
    Some(NamesNote { from, options })
}

/// A packet whose announced length is much of all bytes.
pub(super) struct Dwarfing {
    pub(super) frame: String,
    pub(super) capture: Printable,
    /// What it announces, and how much of all that is.
    pub(super) says: String,
}

/// Packets whose announced length is not credible and is much of all bytes. Also how many more captures have such a
/// packet.
pub(super) fn dwarfing(content: &PageContent) -> (Vec<Dwarfing>, Option<String>) {
    // Captured bytes were summed up: they exist, whatever lengths were announced.
    if content.length == LengthKind::Captured {
        return (Vec::new(), None);
    }
    let each = |implausible: &ImplausibleCounts| {
        let ImplausibleCounts { capture, frame, orig_len, cap_len, packets } = implausible;
        let part = share(i64::from(*orig_len), content.bytes);
        let [orig_len, cap_len] = [*orig_len, *cap_len].map(|bytes| count(bytes.into(), "byte", "bytes"));
        let mut says = format!(
            "announces {orig_len} on the wire, and has {cap_len}. No packet is that long; most likely its length is \
             damaged. It is {part} of all bytes on this page."
        );
        let more = packets.saturating_sub(1);
        if more > 0 {
            says += &format!(" The capture has {} like it.", count(saturated(more), "more packet", "more packets"));
        }
        Dwarfing { frame: thousands(saturated(*frame)), capture: Printable::new(capture), says }
    };
    let left = saturated(content.implausible.len().saturating_sub(NAMED));
    let more =
        (left > 0).then(|| format!("… and {} with such a packet.", count(left, "more capture", "more captures")));
    (content.implausible.iter().take(NAMED).map(each).collect(), more)
}

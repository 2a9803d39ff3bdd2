//! A report on a lake or on captures: one self-contained page, and its plots as files.
//!
//! In: a [`PageContent`], which the caller sums up. Out: the text of a page in HTML, and of plots in SVG. Always: the
//! same content gives the same bytes. Names, paths and messages come from captures and so from anybody: they are text
//! wherever they appear, with their invisible characters shown. The page loads nothing, and tells the browser so.
//!
//! ```text
//! PageContent -> Traffic (layers, axes) -> traffic.svg -+-> page.html
//!         -> Grid    (cells)        ----------------+
//!         -> Bars                   -> bars.svg
//!         -> StandsOut (findings) --------------+
//!         -> Coverage (a strip) ----------------+
//! ```
//!
//! The templates are in `templates/`. Numbers are computed here; templates place and escape. Not here: files, the clock,
//! reading a lake.
//!
//! ```
//! use parcap::report::{PageContent, html, plots};
//!
//! let content = PageContent { lake: "<lake>".to_owned(), ..PageContent::default() };
//! let page = html(&content)?;
//! assert!(page.contains("&#60;lake&#62;") && !page.contains("<lake>"));
//! assert_eq!(plots(&content)[0].0, "traffic.svg");
//! # Ok::<(), std::io::Error>(())
//! ```

mod advice;
mod bars;
mod capture_times;
mod captures_table;
mod clock;
mod clock_steps;
mod content;
mod coverage;
mod grid;
mod heat_map;
mod implausible;
mod long_captures;
mod page;
mod rotation;
mod scale;
mod sections;
mod services;
mod stands_out;
mod tables;
#[cfg(test)]
mod tests;
mod text;
mod traffic;
mod traffic_kind;
mod traffic_views;

use std::io;

use askama::Template;

use crate::summary::PatternLimits;

pub use capture_times::CaptureTimes;
pub use captures_table::captures_table;
pub use clock_steps::{ClockStep, ClockSteps};
pub use content::{AbsentTable, NameOptions, PageContent, QueryWords};
pub use implausible::ImplausibleCounts;
pub use long_captures::{LongCapture, LongCaptures};
pub use rotation::{Rotations, Stray};

/// Words for what is missing. They are in parentheses and set apart, unlike any name.
const ABSENT_IP: &str = "(no IP)";
const ABSENT_ADDRESS: &str = "(no address)";
const ABSENT_NAME: &str = "(no name)";

/// The table that the traffic over time is of.
const TRAFFIC: &str = "send_rates_by_protocol";

/// From when on flows are a pattern that the page names.
pub const PATTERN_LIMITS: PatternLimits = stands_out::LIMITS;

/// How plots look, in the page and by themselves.
const PLOT_STYLE: &str = include_str!("../../templates/plot.css");

/// The page.
///
/// # Errors
/// If a template cannot be written to memory: a bug.
pub fn html(content: &PageContent) -> io::Result<String> {
    page::Page::new(content).render().map_err(io::Error::other)
}

/// The plots, as names of files and their text: those of the traffic first, then one for each table of volumes or counts that the page
/// has.
#[must_use]
pub fn plots(content: &PageContent) -> Vec<(String, String)> {
    let traffic = content.has(TRAFFIC).then(|| traffic_views::files(content)).into_iter().flatten();
    let bars = bars::all(content).into_iter().map(|(file, bars)| (file.to_owned(), bars.to_string()));
    traffic.chain(bars).collect()
}

//! What the user sees: results on stdout, messages on stderr.

use std::io;

use crate::error::Result;
use crate::outcome::Report;
use crate::summary::{Preview, Units, render};

use super::console::Console;
use super::dry_run::would_convert;
use super::help::command;
use super::json::line;
use super::messages::{closing, complaints, wrongs};

/// What to show of a report.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shown {
    pub(super) json: bool,
    pub(super) quiet: bool,
    /// Whether tables are shown as text. With no rows, not even the heads are.
    pub(super) tables: bool,
    pub(super) dry_run: bool,
    /// Whether stderr is left to another writer.
    pub(super) silent: bool,
}

impl Shown {
    pub(super) fn without_talk(self) -> Self {
        Self { silent: true, ..self }
    }
}

/// The tables that a conversion shows. The lake, and the report as JSON, have all of them.
const SHOWN: [&str; 5] = ["captures", "send_rates", "protocols", "volume_by_name", "volume_by_ip"];
/// Shows a report.
pub(super) fn show(console: &Console, report: &Report, shown: &Shown) -> Result<()> {
    if !shown.silent {
        console.talk(&if shown.quiet { wrongs(report) } else { complaints(report) });
    }
    if shown.json {
        return console.print(&line(report)?);
    }
    let tables = report.summaries.iter().filter(|summary| SHOWN.contains(&summary.name));
    for summary in tables.filter(|_| shown.tables) {
        show_table(console, summary, Units::Exact)?;
    }
    if shown.dry_run {
        console.print(&would_convert(report))?;
    } else if !shown.quiet && !shown.silent {
        console.talk(&closing(report));
    }
    Ok(())
}

/// Shows a table below its name.
pub(super) fn show_table(console: &Console, listed: &Preview, units: Units) -> Result<()> {
    console.print(&format!("{}\n{}\n", listed.name, render(listed, units)))
}

/// The manual page, with a section for each command.
pub(super) fn man_pages(out: &mut Vec<u8>) -> io::Result<()> {
    let command = command();
    clap_mangen::Man::new(command.clone()).render(out)?;
    for subcommand in command.get_subcommands().filter(|subcommand| subcommand.get_name() != "help") {
        let page = clap_mangen::Man::new(subcommand.clone());
        page.render_name_section(out)?;
        page.render_synopsis_section(out)?;
        page.render_description_section(out)?;
        page.render_options_section(out)?;
        page.render_extra_section(out)?;
    }
    Ok(())
}

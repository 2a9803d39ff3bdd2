//! What stopped a run, and what can be done, with the names of options and commands: the library says what happened, and
//! only here does a setting have an option.

use std::io;

use crate::advice::Advice;
use crate::config::{Decapsulation, Setting, TunnelKind};
use crate::error::{Error, Foreign, Lack, LostUploads, NoDelta, NotExtracted, WhyLeftOut};
use crate::lake::RefusedEntry;
use crate::path_text::printable;
use crate::text::{nothing_more, plural_of, time_text};

/// What to do where a manifest is lost.
const REMAKE: &str = "restore it from a backup; else `parcap verify LAKE --repair` makes it again from the parts";

/// What stopped a run.
pub(super) fn message(error: &Error) -> String {
    match error {
        Error::SettingsDiffer { lake, held, asked } => {
            let (lake, held, asked) = (lake.display(), option(held), option(asked));
            format!("{lake}: was made with {held}, and this run asks for {asked}")
        }
        Error::TooManyDamaged { damaged, all, commits } => format!(
            "{damaged} of {all} captures are damaged or refused, more than `--max-damaged` allows; {} was committed",
            nothing_more(*commits)
        ),
        Error::TooLittleMemory { given_mib, needed_mib } => {
            format!("`--memory` gives {given_mib} MiB, and a run with one worker needs {needed_mib} MiB")
        }
        Error::Foreign { path, what } => {
            let what = match what {
                Foreign::Unit => "is not a unit as `parcap plan` prints it",
                Foreign::Result => "is not a row as `parcap convert-unit` prints it",
                Foreign::StagedFile => "is not where `parcap convert-unit` stages its files",
            };
            format!("{}: {what}", path.display())
        }
        Error::NeedsPlan { .. } => format!("{error}; give that line as well, or name the plan with `--plan`"),
        Error::LeftOut { lake, tables, .. } => {
            let of = lake.as_ref().map(|(lake, _)| format!("{}: ", printable(lake))).unwrap_or_default();
            let lines =
                tables.iter().map(|(name, why)| format!("{of}{name} cannot be made as asked: {}", because(*why)));
            lines.collect::<Vec<_>>().join("\nerror: ")
        }
        error => error.to_string(),
    }
}

/// What to do about it, if anything.
pub(super) fn hint(error: &Error) -> Option<&'static str> {
    Some(match error {
        Error::Io { source, .. } => match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                "free some space and run the same command again"
            }
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                "the lake must be writable by the user who runs parcap; in a bucket, docs/object-stores.md lists the permissions"
            }
            _ => return None,
        },
        Error::LakeIsAFile { .. } => "name a directory with `--out`; it is created when it does not exist",
        Error::SettingsDiffer { asked: Setting::Delta(_), .. } => {
            "`parcap delta LAKE` makes the lake a Delta table; then every run writes the log, without the option"
        }
        Error::NoDeltaTable(NoDelta::Nanoseconds { .. }) => {
            "convert its captures into a new lake without `--timestamp-unit ns`"
        }
        Error::NoDeltaTable(NoDelta::Retaining { .. }) => {
            "`--delta` gives a new lake a Delta log, `parcap delta LAKE` one that is there; then all its readers must read it by the log"
        }
        Error::SettingsDiffer { asked: Setting::DnsClients(_), .. } => {
            "the plan is of an earlier version of parcap, which does not count this: plan and convert the units again"
        }
        Error::SettingsDiffer { .. } => {
            "give what the lake was made with; for another value, begin with the captures and a new lake"
        }
        Error::FileDiffers { what: "checksum of the manifest", .. }
        | Error::Json { what: "manifest", .. }
        | Error::Incomplete { lacks: Lack::Manifest, .. } => REMAKE,
        Error::FileDiffers { .. } => {
            "`parcap verify LAKE` shows all that is wrong, and `parcap verify LAKE --repair` mends it (docs/operations.md)"
        }
        Error::Incomplete { lacks: Lack::Mention, .. } => {
            "if it was put there, move it away; if a manifest was lost, `parcap verify LAKE --repair` takes up what it named"
        }
        Error::Incomplete { lacks: Lack::Sums, .. } => "`parcap verify LAKE --repair` counts it again from the packets",
        Error::ManifestVersion { .. } => "use the parcap that wrote it, or convert the captures into a new lake",
        Error::JsonVersion { .. } => "use one parcap for `plan`, `convert-unit` and `commit`",
        Error::StreamInPlan => "convert it where it is, with `parcap convert`",
        Error::UnitsMissing { .. } => {
            "convert the missing units and commit again with all rows; or commit the others with `--incomplete leave-out`"
        }
        Error::PlanIsOld { .. } => {
            "plan again, and commit the rows that there are with the new plan's first line: units that both plans have need not be converted again"
        }
        Error::TooManyWindows { .. } => "give a longer `--window`, or look with `parcap inspect` for a wrong time",
        Error::NoSuchColumn { .. } => "docs/tables.md and docs/columns.md list the columns",
        Error::NotKept { .. } => "`parcap plan --keep` keeps one; the same captures and lake have the same plan",
        Error::NoSuchCondition { .. } => {
            "ask by ip_src, ip_dst, mac_src, mac_dst, port_src, port_dst, port, protocol or is_dns; or filter what was read"
        }
        Error::TooLittleMemory { .. } => "without the option a run takes what its workers need",
        Error::NoLake { .. } => "make one of captures with `parcap convert`",
        Error::NotAlone { .. } => "sum up one lake at a time, or captures",
        Error::NoSums { .. } => "it was converted with `--no-summary`; sum up its captures instead",
        Error::NoServerNames { .. } => {
            "`--names sni` needs `--columns tls` (or `tls_sni` among them) from the lake's first run on; without that, leave `sni` out"
        }
        Error::WindowsAreAligned { .. } => "`--align first` is for captures",
        Error::NotHeld { .. } => {
            "nothing was changed; name captures, or folders of them, by the paths from which they were converted: `parcap summarize LAKE --table captures --format csv` lists them"
        }
        Error::NotExtracted(why) => match why {
            NotExtracted::LacksColumn { .. } => "convert its captures into a new lake with `--columns capture`",
            NotExtracted::Rows { .. } => {
                "give Parquet or CSV with the columns `capture` and `offset` or `frame` of the lake"
            }
            NotExtracted::NoPcap { .. } => "`--format pcapng` holds them",
            NotExtracted::OverCapture { .. } => "give another name with `--out`",
        },
        Error::Outside { .. } => {
            "parcap does not write such a thing: find out who may write to the lake, and restore the file from a backup"
        }
        Error::InTheWay { .. } => "mend that, and run the same command again",
        Error::LakeBusy { .. } => "try again when the other run has ended",
        Error::Overtaken { .. } => "run the same command again: it goes on from what the other run has made",
        Error::Undone(LostUploads::Old { .. }) => {
            "convert less at a time, so that each commit comes within half a day: `--commit-every 1h` does that; commit units that are converted elsewhere sooner"
        }
        Error::Undone(LostUploads::Gone { .. }) => {
            "the lake is as it was: run the same command again, and look whether a rule of the bucket ends uploads after less than a week"
        }
        Error::RowsDiffer { .. } | Error::Worker { .. } | Error::Bug { .. } => {
            "please report it, with the capture if it can be shared"
        }
        _ => return None,
    })
}

/// What can be done about a capture that was refused.
pub(super) fn advice(advice: &Advice) -> String {
    match advice {
        Advice::MoreMemory => {
            "give as much more with `--memory`, or unpack it and convert the unpacked file".to_owned()
        }
        Advice::Unpack { command, is_archive } => {
            let what = if *is_archive { " converts the captures in it" } else { "" };
            format!("`{command} | parcap convert - --out LAKE`{what}")
        }
        Advice::PerhapsALake => "it may be of a lake: `--out` names the lake, the captures stand before it".to_owned(),
        Advice::Keeps { packets } => {
            let packets = plural_of(*packets, "packet", "packets");
            format!("the lake keeps the {packets} that it has of it; `parcap forget` takes them out")
        }
        Advice::KeepsMore => "`--force` replaces them by what is there now, `parcap forget` takes them out".to_owned(),
        Advice::NotStrict => {
            "`--strict` refuses damaged captures; without it, the packets before the fault are converted".to_owned()
        }
        Advice::ByForce => "`parcap convert --force` converts it again".to_owned(),
        Advice::Text(text) => text.clone(),
    }
}

/// Puts what can be done into the words of the command line, for a document that is printed.
pub(super) fn put_in_words(refused: &mut [RefusedEntry]) {
    for hint in refused.iter_mut().filter_map(|refused| refused.hint.as_mut()) {
        *hint = Advice::Text(advice(hint));
    }
}

/// Why a table cannot be made as asked.
pub(super) fn because(why: WhyLeftOut) -> &'static str {
    match why {
        WhyLeftOut::WithinWindow => "`--from` or `--to` lies within one of its windows",
        WhyLeftOut::NoFlows => "the lake was begun without `--flows`",
        WhyLeftOut::FromFirst => "`--align first` is for all protocols together",
        WhyLeftOut::BegunBefore => "the lake was begun by an earlier version of parcap, which did not count this",
        WhyLeftOut::Counted(why) => why,
    }
}

/// A setting as its option.
fn option(setting: &Setting) -> String {
    match setting {
        Setting::PartitionBy(keys) => format!("`--partition-by {keys}`"),
        Setting::Columns(columns) if columns.is_empty() => "no `--columns`".to_owned(),
        Setting::Columns(columns) => format!("`--columns {columns}`"),
        Setting::Decapsulate(tunnels) if tunnels.is_empty() => "no `--decapsulate`".to_owned(),
        Setting::Decapsulate(tunnels) => format!("`{}`", decapsulate(tunnels)),
        Setting::TimestampUnit(unit) => format!("`--timestamp-unit {}`", unit.name()),
        Setting::Length(kind) => format!("`--length {}`", kind.name()),
        Setting::Window(window) => format!("`--window {}`", time_text(*window)),
        Setting::Summaries(true) => "summaries".to_owned(),
        Setting::Summaries(false) => "`--no-summary`".to_owned(),
        Setting::DnsClients(true) => "the table `dns_clients`".to_owned(),
        Setting::DnsClients(false) => "no table `dns_clients`".to_owned(),
        Setting::Flows(None) => "no `--flows`".to_owned(),
        Setting::Flows(Some(timeout)) => format!("`--flows --flow-timeout {}`", time_text(*timeout)),
        Setting::Delta(true) => "`--delta`".to_owned(),
        Setting::Delta(false) => "no `--delta`".to_owned(),
    }
}

/// The options that ask for these tunnels.
fn decapsulate(tunnels: &Decapsulation) -> String {
    let kinds: Vec<_> = tunnels.kinds().map(TunnelKind::name).collect();
    let kinds = if kinds.len() == TunnelKind::ALL.len() { "all".to_owned() } else { kinds.join(",") };
    let ports: Vec<_> = tunnels.ports().iter().map(|(kind, port)| format!("{}={port}", kind.name())).collect();
    let ports = if ports.is_empty() { String::new() } else { format!(" --tunnel-port {}", ports.join(",")) };
    format!("--decapsulate {kinds}{ports}")
}

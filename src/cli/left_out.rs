//! What to type where a table that was asked for by name cannot be made as asked.

use crate::commands::SummarizeRequest;
use crate::config::WINDOW;
use crate::decode::protocol_text;
use crate::error::{Error, WhyLeftOut};
use crate::summary::Filter;
use crate::text::time;

use super::failure::Failure;
use super::hints;

const NEW_LAKE: &str = "to have it in a lake, convert its captures into a new one";

/// The failure of a request for tables, with what to type instead.
pub(super) fn with_the_way_out(error: Error, request: &SummarizeRequest) -> Failure {
    let Error::LeftOut { lake, of_captures, tables } = &error else { return error.into() };
    let filter = options_of(&request.filter);
    let hint = match lake {
        Some((_, window)) if !of_captures.is_empty() => {
            let windows = if *window == WINDOW { String::new() } else { format!(" --window {window}us") };
            let options = format!("{filter}{windows} --table {}", of_captures.join(","));
            let instead = format!("sum up the captures instead: `parcap summarize CAPTURE…{options}`");
            let is_new = tables.iter().any(|(_, why)| *why == WhyLeftOut::BegunBefore);
            if is_new { format!("{instead}; {NEW_LAKE}") } else { instead }
        }
        _ if tables.iter().all(|(_, why)| *why == WhyLeftOut::BegunBefore) => NEW_LAKE.to_owned(),
        _ if request.filter.is_of_all_packets() => "leave `--align first` or the table out".to_owned(),
        _ => format!("leave out the table, or the filter ({})", filter.trim()),
    };
    Failure::Usage { problem: hints::message(&error), hint }
}

/// A filter as options, with a space before each.
pub(super) fn options_of(filter: &Filter) -> String {
    let name = |protocol: &u16| u8::try_from(*protocol).map_or_else(|_| protocol.to_string(), protocol_text);
    let protocols: Vec<_> = filter.protocols.iter().map(name).collect();
    let nets: Vec<_> = filter.nets.iter().map(ToString::to_string).collect();
    let bound = |bound: i64| if [i64::MIN, i64::MAX].contains(&bound) { Vec::new() } else { vec![time(bound)] };
    let (from, to) =
        filter.times.as_ref().map_or_else(Default::default, |times| (bound(times.start), bound(times.end)));
    let options = [("--protocol", protocols), ("--net", nets), ("--from", from), ("--to", to)];
    let given = options.into_iter().filter(|(_, values)| !values.is_empty());
    given.map(|(option, values)| format!(" {option} {}", values.join(","))).collect()
}

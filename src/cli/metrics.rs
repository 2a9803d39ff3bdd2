//! Metrics of a run in the text format of Prometheus, for the textfile collector of its node exporter.

use std::fmt::Write as _;

use crate::outcome::Report;

use super::exit_code::ExitCode;

/// Names of the metrics that a failed run keeps: it left the lake as it was.
const LAST_SUCCESS: &str = "parcap_last_success_timestamp_seconds";
const NEWEST_PACKET: &str = "parcap_newest_packet_timestamp_seconds";
const CAPTURES_MISSING: &str = "parcap_captures_missing";

/// The metrics of a run that ended at `now`, in seconds since the Unix epoch. `before` are those of the run before it.
///
/// A run is a success (exit status 0 or 3) if everything that it was to convert is in the lake, if there was nothing to
/// do, or if some input was damaged or refused.
#[must_use]
pub fn metrics(report: Option<&Report>, code: ExitCode, now: i64, before: &str) -> String {
    let mut text = String::new();
    let mut gauge = |name: &str, help: &str, value: &str| {
        let _ = write!(text, "# HELP {name} {help}\n# TYPE {name} gauge\n{name} {value}\n");
    };
    gauge("parcap_last_run_timestamp_seconds", "When the last run ended.", &now.to_string());
    gauge("parcap_exit_status", "Exit status of the last run.", &code.number().to_string());
    let well = matches!(code, ExitCode::Success | ExitCode::Damaged);
    let newest = report.and_then(|report| report.newest_packet_timestamp_seconds);
    let missing = report.and_then(|report| report.captures_missing);
    for (name, help, value) in [
        (LAST_SUCCESS, "When the last run ended that committed all it could read.", well.then(|| now.to_string())),
        (NEWEST_PACKET, "Time of the newest packet in the lake.", newest.map(|seconds| format!("{seconds:.6}"))),
        (
            CAPTURES_MISSING,
            "Captures in the lake that are not in the archive any more, of what the run named.",
            missing.map(|missing| missing.to_string()),
        ),
    ] {
        let last = || before.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')).map(str::to_owned);
        let survives = name == LAST_SUCCESS || report.is_none();
        if let Some(value) = value.or_else(|| last().filter(|_| survives)) {
            gauge(name, help, &value);
        }
    }
    if let Some(report) = report {
        for (name, help, value) in [
            ("parcap_records", "Packet records framed in the last run.", report.records.to_string()),
            ("parcap_rows", "Rows written in the last run.", report.rows.to_string()),
            ("parcap_bytes_in", "Bytes of the captures converted in the last run.", report.bytes_in.to_string()),
            ("parcap_bytes_out", "Bytes of the parts written in the last run.", report.bytes_out.to_string()),
            ("parcap_parts", "Parts written in the last run.", report.parts.to_string()),
            ("parcap_seconds", "How long the last run took.", format!("{:.3}", report.seconds)),
        ] {
            gauge(name, help, &value);
        }
        let name = "parcap_inputs";
        let _ = write!(text, "# HELP {name} Captures of the last run by what became of them.\n# TYPE {name} gauge\n");
        for (state, count) in report.states() {
            let _ = writeln!(text, "{name}{{state=\"{state}\"}} {count}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_that_fails_keeps_the_time_of_the_last_success() {
        let good = metrics(Some(&Report::default()), ExitCode::Damaged, 1000, "");
        assert!(good.contains("\nparcap_last_success_timestamp_seconds 1000\n"), "{good}");
        let bad = metrics(None, ExitCode::Failure, 2000, &good);
        assert!(bad.contains("\nparcap_last_success_timestamp_seconds 1000\n"), "{bad}");
        assert!(bad.contains("\nparcap_last_run_timestamp_seconds 2000\n") || bad.starts_with("# HELP"), "{bad}");
        assert!(!metrics(None, ExitCode::Failure, 3000, "").contains(LAST_SUCCESS));
    }

    #[test]
    fn every_line_is_help_type_or_a_figure() {
        for line in metrics(Some(&Report::default()), ExitCode::Success, 1, "").lines() {
            let figure = line
                .rsplit_once(' ')
                .is_some_and(|(name, value)| name.starts_with("parcap_") && value.parse::<f64>().is_ok());
            assert!(line.starts_with("# HELP parcap_") || line.starts_with("# TYPE parcap_") || figure, "{line}");
        }
    }
}

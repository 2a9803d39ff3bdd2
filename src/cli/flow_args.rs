//! `--flows`, `--flow-timeout`: the table of flows.

use clap::Args as ClapArgs;
use clap::builder::BoolishValueParser;

use crate::config::FLOW_TIMEOUT;

use super::args::Micros;
use super::failure::Failure;
use super::parse::micros;

/// When a flow ends.
#[derive(Debug, ClapArgs)]
pub(super) struct TimeoutArg {
    /// Time without a packet after which the next one of the same ends begins another flow, 1ms to 1d [default: 60s]
    #[arg(long, value_name = "TIME", env = "PARCAP_FLOW_TIMEOUT", value_parser = micros)]
    flow_timeout: Option<Micros>,
}

impl TimeoutArg {
    /// Microseconds, if they are given.
    pub(super) fn micros(&self) -> Option<i64> {
        self.flow_timeout.map(|timeout| timeout.0)
    }
}

/// Whether flows are counted, and when they end.
#[derive(Debug, ClapArgs)]
pub(super) struct FlowArgs {
    /// Count flows as well: a summary table of who talked to whom, from when to when, how much each way, and how far TCP came
    #[arg(long, env = "PARCAP_FLOWS", value_parser = BoolishValueParser::new())]
    flows: bool,
    #[command(flatten)]
    timeout: TimeoutArg,
}

impl FlowArgs {
    /// The timeout, if flows are counted.
    pub(super) fn timeout(&self, has_summaries: bool) -> Result<Option<i64>, Failure> {
        let usage = |problem, hint| Err(Failure::usage(problem, hint));
        match (self.flows, self.timeout.micros()) {
            (false, None) => Ok(None),
            (false, Some(_)) => usage("`--flow-timeout` is of flows, and none are counted", "add `--flows`"),
            (true, _) if !has_summaries => usage("flows are a summary table", "leave out `--no-summary` or `--flows`"),
            (true, timeout) => Ok(Some(timeout.unwrap_or(FLOW_TIMEOUT))),
        }
    }
}

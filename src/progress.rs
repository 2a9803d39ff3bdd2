//! Progress bars, on a terminal only. The only door for indicatif's bars.

use std::io::IsTerminal as _;
use std::sync::atomic::Ordering;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::convert::Meter;

/// How often the bar moves.
const PERIOD: Duration = Duration::from_millis(100);

/// When progress is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Progress {
    /// If stderr is a terminal.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

impl Progress {
    fn is_shown(self) -> bool {
        match self {
            Self::Auto => std::io::stderr().is_terminal(),
            Self::Always => true,
            Self::Never => false,
        }
    }
}

/// Does the work, and shows meanwhile how many of `bytes` have been read.
pub fn watch<T>(progress: Progress, bytes: u64, meter: &Meter, work: impl FnOnce() -> T) -> T {
    if !progress.is_shown() {
        return work();
    }
    let bar = ProgressBar::with_draw_target(Some(bytes).filter(|bytes| *bytes > 0), ProgressDrawTarget::stderr());
    let style = ProgressStyle::with_template(
        "{bar:30} {decimal_bytes}/{decimal_total_bytes} {decimal_bytes_per_sec} {msg} packets, {eta} left",
    );
    if let Ok(style) = style {
        bar.set_style(style);
    }
    bar.set_message("0");
    let (done, ended) = mpsc::channel::<()>();
    thread::scope(|scope| {
        let bar = &bar;
        let moving = thread::Builder::new().name("parcap-bar".to_owned()).spawn_scoped(scope, move || {
            // Ends when the sender is dropped, also if the work panics.
            while ended.recv_timeout(PERIOD) == Err(mpsc::RecvTimeoutError::Timeout) {
                bar.set_position(meter.bytes.load(Ordering::Relaxed));
                bar.set_message(indicatif::HumanCount(meter.records.load(Ordering::Relaxed)).to_string());
            }
            bar.finish_and_clear();
        });
        // A bar that does not move, where no thread can be started, is none.
        if moving.is_err() {
            bar.finish_and_clear();
        }
        let _done = done;
        work()
    })
}

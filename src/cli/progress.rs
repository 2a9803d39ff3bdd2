//! Progress bars, on a terminal only. The only door for indicatif's bars.

use std::io::IsTerminal as _;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use indicatif::{HumanCount, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::observer::{Meter, Observer, Unobserved};

/// How often the bar moves.
const PERIOD: Duration = Duration::from_millis(100);

/// When progress is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Progress {
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

/// A bar on stderr that moves while captures are read.
#[derive(Debug, Default)]
pub(super) struct TerminalBar(Mutex<Option<Moving>>);

/// The thread that moves a bar until it is told to end.
#[derive(Debug)]
struct Moving {
    end: mpsc::Sender<()>,
    thread: JoinHandle<()>,
}

impl Progress {
    /// The observer that draws the bar, or one that draws nothing.
    pub(super) fn observer(self) -> Arc<dyn Observer> {
        if self.is_shown() { Arc::new(TerminalBar::default()) } else { Arc::new(Unobserved) }
    }
}

impl Observer for TerminalBar {
    fn begin(&self, bytes: u64, meter: &Arc<Meter>) {
        let bar = ProgressBar::with_draw_target(Some(bytes).filter(|bytes| *bytes > 0), ProgressDrawTarget::stderr());
        let style = ProgressStyle::with_template(
            "{bar:30} {decimal_bytes}/{decimal_total_bytes} {decimal_bytes_per_sec} {msg} packets, {eta} left",
        );
        if let Ok(style) = style {
            bar.set_style(style);
        }
        bar.set_message("0");
        let (end, ended) = mpsc::channel::<()>();
        let (meter, moved) = (Arc::clone(meter), bar.clone());
        let thread = thread::Builder::new().name("parcap-bar".to_owned()).spawn(move || {
            // Ends when the sender is dropped, even if the work panics.
            while ended.recv_timeout(PERIOD) == Err(mpsc::RecvTimeoutError::Timeout) {
                moved.set_position(meter.bytes.load(Ordering::Relaxed));
                moved.set_message(HumanCount(meter.records.load(Ordering::Relaxed)).to_string());
            }
            moved.finish_and_clear();
        });
        match thread {
            Ok(thread) => *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Moving { end, thread }),
            // Where no thread can be started, a bar would not move, so there is none.
            Err(_) => bar.finish_and_clear(),
        }
    }

    fn end(&self) {
        if let Some(Moving { end, thread }) = self.0.lock().unwrap_or_else(PoisonError::into_inner).take() {
            drop(end);
            // If the thread panicked, there is no bar any more.
            let _ = thread.join();
        }
    }
}

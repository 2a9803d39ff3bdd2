//! Signals end the input, or the run.

use std::sync::mpsc;
use std::time::Duration;
use std::{process, thread};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::cancel::Cancel;
use crate::storage::end_streams;

use super::exit_code::ExitCode;

/// How long a run may take to end by itself. After that it is ended where it stands, perhaps waiting for input that
/// never comes; the next run finishes or undoes what it began, as after a crash.
const GRACE: Duration = Duration::from_millis(1500);
// What is promised is two seconds.
const _: () = assert!(GRACE.as_millis() < 2000);

/// Has the signals of the process end a run, from now on.
pub(super) fn end_by_signals() -> Cancel {
    let cancel = Cancel::default();
    let (ready, is_ready) = mpsc::channel::<()>();
    let handler = cancel.clone();
    // Without a handler a signal ends the process at once, which the next run recovers from just as well.
    let listening = thread::Builder::new().name("parcap-signals".to_owned()).spawn(move || {
        let signals = Signals::new([SIGINT, SIGTERM]);
        drop(ready);
        if let Ok(mut signals) = signals {
            listen(&mut signals, &handler);
        }
    });
    if listening.is_ok() {
        // Says nothing but that it is gone.
        let _ = is_ready.recv();
    }
    cancel
}

/// The first signal ends standard input, if that is being read, and what came of it is converted; another one ends the run.
fn listen(signals: &mut Signals, cancel: &Cancel) {
    for signal in signals.forever() {
        if end_streams() {
            continue;
        }
        let number = u8::try_from(signal).unwrap_or(0);
        cancel.signal(number);
        thread::sleep(GRACE);
        process::exit(ExitCode::Signal(number).number().into());
    }
}

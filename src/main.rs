//! The `parcap` command. It lets signals end the input or the run; the rest is the library's.

use std::process::{self, ExitCode};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use parcap::cancel::Cancel;
use parcap::exit_code::ExitCode as Code;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// How long a run may take to end by itself. After that the process is ended, perhaps while it waits for input that never
/// comes. The next run finishes or undoes what it began, as after a crash.
const GRACE: Duration = Duration::from_millis(1500);
// Two seconds are promised.
const _: () = assert!(GRACE.as_millis() < 2000);

fn main() -> ExitCode {
    let cancel = Cancel::default();
    let (ready, is_ready) = mpsc::channel::<()>();
    let handler = cancel.clone();
    // Without a handler a signal ends the process at once. The next run recovers from that just as well.
    let listening = thread::Builder::new().name("parcap-signals".to_owned()).spawn(move || {
        let signals = Signals::new([SIGINT, SIGTERM]);
        drop(ready);
        if let Ok(mut signals) = signals {
            listen(&mut signals, &handler);
        }
    });
    if listening.is_ok() {
        // An error only means that the thread is gone.
        let _ = is_ready.recv();
    }
    parcap::cli::main(std::env::args_os(), &cancel).into()
}

/// The first signal ends standard input, if it is being read, and what came of it is converted. Another signal ends the
/// run.
fn listen(signals: &mut Signals, cancel: &Cancel) {
    for signal in signals.forever() {
        if parcap::storage::end_streams() {
            continue;
        }
        let number = u8::try_from(signal).unwrap_or(0);
        cancel.signal(number);
        thread::sleep(GRACE);
        process::exit(Code::Signal(number).number().into());
    }
}

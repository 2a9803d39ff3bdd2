//! The `parcap` command: signals end the run, the rest is the library's.

use std::process::{self, ExitCode};
use std::thread;
use std::time::Duration;

use parcap::exit_code::ExitCode as Code;
use parcap::unit::Cancel;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// How long a run may take to end by itself. After that it is ended where it stands, perhaps waiting for input that
/// never comes; the next run finishes or undoes what it began, as after a crash.
const GRACE: Duration = Duration::from_millis(1500);
// What is promised is two seconds.
const _: () = assert!(GRACE.as_millis() < 2000);

fn main() -> ExitCode {
    let cancel = Cancel::default();
    // Without a handler a signal ends the process at once, which the next run recovers from just as well.
    if let Ok(mut signals) = Signals::new([SIGINT, SIGTERM]) {
        let cancel = cancel.clone();
        thread::spawn(move || {
            if let Some(signal) = signals.forever().next() {
                let number = u8::try_from(signal).unwrap_or(0);
                cancel.signal(number);
                thread::sleep(GRACE);
                process::exit(Code::Signal(number).number().into());
            }
        });
    }
    parcap::cli::main(std::env::args_os(), &cancel).into()
}

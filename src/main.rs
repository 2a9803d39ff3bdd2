//! The `parcap` command: signals become a flag, the rest is the library's.

use std::process::ExitCode;

use parcap::unit::Cancel;

fn main() -> ExitCode {
    let cancel = Cancel::default();
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        // Without a handler the signal ends the process, which the next run recovers from just as well.
        let number = usize::try_from(signal).unwrap_or(0);
        let _ = signal_hook::flag::register_usize(signal, cancel.signal(), number);
    }
    parcap::cli::main(std::env::args_os(), &cancel).into()
}

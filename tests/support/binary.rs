//! Running the binary.

use std::io::Write as _;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// How a run of the binary ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) status: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    /// The first line on stderr.
    pub(crate) fn complaint(&self) -> &str {
        self.stderr.lines().next().unwrap_or_default()
    }

    /// stdout, which must be one JSON document.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// The binary, with nothing of the environment that steers it.
pub(crate) fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_parcap"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("PARCAP_") {
            command.env_remove(name);
        }
    }
    command.env_remove("RAYON_NUM_THREADS").stdin(Stdio::null());
    command
}

/// Runs the binary to its end.
pub(crate) fn run<A: AsRef<std::ffi::OsStr>>(args: impl IntoIterator<Item = A>) -> Ran {
    finish(command().args(args))
}

/// Runs the binary to its end, with these bytes on stdin.
pub(crate) fn run_with<A: AsRef<std::ffi::OsStr>>(args: impl IntoIterator<Item = A>, stdin: &[u8]) -> Ran {
    let mut child =
        command().args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(stdin).unwrap();
    ran(child.wait_with_output().unwrap())
}

/// Runs a command to its end.
pub(crate) fn finish(command: &mut Command) -> Ran {
    ran(command.output().unwrap())
}

fn ran(output: std::process::Output) -> Ran {
    Ran {
        status: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// After this nothing happens any more: ends a test that would hang, and says nothing of how fast anything is.
const HANGS: Duration = Duration::from_secs(600);

/// Waits for something that is to happen.
pub(crate) fn wait_until(what: &str, mut happened: impl FnMut() -> bool) {
    let began = Instant::now();
    while !happened() {
        assert!(began.elapsed() < HANGS, "{what} does not happen");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Waits for a process to end by itself; one that hangs is ended.
pub(crate) fn ended(child: &mut Child) -> ExitStatus {
    let began = Instant::now();
    loop {
        match child.try_wait().unwrap() {
            Some(status) => return status,
            None if began.elapsed() > HANGS => child.kill().unwrap(),
            None => std::thread::sleep(Duration::from_millis(10)),
        }
    }
}

//! Files that are open for writing in some process, as far as the system tells.

use std::collections::HashSet;
use std::fs;
use std::path::PathBuf;

/// The access mode in a file's flags (`open(2)`), and its value for reading only.
const ACCESS_MODE: u32 = 0o3;

/// Files that processes have open for writing: processes of the same user, or of all users if parcap runs as root. Empty
/// where there is no `/proc`.
#[must_use]
pub fn open_for_writing() -> HashSet<PathBuf> {
    let mut files = HashSet::new();
    let own = std::process::id().to_string();
    for process in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let name = process.file_name();
        if name.to_string_lossy() == own || !name.to_string_lossy().bytes().all(|byte| byte.is_ascii_digit()) {
            continue;
        }
        for open in fs::read_dir(process.path().join("fd")).into_iter().flatten().flatten() {
            let info = process.path().join("fdinfo").join(open.file_name());
            if fs::read_to_string(info).is_ok_and(|info| is_for_writing(&info)) {
                files.extend(fs::read_link(open.path()));
            }
        }
    }
    files
}

/// Reads the line `flags:` of `/proc/PID/fdinfo/FD`, which is octal (proc(5)).
fn is_for_writing(info: &str) -> bool {
    let flags = info.lines().find_map(|line| line.strip_prefix("flags:"));
    flags.and_then(|flags| u32::from_str_radix(flags.trim(), 8).ok()).is_some_and(|flags| flags & ACCESS_MODE != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_tell_writers_from_readers() {
        assert!(is_for_writing("pos:\t0\nflags:\t0100001\nmnt_id:\t29\n"));
        assert!(is_for_writing("pos:\t12\nflags:\t02100002\n"));
        assert!(!is_for_writing("pos:\t0\nflags:\t0100000\n"));
        assert!(!is_for_writing(""));
    }

    #[test]
    fn a_file_that_another_process_writes_is_found() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let path = file.path().canonicalize().unwrap();
        assert!(!open_for_writing().contains(&path), "this process does not count");
        let mut writer = std::process::Command::new("sleep").arg("60").stdout(file.reopen().unwrap()).spawn().unwrap();
        let found = open_for_writing().contains(&path);
        writer.kill().unwrap();
        writer.wait().unwrap();
        assert!(found);
    }
}

//! Reads that failed are tried once more.

use std::io;
use std::thread;
use std::time::Duration;

/// How long to wait before a read is tried once more.
const PAUSE: Duration = Duration::from_millis(100);

/// Reads; at once again if the call was interrupted, and once more after a moment if the system says that it failed: a
/// network file system that was unreachable may be back, and a night's rows are worth the wait.
///
/// # Errors
/// What the second try says.
pub(super) fn again<T>(mut read: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    let mut failed = false;
    loop {
        match read() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.raw_os_error().is_some() && !failed => {
                failed = true;
                thread::sleep(PAUSE);
            }
            result => return result,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs through results until one is returned; how many were left is returned beside it.
    fn through(results: Vec<io::Result<u8>>) -> (io::Result<u8>, usize) {
        let mut results = results.into_iter();
        let returned = again(|| results.next().unwrap());
        (returned, results.len())
    }

    fn system(number: i32) -> io::Result<u8> {
        Err(io::Error::from_raw_os_error(number))
    }

    // Numbers of errors as Linux gives them (errno(3)).
    const EINTR: i32 = 4;
    const EIO: i32 = 5;

    #[test]
    fn one_failure_is_forgiven_and_any_number_of_interruptions() {
        let (returned, left) = through(vec![system(EINTR), system(EINTR), system(EIO), system(EINTR), Ok(7), Ok(8)]);
        assert_eq!((returned.unwrap(), left), (7, 1));
    }

    #[test]
    fn the_second_failure_counts_and_what_is_none_of_the_system_counts_at_once() {
        let (returned, left) = through(vec![system(EIO), system(EIO), Ok(7)]);
        assert_eq!((returned.unwrap_err().raw_os_error(), left), (Some(EIO), 1));
        let (returned, left) = through(vec![Err(io::Error::other("corrupt")), Ok(7)]);
        assert_eq!((returned.unwrap_err().to_string(), left), ("corrupt".to_owned(), 1));
    }
}

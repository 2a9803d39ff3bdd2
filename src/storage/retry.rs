//! Reads of files that fail for a moment.

use std::io::{self, Read};

/// Reads again as often as the call is interrupted, and once more if it fails otherwise: a soft-mounted NFS gives `EIO`
/// or `ETIMEDOUT` while its server is away for a moment. The read must begin at the same place each time.
///
/// # Errors
/// The second failure.
pub(crate) fn steadily<T>(mut read: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    let mut failed = false;
    loop {
        match read() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) if !failed => failed = true,
            result => return result,
        }
    }
}

/// A reader that retries. A read that fails leaves the place in the file where it is.
#[derive(Debug)]
pub(crate) struct RetryingReader<R>(pub(crate) R);

impl<R: Read> Read for RetryingReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        steadily(|| self.0.read(buffer))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives one byte a call, or the error that is next.
    struct Flaky(Vec<Option<i32>>);

    impl Read for Flaky {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            match self.0.pop() {
                None => Ok(0),
                Some(Some(errno)) => Err(io::Error::from_raw_os_error(errno)),
                Some(None) => {
                    buffer[0] = b'x';
                    Ok(1)
                }
            }
        }
    }

    fn read(mut calls: Vec<Option<i32>>) -> Result<String, Option<i32>> {
        calls.reverse();
        let mut text = String::new();
        RetryingReader(Flaky(calls)).read_to_string(&mut text).map(|_| text).map_err(|error| error.raw_os_error())
    }

    #[test]
    fn a_failure_is_tried_once_more_and_an_interruption_for_ever() {
        // Linux: asm-generic/errno-base.h and errno.h.
        const EINTR: i32 = 4;
        const EIO: i32 = 5;
        const ETIMEDOUT: i32 = 110;
        assert_eq!(read(vec![None, Some(EIO), None, Some(ETIMEDOUT), None]), Ok("xxx".to_owned()));
        assert_eq!(read(vec![None, Some(EINTR), Some(EINTR), Some(EINTR), None]), Ok("xx".to_owned()));
        assert_eq!(read(vec![Some(EINTR), Some(EIO), Some(EINTR), None]), Ok("x".to_owned()));
        assert_eq!(read(vec![None, Some(EIO), Some(ETIMEDOUT), None]), Err(Some(ETIMEDOUT)));
    }
}

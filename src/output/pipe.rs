//! A writer for a pipe whose reader may leave early (`meshctl ... | head -1`).

use std::io::{self, ErrorKind, Write};

/// Swallows everything after the reader has gone. The command runs on to its end, so that its exit code is the same
/// with and without `| head`: in a script with `pipefail` a finding must not turn into success or into an I/O error.
pub(super) struct Pipe<W> {
    inner: W,
    closed: bool,
}

impl<W: Write> Pipe<W> {
    pub(super) const fn new(inner: W) -> Self {
        Self { inner, closed: false }
    }

    fn tolerate<T>(&mut self, result: io::Result<T>, instead: T) -> io::Result<T> {
        match result {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => {
                self.closed = true;
                Ok(instead)
            }
            other => other,
        }
    }
}

impl<W: Write> Write for Pipe<W> {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        if self.closed {
            return Ok(data.len());
        }
        let result = self.inner.write(data);
        self.tolerate(result, data.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.closed {
            return Ok(());
        }
        let result = self.inner.flush();
        self.tolerate(result, ())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Gone;

    impl Write for Gone {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Err(ErrorKind::BrokenPipe.into())
        }
    }

    #[test]
    fn a_reader_that_left_is_no_error() {
        let mut pipe = Pipe::new(Gone);
        pipe.write_all(b"one").unwrap();
        pipe.write_all(b"two").unwrap();
        pipe.flush().unwrap();
        assert!(pipe.closed);
    }
}

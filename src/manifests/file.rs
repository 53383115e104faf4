//! The text of one input, file or stream, within the size limit and in UTF-8.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use super::limits::Limits;

/// Why an input gives no text. The messages follow the input's name: "FILE is not UTF-8 text (line 3)".
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The system refused.
    #[error("cannot be read: {0}")]
    Io(#[from] io::Error),
    /// More bytes than [`Limits::file_bytes`].
    #[error("is larger than {} MiB, too large for a manifest", .limit >> 20)]
    TooLarge {
        /// The limit.
        limit: u64,
    },
    /// Some bytes are no UTF-8, as in an archive or in UTF-16 text.
    #[error("is not UTF-8 text (line {line})")]
    NotUtf8 {
        /// The first line that is not, from 1.
        line: usize,
    },
}

/// Reads a file. One that is too large is refused by its size before a byte is read.
pub fn read_file(path: &Path, limits: &Limits) -> Result<String, ReadError> {
    let file = File::open(path)?;
    let size = file.metadata()?.len();
    if size > limits.file_bytes {
        return Err(ReadError::TooLarge { limit: limits.file_bytes });
    }
    read_sized(file, size, limits)
}

/// Reads a stream (standard input, a pipe) to its end, and no further than the limit: an endless one ends there.
pub fn read_stream(stream: impl Read, limits: &Limits) -> Result<String, ReadError> {
    read_sized(stream, 0, limits)
}

fn read_sized(stream: impl Read, size: u64, limits: &Limits) -> Result<String, ReadError> {
    let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(0));
    // One byte more than allowed tells a full stream from one that is cut. The file may have grown since it was measured.
    stream.take(limits.file_bytes.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limits.file_bytes {
        return Err(ReadError::TooLarge { limit: limits.file_bytes });
    }
    String::from_utf8(bytes).map_err(|error| {
        let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        ReadError::NotUtf8 { line: valid.split(|byte| *byte == b'\n').count() }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(file_bytes: u64) -> Limits {
        Limits { file_bytes, ..Limits::default() }
    }

    #[test]
    fn a_huge_file_is_refused_by_its_size() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("huge.yaml");
        File::create(&path).unwrap().set_len(100 << 20).unwrap();
        let refusal = read_file(&path, &Limits::default()).unwrap_err();
        assert_eq!(refusal.to_string(), "is larger than 64 MiB, too large for a manifest");
    }

    #[test]
    fn an_endless_stream_ends_at_the_limit() {
        assert!(matches!(read_stream(io::repeat(b'x'), &limits(1000)), Err(ReadError::TooLarge { limit: 1000 })));
        assert_eq!(read_stream(io::repeat(b'x').take(1000), &limits(1000)).unwrap().len(), 1000);
    }

    #[test]
    fn bytes_that_are_no_text_are_refused_with_their_line() {
        let read = |bytes: &[u8]| read_stream(bytes, &Limits::default());
        assert!(matches!(read(b"a: 1\nb: \xff\n"), Err(ReadError::NotUtf8 { line: 2 })));
        assert_eq!(read("a: é\n".as_bytes()).unwrap(), "a: é\n");
    }

    #[test]
    fn folders_and_missing_files_are_errors() {
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(read_file(folder.path(), &Limits::default()), Err(ReadError::Io(_))));
        assert!(matches!(read_file(&folder.path().join("none"), &Limits::default()), Err(ReadError::Io(_))));
    }
}

//! `envoy.config.core.v3.DataSource`: bytes in the configuration or in a file. What they are is never printed.

use std::fmt;
use std::path::{Path, PathBuf};

use bytes::Bytes;

use crate::proto::Reader;

/// Largest file that is read: bundles of roots are some hundred KB.
const LARGEST: u64 = 16 * 1024 * 1024;

/// Where bytes are.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Data {
    /// Here.
    Inline(Bytes),
    /// In a file.
    File(PathBuf),
}

impl Data {
    /// Reads the message of a field; none inside when it is not set. None: a defect was noted.
    #[allow(clippy::option_option)] // None is a defect, Some(None) is not set.
    pub fn read_optional(reader: &Reader<'_>, field: &str) -> Option<Option<Self>> {
        match reader.message(field) {
            Some(source) => Self::read(&source).map(Some),
            None => Some(None),
        }
    }

    /// Reads the message. None: a defect was noted.
    pub fn read(reader: &Reader<'_>) -> Option<Self> {
        // Files are looked at every few seconds, whatever watches them in Envoy.
        reader.ignore(&["watched_directory"]);
        match reader.choice("specifier").as_deref() {
            Some("filename") => Some(Self::File(reader.need_text("filename")?.into())),
            Some("inline_bytes") => Some(Self::Inline(reader.bytes("inline_bytes"))),
            Some("inline_string") => Some(Self::Inline(reader.text("inline_string").into())),
            Some(other) => {
                reader.defect(other, "the proxy reads files and inline data only");
                None
            }
            None => {
                reader.defect("", "names no data");
                None
            }
        }
    }

    /// The bytes.
    pub fn load(&self) -> Result<Bytes, String> {
        match self {
            Self::Inline(bytes) => Ok(bytes.clone()),
            Self::File(path) => {
                let failed = |error: std::io::Error| format!("reading {}: {error}", path.display());
                let size = std::fs::metadata(path).map_err(failed)?.len();
                if size > LARGEST {
                    return Err(format!("reading {}: the file is larger than {LARGEST} bytes", path.display()));
                }
                std::fs::read(path).map(Bytes::from).map_err(failed)
            }
        }
    }

    /// The file, when it is one.
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::Inline(_) => None,
            Self::File(path) => Some(path),
        }
    }

    /// For messages: the file, or `inline`.
    pub fn describe(&self) -> String {
        self.file().map_or_else(|| "<inline>".to_string(), |path| path.display().to_string())
    }
}

impl fmt::Debug for Data {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.describe())
    }
}

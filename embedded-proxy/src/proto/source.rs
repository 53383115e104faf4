//! `envoy.config.core.v3.DataSource`: bytes in the configuration or beside it.

use bytes::Bytes;

use super::Reader;

impl Reader<'_> {
    /// The bytes of a `DataSource`: inline or from a file, which is read now. None: a defect was noted.
    pub fn data(&self) -> Option<Bytes> {
        // A watched file is read once here; whoever can use later versions reads it itself.
        match self.choice("specifier").as_deref() {
            Some("inline_string") => Some(self.text("inline_string").into()),
            Some("inline_bytes") => Some(self.bytes("inline_bytes")),
            Some("filename") => match std::fs::read(self.text("filename")) {
                Ok(bytes) => Some(bytes.into()),
                Err(error) => {
                    self.defect("filename", format!("cannot be read: {error}"));
                    None
                }
            },
            _ => {
                self.defect("specifier", "must be inline_string, inline_bytes or filename");
                None
            }
        }
    }
}

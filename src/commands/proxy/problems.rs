//! Reading bootstraps for a command, and what is wrong with them, line by line.

use std::io::{self, Write};

use embedded_proxy::bootstrap::Bootstrap;
use embedded_proxy::proto::Defect;
use serde::Serialize;

use super::document::Document;

/// A defect with its place.
#[derive(Debug, Serialize)]
pub struct Problem {
    /// Name of the file.
    pub file: String,
    /// Line, from 1; the first when the place is not known.
    pub line: u32,
    /// Column, from 1.
    pub column: u32,
    /// Path of the field; empty for the whole document.
    pub path: String,
    /// One sentence.
    pub message: String,
}

impl Problem {
    /// Finds the places of defects: in the last document that has them, as the last one wins where both say something.
    pub fn locate(defects: Vec<Defect>, documents: &[Document]) -> Vec<Self> {
        let located = defects.into_iter().map(|Defect { path, message }| {
            let place = documents.iter().rev().find_map(|document| Some((document, document.place(&path)?)));
            let (name, line, column) = match place {
                Some((document, at)) => (document.name(), at.line, at.col),
                None => (documents.first().map_or("", Document::name), 1, 1),
            };
            Self { file: name.to_owned(), line, column, path, message }
        });
        located.collect()
    }

    /// Writes one line: `FILE:LINE:COLUMN: PATH: MESSAGE`.
    pub fn write(&self, out: &mut impl Write) -> io::Result<()> {
        let Self { file, line, column, path, message } = self;
        let colon = if path.is_empty() { "" } else { ": " };
        writeln!(out, "{file}:{line}:{column}: {path}{colon}{message}")
    }
}

/// Reads the documents as one bootstrap: later ones are merged into the first as protobuf merges messages.
pub fn bootstrap(documents: &[Document]) -> Result<Bootstrap, Vec<Defect>> {
    // What %ENVIRONMENT(NAME)% of log formats reads; the proxy does not look at the environment itself.
    embedded_proxy::telemetry::format::set_environment(crate::config::env::variable);
    let values: Vec<serde_json::Value> = documents.iter().map(Document::to_json).collect();
    Bootstrap::from_documents(&values)
}

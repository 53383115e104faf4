//! One finding: what, where, how bad, on which object, and how to mend it.

use super::code::{Code, Level};
use super::sentence::sentence;
use crate::manifests::source::{FileId, Place, Span};

/// Bytes in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Location {
    /// The file.
    pub file: FileId,
    /// The bytes.
    pub span: Span,
}

/// The object a finding is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Resource {
    /// `VirtualService`.
    pub kind: String,
    /// Empty for cluster-wide objects and where no namespace is known.
    pub namespace: String,
    /// The name.
    pub name: String,
    /// The cluster, when the input has several.
    pub cluster: Option<String>,
}

/// Istio's form: `Kind namespace/name`, or `Kind name`.
impl std::fmt::Display for Resource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.namespace.is_empty() {
            write!(f, "{} {}", self.kind, self.name)
        } else {
            write!(f, "{} {}/{}", self.kind, self.namespace, self.name)
        }
    }
}

/// Another place that belongs to the finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Related {
    /// Where.
    pub at: Location,
    /// What is there, in a few words.
    pub text: String,
}

/// More places than this help nobody, and a thousand objects in conflict with each other would have a million of them.
pub const MOST_RELATED: usize = 20;

/// A replacement of bytes. All edits of one finding belong together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// The bytes to replace; an empty span inserts.
    pub at: Location,
    /// The new text.
    pub text: String,
}

/// One finding. Built by [`Sink::report`](super::Sink::report), refined by the methods below.
#[derive(Debug, Clone)]
pub struct Diagnostic {
    /// The code.
    pub code: &'static Code,
    /// The level of this finding.
    pub level: Level,
    /// The analyzer that reported it.
    pub analyzer: &'static str,
    /// The object, when there is one.
    pub resource: Option<Resource>,
    /// One or two sentences.
    pub message: String,
    /// The bytes to underline.
    pub at: Option<Location>,
    /// A few words at the underline.
    pub label: Option<String>,
    /// Other places.
    pub related: Vec<Related>,
    /// How to mend it, in words.
    pub help: Option<String>,
    /// A safe edit that mends it.
    pub edits: Vec<Edit>,
}

impl Diagnostic {
    /// Sets another level than the code's.
    pub fn level(&mut self, level: Level) -> &mut Self {
        self.level = level;
        self
    }

    /// Says a few words at the underline.
    pub fn label(&mut self, text: impl Into<String>) -> &mut Self {
        self.label = Some(text.into());
        self
    }

    /// Says how to mend it.
    pub fn help(&mut self, text: impl Into<String>) -> &mut Self {
        self.help = Some(sentence(text.into()));
        self
    }

    /// Adds another place, possibly in another file; [`MOST_RELATED`] at most.
    pub fn related(&mut self, file: FileId, span: Span, text: impl Into<String>) -> &mut Self {
        if self.related.len() == MOST_RELATED {
            return self;
        }
        self.related.push(Related { at: Location { file, span }, text: text.into() });
        self
    }

    /// Adds a safe edit in the finding's own file.
    pub fn replace(&mut self, span: Span, text: impl Into<String>) -> &mut Self {
        if let Some(at) = self.at {
            self.edits.push(Edit { at: Location { file: at.file, span }, text: text.into() });
        }
        self
    }

    /// Adds a safe edit that removes an entry with its key; the applier takes the whole line when nothing else is on it.
    pub fn remove(&mut self, place: Place) -> &mut Self {
        self.replace(place.entry(), "")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostics::Sink;

    #[test]
    fn related_places_end() {
        let mut sink = Sink::default();
        let code = crate::analyzers::registry::codes()[0];
        let finding = sink.report_at(code, FileId(0), Span::default(), "All of them.");
        for _ in 0..MOST_RELATED + 5 {
            finding.related(FileId(0), Span::default(), "this one");
        }
        assert_eq!(finding.related.len(), MOST_RELATED);
    }
}

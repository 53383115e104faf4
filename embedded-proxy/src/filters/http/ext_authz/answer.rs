//! What an authorization service says, whichever protocol it speaks.

use http::StatusCode;
use serde_json::{Map, Value};

use crate::filters::http::edit::Edit;

/// What the service decided.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Outcome {
    /// The request may go on.
    Allowed,
    /// It may not.
    Denied {
        /// Status to answer with.
        status: StatusCode,
        /// Body of the answer.
        body: bytes::Bytes,
    },
    /// The service could not be asked, or its answer cannot be used.
    Error,
}

/// An answer.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Answer {
    pub(super) outcome: Outcome,
    /// Changes of the request, or fields of the denial.
    pub(super) edits: Vec<Edit>,
    /// Fields to remove from the request.
    pub(super) removes: Vec<String>,
    /// Changes of the response.
    pub(super) response: Vec<Edit>,
    /// Query parameters to set and to remove.
    pub(super) query: (Vec<(String, String)>, Vec<String>),
    /// Dynamic metadata.
    pub(super) metadata: Map<String, Value>,
}

impl Answer {
    /// An answer without anything else.
    pub(super) fn of(outcome: Outcome) -> Self {
        Self {
            outcome,
            edits: Vec::new(),
            removes: Vec::new(),
            response: Vec::new(),
            query: (Vec::new(), Vec::new()),
            metadata: Map::new(),
        }
    }

    /// A refusal.
    pub(super) fn denied(status: StatusCode, body: bytes::Bytes) -> Self {
        Self::of(Outcome::Denied { status, body })
    }

    /// Whether it changes what routes look at.
    pub(super) fn changes_request(&self) -> bool {
        let query = !self.query.0.is_empty() || !self.query.1.is_empty();
        query || !self.edits.is_empty() || !self.removes.is_empty()
    }

    /// Whether all changes are valid HTTP.
    pub(super) fn is_valid(&self) -> bool {
        self.edits.iter().chain(&self.response).all(Edit::is_valid)
    }
}

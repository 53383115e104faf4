//! Conditions of HTTP routes.

use super::{ClientMatch, Name, Origin, PathMatch, TextMatch};

/// Conditions that must all hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HttpMatch {
    /// Where it is declared.
    pub origin: Origin,
    /// Name of the condition, may be empty.
    pub name: Name,
    /// Path.
    pub path: Option<PathMatch>,
    /// Method.
    pub method: Option<TextMatch>,
    /// Scheme.
    pub scheme: Option<TextMatch>,
    /// Host header.
    pub authority: Option<TextMatch>,
    /// Headers.
    pub headers: Vec<NamedMatch>,
    /// Query parameters.
    pub query: Vec<NamedMatch>,
    /// Claims of a validated token. The name is the path of the claim, its parts separated by dots.
    pub claims: Vec<NamedMatch>,
    /// Port that the request came to.
    pub port: Option<u16>,
    /// Who asks. Decided per client, not per request.
    pub client: ClientMatch,
}

/// A condition on something with a name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NamedMatch {
    /// Name; of headers in lower case.
    pub name: Name,
    /// The comparison.
    pub test: TextMatch,
    /// It must not hold.
    pub invert: bool,
}

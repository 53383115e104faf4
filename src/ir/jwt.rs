//! Tokens that servers accept.

use std::time::Duration;

use super::{Name, Origin, Scope};

/// Tokens that some servers accept. A request with a token that no rule of any policy accepts is refused; one without a
/// token passes (whether it may is up to the access policies).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JwtPolicy {
    /// Where it is declared.
    pub origin: Origin,
    /// Whose servers.
    pub scope: Scope,
    /// Issuers.
    pub rules: Vec<JwtRule>,
}

/// Tokens of one issuer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JwtRule {
    /// Where it is declared.
    pub origin: Origin,
    /// Issuer.
    pub issuer: Name,
    /// Audiences, one of which the token must have; empty means any.
    pub audiences: Vec<Name>,
    /// Where the keys are.
    pub keys: JwtKeys,
    /// Headers with the token, and what stands before it.
    pub headers: Vec<(Name, Name)>,
    /// Query parameters with the token.
    pub params: Vec<Name>,
    /// Cookies with the token.
    pub cookies: Vec<Name>,
    /// Leave the token in the request.
    pub forward: bool,
    /// Header that gets the payload in base64.
    pub payload_header: Option<Name>,
    /// Headers that get claims: header and claim.
    pub claim_headers: Vec<(Name, Name)>,
    /// Claims whose text is a list with spaces, beside `scope` and `permission`.
    pub spaced_claims: Vec<Name>,
    /// Time to fetch the keys.
    pub timeout: Option<Duration>,
    /// Refuse requests without this token.
    pub required: bool,
}

/// Where the keys of an issuer are.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum JwtKeys {
    /// Here, as a JWK set.
    Inline(Name),
    /// At this URI.
    Uri(Name),
    /// To be found through the issuer's OpenID configuration.
    Discover,
}

//! RequestAuthentication: which JSON web tokens are valid for a workload.

use super::rules::DURATION;
use super::selector::{PolicyTargetReference, WorkloadSelector};
use crate::manifests::tree::Node;
use crate::schema::{At, List, Period, Text};
use crate::{choice, message};

message! {
    /// The tokens that a workload checks. Requests without a token still pass: an AuthorizationPolicy must demand one.
    pub struct RequestAuthentication {
        /// The workloads; without any attachment all of the namespace.
        selector: Option<WorkloadSelector> = "selector",
        /// The object that the policy is attached to.
        target_ref: Option<PolicyTargetReference> = "targetRef",
        /// The objects that the policy is attached to.
        target_refs: List<PolicyTargetReference> = "targetRefs" [MaxItems(16)],
        /// The issuers whose tokens are checked.
        jwt_rules: List<JwtRule> = "jwtRules" [MaxItems(4096)],
    }
    rules [AtMostOne(&["selector", "targetRef", "targetRefs"])]
}

message! {
    /// One issuer, its keys, and where its tokens are found in a request.
    pub struct JwtRule {
        /// The `iss` claim of valid tokens.
        issuer: Option<Text> = "issuer" [MinLen(1)],
        /// Accepted `aud` claims; none means any.
        audiences: List<Text> = "audiences" [Each(&MinLen(1))],
        /// Where the keys are fetched from.
        jwks_uri: Option<Text> = "jwksUri" [MinLen(1), MaxLen(2048), Test(URI_CEL, URI_CLAUSE, is_http)],
        /// The same under its protobuf name.
        jwks_uri_proto: Option<Text> = "jwks_uri" [MinLen(1), MaxLen(2048), Test(URI_CEL, URI_CLAUSE, is_http)],
        /// The keys themselves, a JSON web key set.
        jwks: Option<Text> = "jwks",
        /// Headers to look for a token in.
        from_headers: List<JwtHeader> = "fromHeaders",
        /// Query parameters to look for a token in.
        from_params: List<Text> = "fromParams" [Each(&MinLen(1))],
        /// Cookies to look for a token in.
        from_cookies: List<Text> = "fromCookies" [Each(&MinLen(1))],
        /// A header that carries the checked payload to the application.
        output_payload_to_header: Option<Text> = "outputPayloadToHeader",
        /// True keeps the token in the request to the application.
        forward_original_token: Option<At<bool>> = "forwardOriginalToken",
        /// Claims to copy into headers.
        output_claim_to_headers: List<ClaimToHeader> = "outputClaimToHeaders",
        /// How long a fetch of the keys may take.
        timeout: Option<At<Period>> = "timeout" [DURATION],
        /// Claims that hold several values with spaces between.
        space_delimited_claims: List<Text> = "spaceDelimitedClaims" [MaxItems(64), Each(&MinLen(1))],
        /// Whether a request must carry a token.
        presence: Option<At<JwtPresence>> = "presence",
    }
    rules [AtMostOne(&["jwks", "jwksUri", "jwks_uri"])]
}

impl JwtRule {
    /// The key set's address under either of its names.
    pub fn jwks_uri(&self) -> Option<&Text> {
        self.jwks_uri.as_ref().or(self.jwks_uri_proto.as_ref())
    }
}

choice! {
    /// Whether a request must carry a token.
    pub enum JwtPresence {
        /// As the mesh decides.
        Unspecified = "UNSPECIFIED",
        /// Requests without a token pass.
        Optional = "OPTIONAL",
        /// Requests without a token are refused.
        Required = "REQUIRED",
    }
}

message! {
    /// A header that may hold a token.
    pub struct JwtHeader {
        /// Name of the header.
        name: Option<Text> = "name" [Required, MinLen(1)],
        /// What stands before the token, as `Bearer `.
        prefix: Option<Text> = "prefix",
    }
}

message! {
    /// A claim that becomes a header.
    pub struct ClaimToHeader {
        /// Name of the header.
        header: Option<Text> = "header" [
            Required,
            MinLen(1),
            Test("self.matches('^[-_A-Za-z0-9]+$')", "must be a header name of letters, digits, `-` and `_`", is_plain_header),
        ],
        /// Name of the claim; dots lead into nested claims.
        claim: Option<Text> = "claim" [Required, MinLen(1)],
    }
}

const URI_CEL: &str = "url(self).getScheme() in [\"http\", \"https\"]";
const URI_CLAUSE: &str = "must be an address that starts with http:// or https://";

fn is_http(node: &Node) -> bool {
    node.as_str().is_none_or(|uri| uri.starts_with("http://") || uri.starts_with("https://"))
}

fn is_plain_header(node: &Node) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    node.as_str().is_none_or(|name| name.bytes().all(plain))
}

//! One issuer.

use envoy_types::pb::envoy::extensions::filters::http::jwt_authn::v3::{
    JwtClaimToHeader, JwtHeader, JwtProvider, jwt_provider::NormalizePayload,
};

use super::keys;
use crate::ir::JwtRule;
use crate::xds::View;

/// The provider of a rule.
pub fn of(view: &View<'_>, rule: &JwtRule) -> JwtProvider {
    let texts = |list: &[crate::ir::Name]| list.iter().map(ToString::to_string).collect::<Vec<_>>();
    let mut spaced = vec!["scope".to_owned(), "permission".to_owned()];
    spaced.extend(texts(&rule.spaced_claims));
    spaced.dedup();
    JwtProvider {
        issuer: rule.issuer.to_string(),
        audiences: texts(&rule.audiences),
        forward: rule.forward,
        from_headers: rule
            .headers
            .iter()
            .map(|(name, prefix)| JwtHeader { name: name.to_string(), value_prefix: prefix.to_string() })
            .collect(),
        from_params: texts(&rule.params),
        from_cookies: texts(&rule.cookies),
        forward_payload_header: rule.payload_header.as_deref().unwrap_or_default().to_owned(),
        claim_to_headers: rule
            .claim_headers
            .iter()
            .map(|(header, claim)| JwtClaimToHeader {
                header_name: header.to_string(),
                claim_name: claim.to_string(),
                ..JwtClaimToHeader::default()
            })
            .collect(),
        // Access rules and routes read it there.
        payload_in_metadata: "payload".into(),
        normalize_payload_in_metadata: Some(NormalizePayload { space_delimited_claims: spaced }),
        jwks_source_specifier: Some(keys::source(view, rule)),
        ..JwtProvider::default()
    }
}

//! What is asked of a request: a token that is there must be good; one that must be there is.

use envoy_types::pb::envoy::extensions::filters::http::jwt_authn::v3::{
    JwtRequirement, JwtRequirementAndList, JwtRequirementOrList, jwt_requirement::RequiresType,
};
use envoy_types::pb::google::protobuf::Empty;

use super::name;
use crate::ir::JwtRule;

/// The requirement of all rules. A good token of any issuer is enough, since issuers may share the place where tokens
/// stand; without that, each place has a good token or none.
pub fn of(rules: &[&JwtRule]) -> JwtRequirement {
    let providers = (0..rules.len()).map(|at| is(RequiresType::ProviderName(name(at))));
    let providers: Vec<JwtRequirement> = providers.collect();
    let required = rules.iter().zip(&providers).filter(|(rule, _)| rule.required).map(|(_, provider)| provider.clone());
    let required: Vec<JwtRequirement> = required.collect();
    if !required.is_empty() {
        return all(required);
    }
    let or_none = |provider: &JwtRequirement| any(vec![provider.clone(), missing()]);
    match providers.as_slice() {
        [one] => or_none(one),
        many => {
            let each = all(many.iter().map(or_none).collect());
            any(many.iter().cloned().chain([each]).collect())
        }
    }
}

fn is(kind: RequiresType) -> JwtRequirement {
    JwtRequirement { requires_type: Some(kind) }
}

fn missing() -> JwtRequirement {
    is(RequiresType::AllowMissing(Empty {}))
}

fn any(requirements: Vec<JwtRequirement>) -> JwtRequirement {
    is(RequiresType::RequiresAny(JwtRequirementOrList { requirements }))
}

/// Envoy wants at least two in a list.
fn all(mut requirements: Vec<JwtRequirement>) -> JwtRequirement {
    if requirements.len() == 1 {
        return requirements.remove(0);
    }
    is(RequiresType::RequiresAll(JwtRequirementAndList { requirements }))
}

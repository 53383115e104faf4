//! From the metadata of resources, and from names of rules, to the lines that they come from.

use std::collections::BTreeMap;

use serde_json::Value;

use super::report::At;
use crate::ir::{Mesh, Origin};
use crate::xds::api_path;

/// What `istio.config` and `meshctl.field` of resource metadata say.
pub fn of_metadata(mesh: &Mesh, metadata: &BTreeMap<String, Value>) -> Option<At> {
    let path = metadata.get("istio")?.get("config")?.as_str()?;
    let field = metadata.get("meshctl").and_then(|own| own.get("field")).and_then(Value::as_str).unwrap_or_default();
    let found = routes(mesh).filter(|origin| is_of(origin, path));
    let mut whole = None;
    for origin in found {
        if *origin.field == *field {
            return At::of(origin);
        }
        whole = whole.or(Some(origin));
    }
    // The object is there, the field is none of a node: its name is still worth telling.
    let mut at = whole.and_then(At::of).unwrap_or_else(|| At { object: path.to_owned(), ..unknown() });
    field.clone_into(&mut at.field);
    Some(at)
}

fn unknown() -> At {
    At { object: String::new(), field: String::new(), place: String::new() }
}

fn is_of(origin: &Origin, path: &str) -> bool {
    origin.object.as_ref().is_some_and(|object| api_path(object) == path)
}

/// The origins of everything that becomes a route.
fn routes(mesh: &Mesh) -> impl Iterator<Item = &Origin> {
    mesh.http_routes.iter().flat_map(|set| {
        let rules = set.rules.iter().flat_map(|rule| {
            std::iter::once(&rule.origin).chain(rule.matches.iter().map(|condition| &condition.origin))
        });
        rules.chain([&set.origin])
    })
}

/// The rule of an access policy that the data plane calls `ns[NAMESPACE]-policy[NAME]-rule[INDEX]`.
pub fn of_rule(mesh: &Mesh, name: &str) -> Option<At> {
    let (namespace, policy, rule) = parse_rule(name)?;
    let of_policy = |origin: &Origin| {
        origin.object.as_ref().is_some_and(|object| *object.namespace == *namespace && *object.name == *policy)
    };
    let policy = mesh.authz.iter().find(|candidate| of_policy(&candidate.origin))?;
    let origin = policy.rules.get(rule).map_or(&policy.origin, |rule| &rule.origin);
    At::of(origin)
}

fn parse_rule(name: &str) -> Option<(&str, &str, usize)> {
    let (namespace, rest) = name.strip_prefix("ns[")?.split_once("]-policy[")?;
    let (policy, rest) = rest.split_once("]-rule[")?;
    let digits = rest.split(']').next()?;
    Some((namespace, policy, digits.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_rules_are_read() {
        assert_eq!(parse_rule("ns[shop]-policy[allow-web]-rule[2]"), Some(("shop", "allow-web", 2)));
        assert_eq!(parse_rule("istio-ext-authz"), None);
        assert_eq!(parse_rule("ns[a]-policy[b]-rule[x]"), None);
    }
}

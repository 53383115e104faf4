//! The namespaces whose routes may attach to a listener.

use crate::dialects::gateway_api::types::{AllowedRoutes, LabelCondition, NamespaceSelector};
use crate::dialects::lower::context::Context;
use crate::ir::{Name, Visibility};
use crate::schema::values::text_or_empty;
use crate::schema::{Map, Text};

/// Label that the API server gives every namespace.
const NAME: &str = "kubernetes.io/metadata.name";

/// Those that may attach: the gateway's own when nothing is said, none when it cannot be understood.
pub fn of(cx: &Context<'_>, allowed: Option<&AllowedRoutes>) -> Visibility {
    let said = allowed.and_then(|allowed| allowed.namespaces.as_ref());
    match said.and_then(|said| said.from.as_ref()).map_or("Same", Text::as_str) {
        "All" => Visibility::Everywhere,
        "Same" => Visibility::In([Name::from(cx.namespace())].into()),
        "Selector" => {
            let Some(selector) = said.and_then(|said| said.selector.as_ref()) else {
                return Visibility::In([].into());
            };
            let all = cx.input.model.namespaces.iter();
            let fits = all.filter(|object| selects(selector, object.meta.name(), &object.meta.labels));
            Visibility::In(fits.map(|object| object.meta.name().into()).collect())
        }
        _ => Visibility::In([].into()),
    }
}

fn selects(selector: &NamespaceSelector, name: &str, labels: &Map<Text>) -> bool {
    let value = |key: &str| labels.text(key).or((key == NAME).then_some(name));
    selector.match_labels.pairs().all(|(key, wanted)| value(key) == Some(wanted))
        && selector
            .match_expressions
            .iter()
            .all(|condition| holds(condition, value(text_or_empty(condition.key.as_ref()))))
}

fn holds(condition: &LabelCondition, value: Option<&str>) -> bool {
    match condition.operator.as_ref().map_or("", Text::as_str) {
        "In" => value.is_some_and(|value| condition.values.has(value)),
        "NotIn" => value.is_none_or(|value| !condition.values.has(value)),
        "Exists" => value.is_some(),
        "DoesNotExist" => value.is_none(),
        _ => false,
    }
}

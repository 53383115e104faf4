//! Label selectors of Kubernetes: `matchLabels` and `matchExpressions` against labels.

use crate::dialects::kubernetes::types::{LabelRequirement, LabelSelector};
use crate::schema::{Map, Text, values::text_or_empty};

/// True when the labels fit a selector. No selector fits everything; an operator that does not exist fits nothing.
pub fn matches(selector: Option<&LabelSelector>, labels: &Map<Text>) -> bool {
    selector.is_none_or(|selector| {
        selector.match_labels.selects(labels) && selector.match_expressions.iter().all(|one| holds(one, labels))
    })
}

fn holds(requirement: &LabelRequirement, labels: &Map<Text>) -> bool {
    let value = labels.text(text_or_empty(requirement.key.as_ref()));
    match text_or_empty(requirement.operator.as_ref()) {
        "In" => value.is_some_and(|value| requirement.values.has(value)),
        "NotIn" => value.is_none_or(|value| !requirement.values.has(value)),
        "Exists" => value.is_some(),
        "DoesNotExist" => value.is_none(),
        _ => false,
    }
}

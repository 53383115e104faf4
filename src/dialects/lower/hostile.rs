//! Input that nobody meant: fixtures with parts taken away, doubled or replaced.

use proptest::prelude::*;

use super::tests::mesh;
use crate::ir::Stage;

const FIXTURES: &[&str] = &[
    include_str!("../../../tests/mesh/bookinfo/services.yaml"),
    include_str!("../../../tests/mesh/peer_authentication/all.yaml"),
    include_str!("../../../tests/mesh/authorization_policy/all.yaml"),
    include_str!("../../../tests/mesh/request_authentication/all.yaml"),
    include_str!("../../../tests/mesh/gateway/all.yaml"),
    include_str!("../../../tests/mesh/sidecar/all.yaml"),
    include_str!("../../../tests/mesh/telemetry/all.yaml"),
    include_str!("../../../tests/mesh/mesh_config/all.yaml"),
    include_str!("../../../tests/mesh/envoy_filter/all.yaml"),
    include_str!("../../../tests/mesh/consul/intentions.yaml"),
    include_str!("../../../tests/mesh/linkerd/servers.yaml"),
    include_str!("../../../tests/mesh/smi/targets.yaml"),
];

/// What takes the place of something.
const WORDS: &[&str] = &[
    "",
    "~",
    "{}",
    "[]",
    "5",
    "-1",
    "99999999999999999999",
    "true",
    "\"\"",
    "\"*\"",
    "[",
    "ä",
    "\u{0}",
    "*/",
    "/",
    "[[]]",
    "{a: {b: c}}",
    "\"request.headers[\"",
    "\"a][b\"",
    "1e999",
    "::1/999",
];

/// A place in a text, not within a character.
fn place(text: &str, at: usize) -> usize {
    let mut at = at % (text.len() + 1);
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

fn change(text: &mut String, at: usize, length: usize, word: usize) {
    let start = place(text, at);
    let end = place(text, start + length.min(text.len() - start)).max(start);
    text.replace_range(start..end, WORDS[word % WORDS.len()]);
}

/// An ALLOW policy with a good rule, one of whose other parts is a text that nobody meant.
fn policy(action: &str, part: &str) -> String {
    format!(
        "apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {{name: p, namespace: n}}\nspec:\n  action: {action}\n  rules:\n  - from:\n    - source:\n        principals: {part}\n"
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn lowering_never_panics(
        fixture in 0..FIXTURES.len(),
        changes in prop::collection::vec((any::<usize>(), 0..40usize, any::<usize>()), 1..6),
    ) {
        let mut text = FIXTURES[fixture].to_owned();
        for (at, length, word) in changes {
            change(&mut text, at, length, word);
        }
        let first = mesh(&text);
        prop_assert!(first == mesh(&text), "the same each time");
    }

    /// Whatever stands where principals are wanted: nothing but texts in a list gives a rule that lets somebody pass.
    #[test]
    fn nobody_passes_by_accident(part in "[\\[\\]{}a-z5~\"*, ]{0,12}") {
        for policy in mesh(&policy("ALLOW", &part)).authz.iter().filter(|policy| policy.stage == Stage::Allow) {
            for rule in &policy.rules {
                prop_assert!(!rule.from.is_empty(), "{part:?} lets everybody pass");
                prop_assert!(rule.from.iter().all(|clauses| !clauses.is_empty()), "{part:?} lets everybody pass");
            }
        }
    }
}

#[test]
fn values_of_every_type_refuse_more() {
    for part in ["5", "{a: b}", "[5]", "[a, 5]", "[[a]]", "true", "a", "[]", "[\"\"]", "[~]", "~"] {
        let mesh = mesh(&policy("DENY", part));
        assert_eq!((mesh.authz[0].stage.clone(), mesh.authz[0].rules.len()), (Stage::Deny, 1), "{part}");
        assert!(mesh.authz[0].rules[0].from.is_empty(), "{part}: {:?}", mesh.authz[0].rules);
    }
}

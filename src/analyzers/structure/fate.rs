//! What happens to a field that a kind does not have, kind by kind.

use crate::dialects::object::Meta;

/// One sentence on what becomes of an unknown field of this object.
pub(super) fn of(meta: &Meta, path: &str) -> &'static str {
    match meta.kind {
        // Embedded in text, so the API server never sees the field.
        "ConfigMap" if path.starts_with("data") => "The control plane ignores it without a word.",
        "IstioOperator" => "`istioctl install` refuses the file; with --force the field has no effect.",
        "MeshConfig" | "MeshNetworks" => "The control plane ignores it without a word.",
        _ => {
            "`kubectl apply` refuses the object; Helm, Argo CD and servers without strict validation drop the field and \
             apply the rest."
        }
    }
}

/// For kinds that guard access: what the loss of a field may open. Nothing for other kinds.
pub(super) fn access(meta: &Meta, path: &str) -> Option<&'static str> {
    let in_rule = path.contains("rules[");
    Some(match (meta.group, meta.kind) {
        ("security.istio.io", "AuthorizationPolicy") if in_rule => {
            "Without it the rule matches more requests than it says."
        }
        ("security.istio.io", "AuthorizationPolicy") => "Without it the policy may cover other workloads or requests.",
        ("security.istio.io", "PeerAuthentication") => "Without it mutual TLS may not be required where you expect it.",
        ("security.istio.io", "RequestAuthentication") => "Without it tokens may be accepted that you want refused.",
        ("policy.linkerd.io", _) => "Without it the policy may let in more clients than it says.",
        ("networking.k8s.io", "NetworkPolicy") => "Without it the policy may let in more traffic than it says.",
        ("consul.hashicorp.com", "ServiceIntentions") => "Without it the intention may allow more than it says.",
        _ => return None,
    })
}

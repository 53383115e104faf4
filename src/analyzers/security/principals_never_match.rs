//! Identities in a policy for ports where no client has one (IST9103).

use crate::analyzers::context::Context;
use crate::analyzers::registry::Analyzer;
use crate::analyzers::shared::mutual_tls::PeerPolicies;
use crate::analyzers::shared::policy_scope;
use crate::declare_code;
use crate::diagnostics::Sink;
use crate::dialects::istio::types::{
    AuthorizationAction, AuthorizationPolicy, AuthorizationRule, MutualTlsMode, PeerAuthentication,
};
use crate::dialects::object::Object;
use crate::manifests::source::Span;

declare_code! {
    /// Identities where no client has one
    ///
    /// ## Why
    ///
    /// `principals`, `namespaces` and `serviceAccounts` are compared with the certificate of the client. The workload (or the
    /// port) has mutual TLS off, so there is no certificate, and the rule never fits: an ALLOW rule lets nobody in, a DENY
    /// rule stops nobody.
    ///
    /// ## Bad
    ///
    /// ```yaml
    /// apiVersion: security.istio.io/v1
    /// kind: PeerAuthentication
    /// metadata:
    ///   name: web
    /// spec:
    ///   selector:
    ///     matchLabels:
    ///       app: web
    ///   mtls:
    ///     mode: DISABLE
    /// ---
    /// apiVersion: security.istio.io/v1
    /// kind: AuthorizationPolicy
    /// metadata:
    ///   name: web
    /// spec:
    ///   selector:
    ///     matchLabels:
    ///       app: web
    ///   rules:
    ///   - from:
    ///     - source:
    ///         namespaces: [shop] # never fits
    /// ```
    ///
    /// ## Good
    ///
    /// ```yaml
    /// apiVersion: security.istio.io/v1
    /// kind: PeerAuthentication
    /// metadata:
    ///   name: web
    /// spec:
    ///   selector:
    ///     matchLabels:
    ///       app: web
    ///   mtls:
    ///     mode: STRICT
    /// ---
    /// apiVersion: security.istio.io/v1
    /// kind: AuthorizationPolicy
    /// metadata:
    ///   name: web
    /// spec:
    ///   selector:
    ///     matchLabels:
    ///       app: web
    ///   rules:
    ///   - from:
    ///     - source:
    ///         namespaces: [shop]
    /// ```
    ///
    /// ## Fix
    ///
    /// Turn mutual TLS on for the workload or port, or match addresses (`ipBlocks`) instead of identities.
    pub PRINCIPALS_NEVER_MATCH = "IST9103", "PrincipalsNeverMatch", Error
}

/// Reports identities in rules for plaintext ports.
pub static ANALYZER: Analyzer = Analyzer {
    name: "security.PrincipalsNeverMatch",
    summary: "Policies compare identities only where mutual TLS is on",
    codes: &[&PRINCIPALS_NEVER_MATCH],
    run,
    default: true,
};

fn run(cx: &Context<'_>, sink: &mut Sink) {
    let peers = PeerPolicies::new(cx);
    for policy in &cx.authorization_policies {
        if policy.spec.action() == AuthorizationAction::Custom
            || policy_scope::has_targets(policy.spec.target_ref.as_ref(), &policy.spec.target_refs)
        {
            continue;
        }
        for rule in &policy.spec.rules {
            if let Some((peer, place)) = plaintext(cx, &peers, policy, rule) {
                check(policy, rule, peer, place, sink);
            }
        }
    }
}

fn check(
    policy: &Object<AuthorizationPolicy>,
    rule: &AuthorizationRule,
    peer: &Object<PeerAuthentication>,
    place: Span,
    sink: &mut Sink,
) {
    for source in rule.from.iter().filter_map(|from| from.source.as_ref()) {
        let lists = [
            ("principals", &source.principals),
            ("namespaces", &source.namespaces),
            ("serviceAccounts", &source.service_accounts),
        ];
        for (name, list) in lists.into_iter().filter(|(_, list)| !list.is_empty()) {
            let span = list.place.map_or(source.place.span(), |place| place.key_span(name));
            sink.report(
                &PRINCIPALS_NEVER_MATCH,
                &policy.meta,
                span,
                format!(
                    "`{name}` never match: PeerAuthentication {} has mutual TLS off here, so no client has an identity.",
                    peer.meta.full_name()
                ),
            )
            .label("compared with a certificate that no client has")
            .help("turn mutual TLS on, or match addresses with `ipBlocks`")
            .related(peer.meta.file, place, "mutual TLS is off");
        }
    }
}

/// The PeerAuthentication that has mutual TLS off for everything that the rule is about, and where it says so.
fn plaintext<'m>(
    cx: &Context<'m>,
    peers: &PeerPolicies<'m>,
    policy: &Object<AuthorizationPolicy>,
    rule: &AuthorizationRule,
) -> Option<(&'m Object<PeerAuthentication>, Span)> {
    let labels = policy_scope::labels(policy.spec.selector.as_ref());
    let namespace = policy_scope::namespace(cx, &policy.meta)?;
    let peer = if labels.is_empty() {
        // A policy for a whole namespace also holds for workloads that have their own setting.
        if peers.any_by_selector(namespace) {
            return None;
        }
        peers.of_namespace(namespace)?.by
    } else {
        peers.of_workload(namespace, labels).or_else(|| peers.of_namespace(namespace).map(|found| found.by))?
    };
    let found = peers.of_policy(peer);
    let off = found.filter(|found| found.mode == MutualTlsMode::Disable);
    let off_at = off.and_then(|f| f.by.spec.mtls.as_ref()?.mode.as_ref().map(|mode| (f.by, mode.span())));
    let port_off = |port: &str| {
        let own = peer.spec.port_level_mtls.entry(port).and_then(|(_, tls)| tls.mode);
        match own {
            Some(mode) if mode.value == MutualTlsMode::Disable => Some((peer, mode.span())),
            Some(mode) if mode.value != MutualTlsMode::Unset => None,
            _ => off_at,
        }
    };
    let operations: Vec<_> = rule.to.iter().filter_map(|to| to.operation.as_ref()).collect();
    let every_port_named = !operations.is_empty() && operations.iter().all(|operation| !operation.ports.is_empty());
    if every_port_named {
        let mut ports = operations.iter().flat_map(|operation| &operation.ports);
        let first = port_off(ports.next()?.as_str())?;
        return ports.all(|port| port_off(port.as_str()).is_some()).then_some(first);
    }
    // Without ports the rule is about all: some port with mutual TLS is enough for it to fit.
    let some_port_on = peer.spec.port_level_mtls.iter().any(|(port, _)| port_off(port.as_str()).is_none());
    off_at.filter(|_| !some_port_on)
}

//! istiod may fetch token keys from any address (IST0175).

use crate::analyzers::context::Context;
use crate::analyzers::registry::Analyzer;
use crate::declare_code;
use crate::diagnostics::Sink;

declare_code! {
    /// istiod may fetch token keys from any address
    ///
    /// ## Why
    ///
    /// The control plane itself fetches the key set that a RequestAuthentication names in `jwksUri`. Whoever may create such
    /// an object can make it call addresses inside the cluster, unless istiod is told which ranges are off limits.
    ///
    /// ## Bad
    ///
    /// ```yaml
    /// apiVersion: apps/v1
    /// kind: Deployment
    /// metadata:
    ///   name: istiod
    ///   namespace: istio-system
    ///   labels:
    ///     app: istiod
    /// spec:
    ///   template:
    ///     spec:
    ///       containers:
    ///       - name: discovery # no BLOCKED_CIDRS_IN_JWKS_URIS
    /// ```
    ///
    /// ## Good
    ///
    /// ```yaml
    /// apiVersion: apps/v1
    /// kind: Deployment
    /// metadata:
    ///   name: istiod
    ///   namespace: istio-system
    ///   labels:
    ///     app: istiod
    /// spec:
    ///   template:
    ///     spec:
    ///       containers:
    ///       - name: discovery
    ///         env:
    ///         - name: BLOCKED_CIDRS_IN_JWKS_URIS
    ///           value: 10.0.0.0/8,172.16.0.0/12,192.168.0.0/16
    /// ```
    ///
    /// ## Fix
    ///
    /// Set the variable to the ranges of the cluster's pods, Services and nodes. With Helm: `pilot.env` of the values.
    pub JWKS_FETCH_UNRESTRICTED = "IST0175", "JwksUriFetchUnrestricted", Warning
}

const VARIABLE: &str = "BLOCKED_CIDRS_IN_JWKS_URIS";
/// More names would only lengthen the message.
const NAMES: usize = 5;

/// Reports an istiod without blocked ranges beside RequestAuthentications.
pub static ANALYZER: Analyzer = Analyzer {
    name: "authn.BlockedCIDRsAnalyzer",
    summary: "istiod blocks address ranges when it fetches keys for RequestAuthentications",
    codes: &[&JWKS_FETCH_UNRESTRICTED],
    run,
    default: true,
};

fn run(cx: &Context<'_>, sink: &mut Sink) {
    let policies = &cx.request_authentications;
    if policies.is_empty() {
        return;
    }
    let istiods = cx.deployments.iter().filter(|deployment| deployment.meta.labels.text("app") == Some("istiod"));
    for istiod in istiods {
        let template = istiod.spec.spec.as_ref().and_then(|spec| spec.template.as_ref());
        let pod = template.and_then(|template| template.spec.as_ref());
        let env = pod.into_iter().flat_map(|pod| &pod.containers).flat_map(|container| &container.env);
        let mut names = env.filter_map(|variable| variable.name.as_ref());
        if names.any(|name| name.as_str() == VARIABLE) {
            continue;
        }
        let mut listed: Vec<String> = policies.iter().take(NAMES).map(|policy| policy.meta.full_name()).collect();
        if policies.len() > NAMES {
            listed.push("...".to_owned());
        }
        let diagnostic = sink.report(
            &JWKS_FETCH_UNRESTRICTED,
            &istiod.meta,
            istiod.meta.name_span(),
            format!(
                "{VARIABLE} is not set, and {} RequestAuthentications ({}) make istiod fetch keys.",
                policies.len(),
                listed.join(", ")
            ),
        );
        diagnostic
            .label("may call any address")
            .help(format!("set {VARIABLE} to the ranges that istiod must not call when it fetches keys"));
        for policy in policies.iter().take(NAMES) {
            let uri = policy.spec.jwt_rules.iter().find_map(|rule| rule.jwks_uri());
            let span = uri.map_or_else(|| policy.meta.name_span(), crate::schema::values::At::span);
            diagnostic.related(policy.meta.file, span, "makes istiod fetch keys");
        }
    }
}

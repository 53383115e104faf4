//! IST0149: routes by claims of a token that nothing checks at the gateway.

use super::gateway::reference;
use crate::analyzers::context::{Context, Workload};
use crate::analyzers::registry::Analyzer;
use crate::analyzers::schema::shared::headers::is_claim;
use crate::declare_code;
use crate::diagnostics::Sink;
use crate::dialects::istio::types::{RequestAuthentication, VirtualService};
use crate::dialects::object::Object;
use crate::schema::Text;

declare_code! {
    /// Routes by token claims without a check of tokens
    ///
    /// ## Why
    ///
    /// Claims are only known where a RequestAuthentication has checked the token. Without one on the gateway's pods the
    /// condition never holds, and the requests take another route.
    ///
    /// ## Bad
    ///
    /// ```yaml
    /// apiVersion: networking.istio.io/v1
    /// kind: VirtualService
    /// metadata:
    ///   name: web
    /// spec:
    ///   hosts: [web.example.com]
    ///   gateways: [web]
    ///   http:
    ///   - match:
    ///     - headers:
    ///         "@request.auth.claims.group":
    ///           exact: admin
    ///     route:
    ///     - destination:
    ///         host: admin
    /// ```
    ///
    /// ## Good
    ///
    /// ```yaml
    /// apiVersion: security.istio.io/v1
    /// kind: RequestAuthentication
    /// metadata:
    ///   name: tokens
    ///   namespace: istio-system
    /// spec:
    ///   selector:
    ///     matchLabels:
    ///       istio: ingressgateway
    ///   jwtRules:
    ///   - issuer: https://issuer.example.com
    /// ```
    ///
    /// ## Fix
    ///
    /// Add a RequestAuthentication that selects the pods of the gateway.
    pub CLAIM_ROUTE_WITHOUT_AUTHENTICATION = "IST0149", "JwtClaimBasedRoutingWithoutRequestAuthN", Error
}

/// Checks routes by claims.
pub static ANALYZER: Analyzer = Analyzer {
    name: "virtualservice.JWTClaimRouteAnalyzer",
    summary: "Routes by token claims have a RequestAuthentication on their gateway",
    codes: &[&CLAIM_ROUTE_WITHOUT_AUTHENTICATION],
    run,
    default: true,
};

fn run(cx: &Context<'_>, sink: &mut Sink) {
    for object in &cx.virtual_services {
        if let Some(claim) = claim(&object.spec) {
            for gateway in object.spec.gateways.iter().filter(|gateway| gateway.as_str() != "mesh") {
                check(cx, object, gateway, claim, sink);
            }
        }
    }
}

/// The first claim that a route asks for.
fn claim(spec: &VirtualService) -> Option<&Text> {
    let matches = spec.http.iter().flat_map(|route| &route.r#match);
    let names = matches.flat_map(|m| m.headers.iter().chain(m.without_headers.iter()));
    names.map(|(name, _)| name).find(|name| is_claim(name.as_str()))
}

fn check(cx: &Context<'_>, object: &Object<VirtualService>, name: &Text, claim: &Text, sink: &mut Sink) {
    let (namespace, short) = reference(name.as_str(), &object.meta.namespace);
    let found = cx.gateways.iter().find(|g| &*g.meta.namespace == namespace && g.meta.name() == short);
    // A gateway that is missing is the finding of another analyzer.
    let Some(gateway) = found else { return };
    let mut pods = cx.select(None, &gateway.spec.selector).peekable();
    if gateway.spec.selector.is_empty() || pods.peek().is_none() {
        sink.undecided("routes by token claims", "gateway workloads");
        return;
    }
    let open: Vec<&str> = pods.filter(|pod| !is_authenticated(cx, pod)).map(|pod| pod.meta.name()).collect();
    let Some(first) = open.first() else { return };
    sink.report(
        &CLAIM_ROUTE_WITHOUT_AUTHENTICATION,
        &object.meta,
        claim.span(),
        format!(
            "The route asks for {}, but no RequestAuthentication applies to the gateway {} (pod {first}).",
            claim.as_str(),
            gateway.meta.full_name()
        ),
    )
    .label("this never matches")
    .help("add a RequestAuthentication that selects the gateway's pods")
    .related(gateway.meta.file, gateway.meta.name_span(), "the gateway");
}

/// True when a RequestAuthentication of the mesh or of the pod's namespace applies to the pod.
fn is_authenticated(cx: &Context<'_>, pod: &Workload<'_>) -> bool {
    let root = cx.mesh.root_namespace();
    let applies = |policy: &Object<RequestAuthentication>| {
        let here = &*policy.meta.namespace == root || policy.meta.namespace == pod.meta.namespace;
        here && policy.spec.selector.as_ref().is_none_or(|selector| selector.match_labels.selects(pod.labels))
    };
    cx.request_authentications.iter().any(applies)
}

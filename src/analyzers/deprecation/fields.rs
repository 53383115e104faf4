//! IST0002: fields and CRDs that Istio has given up.

use crate::analyzers::codes::DEPRECATED;
use crate::analyzers::context::Context;
use crate::analyzers::registry::Analyzer;
use crate::diagnostics::Sink;
use crate::schema::Text;

/// Finds deprecated fields and removed kinds.
pub static ANALYZER: Analyzer = Analyzer {
    name: "deprecation.DeprecationAnalyzer",
    summary: "Deprecated fields and CRDs that Istio no longer has",
    codes: &[&DEPRECATED],
    run,
    default: true,
};

/// Group and kinds of the authorization API that AuthorizationPolicy replaced in Istio 1.6.
const REMOVED: (&str, &[&str]) =
    ("rbac.istio.io", &["ClusterRbacConfig", "RbacConfig", "ServiceRole", "ServiceRoleBinding"]);

fn run(cx: &Context<'_>, sink: &mut Sink) {
    for service in &cx.virtual_services {
        let delays = service.spec.http.iter().filter_map(|route| route.fault.as_ref()?.delay.as_ref());
        for percent in delays.filter_map(|delay| delay.percent.as_ref()).filter(|percent| percent.value > 0) {
            sink.report(
                &DEPRECATED,
                &service.meta,
                percent.place.entry(),
                "`percent` of a delay is deprecated: use `percentage`, which has fractions too.",
            )
            .help(format!("write `percentage: {{value: {}}}`", percent.value));
        }
    }
    for sidecar in &cx.sidecars {
        let proxy = sidecar.spec.outbound_traffic_policy.as_ref().and_then(|policy| policy.egress_proxy.as_ref());
        if let Some(proxy) = proxy {
            let span = proxy.place.key_span("egressProxy");
            sink.report(&DEPRECATED, &sidecar.meta, span, "`egressProxy` of a Sidecar is deprecated and ignored.")
                .help("send the traffic to an egress gateway with a VirtualService");
        }
    }
    for crd in &cx.custom_resource_definitions {
        let kind = crd.spec.names.as_ref().and_then(|names| names.kind.as_ref());
        let group = crd.spec.group.as_ref().map_or("", Text::as_str);
        if let Some(kind) = kind.filter(|kind| group == REMOVED.0 && REMOVED.1.contains(&kind.as_str())) {
            sink.report(
                &DEPRECATED,
                &crd.meta,
                kind.span(),
                format!("The kind {} of {group} is gone: Istio no longer reads it.", kind.as_str()),
            )
            .help("use AuthorizationPolicy, and delete the CRD when no object of the kind is left");
        }
    }
}

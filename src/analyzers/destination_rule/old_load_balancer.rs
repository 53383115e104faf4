//! IST9004: the old name of a load balancing policy.

use super::policies::policies;
use crate::analyzers::context::Context;
use crate::analyzers::registry::Analyzer;
use crate::declare_code;
use crate::diagnostics::Sink;
use crate::dialects::istio::types::SimpleLb;

declare_code! {
    /// LEAST_CONN, the old name of LEAST_REQUEST
    ///
    /// ## Why
    ///
    /// `LEAST_CONN` never counted connections: it was always the policy that is now called `LEAST_REQUEST`. The old name
    /// is deprecated and will go.
    ///
    /// ## Bad
    ///
    /// ```yaml
    /// apiVersion: networking.istio.io/v1
    /// kind: DestinationRule
    /// metadata:
    ///   name: web
    /// spec:
    ///   host: web
    ///   trafficPolicy:
    ///     loadBalancer:
    ///       simple: LEAST_CONN
    /// ```
    ///
    /// ## Good
    ///
    /// ```yaml
    /// apiVersion: networking.istio.io/v1
    /// kind: DestinationRule
    /// metadata:
    ///   name: web
    /// spec:
    ///   host: web
    ///   trafficPolicy:
    ///     loadBalancer:
    ///       simple: LEAST_REQUEST
    /// ```
    ///
    /// ## Fix
    ///
    /// Write `LEAST_REQUEST`: nothing else changes (`meshctl analyze --fix` does it).
    pub OLD_LOAD_BALANCER = "IST9004", "DeprecatedLoadBalancer", Warning
}

/// Checks the load balancers of every DestinationRule.
pub static ANALYZER: Analyzer = Analyzer {
    name: "destinationrule.DeprecatedLoadBalancer",
    summary: "No load balancer has its old name",
    codes: &[&OLD_LOAD_BALANCER],
    run,
    default: true,
};

fn run(cx: &Context<'_>, sink: &mut Sink) {
    for object in &cx.destination_rules {
        for policy in policies(&object.spec) {
            let simple = policy.load_balancer.and_then(|lb| lb.simple.as_ref());
            if let Some(old) = simple.filter(|simple| simple.value == SimpleLb::LeastConn) {
                sink.report(
                    &OLD_LOAD_BALANCER,
                    &object.meta,
                    old.span(),
                    "LEAST_CONN is the deprecated name of LEAST_REQUEST.",
                )
                .label("old name")
                .help("write `LEAST_REQUEST`; the behaviour stays the same")
                .replace(old.span(), SimpleLb::LeastRequest.word());
            }
        }
    }
}

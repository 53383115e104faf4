//! IST0171: conditions in `status` that say that something does not work.

use crate::analyzers::context::Context;
use crate::analyzers::registry::Analyzer;
use crate::declare_code;
use crate::diagnostics::Sink;
use crate::dialects::object::{Meta, Object};
use crate::manifests::tree::Node;
use crate::schema::Any;

declare_code! {
    /// The object's status says that it does not work
    ///
    /// ## Why
    ///
    /// Controllers write into `status` what they did with an object. A negative condition means that the object is stored
    /// but has no effect, or only a part of it.
    ///
    /// ## Bad
    ///
    /// ```yaml
    /// apiVersion: gateway.networking.k8s.io/v1
    /// kind: HTTPRoute
    /// metadata: {name: shop}
    /// status:
    ///   parents:
    ///   - conditions:
    ///     - type: ResolvedRefs
    ///       status: "False"
    ///       reason: BackendNotFound
    ///       message: backend(cart.shop.svc.cluster.local) not found
    /// ```
    ///
    /// ## Good
    ///
    /// ```yaml
    /// apiVersion: gateway.networking.k8s.io/v1
    /// kind: HTTPRoute
    /// metadata: {name: shop}
    /// status:
    ///   parents:
    ///   - conditions:
    ///     - type: ResolvedRefs
    ///       status: "True"
    ///       reason: ResolvedRefs
    ///       message: All references resolved
    /// ```
    ///
    /// ## Fix
    ///
    /// Follow the condition's message; it is the controller's own.
    pub NEGATIVE_CONDITION = "IST0171", "NegativeConditionStatus", Warning
}

/// Reads the conditions of Services, ServiceEntries, policies, gateways and routes.
pub static ANALYZER: Analyzer = Analyzer {
    name: "conditions.ConditionAnalyzer",
    summary: "Status conditions that say that an object has no effect",
    codes: &[&NEGATIVE_CONDITION],
    run,
    default: true,
};

const WAYPOINT: &[&str] = &["istio.io/WaypointBound"];
const POLICY: &[&str] = &["ZtunnelAccepted", "WaypointAccepted"];
const GATEWAY_API: &[&str] = &["Accepted", "Programmed", "ResolvedRefs"];

fn run(cx: &Context<'_>, sink: &mut Sink) {
    let model = cx.model();
    all(&model.services, WAYPOINT, sink);
    all(&model.service_entries, WAYPOINT, sink);
    all(&model.workload_entries, WAYPOINT, sink);
    all(&model.authorization_policies, POLICY, sink);
    all(&model.kubernetes_gateways, GATEWAY_API, sink);
    all(&model.http_routes, GATEWAY_API, sink);
    all(&model.grpc_routes, GATEWAY_API, sink);
}

fn all<T>(objects: &[Object<T>], types: &[&str], sink: &mut Sink) {
    for object in objects {
        let Some(status) = &object.status else { continue };
        for condition in conditions(status) {
            check(&object.meta, condition, types, sink);
        }
    }
}

/// The conditions of the object itself and, for routes, those of each parent.
fn conditions(status: &Any) -> impl Iterator<Item = &Node> {
    let own = status.node.get("conditions").into_iter();
    let parents = status.node.get("parents").map_or(&[][..], Node::items).iter().filter_map(|p| p.get("conditions"));
    own.chain(parents).flat_map(Node::items)
}

fn check(meta: &Meta, condition: &Node, types: &[&str], sink: &mut Sink) {
    let text = |key: &str| condition.get(key).and_then(Node::as_str).unwrap_or_default();
    let (kind, reason, message) = (text("type"), text("reason"), text("message"));
    let partly = kind == "WaypointAccepted" && reason == "PartiallyInvalid";
    if !types.contains(&kind) || !(text("status") == "False" || partly) {
        return;
    }
    let span = condition.get("type").map_or(condition.span, |node| node.span);
    sink.report(
        &NEGATIVE_CONDITION,
        meta,
        span,
        format!("The status of {} says that {kind} is not so, because of {reason}: {message}", meta.full_name()),
    )
    .help("follow the controller's message; the status is from the time when the object was read");
}

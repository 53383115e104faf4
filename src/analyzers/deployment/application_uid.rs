//! IST0144: applications that run as the proxy's user.

use crate::analyzers::context::{Context, Workload};
use crate::analyzers::registry::Analyzer;
use crate::analyzers::shared::control_plane;
use crate::declare_code;
use crate::diagnostics::Sink;
use crate::schema::{Int, Map, Text};

declare_code! {
    /// An application with the proxy's user id
    ///
    /// ## Why
    ///
    /// Traffic of user 1337 is not redirected to the sidecar: that is how the proxy itself reaches the network. An
    /// application with this user id goes around the mesh, without mutual TLS, policies and telemetry.
    ///
    /// ## Bad
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    /// spec:
    ///   securityContext:
    ///     runAsUser: 1337
    ///   containers: [{name: web, image: "web:1"}]
    /// ```
    ///
    /// ## Good
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    /// spec:
    ///   securityContext:
    ///     runAsUser: 1000
    ///   containers: [{name: web, image: "web:1"}]
    /// ```
    ///
    /// ## Fix
    ///
    /// Choose another user id.
    pub RESERVED_UID = "IST0144", "InvalidApplicationUID", Warning
}

/// Finds applications that run as user 1337.
pub static ANALYZER: Analyzer = Analyzer {
    name: "applicationUID.Analyzer",
    summary: "Applications do not run as the proxy's user",
    codes: &[&RESERVED_UID],
    run,
    default: true,
};

const PROXY_UID: i64 = 1337;

fn run(cx: &Context<'_>, sink: &mut Sink) {
    for workload in &cx.workloads {
        if control_plane::is_control_plane(workload.meta)
            || control_plane::has_istio_label(workload.labels)
            || has_no_sidecar(workload)
        {
            continue;
        }
        if let Some(user) = reserved(workload) {
            let message =
                "User ID 1337 is reserved for the sidecar proxy; traffic of this application bypasses the mesh.";
            sink.report(&RESERVED_UID, workload.meta, user.span(), message)
                .label("the proxy's user")
                .help("Choose another user id for the application.");
        }
    }
}

/// True for pods that get no sidecar by their own word, and for gateways that a controller generates: the proxy is the
/// application there, whatever its container is called.
fn has_no_sidecar(workload: &Workload<'_>) -> bool {
    let says = |map: &Map<Text>| map.text("sidecar.istio.io/inject") == Some("false");
    says(workload.labels)
        || says(workload.annotations)
        || workload.labels.get("gateway.networking.k8s.io/gateway-name").is_some()
}

/// The first place that sets the id, at the pod or at an application container.
fn reserved<'m>(workload: &Workload<'m>) -> Option<&'m Int> {
    let pod = workload.pod?;
    let of_pod = pod.security_context.as_ref().and_then(|context| context.run_as_user.as_ref());
    let applications = pod.containers.iter().filter(|container| {
        container.name.as_ref().is_none_or(|name| !matches!(name.as_str(), "istio-proxy" | "istio-operator"))
    });
    let of_containers = applications.filter_map(|c| c.security_context.as_ref()?.run_as_user.as_ref());
    of_pod.into_iter().chain(of_containers).find(|user| user.value == PROXY_UID)
}

//! The proxy beside a workload: its bootstrap, and its start in this process.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use embedded_proxy::bootstrap::Bootstrap;
use embedded_proxy::identity::{self, Authority, Settings};
use embedded_proxy::proto::Defect;
use embedded_proxy::server::{Options, Server};
use serde_json::{Value, json};
use tokio::task::AbortHandle;

use super::pod::{ADMIN, Pod};
use crate::ir::{Enrolment, Mesh};

/// Lifetime of certificates.
const LIFETIME: Duration = Duration::from_hours(24);
/// Longest time that exchanges in flight have at the end.
const DRAIN: Duration = Duration::from_secs(1);

/// A running proxy. Dropping it ends it, and waits for its threads.
#[derive(Debug)]
pub struct Proxy {
    /// The proxy itself.
    pub server: Server,
    identity: AbortHandle,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.identity.abort();
    }
}

/// Starts the proxy of a pod. `authority` signs its certificate.
pub fn start(
    pod: &Pod,
    mesh: &Mesh,
    control_plane: SocketAddr,
    authority: Arc<dyn Authority>,
) -> Result<Proxy, Vec<Defect>> {
    let bootstrap = Bootstrap::from_documents(&[bootstrap(pod, mesh, control_plane)])?;
    let options = Options { termination_drain: DRAIN, ..Options::default() };
    let server = Server::start(bootstrap, &options)?;
    let settings = Settings {
        id: pod.workload.identity.spiffe(&mesh.settings.trust_domain),
        cluster: String::new(),
        token: None,
        roots: None,
        cluster_id: String::new(),
        lifetime: LIFETIME,
    };
    let kept = identity::keep(Arc::clone(server.services()), Arc::new(settings), authority);
    Ok(Proxy { server, identity: tokio::spawn(kept).abort_handle() })
}

/// What the proxy is told at its start: who it is, and where the control plane is.
fn bootstrap(pod: &Pod, mesh: &Mesh, control_plane: SocketAddr) -> Value {
    let workload = &pod.workload;
    let key = &workload.key;
    let (kind, domain) =
        (if workload.enrolment == Enrolment::Gateway { "router" } else { "sidecar" }, &mesh.settings.domain);
    let labels: serde_json::Map<String, Value> =
        workload.labels.iter().map(|(name, value)| (name.to_string(), json!(**value))).collect();
    let mut metadata = json!({
        "NAMESPACE": *key.namespace,
        "WORKLOAD_NAME": *key.name,
        "SERVICE_ACCOUNT": *workload.identity.account,
        "LABELS": labels,
        "INSTANCE_IPS": pod.address.to_string(),
        "MESHCTL_PROCESS": pod.process.to_string(),
    });
    let outbound = pod.outbound().unwrap_or(SocketAddr::new(pod.address.into(), super::pod::OUTBOUND));
    metadata["MESHCTL_OUTBOUND"] = json!(outbound.to_string());
    let source = json!({"ads": {}, "resource_api_version": "V3"});
    json!({
        "node": {
            "id": format!("{kind}~{}~{}.{}~{}.svc.{domain}", pod.address, key.name, key.namespace, key.namespace),
            "cluster": format!("{}.{}", pod.app(), key.namespace),
            "metadata": metadata,
            "locality": {
                "region": *workload.locality.region,
                "zone": *workload.locality.zone,
                "sub_zone": *workload.locality.sub_zone,
            },
        },
        "admin": {"address": address(SocketAddr::new(pod.address.into(), ADMIN))},
        "dynamic_resources": {
            "ads_config": {
                "api_type": "DELTA_GRPC",
                "transport_api_version": "V3",
                "grpc_services": [{"envoy_grpc": {"cluster_name": "xds-grpc"}}],
            },
            "lds_config": source,
            "cds_config": source,
        },
        "static_resources": {"clusters": [{
            "name": "xds-grpc",
            "type": "STATIC",
            "typed_extension_protocol_options": {"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
                "explicit_http_config": {"http2_protocol_options": {}},
            }},
            "load_assignment": {"cluster_name": "xds-grpc", "endpoints": [{"lb_endpoints": [{
                "endpoint": {"address": address(control_plane)},
            }]}]},
        }]},
    })
}

fn address(at: SocketAddr) -> Value {
    json!({"socket_address": {"address": at.ip().to_string(), "port_value": at.port()}})
}

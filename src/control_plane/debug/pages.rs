//! Pages in the shapes that istiod's have, with our own fields beside them.

use std::net::SocketAddr;
use std::time::SystemTime;

use serde_json::{Map, Value, json};

use crate::control_plane::ads::{Ads, Stream, Subscription, blame};
use crate::ir::{Loss, Origin, ServiceAddress};
use crate::xds::{Kind, NodeKind};

/// Which proxy has what: for each kind the nonce that was sent last and the one that was taken last.
pub fn syncz(ads: &Ads) -> Value {
    ads.registry().all().iter().map(|stream| sync_of(stream)).collect()
}

fn sync_of(stream: &Stream) -> Value {
    let served = stream.served.lock().clone();
    let session = stream.session.lock();
    let mut entry = Map::new();
    entry.insert("cluster_id".into(), served.node.metadata.get("CLUSTER_ID").cloned().unwrap_or(Value::Null));
    entry.insert("proxy".into(), short_id(&served.node.id).into());
    entry.insert("proxy_type".into(), proxy_type(served.node.kind).into());
    entry.insert("istio_version".into(), (&*served.node.version).into());
    let names = [
        (Kind::Cluster, "cluster"),
        (Kind::Listener, "listener"),
        (Kind::Route, "route"),
        (Kind::Endpoints, "endpoint"),
        (Kind::Extension, "extension"),
    ];
    let mut refusals = Map::new();
    for (kind, name) in names {
        let Some(subscription) = session.kinds().get(&kind) else { continue };
        entry.insert(format!("{name}_sent"), (&*subscription.sent).into());
        entry.insert(format!("{name}_acked"), (&*subscription.acked).into());
    }
    for (kind, subscription) in session.kinds() {
        if let Some(refusal) = refusal(*kind, subscription, &served) {
            refusals.insert(kind.short().into(), refusal);
        }
    }
    if !refusals.is_empty() {
        entry.insert("refused".into(), Value::Object(refusals));
    }
    entry.insert("state".into(), served.state.into());
    Value::Object(entry)
}

fn refusal(kind: Kind, subscription: &Subscription, served: &crate::control_plane::engine::Served) -> Option<Value> {
    let refusal = subscription.refusal.as_ref()?;
    let blamed = blame(kind, refusal, served);
    let resources = blamed
        .resources
        .iter()
        .map(|(name, origins)| json!({ "name": &**name, "origins": origins.iter().map(origin).collect::<Vec<_>>() }));
    Some(json!({ "error": blamed.error, "at": seconds(refusal.at), "resources": resources.collect::<Vec<_>>() }))
}

fn origin(origin: &Origin) -> Value {
    origin.to_string().into()
}

/// Services.
pub fn registryz(ads: &Ads) -> Value {
    let state = ads.engine().state();
    let one = |service: &crate::ir::Service| {
        let ports = service.ports.iter().map(
            |port| json!({ "name": &*port.name, "port": port.number, "protocol": format!("{:?}", port.protocol) }),
        );
        let addresses = service.addresses.iter().map(|address| match address {
            ServiceAddress::Ip(ip) => ip.to_string(),
            ServiceAddress::Network(network) => network.to_string(),
        });
        json!({
            "Attributes": { "Name": short_host(&service.key.name), "Namespace": &*service.key.namespace },
            "hostname": &*service.key.name,
            "addresses": addresses.collect::<Vec<_>>(),
            "ports": ports.collect::<Vec<_>>(),
            "Resolution": format!("{:?}", service.resolution),
            "origin": origin(&service.origin),
        })
    };
    state.mesh.services.values().map(|service| one(service)).collect()
}

/// The objects that were read, what is broken, and what could not be honoured.
pub fn configz(ads: &Ads) -> Value {
    let state = ads.engine().state();
    let objects: Vec<Value> = ads.engine().with_model(|model| {
        let one = |meta: &crate::dialects::object::Meta| {
            let source = model.sources.get(meta.file);
            let api_version = if meta.group.is_empty() {
                meta.version.to_string()
            } else {
                format!("{}/{}", meta.group, meta.version)
            };
            json!({
                "kind": meta.kind,
                "apiVersion": api_version,
                "metadata": { "name": meta.name(), "namespace": &*meta.namespace },
                "origin": format!("{}:{}", source.name, source.line_col(meta.name_span().start).line),
            })
        };
        model.metas().map(one).collect()
    });
    let loss = |loss: &Loss| json!({ "origin": origin(&loss.origin), "kind": format!("{:?}", loss.kind), "reason": &*loss.reason });
    let broken: Vec<String> = ads.engine().broken().iter().map(ToString::to_string).collect();
    json!({
        "configs": objects,
        "broken": broken,
        "losses": state.mesh.losses.iter().map(loss).collect::<Vec<_>>(),
    })
}

/// Open streams.
pub fn adsz(ads: &Ads) -> Value {
    let streams = ads.registry().all();
    let one = |stream: &std::sync::Arc<Stream>| {
        let served = stream.served.lock().clone();
        let session = stream.session.lock();
        let watches: Map<String, Value> = session
            .kinds()
            .iter()
            .map(|(kind, subscription)| {
                let names: Vec<&str> = if subscription.wildcard {
                    vec!["*"]
                } else {
                    subscription.names.iter().map(|name| &**name).collect()
                };
                (kind.type_url().to_owned(), json!(names))
            })
            .collect();
        json!({
            "connectionId": format!("{}-{}", short_id(&served.node.id), stream.number),
            "connectedAt": seconds(stream.since),
            "address": stream.peer.map(|peer: SocketAddr| peer.to_string()),
            "identity": stream.proven.as_ref().map(|proven| format!("{}/{}", proven.namespace, proven.account)),
            "workload": served.node.workload.key.to_string(),
            "watches": watches,
        })
    };
    let state = ads.engine().state();
    json!({
        "totalClients": streams.len(),
        "clients": streams.iter().map(one).collect::<Vec<_>>(),
        "state": state.number,
        "took_ms": u64::try_from(state.took.as_millis()).unwrap_or(u64::MAX),
    })
}

/// Endpoints by service and port.
pub fn endpointz(ads: &Ads) -> Value {
    let state = ads.engine().state();
    let mut out = Vec::new();
    for (key, endpoints) in &state.mesh.endpoints {
        let Some(service) = state.mesh.services.get(key) else { continue };
        for port in &service.ports {
            let all = endpoints.iter().filter_map(|endpoint| {
                let target = endpoint.port(port.number)?;
                Some(json!({
                    "address": endpoint.address.to_string(),
                    "port": target,
                    "health": format!("{:?}", endpoint.health),
                    "identity": &*endpoint.identity,
                    "mutual_tls": endpoint.mutual_tls,
                }))
            });
            out.push(json!({ "svc": format!("{}:{}", key.name, port.name), "ep": all.collect::<Vec<_>>() }));
        }
    }
    Value::Array(out)
}

/// Access policies by namespace.
pub fn authorizationz(ads: &Ads) -> Value {
    let state = ads.engine().state();
    let one = |policy: &crate::ir::AuthzPolicy| {
        json!({
            "origin": origin(&policy.origin),
            "stage": format!("{:?}", policy.stage),
            "scope": format!("{:?}", policy.scope),
            "rules": policy.rules.len(),
            "dry_run": policy.dry_run,
        })
    };
    json!({ "policies": state.mesh.authz.iter().map(|policy| one(policy)).collect::<Vec<_>>() })
}

pub(super) fn seconds(at: SystemTime) -> Value {
    at.duration_since(SystemTime::UNIX_EPOCH).map_or(Value::Null, |since| since.as_secs().into())
}

/// `POD.NAMESPACE` of a node id.
pub(super) fn short_id(id: &str) -> &str {
    id.split('~').nth(2).unwrap_or(id)
}

fn short_host(host: &str) -> &str {
    host.split('.').next().unwrap_or(host)
}

fn proxy_type(kind: NodeKind) -> &'static str {
    match kind {
        NodeKind::Sidecar => "sidecar",
        NodeKind::Gateway => "router",
    }
}

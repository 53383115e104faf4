//! Who a proxy says that it is, and what the mesh knows of it.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use envoy_types::pb::envoy::config::core::v3::Node as Told;
use envoy_types::pb::google::protobuf::{Struct, Value, value::Kind as ValueKind};
use serde_json::Value as Json;

use crate::ir::{Enrolment, Identity, Key, Locality, Mesh, Name, Origin, Workload};
use crate::xds::{Interception, Node, NodeKind};

/// What a proxy says of itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Claim {
    /// Its id: `sidecar~10.0.0.1~web-1.shop~shop.svc.cluster.local`.
    pub id: Name,
    /// Beside a workload, or a gateway.
    pub kind: NodeKind,
    /// The name of its pod.
    pub pod: Name,
    /// Its namespace.
    pub namespace: Name,
    /// The workload's name, when it says so.
    pub workload: Option<Name>,
    /// Labels of the pod.
    pub labels: BTreeMap<Name, Name>,
    /// Its service account, when it says so.
    pub account: Option<Name>,
    /// The cluster it runs in.
    pub cluster: Name,
    /// The network it is in.
    pub network: Name,
    /// Addresses of the pod.
    pub addresses: Vec<IpAddr>,
    /// Where it is.
    pub locality: Locality,
    /// Version of the proxy.
    pub version: Name,
    /// How traffic reaches it.
    pub interception: Interception,
    /// All that it says.
    pub metadata: Json,
}

/// Why a proxy cannot be served.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NodeError {
    /// The first request has no node.
    #[error("the first request of a stream must have a node")]
    Missing,
    /// The id has another form.
    #[error(
        "the node id {0:?} is not of the form KIND~ADDRESS~POD.NAMESPACE~DOMAIN, with the kind `sidecar` or `router`"
    )]
    Id(String),
    /// Id and metadata differ.
    #[error("the node id has the namespace {0:?}, the metadata NAMESPACE is {1:?}")]
    Namespace(String, String),
    /// A metadata field has a value that cannot be used.
    #[error("the node metadata {0} is {1:?}, and has to be {2}")]
    Field(&'static str, String, &'static str),
}

impl Claim {
    /// Reads the node of a first request.
    pub fn read(node: Option<&Told>) -> Result<Self, NodeError> {
        let node = node.ok_or(NodeError::Missing)?;
        let metadata = node.metadata.as_ref().map_or_else(|| Json::Object(serde_json::Map::new()), json);
        let text = |key: &str| metadata.get(key).and_then(Json::as_str).filter(|text| !text.is_empty());
        let bad = || NodeError::Id(node.id.clone());
        let parts: Vec<&str> = node.id.split('~').collect();
        let [kind, address, pod, _domain] = parts[..] else { return Err(bad()) };
        let kind = match kind {
            "sidecar" => NodeKind::Sidecar,
            "router" => NodeKind::Gateway,
            _ => return Err(bad()),
        };
        let (pod, namespace) = pod.rsplit_once('.').unwrap_or((pod, ""));
        let said = text("NAMESPACE").unwrap_or(namespace);
        if !namespace.is_empty() && said != namespace {
            return Err(NodeError::Namespace(namespace.to_owned(), said.to_owned()));
        }
        if said.is_empty() {
            return Err(bad());
        }
        let mut addresses: Vec<IpAddr> = address.parse().into_iter().collect();
        for more in text("INSTANCE_IPS").unwrap_or_default().split(',').filter_map(|ip| ip.trim().parse().ok()) {
            if !addresses.contains(&more) {
                addresses.push(more);
            }
        }
        let labels = metadata.get("LABELS").and_then(Json::as_object).into_iter().flatten();
        let labels = labels.filter_map(|(key, value)| Some((key.as_str().into(), value.as_str()?.into())));
        let place = node.locality.clone().unwrap_or_default();
        Ok(Self {
            id: node.id.as_str().into(),
            kind,
            pod: pod.into(),
            namespace: said.into(),
            workload: text("WORKLOAD_NAME").map(Name::from),
            labels: labels.collect(),
            account: text("SERVICE_ACCOUNT").map(Name::from),
            cluster: text("CLUSTER_ID").unwrap_or_default().into(),
            network: text("NETWORK").unwrap_or_default().into(),
            addresses,
            locality: Locality {
                region: place.region.into(),
                zone: place.zone.into(),
                sub_zone: place.sub_zone.into(),
            },
            version: text("ISTIO_VERSION").or_else(|| text("MESHCTL_VERSION")).unwrap_or_default().into(),
            interception: interception(&text)?,
            metadata: metadata.clone(),
        })
    }

    /// The proxy as the mesh knows it. A workload of another account than `proven` is not taken for it.
    pub fn resolve(&self, mesh: &Mesh, proven: Option<&Identity>) -> Node {
        let fits = |workload: &&Arc<Workload>| match proven {
            None => true,
            Some(proven) => {
                workload.key.namespace == proven.namespace
                    && (workload.identity.account.is_empty() || workload.identity.account == proven.account)
            }
        };
        let known = self.candidates(mesh).find(fits).cloned();
        let workload = known.unwrap_or_else(|| Arc::new(self.unknown(proven)));
        Node {
            id: self.id.clone(),
            kind: self.kind,
            gateway: workload.gateway.clone(),
            workload,
            addresses: self.addresses.clone(),
            interception: self.interception.clone(),
            version: self.version.clone(),
            metadata: self.metadata.clone(),
        }
    }

    /// Workloads that it may be: by the name it says, by the pod's name, by address, by the name of what made the pod.
    fn candidates<'m>(&self, mesh: &'m Mesh) -> impl Iterator<Item = &'m Arc<Workload>> {
        let named = |name: &str| mesh.workload(&Key::new(self.namespace.clone(), name));
        let said = self.workload.as_deref().and_then(named);
        let pod = named(&self.pod);
        let addresses = self.addresses.clone();
        let namespace = self.namespace.clone();
        let at = mesh.workloads.values().find(move |workload| {
            workload.key.namespace == namespace && addresses.iter().any(|ip| workload.addresses.contains(ip))
        });
        // `web-6d4cf56db6-9xk2p` is a pod of the ReplicaSet `web-6d4cf56db6` of the Deployment `web`.
        let set = self.pod.rsplit_once('-').map(|(set, _)| set);
        let deployment = set.and_then(|set| set.rsplit_once('-')).map(|(deployment, _)| deployment);
        [said, pod, at, deployment.and_then(named), set.and_then(named)].into_iter().flatten()
    }

    /// A workload of what it says itself.
    fn unknown(&self, proven: Option<&Identity>) -> Workload {
        let account = proven.map(|proven| proven.account.clone()).or_else(|| self.account.clone());
        Workload {
            key: Key::new(self.namespace.clone(), self.workload.clone().unwrap_or_else(|| self.pod.clone())),
            origin: Origin::default(),
            kind: "Pod".into(),
            labels: self.labels.clone().into_iter().collect(),
            identity: Identity {
                namespace: self.namespace.clone(),
                account: account.unwrap_or_else(|| "default".into()),
                service: None,
            },
            addresses: self.addresses.iter().copied().collect(),
            replicas: 1,
            ports: Vec::new(),
            locality: self.locality.clone(),
            network: self.network.clone(),
            enrolment: match self.kind {
                NodeKind::Sidecar => Enrolment::Sidecar,
                NodeKind::Gateway => Enrolment::Gateway,
            },
            services: std::collections::BTreeSet::new(),
            gateway: None,
            settings: BTreeMap::new(),
        }
    }
}

/// `MESHCTL_OUTBOUND` and `MESHCTL_PROCESS` together say that nothing redirects.
fn interception<'t>(text: &impl Fn(&str) -> Option<&'t str>) -> Result<Interception, NodeError> {
    match (text("MESHCTL_OUTBOUND"), text("MESHCTL_PROCESS")) {
        (None, None) => Ok(Interception::Redirect),
        (outbound, process) => {
            let (outbound, process) = (outbound.unwrap_or_default(), process.unwrap_or_default());
            let field = |name, value: &str, wanted| NodeError::Field(name, value.to_owned(), wanted);
            Ok(Interception::Explicit {
                outbound: outbound
                    .parse::<SocketAddr>()
                    .map_err(|_| field("MESHCTL_OUTBOUND", outbound, "an address with a port"))?,
                process: process.parse().map_err(|_| field("MESHCTL_PROCESS", process, "an address"))?,
            })
        }
    }
}

/// A protobuf struct as JSON, in the order of its keys.
fn json(fields: &Struct) -> Json {
    let sorted: BTreeMap<_, _> = fields.fields.iter().collect();
    Json::Object(sorted.into_iter().map(|(key, value)| (key.clone(), json_value(value))).collect())
}

fn json_value(value: &Value) -> Json {
    match &value.kind {
        None | Some(ValueKind::NullValue(_)) => Json::Null,
        Some(ValueKind::NumberValue(number)) => serde_json::Number::from_f64(*number).map_or(Json::Null, Json::Number),
        Some(ValueKind::StringValue(text)) => Json::String(text.clone()),
        Some(ValueKind::BoolValue(value)) => Json::Bool(*value),
        Some(ValueKind::StructValue(fields)) => json(fields),
        Some(ValueKind::ListValue(list)) => Json::Array(list.values.iter().map(json_value).collect()),
    }
}

//! For tests: meshes by hand, and the proxy of this project as the judge of what is generated.

use std::net::SocketAddr;
use std::sync::Arc;

use embedded_proxy::decide::{Decision, Outcome, Question, decide};
use embedded_proxy::http::{Headers, RequestHead, Version};
use embedded_proxy::listener::ListenerConfig;
use embedded_proxy::proto::{Defect, Reader, decode, read_checked};
use embedded_proxy::services::{Build, Services, Workers};
use embedded_proxy::stream::{Connection, Tls};
use embedded_proxy::telemetry::stats::Scope;

use super::{Interception, Kind, Node, NodeKind, Resource, Snapshot, xds};
use crate::ir::{
    Builder, Key, Mesh, Predicate, Protocol, Resolution, Service, ServicePort, TargetPort, Visibility, Workload,
};

/// A service of one port that selects workloads by `app=NAME`.
pub fn service(namespace: &str, name: &str, port: u16, target: u16, protocol: Protocol) -> Service {
    let port = ServicePort {
        number: port,
        name: "main".into(),
        protocol,
        target: TargetPort::Number(target),
        origin: crate::ir::Origin::default(),
    };
    Service {
        key: Key::new(namespace, format!("{name}.{namespace}.svc.cluster.local")),
        origin: crate::ir::Origin::default(),
        aliases: Vec::new(),
        short_name: Some(name.into()),
        addresses: Vec::new(),
        ports: vec![port],
        resolution: Resolution::Endpoints,
        external: false,
        identities: Vec::new(),
        visibility: Visibility::Everywhere,
        labels: crate::ir::Labels::new(),
        prefer_near: false,
        selector: Some(Predicate::labels([("app", name)])),
    }
}

/// A workload with a label and an account of its name.
pub fn workload(namespace: &str, name: &str, address: &str) -> Workload {
    Workload {
        key: Key::new(namespace, name),
        origin: crate::ir::Origin::default(),
        kind: "Deployment".into(),
        labels: [("app".into(), name.into())].into(),
        identity: crate::ir::Identity { namespace: namespace.into(), account: name.into(), service: None },
        addresses: [address.parse().unwrap()].into(),
        replicas: 1,
        ports: Vec::new(),
        locality: crate::ir::Locality::default(),
        network: "".into(),
        enrolment: crate::ir::Enrolment::Sidecar,
        services: std::collections::BTreeSet::new(),
        gateway: None,
        settings: std::collections::BTreeMap::new(),
    }
}

/// A mesh of services and workloads.
pub fn mesh(services: Vec<Service>, workloads: Vec<Workload>, more: impl FnOnce(&mut Mesh)) -> Mesh {
    let mut builder = Builder::default();
    for service in services {
        builder.mesh.services.insert(service.key.clone(), Arc::new(service));
    }
    for workload in workloads {
        builder.mesh.workloads.insert(workload.key.clone(), Arc::new(workload));
    }
    more(&mut builder.mesh);
    builder.finish(None)
}

/// The proxy of a workload.
pub fn node(mesh: &Mesh, namespace: &str, name: &str, kind: NodeKind) -> Node {
    let workload = Arc::clone(mesh.workload(&Key::new(namespace, name)).expect("the workload is there"));
    Node {
        id: format!("{name}.{namespace}").into(),
        kind,
        addresses: workload.addresses.iter().copied().collect(),
        gateway: workload.gateway.clone(),
        workload,
        interception: Interception::Redirect,
        version: "1.27.0".into(),
        metadata: serde_json::Value::Null,
    }
}

/// What the proxy of this project made of the resources.
pub struct Loaded {
    /// Kept: handles of its threads are within.
    _runtime: tokio::runtime::Runtime,
    services: Arc<Services>,
    listeners: Vec<ListenerConfig>,
}

/// An answer, short.
#[derive(Debug, PartialEq, Eq)]
pub enum Answer {
    /// To this cluster.
    Cluster(String),
    /// This status.
    Status(u16),
    /// Bytes go on, to this cluster.
    Bytes(String),
    /// Closed.
    Closed,
}

/// Makes the resources of a proxy and lets the proxy read them all. Panics with what it does not like.
pub fn load(mesh: &Mesh, node: &Node) -> (Snapshot, Loaded) {
    let snapshot = xds(mesh, node);
    let loaded = Loaded::new(&snapshot).unwrap_or_else(|defects| panic!("refused: {defects:#?}"));
    (snapshot, loaded)
}

impl Loaded {
    /// Reads all resources, in their order.
    pub fn new(snapshot: &Snapshot) -> Result<Self, Vec<Defect>> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (services, listeners) = {
            let _entered = runtime.enter();
            let main = runtime.handle().clone();
            let workers = Workers::new([main.clone()]);
            let services = Arc::new(Services::new(
                embedded_proxy::bootstrap::Node::default(),
                embedded_proxy::bootstrap::Runtime::default(),
                workers,
                main,
            ));
            let build = Build { services: services.clone(), scope: Scope::root(&services.stats) };
            let listeners = read_all(snapshot, &build)?;
            (services, listeners)
        };
        Ok(Self { _runtime: runtime, services, listeners })
    }

    /// What a listener does with a question.
    pub fn ask(&self, listener: &str, question: &Question) -> Decision {
        let found = self.listeners.iter().find(|config| &*config.name == listener);
        decide(found.unwrap_or_else(|| panic!("no listener {listener}")), &self.services.clusters, question)
    }

    /// The short answer to a question.
    pub fn answer(&self, listener: &str, question: &Question) -> Answer {
        let _entered = self.services.main.enter();
        match self.ask(listener, question).outcome {
            Outcome::Closed(_) => Answer::Closed,
            Outcome::Opaque(shares) => Answer::Bytes(shares.into_iter().map(|share| share.cluster).collect()),
            Outcome::Reply(reply) => Answer::Status(reply.status.as_u16()),
            Outcome::Forward { chosen, .. } => Answer::Cluster(chosen.unwrap_or_default()),
        }
    }
}

fn read_all(snapshot: &Snapshot, build: &Build) -> Result<Vec<ListenerConfig>, Vec<Defect>> {
    for resource in snapshot.all(Kind::Cluster) {
        let config = read(Kind::Cluster, resource, |r| embedded_proxy::cluster::ClusterConfig::read(r, build))?;
        build.services.clusters.apply(config, build);
    }
    for resource in snapshot.all(Kind::Endpoints) {
        read(Kind::Endpoints, resource, embedded_proxy::cluster::LoadAssignment::read)?;
    }
    for resource in snapshot.all(Kind::Secret) {
        read(Kind::Secret, resource, |r| embedded_proxy::tls::Secret::read(r, build))?;
    }
    let listener = |resource: &Arc<Resource>| read(Kind::Listener, resource, |r| ListenerConfig::read(r, build));
    let listeners: Vec<ListenerConfig> = snapshot.all(Kind::Listener).map(listener).collect::<Result<_, _>>()?;
    for resource in snapshot.all(Kind::Route) {
        let table = read(Kind::Route, resource, |r| embedded_proxy::route::RouteTable::read(r, build))?;
        build.services.routes.publish_from(&embedded_proxy::xds::Place::Ads, &resource.name, Some(Arc::new(table)));
    }
    Ok(listeners)
}

fn read<T>(kind: Kind, resource: &Resource, read: impl FnOnce(&Reader<'_>) -> Option<T>) -> Result<T, Vec<Defect>> {
    let name = kind.type_url().trim_start_matches("type.googleapis.com/");
    let path = format!("{} {}", kind.short(), resource.name);
    let message = decode(name, &resource.body).map_err(|error| vec![Defect { path: path.clone(), message: error }])?;
    read_checked(message, &path, read)
}

/// A request without TLS from one address to another.
pub fn plain(from: &str, to: &str, method: &str, host: &str, path: &str) -> Question {
    let (from, to): (SocketAddr, SocketAddr) = (from.parse().unwrap(), to.parse().unwrap());
    let mut connection = Connection::plain(to, from);
    connection.application_protocols = vec!["http/1.1".into()];
    let head = RequestHead {
        method: method.parse().unwrap(),
        scheme: "http",
        authority: host.into(),
        path: path.into(),
        upgrade: None,
        version: Version::Http11,
        headers: Headers::new(),
    };
    Question { connection, head: Some(head), random: 0 }
}

/// The same over mutual TLS of the mesh, by this identity.
pub fn mutual(mut question: Question, identity: &str) -> Question {
    let connection = &mut question.connection;
    connection.transport_protocol = "tls";
    connection.application_protocols = ["istio-http/1.1", "istio"].map(Into::into).to_vec();
    connection.tls = Some(Arc::new(Tls { verified: true, peer_uris: vec![identity.to_owned()], ..Tls::default() }));
    question
}

/// The same without a request: bytes.
pub fn bytes(mut question: Question) -> Question {
    question.head = None;
    question.connection.application_protocols.clear();
    question
}

/// A resource as JSON.
pub fn json(kind: Kind, resource: &Resource) -> serde_json::Value {
    let name = kind.type_url().trim_start_matches("type.googleapis.com/");
    embedded_proxy::proto::to_json(&decode(name, &resource.body).expect("it was encoded by us"))
}

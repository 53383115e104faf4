//! A proxy's configuration read into the objects that would serve with it, without sockets, for [`crate::decide`].
//!
//! Nothing is bound, connected to, looked up or written: the runtime that the objects hang on is never driven, and access
//! logs are left out.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use prost::Message as _;
use prost_reflect::{DynamicMessage, ReflectMessage as _, Value};
use tokio::runtime::Runtime;

use crate::bootstrap::{Node, Runtime as Values};
use crate::cluster::{ClusterConfig, Clusters, LoadAssignment};
use crate::listener::ListenerConfig;
use crate::proto::{Defect, Reader, Typed, decode, read_checked};
use crate::route::RouteTable;
use crate::services::{Build, Services, Workers};
use crate::telemetry::stats::Scope;
use crate::xds::{Kind, Watched};

/// One resource, encoded.
#[derive(Debug, Clone)]
pub struct Resource {
    /// Its kind.
    pub kind: Kind,
    /// Its name.
    pub name: String,
    /// The message.
    pub bytes: Bytes,
}

/// A resource that the proxy would refuse, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Its kind.
    pub kind: Kind,
    /// Its name.
    pub name: String,
    /// What is wrong with it.
    pub defects: Vec<Defect>,
}

/// Configuration that was read.
#[derive(Debug)]
pub struct Offline {
    build: Build,
    listeners: BTreeMap<Arc<str>, ListenerConfig>,
    /// What nobody watches is forgotten.
    endpoints: Vec<Watched<LoadAssignment>>,
    /// What was refused.
    pub refused: Vec<Refused>,
    runtime: Runtime,
}

impl Offline {
    /// Reads resources. Those that a proxy would refuse are left out, as it would go on without them.
    pub fn read(node: Node, resources: &[Resource]) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
        let guard = runtime.enter();
        let main = runtime.handle().clone();
        let services = Arc::new(Services::new(node, Values::default(), Workers::new([main.clone()]), main));
        services.listeners.allow_internal(1);
        let build = Build { scope: Scope::root(&services.stats), services };
        drop(guard);
        let mut offline =
            Self { build, listeners: BTreeMap::new(), endpoints: Vec::new(), refused: Vec::new(), runtime };
        // Endpoints before their clusters, filters and listeners before the routes that they watch.
        for kind in [Kind::Endpoint, Kind::Cluster, Kind::Extension, Kind::Listener, Kind::Route] {
            for resource in resources.iter().filter(|resource| resource.kind == kind) {
                offline.take(resource);
            }
        }
        Ok(offline)
    }

    /// The clusters.
    pub fn clusters(&self) -> &Clusters {
        &self.build.services.clusters
    }

    /// The listener of a name.
    pub fn listener(&self, name: &str) -> Option<&ListenerConfig> {
        self.listeners.get(name)
    }

    /// The listener that a connection to an address is handed to once the one for redirected connections has it: that of the
    /// very address, or of all addresses with the port.
    pub fn listener_at(&self, address: SocketAddr) -> Option<&ListenerConfig> {
        let at = |wanted: SocketAddr| {
            let of = |listener: &&ListenerConfig| listener.addresses().any(|own| own.socket() == Some(wanted));
            self.listeners.values().find(of)
        };
        let any: std::net::IpAddr = match address {
            SocketAddr::V4(_) => std::net::Ipv4Addr::UNSPECIFIED.into(),
            SocketAddr::V6(_) => std::net::Ipv6Addr::UNSPECIFIED.into(),
        };
        at(address).or_else(|| at(SocketAddr::new(any, address.port())))
    }

    /// All listeners by name.
    pub fn listeners(&self) -> impl Iterator<Item = &ListenerConfig> {
        self.listeners.values()
    }

    fn take(&mut self, resource: &Resource) {
        let guard = self.runtime.enter();
        let build = self.build.clone();
        let done = match resource.kind {
            Kind::Endpoint => read(resource, LoadAssignment::read).map(|assignment| {
                self.endpoints.push(build.services.endpoints.watch(&resource.name));
                build.services.endpoints.publish(&resource.name, Some(Arc::new(assignment)));
            }),
            Kind::Cluster => read(resource, |reader| ClusterConfig::read(reader, &build)).map(|config| {
                build.services.clusters.apply(config, &build);
            }),
            Kind::Listener => read(resource, |reader| ListenerConfig::read(reader, &build)).map(|config| {
                self.listeners.insert(config.name.clone(), config);
            }),
            Kind::Route => read(resource, |reader| RouteTable::read(reader, &build)).map(|table| {
                let table = Arc::new(table);
                for place in build.services.routes.places() {
                    build.services.routes.publish_from(&place, &resource.name, Some(table.clone()));
                }
            }),
            Kind::Extension => read(resource, |reader| {
                reader.ignore(&["name"]);
                let (name, config) = reader.any("typed_config")?;
                Some(Typed { name, message: config.raw().clone() })
            })
            .map(|typed| {
                build.services.extensions.publish(&resource.name, Some(Arc::new(typed)));
            }),
            // No decision depends on keys. Scopes come with the listener that names them, or the listener has no route.
            Kind::Secret | Kind::Scope => Ok(()),
        };
        drop(guard);
        if let Err(defects) = done {
            self.refused.push(Refused { kind: resource.kind, name: resource.name.clone(), defects });
        }
    }
}

fn read<T>(resource: &Resource, read: impl FnOnce(&Reader<'_>) -> Option<T>) -> Result<T, Vec<Defect>> {
    let mut message =
        decode(resource.kind.message(), &resource.bytes).map_err(|error| vec![Defect::at_path(&error)])?;
    if resource.kind == Kind::Listener {
        without_logs(&mut message, 0);
    }
    read_checked(message, "", read)
}

/// Messages are not nested deeper than this.
const DEEPEST: usize = 32;

/// Takes access logs away: building one opens its file.
fn without_logs(message: &mut DynamicMessage, depth: usize) {
    if depth > DEEPEST {
        return;
    }
    message.clear_field_by_name("access_log");
    message.clear_field_by_name("access_log_options");
    if message.descriptor().full_name() == crate::proto::ANY {
        let text = message.get_field_by_name("type_url").and_then(|url| Some(url.as_str()?.to_owned()));
        let bytes = message.get_field_by_name("value").and_then(|value| value.as_bytes().cloned());
        if let (Some(url), Some(bytes)) = (text, bytes)
            && let Ok(mut inner) = decode(url.rsplit('/').next().unwrap_or_default(), &bytes)
        {
            without_logs(&mut inner, depth + 1);
            message.set_field_by_name("value", Value::Bytes(inner.encode_to_vec().into()));
        }
        return;
    }
    let fields: Vec<_> = message.fields().map(|(field, _)| field).collect();
    for field in fields {
        match message.get_field_mut(&field) {
            Value::Message(inner) => without_logs(inner, depth + 1),
            Value::List(list) => {
                for item in list {
                    if let Value::Message(inner) = item {
                        without_logs(inner, depth + 1);
                    }
                }
            }
            _ => {}
        }
    }
}

//! Listeners inside the proxy: connections come to them from clusters of the same process, over memory.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use super::Listeners;
use super::accept::serve_connection;
use crate::net::{Address, Io};
use crate::services::Services;
use crate::stream::{Connection, Passed, Sharing};

/// Name that clients have on such connections, as in Envoy.
const CLIENT: &str = "internal_client_address";

/// Most bytes on their way in one direction of a connection when the bootstrap does not say.
pub const BUFFER: usize = 1024 * 1024;

/// What a connection brings along.
#[derive(Debug, Default)]
pub struct Brought {
    /// Dynamic metadata.
    pub metadata: BTreeMap<String, Value>,
    /// Filter state.
    pub state: Passed,
}

impl Listeners {
    /// Says how many bytes may be on their way in one direction of a connection inside the proxy, and that there are such
    /// connections. Once, before the first listener.
    pub fn allow_internal(&self, buffer: usize) {
        let _ = self.internal_buffer.set(buffer.max(1));
    }

    /// Whether the bootstrap allows listeners inside the proxy.
    pub fn has_internal(&self) -> bool {
        self.internal_buffer.get().is_some()
    }

    /// Connects to a listener inside the proxy; its side is served on this worker. None: no listener of that name
    /// serves.
    pub fn connect(
        &self,
        listener: &Arc<str>,
        endpoint: &Arc<str>,
        brought: Brought,
        services: &Arc<Services>,
    ) -> Option<Io> {
        let config = self.internal(listener)?;
        let (near, far) = tokio::io::duplex(self.internal_buffer.get().copied().unwrap_or(BUFFER));
        let local = Address::Internal { listener: listener.clone(), endpoint: endpoint.clone() };
        let client = Address::Internal { listener: CLIENT.into(), endpoint: "".into() };
        let mut connection = Connection::between(local, client);
        connection.metadata = brought.metadata;
        for (key, (value, sharing)) in brought.state {
            if sharing == Sharing::Transitive {
                connection.shared.insert(key.clone(), sharing);
            }
            connection.state.insert(key, value);
        }
        tokio::spawn(serve_connection(Io::Memory(far), connection, config, services.clone()));
        Some(Io::Memory(near))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;
    use crate::cluster::testing::{apply, assignment, build};
    use crate::listener::ListenerConfig;
    use crate::proto::{Defects, Reader, from_json};
    use crate::services::Build;

    fn read(value: &Value, build: &Build) -> Result<ListenerConfig, String> {
        let defects = Defects::new();
        let reader = Reader::new(from_json("envoy.config.listener.v3.Listener", value)?, "", &defects);
        let config = ListenerConfig::read(&reader, build);
        drop(reader);
        defects.verdict(config).map_err(|defects| defects[0].to_string())
    }

    fn listener(cluster: &str) -> Value {
        let original = "type.googleapis.com/envoy.extensions.filters.listener.original_dst.v3.OriginalDst";
        let proxy = "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy";
        json!({
            "name": "inner", "internal_listener": {},
            "listener_filters": [{"name": "o", "typed_config": {"@type": original}}],
            "filter_chains": [{"filters": [{"name": "t",
                "typed_config": {"@type": proxy, "stat_prefix": "t", "cluster": cluster}}]}],
        })
    }

    #[tokio::test]
    async fn bytes_go_where_metadata_or_filter_state_say() {
        let build = build();
        build.services.listeners.allow_internal(64);
        let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let to = server.local_addr().unwrap().to_string();
        apply(&json!({"name": "there", "type": "ORIGINAL_DST", "lb_policy": "CLUSTER_PROVIDED"}), &build);
        let services = &build.services;
        assert!(services.listeners.connect(&"inner".into(), &"".into(), Brought::default(), services).is_none());
        services.listeners.apply(read(&listener("there"), &build).unwrap(), &build).unwrap();
        let by_metadata = Brought {
            metadata: [("envoy.filters.listener.original_dst".to_string(), json!({"local": to}))].into(),
            ..Brought::default()
        };
        let state = ("envoy.filters.listener.original_dst.local_ip".to_string(), (to.clone(), Sharing::Once));
        let by_state = Brought { state: [state].into(), ..Brought::default() };
        for brought in [by_metadata, by_state] {
            let mut io = services.listeners.connect(&"inner".into(), &"x".into(), brought, services).unwrap();
            let serve = async {
                let (mut accepted, _) = server.accept().await.unwrap();
                let mut got = String::new();
                accepted.read_to_string(&mut got).await.unwrap();
                accepted.write_all(got.as_bytes()).await.unwrap();
            };
            let talk = async {
                io.write_all(&[b'x'; 1000]).await.unwrap();
                io.shutdown().await.unwrap();
                let mut back = String::new();
                io.read_to_string(&mut back).await.unwrap();
                back
            };
            let (back, ()) = tokio::join!(talk, serve);
            assert_eq!(back.len(), 1000);
        }
    }

    #[tokio::test]
    async fn a_cluster_reaches_it_and_says_when_there_is_none() {
        let build = build();
        build.services.listeners.allow_internal(BUFFER);
        let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = server.local_addr().unwrap().port();
        apply(&json!({"name": "origin", "load_assignment": assignment(&[("127.0.0.1", port, 1)])}), &build);
        let inside = json!({"name": "inside", "load_assignment": {"cluster_name": "inside", "endpoints": [{"lb_endpoints":
            [{"endpoint": {"address": {"envoy_internal_address": {"server_listener_name": "inner"}}}}]}]}});
        let cluster = apply(&inside, &build);
        let host = cluster.hosts()[0].clone();
        let error = cluster.connect(&host, &crate::cluster::SendOptions::default()).await.unwrap_err();
        assert_eq!(error.detail, "immediate connect error: Invalid argument|remote address:envoy://inner/");
        build.services.listeners.apply(read(&listener("origin"), &build).unwrap(), &build).unwrap();
        let (mut io, _) = cluster.connect(&host, &crate::cluster::SendOptions::default()).await.unwrap();
        io.write_all(b"hi").await.unwrap();
        let (mut accepted, _) = server.accept().await.unwrap();
        let mut got = [0; 2];
        accepted.read_exact(&mut got).await.unwrap();
        assert_eq!(&got, b"hi");
    }

    #[tokio::test]
    async fn it_has_no_address_and_needs_the_bootstrap() {
        let build = build();
        assert!(read(&listener("c"), &build).unwrap_err().starts_with("internal_listener: "));
        build.services.listeners.allow_internal(BUFFER);
        let mut addressed = listener("c");
        addressed["address"] = json!({"socket_address": {"address": "127.0.0.1", "port_value": 1}});
        assert!(read(&addressed, &build).unwrap_err().starts_with("address: "));
    }
}

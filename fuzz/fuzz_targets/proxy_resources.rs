//! Any bytes under a type of xDS decode, and are read or refused with defects: no panic. The first byte chooses the type.
#![no_main]

use embedded_proxy::bootstrap::Bootstrap;
use embedded_proxy::proto::{decode, to_json};
use embedded_proxy::server::Server;
use libfuzzer_sys::fuzz_target;
use serde_json::json;

fuzz_target!(|bytes: &[u8]| {
    let Some((kind, bytes)) = bytes.split_first() else { return };
    let (name, list) = match kind % 3 {
        0 => ("envoy.config.listener.v3.Listener", "listeners"),
        1 => ("envoy.config.cluster.v3.Cluster", "clusters"),
        _ => ("envoy.extensions.transport_sockets.tls.v3.Secret", "secrets"),
    };
    let Ok(message) = decode(name, bytes) else { return };
    let value = json!({"static_resources": {list: [to_json(&message)]}});
    if let Ok(bootstrap) = Bootstrap::from_json(&value) {
        let _ = Server::validate(&bootstrap);
    }
});

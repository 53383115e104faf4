//! Any bytes from a client of HTTP/1: they are answered, refused, or the connection ends. No panic, and no connection that
//! goes on after the client has left.
#![no_main]

use std::sync::{Arc, OnceLock};

use embedded_proxy::bootstrap::{Node, Runtime};
use embedded_proxy::hcm::Hcm;
use embedded_proxy::http::h1;
use embedded_proxy::net::{Drain, Io};
use embedded_proxy::proto::{Defects, Reader, from_json};
use embedded_proxy::services::{Build, Services, Workers};
use embedded_proxy::stream::Connection;
use embedded_proxy::telemetry::stats::Scope;
use libfuzzer_sys::fuzz_target;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::runtime::Runtime as Threads;

fn parts() -> &'static (Threads, Arc<Hcm>) {
    static PARTS: OnceLock<(Threads, Arc<Hcm>)> = OnceLock::new();
    PARTS.get_or_init(|| {
        let threads = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let main = threads.handle().clone();
        let services = Services::new(Node::default(), Runtime::default(), Workers::new([main.clone()]), main);
        let scope = Scope::root(&services.stats);
        let build = Build { services: Arc::new(services), scope };
        let config = json!({
            "stat_prefix": "fuzz", "delayed_close_timeout": "0.001s",
            "http_protocol_options": {"enable_trailers": true, "accept_http_10": true, "default_host_for_http_10": "a"},
            "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [
                {"match": {"prefix": "/"}, "direct_response": {"status": 200}}]}]},
            "http_filters": [{"name": "router", "typed_config":
                {"@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"}}],
        });
        let name = "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager";
        let defects = Defects::new();
        let reader = Reader::new(from_json(name, &config).expect("a message"), "", &defects);
        let hcm = Hcm::read(&reader, &build).expect("a connection manager");
        (threads, Arc::new(hcm))
    })
}

fuzz_target!(|bytes: &[u8]| {
    let (threads, hcm) = parts();
    threads.block_on(async {
        let (mut client, server) = tokio::io::duplex(64 * 1024);
        let address = ([127, 0, 0, 1], 80).into();
        let connection = Arc::new(Connection::plain(address, address));
        let serving = tokio::spawn(h1::serve(Io::Memory(server), connection, hcm.clone(), Drain::never()));
        let _ = client.write_all(bytes).await;
        let _ = client.shutdown().await;
        let mut answers = Vec::new();
        let _ = client.read_to_end(&mut answers).await;
        drop(client);
        serving.await.expect("serving does not panic");
    });
});

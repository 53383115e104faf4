//! Certificates and TLS, with the clients that the mesh has.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use embedded_proxy::bootstrap::Bootstrap;
use embedded_proxy::identity::Settings;
use embedded_proxy::server::{Options, Server};
use meshctl::control_plane::ca::{Authority, Ca, Tokens};
use meshctl::control_plane::server::{serve_plain, serve_tls};
use meshctl::ir::Identity;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::plane::{BOOKINFO, Plane};

fn identity(account: &str) -> Identity {
    Identity { namespace: "default".into(), account: account.into(), service: None }
}

/// A proxy of bookinfo's `reviews-v1` that proves itself with a token, over TLS; its admin interface.
fn proxy(folder: &std::path::Path, plane: SocketAddr, plain: SocketAddr, account: &str) -> (Server, u16) {
    let http2 = json!({ "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
        "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
        "explicit_http_config": { "http2_protocol_options": {} } } });
    let ads = json!({ "ads": {}, "resource_api_version": "V3" });
    let cluster = |name: &str, address: SocketAddr, tls: bool| {
        let mut cluster = json!({ "name": name, "type": "STATIC", "connect_timeout": "5s",
            "typed_extension_protocol_options": http2,
            "load_assignment": { "cluster_name": name, "endpoints": [{ "lb_endpoints": [{ "endpoint": { "address": {
                "socket_address": { "address": address.ip().to_string(), "port_value": address.port() } } } }] }] } });
        if tls {
            cluster["transport_socket"] = json!({ "name": "tls", "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
                "sni": "localhost",
                "common_tls_context": {
                    "tls_certificate_sds_secret_configs": [{ "name": "default" }],
                    "validation_context": { "trusted_ca": { "filename": folder.join("roots.pem") } } } } });
        }
        cluster
    };
    let bootstrap: Value = json!({
        "node": { "id": "sidecar~127.0.0.1~reviews-v1.default~default.svc.cluster.local", "cluster": "reviews-v1",
            "metadata": { "NAMESPACE": "default", "WORKLOAD_NAME": "reviews-v1", "SERVICE_ACCOUNT": account } },
        "admin": { "address": { "socket_address": { "address": "127.0.0.1", "port_value": 0 } } },
        "dynamic_resources": {
            "ads_config": { "api_type": "DELTA_GRPC", "transport_api_version": "V3",
                "grpc_services": [{ "envoy_grpc": { "cluster_name": "control" } }] },
            "cds_config": ads, "lds_config": ads },
        "static_resources": { "clusters": [cluster("control", plane, true), cluster("ca", plain, false)] },
    });
    let settings = Settings {
        id: format!("spiffe://cluster.local/ns/default/sa/{account}"),
        cluster: "ca".into(),
        token: Some(folder.join("token")),
        roots: None,
        cluster_id: String::new(),
        lifetime: Duration::from_secs(86_400),
    };
    let options = Options { identity: Some(settings), ..Options::default() };
    let bootstrap = Bootstrap::from_json(&bootstrap).unwrap_or_else(|defects| panic!("{defects:?}"));
    let server = Server::start(bootstrap, &options).unwrap_or_else(|defects| panic!("{defects:?}"));
    let admin = server.admin().unwrap().port().unwrap();
    (server, admin)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_gets_its_certificate_with_a_token_and_its_configuration_with_the_certificate() {
    let plane = Plane::start(&[("bookinfo.yaml", BOOKINFO)]).await;
    let ca = Ca { authority: Authority::in_memory("cluster.local").unwrap(), tokens: Tokens::new().unwrap() };
    let token = ca.tokens.token(&identity("bookinfo-reviews"), Duration::from_secs(60)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("token"), token).unwrap();
    std::fs::write(folder.path().join("roots.pem"), ca.authority.roots()).unwrap();
    let ca = Arc::new(ca);
    let bind = async || TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (plain, tls) = (bind().await, bind().await);
    let (plain_at, tls_at) = (plain.local_addr().unwrap(), tls.local_addr().unwrap());
    tokio::spawn(serve_plain(plain, Arc::clone(&plane.ads), Some(Arc::clone(&ca))));
    let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
    tokio::spawn(serve_tls(tls, Arc::clone(&plane.ads), ca, names, identity("control-plane")));
    let path = folder.path().to_path_buf();
    let (_server, _admin) =
        tokio::task::spawn_blocking(move || proxy(&path, tls_at, plain_at, "bookinfo-reviews")).await.unwrap();
    for _ in 0..300 {
        let streams = plane.ads.registry().all();
        let done = streams.iter().find(|stream| {
            let session = stream.session.lock();
            let listeners = session.kinds().get(&meshctl::xds::Kind::Listener);
            listeners.is_some_and(|listeners| !listeners.acked.is_empty())
        });
        if let Some(stream) = done {
            assert_eq!(stream.proven, Some(identity("bookinfo-reviews")));
            assert_eq!(stream.served.lock().node.workload.key.to_string(), "default/reviews-v1");
            assert!(stream.session.lock().kinds().values().all(|kind| kind.refusal.is_none()));
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("the proxy does not take its listeners: {:?}", plane.ads.registry().all());
}

#[tokio::test]
async fn who_proves_nothing_or_another_identity_gets_nothing() {
    use super::client::{Delta, productpage};
    let plane = Plane::start(&[("bookinfo.yaml", BOOKINFO)]).await;
    let ca = Arc::new(Ca { authority: Authority::in_memory("cluster.local").unwrap(), tokens: Tokens::new().unwrap() });
    let other = Identity { namespace: "other".into(), account: "x".into(), service: None };
    let token = ca.tokens.token(&other, Duration::from_secs(60)).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(serve_plain(listener, Arc::clone(&plane.ads), Some(ca)));
    let mut client = Delta::open_with(address, productpage(), Some(&token)).await;
    client.ask(meshctl::xds::Kind::Cluster, &[]);
    assert_eq!(client.error().await.code(), tonic::Code::PermissionDenied);
}

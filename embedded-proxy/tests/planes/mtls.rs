//! A control plane that takes only clients with certificates.

use embedded_proxy::server::Options;
use serde_json::{Value, json};

use super::plane::Plane;
use super::support::{Ca, answering, certificate, cluster, http2, kind, local, soon, start, terminate};
use crate::faults::support::{serves, stat};

/// A bootstrap that follows the control plane over TLS, as one who trusts `roots` and shows the certificate `own`.
fn bootstrap(port: u16, roots: &str, own: &Value) -> Value {
    let mut control = cluster("control", &local(port), &http2());
    control["transport_socket"] = json!({ "name": "tls", "typed_config": {
        "@type": kind("transport_sockets.tls.v3.UpstreamTlsContext"),
        "sni": "control.example",
        "common_tls_context": {
            "alpn_protocols": ["h2"],
            "tls_certificates": [own["tls_certificate"]],
            "validation_context": {
                "trusted_ca": { "inline_string": roots },
                "match_typed_subject_alt_names": [{ "san_type": "DNS", "matcher": { "exact": "control.example" } }],
            },
        },
    } });
    let ads = json!({ "ads": {}, "resource_api_version": "V3", "initial_fetch_timeout": "0.5s" });
    json!({
        "node": { "id": "mtls", "cluster": "mtls" },
        "dynamic_resources": {
            "lds_config": ads, "cds_config": ads,
            "ads_config": { "api_type": "GRPC", "transport_api_version": "V3", "grpc_services": [{
                "envoy_grpc": { "cluster_name": "control" },
            }] },
        },
        "static_resources": {
            "clusters": [control], "listeners": [answering("static", &local(0), "ok", &json!({}))],
        },
    })
}

#[test]
fn both_sides_prove_themselves_and_what_fails_is_tried_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("xds");
    let plane = Plane::start(&path);
    plane.serve("envoy.config.cluster.v3.Cluster", &[]);
    plane.serve("envoy.config.listener.v3.Listener", &[("in", answering("in", &local(0), "ok", &json!({})))]);
    let (ours, theirs) = (Ca::new("ours"), Ca::new("theirs"));
    let port = terminate(&ours.leaf("control.example"), &ours.pem, &path).port();
    let own = |ca: &Ca| certificate("own", &ca.leaf("spiffe://td/ns/a/sa/b"));

    let good = start(&bootstrap(port, &ours.pem, &own(&ours)), &Options::default());
    soon("the listener is there", || good.address("in").is_some());
    serves(good.address("in").unwrap());
    let connected = "control_plane.connected_state";
    assert_eq!(stat(&good, connected), 1);

    // A control plane that another authority vouches for gets nothing, one that does not trust us neither. The proxy
    // serves what it has, shows it, and goes on trying.
    for bootstrap in [bootstrap(port, &theirs.pem, &own(&ours)), bootstrap(port, &ours.pem, &own(&theirs))] {
        let before = plane.seen().len();
        let server = start(&bootstrap, &Options::default());
        soon("it gives up waiting", || server.ready());
        soon("it tries again", || stat(&server, "cluster.control.upstream_cx_total") >= 2);
        serves(server.address("static").unwrap());
        assert_eq!((stat(&server, connected), server.address("in")), (0, None));
        assert_eq!(plane.seen().len(), before, "nothing was asked");
        assert!(stat(&server, "listener_manager.lds.update_failure") >= 1);
    }
    serves(good.address("in").unwrap());
}

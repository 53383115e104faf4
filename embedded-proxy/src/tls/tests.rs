//! Handshakes between an acceptor and a connector.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

use super::testing::{Ca, Leaf};
use super::*;
use crate::cluster::testing::build;
use crate::net::Io;
use crate::proto::{Defects, Reader, from_json};
use crate::services::Build;
use crate::stream;
use crate::telemetry::stats::Sample;

const TLS: &str = "envoy.extensions.transport_sockets.tls.v3";

fn read<T>(
    kind: &str,
    context: &Value,
    build: &Build,
    read: impl Fn(&Reader<'_>, &Build) -> Option<T>,
) -> Result<T, String> {
    let mut config = json!({"@type": format!("type.googleapis.com/{TLS}.{kind}")});
    config.as_object_mut().unwrap().extend(context.as_object().unwrap().clone());
    let message = from_json("envoy.config.core.v3.TransportSocket", &json!({"name": "tls", "typed_config": config}))?;
    let defects = Defects::new();
    let reader = Reader::new(message, "", &defects);
    let value = read(&reader, build);
    drop(reader);
    defects.verdict(value).map_err(|defects| defects[0].to_string())
}

fn acceptor(context: &Value, build: &Build) -> Acceptor {
    read("DownstreamTlsContext", context, build, Acceptor::read).unwrap()
}

fn connector(context: &Value, build: &Build) -> Connector {
    read("UpstreamTlsContext", context, build, Connector::read).unwrap()
}

fn own(leaf: &Leaf) -> Value {
    json!({"certificate_chain": {"inline_string": leaf.pem}, "private_key": {"inline_string": leaf.key}})
}

fn trust(ca: &Ca, names: &[Value]) -> Value {
    json!({"trusted_ca": {"inline_string": ca.pem}, "match_typed_subject_alt_names": names})
}

fn uri(uri: &str) -> Value {
    json!({"san_type": "URI", "matcher": {"exact": uri}})
}

type Side = Result<Arc<stream::Tls>, String>;

/// A handshake and a byte each way; both sides' facts or errors.
async fn shake(acceptor: &Acceptor, connector: &Connector, target: &Target<'_>) -> (Side, Side) {
    let (client, server) = duplex(1 << 16);
    let serve = async {
        let (mut io, tls) = acceptor.accept(Io::Memory(server)).await?;
        io.read_exact(&mut [0]).await.map_err(|error| error.to_string())?;
        io.write_all(b"x").await.map_err(|error| error.to_string())?;
        io.flush().await.map_err(|error| error.to_string())?;
        Ok(tls.unwrap())
    };
    let ask = async {
        let (mut io, tls) = connector.connect(Io::Memory(client), target).await?;
        io.write_all(b"x").await.map_err(|error| error.to_string())?;
        io.flush().await.map_err(|error| error.to_string())?;
        // With TLS 1.3 a client learns here that its certificate was refused.
        io.read_exact(&mut [0]).await.map_err(|error| error.to_string())?;
        Ok(tls.unwrap())
    };
    tokio::join!(serve, ask)
}

fn count(build: &Build, wanted: &str) -> u64 {
    let all = build.services.stats.all();
    let found = all.iter().find(|seen| seen.name.to_string() == wanted);
    match found.map(|seen| &seen.sample) {
        Some(Sample::Counter(counter)) => counter.value(),
        _ => 0,
    }
}

#[tokio::test]
async fn peers_prove_their_spiffe_ids() {
    let build = build();
    let (ca, other) = (Ca::new("root"), Ca::new("other"));
    let server = ca.uris(&["spiffe://td/ns/a/sa/server"]);
    let accepts = acceptor(
        &json!({"common_tls_context": {
            "tls_certificates": [own(&server)], "alpn_protocols": ["istio-peer-exchange", "istio", "h2"],
            "validation_context": trust(&ca, &[json!({"san_type": "URI", "matcher": {"prefix": "spiffe://td/"}})]),
        }, "require_client_certificate": true}),
        &build,
    );
    let client = |leaf: Option<&Leaf>, ca: &Ca, wanted: &str| {
        let certificates: Vec<Value> = leaf.map(own).into_iter().collect();
        connector(
            &json!({"sni": "outbound_.80_._.a.b.svc.cluster.local", "common_tls_context": {
                "tls_certificates": certificates, "alpn_protocols": ["istio-peer-exchange", "h2"],
                "validation_context": trust(ca, &[uri(wanted)]),
            }}),
            &build,
        )
    };
    let good = ca.uris(&["spiffe://td/ns/a/sa/client"]);
    let connects = client(Some(&good), &ca, "spiffe://td/ns/a/sa/server");
    let (server_side, client_side) = shake(&accepts, &connects, &Target::default()).await;
    let (server_side, client_side) = (server_side.unwrap(), client_side.unwrap());
    assert_eq!(server_side.peer_uris, ["spiffe://td/ns/a/sa/client"]);
    assert_eq!(client_side.peer_uris, ["spiffe://td/ns/a/sa/server"]);
    assert_eq!(server_side.local_uris, ["spiffe://td/ns/a/sa/server"]);
    assert!(server_side.verified && client_side.verified);
    assert_eq!((server_side.alpn.as_deref(), server_side.version), (Some("h2"), "TLSv1.3"));
    assert_eq!(server_side.sni.as_deref(), Some("outbound_.80_._.a.b.svc.cluster.local"));
    assert_eq!(count(&build, "ssl.curves.X25519MLKEM768"), 2, "post-quantum key exchange on both sides");

    let expired = ca.leaf(|params| {
        params.subject_alt_names = vec![rcgen::SanType::URI("spiffe://td/x".try_into().unwrap())];
        params.not_after = rcgen::date_time_ymd(2020, 1, 1);
    });
    let authority = ca.leaf(|params| {
        params.subject_alt_names = vec![rcgen::SanType::URI("spiffe://td/x".try_into().unwrap())];
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    });
    let server_only = ca.leaf(|params| {
        params.subject_alt_names = vec![rcgen::SanType::URI("spiffe://td/x".try_into().unwrap())];
        params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ServerAuth];
    });
    let cases: [(&str, Option<Leaf>, &str, &str); 8] = [
        (
            "another trust domain",
            Some(ca.uris(&["spiffe://other/ns/a/sa/client"])),
            "ssl.fail_verify_san",
            "SAN matcher",
        ),
        ("the domain as a path", Some(ca.uris(&["spiffe://other/td/"])), "ssl.fail_verify_san", "malformed"),
        ("two ids", Some(ca.uris(&["spiffe://td/a", "spiffe://td/b"])), "ssl.fail_verify_san", "one URI"),
        ("no id", Some(ca.dns(&["td"])), "ssl.fail_verify_san", "SAN matcher"),
        ("an authority", Some(authority), "ssl.fail_verify_error", "authority"),
        ("another root", Some(other.uris(&["spiffe://td/x"])), "ssl.fail_verify_error", "local issuer"),
        ("server use only", Some(server_only), "ssl.fail_verify_error", "purpose"),
        ("no certificate", None, "ssl.fail_verify_no_cert", "CERTIFICATE"),
    ];
    for (what, leaf, stat, why) in cases {
        let before = count(&build, stat);
        let connects = client(leaf.as_ref(), &ca, "spiffe://td/ns/a/sa/server");
        let (server_side, client_side) = shake(&accepts, &connects, &Target::default()).await;
        let error = server_side.unwrap_err();
        assert!(error.contains(why), "{what}: {error}");
        assert!(client_side.is_err(), "{what}");
        assert_eq!(count(&build, stat), before + 1, "{what}");
    }
    // Our own expired certificate is not shown at all.
    let connects = client(Some(&expired), &ca, "spiffe://td/ns/a/sa/server");
    let (_, client_side) = shake(&accepts, &connects, &Target::default()).await;
    assert!(client_side.unwrap_err().contains("has expired"));
    assert_eq!(count(&build, "ssl.own_certificate_expired"), 1);
    // The client checks the server the same way.
    for (ca, wanted) in [
        (&ca, "spiffe://td/ns/a/sa/another"),
        (&ca, "spiffe://td/ns/a/sa/serve"),
        (&other, "spiffe://td/ns/a/sa/server"),
    ] {
        let connects = client(Some(&good), ca, wanted);
        let (server_side, client_side) = shake(&accepts, &connects, &Target::default()).await;
        let error = client_side.unwrap_err();
        assert!(
            error.starts_with("TLS_error:|268435581:SSL routines:OPENSSL_internal:CERTIFICATE_VERIFY_FAILED"),
            "{error}"
        );
        assert!(server_side.is_err());
    }
}

#[tokio::test]
async fn an_expired_certificate_of_a_peer_or_root_is_refused() {
    let build = build();
    let ca = Ca::new("root");
    let old = ca.leaf(|params| params.not_after = rcgen::date_time_ymd(2020, 1, 1));
    let client = ca.uris(&["spiffe://td/a"]);
    let accepts = acceptor(&json!({"common_tls_context": {"tls_certificates": [own(&old)]}}), &build);
    let connects = connector(&json!({"common_tls_context": {"validation_context": trust(&ca, &[])}}), &build);
    let (server_side, client_side) = shake(&accepts, &connects, &Target::default()).await;
    assert!(server_side.unwrap_err().contains("has expired"));
    assert!(client_side.is_err());
    // The verification itself, as it would be if a peer showed it.
    let validation = super::validation::ValidationSource::from_pem(ca.pem.clone()).load().unwrap();
    let check = |leaf: &Leaf, at: u64| {
        let now = rustls::pki_types::UnixTime::since_unix_epoch(Duration::from_secs(at));
        let usage = webpki::KeyUsage::client_auth();
        super::verify::check(Some(&validation), &leaf.der.clone().into(), &[], now, usage, None)
            .map_err(|error| error.why)
    };
    let now = u64::try_from(super::context::now()).unwrap();
    assert!(check(&client, now).is_ok());
    assert!(check(&old, now).unwrap_err().contains("has expired"));
    assert!(check(&client, 1).unwrap_err().contains("not yet valid"));
    // Far beyond the end of certificate and root.
    assert!(check(&client, 99_999_999_999).is_err());
}

#[tokio::test]
async fn certificates_are_chosen_by_server_name_and_clients_without_common_protocol_are_served() {
    let build = build();
    let ca = Ca::new("root");
    let (one, wild, other) = (ca.dns(&["a.example.com"]), ca.dns(&["*.example.com"]), ca.dns(&["other"]));
    let accepts = acceptor(
        &json!({"common_tls_context": {"tls_certificates": [own(&other), own(&wild), own(&one)], "alpn_protocols": ["h2"]}}),
        &build,
    );
    let connects = |more: Value| {
        let mut context =
            json!({"common_tls_context": {"validation_context": trust(&ca, &[]), "alpn_protocols": ["x"]}});
        context.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        connector(&context, &build)
    };
    let auto = connects(json!({"auto_sni_san_validation": true, "auto_host_sni": true}));
    for (host, dns) in [("a.example.com", "a.example.com"), ("b.example.com", "*.example.com"), ("other", "other")] {
        let (_, client_side) = shake(&accepts, &auto, &Target { hostname: Some(host), ..Target::default() }).await;
        let tls = client_side.unwrap();
        assert_eq!((tls.peer_dns[0].as_str(), tls.alpn.as_deref()), (dns, None));
    }
    let (_, client_side) = shake(&accepts, &auto, &Target { hostname: Some("else"), ..Target::default() }).await;
    assert!(client_side.unwrap_err().contains("does not hold else"));
    let target =
        Target { sni: Some("a.example.com"), san: Some("b.example.com"), alpn: Some(&["h2"]), ..Target::default() };
    let (_, client_side) = shake(&accepts, &auto, &target).await;
    assert!(client_side.is_err(), "a.example.com is shown, b.example.com is wanted");
    let target = Target { san: None, ..target };
    let (server_side, client_side) = shake(&accepts, &connects(json!({})), &target).await;
    assert_eq!(client_side.unwrap().alpn.as_deref(), Some("h2"));
    assert!(!server_side.unwrap().verified, "there was nothing to verify");
}

#[tokio::test]
async fn sessions_are_resumed_and_not_across_new_roots() {
    let build = build();
    let ca = Ca::new("root");
    let (server, client) = (ca.uris(&["spiffe://td/s"]), ca.uris(&["spiffe://td/c"]));
    let context = json!({"common_tls_context": {"tls_certificates": [own(&server)], "validation_context": trust(&ca, &[])}, "require_client_certificate": true});
    let accepts = acceptor(&context, &build);
    let connects = connector(
        &json!({"sni": "s", "common_tls_context": {"tls_certificates": [own(&client)], "validation_context": trust(&ca, &[])}}),
        &build,
    );
    let resumed = |sides: (Side, Side)| sides.0.unwrap().resumed && sides.1.unwrap().resumed;
    assert!(!resumed(shake(&accepts, &connects, &Target::default()).await));
    let (server_side, client_side) = shake(&accepts, &connects, &Target::default()).await;
    assert_eq!(server_side.as_ref().unwrap().peer_uris, ["spiffe://td/c"], "the identity comes with the session");
    assert!(resumed((server_side, client_side)));
    let again = acceptor(&context, &build);
    assert!(!resumed(shake(&again, &connects, &Target::default()).await), "another context has other keys");
}

#[tokio::test]
async fn delivered_secrets_are_waited_for_and_replaced_live() {
    let build = build();
    let (old, new) = (Ca::new("old"), Ca::new("new"));
    let sds = |name: &str| json!({"name": name, "sds_config": {"ads": {}, "resource_api_version": "V3"}});
    let combined = |wanted: &str| json!({"default_validation_context": {"match_typed_subject_alt_names": [uri(wanted)]}, "validation_context_sds_secret_config": sds("ROOTCA")});
    let common = |wanted: &str| json!({"tls_certificate_sds_secret_configs": [sds("default")], "combined_validation_context": combined(wanted)});
    let accepts =
        acceptor(&json!({"common_tls_context": common("spiffe://td/w"), "require_client_certificate": true}), &build);
    let connects = connector(&json!({"common_tls_context": common("spiffe://td/w")}), &build);
    let (server_side, client_side) = shake(&accepts, &connects, &Target::default()).await;
    assert_eq!(client_side.unwrap_err(), "TLS_error:Secret is not supplied by SDS:TLS_error_end");
    assert!(server_side.is_err());
    let secrets = &build.services.secrets;
    let deliver = |ca: &Ca, uri: &str| {
        let leaf = ca.uris(&[uri]);
        let own = Secret::certificate_from_pem("default", leaf.pem, leaf.key).unwrap();
        assert!(secrets.publish("default", Some(Arc::new(own))));
        assert!(secrets.publish("ROOTCA", Some(Arc::new(Secret::roots_from_pem("ROOTCA", ca.pem.clone()).unwrap()))));
    };
    deliver(&old, "spiffe://td/w");
    tokio::join!(accepts.ready(), connects.ready());
    let (server_side, client_side) = shake(&accepts, &connects, &Target::default()).await;
    assert_eq!((server_side.unwrap().peer_issuer.as_str(), client_side.unwrap().verified), ("CN=old", true));
    deliver(&new, "spiffe://td/w");
    let mut issuer = String::new();
    for _ in 0..50 {
        tokio::time::sleep(Duration::from_millis(5)).await;
        let (server_side, client_side) = shake(&accepts, &connects, &Target::default()).await;
        if let (Ok(server_side), Ok(_)) = (server_side, client_side) {
            issuer.clone_from(&server_side.peer_issuer);
            if issuer == "CN=new" {
                break;
            }
        }
    }
    assert_eq!(issuer, "CN=new", "new handshakes use the new certificate and roots");
    deliver(&new, "spiffe://td/else");
    tokio::time::sleep(Duration::from_millis(50)).await;
    let (_, client_side) = shake(&accepts, &connects, &Target::default()).await;
    assert!(client_side.unwrap_err().contains("SAN matcher"));
}

#[tokio::test(start_paused = true)]
async fn files_are_read_again_when_they_change() {
    let build = build();
    let ca = Ca::new("root");
    let folder = tempfile::tempdir().unwrap();
    let write = |leaf: &Leaf| {
        std::fs::write(folder.path().join("chain"), &leaf.pem).unwrap();
        std::fs::write(folder.path().join("key"), &leaf.key).unwrap();
    };
    write(&ca.dns(&["one"]));
    let file = |name: &str| json!({"filename": folder.path().join(name)});
    let accepts = acceptor(
        &json!({"common_tls_context": {"tls_certificates": [{"certificate_chain": file("chain"), "private_key": file("key")}]}}),
        &build,
    );
    let shown = || accepts.material().unwrap().0[0].facts.dns().next().unwrap().to_string();
    assert_eq!(shown(), "one");
    std::fs::write(folder.path().join("chain"), "junk, longer than before").unwrap();
    tokio::time::sleep(Duration::from_secs(6)).await;
    assert_eq!(shown(), "one", "what is broken changes nothing");
    write(&ca.dns(&["two.longer"]));
    tokio::time::sleep(Duration::from_secs(6)).await;
    assert_eq!(shown(), "two.longer");
}

#[tokio::test]
async fn pins_and_revocation_lists_are_checked() {
    let build = build();
    let ca = Ca::new("root");
    let (good, bad) = (ca.dns(&["good"]), ca.dns(&["bad"]));
    let serial = |leaf: &Leaf| {
        let (_, certificate) = x509_parser::parse_x509_certificate(&leaf.der).unwrap();
        rcgen::SerialNumber::from_slice(certificate.raw_serial())
    };
    let list = rcgen::CertificateRevocationListParams {
        this_update: rcgen::date_time_ymd(2024, 1, 1),
        next_update: rcgen::date_time_ymd(2200, 1, 1),
        crl_number: rcgen::SerialNumber::from(1),
        issuing_distribution_point: None,
        revoked_certs: vec![rcgen::RevokedCertParams {
            serial_number: serial(&bad),
            revocation_time: rcgen::date_time_ymd(2024, 1, 1),
            reason_code: None,
            invalidity_date: None,
        }],
        key_identifier_method: rcgen::KeyIdMethod::Sha256,
    };
    let list = list.signed_by(ca.issuer()).unwrap().pem().unwrap();
    let mut revoking = trust(&ca, &[]);
    revoking["crl"] = json!({"inline_string": list});
    let accepts = |leaf: &Leaf| acceptor(&json!({"common_tls_context": {"tls_certificates": [own(leaf)]}}), &build);
    let connects = connector(&json!({"common_tls_context": {"validation_context": revoking}}), &build);
    assert!(shake(&accepts(&good), &connects, &Target::default()).await.1.is_ok());
    let error = shake(&accepts(&bad), &connects, &Target::default()).await.1.unwrap_err();
    assert!(error.contains("certificate revoked"), "{error}");
    let hash = super::facts::hex(&super::facts::sha256(&good.der));
    let pinned =
        connector(&json!({"common_tls_context": {"validation_context": {"verify_certificate_hash": [hash]}}}), &build);
    assert!(shake(&accepts(&good), &pinned, &Target::default()).await.1.unwrap().verified);
    assert!(shake(&accepts(&bad), &pinned, &Target::default()).await.1.is_err());
    assert_eq!(count(&build, "ssl.fail_verify_cert_hash"), 1);
}

#[tokio::test]
async fn a_client_shows_a_certificate_where_something_of_it_is_asked_for() {
    let build = build();
    let ca = Ca::new("root");
    let (server, client) = (ca.dns(&["s"]), ca.uris(&["spiffe://td/c"]));
    let hash = super::facts::hex(&super::facts::sha256(&client.der));
    let names =
        json!({"match_typed_subject_alt_names": [uri("spiffe://td/c")], "trusted_ca": {"inline_string": ca.pem}});
    // An authority alone asks for a certificate and takes clients without one.
    for (validation, needed) in [
        (names, true),
        (json!({"verify_certificate_hash": [hash], "trusted_ca": {"inline_string": ca.pem}}), true),
        (json!({"verify_certificate_hash": [hash]}), true),
        (trust(&ca, &[]), false),
    ] {
        let accepts = acceptor(
            &json!({"common_tls_context": {"tls_certificates": [own(&server)], "validation_context": validation}}),
            &build,
        );
        let connects = |certificates: &[Value]| {
            let context = json!({"tls_certificates": certificates, "validation_context": trust(&ca, &[])});
            connector(&json!({"common_tls_context": context}), &build)
        };
        let before = count(&build, "ssl.fail_verify_no_cert");
        let (server_side, _) = shake(&accepts, &connects(&[]), &Target::default()).await;
        assert_eq!(server_side.is_err(), needed, "{validation}: {server_side:?}");
        assert_eq!(count(&build, "ssl.fail_verify_no_cert") - before, u64::from(needed), "{validation}");
        let (server_side, _) = shake(&accepts, &connects(&[own(&client)]), &Target::default()).await;
        assert_eq!(server_side.unwrap().peer_uris, ["spiffe://td/c"], "{validation}");
    }
}

#[tokio::test]
async fn what_cannot_be_honoured_is_refused_by_name() {
    let build = build();
    let ca = Ca::new("root");
    let leaf = ca.dns(&["a"]);
    let down = |context: &Value| read("DownstreamTlsContext", context, &build, Acceptor::read).unwrap_err();
    let with = |more: Value| {
        let mut certificate = own(&leaf);
        certificate.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({"common_tls_context": {"tls_certificates": [certificate]}})
    };
    assert!(down(&json!({})).contains("needs a certificate"));
    let staple = down(&with(json!({"ocsp_staple": {"inline_string": "x"}})));
    assert_eq!(
        staple,
        "typed_config.common_tls_context.tls_certificates[0].ocsp_staple: the proxy does not have this feature"
    );
    let mut context = with(json!({}));
    context["ocsp_staple_policy"] = json!("MUST_STAPLE");
    assert!(down(&context).starts_with("typed_config.ocsp_staple_policy"));
    let names = json!({"common_tls_context": {"tls_certificates": [own(&leaf)], "validation_context": {"match_typed_subject_alt_names": [uri("a")]}}});
    assert!(down(&names).contains("without a trusted CA"));
    let mut broken = own(&leaf);
    broken["private_key"]["inline_string"] = json!("secret words");
    let error = down(&json!({"common_tls_context": {"tls_certificates": [broken]}}));
    assert!(
        error.starts_with("typed_config.common_tls_context.tls_certificates[0]: private key")
            && !error.contains("secret words"),
        "{error}"
    );
}

#[tokio::test]
async fn bytes_that_are_not_tls_fail_the_handshake() {
    let build = build();
    let ca = Ca::new("root");
    let accepts = acceptor(&json!({"common_tls_context": {"tls_certificates": [own(&ca.dns(&["a"]))]}}), &build);
    for bytes in [&b"GET / HTTP/1.1\r\n\r\n"[..], b"\x16\x03\x01\0\x05\x01\0\0\x01\0", b"\x16\x03\x01\xff\xff", b""] {
        let (mut client, server) = duplex(1 << 16);
        client.write_all(bytes).await.unwrap();
        client.shutdown().await.unwrap();
        let error = tokio::time::timeout(Duration::from_secs(5), accepts.accept(Io::Memory(server)))
            .await
            .unwrap()
            .unwrap_err();
        assert!(error.starts_with("TLS_error:"), "{error}");
    }
    assert_eq!(count(&build, "ssl.connection_error"), 4);
}

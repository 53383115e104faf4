//! Secrets in files, swapped as Kubernetes swaps mounted volumes.

use std::os::unix::fs::symlink;
use std::path::Path;

use embedded_proxy::server::Options;
use serde_json::json;

use super::support::{Ca, answering, certificate, kind, local, over_tls, soon, start};
use crate::faults::support::PATIENCE;

/// Writes a version of the volume beside the others and puts the link `..data` on it in one step.
fn publish(folder: &Path, version: &str, content: &str) {
    let own = folder.join(version);
    std::fs::create_dir(&own).unwrap();
    std::fs::write(own.join("secret.json"), content).unwrap();
    let next = folder.join("..data_tmp");
    symlink(version, &next).unwrap();
    std::fs::rename(&next, folder.join("..data")).unwrap();
}

#[test]
fn a_mounted_secret_is_read_again_when_its_volume_is_swapped() {
    let folder = tempfile::tempdir().unwrap();
    let (one, two) = (Ca::new("one"), Ca::new("two"));
    let response = |ca: &Ca| {
        let mut secret = certificate("mine", &ca.leaf("a.example"));
        secret["@type"] = kind("transport_sockets.tls.v3.Secret").into();
        json!({ "version_info": "1", "resources": [secret] }).to_string()
    };
    publish(folder.path(), "..1", &response(&one));
    symlink("..data/secret.json", folder.path().join("secret.json")).unwrap();
    let source = json!({
        "path_config_source": {
            "path": folder.path().join("secret.json"), "watched_directory": { "path": folder.path() },
        },
        "resource_api_version": "V3",
    });
    let tls = json!({ "transport_socket": { "name": "tls", "typed_config": {
        "@type": kind("transport_sockets.tls.v3.DownstreamTlsContext"),
        "common_tls_context": { "tls_certificate_sds_secret_configs": [{ "name": "mine", "sds_config": source }] },
    } } });
    let bootstrap = json!({
        "node": { "id": "files", "cluster": "files" },
        "static_resources": { "listeners": [answering("secure", &local(0), "hello", &tls)] },
    });
    let server = start(&bootstrap, &Options::default());
    server.initialised();
    let secure = server.address("secure").unwrap();
    soon("the certificate of the first version is shown", || over_tls(secure, &one.pem, "a.example").is_ok());

    publish(folder.path(), "..2", &response(&two));
    soon("the certificate of the second version is shown", || over_tls(secure, &two.pem, "a.example").is_ok());
    assert!(over_tls(secure, &one.pem, "a.example").is_err(), "the first is shown no more");

    // What cannot be read changes nothing.
    publish(folder.path(), "..3", "{ this is no JSON");
    std::thread::sleep(PATIENCE / 4);
    assert_eq!(over_tls(secure, &two.pem, "a.example").as_deref(), Ok("hello"));
}

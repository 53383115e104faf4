//! TLS that nobody means: changed hellos, cut records, noise inside a session, peers that never finish. Whatever comes, it
//! ends, it is counted, and good clients are served.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use embedded_proxy::server::Server;
use fastrand::Rng;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use serde_json::{Value, json};

use super::config::{bootstrap, hcm, listener};
use super::malformed::mutate;
use super::support::*;

/// A proxy with a TLS listener `main`, and what its clients trust.
struct Proxy {
    server: Server,
    to: SocketAddr,
    /// Logs why connections ended.
    log: tempfile::NamedTempFile,
    client: Arc<ClientConfig>,
}

fn proxy(chain: &Value, inspector: bool) -> Proxy {
    let key = rcgen::KeyPair::generate().unwrap();
    let params = rcgen::CertificateParams::new(vec!["a.test".to_string()]).unwrap();
    let certificate = params.self_signed(&key).unwrap();
    let mut config = listener("main", &hcm(&json!({}), &json!({})));
    config["filter_chains"][0]["transport_socket"] = json!({ "name": "tls", "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
        "common_tls_context": { "tls_certificates": [{
            "certificate_chain": { "inline_string": certificate.pem() },
            "private_key": { "inline_string": key.serialize_pem() },
        }] },
    } });
    for (name, value) in chain.as_object().unwrap() {
        config["filter_chains"][0][name.as_str()] = value.clone();
    }
    let log = tempfile::NamedTempFile::new().unwrap();
    let format = "%CONNECTION_TERMINATION_DETAILS%|%DOWNSTREAM_TRANSPORT_FAILURE_REASON%\n";
    config["access_log"] = json!([{ "name": "file", "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog",
        "path": log.path(),
        "log_format": { "text_format_source": { "inline_string": format } },
    } }]);
    if inspector {
        let kind = "type.googleapis.com/envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector";
        config["listener_filters"] = json!([{ "name": "tls", "typed_config": { "@type": kind } }]);
        config["listener_filters_timeout"] = json!("1s");
    }
    let server = start(&bootstrap(&[config], origin(friendly)));
    let to = server.address("main").unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from(certificate.der().to_vec())).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let client = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    Proxy { server, to, log, client: Arc::new(client.with_root_certificates(roots).with_no_client_auth()) }
}

impl Proxy {
    fn hello(&self) -> ClientConnection {
        ClientConnection::new(self.client.clone(), ServerName::try_from("a.test").unwrap()).unwrap()
    }

    /// A session after one answer.
    fn session(&self) -> StreamOwned<ClientConnection, TcpStream> {
        let mut session = StreamOwned::new(self.hello(), connect(self.to));
        session.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").unwrap();
        let mut answer = [0; 12];
        session.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"HTTP/1.1 200");
        session
    }

    /// Handshakes that failed, once all connections have gone: a client may see the end before it is counted.
    fn errors(&self) -> i64 {
        emptied(&self.server, "main");
        stat(&self.server, "listener.main.ssl.connection_error")
    }

    /// Good clients are served, and nobody is left behind. Returns the lines of the log.
    fn leaves_nobody(self) -> Vec<String> {
        drop(self.session());
        emptied(&self.server, "main");
        self.server.shutdown();
        std::fs::read_to_string(self.log.path()).unwrap().lines().map(str::to_string).collect()
    }
}

/// The first bytes of a client.
fn hello(proxy: &Proxy) -> Vec<u8> {
    let mut bytes = Vec::new();
    proxy.hello().write_tls(&mut bytes).unwrap();
    bytes
}

/// Sends bytes and the end, and waits until the proxy has ended the connection.
fn throw(to: SocketAddr, bytes: &[u8]) {
    let mut connection = connect(to);
    let _ = connection.write_all(bytes);
    let _ = connection.shutdown(Shutdown::Write);
    let began = Instant::now();
    rest(&mut connection);
    assert!(began.elapsed() < PATIENCE, "the connection is kept");
}

#[test]
fn changed_hellos_are_counted_and_forgotten() {
    for inspector in [false, true] {
        let proxy = proxy(&json!({}), inspector);
        let seed = hello(&proxy);
        let mut random = Rng::with_seed(7);
        for _ in 0..400 {
            throw(proxy.to, &mutate(&seed, &mut random));
        }
        let (errors, seen) = (proxy.errors(), stat(&proxy.server, "listener.main.downstream_cx_total"));
        assert!(errors > 100 && errors <= seen, "{errors} errors of {seen} connections");
        proxy.leaves_nobody();
    }
}

#[test]
fn records_that_are_cut_or_too_large_end_the_connection() {
    let proxy = proxy(&json!({}), false);
    let hello = hello(&proxy);
    let ends: Vec<usize> = (1..hello.len()).step_by(hello.len() / 40 + 1).collect();
    for end in &ends {
        throw(proxy.to, &hello[..*end]);
    }
    assert_eq!(proxy.errors(), i64::try_from(ends.len()).unwrap(), "each cut hello is counted");
    // A record of 65535 bytes, hellos that claim 16 MB, empty records without end, alerts, noise.
    let large = [[22, 3, 1, 255, 255].as_slice(), &vec![1; 70_000]].concat();
    let claims = [[22, 3, 1, 64, 0, 1, 255, 255, 255].as_slice(), &vec![3; 16_380]].concat();
    let empty = [22, 3, 1, 0, 0].repeat(20_000);
    let noise: Vec<u8> = (0..50_000).map(|_| fastrand::u8(..)).collect();
    let all: [&[u8]; 6] =
        [&large, &claims.repeat(20), &empty, &[21, 3, 1, 0, 2, 2, 80], b"GET / HTTP/1.1\r\n\r\n", &noise];
    for bytes in all {
        throw(proxy.to, bytes);
    }
    assert_eq!(proxy.errors(), i64::try_from(ends.len() + all.len()).unwrap());
    let log = proxy.leaves_nobody();
    let failed = log.iter().filter(|line| line.starts_with("-|TLS_error:") && !line.contains(' ')).count();
    assert_eq!((failed, log.last().map(String::as_str)), (ends.len() + all.len(), Some("-|-")), "{log:?}");
}

#[test]
fn noise_inside_a_session_ends_it() {
    let proxy = proxy(&json!({}), false);
    let noise: [&[u8]; 4] = [b"plain text", &[23, 3, 3, 0, 20, 1, 2, 3], &[23, 3, 3, 0x48, 1], &[22, 3, 3, 0, 1, 0]];
    for bytes in noise {
        let mut session = proxy.session();
        session.sock.write_all(bytes).unwrap();
        let _ = session.sock.shutdown(Shutdown::Write);
        let mut left = Vec::new();
        let _ = session.sock.read_to_end(&mut left);
    }
    let noisy = i64::try_from(noise.len()).unwrap();
    assert_eq!(stat(&proxy.server, "listener.main.ssl.handshake"), noisy);
    proxy.leaves_nobody();
}

#[test]
fn handshakes_that_never_end_are_ended() {
    let proxy = proxy(&json!({ "transport_socket_connect_timeout": "0.4s" }), false);
    let hello = hello(&proxy);
    let began = Instant::now();
    // Nothing, a part, all of the hello and nothing more, one byte at a time.
    let silent: Vec<TcpStream> = [0, 20, hello.len()]
        .map(|end| {
            let mut connection = connect(proxy.to);
            connection.write_all(&hello[..end]).unwrap();
            connection
        })
        .into();
    let mut slow = connect(proxy.to);
    for byte in &hello {
        if slow.write_all(&[*byte]).is_err() || began.elapsed() > Duration::from_secs(2) {
            break;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    for mut connection in silent {
        rest(&mut connection);
    }
    rest(&mut slow);
    assert!(began.elapsed() < Duration::from_secs(6), "they are ended by the time limit");
    emptied(&proxy.server, "main");
    assert_eq!(stat(&proxy.server, "listener.main.downstream_cx_transport_socket_connect_timeout"), 4);
    let log = proxy.leaves_nobody();
    assert_eq!(log.iter().filter(|line| *line == "transport socket timeout was reached|-").count(), 4, "{log:?}");
}

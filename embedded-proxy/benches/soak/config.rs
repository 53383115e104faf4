//! The proxy's configuration: everything that can change does so by files that are replaced.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, SanType};
use serde_json::{Value, json};

use super::origin::Origins;

/// What the clients need to know, and the files.
pub struct Site {
    folder: PathBuf,
    origins: Origins,
    /// HTTP/1 and HTTP/2 with prior knowledge.
    pub plain: SocketAddr,
    /// The same over TLS.
    pub tls: SocketAddr,
    /// Bytes.
    pub tcp: SocketAddr,
    issuer: CertifiedIssuer<'static, KeyPair>,
}

fn kind(name: &str) -> String {
    format!("type.googleapis.com/envoy.{name}")
}

fn address(address: SocketAddr) -> Value {
    json!({ "socket_address": { "address": address.ip().to_string(), "port_value": address.port() } })
}

/// A port that is free now.
fn port() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port")
}

impl Site {
    /// Writes all files for the first time.
    pub fn write(folder: &Path, origins: Origins) -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("a root");
        let site = Self { folder: folder.into(), origins, plain: port(), tls: port(), tcp: port(), issuer };
        site.rotate();
        site.change(0);
        site.put("bootstrap.json", &site.main());
        site
    }

    /// The file to start the proxy with.
    pub fn bootstrap(&self) -> PathBuf {
        self.folder.join("bootstrap.json")
    }

    /// Where the proxy logs what failed upstream.
    pub fn log(&self) -> PathBuf {
        self.folder.join("log")
    }

    /// The root that signs the proxy's certificates.
    pub fn root(&self) -> rustls::pki_types::CertificateDer<'static> {
        self.issuer.der().to_vec().into()
    }

    /// Replaces a file at once.
    fn put(&self, name: &str, value: &Value) {
        let new = self.folder.join("new");
        std::fs::write(&new, value.to_string()).expect("a file");
        std::fs::rename(new, self.folder.join(name)).expect("a file in its place");
    }

    fn resources(&self, name: &str, version: u64, resources: &Value) {
        self.put(name, &json!({ "version_info": version.to_string(), "resources": resources }));
    }

    fn source(&self, name: &str) -> Value {
        json!({ "resource_api_version": "V3", "path_config_source": { "path": self.folder.join(name) } })
    }

    /// A new certificate.
    pub fn rotate(&self) {
        let mut params = CertificateParams::default();
        params.subject_alt_names = vec![SanType::DnsName("a".try_into().expect("a name"))];
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        let (certificate, key) = (certificate.pem(), key.serialize_pem());
        let secret = json!([{ "@type": kind("extensions.transport_sockets.tls.v3.Secret"), "name": "own",
            "tls_certificate": { "certificate_chain": { "inline_string": certificate },
                                 "private_key": { "inline_string": key } } }]);
        self.resources("sds.json", 1, &secret);
    }

    /// Changes clusters, endpoints and routes; each number makes another configuration.
    pub fn change(&self, number: u64) {
        let host = if number.is_multiple_of(2) { self.origins.first } else { self.origins.second };
        let endpoint = |host| json!({ "endpoint": { "address": address(host) } });
        let timeout = format!("{}s", 2 + number % 3);
        self.resources(
            "cds.json",
            number,
            &json!([
                { "@type": kind("config.cluster.v3.Cluster"), "name": "web", "type": "EDS", "connect_timeout": timeout,
                  "eds_cluster_config": { "eds_config": self.source("eds.json") } },
                { "@type": kind("config.cluster.v3.Cluster"), "name": "echo", "type": "STATIC", "connect_timeout": "2s",
                  "load_assignment": { "cluster_name": "echo",
                                       "endpoints": [{ "lb_endpoints": [endpoint(self.origins.echo)] }] } },
            ]),
        );
        self.resources(
            "eds.json",
            number,
            &json!([{
            "@type": kind("config.endpoint.v3.ClusterLoadAssignment"), "cluster_name": "web",
            "endpoints": [{ "lb_endpoints": [endpoint(host)] }] }]),
        );
        let add = json!([{ "header": { "key": "x-number", "value": number.to_string() } }]);
        self.resources(
            "rds.json",
            number,
            &json!([{
            "@type": kind("config.route.v3.RouteConfiguration"), "name": "routes", "response_headers_to_add": add,
            "virtual_hosts": [{ "name": "all", "domains": ["*"], "routes": [
                { "match": { "prefix": "/" }, "route": { "cluster": "web", "timeout": "10s" } }] }] }]),
        );
    }

    fn main(&self) -> Value {
        let hcm = json!({ "name": "http", "typed_config": {
            "@type": kind("extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"),
            "stat_prefix": "soak", "rds": { "route_config_name": "routes", "config_source": self.source("rds.json") },
            "http_filters": [{ "name": "router", "typed_config": {
                "@type": kind("extensions.filters.http.router.v3.Router") } }],
            "access_log": [{ "name": "file", "typed_config": {
                "@type": kind("extensions.access_loggers.file.v3.FileAccessLog"), "path": self.log(),
                "log_format": { "text_format_source": { "inline_string":
                    "%START_TIME% %REQ(:PATH)% %PROTOCOL% %RESPONSE_CODE% %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS% %BYTES_SENT% %DURATION%\n" } } },
              "filter": { "response_flag_filter": { "flags": ["UC", "UF", "UPE", "UR", "UT", "SI", "UH", "NR", "NC"] } } }],
        } });
        let tcp = json!({ "name": "tcp", "typed_config": {
            "@type": kind("extensions.filters.network.tcp_proxy.v3.TcpProxy"), "stat_prefix": "t", "cluster": "echo" } });
        let tls = json!({ "name": "tls", "typed_config": {
            "@type": kind("extensions.transport_sockets.tls.v3.DownstreamTlsContext"),
            "common_tls_context": { "alpn_protocols": ["h2", "http/1.1"], "tls_certificate_sds_secret_configs": [
                { "name": "own", "sds_config": self.source("sds.json") }] } } });
        let listener = |name: &str, at, filter: &Value, socket: Option<&Value>| {
            let mut chain = json!({ "filters": [filter] });
            if let Some(socket) = socket {
                chain["transport_socket"] = socket.clone();
            }
            json!({ "name": name, "address": address(at), "filter_chains": [chain] })
        };
        json!({
            "node": { "id": "soak", "cluster": "soak" },
            "dynamic_resources": { "cds_config": self.source("cds.json") },
            "static_resources": { "listeners": [
                listener("plain", self.plain, &hcm, None),
                listener("tls", self.tls, &hcm, Some(&tls)),
                listener("tcp", self.tcp, &tcp, None),
            ] },
        })
    }
}

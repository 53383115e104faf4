//! A gRPC service at an address of its own: `envoy.config.core.v3.GrpcService.GoogleGrpc`.
//!
//! Envoy hands these to a client library with its own connections. Here such a service is a cluster that only its channel
//! knows: the same pools, TLS and name lookups as any other.

use std::net::{IpAddr, SocketAddr};

use serde_json::{Value, json};

use super::credentials::Credential;
use crate::proto::{Reader, to_json};

/// The port of a target that names none.
const PORT: u16 = 443;

/// What is read of the message.
#[derive(Clone, PartialEq)]
pub(super) struct Google {
    /// The cluster of the channel, as protobuf JSON. It may hold a key and is never printed.
    pub cluster: Value,
    /// Sent as `:authority`.
    pub authority: String,
    /// What proves each call.
    pub credentials: Vec<Credential>,
}

impl std::fmt::Debug for Google {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Google").field("authority", &self.authority).finish_non_exhaustive()
    }
}

/// A target of gRPC.
#[derive(Debug, PartialEq, Eq)]
enum Target {
    Unix(String),
    Ip(SocketAddr),
    Name(String, u16),
}

impl Target {
    /// Reads a target in the forms of gRPC's naming that the proxy can look up.
    fn parse(uri: &str) -> Result<Self, String> {
        if let Some(name) = uri.strip_prefix("unix-abstract:") {
            return Ok(Self::Unix(format!("@{name}")));
        }
        if let Some(path) = uri.strip_prefix("unix:") {
            return Ok(Self::Unix(path.strip_prefix("//").unwrap_or(path).to_string()));
        }
        let rest = ["dns:///", "dns:", "ipv4:", "ipv6:"].iter().find_map(|scheme| uri.strip_prefix(scheme));
        let rest = rest.unwrap_or(uri);
        if rest.contains("//") || rest.is_empty() {
            return Err(format!(
                "{uri:?} is no target that the proxy can look up: use HOST:PORT, dns:, ipv4:, ipv6: or unix:"
            ));
        }
        if let Ok(socket) = rest.parse::<SocketAddr>() {
            return Ok(Self::Ip(socket));
        }
        let bare = rest.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(rest);
        if let Ok(ip) = bare.parse::<IpAddr>() {
            return Ok(Self::Ip(SocketAddr::new(ip, PORT)));
        }
        let (host, port) = match rest.rsplit_once(':') {
            Some((host, port)) => (host, port.parse().map_err(|_| format!("{port:?} is no port"))?),
            None => (rest, PORT),
        };
        if host.is_empty() || host.contains([':', ',', '/', '[', ']']) {
            return Err(format!("{host:?} is no host name"));
        }
        Ok(Self::Name(host.into(), port))
    }

    fn address(&self) -> Value {
        match self {
            Self::Unix(path) => json!({ "pipe": { "path": path } }),
            Self::Ip(socket) => {
                json!({ "socket_address": { "address": socket.ip().to_string(), "port_value": socket.port() } })
            }
            Self::Name(host, port) => json!({ "socket_address": { "address": host, "port_value": port } }),
        }
    }

    fn authority(&self) -> String {
        match self {
            Self::Unix(_) => "localhost".into(),
            Self::Ip(socket) => socket.to_string(),
            Self::Name(host, port) => format!("{host}:{port}"),
        }
    }

    /// The name that a certificate must hold.
    fn host(&self) -> String {
        match self {
            Self::Unix(_) => "localhost".into(),
            Self::Ip(socket) => socket.ip().to_string(),
            Self::Name(host, _) => host.clone(),
        }
    }

    /// Whether only processes of this machine can be there.
    fn is_local(&self) -> bool {
        match self {
            Self::Unix(_) => true,
            Self::Ip(socket) => socket.ip().is_loopback(),
            Self::Name(..) => false,
        }
    }
}

impl Google {
    /// Reads the message. None: a defect was noted.
    pub fn read(reader: &Reader<'_>) -> Option<Self> {
        // Buffers of a stream are windows of HTTP/2 here.
        reader.ignore(&["per_stream_buffer_limit_bytes"]);
        let prefix = reader.need_text("stat_prefix")?;
        let uri = reader.need_text("target_uri")?;
        let target = Target::parse(&uri).map_err(|error| reader.defect("target_uri", error)).ok()?;
        let Arguments { authority, tls_name } = Arguments::read(reader.message("channel_args").as_ref());
        let tls = tls(reader, &target, tls_name)?;
        let credentials = Credential::read_all(reader)?;
        if !credentials.is_empty() && tls.is_none() && !target.is_local() {
            let why = "a token is only sent over TLS or on this machine: set channel_credentials.ssl_credentials";
            reader.defect("call_credentials", why);
            return None;
        }
        let kind = if matches!(target, Target::Name(..)) { "STRICT_DNS" } else { "STATIC" };
        let mut cluster = json!({
            "name": format!("google_grpc.{prefix}"),
            "type": kind,
            // The patience of gRPC.
            "connect_timeout": "20s",
            "load_assignment": {
                "cluster_name": prefix,
                "endpoints": [{ "lb_endpoints": [{ "endpoint": { "address": target.address() } }] }],
            },
            "typed_extension_protocol_options": { "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
                "explicit_http_config": { "http2_protocol_options": {} },
            } },
        });
        if let Some(tls) = tls {
            cluster["transport_socket"] = tls;
        }
        Some(Self { cluster, authority: authority.unwrap_or_else(|| target.authority()), credentials })
    }
}

/// The arguments of gRPC channels that mean something here.
#[derive(Default)]
struct Arguments {
    authority: Option<String>,
    tls_name: Option<String>,
}

impl Arguments {
    fn read(reader: Option<&Reader<'_>>) -> Self {
        let mut arguments = Self::default();
        for (name, value) in reader.iter().flat_map(|reader| reader.map("args")) {
            match name.as_str() {
                "grpc.default_authority" => arguments.authority = value.opt_text("string_value"),
                "grpc.ssl_target_name_override" => arguments.tls_name = value.opt_text("string_value"),
                _ => value.defect("", "the proxy does not have this channel argument"),
            }
        }
        arguments
    }
}

/// The transport socket of `channel_credentials`; none inside: plain. None: a defect was noted.
#[allow(clippy::option_option, reason = "None is a defect, Some(None) is plain")]
fn tls(reader: &Reader<'_>, target: &Target, name: Option<String>) -> Option<Option<Value>> {
    let Some(credentials) = reader.message("channel_credentials") else { return Some(None) };
    match credentials.choice("credential_specifier").as_deref() {
        Some("ssl_credentials") => ssl(&credentials.message("ssl_credentials")?, target, name).map(Some),
        Some("local_credentials") => {
            credentials.message("local_credentials")?.ignore_all(); // It has no fields.
            if !target.is_local() {
                credentials.defect("local_credentials", "the target is not on this machine");
                return None;
            }
            Some(None)
        }
        Some("google_default") => {
            credentials.defect("google_default", "the proxy has no credentials of Google's: use ssl_credentials");
            None
        }
        _ => {
            credentials.defect("", "says no credentials");
            None
        }
    }
}

fn ssl(reader: &Reader<'_>, target: &Target, name: Option<String>) -> Option<Value> {
    let data = |field: &str| {
        reader.message(field).map(|data| {
            data.ignore_all(); // The context below reads it, with every check.
            to_json(data.raw())
        })
    };
    let (roots, key, chain) = (data("root_certs"), data("private_key"), data("cert_chain"));
    let Some(roots) = roots else {
        reader.defect("root_certs", "must be set: the proxy does not trust the roots of the system");
        return None;
    };
    let host = name.unwrap_or_else(|| target.host());
    let kind = if host.parse::<IpAddr>().is_ok() { "IP_ADDRESS" } else { "DNS" };
    let mut common = json!({
        "alpn_protocols": ["h2"],
        "validation_context": {
            "trusted_ca": roots,
            "match_typed_subject_alt_names": [{ "san_type": kind, "matcher": { "exact": host } }],
        },
    });
    match (key, chain) {
        (None, None) => {}
        (Some(key), Some(chain)) => {
            common["tls_certificates"] = json!([{ "private_key": key, "certificate_chain": chain }]);
        }
        _ => {
            reader.defect("", "private_key and cert_chain belong together");
            return None;
        }
    }
    let mut context = json!({
        "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
        "common_tls_context": common,
    });
    if kind == "DNS" {
        context["sni"] = host.into();
    }
    Some(json!({ "name": "envoy.transport_sockets.tls", "typed_config": context }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::{Defect, from_json, read_checked};

    fn read(mut value: Value) -> Result<Google, Vec<Defect>> {
        value["stat_prefix"] = "s".into();
        read_checked(from_json("envoy.config.core.v3.GrpcService.GoogleGrpc", &value).unwrap(), "", Google::read)
    }

    fn refused(value: Value) -> String {
        read(value).unwrap_err().remove(0).path
    }

    #[test]
    fn targets_are_read_in_the_forms_of_grpc() {
        let name = |host: &str, port| Ok(Target::Name(host.into(), port));
        let ip = |text: &str| Ok(Target::Ip(text.parse().unwrap()));
        for (uri, target) in [
            ("a.example:8080", name("a.example", 8080)),
            ("dns:///a.example", name("a.example", 443)),
            ("dns:a:1", name("a", 1)),
            ("ipv4:10.0.0.1:80", ip("10.0.0.1:80")),
            ("[::1]:9", ip("[::1]:9")),
            ("ipv6:[::1]", ip("[::1]:443")),
            ("unix:rel/s", Ok(Target::Unix("rel/s".into()))),
            ("unix:///run/s", Ok(Target::Unix("/run/s".into()))),
            ("unix-abstract:x", Ok(Target::Unix("@x".into()))),
        ] {
            assert_eq!(Target::parse(uri), target, "{uri}");
        }
        for uri in ["xds:///a", "dns://8.8.8.8/a", "a:b", "", ":1", "a,b:1"] {
            assert!(Target::parse(uri).is_err(), "{uri}");
        }
    }

    #[test]
    fn credentials_that_cannot_be_honoured_are_named() {
        let with = |field: &str, value: Value| json!({ "target_uri": "a:1", field: value });
        assert_eq!(
            refused(with("channel_credentials", json!({"google_default": {}}))),
            "channel_credentials.google_default"
        );
        assert_eq!(
            refused(with("channel_credentials", json!({"local_credentials": {}}))),
            "channel_credentials.local_credentials"
        );
        assert_eq!(
            refused(with("channel_credentials", json!({"ssl_credentials": {}}))),
            "channel_credentials.ssl_credentials.root_certs"
        );
        assert_eq!(refused(with("call_credentials", json!([{"access_token": "t"}]))), "call_credentials");
        assert_eq!(
            refused(with("call_credentials", json!([{"google_compute_engine": {}}]))),
            "call_credentials[0].google_compute_engine"
        );
        assert_eq!(
            refused(with("channel_args", json!({"args": {"grpc.x": {"int_value": 1}}}))),
            r#"channel_args.args["grpc.x"]"#
        );
    }

    #[test]
    fn the_certificate_must_be_for_the_target() {
        let google = read(json!({
            "target_uri": "a.example:1",
            "channel_credentials": {"ssl_credentials": {"root_certs": {"inline_string": "roots"}}},
            "call_credentials": [{"access_token": "t0ken"}],
        }))
        .unwrap();
        let context = &google.cluster["transport_socket"]["typed_config"];
        assert_eq!(context["sni"], "a.example");
        let names = &context["common_tls_context"]["validation_context"]["match_typed_subject_alt_names"];
        assert_eq!(names[0], json!({"san_type": "DNS", "matcher": {"exact": "a.example"}}));
        assert_eq!((google.authority.as_str(), google.credentials.len()), ("a.example:1", 1));
        assert!(!format!("{google:?}").contains("t0ken"));
    }
}

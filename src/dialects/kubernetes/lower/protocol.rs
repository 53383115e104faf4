//! The protocol of a port: by `appProtocol`, by the beginning of its name, or to be seen from its bytes.
//!
//! The rules are Istio's protocol selection and KEP-3726's standard application protocols.

use crate::ir::Protocol;

/// Ports on which the server speaks first: SMTP, DNS, MySQL, MongoDB. Nothing is detected there.
const SERVER_FIRST: [u16; 4] = [25, 53, 3306, 27017];

/// The protocol of a port of a Service.
pub fn of_port(transport: &str, app_protocol: Option<&str>, name: &str, number: u16) -> Protocol {
    if transport.eq_ignore_ascii_case("UDP") {
        return Protocol::Udp;
    }
    if let Some(protocol) = app_protocol {
        match protocol {
            "kubernetes.io/h2c" => return Protocol::Http2,
            "kubernetes.io/ws" => return Protocol::Http,
            "kubernetes.io/wss" => return Protocol::Https,
            other => {
                if let Some(protocol) = by_name(other) {
                    return protocol;
                }
            }
        }
    }
    let from_name = name_prefix(name).and_then(by_name);
    match from_name {
        Some(protocol) => protocol,
        None if SERVER_FIRST.contains(&number) => Protocol::ServerFirst,
        None => Protocol::Detect,
    }
}

/// What stands before the first `-`, but `grpc-web` is one word.
fn name_prefix(name: &str) -> Option<&str> {
    let lower = |word: &str| name.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word));
    if lower("grpc-web") {
        return Some("grpc-web");
    }
    name.split('-').next().filter(|word| !word.is_empty())
}

/// The protocol of a word such as `http`, `GRPC-Web` or `mongo`; none for an unknown word.
pub fn by_name(word: &str) -> Option<Protocol> {
    Some(match word.to_ascii_lowercase().as_str() {
        "http" | "http1" => Protocol::Http,
        "http2" => Protocol::Http2,
        "grpc" => Protocol::Grpc,
        "grpc-web" => Protocol::GrpcWeb,
        "https" => Protocol::Https,
        "tls" => Protocol::Tls,
        "tcp" | "mongo" | "redis" => Protocol::Tcp,
        "mysql" => Protocol::ServerFirst,
        "udp" => Protocol::Udp,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn protocols_are_chosen_as_peers_choose_them() {
        for (transport, app, name, number, want) in [
            ("TCP", None, "http", 80, Protocol::Http),
            ("TCP", None, "http2-web", 80, Protocol::Http2),
            ("TCP", None, "grpc-web-x", 80, Protocol::GrpcWeb),
            ("TCP", None, "GRPC-x", 80, Protocol::Grpc),
            ("TCP", None, "web", 80, Protocol::Detect),
            ("TCP", None, "", 3306, Protocol::ServerFirst),
            ("TCP", Some("https"), "http", 443, Protocol::Https),
            ("TCP", Some("kubernetes.io/h2c"), "tcp", 443, Protocol::Http2),
            ("TCP", Some("example.com/own"), "tls-x", 443, Protocol::Tls),
            ("UDP", Some("http"), "http", 80, Protocol::Udp),
        ] {
            assert_eq!(of_port(transport, app, name, number), want, "{transport} {app:?} {name} {number}");
        }
    }
}

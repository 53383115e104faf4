//! The filter chains of a port: which connections they take, by what the mesh's mutual TLS asks for.

use envoy_types::pb::envoy::config::core::v3::TransportSocket;
use envoy_types::pb::envoy::config::listener::v3::{Filter, FilterChain, FilterChainMatch};

use super::tls::{self, Within};
use crate::ir::{MutualTlsMode, Protocol};
use crate::xds::View;
use crate::xds::proto::number;

/// Names that callers of the mesh offer for HTTP within mutual TLS.
const MESH_HTTP: [&str; 3] = ["istio-http/1.0", "istio-http/1.1", "istio-h2"];
/// Names that they offer for bytes, or where both sides know what is within.
const MESH_BYTES: [&str; 2] = ["istio-peer-exchange", "istio"];
/// Names that the inspector gives to HTTP without TLS.
const PLAIN_HTTP: [&str; 2] = ["http/1.1", "h2c"];

/// What a chain is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// Transport as the inspector sees it.
    transport: &'static str,
    /// Application protocols, of which the caller offers one; any when empty.
    protocols: Vec<&'static str>,
    /// Mutual TLS of the mesh ends here.
    pub mutual: bool,
    /// What is within.
    pub within: Within,
}

/// The cases of a port, by mode and protocol.
pub fn cases(mode: MutualTlsMode, protocol: Protocol) -> Vec<Case> {
    let case = |transport, protocols: &[&'static str], mutual, within| Case {
        transport,
        protocols: protocols.to_vec(),
        mutual,
        within,
    };
    let all_mesh = [&MESH_BYTES[..], &MESH_HTTP[..]].concat();
    let strict = mode == MutualTlsMode::Strict;
    let mut cases = Vec::new();
    if mode != MutualTlsMode::Off {
        // Where plain traffic may come, too, only callers of the mesh get mutual TLS: others may mean the process's own TLS.
        let names = |names: &[&'static str]| if strict { Vec::new() } else { names.to_vec() };
        if protocol.is_http() {
            cases.push(case("tls", &names(&all_mesh), true, Within::Http));
        } else if protocol.is_detected() {
            cases.push(case("tls", &MESH_HTTP, true, Within::Http));
            cases.push(case("tls", &names(&MESH_BYTES), true, Within::Bytes));
        } else {
            cases.push(case("tls", &names(&all_mesh), true, Within::Bytes));
        }
    }
    if !strict {
        if protocol.is_http() {
            cases.push(case("raw_buffer", &[], false, Within::Http));
        } else if protocol.is_detected() {
            cases.push(case("raw_buffer", &PLAIN_HTTP, false, Within::Http));
            cases.push(case("raw_buffer", &[], false, Within::Bytes));
            cases.push(case("tls", &[], false, Within::Bytes));
        } else {
            cases.push(case("raw_buffer", &[], false, Within::Bytes));
            cases.push(case("tls", &[], false, Within::Bytes));
        }
    }
    cases
}

/// The chain of a case; none at all for `port` means every port.
pub fn chain(view: &View<'_>, name: String, port: Option<u16>, case: &Case, filters: Vec<Filter>) -> FilterChain {
    let condition = FilterChainMatch {
        destination_port: port.map(|port| number(port.into())),
        transport_protocol: case.transport.to_owned(),
        application_protocols: case.protocols.iter().map(|word| (*word).to_owned()).collect(),
        ..FilterChainMatch::default()
    };
    FilterChain {
        name,
        filter_chain_match: Some(condition),
        transport_socket: case.mutual.then(|| tls::mutual(view, case.within)),
        filters,
        ..FilterChain::default()
    }
}

/// A chain in which TLS of a port's own ends.
pub fn own(name: String, port: u16, socket: TransportSocket, filters: Vec<Filter>) -> FilterChain {
    let condition = FilterChainMatch {
        destination_port: Some(number(port.into())),
        transport_protocol: "tls".into(),
        ..FilterChainMatch::default()
    };
    FilterChain {
        name,
        filter_chain_match: Some(condition),
        transport_socket: Some(socket),
        filters,
        ..FilterChain::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strict_has_no_plain_case() {
        for protocol in [Protocol::Http, Protocol::Tcp, Protocol::Detect, Protocol::Tls, Protocol::ServerFirst] {
            let strict = cases(MutualTlsMode::Strict, protocol);
            assert!(!strict.is_empty() && strict.iter().all(|case| case.mutual), "{protocol:?}");
            assert!(strict.iter().all(|case| case.transport == "tls"));
            let off = cases(MutualTlsMode::Off, protocol);
            assert!(!off.is_empty() && off.iter().all(|case| !case.mutual), "{protocol:?}");
            let both = cases(MutualTlsMode::Permissive, protocol);
            assert!(both.iter().any(|case| case.mutual) && both.iter().any(|case| !case.mutual), "{protocol:?}");
        }
    }

    #[test]
    fn no_two_cases_are_for_the_same_connections() {
        for mode in [MutualTlsMode::Off, MutualTlsMode::Permissive, MutualTlsMode::Strict] {
            for protocol in [Protocol::Http, Protocol::Grpc, Protocol::Tcp, Protocol::Detect, Protocol::Https] {
                let cases = cases(mode, protocol);
                let mut conditions: Vec<_> = cases
                    .iter()
                    .flat_map(|case| {
                        let any = case.protocols.is_empty().then_some("").into_iter();
                        any.chain(case.protocols.iter().copied()).map(|word| (case.transport, word)).collect::<Vec<_>>()
                    })
                    .collect();
                let all = conditions.len();
                conditions.sort_unstable();
                conditions.dedup();
                assert_eq!(conditions.len(), all, "{mode:?} {protocol:?}");
            }
        }
    }
}

//! What a chain does with a connection: network filters, and those of HTTP.

use std::time::Duration;

use envoy_types::pb::envoy::config::listener::v3::Filter;
use envoy_types::pb::envoy::config::route::v3::{
    Decorator, Route, RouteAction, RouteConfiguration, VirtualHost,
    route::Action,
    route_action::{ClusterSpecifier, MaxStreamDuration},
};
use envoy_types::pb::envoy::extensions::filters::network::http_connection_manager::v3::http_connection_manager::{
    ForwardClientCertDetails, ServerHeaderTransformation, SetCurrentClientCertDetails,
};
use envoy_types::pb::envoy::extensions::filters::network::tcp_proxy::v3::tcp_proxy;

use super::cluster::PASSTHROUGH;
use super::ports::Port;
use super::rate;
use super::tls::Within;
use crate::xds::View;
use crate::xds::authz::{self, Target};
use crate::xds::hcm::{self, Routes};
use crate::xds::http::match_all;
use crate::xds::jwt;
use crate::xds::outbound::{tcp_filter, tcp_proxy};
use crate::xds::proto::{boolean, duration};

/// The filters for a port, or for ports that no service has.
pub fn of(view: &View<'_>, port: Option<&Port>, within: Within) -> Vec<Filter> {
    match within {
        Within::Http => vec![http(view, port)],
        Within::Bytes => {
            let mut filters = authz::network(view, target(port));
            filters.push(bytes(view, port));
            filters
        }
    }
}

fn target(port: Option<&Port>) -> Target<'_> {
    Target { port: port.map(|port| port.number), service: port.and_then(|port| port.service.as_ref()) }
}

fn name(port: Option<&Port>) -> String {
    port.map_or_else(|| PASSTHROUGH.to_owned(), Port::name)
}

fn bytes(view: &View<'_>, port: Option<&Port>) -> Filter {
    let mut proxy = tcp_proxy(view, &name(port), tcp_proxy::ClusterSpecifier::Cluster(name(port)));
    proxy.idle_timeout = port.and_then(|port| port.pool.as_ref()?.tcp_idle_timeout).map(duration);
    tcp_filter(&proxy)
}

fn http(view: &View<'_>, port: Option<&Port>) -> Filter {
    let stat_prefix = port.map_or_else(|| PASSTHROUGH.to_owned(), |port| format!("inbound_0.0.0.0_{}", port.number));
    let routes = Routes::Here(Box::new(routes(view, port)));
    let mut filters = rate::filters(view, port);
    filters.extend(jwt::filter(view));
    filters.extend(authz::http(view, target(port)));
    let mut manager = hcm::manager(view, &stat_prefix, routes, filters);
    manager.forward_client_cert_details = ForwardClientCertDetails::AppendForward.into();
    manager.set_current_client_cert_details = Some(SetCurrentClientCertDetails {
        subject: Some(boolean(true)),
        dns: true,
        uri: true,
        ..SetCurrentClientCertDetails::default()
    });
    manager.server_header_transformation = ServerHeaderTransformation::PassThrough.into();
    hcm::filter(&manager)
}

/// Everything goes to the process, without a time limit of the proxy unless one is wanted.
fn routes(view: &View<'_>, port: Option<&Port>) -> RouteConfiguration {
    let limit = port.and_then(|port| port.timeout).unwrap_or(Duration::ZERO);
    let action = RouteAction {
        cluster_specifier: Some(ClusterSpecifier::Cluster(name(port))),
        timeout: Some(duration(limit)),
        max_stream_duration: Some(MaxStreamDuration {
            max_stream_duration: Some(duration(Duration::ZERO)),
            grpc_timeout_header_max: Some(duration(Duration::ZERO)),
            ..MaxStreamDuration::default()
        }),
        ..RouteAction::default()
    };
    let operation =
        port.and_then(|port| port.service.as_ref()).map(|(service, port)| format!("{}:{port}/*", service.name));
    let route = Route {
        name: "default".into(),
        r#match: Some(match_all()),
        action: Some(Action::Route(action)),
        decorator: operation.map(|operation| Decorator { operation, ..Decorator::default() }),
        ..Route::default()
    };
    let mut routes = rate::routes(view, port, &route);
    routes.push(route);
    let host = VirtualHost {
        name: port.map_or_else(|| "inbound|http|0".to_owned(), |port| format!("inbound|http|{}", port.number)),
        domains: vec!["*".into()],
        routes,
        ..VirtualHost::default()
    };
    RouteConfiguration {
        name: name(port),
        virtual_hosts: vec![host],
        validate_clusters: Some(boolean(false)),
        ..RouteConfiguration::default()
    }
}

//! The HTTP filters that exist: one line each, from type URL to constructor.

use std::sync::Arc;

use super::{
    HttpFilter, PerRoute, buffer, cors, ext_authz, fault, grpc_stats, grpc_web, header_mutation, health_check, istio,
    jwt_authn, local_ratelimit, ratelimit, rbac, set_filter_state, stateful_session,
};
use crate::proto::Reader;
use crate::services::Build;
use crate::telemetry::istio::IstioStats;

/// Makes a filter; the text is its configured name, under which routes configure it. None: a defect was noted.
type Make = fn(&Reader<'_>, &Build, &Arc<str>) -> Option<Arc<dyn HttpFilter>>;

/// A kind of filter.
struct Kind {
    /// Full name of the message that configures it.
    config: &'static str,
    /// Full name of the message that configures it at a route, if there is one.
    route: Option<&'static str>,
    /// Makes the filter.
    make: Make,
    /// Reads what stands at a route.
    per_route: fn(&Reader<'_>, &Build) -> Option<PerRoute>,
}

/// Reads no per-route configuration: for filters that have none.
fn none(reader: &Reader<'_>, _: &Build) -> Option<PerRoute> {
    reader.defect("", "this filter has no configuration per route");
    None
}

const KINDS: &[Kind] = &[
    Kind {
        config: "envoy.extensions.filters.http.buffer.v3.Buffer",
        route: Some("envoy.extensions.filters.http.buffer.v3.BufferPerRoute"),
        make: buffer::make,
        per_route: buffer::per_route,
    },
    Kind {
        config: "envoy.extensions.filters.http.cors.v3.Cors",
        route: Some("envoy.extensions.filters.http.cors.v3.CorsPolicy"),
        make: cors::make,
        per_route: cors::per_route,
    },
    Kind {
        config: "envoy.extensions.filters.http.ext_authz.v3.ExtAuthz",
        route: Some("envoy.extensions.filters.http.ext_authz.v3.ExtAuthzPerRoute"),
        make: ext_authz::make,
        per_route: ext_authz::per_route,
    },
    Kind {
        config: "envoy.extensions.filters.http.fault.v3.HTTPFault",
        route: Some("envoy.extensions.filters.http.fault.v3.HTTPFault"),
        make: fault::make,
        per_route: fault::per_route,
    },
    Kind {
        config: "io.istio.http.peer_metadata.Config",
        route: None,
        make: istio::peer_metadata::make,
        per_route: none,
    },
    Kind { config: "stats.PluginConfig", route: None, make: IstioStats::make, per_route: none },
    Kind {
        config: "envoy.extensions.filters.http.wasm.v3.Wasm",
        route: None,
        make: istio::wasm::make,
        per_route: none,
    },
    Kind {
        config: "istio.envoy.config.filter.http.alpn.v2alpha1.FilterConfig",
        route: None,
        make: istio::alpn::make,
        per_route: none,
    },
    Kind {
        config: "envoy.extensions.filters.http.grpc_stats.v3.FilterConfig",
        route: None,
        make: grpc_stats::make,
        per_route: none,
    },
    Kind {
        config: "envoy.extensions.filters.http.grpc_web.v3.GrpcWeb",
        route: None,
        make: grpc_web::make,
        per_route: none,
    },
    Kind {
        config: "envoy.extensions.filters.http.header_mutation.v3.HeaderMutation",
        route: Some("envoy.extensions.filters.http.header_mutation.v3.HeaderMutationPerRoute"),
        make: header_mutation::make,
        per_route: header_mutation::per_route,
    },
    Kind {
        config: "envoy.extensions.filters.http.health_check.v3.HealthCheck",
        route: None,
        make: health_check::make,
        per_route: none,
    },
    Kind {
        config: "envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit",
        route: Some("envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit"),
        make: local_ratelimit::make,
        per_route: local_ratelimit::per_route,
    },
    Kind {
        config: "envoy.extensions.filters.http.set_filter_state.v3.Config",
        route: Some("envoy.extensions.filters.http.set_filter_state.v3.Config"),
        make: set_filter_state::make,
        per_route: set_filter_state::per_route,
    },
    Kind {
        config: "envoy.extensions.filters.http.stateful_session.v3.StatefulSession",
        route: Some("envoy.extensions.filters.http.stateful_session.v3.StatefulSessionPerRoute"),
        make: stateful_session::make,
        per_route: stateful_session::per_route,
    },
    Kind {
        config: "envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication",
        route: Some("envoy.extensions.filters.http.jwt_authn.v3.PerRouteConfig"),
        make: jwt_authn::make,
        per_route: jwt_authn::per_route,
    },
    Kind {
        config: "envoy.extensions.filters.http.ratelimit.v3.RateLimit",
        route: Some("envoy.extensions.filters.http.ratelimit.v3.RateLimitPerRoute"),
        make: ratelimit::make,
        per_route: ratelimit::per_route,
    },
    Kind {
        config: "envoy.extensions.filters.http.rbac.v3.RBAC",
        route: Some("envoy.extensions.filters.http.rbac.v3.RBACPerRoute"),
        make: rbac::make,
        per_route: rbac::per_route,
    },
];

/// Whether there is a filter that a `typed_config` of type `kind` describes.
pub fn known(kind: &str) -> bool {
    KINDS.iter().any(|known| known.config == kind)
}

/// Makes the filter called `name` that a `typed_config` of type `kind` describes.
pub fn build(kind: &str, name: &Arc<str>, reader: &Reader<'_>, build: &Build) -> Option<Arc<dyn HttpFilter>> {
    match KINDS.iter().find(|known| known.config == kind) {
        Some(known) => (known.make)(reader, build, name),
        None => {
            reader.defect("", format!("the proxy does not have the HTTP filter {kind}"));
            None
        }
    }
}

/// Reads what stands for a filter at a route, virtual host or weighted cluster.
pub fn per_route(name: &str, reader: &Reader<'_>, build: &Build) -> Option<PerRoute> {
    match KINDS.iter().find(|kind| kind.route == Some(name)) {
        Some(kind) => (kind.per_route)(reader, build),
        None => {
            reader.defect("", format!("the proxy does not have a filter that is configured per route by {name}"));
            None
        }
    }
}

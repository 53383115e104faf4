//! Extension providers of the mesh configuration.
//!
//! One that is broken is left out; policies that ask it find no provider, and refuse.

use super::context::Context;
use super::log_format;
use super::traffic::period;
use crate::dialects::istio::types::{
    BackendProvider, ExtAuthzGrpcProvider, ExtAuthzHttpProvider, ExtensionProvider, FileAccessLogProvider,
};
use crate::ir::{Authorizer, Loss, LossKind, Name, Origin, Provider, ProviderKind, Remote};
use crate::schema::{At, Int, List, Period, Text, values::text_or_empty};

/// Where logs go when no path is given.
const STDOUT: &str = "/dev/stdout";

/// All providers that can be used, with those that are there without being named.
pub fn all(cx: &Context<'_>, list: &List<ExtensionProvider>, losses: &mut Vec<Loss>) -> Vec<Provider> {
    let mut found = Vec::new();
    for (at, provider) in list.iter().enumerate() {
        let path = format!("extensionProviders[{at}]");
        match kind(cx, &path, provider, losses) {
            Ok(kind) => {
                found.push(Provider { origin: cx.at(path, provider.place), name: provider.name().into(), kind });
            }
            Err(reason) => losses.push(cx.loss(path, provider.place, LossKind::Refused, reason)),
        }
    }
    found
}

/// Providers that every mesh has unless it defines them.
pub fn builtin(found: &mut Vec<Provider>) {
    let own =
        [("prometheus", ProviderKind::Scraped), ("envoy", ProviderKind::LogFile { path: STDOUT.into(), format: None })];
    for (name, kind) in own {
        if found.iter().all(|provider| &*provider.name != name) {
            found.push(Provider { origin: Origin::default(), name: name.into(), kind });
        }
    }
}

fn kind(
    cx: &Context<'_>,
    path: &str,
    provider: &ExtensionProvider,
    losses: &mut Vec<Loss>,
) -> Result<ProviderKind, &'static str> {
    if provider.name().is_empty() {
        return Err("a provider needs a name; it is left out");
    }
    let mut no_body = |place: crate::manifests::source::Place, set: bool| {
        if set {
            let field = format!("{path}.includeRequestBodyInCheck");
            losses.push(cx.loss(field, place, LossKind::Lost, "the question goes without the request's body"));
        }
    };
    if let Some(http) = &provider.envoy_ext_authz_http {
        no_body(http.place, http.include_request_body_in_check.is_some());
        return over_http(http).map(authorizer);
    }
    if let Some(grpc) = &provider.envoy_ext_authz_grpc {
        no_body(grpc.place, grpc.include_request_body_in_check.is_some());
        return over_grpc(grpc).map(authorizer);
    }
    if provider.prometheus.is_some() {
        return Ok(ProviderKind::Scraped);
    }
    if let Some(file) = &provider.envoy_file_access_log {
        return Ok(log_file(file));
    }
    let backend = |backend: &BackendProvider| remote(backend.service.as_ref(), backend.port.as_ref(), None);
    type Known<'p> = (&'p Option<Box<BackendProvider>>, fn(Remote) -> ProviderKind);
    let known: [Known<'_>; 5] = [
        (&provider.zipkin, ProviderKind::Zipkin),
        (&provider.opentelemetry, ProviderKind::OtlpTraces),
        (&provider.envoy_http_als, ProviderKind::LogService),
        (&provider.envoy_tcp_als, ProviderKind::LogService),
        (&provider.envoy_otel_als, ProviderKind::OtlpLogs),
    ];
    match known.into_iter().find_map(|(settings, kind)| Some((settings.as_deref()?, kind))) {
        Some((settings, kind)) => backend(settings).map(kind),
        None => Err("the mesh has no provider of this kind; it is left out"),
    }
}

fn authorizer(authorizer: Authorizer) -> ProviderKind {
    ProviderKind::Authorizer(Box::new(authorizer))
}

fn over_http(http: &ExtAuthzHttpProvider) -> Result<Authorizer, &'static str> {
    let headers = http.include_request_headers_in_check.iter().chain(&http.include_headers_in_check);
    let extra = http.include_additional_headers_in_check.pairs();
    Ok(Authorizer {
        remote: remote(http.service.as_ref(), http.port.as_ref(), http.timeout.as_ref())?,
        grpc: false,
        fail_open: flag(http.fail_open.as_ref()),
        status_on_error: status(http.status_on_error.as_ref()),
        clear_route_cache: flag(http.clear_route_cache.as_ref()),
        path_prefix: text_or_empty(http.path_prefix.as_ref()).into(),
        request_headers: headers.map(|name| name.as_str().into()).collect(),
        extra_headers: extra.map(|(name, value)| (name.into(), value.into())).collect(),
        allow_upstream: names(&http.headers_to_upstream_on_allow),
        allow_downstream: names(&http.headers_to_downstream_on_allow),
        deny_downstream: names(&http.headers_to_downstream_on_deny),
    })
}

fn over_grpc(grpc: &ExtAuthzGrpcProvider) -> Result<Authorizer, &'static str> {
    Ok(Authorizer {
        remote: remote(grpc.service.as_ref(), grpc.port.as_ref(), grpc.timeout.as_ref())?,
        grpc: true,
        fail_open: flag(grpc.fail_open.as_ref()),
        status_on_error: status(grpc.status_on_error.as_ref()),
        clear_route_cache: flag(grpc.clear_route_cache.as_ref()),
        ..Authorizer::default()
    })
}

fn log_file(file: &FileAccessLogProvider) -> ProviderKind {
    let path = text_or_empty(file.path.as_ref());
    let format = file.log_format.as_ref().and_then(|format| match (&format.labels, &format.text) {
        (Some(labels), _) => Some(log_format::of_node(&labels.node)),
        (None, Some(text)) => Some(log_format::text(text.as_str())),
        (None, None) => None,
    });
    ProviderKind::LogFile { path: if path.is_empty() { STDOUT } else { path }.into(), format }
}

/// `HOST` or `NAMESPACE/HOST`, and a port.
fn remote(service: Option<&Text>, port: Option<&Int>, timeout: Option<&At<Period>>) -> Result<Remote, &'static str> {
    let service = text_or_empty(service);
    let host = service.split_once('/').map_or(service, |(_, host)| host);
    let port = port.and_then(|port| u16::try_from(port.value).ok()).filter(|port| *port > 0);
    match port {
        Some(port) if !host.is_empty() => Ok(Remote {
            host: host.into(),
            port,
            timeout_ms: period(timeout).and_then(|timeout| u64::try_from(timeout.as_millis()).ok()),
        }),
        _ => Err("a provider needs a service and a port; it is left out"),
    }
}

fn flag(flag: Option<&At<bool>>) -> bool {
    flag.is_some_and(|flag| flag.value)
}

fn status(text: Option<&Text>) -> Option<u16> {
    text?.as_str().parse().ok().filter(|status| (100..600).contains(status))
}

fn names(list: &List<Text>) -> Vec<Name> {
    list.iter().map(|text| text.as_str().into()).collect()
}

//! Telemetry: access logs, traces and metrics of workloads.

use std::sync::Arc;

use super::context::Context;
use super::scope::{Attached, in_order};
use crate::dialects::istio::types::{
    self as istio, CustomTag, IstioMetric, MetricsOverrides, ProviderRef, TagOperation, TracingSelector, WorkloadMode,
};
use crate::dialects::lower::Input;
use crate::dialects::object::Object;
use crate::ir::{
    AccessLogging, Breadth, Builder, MetricOverride, Metrics, Name, Scope, Share, Side, Tag, Telemetry, Tracing,
};
use crate::manifests::source::Place;
use crate::schema::{At, List, Text, values::text_or_empty};

/// Every Telemetry: those of the mesh, then of namespaces, then of workloads. Of several for the whole mesh or one
/// namespace the first (by name) counts; of several for workloads the first comes last, where it wins.
pub fn lower(input: &Input<'_>, mesh: &mut Builder) {
    let (domain, root) = (mesh.mesh.settings.domain.clone(), mesh.mesh.settings.root_namespace.clone());
    let mut found: Vec<Telemetry> = Vec::new();
    for object in in_order(&input.model.telemetries) {
        let cx = Context::new(input, &object.meta, &domain);
        let mut losses = cx.refusals("it is left out");
        let spec = &object.spec;
        let attached = Attached::policy(spec.selector.as_ref(), spec.target_ref.as_ref(), &spec.target_refs);
        for scope in attached.scopes(&cx, &root, &mut losses) {
            let scope = match scope {
                Scope::MeshWorkloads(labels) => Scope::Workloads(root.clone(), labels),
                other => other,
            };
            let wide = scope.breadth() != Breadth::Workload;
            if !(wide && found.iter().any(|other| other.scope == scope)) {
                found.push(of(&cx, object, scope));
            }
        }
        mesh.mesh.losses.extend(losses);
    }
    found.reverse();
    found.sort_by_key(|telemetry| telemetry.scope.breadth());
    mesh.mesh.telemetry.extend(found.into_iter().map(Arc::new));
}

fn of(cx: &Context<'_>, object: &Object<istio::Telemetry>, scope: Scope) -> Telemetry {
    let spec = &object.spec;
    let logs = spec.access_logging.iter().enumerate().map(|(at, log)| AccessLogging {
        origin: cx.at(format!("spec.accessLogging[{at}]"), log.place),
        side: side(log.r#match.as_ref()),
        providers: names(&log.providers),
        disabled: log.disabled.as_ref().map(|flag| flag.value),
        filter: log.filter.as_ref().and_then(|filter| filled(filter.expression.as_ref())),
    });
    let tracing = spec.tracing.iter().enumerate().map(|(at, tracing)| Tracing {
        origin: cx.at(format!("spec.tracing[{at}]"), tracing.place),
        side: side(tracing.r#match.as_ref()),
        providers: names(&tracing.providers),
        sampling: tracing.random_sampling_percentage.as_ref().map(|percent| Share::percent(percent.value)),
        disabled: tracing.disable_span_reporting.as_ref().map(|flag| flag.value),
        tags: tracing
            .custom_tags
            .iter()
            .filter_map(|(name, value)| Some((name.as_str().into(), tag(value)?)))
            .collect(),
    });
    let metrics = spec.metrics.iter().enumerate().map(|(at, metrics)| {
        let path = format!("spec.metrics[{at}]");
        let overrides = metrics.overrides.iter().enumerate();
        Metrics {
            origin: cx.at(path.clone(), metrics.place),
            providers: names(&metrics.providers),
            overrides: overrides.map(|(at, own)| change(cx, format!("{path}.overrides[{at}]"), own)).collect(),
        }
    });
    Telemetry {
        origin: cx.at("", Place::default()),
        scope,
        access_logs: logs.collect(),
        tracing: tracing.collect(),
        metrics: metrics.collect(),
    }
}

fn names(providers: &List<ProviderRef>) -> Vec<Name> {
    providers.iter().filter_map(|provider| filled(provider.name.as_ref())).collect()
}

fn filled(text: Option<&Text>) -> Option<Name> {
    Some(text_or_empty(text)).filter(|text| !text.is_empty()).map(Into::into)
}

fn side(selector: Option<&TracingSelector>) -> Side {
    of_mode(selector.and_then(|selector| selector.mode.as_ref()))
}

fn of_mode(mode: Option<&At<WorkloadMode>>) -> Side {
    match mode.map(|mode| mode.value) {
        None | Some(WorkloadMode::ClientAndServer) => Side::Both,
        Some(WorkloadMode::Client) => Side::Client,
        Some(WorkloadMode::Server) => Side::Server,
    }
}

fn tag(tag: &CustomTag) -> Option<Tag> {
    let default = |tag: &istio::NamedTag| text_or_empty(tag.default_value.as_ref()).into();
    if let Some(literal) = &tag.literal {
        return Some(Tag::Literal(text_or_empty(literal.value.as_ref()).into()));
    }
    if let Some(variable) = &tag.environment {
        return Some(Tag::Environment(filled(variable.name.as_ref())?, default(variable)));
    }
    if let Some(header) = &tag.header {
        return Some(Tag::Header(filled(header.name.as_ref())?, default(header)));
    }
    Some(Tag::Formatter(filled(tag.formatter.as_ref()?.value.as_ref())?))
}

fn change(cx: &Context<'_>, path: String, own: &MetricsOverrides) -> MetricOverride {
    let selector = own.r#match.as_ref();
    let metric = selector.and_then(|selector| match (&selector.metric, &selector.custom_metric) {
        (Some(metric), _) => exported(metric.value).map(Into::into),
        (None, custom) => filled(custom.as_ref()),
    });
    let labels = own.tag_overrides.iter().filter_map(|(label, change)| {
        let remove = change.operation.as_ref().is_some_and(|operation| operation.value == TagOperation::Remove);
        let value = filled(change.value.as_ref());
        (remove || value.is_some()).then(|| (label.as_str().into(), value.filter(|_| !remove)))
    });
    MetricOverride {
        origin: cx.at(path, own.place),
        metric,
        side: of_mode(selector.and_then(|selector| selector.mode.as_ref())),
        disabled: own.disabled.as_ref().map(|flag| flag.value),
        labels: labels.collect(),
    }
}

/// The name under which a metric is scraped, without its prefix.
fn exported(metric: IstioMetric) -> Option<&'static str> {
    Some(match metric {
        IstioMetric::All => return None,
        IstioMetric::RequestCount => "requests_total",
        IstioMetric::RequestDuration => "request_duration_milliseconds",
        IstioMetric::RequestSize => "request_bytes",
        IstioMetric::ResponseSize => "response_bytes",
        IstioMetric::TcpOpened => "tcp_connections_opened_total",
        IstioMetric::TcpClosed => "tcp_connections_closed_total",
        IstioMetric::TcpSent => "tcp_sent_bytes_total",
        IstioMetric::TcpReceived => "tcp_received_bytes_total",
        IstioMetric::GrpcRequestMessages => "request_messages_total",
        IstioMetric::GrpcResponseMessages => "response_messages_total",
    })
}

#[cfg(test)]
mod tests {
    use crate::dialects::lower::tests::mesh;
    use crate::ir::{Scope, Share, Side, Tag};

    #[test]
    fn narrower_ones_come_later_and_all_fields_come_over() {
        let mesh = mesh(include_str!("../../../../tests/mesh/telemetry/all.yaml"));
        let names: Vec<String> =
            mesh.telemetry.iter().map(|telemetry| telemetry.origin.object.as_ref().unwrap().to_string()).collect();
        let want =
            ["Telemetry istio-system/default", "Telemetry shop/a", "Telemetry shop/web-2", "Telemetry shop/web-1"];
        assert_eq!(names, want, "the second of the namespace does not count");
        assert_eq!(mesh.telemetry[0].scope, Scope::Mesh);
        let web = &mesh.telemetry[3];
        let log = &web.access_logs[0];
        assert_eq!((log.side, log.filter.as_deref()), (Side::Server, Some("response.code >= 400")));
        let tracing = &web.tracing[0];
        assert_eq!((tracing.sampling, tracing.disabled), (Some(Share::percent(12.5)), Some(false)));
        assert_eq!(tracing.tags.len(), 3, "the one without a name is left out");
        assert!(tracing.tags.contains(&("h".into(), Tag::Header("x-user".into(), "nobody".into()))));
        let own = &web.metrics[0].overrides;
        assert_eq!((own[0].metric.as_deref(), own[0].disabled), (Some("requests_total"), None));
        assert_eq!(own[0].labels, [("gone".into(), None), ("more".into(), Some("request.host".into()))]);
        assert_eq!((own[1].metric.as_deref(), own[1].side, own[1].disabled), (None, Side::Client, Some(true)));
    }
}

//! MeshConfig: settings of the mesh as a whole. Of several configurations the first that says something counts.

use std::sync::Arc;

use super::context::Context;
use super::{http_action, log_format, provider};
use crate::dialects::istio::types::{AccessLogEncoding, DefaultProviders, MeshConfig};
use crate::dialects::lower::Input;
use crate::dialects::object::Meta;
use crate::ir::{Builder, LogFormat, Name, OutboundPolicy, PathRules, Settings, Share, TlsVersion};
use crate::schema::{List, Text, values::text_or_empty};

/// Fills the settings.
pub fn lower(input: &Input<'_>, mesh: &mut Builder) {
    let model = input.model;
    let sources = configs(input);
    let configs: Vec<&MeshConfig> = sources.iter().map(|(_, config)| *config).collect();
    let defaults = Settings::default();
    let text = |get: fn(&MeshConfig) -> Option<&Text>| configs.iter().find_map(|config| get(config)).map(Text::as_str);
    let outbound = configs.iter().find_map(|config| config.outbound_traffic_policy.as_ref()?.mode.as_ref());
    let auto = configs.iter().find_map(|config| config.enable_auto_mtls.as_ref());
    let connect = configs.iter().find_map(|config| config.connect_timeout.as_ref());
    let detection = configs.iter().find_map(|config| config.protocol_detection_timeout.as_ref());
    let refresh = configs.iter().find_map(|config| config.dns_refresh_rate.as_ref());
    let proxies = configs.iter().filter_map(|config| config.default_config.as_ref());
    let drain = proxies.clone().find_map(|proxy| proxy.drain_duration.as_ref());
    let sampling = proxies.clone().find_map(|proxy| proxy.tracing.as_ref()?.sampling.as_ref());
    let near = configs.iter().find_map(|config| config.locality_lb_setting.as_ref()?.enabled.as_ref());
    let aliases = configs.iter().flat_map(|config| &config.trust_domain_aliases);
    let domain: Name = model.options.cluster_domain.as_str().into();
    let metrics = default_providers(&configs, |providers| &providers.metrics);
    let mut settings = Settings {
        trust_domain: text(|config| config.trust_domain.as_ref()).map_or(defaults.trust_domain.clone(), Into::into),
        trust_domain_aliases: aliases.map(|alias| alias.as_str().into()).collect(),
        domain: domain.clone(),
        root_namespace: text(|config| config.root_namespace.as_ref())
            .unwrap_or(model.options.root_namespace.as_str())
            .into(),
        outbound: match outbound.map(Text::as_str) {
            Some("REGISTRY_ONLY") => OutboundPolicy::Deny,
            _ => OutboundPolicy::Allow,
        },
        auto_mutual_tls: auto.is_none_or(|auto| auto.value),
        connect_timeout: connect.map_or(defaults.connect_timeout, |timeout| timeout.value.0),
        detection_timeout: detection.map_or(defaults.detection_timeout, |timeout| timeout.value.0),
        dns_refresh: refresh.map_or(defaults.dns_refresh, |refresh| refresh.value.0),
        access_log: access_log(&configs),
        default_logs: default_providers(&configs, |providers| &providers.access_logging).unwrap_or_default(),
        default_tracing: default_providers(&configs, |providers| &providers.tracing).unwrap_or_default(),
        default_metrics: metrics.unwrap_or_else(|| vec!["prometheus".into()]),
        sampling: sampling.map_or(defaults.sampling, |percent| Share::percent(percent.value)),
        min_tls: match text(|config| config.mesh_mtls.as_ref()?.min_protocol_version.as_ref()) {
            Some("TLSV1_3") => TlsVersion::V13,
            _ => TlsVersion::V12,
        },
        paths: path_rules(text(|config| config.path_normalization.as_ref()?.normalization.as_ref())),
        locality_balancing: near.is_none_or(|near| near.value),
        drain: drain.map_or(defaults.drain, |drain| drain.value.0),
        ..defaults
    };
    for (meta, config) in &sources {
        let cx = Context::new(input, meta, &domain);
        if let (None, Some(retry)) = (&settings.retry, &config.default_http_retry_policy) {
            settings.retry = Some(http_action::retry(retry, cx.at("defaultHttpRetryPolicy", retry.place)));
        }
        let own = provider::all(&cx, &config.extension_providers, &mut mesh.mesh.losses);
        for provider in own {
            if settings.providers.iter().all(|other| other.name != provider.name) {
                settings.providers.push(provider);
            }
        }
    }
    provider::builtin(&mut settings.providers);
    mesh.mesh.settings = Arc::new(settings);
}

/// Words that are none leave the usual rules.
fn path_rules(word: Option<&str>) -> PathRules {
    match word {
        Some("NONE") => PathRules::None,
        Some("MERGE_SLASHES") => PathRules::MergeSlashes,
        Some("DECODE_AND_MERGE_SLASHES") => PathRules::DecodeAndMergeSlashes,
        _ => PathRules::Base,
    }
}

fn access_log(configs: &[&MeshConfig]) -> Option<(Name, LogFormat)> {
    let config = configs.iter().find(|config| !text_or_empty(config.access_log_file.as_ref()).is_empty())?;
    let format = text_or_empty(config.access_log_format.as_ref());
    let json = config.access_log_encoding.as_ref().is_some_and(|encoding| encoding.value == AccessLogEncoding::Json);
    let format = if json { log_format::json(format) } else { log_format::text(format) };
    Some((text_or_empty(config.access_log_file.as_ref()).into(), format))
}

fn default_providers(configs: &[&MeshConfig], get: fn(&DefaultProviders) -> &List<Text>) -> Option<Vec<Name>> {
    let mut lists = configs.iter().filter_map(|config| config.default_providers.as_ref()).map(get);
    let list = lists.find(|list| list.is_set())?;
    Some(list.iter().map(|name| name.as_str().into()).collect())
}

/// Files given as such, then ConfigMaps, then IstioOperators.
pub(super) fn configs<'m>(input: &Input<'m>) -> Vec<(&'m Meta, &'m MeshConfig)> {
    let model = input.model;
    let (files, maps): (Vec<_>, Vec<_>) =
        model.mesh.configs.iter().partition(|object| object.meta.kind == "MeshConfig");
    let own = files.into_iter().chain(maps).map(|object| (&object.meta, &object.spec));
    let operators =
        model.istio_operators.iter().filter_map(|object| Some((&object.meta, &object.spec.mesh_config.as_ref()?.0)));
    own.chain(operators).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::dialects::lower::tests::mesh;
    use crate::ir::{LogFormat, PathRules, ProviderKind, Settings, Share, TlsVersion};

    #[test]
    fn the_mesh_configuration_comes_over() {
        let mesh = mesh(include_str!("../../../../tests/mesh/mesh_config/all.yaml"));
        let settings: &Settings = &mesh.settings;
        assert_eq!((settings.paths, settings.min_tls), (PathRules::MergeSlashes, TlsVersion::V13));
        assert_eq!((settings.sampling, settings.drain), (Share::percent(25.0), Duration::from_secs(5)));
        assert_eq!(settings.retry.as_ref().unwrap().attempts, 4);
        assert!(!settings.locality_balancing);
        let (file, format) = settings.access_log.as_ref().unwrap();
        assert_eq!((&**file, matches!(format, LogFormat::Json(labels) if labels.len() > 20)), ("/dev/stdout", true));
        assert_eq!(settings.default_tracing, ["otel".into()]);
        assert_eq!(settings.default_metrics, ["prometheus".into()]);
        let names: Vec<&str> = settings.providers.iter().map(|provider| &*provider.name).collect();
        assert_eq!(names, ["opa", "ask-http", "otel", "file", "prometheus", "envoy"]);
        let ProviderKind::Authorizer(opa) = &settings.providers[0].kind else { panic!("{:?}", settings.providers) };
        assert_eq!(
            (&*opa.remote.host, opa.remote.port, opa.grpc, opa.fail_open),
            ("opa.sec.svc.cluster.local", 9191, true, false)
        );
        let ProviderKind::Authorizer(http) = &settings.providers[1].kind else { panic!("{:?}", settings.providers) };
        assert_eq!(
            (http.status_on_error, http.request_headers.len(), http.remote.timeout_ms),
            (Some(503), 2, Some(500))
        );
        let reasons: Vec<&str> = mesh.losses.iter().map(|loss| &*loss.reason).collect();
        assert_eq!(reasons.len(), 3, "no port, an unknown kind, the body: {reasons:?}");
    }

    #[test]
    fn without_any_the_usual_holds() {
        let mesh = mesh("");
        assert_eq!((mesh.settings.paths, mesh.settings.access_log.clone()), (PathRules::Base, None));
        assert_eq!(mesh.settings.providers.len(), 2);
    }
}

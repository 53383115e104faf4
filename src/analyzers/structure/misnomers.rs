//! Fields that people write and no kind has, with what they mean: names that are not merely misspelt.

/// What somebody meant by a field that does not exist.
pub(super) struct Misnomer {
    /// The kind; empty for any.
    kind: &'static str,
    /// The end of the path without indexes: `trafficPolicy.circuitBreaker`.
    path: &'static str,
    /// What to write, as a sentence.
    pub advice: &'static str,
}

/// The entry for a field of a kind, when there is one. `path` may hold indexes.
pub(super) fn find(kind: &str, path: &str) -> Option<&'static Misnomer> {
    let path = without_indexes(path);
    MISNOMERS.iter().find(|m| {
        let at_end = path.strip_suffix(m.path).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
        (m.kind.is_empty() || m.kind == kind) && at_end
    })
}

fn without_indexes(path: &str) -> String {
    let mut depth = 0usize;
    let mut kept = String::with_capacity(path.len());
    for c in path.chars() {
        match c {
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            _ if depth == 0 => kept.push(c),
            _ => {}
        }
    }
    kept
}

const fn entry(kind: &'static str, path: &'static str, advice: &'static str) -> Misnomer {
    Misnomer { kind, path, advice }
}

const MISNOMERS: &[Misnomer] = &[
    entry(
        "DestinationRule",
        "circuitBreaker",
        "Circuit breaking is `outlierDetection` (ejects failing endpoints) and `connectionPool` (limits) in `trafficPolicy`.",
    ),
    entry(
        "DestinationRule",
        "circuitBreakers",
        "Circuit breaking is `outlierDetection` and `connectionPool` in `trafficPolicy`.",
    ),
    entry("DestinationRule", "trafficPolicy.retries", "Retries belong to a VirtualService: `http[].retries`."),
    entry("DestinationRule", "trafficPolicy.timeout", "Timeouts belong to a VirtualService: `http[].timeout`."),
    entry(
        "DestinationRule",
        "trafficPolicy.mtls",
        "The client's side of TLS is `trafficPolicy.tls.mode`, such as ISTIO_MUTUAL.",
    ),
    entry("DestinationRule", "spec.tls", "TLS settings stand in `spec.trafficPolicy.tls`."),
    entry("DestinationRule", "spec.loadBalancer", "Load balancing stands in `spec.trafficPolicy.loadBalancer`."),
    entry(
        "DestinationRule",
        "spec.outlierDetection",
        "Outlier detection stands in `spec.trafficPolicy.outlierDetection`.",
    ),
    entry(
        "DestinationRule",
        "spec.connectionPool",
        "The connection pool stands in `spec.trafficPolicy.connectionPool`.",
    ),
    entry("DestinationRule", "subsets.selector", "A subset selects pods with `labels`."),
    entry("DestinationRule", "outlierDetection.consecutiveGatewayError", "The field is `consecutiveGatewayErrors`."),
    entry(
        "Telemetry",
        "accessLogging.format",
        "The format belongs to the provider: `envoyFileAccessLog.logFormat` in meshConfig.extensionProviders, or meshConfig.accessLogFormat.",
    ),
    entry("Telemetry", "metrics.tagOverrides", "`tagOverrides` stands inside an item of `metrics[].overrides`."),
    entry("Telemetry", "tracing.sampling", "The field is `randomSamplingPercentage`."),
    entry("VirtualService", "match.path", "A match on the path is `uri` with `exact`, `prefix` or `regex`."),
    entry("VirtualService", "rewrite.path", "The rewritten path is `uri`."),
    entry("VirtualService", "rewrite.prefix", "The rewritten prefix is `uri`."),
    entry("VirtualService", "redirect.path", "The path of a redirect is `uri`."),
    entry("VirtualService", "redirect.host", "The host of a redirect is `authority`."),
    entry("VirtualService", "redirect.code", "The status of a redirect is `redirectCode`."),
    entry("VirtualService", "destination.service", "The target of a route is `destination.host`."),
    entry("VirtualService", "destination.name", "The target of a route is `destination.host`."),
    entry(
        "VirtualService",
        "destination.version",
        "A version of a service is a `subset` that a DestinationRule defines.",
    ),
    entry("VirtualService", "destination.weight", "`weight` stands beside `destination`, not in it."),
    entry("VirtualService", "route.host", "The target of a route is `destination.host`."),
    entry("VirtualService", "route.subset", "The subset is `destination.subset`."),
    entry("VirtualService", "http.retry", "The field is `retries`."),
    entry("VirtualService", "http.destination", "A route's targets are a list: `route: [{destination: ...}]`."),
    entry("VirtualService", "http.cors", "The field is `corsPolicy`."),
    entry(
        "VirtualService",
        "http.circuitBreaker",
        "Circuit breaking belongs to a DestinationRule: `trafficPolicy.outlierDetection`.",
    ),
    entry("VirtualService", "retries.maxRetries", "The number of retries is `attempts`."),
    entry("VirtualService", "retries.numRetries", "The number of retries is `attempts`."),
    entry("VirtualService", "retries.timeout", "The time of one try is `perTryTimeout`."),
    entry("VirtualService", "delay.duration", "The delay is `fixedDelay`."),
    entry("VirtualService", "delay.delay", "The delay is `fixedDelay`."),
    entry("VirtualService", "abort.status", "The status of an abort is `httpStatus`."),
    entry("VirtualService", "abort.code", "The status of an abort is `httpStatus`."),
    entry("VirtualService", "headers.add", "Header changes stand under `headers.request` or `headers.response`."),
    entry("VirtualService", "headers.set", "Header changes stand under `headers.request` or `headers.response`."),
    entry("VirtualService", "headers.remove", "Header changes stand under `headers.request` or `headers.response`."),
    entry("VirtualService", "spec.host", "The hosts of a VirtualService are a list: `hosts`."),
    entry("Gateway", "tls.secretName", "The secret with the certificate is `credentialName`."),
    entry(
        "Gateway",
        "tls.certificateRefs",
        "The secret with the certificate is `credentialName`; `certificateRefs` belongs to the Gateway API.",
    ),
    entry("Gateway", "servers.host", "The hosts of a server are a list: `hosts`."),
    entry("PeerAuthentication", "spec.mode", "The mode stands in `spec.mtls.mode`."),
    entry("PeerAuthentication", "spec.tls", "The mode stands in `spec.mtls.mode`."),
    entry("PeerAuthentication", "spec.peers", "This is the Policy kind that Istio removed; write `spec.mtls.mode`."),
    entry("AuthorizationPolicy", "rules.source", "A source stands in `from: [{source: ...}]`."),
    entry("AuthorizationPolicy", "rules.operation", "An operation stands in `to: [{operation: ...}]`."),
    entry("AuthorizationPolicy", "rules.conditions", "Conditions stand in `when`."),
    entry("AuthorizationPolicy", "from.principals", "`principals` stands in `from[].source`."),
    entry("AuthorizationPolicy", "from.namespaces", "`namespaces` stands in `from[].source`."),
    entry("AuthorizationPolicy", "to.methods", "`methods` stands in `to[].operation`."),
    entry("AuthorizationPolicy", "to.paths", "`paths` stands in `to[].operation`."),
    entry("AuthorizationPolicy", "to.ports", "`ports` stands in `to[].operation`."),
    entry("RequestAuthentication", "jwtRules.jwksURL", "The address of the keys is `jwksUri`."),
    entry("ServiceEntry", "endpoints.ip", "The address of an endpoint is `address`."),
    entry(
        "ServiceAuthorization",
        "requiredRoutes",
        "Restrict routes with an HTTPRoute and an AuthorizationPolicy of policy.linkerd.io that targets it.",
    ),
    entry(
        "ServerAuthorization",
        "requiredRoutes",
        "Restrict routes with an HTTPRoute and an AuthorizationPolicy of policy.linkerd.io that targets it; as it is, the whole Server is open to these clients.",
    ),
    entry(
        "ServiceProfile",
        "routes.retryBudget",
        "The budget is one for the whole profile: `spec.retryBudget`; routes only say `isRetryable`.",
    ),
    entry(
        "",
        "proxyStatsMatcher.exclusionRegexps",
        "The matcher only includes: `inclusionRegexps`, `inclusionPrefixes`, `inclusionSuffixes`.",
    ),
    entry(
        "",
        "proxyStatsMatcher.exclusionPrefixes",
        "The matcher only includes: `inclusionRegexps`, `inclusionPrefixes`, `inclusionSuffixes`.",
    ),
    entry(
        "",
        "proxyStatsMatcher.exclusionSuffixes",
        "The matcher only includes: `inclusionRegexps`, `inclusionPrefixes`, `inclusionSuffixes`.",
    ),
    entry("Service", "ports.containerPort", "The port of the pods is `targetPort`."),
    entry("Service", "spec.matchLabels", "A Service selects with plain labels: `selector: {app: web}`."),
    entry("Deployment", "spec.containers", "Containers stand in `spec.template.spec.containers`."),
    entry("StatefulSet", "spec.containers", "Containers stand in `spec.template.spec.containers`."),
    entry("DaemonSet", "spec.containers", "Containers stand in `spec.template.spec.containers`."),
    entry("Pod", "spec.replicas", "A Pod is one; write a Deployment to have replicas."),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indexes_do_not_matter() {
        assert!(find("Telemetry", "spec.accessLogging[2].format").is_some());
        assert!(find("DestinationRule", "spec.trafficPolicy.circuitBreaker").is_some());
        assert!(find("DestinationRule", "spec.subsets[0].trafficPolicy.circuitBreaker").is_some());
        assert!(find("Telemetry", "spec.format").is_none());
        assert!(find("VirtualService", "spec.http[0].myretry").is_none());
    }
}

//! IST0176: Gateway API CRDs that are too old for Istio.

use crate::analyzers::context::Context;
use crate::analyzers::registry::Analyzer;
use crate::declare_code;
use crate::diagnostics::Sink;

declare_code! {
    /// A Gateway API CRD is older than Istio needs
    ///
    /// ## Why
    ///
    /// istiod leaves out kinds whose CRD is too old, without a word in their status: the routes are stored and never
    /// reach a gateway.
    ///
    /// ## Bad
    ///
    /// ```yaml
    /// apiVersion: apiextensions.k8s.io/v1
    /// kind: CustomResourceDefinition
    /// metadata:
    ///   name: tlsroutes.gateway.networking.k8s.io
    ///   annotations:
    ///     gateway.networking.k8s.io/bundle-version: v1.4.0
    /// ```
    ///
    /// ## Good
    ///
    /// ```yaml
    /// apiVersion: apiextensions.k8s.io/v1
    /// kind: CustomResourceDefinition
    /// metadata:
    ///   name: tlsroutes.gateway.networking.k8s.io
    ///   annotations:
    ///     gateway.networking.k8s.io/bundle-version: v1.5.0
    /// ```
    ///
    /// ## Fix
    ///
    /// Install a newer release of the Gateway API CRDs before the upgrade of Istio.
    pub CRD_VERSION = "IST0176", "GatewayAPICRDVersionBelowMinimum", Warning
}

/// Compares the versions of Gateway API CRDs with what Istio needs.
pub static ANALYZER: Analyzer = Analyzer {
    name: "k8sgateway.CRDVersionAnalyzer",
    summary: "Gateway API CRDs that are too old for Istio",
    codes: &[&CRD_VERSION],
    run,
    default: true,
};

const ANNOTATION: &str = "gateway.networking.k8s.io/bundle-version";

/// Oldest release (major, minor) for each CRD. Source: the minimum versions of Istio 1.30's CRD watcher.
const MINIMUM: &[(&str, (u64, u64))] = &[
    ("backendtlspolicies.gateway.networking.k8s.io", (1, 4)),
    ("grpcroutes.gateway.networking.k8s.io", (1, 1)),
    ("tcproutes.gateway.networking.k8s.io", (1, 6)),
    ("tlsroutes.gateway.networking.k8s.io", (1, 5)),
];

fn run(cx: &Context<'_>, sink: &mut Sink) {
    for crd in &cx.custom_resource_definitions {
        let Some((name, minimum)) = MINIMUM.iter().find(|(name, _)| *name == crd.meta.name()) else { continue };
        let Some(annotation) = crd.meta.annotations.get(ANNOTATION) else { continue };
        let Some(version) = major_minor(annotation.as_str()) else { continue };
        if version < *minimum {
            sink.report(
                &CRD_VERSION,
                &crd.meta,
                annotation.span(),
                format!(
                    "The CRD {name} is of the release {}; Istio needs {}.{} and leaves out its objects.",
                    annotation.as_str(),
                    minimum.0,
                    minimum.1
                ),
            )
            .help(format!("install the Gateway API CRDs of release {}.{} or newer", minimum.0, minimum.1));
        }
    }
}

/// Major and minor number of a release such as `v1.4.0-rc.1`; nothing for other texts.
fn major_minor(version: &str) -> Option<(u64, u64)> {
    let mut numbers = version.strip_prefix('v').unwrap_or(version).split('.');
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::major_minor;

    #[test]
    fn releases_and_candidates() {
        assert_eq!(major_minor("v1.4.0-rc.1"), Some((1, 4)));
        assert_eq!(major_minor("1.10.2"), Some((1, 10)));
        for odd in ["", "v1", "main", "v1.x.0"] {
            assert_eq!(major_minor(odd), None, "{odd}");
        }
    }
}

//! MeshNetworks that name an unknown service registry (IST0126).

use std::collections::BTreeSet;

use crate::analyzers::context::Context;
use crate::analyzers::registry::Analyzer;
use crate::declare_code;
use crate::diagnostics::Sink;

declare_code! {
    /// A network of an unknown service registry
    ///
    /// ## Why
    ///
    /// `fromRegistry` puts all endpoints of a cluster into a network. The name is none that the control plane knows: neither
    /// a built-in registry (`Kubernetes`, `External`, `Mock`) nor a cluster of a remote secret. The network stays empty, and
    /// calls between clusters bypass its gateway.
    ///
    /// ## Bad
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: ConfigMap
    /// metadata:
    ///   name: istio
    ///   namespace: istio-system
    /// data:
    ///   meshNetworks: |
    ///     networks:
    ///       network1:
    ///         endpoints:
    ///         - fromRegistry: kubernetes # registries are written Kubernetes
    /// ```
    ///
    /// ## Good
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: ConfigMap
    /// metadata:
    ///   name: istio
    ///   namespace: istio-system
    /// data:
    ///   meshNetworks: |
    ///     networks:
    ///       network1:
    ///         endpoints:
    ///         - fromRegistry: Kubernetes
    /// ```
    ///
    /// ## Fix
    ///
    /// Write the name of the cluster as in its remote secret (the key inside of the Secret with the label
    /// `istio/multiCluster: "true"`), or `Kubernetes` for the cluster of the control plane.
    pub UNKNOWN_REGISTRY = "IST0126", "UnknownMeshNetworksServiceRegistry", Error
}

const BUILT_IN: [&str; 3] = ["Mock", "Kubernetes", "External"];

/// Reports registries that nothing defines.
pub static ANALYZER: Analyzer = Analyzer {
    name: "meshnetworks.MeshNetworksAnalyzer",
    summary: "Registries of MeshNetworks are built in or clusters of remote secrets",
    codes: &[&UNKNOWN_REGISTRY],
    run,
    default: true,
};

fn run(cx: &Context<'_>, sink: &mut Sink) {
    let remote = cx.secrets.iter().filter(|secret| secret.meta.labels.text("istio/multiCluster") == Some("true"));
    let mut known: BTreeSet<&str> = BUILT_IN.into();
    let mut has_secrets = false;
    for secret in remote {
        has_secrets = true;
        known.extend(secret.spec.data.pairs().chain(secret.spec.string_data.pairs()).map(|(key, _)| key));
    }
    for object in &cx.model().mesh.networks {
        for (name, network) in object.spec.networks.iter() {
            for registry in network.endpoints.iter().filter_map(|endpoints| endpoints.from_registry.as_ref()) {
                if known.contains(registry.as_str()) {
                    continue;
                }
                let misspelt = BUILT_IN.iter().find(|built_in| built_in.eq_ignore_ascii_case(registry.as_str()));
                if !has_secrets && misspelt.is_none() {
                    sink.undecided("registries of MeshNetworks", "remote secrets (label istio/multiCluster)");
                    continue;
                }
                let diagnostic = sink.report(
                    &UNKNOWN_REGISTRY,
                    &object.meta,
                    registry.span(),
                    format!("Unknown service registry {} in network {}.", registry.as_str(), name.as_str()),
                );
                diagnostic.label("no such registry");
                match misspelt {
                    Some(built_in) => diagnostic.help(format!("the built-in registry is written {built_in}")),
                    None => diagnostic.help("write the cluster's name as in its remote secret"),
                };
            }
        }
    }
}

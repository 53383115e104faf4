//! DOC0010: the CRDs of the Gateway API are installed before Linkerd.

use super::invocation::{Call, calls};
use crate::analyzers::context::Context;
use crate::analyzers::registry::Analyzer;
use crate::declare_code;
use crate::diagnostics::Sink;

declare_code! {
    /// Linkerd is installed without the Gateway API CRDs
    ///
    /// ## Why
    ///
    /// Current Linkerd needs the CRDs of the Gateway API and no longer brings them. On a cluster without them the
    /// installation fails its check, and HTTPRoutes do not exist.
    ///
    /// ## Bad
    ///
    /// ```sh
    /// linkerd install --crds | kubectl apply -f -
    /// ```
    ///
    /// ## Good
    ///
    /// ```sh
    /// kubectl apply --server-side -f \
    ///   https://github.com/kubernetes-sigs/gateway-api/releases/download/v1.4.0/standard-install.yaml
    /// linkerd install --crds | kubectl apply -f -
    /// ```
    ///
    /// ## Fix
    ///
    /// Apply the standard CRDs of the Gateway API first.
    pub GATEWAY_API = "DOC0010", "GatewayApiMissing", Warning
}

/// Reports linkerd is installed without the Gateway API CRDs.
pub static ANALYZER: Analyzer = Analyzer {
    name: "docs.GatewayApiMissing",
    summary: "The CRDs of the Gateway API are installed before Linkerd",
    codes: &[&GATEWAY_API],
    run,
    default: true,
};

fn run(cx: &Context<'_>, sink: &mut Sink) {
    let all: Vec<Call<'_>> = calls(cx).collect();
    for call in all.iter().filter(|call| call.is("linkerd", &["install"]) && call.has(&["crds"])) {
        let words = |call: &Call<'_>| call.command.words.iter().any(|word| word.text.contains("gateway-api"));
        let by_linkerd = call.sets().any(|(path, value, _)| path.ends_with("installGatewayAPI") && value == "true");
        if by_linkerd || all.iter().any(|before| call.is_after(before) && words(before)) {
            continue;
        }
        let message = "Linkerd needs the CRDs of the Gateway API, and nothing above installs them.";
        sink.report_at(&GATEWAY_API, call.file(), call.path_span(1), message)
            .label("does not install them")
            .help("Apply the standard-install.yaml of a release of kubernetes-sigs/gateway-api first.");
    }
}

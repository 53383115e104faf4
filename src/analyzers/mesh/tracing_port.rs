//! Providers whose port speaks another protocol (IST9112).

use crate::analyzers::context::Context;
use crate::analyzers::registry::Analyzer;
use crate::declare_code;
use crate::diagnostics::Sink;

declare_code! {
    /// A provider on a port of another protocol
    ///
    /// ## Why
    ///
    /// Tracing backends have a port for each protocol, and one for their web page. A provider on the wrong one connects and
    /// is refused, and no span arrives.
    ///
    /// ## Bad
    ///
    /// ```yaml
    /// apiVersion: install.istio.io/v1alpha1
    /// kind: IstioOperator
    /// metadata:
    ///   name: mesh
    /// spec:
    ///   meshConfig:
    ///     extensionProviders:
    ///     - name: jaeger
    ///       opentelemetry:
    ///         service: jaeger.observability.svc.cluster.local
    ///         port: 16686 # the web page
    /// ```
    ///
    /// ## Good
    ///
    /// ```yaml
    /// apiVersion: install.istio.io/v1alpha1
    /// kind: IstioOperator
    /// metadata:
    ///   name: mesh
    /// spec:
    ///   meshConfig:
    ///     extensionProviders:
    ///     - name: jaeger
    ///       opentelemetry:
    ///         service: jaeger.observability.svc.cluster.local
    ///         port: 4317
    /// ```
    ///
    /// ## Fix
    ///
    /// Use 4317 for OTLP over gRPC, 4318 for OTLP over HTTP, 9411 for Zipkin.
    pub PORT_OF_OTHER_PROTOCOL = "IST9112", "PortOfOtherProtocol", Error
}

/// Reports well-known ports that cannot be meant.
pub static ANALYZER: Analyzer = Analyzer {
    name: "mesh.ProviderPort",
    summary: "Providers do not use the port of a web page or of another protocol",
    codes: &[&PORT_OF_OTHER_PROTOCOL],
    run,
    default: true,
};

/// What a port is known for, and the kinds of providers that it is right for.
const PORTS: &[(i64, &str, &[&str])] = &[
    (16686, "the web page of Jaeger", &[]),
    (16685, "Jaeger's query service", &[]),
    (14250, "for Jaeger's own protocol", &[]),
    (14268, "for Jaeger's own protocol", &[]),
    (20001, "the web page of Kiali", &[]),
    (9411, "for Zipkin's protocol", &["zipkin"]),
    (4317, "for OTLP over gRPC", &["opentelemetry", "envoyOtelAls"]),
    (4318, "for OTLP over HTTP", &["opentelemetry"]),
];

fn run(cx: &Context<'_>, sink: &mut Sink) {
    for (meta, provider) in cx.mesh.providers() {
        let Some(kind) = provider.kind() else { continue };
        let Some(port) = kind.port else { continue };
        let Some((_, what, right)) = PORTS.iter().find(|(number, ..)| *number == port.value) else { continue };
        // Any service may listen on any port: only tracing and log kinds are judged on the ports of a protocol.
        let judged = right.is_empty() || ["zipkin", "opentelemetry", "envoyOtelAls"].contains(&kind.word);
        if right.contains(&kind.word) || !judged {
            continue;
        }
        let wanted = if kind.word == "zipkin" { "9411" } else { "4317" };
        sink.report(
            &PORT_OF_OTHER_PROTOCOL,
            meta,
            port.span(),
            format!(
                "Port {} of the provider {} is {what}: {} does not work there.",
                port.value,
                provider.name(),
                kind.word
            ),
        )
        .label(*what)
        .help(format!("traces go to {wanted}: `opentelemetry` wants 4317 (OTLP), `zipkin` wants 9411"));
    }
}

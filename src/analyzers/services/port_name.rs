//! IST0118 and IST0150: port names that do not tell the protocol.

use crate::analyzers::context::Context;
use crate::analyzers::registry::Analyzer;
use crate::analyzers::shared::control_plane;
use crate::declare_code;
use crate::diagnostics::Sink;
use crate::dialects::kubernetes::types::{ServicePort, ServiceSpec};
use crate::dialects::object::Meta;
use crate::schema::values::text_or_empty;

declare_code! {
    /// A port name that does not tell the protocol
    ///
    /// ## Why
    ///
    /// Istio takes the protocol of a port from `appProtocol`, or from the part of its name before the first `-`: `http`,
    /// `grpc-api`, `tcp-db`. For other names the proxy has to guess from the first bytes, which does not work for
    /// protocols where the server speaks first, and HTTP features may be missing.
    ///
    /// ## Bad
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Service
    /// metadata:
    ///   name: web
    /// spec:
    ///   selector: {app: web}
    ///   ports:
    ///   - name: web
    ///     port: 80
    /// ```
    ///
    /// ## Good
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Service
    /// metadata:
    ///   name: web
    /// spec:
    ///   selector: {app: web}
    ///   ports:
    ///   - name: http-web
    ///     port: 80
    /// ```
    ///
    /// ## Fix
    ///
    /// Put the protocol in front of the name (`http-`, `http2-`, `grpc-`, `tls-`, `tcp-`, ...), or set `appProtocol`.
    pub PORT_NAME = "IST0118", "PortNameIsNotUnderNamingConvention", Info
}

declare_code! {
    /// An ExternalName Service with a port name that breaks other traffic
    ///
    /// ## Why
    ///
    /// A port of an ExternalName Service without a protocol name, or with the name `tcp`, makes the sidecars take all
    /// traffic of that port number, whatever its destination, to this one external host.
    ///
    /// ## Bad
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Service
    /// metadata:
    ///   name: partner
    /// spec:
    ///   type: ExternalName
    ///   externalName: partner.example.com
    ///   ports:
    ///   - port: 443
    /// ```
    ///
    /// ## Good
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Service
    /// metadata:
    ///   name: partner
    /// spec:
    ///   type: ExternalName
    ///   externalName: partner.example.com
    ///   ports:
    ///   - name: https
    ///     port: 443
    /// ```
    ///
    /// ## Fix
    ///
    /// Name the port after its protocol (`http`, `https`, `tls`), or use a ServiceEntry instead of the Service.
    pub EXTERNAL_NAME = "IST0150", "ExternalNameServiceTypeInvalidPortName", Warning
}

/// Checks the port names of Services.
pub static ANALYZER: Analyzer = Analyzer {
    name: "service.PortNameAnalyzer",
    summary: "Port names tell the protocol",
    codes: &[&PORT_NAME, &EXTERNAL_NAME],
    run,
    default: true,
};

fn run(cx: &Context<'_>, sink: &mut Sink) {
    for service in &cx.services {
        let meta = &service.meta;
        let foreign = control_plane::is_system_namespace(&meta.namespace)
            || control_plane::is_control_plane(meta)
            || control_plane::is_managed_gateway(meta)
            || (*meta.namespace == *cx.mesh.root_namespace() && &*meta.namespace != "default");
        let Some(spec) = service.spec.spec.as_ref().filter(|_| !foreign) else { continue };
        for port in &spec.ports {
            check(meta, spec, port, sink);
        }
    }
}

fn check(meta: &Meta, spec: &ServiceSpec, port: &ServicePort, sink: &mut Sink) {
    let external = text_or_empty(spec.r#type.as_ref()) == "ExternalName";
    let name = text_or_empty(port.name.as_ref());
    let known = tells_protocol(port);
    if known && !(external && name == "tcp") {
        return;
    }
    let number = port.port.as_ref().map_or(0, |number| number.value);
    let span = port.name.as_ref().map(crate::schema::At::span);
    let span = span.or_else(|| port.port.as_ref().map(crate::schema::At::span)).unwrap_or(port.place.span());
    if external {
        let message =
            format!("Port {number} of this ExternalName Service needs a name that tells an HTTP or TLS protocol.");
        sink.report(&EXTERNAL_NAME, meta, span, message)
            .label("takes over all traffic of this port")
            .help("Name it http, https or tls, or use a ServiceEntry.");
        return;
    }
    let target = port.target_port.as_ref().map_or_else(|| number.to_string(), |target| target.value.to_string());
    let message = if name.is_empty() {
        format!("Port {number} (target {target}) has no name, so its protocol is not known.")
    } else if let Some(protocol) = &port.app_protocol {
        format!("Port {name} ({number}, target {target}) has an unknown appProtocol `{}`.", protocol.as_str())
    } else {
        format!("Port name {name} (port {number}, target {target}) does not tell the protocol.")
    };
    sink.report(&PORT_NAME, meta, span, message)
        .label("protocol unknown")
        .help("Start the name with the protocol, as in `http-web`, or set `appProtocol`.");
}

/// True when Istio knows the port's protocol: UDP, a known `appProtocol` or name, or a well-known number.
fn tells_protocol(port: &ServicePort) -> bool {
    if text_or_empty(port.protocol.as_ref()).eq_ignore_ascii_case("udp") {
        return true;
    }
    let name = port.app_protocol.as_ref().or(port.name.as_ref()).map_or("", |text| text.as_str());
    let protocol = name.split('-').next().unwrap_or_default().to_ascii_lowercase();
    let standard = matches!(name, "kubernetes.io/h2c" | "kubernetes.io/ws" | "kubernetes.io/wss");
    let well_known = port.port.as_ref().is_some_and(|number| matches!(number.value, 25 | 53 | 3306 | 27017));
    standard || well_known || PROTOCOLS.contains(&protocol.as_str())
}

/// What Istio reads as a protocol, in lower case.
const PROTOCOLS: &[&str] =
    &["tcp", "udp", "grpc", "http", "http2", "http_proxy", "https", "tls", "mongo", "redis", "mysql", "hbone"];

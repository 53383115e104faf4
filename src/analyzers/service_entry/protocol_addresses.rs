//! IST0134: a TCP port that proxies can only tell by its address, and no address.

use crate::analyzers::context::Context;
use crate::analyzers::registry::Analyzer;
use crate::declare_code;
use crate::diagnostics::Sink;
use crate::dialects::istio::types::ServiceEntry;
use crate::dialects::object::Object;
use crate::schema::Text;

declare_code! {
    /// A TCP service without an address
    ///
    /// ## Why
    ///
    /// Plain TCP carries no host name; a proxy knows the service by the address that a caller connects to. Without
    /// `addresses` the port is taken for every address, and two such services on one port mix up their traffic.
    ///
    /// ## Bad
    ///
    /// ```yaml
    /// apiVersion: networking.istio.io/v1
    /// kind: ServiceEntry
    /// metadata:
    ///   name: database
    /// spec:
    ///   hosts: [database.example.com]
    ///   resolution: DNS
    ///   ports:
    ///   - number: 5432
    ///     name: tcp-db
    ///     protocol: TCP
    /// ```
    ///
    /// ## Good
    ///
    /// ```yaml
    /// apiVersion: networking.istio.io/v1
    /// kind: ServiceEntry
    /// metadata:
    ///   name: database
    /// spec:
    ///   hosts: [database.example.com]
    ///   addresses: [192.0.2.10]
    ///   resolution: DNS
    ///   ports:
    ///   - number: 5432
    ///     name: tcp-db
    ///     protocol: TCP
    /// ```
    ///
    /// ## Fix
    ///
    /// Add `addresses`, set the real protocol (TLS and HTTP carry the host), or turn on DNS capture with automatic
    /// addresses for the proxies.
    pub ADDRESSES_REQUIRED = "IST0134", "ServiceEntryAddressesRequired", Warning
}

/// Checks the ports of every ServiceEntry.
pub static ANALYZER: Analyzer = Analyzer {
    name: "serviceentry.Analyzer",
    summary: "TCP services have an address",
    codes: &[&ADDRESSES_REQUIRED],
    run,
    default: true,
};

fn run(cx: &Context<'_>, sink: &mut Sink) {
    if gives_addresses(cx) {
        return;
    }
    for object in &cx.service_entries {
        if !object.spec.addresses.is_set() && !has_addresses(object) {
            check(object, sink);
        }
    }
}

/// True when proxies answer DNS queries themselves and make up addresses.
fn gives_addresses(cx: &Context<'_>) -> bool {
    let on = |name: &str| cx.mesh.proxy_metadata(name) == Some("true");
    on("ISTIO_META_DNS_CAPTURE") && (on("ISTIO_META_DNS_AUTO_ALLOCATE") || on("PILOT_ENABLE_IP_AUTOALLOCATE"))
}

/// True when the control plane has given addresses already.
fn has_addresses(object: &Object<ServiceEntry>) -> bool {
    let addresses = object.status.as_ref().and_then(|status| status.node.get("addresses"));
    addresses.is_some_and(|addresses| !addresses.items().is_empty())
}

fn check(object: &Object<ServiceEntry>, sink: &mut Sink) {
    for port in &object.spec.ports {
        let protocol = port.protocol.as_ref();
        let name = protocol.map_or("", Text::as_str);
        if name.is_empty() || name.eq_ignore_ascii_case("TCP") {
            let span = protocol.map_or(port.place.span(), Text::span);
            let kind = if name.is_empty() { "a port without a protocol" } else { "a TCP port" };
            sink.report(
                &ADDRESSES_REQUIRED,
                &object.meta,
                span,
                format!("The ServiceEntry has {kind} and no `addresses`, so proxies cannot tell its connections."),
            )
            .label("known by address only")
            .help("add `addresses`, or set the protocol that is spoken (TLS, HTTP, GRPC, ...)");
        }
    }
}

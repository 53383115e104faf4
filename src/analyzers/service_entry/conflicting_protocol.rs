//! IST0177: several ServiceEntries with one host and port and different protocols.

use std::collections::{BTreeMap, BTreeSet};

use crate::analyzers::context::Context;
use crate::analyzers::registry::Analyzer;
use crate::analyzers::shared::visibility::Visibility;
use crate::declare_code;
use crate::diagnostics::Sink;
use crate::dialects::istio::types::ServiceEntry;
use crate::dialects::object::Object;
use crate::manifests::source::Span;
use crate::schema::Text;

declare_code! {
    /// ServiceEntries that disagree about a protocol
    ///
    /// ## Why
    ///
    /// Several ServiceEntries define the same host and port with different protocols, and a namespace sees more than one
    /// of them. Which protocol the proxies use then depends on the order of creation.
    ///
    /// ## Bad
    ///
    /// ```yaml
    /// apiVersion: networking.istio.io/v1
    /// kind: ServiceEntry
    /// metadata:
    ///   name: api-http
    /// spec:
    ///   hosts: [api.example.com]
    ///   resolution: DNS
    ///   ports:
    ///   - {number: 8443, name: http, protocol: HTTP}
    /// ---
    /// apiVersion: networking.istio.io/v1
    /// kind: ServiceEntry
    /// metadata:
    ///   name: api-https
    /// spec:
    ///   hosts: [api.example.com]
    ///   resolution: DNS
    ///   ports:
    ///   - {number: 8443, name: https, protocol: HTTPS}
    /// ```
    ///
    /// ## Good
    ///
    /// ```yaml
    /// apiVersion: networking.istio.io/v1
    /// kind: ServiceEntry
    /// metadata:
    ///   name: api
    /// spec:
    ///   hosts: [api.example.com]
    ///   resolution: DNS
    ///   ports:
    ///   - {number: 8443, name: https, protocol: HTTPS}
    /// ```
    ///
    /// ## Fix
    ///
    /// Agree on one protocol, use different ports, or keep the entries apart with `exportTo`.
    pub CONFLICTING_PROTOCOL = "IST0177", "ConflictingServiceEntryProtocol", Warning
}

/// Compares the ports of all ServiceEntries.
pub static ANALYZER: Analyzer = Analyzer {
    name: "serviceentry.ConflictingServiceEntryProtocolAnalyzer",
    summary: "ServiceEntries agree about the protocol of a port",
    codes: &[&CONFLICTING_PROTOCOL],
    run,
    default: true,
};

/// Other places shown in a finding at most.
const SHOWN: usize = 5;

/// One port of one entry.
struct Claim<'m> {
    object: &'m Object<ServiceEntry>,
    protocol: String,
    span: Span,
    visibility: Visibility<'m>,
}

fn run(cx: &Context<'_>, sink: &mut Sink) {
    // Two clusters may each have their own.
    let mut by_port: BTreeMap<(Option<&str>, &str, i64), Vec<Claim<'_>>> = BTreeMap::new();
    for object in &cx.service_entries {
        for host in &object.spec.hosts {
            for port in &object.spec.ports {
                let Some(number) = &port.number else { continue };
                let protocol = port.protocol.as_ref();
                by_port.entry((object.meta.cluster.as_deref(), host.as_str(), number.value)).or_default().push(Claim {
                    object,
                    protocol: protocol.map_or("", Text::as_str).to_ascii_uppercase(),
                    span: protocol.map_or(number.span(), Text::span),
                    visibility: Visibility::of(&object.spec.export_to, &object.meta.namespace),
                });
            }
        }
    }
    let mut reported = BTreeSet::new();
    for ((_, host, port), claims) in &by_port {
        if claims.iter().all(|claim| claim.protocol == claims[0].protocol) {
            continue;
        }
        for claim in claims {
            let others: Vec<&Claim<'_>> = claims.iter().filter(|other| conflict(claim, other)).take(SHOWN).collect();
            if !others.is_empty() && reported.insert(std::ptr::from_ref(claim.object)) {
                report((host, *port), claim, &others, sink);
            }
        }
    }
}

/// True when the protocols differ and a namespace sees both entries.
fn conflict(a: &Claim<'_>, b: &Claim<'_>) -> bool {
    let together = match (&a.visibility, &b.visibility) {
        (Visibility::Everywhere, _) | (_, Visibility::Everywhere) => true,
        (Visibility::In(a), Visibility::In(b)) => a.iter().any(|namespace| b.contains(namespace)),
    };
    a.protocol != b.protocol && together
}

fn report((host, port): (&str, i64), claim: &Claim<'_>, others: &[&Claim<'_>], sink: &mut Sink) {
    let names: BTreeSet<String> = others.iter().map(|other| other.object.meta.full_name()).collect();
    let mut protocols: BTreeSet<&str> = others.iter().map(|other| word(&other.protocol)).collect();
    protocols.insert(word(&claim.protocol));
    let join = |words: Vec<&str>| words.join(", ");
    let finding = sink
        .report(
            &CONFLICTING_PROTOCOL,
            &claim.object.meta,
            claim.span,
            format!(
                "Port {port} of {host:?} has another protocol in ServiceEntry {} ({}).",
                names.into_iter().collect::<Vec<_>>().join(", "),
                join(protocols.into_iter().collect())
            ),
        )
        .label("which protocol is it?")
        .help("agree on one protocol, use different ports, or keep the entries apart with `exportTo`");
    for other in others {
        let text = format!("{} in {}", word(&other.protocol), other.object.meta.full_name());
        finding.related(other.object.meta.file, other.span, text);
    }
}

fn word(protocol: &str) -> &str {
    if protocol.is_empty() { "none" } else { protocol }
}

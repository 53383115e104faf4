//! IST0161 and IST0101: the Secrets that Gateways take their certificates from.
//!
//! A gateway reads Secrets of its own namespace, the one of its pods. Secrets are often not kept in files, so a missing one
//! is only reported when the input has that namespace's Secrets, or one of that name in another namespace.

use std::collections::{BTreeMap, BTreeSet};

use crate::analyzers::codes::REFERENCED_RESOURCE_NOT_FOUND;
use crate::analyzers::context::Context;
use crate::analyzers::registry::Analyzer;
use crate::analyzers::shared::{certificates, gateways};
use crate::declare_code;
use crate::diagnostics::Sink;
use crate::dialects::istio::types::{Gateway, ServerTlsMode, ServerTlsSettings};
use crate::dialects::kubernetes::types::Secret;
use crate::dialects::object::Object;
use crate::schema::Text;

declare_code! {
    /// The certificate of a Gateway cannot be used
    ///
    /// ## Why
    ///
    /// The Secret is there, but the gateway cannot serve TLS with it: its keys have other names than expected, the content
    /// is no PEM certificate, or the certificate has expired. Connections to the server fail.
    ///
    /// ## Bad
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Secret
    /// metadata:
    ///   name: shop-cert
    ///   namespace: istio-system
    /// stringData:
    ///   certificate: |
    ///     -----BEGIN CERTIFICATE-----
    ///   private-key: |
    ///     -----BEGIN PRIVATE KEY-----
    /// ```
    ///
    /// ## Good
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Secret
    /// metadata:
    ///   name: shop-cert
    ///   namespace: istio-system
    /// type: kubernetes.io/tls
    /// stringData:
    ///   tls.crt: |
    ///     -----BEGIN CERTIFICATE-----
    ///   tls.key: |
    ///     -----BEGIN PRIVATE KEY-----
    /// ```
    ///
    /// ## Fix
    ///
    /// Store certificate and key as `tls.crt` and `tls.key` (`kubectl create secret tls` does so), or `cert` and `key`, in
    /// PEM form, and renew an expired certificate.
    pub INVALID_CREDENTIAL = "IST0161", "InvalidGatewayCredential", Error
}

/// Looks up and checks the Secrets of Gateways.
pub static ANALYZER: Analyzer = Analyzer {
    name: "gateway.SecretAnalyzer",
    summary: "Secrets of Gateways: missing, without the right keys, no PEM, expired",
    codes: &[&INVALID_CREDENTIAL, &REFERENCED_RESOURCE_NOT_FOUND],
    run,
    default: true,
};

struct Secrets<'m> {
    by_name: BTreeMap<(&'m str, &'m str), &'m Object<Secret>>,
    elsewhere: BTreeMap<&'m str, &'m Object<Secret>>,
    namespaces: BTreeSet<&'m str>,
}

fn run(cx: &Context<'_>, sink: &mut Sink) {
    let all = &cx.model().secrets;
    let secrets = Secrets {
        by_name: all.iter().map(|secret| ((&*secret.meta.namespace, secret.meta.name()), secret)).collect(),
        elsewhere: all.iter().rev().map(|secret| (secret.meta.name(), secret)).collect(),
        namespaces: all.iter().map(|secret| &*secret.meta.namespace).collect(),
    };
    for gateway in &cx.model().gateways {
        let credentials: Vec<&Text> =
            gateway.spec.servers.iter().filter_map(|server| server.tls.as_deref()).flat_map(names).collect();
        if credentials.is_empty() {
            continue;
        }
        if secrets.by_name.is_empty() {
            sink.undecided("gateway certificates", "Secrets");
            continue;
        }
        let namespaces: BTreeSet<&str> = gateways::pods(cx, gateway).iter().map(|pod| &*pod.meta.namespace).collect();
        if namespaces.is_empty() {
            gateways::report_no_pods(cx, gateway, sink, "gateway certificates");
        }
        for namespace in namespaces {
            for name in &credentials {
                check(gateway, name, namespace, &secrets, sink);
            }
        }
    }
}

/// The Secrets that the settings name; not those of other sources (`sds://`, `kubernetes-gateway://`).
fn names(tls: &ServerTlsSettings) -> impl Iterator<Item = &Text> {
    let ends_here = tls.mode.is_some_and(|mode| {
        matches!(mode.value, ServerTlsMode::Simple | ServerTlsMode::Mutual | ServerTlsMode::OptionalMutual)
    });
    let names = tls.credential_name.iter().chain(&tls.credential_names);
    names.filter(move |name| ends_here && !name.as_str().is_empty() && !name.as_str().contains("://"))
}

fn check(gateway: &Object<Gateway>, name: &Text, namespace: &str, secrets: &Secrets<'_>, sink: &mut Sink) {
    let Some(secret) = secrets.by_name.get(&(namespace, name.as_str())) else {
        missing(gateway, name, namespace, secrets, sink);
        return;
    };
    let Err((reason, span)) = certificates::check(secret) else { return };
    sink.report(
        &INVALID_CREDENTIAL,
        &gateway.meta,
        name.span(),
        format!("The certificate of the Gateway {} cannot be used: {reason}.", gateway.meta.full_name()),
    )
    .label("this Secret does not work")
    .help(
        "store a PEM certificate and its key as `tls.crt` and `tls.key`, for example with `kubectl create secret tls`",
    )
    .related(secret.meta.file, span.unwrap_or(secret.meta.name_span()), "the Secret");
}

fn missing(gateway: &Object<Gateway>, name: &Text, namespace: &str, secrets: &Secrets<'_>, sink: &mut Sink) {
    let elsewhere = secrets.elsewhere.get(name.as_str());
    if elsewhere.is_none() && !secrets.namespaces.contains(namespace) {
        sink.undecided("gateway certificates", "Secrets of the gateway's namespace");
        return;
    }
    let finding = sink.report(
        &REFERENCED_RESOURCE_NOT_FOUND,
        &gateway.meta,
        name.span(),
        format!("There is no Secret {namespace}/{}: a gateway reads Secrets of its own namespace.", name.as_str()),
    );
    finding
        .label("no such Secret")
        .help(format!("create the Secret in the namespace {namespace}, where the gateway pods are"));
    if let Some(other) = elsewhere {
        finding.related(other.meta.file, other.meta.name_span(), "a Secret of that name is in another namespace");
    }
}

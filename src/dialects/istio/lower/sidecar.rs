//! Sidecar: what proxies beside workloads see, and the listeners that they open. What cannot be read is not seen.

use std::sync::Arc;

use super::context::Context;
use super::scope::{Attached, in_order};
use super::server_tls::{Secrets, server_tls};
use super::traffic::pool;
use crate::dialects::istio::types::{
    CaptureMode, IstioEgressListener, IstioIngressListener, OutboundMode, Sidecar, SidecarPort,
};
use crate::dialects::kubernetes::lower::by_name;
use crate::dialects::lower::Input;
use crate::dialects::object::Object;
use crate::ir::{
    Builder, EgressListener, HostPattern, IngressListener, ListenerPort, Loss, LossKind, Name, OutboundPolicy,
    Predicate, Protocol, ProxyScope, Scope, ScopedHost,
};
use crate::manifests::source::Place;
use crate::schema::{Text, values::text_or_empty};

/// Every Sidecar.
pub fn lower(input: &Input<'_>, mesh: &mut Builder) {
    let (domain, root) = (mesh.mesh.settings.domain.clone(), mesh.mesh.settings.root_namespace.clone());
    for object in in_order(&input.model.sidecars) {
        let cx = Context::new(input, &object.meta, &domain);
        let mut losses = cx.refusals("what it belongs to is not seen");
        let secrets = Secrets { namespace: cx.namespace().into(), known: &mesh.mesh.credentials };
        let attached = Attached::networking(object.spec.workload_selector.as_ref());
        for scope in attached.scopes(&cx, &root, &mut losses) {
            let scope = of_namespace(scope, &cx);
            let node = of(&cx, object, scope, &secrets, &mut losses);
            mesh.mesh.proxy_scopes.push(Arc::new(node));
        }
        mesh.mesh.losses.extend(losses);
    }
}

/// A selector chooses workloads of its own namespace, in the root namespace, too.
fn of_namespace(scope: Scope, cx: &Context<'_>) -> Scope {
    match scope {
        Scope::MeshWorkloads(labels) => Scope::Workloads(cx.namespace().into(), labels),
        // A selector that cannot be read chooses all workloads of the namespace.
        Scope::Mesh | Scope::Namespace(_) if cx.flaws().at("spec.workloadSelector") => {
            Scope::Workloads(cx.namespace().into(), Predicate::True)
        }
        other => other,
    }
}

fn of(
    cx: &Context<'_>,
    object: &Object<Sidecar>,
    scope: Scope,
    secrets: &Secrets<'_>,
    losses: &mut Vec<Loss>,
) -> ProxyScope {
    let spec = &object.spec;
    let set = |empty: bool, path: &str| !empty || cx.flaws().at(path);
    let egress = set(spec.egress.is_empty(), "spec.egress").then(|| {
        let listeners = spec.egress.iter().enumerate();
        listeners.map(|(at, listener)| egress(cx, &format!("spec.egress[{at}]"), listener, losses)).collect()
    });
    let ingress = set(spec.ingress.is_empty(), "spec.ingress").then(|| {
        let listeners = spec.ingress.iter().enumerate();
        listeners
            .filter_map(|(at, listener)| ingress(cx, &format!("spec.ingress[{at}]"), listener, secrets, losses))
            .collect()
    });
    ProxyScope {
        origin: cx.at("", Place::default()),
        scope,
        egress,
        ingress,
        outbound: outbound(cx, spec),
        inbound_pool: spec
            .inbound_connection_pool
            .as_deref()
            .map(|settings| pool(settings, cx.at("spec.inboundConnectionPool", settings.place))),
    }
}

fn egress(cx: &Context<'_>, path: &str, listener: &IstioEgressListener, losses: &mut Vec<Loss>) -> EgressListener {
    let mut hosts = Vec::new();
    for (at, text) in listener.hosts.iter().enumerate() {
        match scoped(cx, text.as_str()) {
            Ok(host) => hosts.extend(host),
            Err(NoPair) => losses.push(cx.loss(
                format!("{path}.hosts[{at}]"),
                text.place,
                LossKind::Refused,
                "a host is written namespace/host; it is left out",
            )),
        }
    }
    EgressListener {
        origin: cx.at(path, listener.place),
        port: listener.port.as_ref().and_then(port),
        bind: bind(listener.bind.as_ref()),
        captured: listener.capture_mode.as_ref().is_none_or(|mode| mode.value != CaptureMode::None),
        hosts,
    }
}

/// A text that is not `namespace/host`.
struct NoPair;

/// The hosts of `namespace/host`: none for the namespace `~`.
fn scoped(cx: &Context<'_>, text: &str) -> Result<Option<ScopedHost>, NoPair> {
    let (namespace, host) = text.split_once('/').ok_or(NoPair)?;
    if namespace.is_empty() || host.is_empty() || host.contains('/') {
        return Err(NoPair);
    }
    let namespace = match namespace {
        "~" => return Ok(None),
        "*" => None,
        "." => Some(cx.namespace().into()),
        other => Some(other.into()),
    };
    Ok(Some(ScopedHost { namespace, host: HostPattern(host.into()) }))
}

fn ingress(
    cx: &Context<'_>,
    path: &str,
    listener: &IstioIngressListener,
    secrets: &Secrets<'_>,
    losses: &mut Vec<Loss>,
) -> Option<IngressListener> {
    let mut refuse = |field: &str, place: Place, reason: &str| {
        let reason = format!("{reason}; nothing listens for it");
        losses.push(cx.loss(format!("{path}.{field}"), place, LossKind::Refused, reason));
        None
    };
    let Some(port) = listener.port.as_ref().and_then(port) else {
        return refuse("port", listener.place, "it has no port");
    };
    let tls = match listener.tls.as_deref() {
        Some(tls) => match server_tls(cx, &format!("{path}.tls"), tls, secrets) {
            Ok(tls) => Some(Arc::new(tls)),
            Err(reason) => return refuse("tls", tls.place, reason),
        },
        None if cx.flaws().at(&format!("{path}.tls")) => {
            return refuse("tls", listener.place, "its TLS settings cannot be read");
        }
        None => None,
    };
    let target = text_or_empty(listener.default_endpoint.as_ref());
    let pool_path = format!("{path}.connectionPool");
    Some(IngressListener {
        origin: cx.at(path, listener.place),
        port,
        bind: bind(listener.bind.as_ref()),
        target: (!target.is_empty()).then(|| target.into()),
        tls,
        pool: listener.connection_pool.as_deref().map(|settings| pool(settings, cx.at(pool_path, settings.place))),
    })
}

fn bind(bind: Option<&Text>) -> Option<Name> {
    Some(text_or_empty(bind)).filter(|bind| !bind.is_empty()).map(Into::into)
}

fn port(port: &SidecarPort) -> Option<ListenerPort> {
    let number =
        port.number.as_ref().and_then(|number| u16::try_from(number.value).ok()).filter(|number| *number > 0)?;
    let word = text_or_empty(port.protocol.as_ref());
    Some(ListenerPort {
        number,
        name: text_or_empty(port.name.as_ref()).into(),
        protocol: by_name(word).unwrap_or(if word.is_empty() { Protocol::Detect } else { Protocol::Tcp }),
    })
}

/// A policy without a mode lets known hosts through only; so does one that cannot be read.
fn outbound(cx: &Context<'_>, spec: &Sidecar) -> Option<OutboundPolicy> {
    if cx.flaws().at("spec.outboundTrafficPolicy") {
        return Some(OutboundPolicy::Deny);
    }
    let policy = spec.outbound_traffic_policy.as_ref()?;
    if let Some(proxy) = &policy.egress_proxy
        && let Some(host) = &proxy.host
    {
        let number = proxy.port.as_ref().and_then(|port| port.number.as_ref());
        let number = number.and_then(|number| u16::try_from(number.value).ok()).unwrap_or(80);
        let subset = proxy.subset.as_ref().map(|subset| subset.as_str().into());
        return Some(OutboundPolicy::Proxy(cx.host(host.as_str()), number, subset));
    }
    let any = policy.mode.as_ref().is_some_and(|mode| mode.value == OutboundMode::AllowAny);
    Some(if any { OutboundPolicy::Allow } else { OutboundPolicy::Deny })
}

#[cfg(test)]
mod tests {
    use crate::dialects::lower::tests::mesh;
    use crate::ir::{Key, Mesh, Name, OutboundPolicy, ProxyScope};

    fn of<'m>(mesh: &'m Mesh, namespace: &str, workload: &str) -> &'m ProxyScope {
        mesh.proxy_scope(&mesh.workloads[&Key::new(namespace, workload)]).unwrap()
    }

    fn hosts(scope: &ProxyScope) -> Vec<(Option<Name>, Name)> {
        let listeners = scope.egress.as_ref().unwrap();
        listeners
            .iter()
            .flat_map(|listener| &listener.hosts)
            .map(|host| (host.namespace.clone(), host.host.0.clone()))
            .collect()
    }

    #[test]
    fn the_narrowest_scope_holds() {
        let mesh = mesh(include_str!("../../../../tests/mesh/sidecar/all.yaml"));
        let web = of(&mesh, "shop", "web");
        let want =
            [(Some("shop".into()), "*".into()), (None, "db.example".into()), (Some("other".into()), "*.x".into())];
        assert_eq!(hosts(web), want);
        let egress = web.egress.as_ref().unwrap();
        assert_eq!((egress[1].port.as_ref().unwrap().number, egress[1].captured), (5432, false));
        assert_eq!(egress[1].bind.as_deref(), Some("127.0.0.1"));
        let ingress = &web.ingress.as_ref().unwrap()[0];
        assert_eq!((ingress.port.number, ingress.target.as_deref()), (9080, Some("127.0.0.1:8080")));
        assert_eq!(web.ingress.as_ref().unwrap().len(), 1, "the one with broken TLS does not listen");
        let proxy = OutboundPolicy::Proxy("egress.shop.svc.cluster.local".into(), 8080, None);
        assert_eq!(web.outbound, Some(proxy));
        assert_eq!(hosts(of(&mesh, "shop", "cart")), [], "`~` sees nothing");
        assert_eq!(of(&mesh, "shop", "cart").outbound, Some(OutboundPolicy::Deny), "a mode that is none");
        assert_eq!(of(&mesh, "other", "app").origin.object.as_ref().unwrap().namespace.as_ref(), "istio-system");
    }
}

//! Gateway: listeners of the proxies that a selector names. A server that is broken opens no listener.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::context::Context;
use super::scope::in_order;
use super::server_tls::{Secrets, server_tls};
use crate::dialects::istio::types::{Gateway as Said, Server};
use crate::dialects::kubernetes::lower::by_name;
use crate::dialects::lower::Input;
use crate::dialects::object::Object;
use crate::ir::{
    Builder, Enrolment, Gateway, GatewayListener, HostPattern, Key, Loss, LossKind, Mesh, Name, Predicate, Protocol,
    Scope, ScopedHost, ServerTls, ServerTlsMode, Visibility,
};
use crate::manifests::source::Place;
use crate::schema::{Text, values::text_or_empty};

/// Every Gateway.
pub fn lower(input: &Input<'_>, mesh: &mut Builder) {
    let domain = mesh.mesh.settings.domain.clone();
    for object in in_order(&input.model.gateways) {
        let cx = Context::new(input, &object.meta, &domain);
        let key = Key::new(cx.namespace(), object.meta.name());
        let selector = Predicate::labels(object.spec.selector.pairs());
        let proxies = Scope::MeshWorkloads(selector.clone());
        let mut losses = cx.refusals("a server that it belongs to takes less");
        if selector != Predicate::True {
            mark(&mut mesh.mesh, &proxies, &key);
        }
        let secrets =
            Secrets { namespace: secret_namespace(&mesh.mesh, &cx, &proxies, object), known: &mesh.mesh.credentials };
        let mut names = BTreeSet::new();
        let servers = object.spec.servers.iter().enumerate();
        let listeners = servers.filter_map(|(at, server)| match listener(&cx, at, server, &secrets) {
            Ok(mut listener) => {
                if !names.insert(listener.name.clone()) {
                    listener.name = format!("{}-{at}", listener.name).into();
                    names.insert(listener.name.clone());
                }
                Some(listener)
            }
            Err(loss) => {
                losses.push(*loss);
                None
            }
        });
        let gateway =
            Gateway { key: key.clone(), origin: cx.at("", Place::default()), proxies, listeners: listeners.collect() };
        mesh.mesh.gateways.entry(key).or_insert_with(|| Arc::new(gateway));
        mesh.mesh.losses.extend(losses);
    }
}

/// The workloads of a selector are gateways.
fn mark(mesh: &mut Mesh, proxies: &Scope, key: &Key) {
    for workload in mesh.workloads.values_mut().filter(|workload| proxies.includes(workload)) {
        let workload = Arc::make_mut(workload);
        workload.enrolment = Enrolment::Gateway;
        workload.gateway.get_or_insert_with(|| key.clone());
    }
}

/// The namespace of the proxies. When none of them is known: that of the Gateway when it has the secrets, or the root's.
fn secret_namespace(mesh: &Mesh, cx: &Context<'_>, proxies: &Scope, object: &Object<Said>) -> Name {
    let own =
        |workload: &&Arc<crate::ir::Workload>| workload.enrolment == Enrolment::Gateway && proxies.includes(workload);
    if let Some(workload) = mesh.workloads.values().find(own) {
        return workload.key.namespace.clone();
    }
    let names = object.spec.servers.iter().filter_map(|server| server.tls.as_ref()?.credential_name.as_ref());
    let mut names = names.map(|name| Key::new(cx.namespace(), name.as_str()));
    if names.any(|key| mesh.credentials.contains_key(&key)) {
        return cx.namespace().into();
    }
    mesh.settings.root_namespace.clone()
}

fn listener(cx: &Context<'_>, at: usize, server: &Server, secrets: &Secrets<'_>) -> Result<GatewayListener, Box<Loss>> {
    let path = format!("spec.servers[{at}]");
    let refuse = |field: &str, place: Place, reason: &str| {
        Box::new(cx.loss(
            format!("{path}.{field}"),
            place,
            LossKind::Refused,
            format!("{reason}; nothing listens for it"),
        ))
    };
    let port = server.port.as_ref().ok_or_else(|| refuse("port", server.place, "it has no port"))?;
    let number = port.number.as_ref().and_then(|number| u16::try_from(number.value).ok()).filter(|number| *number > 0);
    let number = number.ok_or_else(|| refuse("port.number", port.place, "there is no such port"))?;
    let word = text_or_empty(port.protocol.as_ref());
    let said = by_name(word).filter(|protocol| *protocol != Protocol::Udp);
    let said = said.ok_or_else(|| refuse("port.protocol", port.place, "gateways do not know this protocol"))?;
    let tls = match &server.tls {
        Some(tls) => {
            let made = server_tls(cx, &format!("{path}.tls"), tls, secrets);
            Some(made.map_err(|reason| refuse("tls", tls.place, reason))?)
        }
        None if cx.flaws().at(&format!("{path}.tls")) => {
            return Err(refuse("tls", server.place, "its TLS settings cannot be read"));
        }
        None => None,
    };
    let protocol = protocol(said, tls.as_ref()).map_err(|reason| refuse("tls", server.place, reason))?;
    let hosts: Vec<ScopedHost> = server.hosts.iter().filter_map(|host| scoped(cx, host)).collect();
    if hosts.is_empty() {
        return Err(refuse("hosts", server.place, "it has no hosts"));
    }
    let port_name = text_or_empty(port.name.as_ref());
    let own = [text_or_empty(server.name.as_ref()), port_name].into_iter().find(|name| !name.is_empty());
    let tls = tls.filter(|tls| said.is_tls() || tls.redirect_plain);
    Ok(GatewayListener {
        origin: cx.at(path.clone(), server.place),
        name: own.map_or_else(|| format!("server-{at}").into(), Name::from),
        port: number,
        port_name: port_name.into(),
        bind: server.bind.as_ref().map(Text::as_str).filter(|bind| !bind.is_empty()).map(Name::from),
        protocol,
        hosts,
        tls: tls.map(Arc::new),
        routes_from: Visibility::Everywhere,
        isolated: false,
    })
}

/// What is spoken once TLS has ended, or the reason why protocol and TLS do not fit.
fn protocol(said: Protocol, tls: Option<&ServerTls>) -> Result<Protocol, &'static str> {
    let passes = |tls: &ServerTls| matches!(tls.mode, ServerTlsMode::Passthrough | ServerTlsMode::AutoPassthrough);
    match (said, tls) {
        (Protocol::Https | Protocol::Tls, None) => Err("HTTPS and TLS need TLS settings"),
        (Protocol::Https, Some(tls)) if !passes(tls) => Ok(Protocol::Http),
        (Protocol::Https | Protocol::Tls, Some(_)) => Ok(Protocol::Tls),
        // Plain protocols know the redirect only; the mode stands at its default there.
        (_, Some(tls)) if !passes(tls) => Err("its protocol is neither HTTPS nor TLS, but its TLS is to end here"),
        (said, _) => Ok(said),
    }
}

/// `namespace/host`, with `.` for the own namespace and `*` for all; without `/` all.
fn scoped(cx: &Context<'_>, host: &Text) -> Option<ScopedHost> {
    let (namespace, host) = host.as_str().split_once('/').unwrap_or(("*", host.as_str()));
    let namespace = match namespace {
        "*" => None,
        "." => Some(cx.namespace().into()),
        "" | "~" => return None,
        other => Some(other.into()),
    };
    (!host.is_empty() && !host.contains('/')).then(|| ScopedHost { namespace, host: HostPattern(host.into()) })
}

#[cfg(test)]
mod tests {
    use crate::dialects::lower::tests::mesh;
    use crate::ir::{Enrolment, GatewayListener, Key, Mesh, Protocol, ServerTlsMode, TlsMaterial};

    fn all() -> Mesh {
        mesh(include_str!("../../../../tests/mesh/gateway/all.yaml"))
    }

    fn listeners<'m>(mesh: &'m Mesh, name: &str) -> &'m [GatewayListener] {
        &mesh.gateways[&Key::new("shop", name)].listeners
    }

    #[test]
    fn servers_become_listeners() {
        let mesh = all();
        let all = listeners(&mesh, "edge");
        let protocols: Vec<_> = all.iter().map(|listener| (listener.port, listener.protocol)).collect();
        let want = [(80, Protocol::Http), (443, Protocol::Http), (8443, Protocol::Tls), (9000, Protocol::Tcp)];
        assert_eq!(protocols, want);
        assert!(all[0].tls.as_ref().is_some_and(|tls| tls.redirect_plain));
        let namespaces: Vec<_> = all[0].hosts.iter().map(|host| host.namespace.as_deref()).collect();
        assert_eq!(namespaces, [Some("shop"), Some("other"), None]);
        let tls = all[1].tls.as_ref().unwrap();
        assert_eq!(tls.mode, ServerTlsMode::Mutual);
        let want = TlsMaterial::Secret {
            key: Key::new("ingress", "web-cert"),
            roots: Some(Key::new("ingress", "web-cert-cacert")),
        };
        assert_eq!(tls.material, [want], "secrets are in the namespace of the proxies");
        assert_eq!(all[2].tls.as_ref().unwrap().mode, ServerTlsMode::Passthrough);
        assert_eq!((&*all[1].name, &*all[2].name), ("web", "web-2"), "names are unique");
    }

    #[test]
    fn selected_workloads_are_gateways_and_others_are_not() {
        let mesh = all();
        let proxy = &mesh.workloads[&Key::new("ingress", "ingressgateway")];
        assert_eq!((proxy.enrolment, proxy.gateway.clone()), (Enrolment::Gateway, Some(Key::new("shop", "broken"))));
        let web = &mesh.workloads[&Key::new("shop", "web")];
        assert_eq!(
            (web.enrolment, &web.gateway),
            (Enrolment::Sidecar, &None),
            "a gateway without a selector marks none"
        );
    }

    #[test]
    fn broken_servers_do_not_listen() {
        let mesh = all();
        assert_eq!(listeners(&mesh, "broken"), []);
        assert!(mesh.losses.len() >= 7, "{:?}", mesh.losses);
    }
}

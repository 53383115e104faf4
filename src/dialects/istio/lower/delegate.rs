//! Routes that a VirtualService leaves to another one.
//!
//! The conditions of both must hold; where both say something about the same, that of the delegate must lie within that of
//! the root, or the two never hold together and the pair is left out. Everything else that the delegate's route says wins.

use super::context::Context;
use super::http_rule::{Holds, place, rule};
use crate::dialects::istio::types::{Delegate, HttpRoute};
use crate::ir::{HttpMatch, HttpRule, Loss, LossKind, PathMatch, PathTest};
use crate::schema::{List, Text};

/// The rules of a route with a delegate, in the delegate's order.
pub fn rules(
    cx: &Context<'_>,
    at: usize,
    root: &HttpRoute,
    to: &Delegate,
    holds: &Holds<'_>,
    losses: &mut Vec<Loss>,
) -> Vec<HttpRule> {
    let path = format!("spec.http[{at}]");
    let name = to.name.as_ref().map_or("", Text::as_str);
    let namespace = to.namespace.as_ref().map(Text::as_str).filter(|ns| !ns.is_empty()).unwrap_or(cx.namespace());
    let found = cx.input.model.virtual_services.iter().find(|object| {
        object.meta.name() == name && *object.meta.namespace == *namespace && object.spec.hosts.is_empty()
    });
    let Some(object) = found else {
        let reason = format!("there is no VirtualService {namespace}/{name} without hosts: the route is left out");
        losses.push(cx.loss(format!("{path}.delegate"), place(root), LossKind::Refused, reason));
        return Vec::new();
    };
    let Some(conditions) = super::http_match::conditions(cx, &path, &root.r#match, holds) else { return Vec::new() };
    if root.r#match.is_empty() && !holds(&List::default()) {
        return Vec::new();
    }
    let own = Context::new(cx.input, &object.meta, &cx.domain);
    let everywhere = |_: &List<Text>| true;
    let mut found = Vec::new();
    for (at, route) in object.spec.http.iter().enumerate() {
        let path = format!("spec.http[{at}]");
        if route.delegate.is_some() {
            let reason = "a delegate cannot delegate again: the route is left out";
            losses.push(own.loss(format!("{path}.delegate"), place(route), LossKind::Refused, reason));
            continue;
        }
        let Some(mut of_delegate) = rule(&own, &path, route, &everywhere, losses) else { continue };
        let matches = both(&conditions, &of_delegate.matches);
        let Some(matches) = matches else {
            let reason = "no condition of it lies within those of the route that delegates to it: it is never used";
            losses.push(own.loss(path, place(route), LossKind::Refused, reason));
            continue;
        };
        of_delegate.matches = matches;
        inherit(cx, root, &mut of_delegate);
        found.push(of_delegate);
    }
    found
}

/// Conditions of which both must hold; `None` when none can.
fn both(root: &[HttpMatch], own: &[HttpMatch]) -> Option<Vec<HttpMatch>> {
    match (root.is_empty(), own.is_empty()) {
        (true, _) => Some(own.to_vec()),
        (false, true) => Some(root.to_vec()),
        (false, false) => {
            let pairs = root.iter().flat_map(|root| own.iter().filter_map(move |own| merged(root, own)));
            let pairs: Vec<HttpMatch> = pairs.collect();
            (!pairs.is_empty()).then_some(pairs)
        }
    }
}

fn merged(root: &HttpMatch, own: &HttpMatch) -> Option<HttpMatch> {
    let path = match (&root.path, &own.path) {
        (Some(root), Some(own)) if !within(own, root) => return None,
        (root, own) => own.clone().or_else(|| root.clone()),
    };
    let same = |root: &Option<_>, own: &Option<_>| root.is_none() || own.is_none() || root == own;
    let fits =
        same(&root.method, &own.method) && same(&root.scheme, &own.scheme) && same(&root.authority, &own.authority);
    let port = root.port.is_none() || own.port.is_none() || root.port == own.port;
    (fits && port).then(|| HttpMatch {
        path,
        method: own.method.clone().or_else(|| root.method.clone()),
        scheme: own.scheme.clone().or_else(|| root.scheme.clone()),
        authority: own.authority.clone().or_else(|| root.authority.clone()),
        headers: root.headers.iter().chain(&own.headers).cloned().collect(),
        query: root.query.iter().chain(&own.query).cloned().collect(),
        claims: root.claims.iter().chain(&own.claims).cloned().collect(),
        port: own.port.or(root.port),
        client: if own.client.is_any() { root.client.clone() } else { own.client.clone() },
        name: if own.name.is_empty() { root.name.clone() } else { own.name.clone() },
        origin: own.origin.clone(),
    })
}

fn within(own: &PathMatch, root: &PathMatch) -> bool {
    match (&own.test, &root.test) {
        (PathTest::Exact(own) | PathTest::Prefix(own), PathTest::Prefix(root)) => own.starts_with(&**root),
        (own, root) => own == root,
    }
}

/// What the root says and the delegate's route does not.
fn inherit(cx: &Context<'_>, root: &HttpRoute, rule: &mut HttpRule) {
    let everywhere = |_: &List<Text>| true;
    // The root's route has no target of its own, so its other settings are read with that of the delegate in place.
    let mut ignored = Vec::new();
    let mut with_target = root.clone();
    with_target.delegate = None;
    with_target.route.items.push(crate::dialects::istio::types::HttpRouteDestination::default());
    let Some(of_root) = super::http_rule::rule(cx, "spec.http", &with_target, &everywhere, &mut ignored) else {
        return;
    };
    rule.timeout = rule.timeout.or(of_root.timeout);
    rule.retry = rule.retry.take().or(of_root.retry);
    rule.fault = rule.fault.take().or(of_root.fault);
    rule.cors = rule.cors.take().or(of_root.cors);
    rule.rewrite = rule.rewrite.take().or(of_root.rewrite);
    if rule.mirrors.is_empty() {
        rule.mirrors = of_root.mirrors;
    }
    for (own, root) in
        [(&mut rule.headers.request, of_root.headers.request), (&mut rule.headers.response, of_root.headers.response)]
    {
        own.remove.extend(root.remove);
        own.set.extend(root.set);
        own.add.extend(root.add);
    }
}

//! HTTPRoutes and GRPCRoutes as one list, in the order in which they count, and the rules of each.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::grants::Grants;
use super::matching;
use super::rule::{Ranked, Said, rules};
use super::scope::{Scope, Served};
use crate::dialects::gateway_api::types::{GrpcRoute, HttpRoute, ParentReference};
use crate::dialects::lower::context::Context;
use crate::dialects::lower::{Input, describe};
use crate::dialects::object::Meta;
use crate::ir::{HttpRule, Loss, LossKind, Mesh};
use crate::manifests::source::Place;
use crate::schema::{List, Text};

/// What a route routes, the strongest last: of two kinds for one port of a Service the stronger one holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// HTTPRoute.
    Http,
    /// GRPCRoute.
    Grpc,
}

/// One route.
#[derive(Clone, Copy)]
pub struct Route<'m> {
    /// Its names.
    pub meta: &'m Meta,
    /// Its parents.
    pub parents: &'m List<ParentReference>,
    /// Its hosts.
    pub hostnames: &'m List<Text>,
    body: Body<'m>,
}

#[derive(Clone, Copy)]
enum Body<'m> {
    Http(&'m HttpRoute),
    Grpc(&'m GrpcRoute),
}

/// All routes: the oldest first, then by name. Those with a mistake outside of their rules are refused.
pub fn all<'m>(input: &Input<'m>, domain: &crate::ir::Name, losses: &mut BTreeSet<Loss>) -> Vec<Route<'m>> {
    let http = input.model.http_routes.iter().map(|object| Route {
        meta: &object.meta,
        parents: &object.spec.parent_refs,
        hostnames: &object.spec.hostnames,
        body: Body::Http(&object.spec),
    });
    let grpc = input.model.grpc_routes.iter().map(|object| Route {
        meta: &object.meta,
        parents: &object.spec.parent_refs,
        hostnames: &object.spec.hostnames,
        body: Body::Grpc(&object.spec),
    });
    let mut routes: Vec<Route<'m>> = http.chain(grpc).collect();
    routes
        .sort_by_key(|route| (route.meta.created.clone(), route.meta.namespace.clone(), route.meta.name().to_owned()));
    routes.retain(|route| {
        let cx = Context::new(input, route.meta, domain);
        let refused = refusal(&cx, &route.rule_places());
        losses.extend(refused.clone());
        refused.is_none()
    });
    routes
}

/// Why a route is refused as a whole: a mistake outside of its rules may be about where it holds.
pub fn refusal(cx: &Context<'_>, rules: &[Place]) -> Option<Loss> {
    let within = |start, end| rules.iter().any(|rule| rule.key <= start && end <= rule.end);
    let mut outside = cx.flaws().iter().filter(|defect| !within(defect.span.start, defect.span.end));
    let defect = outside.next()?;
    let reason = format!("{}; the object is left out", describe(defect));
    Some(cx.loss(defect.path.as_str(), defect.place, LossKind::Refused, reason))
}

impl Route<'_> {
    /// What it routes.
    pub fn kind(&self) -> Kind {
        match self.body {
            Body::Http(_) => Kind::Http,
            Body::Grpc(_) => Kind::Grpc,
        }
    }

    fn rule_places(&self) -> Vec<Place> {
        match self.body {
            Body::Http(route) => route.rules.iter().map(|rule| rule.place).collect(),
            Body::Grpc(route) => route.rules.iter().map(|rule| rule.place).collect(),
        }
    }

    /// Its rules where they are served, in their own order.
    fn rules(&self, scope: &Scope<'_>, losses: &mut BTreeSet<Loss>) -> Vec<Ranked> {
        let mut refused = Vec::new();
        let mut found = Vec::new();
        match self.body {
            Body::Http(route) => {
                for (at, rule) in route.rules.iter().enumerate() {
                    let path = format!("spec.rules[{at}]");
                    let conditions = matching::http(scope, &path, &rule.matches, &mut refused);
                    let said = Said {
                        path,
                        place: rule.place,
                        matches: rule.matches.place,
                        name: rule.name.as_ref(),
                        filters: &rule.filters,
                        backends: &rule.backend_refs,
                        timeouts: rule.timeouts.as_ref(),
                        retry: rule.retry.as_ref(),
                        session: rule.session_persistence.as_ref(),
                    };
                    found.extend(rules(scope, &said, conditions));
                }
            }
            Body::Grpc(route) => {
                for (at, rule) in route.rules.iter().enumerate() {
                    let path = format!("spec.rules[{at}]");
                    let conditions = matching::grpc(scope, &path, &rule.matches, &mut refused);
                    let said = Said {
                        path,
                        place: rule.place,
                        matches: rule.matches.place,
                        name: rule.name.as_ref(),
                        filters: &rule.filters,
                        backends: &rule.backend_refs,
                        timeouts: None,
                        retry: None,
                        session: rule.session_persistence.as_ref(),
                    };
                    found.extend(rules(scope, &said, conditions));
                }
            }
        }
        losses.extend(refused.iter().map(|refusal| refusal.loss(&scope.cx, "it holds for nothing")));
        found
    }
}

/// What rules are made with.
pub struct Maker<'a> {
    /// All objects.
    pub input: &'a Input<'a>,
    /// Who may name what.
    pub grants: &'a Grants<'a>,
    /// Services.
    pub mesh: &'a Mesh,
}

impl<'a> Maker<'a> {
    /// The scope of an object.
    pub fn scope(&self, meta: &'a Meta, served: Served, error: u16) -> Scope<'a> {
        let cx = Context::new(self.input, meta, &self.mesh.settings.domain);
        Scope { cx, grants: self.grants, mesh: self.mesh, served, error }
    }

    /// The rules of several routes of one parent, the most specific first, the first route of equals.
    pub fn merged(&self, routes: &[Route<'a>], served: Served, losses: &mut BTreeSet<Loss>) -> Vec<Arc<HttpRule>> {
        let mut all: Vec<Ranked> = Vec::new();
        for route in routes {
            // A caller of gRPC takes 503 for an unavailable service, and 500 for its own mistake.
            let error = if route.kind() == Kind::Grpc { 503 } else { 500 };
            all.extend(route.rules(&self.scope(route.meta, served, error), losses));
        }
        all.sort_by_key(|ranked| std::cmp::Reverse(ranked.rank));
        all.into_iter().map(|ranked| Arc::new(ranked.rule)).collect()
    }
}

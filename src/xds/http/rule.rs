//! A rule as Envoy routes, in order.

use envoy_types::pb::envoy::config::route::v3::{Decorator, Route, RouteMatch, route::Action};

use super::edit::{headers, removed};
use super::split::{Group, groups};
use super::{filters, forward, matching, redirect};
use crate::ir::{Destination, HttpAction, HttpMatch, HttpRule, Name, Share};
use crate::xds::View;
use crate::xds::proto::{of_origin, runtime_fraction};

/// Where routes are served.
pub struct Place<'v> {
    /// The proxy.
    pub view: &'v View<'v>,
    /// The port that requests come to.
    pub port: u16,
}

/// The routes of a rule at a place: one a condition and group of targets. A rule whose conditions are all for other callers
/// or ports has none.
pub fn routes(place: &Place<'_>, rule: &HttpRule) -> Vec<Route> {
    if rule.matches.is_empty() {
        return of_condition(place, rule, None);
    }
    let here = rule.matches.iter().filter(|condition| {
        condition.client.holds(place.view.workload()) && condition.port.is_none_or(|port| port == place.port)
    });
    here.flat_map(|condition| of_condition(place, rule, Some(condition))).collect()
}

fn of_condition(place: &Place<'_>, rule: &HttpRule, condition: Option<&HttpMatch>) -> Vec<Route> {
    let base = Route {
        name: name(rule, condition),
        r#match: Some(matching::route_match(condition)),
        metadata: of_origin(condition.map_or(&rule.origin, |condition| &condition.origin)),
        typed_per_filter_config: filters::of_rule(rule),
        request_headers_to_add: headers(&rule.headers.request),
        request_headers_to_remove: removed(&rule.headers.request),
        response_headers_to_add: headers(&rule.headers.response),
        response_headers_to_remove: removed(&rule.headers.response),
        ..Route::default()
    };
    let targets = match &rule.action {
        HttpAction::Redirect(to) => {
            let action = Action::Redirect(redirect::redirect(to, condition, place.port));
            return vec![Route { action: Some(action), ..base }];
        }
        HttpAction::Direct(response) => {
            return vec![Route { action: Some(Action::DirectResponse(redirect::direct(response))), ..base }];
        }
        HttpAction::Forward(targets) => targets,
    };
    let of_group = |(group, share): (Group<'_>, Share)| {
        let mut route = base.clone();
        if share != Share::ALL
            && let Some(condition) = &mut route.r#match
        {
            condition.runtime_fraction = Some(runtime_fraction(share));
        }
        route.action = Some(match group {
            Group::Status(status) => Action::DirectResponse(redirect::status(status)),
            Group::Clusters(clusters) => {
                route.decorator = clusters.first().map(|target| decorator(place, &target.backend));
                Action::Route(forward::action(place, rule, condition, &clusters))
            }
        });
        route
    };
    groups(targets).into_iter().map(of_group).collect()
}

/// The route of a service that has no rules.
pub fn default_route(place: &Place<'_>, destination: &Destination) -> Route {
    Route {
        name: "default".into(),
        r#match: Some(matching::route_match(None)),
        decorator: Some(Decorator { operation: operation(place, destination), ..Decorator::default() }),
        action: Some(Action::Route(forward::plain(place, destination))),
        ..Route::default()
    }
}

/// Every request.
pub fn match_all() -> RouteMatch {
    matching::route_match(None)
}

fn name(rule: &HttpRule, condition: Option<&HttpMatch>) -> String {
    let of_condition = condition.map(|condition| &condition.name).filter(|name| !name.is_empty());
    let parts: Vec<&Name> =
        [Some(&rule.name).filter(|name| !name.is_empty()), of_condition].into_iter().flatten().collect();
    parts.iter().map(|name| &***name).collect::<Vec<_>>().join(".")
}

fn decorator(place: &Place<'_>, backend: &crate::ir::Backend) -> Decorator {
    let operation = match backend {
        crate::ir::Backend::Service(destination) => operation(place, destination),
        crate::ir::Backend::Invalid { .. } => String::new(),
    };
    Decorator { operation, ..Decorator::default() }
}

/// The name of spans: `reviews.default.svc.cluster.local:9080/*`.
fn operation(place: &Place<'_>, destination: &Destination) -> String {
    format!("{}:{}/*", destination.host, destination.port.unwrap_or(place.port))
}

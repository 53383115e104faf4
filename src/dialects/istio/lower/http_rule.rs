//! One HTTP route of a VirtualService.

use super::context::Context;
use super::{http_action, http_match};
use crate::dialects::istio::types::{Destination as Named, HttpRoute};
use crate::ir::{
    Backend, Destination, HttpAction, HttpRule, Loss, LossKind, Mirror, Origin, Rewrite, Share, Target, Targets,
};
use crate::manifests::source::Place;
use crate::schema::{At, List, Text};

/// Whether a list of gateways has the one that rules are made for.
pub type Holds<'h> = dyn Fn(&List<Text>) -> bool + 'h;

/// The rule of a route; none when none of its conditions holds there, or when it says nothing to do.
pub fn rule(
    cx: &Context<'_>,
    path: &str,
    route: &HttpRoute,
    holds: &Holds<'_>,
    losses: &mut Vec<Loss>,
) -> Option<HttpRule> {
    let place = place(route);
    let origin = cx.at(path, place);
    let matches = http_match::conditions(cx, path, &route.r#match, holds)?;
    if route.r#match.is_empty() && !holds(&List::default()) {
        return None;
    }
    let (mut headers, host) = http_action::headers(route.headers.as_deref());
    let action = if let Some(redirect) = &route.redirect {
        HttpAction::Redirect(http_action::redirect(redirect))
    } else if let Some(direct) = &route.direct_response {
        HttpAction::Direct(http_action::direct(direct))
    } else if route.route.is_empty() {
        let reason = "a route needs `route`, `redirect`, `directResponse` or `delegate`: it is left out";
        losses.push(cx.loss(path, place, LossKind::Refused, reason));
        return None;
    } else {
        HttpAction::Forward(targets(cx, path, route))
    };
    let mut rewrite = route.rewrite.as_deref().map(http_action::rewrite);
    if let Some(host) = host {
        rewrite.get_or_insert_with(Rewrite::default).host.get_or_insert(host);
    }
    // A response is only edited when there is one from a service.
    if !matches!(action, HttpAction::Forward(_)) {
        headers.request = crate::ir::HeaderEdit::default();
    }
    Some(HttpRule {
        name: route.name.as_ref().map_or("", Text::as_str).into(),
        matches,
        action,
        rewrite,
        headers,
        timeout: route.timeout.as_ref().map(|timeout| timeout.value.0).filter(|timeout| !timeout.is_zero()),
        idle_timeout: None,
        retry: route.retries.as_deref().map(|retry| http_action::retry(retry, cx.at(format!("{path}.retries"), place))),
        fault: route.fault.as_deref().map(|fault| http_action::fault(fault, cx.at(format!("{path}.fault"), place))),
        mirrors: mirrors(cx, path, route),
        cors: route
            .cors_policy
            .as_deref()
            .map(|cors| http_action::cors(cors, cx.at(format!("{path}.corsPolicy"), place))),
        session: None,
        losses: Vec::new(),
        origin,
    })
}

/// Where the route stands: the first thing in it that has a place.
pub fn place(route: &HttpRoute) -> Place {
    let destinations = route.route.iter().filter_map(|target| target.destination.as_ref()?.host.as_ref());
    let places = route.name.iter().map(|name| name.place);
    let places = places.chain(route.r#match.place).chain(route.route.place);
    places.chain(destinations.map(|host| host.place)).min_by_key(|place| place.key).unwrap_or_default()
}

fn targets(cx: &Context<'_>, path: &str, route: &HttpRoute) -> Targets {
    let only = route.route.len() == 1;
    let targets = route.route.iter().enumerate().map(|(at, target)| {
        let place =
            target.destination.as_ref().and_then(|named| named.host.as_ref()).map_or(Place::default(), |h| h.place);
        let weight = target.weight.as_ref().and_then(|weight| u32::try_from(weight.value).ok());
        let (headers, host) = http_action::headers(target.headers.as_deref());
        Target {
            origin: cx.at(format!("{path}.route[{at}]"), place),
            // A single target gets everything, whatever its weight.
            weight: if only { 1 } else { weight.unwrap_or(0) },
            backend: backend(cx, target.destination.as_ref()),
            headers,
            rewrite: host.map(|host| Rewrite { host: Some(host), ..Rewrite::default() }),
        }
    });
    Targets { targets: targets.collect(), none: 503 }
}

fn backend(cx: &Context<'_>, named: Option<&Named>) -> Backend {
    match named.and_then(|named| destination(cx, named)) {
        Some(destination) => Backend::Service(destination),
        None => Backend::Invalid { status: 503, reason: "the destination names no host".into() },
    }
}

/// A destination with its full host.
pub fn destination(cx: &Context<'_>, named: &Named) -> Option<Destination> {
    let host = named.host.as_ref().map(Text::as_str).filter(|host| !host.is_empty())?;
    let port = named.port.as_ref().and_then(|port| port.number.as_ref());
    Some(Destination {
        host: cx.host(host),
        subset: named
            .subset
            .as_ref()
            .map(|subset| subset.as_str().into())
            .filter(|subset: &crate::ir::Name| !subset.is_empty()),
        port: port.and_then(|port| u16::try_from(port.value).ok()).filter(|port| *port > 0),
    })
}

fn mirrors(cx: &Context<'_>, path: &str, route: &HttpRoute) -> Vec<Mirror> {
    let percent = route.mirror_percent.as_ref().or(route.mirror_percent_alias.as_ref());
    let share = match (&route.mirror_percentage, percent) {
        (Some(percentage), _) => http_action::percent(Some(percentage), Share::ALL),
        #[allow(clippy::cast_precision_loss, reason = "a percentage")]
        (None, Some(At { value, .. })) => Share::percent(*value as f64),
        (None, None) => Share::ALL,
    };
    let origin =
        |field: String, named: &Named| cx.at(field, named.host.as_ref().map_or(Place::default(), |host| host.place));
    let one = |origin: Origin, named: &Named, share: Share| {
        Some(Mirror { origin, destination: destination(cx, named)?, share })
    };
    let single = route.mirror.iter().filter_map(|named| one(origin(format!("{path}.mirror"), named), named, share));
    let listed = route.mirrors.iter().enumerate().filter_map(|(at, mirror)| {
        let named = mirror.destination.as_ref()?;
        one(
            origin(format!("{path}.mirrors[{at}]"), named),
            named,
            http_action::percent(mirror.percentage.as_ref(), Share::ALL),
        )
    });
    let all: Vec<Mirror> = if route.mirrors.is_empty() { single.collect() } else { listed.collect() };
    all.into_iter().filter(|mirror| mirror.share != Share::NONE).collect()
}

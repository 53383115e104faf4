//! One rule of an HTTPRoute or GRPCRoute: a rule of the mesh for each of its conditions, so that order holds across them.

use super::matching::{Condition, Rank};
use super::scope::{Refusal, Scope};
use super::{backend, filter, resilience};
use crate::dialects::gateway_api::types::{
    BackendReference, RouteFilter, RouteRetry, RouteTimeouts, SessionPersistence,
};
use crate::ir::{HeaderEdits, HttpAction, HttpRule, Loss};
use crate::manifests::source::Place;
use crate::schema::values::text_or_empty;
use crate::schema::{List, Text};

/// What rules of both kinds have.
pub struct Said<'r> {
    /// Path of the rule.
    pub path: String,
    /// Where it stands.
    pub place: Place,
    /// Where its conditions stand.
    pub matches: Option<Place>,
    /// Name.
    pub name: Option<&'r Text>,
    /// Filters.
    pub filters: &'r List<RouteFilter>,
    /// Backends.
    pub backends: &'r List<BackendReference>,
    /// Time limits.
    pub timeouts: Option<&'r RouteTimeouts>,
    /// Further tries.
    pub retry: Option<&'r RouteRetry>,
    /// Session.
    pub session: Option<&'r SessionPersistence>,
}

/// A rule of the mesh with one condition.
#[derive(Debug, Clone)]
pub struct Ranked {
    /// How specific its condition is.
    pub rank: Rank,
    /// The rule.
    pub rule: HttpRule,
}

/// The rules of a rule. One that cannot be had as it stands answers with an error.
pub fn rules(scope: &Scope<'_>, said: &Said<'_>, conditions: Vec<Condition>) -> Vec<Ranked> {
    let mut losses = Vec::new();
    let of_prefix = conditions.iter().all(Condition::is_prefix);
    let rule = sound(scope, said, of_prefix, &mut losses).unwrap_or_else(|refusal| {
        losses.push(refusal.loss(&scope.cx, &format!("what the rule is for is answered with {}", scope.error)));
        HttpRule { action: backend::broken(scope, &refusal), ..base(scope, said) }
    });
    let rule = HttpRule { losses, ..rule };
    let ranked = conditions.into_iter().map(|condition| Ranked {
        rank: condition.rank,
        rule: HttpRule { matches: condition.test.into_iter().collect(), ..rule.clone() },
    });
    ranked.collect()
}

fn sound(scope: &Scope<'_>, said: &Said<'_>, of_prefix: bool, losses: &mut Vec<Loss>) -> Result<HttpRule, Refusal> {
    if let Some(reason) = flaw(scope, said) {
        return Err(Refusal::new(&said.path, said.place, reason));
    }
    let filters = filter::of_rule(scope, &said.path, said.filters, of_prefix, losses)?;
    let action = match filters.redirect {
        Some(_) if !said.backends.is_empty() => {
            return Err(Refusal::new(&said.path, said.place, "a rule with `RequestRedirect` has no backends"));
        }
        Some(redirect) => HttpAction::Redirect(redirect),
        None => HttpAction::Forward(backend::targets(scope, &said.path, said.backends, losses)),
    };
    let (timeout, retry) = resilience::limits(scope, &said.path, said.timeouts, said.retry);
    let session = said
        .session
        .map(|session| resilience::session(scope, &format!("{}.sessionPersistence", said.path), session, losses));
    Ok(HttpRule {
        action,
        rewrite: filters.rewrite,
        headers: filters.headers,
        timeout,
        retry,
        mirrors: filters.mirrors,
        cors: filters.cors,
        session: session.transpose()?,
        ..base(scope, said)
    })
}

/// A structural mistake outside of conditions and backends, which are looked at one by one.
fn flaw(scope: &Scope<'_>, said: &Said<'_>) -> Option<String> {
    let flaws = scope.cx.flaws();
    let backends = said.backends.iter().map(|backend| backend.place);
    if flaws.loses_items(said.backends.place, backends.clone()) {
        return Some("a backend is unreadable".into());
    }
    let apart: Vec<Place> = said.matches.into_iter().chain(backends).collect();
    let inside = |place: &Place, start: u32, end: u32| place.key <= start && end <= place.end;
    let first = flaws
        .within(said.place)
        .find(|defect| !apart.iter().any(|place| inside(place, defect.span.start, defect.span.end)));
    first.map(crate::dialects::lower::describe)
}

fn base(scope: &Scope<'_>, said: &Said<'_>) -> HttpRule {
    HttpRule {
        origin: scope.cx.at(said.path.as_str(), said.place),
        name: text_or_empty(said.name).into(),
        matches: Vec::new(),
        action: HttpAction::Forward(crate::ir::Targets { targets: Vec::new(), none: scope.error }),
        rewrite: None,
        headers: HeaderEdits::default(),
        timeout: None,
        idle_timeout: None,
        retry: None,
        fault: None,
        mirrors: Vec::new(),
        cors: None,
        session: None,
        losses: Vec::new(),
    }
}

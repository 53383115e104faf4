//! Time limits, further tries and sessions.

use std::time::Duration;

use super::scope::{Refusal, Scope};
use crate::dialects::gateway_api::types::{RouteRetry, RouteTimeouts, SessionPersistence};
use crate::ir::{Loss, LossKind, Name, Retry, Session, SessionCarrier};
use crate::schema::{At, Period, Text};

/// Further tries when a retry does not say how many.
const ATTEMPTS: u32 = 2;
/// Failures where no process has seen the request.
const CONDITIONS: [&str; 4] = ["connect-failure", "refused-stream", "unavailable", "cancelled"];

/// The limit of the whole exchange, and what is tried again, with the limit of each try.
pub fn limits(
    scope: &Scope<'_>,
    at: &str,
    timeouts: Option<&RouteTimeouts>,
    retry: Option<&RouteRetry>,
) -> (Option<Duration>, Option<Retry>) {
    let period = |period: Option<&At<Period>>| period.map(|p| p.value.0).filter(|time| !time.is_zero());
    let whole = period(timeouts.and_then(|timeouts| timeouts.request.as_ref()));
    let each = period(timeouts.and_then(|timeouts| timeouts.backend_request.as_ref()));
    if retry.is_none() && each.is_none() {
        return (whole, None);
    }
    let mut tries = match retry {
        Some(retry) => of_retry(scope, at, retry),
        None => scope.mesh.settings.retry.clone().unwrap_or_else(|| usual(scope, at)),
    };
    tries.per_try_timeout = each;
    // Without a further try the limit of the only one is that of the exchange.
    let whole = if tries.attempts == 0 { [whole, each].into_iter().flatten().min() } else { whole };
    (whole, Some(tries))
}

fn usual(scope: &Scope<'_>, at: &str) -> Retry {
    Retry {
        origin: scope.cx.at(at, crate::manifests::source::Place::default()),
        attempts: ATTEMPTS,
        per_try_timeout: None,
        conditions: CONDITIONS.iter().map(|word| Name::from(*word)).collect(),
        statuses: Vec::new(),
        backoff: None,
        max_backoff: None,
        avoid_tried: true,
        other_localities: false,
    }
}

fn of_retry(scope: &Scope<'_>, at: &str, retry: &RouteRetry) -> Retry {
    let status = |code: &crate::schema::Int| u16::try_from(code.value).ok().filter(|code| (400..600).contains(code));
    Retry {
        origin: scope.cx.at(format!("{at}.retry"), retry.place),
        attempts: retry.attempts.as_ref().map_or(ATTEMPTS, |attempts| u32::try_from(attempts.value).unwrap_or(0)),
        statuses: retry.codes.iter().filter_map(status).collect(),
        backoff: retry.backoff.as_ref().map(|backoff| backoff.value.0).filter(|backoff| !backoff.is_zero()),
        ..usual(scope, at)
    }
}

/// The session of a rule.
pub fn session(
    scope: &Scope<'_>,
    at: &str,
    said: &SessionPersistence,
    losses: &mut Vec<Loss>,
) -> Result<Session, Refusal> {
    let name = said.session_name.as_ref().map_or("meshctl-session", Text::as_str);
    if !super::header::is_token(name) {
        return Err(Refusal::new(at, said.place, format!("`{name}` is no name of a cookie or header")));
    }
    let carrier = match said.r#type.as_ref().map_or("Cookie", Text::as_str) {
        "Cookie" => SessionCarrier::Cookie(name.into(), "/".into()),
        "Header" => SessionCarrier::Header(name.into()),
        kind => return Err(Refusal::new(at, said.place, format!("sessions are not carried by `{kind}`"))),
    };
    let lifetime = said.cookie_config.as_ref().and_then(|config| config.lifetime_type.as_ref()).map(Text::as_str);
    let absolute = said.absolute_timeout.as_ref().map(|time| time.value.0);
    let ttl = match lifetime {
        Some("Permanent") if absolute.is_none() => {
            return Err(Refusal::new(at, said.place, "a permanent cookie needs `absoluteTimeout`"));
        }
        Some("Permanent") => absolute,
        None | Some("Session") => {
            if let Some(time) = &said.absolute_timeout {
                let reason = "only permanent cookies end by themselves: the session lasts until the browser closes";
                losses.push(scope.cx.loss(format!("{at}.absoluteTimeout"), time.place, LossKind::Approximated, reason));
            }
            None
        }
        Some(kind) => return Err(Refusal::new(at, said.place, format!("`{kind}` is no life of a cookie"))),
    };
    if let Some(time) = &said.idle_timeout {
        let reason = "sessions do not end by silence";
        losses.push(scope.cx.loss(format!("{at}.idleTimeout"), time.place, LossKind::Lost, reason));
    }
    Ok(Session { carrier, ttl })
}

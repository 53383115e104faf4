//! `envoy.filters.http.stateful_session`: requests of a session go to the host that had the first one.

mod state;

use std::sync::Arc;
use std::time::SystemTime;

use http::StatusCode;

use super::kept::{keep, kept};
use super::{HttpFilter, PerRoute, Step};
use crate::http::Response;
use crate::proto::Reader;
use crate::services::Build;
use crate::stream::{Exchange, Flag, StickyHost};
use crate::telemetry::stats::{Counter, Scope};

use state::SessionState;

/// `StatefulSession`.
#[derive(Debug)]
struct Session {
    /// None: no request has a session.
    state: Option<SessionState>,
    strict: bool,
    /// Status of a strict session whose host is not there.
    missing: StatusCode,
    stats: Option<Stats>,
}

#[derive(Debug)]
struct Stats {
    routed: Arc<Counter>,
    failed_open: Arc<Counter>,
    failed_closed: Arc<Counter>,
    no_session: Arc<Counter>,
}

impl Stats {
    fn new(scope: &Scope) -> Self {
        Self {
            routed: scope.counter("routed"),
            failed_open: scope.counter("failed_open"),
            failed_closed: scope.counter("failed_closed"),
            no_session: scope.counter("no_session"),
        }
    }
}

impl Session {
    /// Sessions of routes have no stats of their own.
    fn read(reader: &Reader<'_>, scope: Option<&Scope>) -> Option<Self> {
        let strict = reader.flag("strict");
        let missing = reader.u32("status_on_strict_destination_not_found").filter(|_| strict);
        let missing = missing.and_then(|code| StatusCode::from_u16(u16::try_from(code).ok()?).ok());
        let prefix = reader.opt_text("stat_prefix");
        let state = match reader.message("session_state") {
            Some(extension) => {
                extension.ignore(&["name"]); // The type of the configuration decides.
                let (kind, config) = extension.any("typed_config")?;
                Some(SessionState::read(&kind, &config)?)
            }
            None => None,
        };
        let stats = scope.zip(prefix).map(|(scope, prefix)| Stats::new(&scope.sub("stateful_session").sub(&prefix)));
        Some(Self { state, strict, missing: missing.unwrap_or(StatusCode::SERVICE_UNAVAILABLE), stats })
    }
}

/// What stands at a route.
#[derive(Debug)]
enum AtRoute {
    Off,
    Session(Session),
}

#[derive(Debug)]
struct StatefulSession {
    name: Arc<str>,
    session: Session,
}

/// What is remembered of an exchange.
enum Began {
    /// It cannot have a session.
    Without,
    /// It can: the address that the request brought, if any.
    With(Option<String>),
}

/// Makes the filter.
pub(super) fn make(reader: &Reader<'_>, build: &Build, name: &Arc<str>) -> Option<Arc<dyn HttpFilter>> {
    let session = Session::read(reader, Some(&build.scope))?;
    Some(Arc::new(StatefulSession { name: name.clone(), session }))
}

/// Reads `StatefulSessionPerRoute`.
pub(super) fn per_route(reader: &Reader<'_>, _: &Build) -> Option<PerRoute> {
    Some(Arc::new(match reader.choice("override").as_deref() {
        Some("disabled") => {
            reader.ignore(&["disabled"]); // It can only be true.
            AtRoute::Off
        }
        Some("stateful_session") => AtRoute::Session(Session::read(&reader.message("stateful_session")?, None)?),
        _ => {
            reader.defect("override", "must be set");
            return None;
        }
    }))
}

impl StatefulSession {
    /// What counts for the exchange; none when the route turns it off.
    fn of<'s>(&'s self, exchange: &'s Exchange) -> Option<&'s Session> {
        match exchange.route.as_ref().and_then(|hit| hit.per_route::<AtRoute>(&self.name)) {
            None => Some(&self.session),
            Some(AtRoute::Session(session)) => Some(session),
            Some(AtRoute::Off) => None,
        }
    }
}

impl HttpFilter for StatefulSession {
    fn is_pure(&self) -> bool {
        true
    }

    fn on_request<'f>(&'f self, exchange: &'f mut Exchange) -> Step<'f> {
        let Some(session) = self.of(exchange) else { return Step::Next };
        let head = &exchange.request.head;
        let state = session.state.as_ref().filter(|state| state.covers(head));
        let began = state.map_or(Began::Without, |state| Began::With(state.address(head, SystemTime::now())));
        if let Began::With(Some(address)) = &began {
            let (strict, missing) = (session.strict, session.missing);
            let sticky = StickyHost { address: address.clone(), strict, missing };
            exchange.scratch.put(sticky);
        }
        keep(exchange, self, began);
        Step::Next
    }

    fn on_response(&self, exchange: &mut Exchange, response: &mut Response) {
        let Some(began) = kept::<Self, Began>(exchange, self) else { return };
        let Some(session) = self.of(exchange) else { return };
        let (stats, host) = (session.stats.as_ref(), exchange.info.upstream.host.as_ref());
        let count = |of: fn(&Stats) -> &Arc<Counter>| {
            if let Some(stats) = stats {
                of(stats).inc();
            }
        };
        let (before, host) = match (began, host) {
            (Began::With(before), Some(host)) => (before, host.to_string()),
            (Began::Without, Some(_)) => return count(|stats| &stats.no_session),
            (Began::With(_), None) if session.strict && exchange.info.flags.has(Flag::NoHealthyUpstream) => {
                return count(|stats| &stats.failed_closed);
            }
            (_, None) => return,
        };
        if before.as_deref() == Some(host.as_str()) {
            return count(|stats| &stats.routed);
        }
        if let Some(state) = &session.state {
            state.tell(&host, &mut response.head.headers, SystemTime::now());
        }
        if !session.strict {
            count(|stats| &stats.failed_open);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::testing::{build, exchange, filter_in, request};
    use super::*;
    use crate::http::{Body, Headers, ResponseHead};
    use crate::net::Address;

    const KIND: &str = "envoy.extensions.filters.http.stateful_session.v3.StatefulSession";

    fn config(more: &Value) -> Value {
        let state = json!({"@type":
            "type.googleapis.com/envoy.extensions.http.stateful_session.header.v3.HeaderBasedSessionState", "name": "x-s"});
        let mut config = json!({"stat_prefix": "p", "session_state": {"name": "h", "typed_config": state}});
        for (key, value) in more.as_object().unwrap() {
            config[key] = value.clone();
        }
        config
    }

    fn response() -> Response {
        Response { head: ResponseHead { status: StatusCode::OK, headers: Headers::new() }, body: Body::Empty }
    }

    #[tokio::test]
    async fn a_session_stays_with_its_host_and_is_told_of_another() {
        let build = build();
        let filter = filter_in(&build, KIND, &config(&json!({}))).unwrap_or_else(|defects| panic!("{defects:?}"));
        // MTAuMC4wLjE6MQ== is 10.0.0.1:1.
        for (host, told) in [("10.0.0.1:1", None), ("10.0.0.2:1", Some("MTAuMC4wLjI6MQ=="))] {
            let mut exchange = exchange("GET", "/", &[("x-s", "MTAuMC4wLjE6MQ==")]);
            request(&*filter, &mut exchange).await.unwrap();
            let sticky = exchange.scratch.get::<StickyHost>().unwrap();
            assert_eq!((sticky.address.as_str(), sticky.strict), ("10.0.0.1:1", false));
            exchange.info.upstream.host = Some(Address::Ip(host.parse().unwrap()));
            let mut response = response();
            filter.on_response(&mut exchange, &mut response);
            assert_eq!(response.head.headers.text(&http::HeaderName::from_static("x-s")), told);
        }
        let scope = build.scope.sub("stateful_session").sub("p");
        assert_eq!((scope.counter("routed").value(), scope.counter("failed_open").value()), (1, 1));
    }

    #[tokio::test]
    async fn a_strict_session_says_its_status() {
        let strict = config(&json!({"strict": true, "status_on_strict_destination_not_found": 410}));
        let filter = filter_in(&build(), KIND, &strict).unwrap_or_else(|defects| panic!("{defects:?}"));
        let mut exchange = exchange("GET", "/", &[("x-s", "anVuaw==")]);
        request(&*filter, &mut exchange).await.unwrap();
        let sticky = exchange.scratch.get::<StickyHost>().unwrap();
        assert_eq!((sticky.address.as_str(), sticky.strict, sticky.missing), ("junk", true, StatusCode::GONE));
    }

    #[tokio::test]
    async fn unknown_states_are_refused_by_name() {
        let other = json!({"session_state": {"name": "h", "typed_config":
            {"@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"}}});
        let defects = filter_in(&build(), KIND, &other).map(drop).unwrap_err();
        assert!(defects[0].to_string().contains("does not have the session state"), "{defects:?}");
    }
}

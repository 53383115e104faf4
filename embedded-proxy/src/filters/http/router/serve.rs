//! What becomes of a request at the end of the filters.

use std::sync::Arc;

use http::{HeaderValue, StatusCode, header};

use crate::http::{Reply, Response};
use crate::route::{Action, DirectResponse, Input, PathMatch, Redirect, names};
use crate::services::Services;
use crate::stream::{Exchange, Flag};

use super::Router;
use super::forward::Forwarding;

/// Details of answers that stand in the configuration: the route's header edits are made on them.
pub const DIRECT_RESPONSE: &str = "direct_response";

impl Router {
    /// Answers the request: with the upstream's response, or with a reply of the proxy's own.
    pub async fn serve(&self, services: &Arc<Services>, exchange: &mut Exchange) -> Result<Response, Box<Reply>> {
        self.stats.total.inc();
        if std::mem::take(&mut exchange.route_stale) {
            refresh(exchange);
        }
        let Some(hit) = exchange.route.clone() else {
            self.stats.no_route.inc();
            let reply = Reply::new(StatusCode::NOT_FOUND, "route_not_found", "");
            return Err(Box::new(reply.flag(Flag::NoRouteFound)));
        };
        hit.note(&mut exchange.info);
        let route = hit.route();
        match &route.action {
            Action::Forward(forward) => {
                let forwarding = Forwarding::begin(self, services, exchange, &hit, forward)?;
                forwarding.run(exchange).await
            }
            Action::Redirect(redirect) => Err(Box::new(self.redirect(redirect, exchange, &route.matcher.path))),
            Action::Direct(direct) => Err(Box::new(self.direct(direct))),
            Action::NonForwarding => {
                // A filter was expected to answer.
                Err(Box::new(Reply::new(StatusCode::NOT_FOUND, "route_not_found", "").flag(Flag::NoRouteFound)))
            }
        }
    }

    fn redirect(&self, redirect: &Redirect, exchange: &Exchange, matched: &PathMatch) -> Reply {
        self.stats.redirect.inc();
        let mut reply = Reply::new(redirect.status, DIRECT_RESPONSE, "");
        if let Ok(location) = HeaderValue::try_from(redirect.location(&exchange.request.head, matched)) {
            reply.headers.add(header::LOCATION, location);
        }
        reply
    }

    fn direct(&self, direct: &DirectResponse) -> Reply {
        self.stats.direct_response.inc();
        Reply::new(direct.status, DIRECT_RESPONSE, direct.body.clone())
    }
}

/// Looks the route up again in the table it came from.
fn refresh(exchange: &mut Exchange) {
    let Some(table) = exchange.route.as_ref().map(|hit| hit.table().clone()) else { return };
    exchange.route = table.find(&Input::of(exchange));
}

/// Whether the connection manager found the request to come from inside.
pub(super) fn is_internal(exchange: &Exchange) -> bool {
    exchange.request.head.headers.get(&names::INTERNAL).is_some_and(|value| value == "true")
}

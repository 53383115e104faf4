//! What becomes of a request at the end of the filters.

use std::sync::Arc;

use http::{HeaderValue, StatusCode, header};

use crate::http::{Reply, Response, ResponseHead};
use crate::route::{Action, DirectResponse, Input, Redirect, RouteHit, names};
use crate::services::Services;
use crate::stream::{Exchange, Flag};

use super::Router;
use super::forward::Forwarding;

impl Router {
    /// Answers the request: with the upstream's response, or with a reply of the proxy's own. None: the request was changed
    /// to follow a redirect of the upstream, and all filters have to see it again.
    pub async fn serve(
        &self,
        services: &Arc<Services>,
        exchange: &mut Exchange,
    ) -> Result<Option<Response>, Box<Reply>> {
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
            Action::Redirect(redirect) => Err(Box::new(self.redirect(redirect, exchange, &hit))),
            Action::Direct(direct) => Err(Box::new(self.direct(direct, exchange, &hit))),
            // A filter was expected to answer. Envoy looks for a cluster without a name.
            Action::NonForwarding => Err(Box::new(self.no_cluster(StatusCode::SERVICE_UNAVAILABLE))),
        }
    }

    /// The route's cluster does not exist.
    pub(super) fn no_cluster(&self, status: StatusCode) -> Reply {
        self.stats.no_cluster.inc();
        Reply::new(status, "cluster_not_found", "").flag(Flag::NoClusterFound)
    }

    fn redirect(&self, redirect: &Redirect, exchange: &mut Exchange, hit: &RouteHit) -> Reply {
        let matched = &hit.route().matcher.path;
        let head = &mut exchange.request.head;
        let location = redirect.location(head, matched);
        // Edits and logs see the new path, as they do for requests that go upstream.
        if let Some(path) = redirect.rewritten(&head.path, matched) {
            let old = std::mem::replace(&mut head.path, path);
            if let Some(old) = HeaderValue::try_from(old).ok().filter(|_| !self.suppress) {
                head.headers.set(names::ORIGINAL_PATH, old);
            }
        }
        self.configured(Reply::new(redirect.status, "direct_response", ""), Some(location), exchange, hit)
    }

    fn direct(&self, direct: &DirectResponse, exchange: &Exchange, hit: &RouteHit) -> Reply {
        let status = direct.status;
        let head = &exchange.request.head;
        let located = status == StatusCode::CREATED || status.is_redirection();
        let location = located.then(|| format!("{}://{}{}", head.scheme, head.authority, head.path));
        self.configured(direct.reply(exchange), location, exchange, hit)
    }

    /// Completes an answer that stands in the configuration.
    fn configured(&self, mut reply: Reply, location: Option<String>, exchange: &Exchange, hit: &RouteHit) -> Reply {
        self.stats.direct_response.inc();
        let mut head = ResponseHead::new(reply.status);
        if let Some(location) = location.and_then(|location| HeaderValue::try_from(location).ok()) {
            head.headers.add(header::LOCATION, location);
        }
        hit.edit_response(exchange, &mut head);
        reply.headers = head.headers;
        reply
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

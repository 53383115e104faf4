//! A matched route.

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use super::{Action, Edits, Forward, Mirror, PerFilter, RetryPolicy, Route, RouteTable, Target, VirtualHost, Weighted};
use crate::http::{RequestHead, ResponseHead};
use crate::stream::{Exchange, StreamInfo};
use crate::telemetry::format::FormatContext;

/// Which cluster of its route a request got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Chosen {
    /// The one that the route names.
    Fixed,
    /// The one that a header names, if it does.
    Named(Option<Arc<str>>),
    /// The weighted cluster of that index; the name when a header says it.
    Weighted(usize, Option<Arc<str>>),
}

/// The route that a request takes, with the table it came from.
#[derive(Debug, Clone)]
pub struct RouteHit {
    table: Arc<RouteTable>,
    host: usize,
    /// None: the redirect that `require_tls` makes.
    route: Option<usize>,
    chosen: Chosen,
}

impl RouteHit {
    pub(super) fn new(table: Arc<RouteTable>, host: usize, route: usize, chosen: Chosen) -> Self {
        Self { table, host, route: Some(route), chosen }
    }

    pub(super) fn to_https(table: Arc<RouteTable>, host: usize) -> Self {
        Self { table, host, route: None, chosen: Chosen::Fixed }
    }

    /// The table.
    pub fn table(&self) -> &Arc<RouteTable> {
        &self.table
    }

    /// The virtual host.
    pub fn host(&self) -> &VirtualHost {
        &self.table.hosts[self.host]
    }

    /// The route.
    pub fn route(&self) -> &Route {
        let host = self.host();
        match (self.route, &host.to_https) {
            (None, Some(redirect)) => redirect,
            (index, _) => &host.routes[index.unwrap_or(0)],
        }
    }

    /// Index of the virtual host in its table, and of the route in it; none for the redirect of `require_tls`.
    pub fn position(&self) -> (usize, Option<usize>) {
        (self.host, self.route)
    }

    /// The route's action when it forwards.
    pub fn forward(&self) -> Option<&Forward> {
        match &self.route().action {
            Action::Forward(forward) => Some(forward),
            _ => None,
        }
    }

    /// The weighted cluster that was chosen, if the route has several.
    pub fn weighted(&self) -> Option<&Weighted> {
        let (Chosen::Weighted(index, _), Target::Weighted(weighted)) = (&self.chosen, &self.forward()?.target) else {
            return None;
        };
        weighted.clusters.get(*index)
    }

    /// Name of the chosen cluster; none when the route does not forward, or a header should say it and does not.
    pub fn cluster_name(&self) -> Option<&Arc<str>> {
        match &self.chosen {
            Chosen::Named(name) => name.as_ref(),
            Chosen::Weighted(_, Some(name)) => Some(name),
            Chosen::Weighted(_, None) => self.weighted()?.name.fixed(),
            Chosen::Fixed => match &self.forward()?.target {
                Target::One(name) => name.fixed(),
                Target::Weighted(_) => None,
            },
        }
    }

    /// Name of the cluster that the request goes to; none when it goes to none.
    pub fn cluster(&self) -> Option<&str> {
        self.cluster_name().map(|name| &**name)
    }

    /// Subset of the cluster's hosts: keys and values under `envoy.lb`, those of the weighted cluster first.
    pub fn subset(&self) -> std::borrow::Cow<'_, [(String, serde_json::Value)]> {
        let route = self.forward().map_or(&[][..], |forward| &forward.subset);
        let Some(weighted) = self.weighted().filter(|weighted| !weighted.subset.is_empty()) else {
            return route.into();
        };
        let mut merged = weighted.subset.clone();
        let more = route.iter().filter(|(key, _)| weighted.subset.iter().all(|(other, _)| other != key));
        merged.extend(more.cloned());
        merged.sort_by(|a, b| a.0.cmp(&b.0));
        merged.into()
    }

    /// Retries: those of the route, or of the virtual host.
    pub fn retry(&self) -> Option<&Arc<RetryPolicy>> {
        self.forward()?.retry.as_ref().or(self.host().retry.as_ref())
    }

    /// Copies: those of the route, or of the virtual host, or of the table.
    pub fn mirrors(&self) -> &[Mirror] {
        let route = self.forward().map_or(&[][..], |forward| &forward.mirrors);
        [route, &self.host().mirrors, &self.table.mirrors]
            .into_iter()
            .find(|mirrors| !mirrors.is_empty())
            .unwrap_or(&[])
    }

    /// Most bytes of a request's body that are kept for retries and copies, when route or virtual host say it.
    pub fn buffer_limit(&self) -> Option<u64> {
        self.route().buffer_limit.or(self.host().buffer_limit)
    }

    /// Time limit of the whole exchange: none when the route does not say, zero for no limit.
    pub fn stream_limit(&self, head: &RequestHead) -> Option<Duration> {
        self.forward()?.timeouts.stream_limit(head)
    }

    /// Time limit for a stream on which nothing moves: none when the route does not say, zero for no limit.
    pub fn idle_limit(&self) -> Option<Duration> {
        self.forward()?.timeouts.idle
    }

    /// Whether the route allows an upgrade (`websocket`, `CONNECT`): none when it does not say and the connection manager's
    /// word counts.
    pub fn upgrade(&self, kind: &str) -> Option<bool> {
        self.forward()?.allows_upgrade(kind)
    }

    /// Notes names and metadata of virtual host and route in the record of the exchange.
    pub fn note(&self, info: &mut StreamInfo) {
        info.route_name = Some(self.route().name.clone());
        info.virtual_host = Some(self.host().name.clone());
        info.route_metadata = Some(self.route().metadata.clone());
    }

    fn filters(&self) -> [Option<&PerFilter>; 4] {
        let weighted = self.weighted().map(|weighted| &weighted.filters);
        [weighted, Some(&self.route().filters), Some(&self.host().filters), Some(&self.table.filters)]
    }

    /// Whether route, virtual host or table turn the filter of that name off (true) or on (false). None: they do not say.
    pub fn filter_disabled(&self, filter: &str) -> Option<bool> {
        self.filters().into_iter().flatten().find_map(|level| level.disabled(filter))
    }

    /// What the most specific of weighted cluster, route, virtual host and table configures for the filter of that name.
    pub fn per_route<T: Any>(&self, filter: &str) -> Option<&T> {
        self.filters().into_iter().flatten().find_map(|level| level.config(filter))
    }

    /// What each of weighted cluster, route, virtual host and table configures for the filter of that name, most specific
    /// first.
    pub fn per_routes<'h, 'f, T: Any>(&'h self, filter: &'f str) -> impl Iterator<Item = &'h T> + use<'h, 'f, T> {
        self.filters().into_iter().flatten().filter_map(move |level| level.config(filter))
    }

    /// Header edits in the order in which they are made.
    fn edits<'h>(&'h self, of: fn(&'h super::HeaderEdits) -> &'h Edits) -> impl Iterator<Item = &'h Edits> {
        let mut levels = [&self.route().edits, &self.host().edits, &self.table.edits];
        if self.table.specific_wins {
            levels.reverse();
        }
        let weighted = self.weighted().map(|weighted| &weighted.edits);
        weighted.into_iter().chain(levels).map(of).filter(|edits| !edits.is_empty())
    }

    /// Makes the header edits of the request: of weighted cluster, route, virtual host and table.
    pub fn edit_request(&self, exchange: &mut Exchange) {
        for edits in self.edits(|edits| &edits.request) {
            let values = edits.values(&FormatContext::of(exchange));
            edits.apply(&mut exchange.request.head.headers, values);
        }
    }

    /// Whether the route's edits are made on replies of the proxy's own, whoever gives them. Configured answers have had
    /// theirs from the router.
    pub fn edits_replies(&self) -> bool {
        matches!(self.route().action, Action::Forward(_) | Action::NonForwarding)
    }

    /// Makes the header edits of the response. The router calls it for answers of the upstream and for direct responses,
    /// the connection manager for local replies to requests that a forwarding route took.
    pub fn edit_response(&self, exchange: &Exchange, response: &mut ResponseHead) {
        for edits in self.edits(|edits| &edits.response) {
            let context = FormatContext { response: Some(response), ..FormatContext::of(exchange) };
            let values = edits.values(&context);
            edits.apply(&mut response.headers, values);
        }
    }
}

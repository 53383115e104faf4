//! What the proxy would do with a request, step by step, without doing it.
//!
//! [`decide`] asks the same objects that serve traffic: the listener's choice of a filter chain, the connection manager's
//! preparation of the request, each filter's verdict, the route table. It opens no connection, asks no service and takes
//! no token: what depends on such things is said as such. The same question gives the same answer;
//! what the proxy leaves to chance (weights, fractions) is decided by the question's random number.

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderValue, StatusCode};

use crate::cluster::{Clusters, Metadata};
use crate::filters::http::router::{self, no_host};
use crate::filters::http::{Chain, Verdict};
use crate::hcm::{Filters, Hcm};
use crate::http::{Body, Reply, Request, RequestHead};
use crate::listener::{Facts, ListenerConfig};
use crate::net::Address;
use crate::route::{Action, ClusterName, Forward, Input, Passed, RetryPolicy, RouteHit, RouteTable, Target};
use crate::stream::{Connection, Exchange, StickyHost};

/// A request that somebody might send, on a connection that might carry it.
#[derive(Debug, Clone)]
pub struct Question {
    /// The connection: addresses, server name, proven identity.
    pub connection: Connection,
    /// The request; none for a connection that is opaque.
    pub head: Option<RequestHead>,
    /// Stands for the random number that the proxy would draw.
    pub random: u64,
}

/// One step of the way.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// The filter chain that takes the connection.
    FilterChain {
        /// Its name, may be empty.
        name: String,
        /// Whether TLS ends here.
        tls: bool,
    },
    /// A filter looked at the request.
    Filter {
        /// Its name in the configuration.
        name: String,
        /// What it says.
        verdict: Verdict,
    },
    /// The route that takes the request.
    Route {
        /// Its virtual host.
        virtual_host: String,
        /// Its name, may be empty.
        name: String,
        /// The routes before it, each with the condition that did not hold.
        passed_over: Vec<Passed>,
        /// What it says.
        facts: Box<RouteFacts>,
    },
    /// No route takes the request.
    NoRoute {
        /// The virtual host; none when none has the request's host.
        virtual_host: Option<String>,
        /// Its routes, each with the condition that did not hold.
        passed_over: Vec<Passed>,
    },
}

/// What a route says about the requests that it takes.
#[derive(Debug, Clone, PartialEq)]
pub struct RouteFacts {
    /// Name of its table.
    pub table: String,
    /// Index of the virtual host in the table, and of the route in it; none for the redirect of `require_tls`.
    pub position: (usize, Option<usize>),
    /// Metadata by namespace.
    pub metadata: Arc<Metadata>,
    /// Time for the whole exchange; zero for no limit. None: it does not forward.
    pub timeout: Option<Duration>,
    /// Longest silence.
    pub idle: Option<Duration>,
    /// Retries.
    pub retry: Option<Arc<RetryPolicy>>,
    /// Copies: cluster and the share of requests that are copied. Those whose cluster a header names are left out.
    pub mirrors: Vec<(String, f64)>,
    /// The share of requests that it takes of those that reach it.
    pub share: f64,
}

impl RouteFacts {
    fn of(hit: &RouteHit, exchange: &Exchange) -> Self {
        let route = hit.route();
        let forward = hit.forward();
        let mirrors = hit.mirrors().iter().filter_map(|mirror| {
            let share = mirror.fraction.map_or(1.0, crate::proto::Fraction::share);
            Some((mirror.cluster.fixed()?.to_string(), share))
        });
        Self {
            table: hit.table().name.to_string(),
            position: hit.position(),
            metadata: route.metadata.clone(),
            timeout: forward.map(|forward| forward.timeouts.response_limit(&exchange.request.head)),
            idle: hit.idle_limit(),
            retry: hit.retry().cloned(),
            mirrors: mirrors.collect(),
            share: route.matcher.share(),
        }
    }
}

/// A cluster that may get the request.
#[derive(Debug, Clone, PartialEq)]
pub struct Share {
    /// Its name.
    pub cluster: String,
    /// Its part of all such requests, 0 to 1.
    pub share: f64,
    /// Addresses of its hosts that may take traffic now; none when the cluster does not exist.
    pub hosts: Option<Vec<Address>>,
}

/// How it ends.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// The connection is closed: no filter chain takes it, or its chain has no filters.
    Closed(String),
    /// The connection's bytes go to one of these clusters.
    Opaque(Vec<Share>),
    /// The proxy answers.
    Reply(Box<Reply>),
    /// The request goes to a cluster, as it would be sent.
    Forward {
        /// All clusters that may get it. The one that this question's random number chooses is `chosen`.
        shares: Vec<Share>,
        /// Name of the chosen one; none when its header is missing.
        chosen: Option<String>,
        /// The request after header edits and rewrites of the route.
        head: Box<RequestHead>,
    },
}

/// The answer to a [`Question`].
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// What happened on the way, in order.
    pub steps: Vec<Step>,
    /// How it ends.
    pub outcome: Outcome,
}

/// Decides what a listener does with a question; `clusters` tells which hosts there are.
///
/// ```ignore
/// let decision = decide(&listener, &services.clusters, &question);
/// ```
pub fn decide(listener: &ListenerConfig, clusters: &Clusters, question: &Question) -> Decision {
    let connection = &question.connection;
    let facts = Facts {
        local: &connection.local,
        remote: &connection.remote,
        peer: &connection.peer,
        server_name: connection.sni.as_deref().unwrap_or_default(),
        transport_protocol: connection.transport_protocol,
        application_protocols: &connection.application_protocols,
        state: &connection.state,
        metadata: &connection.metadata,
    };
    let Some(chain) = listener.find(&facts) else {
        return Decision { steps: Vec::new(), outcome: Outcome::Closed("no filter chain takes the connection".into()) };
    };
    let mut steps = vec![Step::FilterChain { name: chain.name.to_string(), tls: chain.acceptor.is_tls() }];
    for (name, verdict) in chain.network.verdicts(connection) {
        let refused = match &verdict {
            Verdict::Reply { reply, .. } => Some(reply.details.clone()),
            Verdict::Pass(_) | Verdict::Depends(_) | Verdict::Chance { .. } => None,
        };
        steps.push(Step::Filter { name: name.to_owned(), verdict });
        if let Some(why) = refused {
            return Decision { steps, outcome: Outcome::Closed(why) };
        }
    }
    let outcome = match (chain.network.hcm(), chain.network.tcp(), &question.head) {
        (Some(hcm), _, Some(head)) => http(hcm, clusters, question, head, &mut steps),
        (Some(_), _, None) => Outcome::Closed("the chain serves HTTP, and the question has no request".into()),
        (None, Some(proxy), _) => {
            Outcome::Opaque(proxy.shares().map(|(name, part)| share(clusters, name, part)).collect())
        }
        (None, None, _) => Outcome::Closed("the filter chain serves nothing".into()),
    };
    Decision { steps, outcome }
}

fn http(hcm: &Hcm, clusters: &Clusters, question: &Question, head: &RequestHead, steps: &mut Vec<Step>) -> Outcome {
    // The codecs refuse such heads before anybody else sees them.
    if head.headers.len() + 1 > hcm.max_fields || head.headers.byte_size() + head.path.len() > hcm.max_head {
        let status = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
        return Outcome::Reply(Box::new(Reply::new(status, "request_headers_too_large", "")));
    }
    let request = Request { head: head.clone(), body: Body::Empty };
    let (mut exchange, prepared) = hcm.consider(&question.connection, request, question.random);
    let filters = match prepared {
        Ok(filters) => filters,
        Err(reply) => return Outcome::Reply(hcm.rewritten(&mut exchange, reply)),
    };
    let outcome = filtered(hcm, filters, clusters, &mut exchange, steps);
    match outcome {
        Outcome::Reply(reply) => Outcome::Reply(hcm.rewritten(&mut exchange, reply)),
        outcome => outcome,
    }
}

fn filtered(
    hcm: &Hcm,
    filters: &Filters,
    clusters: &Clusters,
    exchange: &mut Exchange,
    steps: &mut Vec<Step>,
) -> Outcome {
    for slot in &filters.chain.slots {
        if !Chain::runs(slot, exchange) {
            continue;
        }
        if slot.filter.is_pure() {
            let _ = slot.filter.on_request(exchange);
            if std::mem::take(&mut exchange.route_stale) {
                exchange.route = hcm.find_route(exchange);
            }
        }
        let Some(verdict) = slot.filter.verdict(exchange) else { continue };
        let ends = match &verdict {
            Verdict::Reply { reply, .. } => Some(reply.clone()),
            // Nothing is left to chance when every request is answered.
            Verdict::Chance { abort: Some((share, status)), .. } if *share >= 1.0 => {
                let status = StatusCode::from_u16(*status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
                Some(Box::new(Reply::new(status, "fault_filter_abort", "fault filter abort")))
            }
            Verdict::Pass(_) | Verdict::Depends(_) | Verdict::Chance { .. } => None,
        };
        steps.push(Step::Filter { name: slot.name.to_string(), verdict });
        if let Some(reply) = ends {
            return Outcome::Reply(reply);
        }
    }
    let table = hcm.routes.table(&exchange.request.head);
    let table = table.as_deref();
    let passed_over = table.map(|table| table.passed_over(&Input::of(exchange), exchange.route.as_ref()));
    let Some(hit) = exchange.route.clone() else {
        steps.push(Step::NoRoute {
            virtual_host: table.and_then(|table| virtual_host(table, exchange)),
            passed_over: passed_over.unwrap_or_default(),
        });
        let status = StatusCode::NOT_FOUND;
        return Outcome::Reply(Box::new(Reply::new(status, "route_not_found", "")));
    };
    steps.push(Step::Route {
        virtual_host: hit.host().name.to_string(),
        name: hit.route().name.to_string(),
        passed_over: passed_over.unwrap_or_default(),
        facts: Box::new(RouteFacts::of(&hit, exchange)),
    });
    act(&hit, clusters, exchange)
}

fn act(hit: &RouteHit, clusters: &Clusters, exchange: &mut Exchange) -> Outcome {
    match &hit.route().action {
        Action::Redirect(redirect) => {
            let mut reply = Reply::new(redirect.status, "direct_response", "");
            let location = redirect.location(&exchange.request.head, &hit.route().matcher.path);
            if let Ok(location) = HeaderValue::try_from(location) {
                reply.headers.set(http::header::LOCATION, location);
            }
            Outcome::Reply(Box::new(reply))
        }
        Action::Direct(direct) => Outcome::Reply(Box::new(direct.reply(exchange))),
        Action::NonForwarding => {
            Outcome::Reply(Box::new(Reply::new(StatusCode::SERVICE_UNAVAILABLE, "cluster_not_found", "")))
        }
        Action::Forward(forward) => {
            if let Some(status) = missing_host(hit, clusters, exchange) {
                return Outcome::Reply(Box::new(no_host(Some(status))));
            }
            let shares = shares(forward, hit, clusters);
            router::prepare(exchange, hit);
            Outcome::Forward {
                shares,
                chosen: hit.cluster().map(str::to_string),
                head: Box::new(exchange.request.head.clone()),
            }
        }
    }
}

/// The status that a session gets which wants no other host than one that the cluster does not have.
fn missing_host(hit: &RouteHit, clusters: &Clusters, exchange: &Exchange) -> Option<StatusCode> {
    let sticky = exchange.scratch.get::<StickyHost>().filter(|sticky| sticky.strict)?;
    let cluster = clusters.get(hit.cluster()?)?;
    cluster.sticky_host(&sticky.address).is_none().then_some(sticky.missing)
}

/// The clusters of a route with their parts. A weighted cluster whose name stands in a header counts under the name that
/// this request gives, or not at all.
#[allow(clippy::cast_precision_loss, reason = "weights are 32-bit numbers")]
fn shares(forward: &Forward, hit: &RouteHit, clusters: &Clusters) -> Vec<Share> {
    let share = |name: &str, part: f64| share(clusters, name, part);
    match &forward.target {
        Target::One(_) => hit.cluster().map(|name| share(name, 1.0)).into_iter().collect(),
        Target::Weighted(weighted) => {
            let total: u64 = weighted.clusters.iter().map(|cluster| u64::from(cluster.weight)).sum();
            let fixed = weighted.clusters.iter().filter_map(|cluster| match &cluster.name {
                ClusterName::Fixed(name) => Some((name, cluster.weight)),
                ClusterName::Header(_) => None,
            });
            fixed.map(|(name, weight)| share(name, f64::from(weight) / total.max(1) as f64)).collect()
        }
    }
}

fn share(clusters: &Clusters, name: &str, share: f64) -> Share {
    let hosts = clusters.get(name).map(|cluster| {
        let healthy = cluster.hosts().into_iter().filter(|host| host.is_healthy());
        healthy.map(|host| host.address.clone()).collect()
    });
    Share { cluster: name.to_string(), share, hosts }
}

fn virtual_host(table: &RouteTable, exchange: &Exchange) -> Option<String> {
    table.host(&Input::of(exchange)).map(|index| table.hosts[index].name.to_string())
}

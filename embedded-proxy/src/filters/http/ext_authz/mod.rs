//! `envoy.filters.http.ext_authz`: a service decides about each request.

mod answer;
mod config;
mod grpc;
mod http;
mod request;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use ::http::{HeaderName, HeaderValue, StatusCode};
use serde_json::json;
use tokio::time::Instant;

use super::counters::Counters;
use super::edit::{self, Edit};
use super::kept::{keep, kept};
use super::query::Query;
use super::{HttpFilter, PerRoute, Step, Verdict, buffer, metadata};
use crate::cluster::{Cluster, Origin};
use crate::http::{Reply, RequestHead, Response};
use crate::proto::Reader;
use crate::services::{Build, Services};
use crate::stream::{Exchange, Flag};
use crate::telemetry::stats::{Counter, Scope};

use answer::{Answer, Outcome};
use config::{Config, Route, RouteBody, Service};
use request::{Read, check_request};

/// Namespace of the dynamic metadata.
const NAMESPACE: &str = "envoy.filters.http.ext_authz";

/// Tells the upstream that nobody was asked, because the service failed.
const FAILURE_ALLOWED: HeaderName = HeaderName::from_static("x-envoy-auth-failure-mode-allowed");

#[derive(Debug)]
struct Counts {
    ok: Arc<Counter>,
    denied: Arc<Counter>,
    error: Arc<Counter>,
    failure_allowed: Arc<Counter>,
    invalid: Arc<Counter>,
    disabled: Arc<Counter>,
}

impl Counts {
    fn new(scope: &Scope) -> Self {
        Self {
            ok: scope.counter("ok"),
            denied: scope.counter("denied"),
            error: scope.counter("error"),
            failure_allowed: scope.counter("failure_mode_allowed"),
            invalid: scope.counter("invalid"),
            disabled: scope.counter("disabled"),
        }
    }
}

struct ExtAuthz {
    name: Arc<str>,
    services: Arc<Services>,
    config: Config,
    counts: Counts,
    /// `stat_prefix`, for the counters of clusters.
    prefix: String,
    of_clusters: Counters,
}

/// Makes the filter.
pub(super) fn make(reader: &Reader<'_>, build: &Build, name: &Arc<str>) -> Option<Arc<dyn HttpFilter>> {
    let prefix = reader.text("stat_prefix");
    let scope = build.scope.sub("ext_authz");
    let scope = if prefix.is_empty() { scope } else { scope.sub(&prefix) };
    let config = Config::read(reader, build)?;
    let (services, counts) = (build.services.clone(), Counts::new(&scope));
    Some(Arc::new(ExtAuthz { name: name.clone(), services, config, counts, prefix, of_clusters: Counters::default() }))
}

/// Reads `ExtAuthzPerRoute`.
pub(super) fn per_route(reader: &Reader<'_>, build: &Build) -> Option<PerRoute> {
    Some(Arc::new(Route::read(reader, build)?))
}

/// Changes of the response that the service asked for.
struct ForResponse(Vec<Edit>);

/// What the routes of an exchange say together.
#[derive(Default)]
struct Routes {
    disabled: bool,
    extensions: BTreeMap<String, String>,
    body: RouteBody,
}

impl ExtAuthz {
    fn routes(&self, exchange: &Exchange) -> Routes {
        let mut routes = Routes::default();
        let Some(hit) = &exchange.route else { return routes };
        for (index, route) in hit.per_routes::<Route>(&self.name).enumerate() {
            match route {
                Route::Disabled => routes.disabled |= index == 0,
                Route::Settings { extensions, body, .. } => {
                    for (key, value) in extensions {
                        routes.extensions.entry(key.clone()).or_insert_with(|| value.clone());
                    }
                    if routes.body == RouteBody::Unsaid {
                        routes.body = *body;
                    }
                }
            }
        }
        routes
    }

    /// The service of the most specific route that names one, or the filter's.
    fn service<'e>(&'e self, exchange: &'e Exchange) -> &'e Service {
        let hit = exchange.route.as_ref();
        let own = hit.and_then(|hit| {
            hit.per_routes::<Route>(&self.name).find_map(|route| match route {
                Route::Settings { service, .. } => service.as_ref(),
                Route::Disabled => None,
            })
        });
        own.unwrap_or(&self.config.service)
    }

    fn is_enabled(&self, exchange: &Exchange) -> bool {
        self.config.enabled.hits(exchange.random)
            && self.config.enabled_metadata.as_ref().is_none_or(|matcher| matcher.matches(&exchange.info.metadata))
    }

    fn error(&self) -> Box<Reply> {
        let reply = Reply::new(self.config.error_status, "ext_authz_error", "");
        Box::new(reply.flag(Flag::UnauthorizedExternalService))
    }

    async fn ask(&self, exchange: &mut Exchange, routes: Routes) -> Result<(), Box<Reply>> {
        let body = self.read_body(exchange, &routes).await?;
        let started = Instant::now();
        let extensions: HashMap<String, String> = routes.extensions.into_iter().collect();
        let answer = match self.service(exchange) {
            Service::Grpc(channel, timeout) => {
                let request = check_request(&self.config.shared, exchange, extensions, body.as_ref());
                let (channel, timeout) = (channel.clone(), *timeout);
                grpc::check(&channel, timeout, request).await
            }
            Service::Http(service) => {
                let head = service.request(&self.config.shared, &exchange.request.head, body.as_ref());
                let bytes = body.map(|body| body.bytes).unwrap_or_default();
                service.check(&self.services, head, bytes).await
            }
        };
        self.act(exchange, answer, started)
    }

    /// Reads as much of the body as the service gets, and puts it back.
    async fn read_body(&self, exchange: &mut Exchange, routes: &Routes) -> Result<Option<Read>, Box<Reply>> {
        let settings = match routes.body {
            RouteBody::Unsaid => self.config.shared.body,
            RouteBody::Off => None,
            RouteBody::On(settings) => Some(settings),
        };
        let Some(settings) = settings else { return Ok(None) };
        let request = &mut exchange.request;
        if request.body.is_empty() || request.head.upgrade.is_some() {
            return Ok(None);
        }
        let failed = |_| Box::new(Reply::new(StatusCode::BAD_REQUEST, "downstream_body_error", ""));
        let (bytes, trailers, complete) = request.body.read_ahead(settings.limit).await.map_err(failed)?;
        let complete = complete && bytes.len() <= settings.limit;
        if !complete && !settings.partial {
            return Err(Box::new(buffer::too_large(request.head.version)));
        }
        let sent = bytes.slice(..bytes.len().min(settings.limit));
        request.body = std::mem::take(&mut request.body).behind(bytes, trailers);
        Ok(Some(Read { bytes: sent, complete }))
    }

    fn act(&self, exchange: &mut Exchange, mut answer: Answer, started: Instant) -> Result<(), Box<Reply>> {
        if self.config.take_metadata && !answer.metadata.is_empty() {
            if answer.outcome == Outcome::Allowed {
                let taken = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
                answer.metadata.insert("ext_authz_duration".into(), json!(taken));
            }
            metadata::merge(&mut exchange.info.metadata, NAMESPACE, std::mem::take(&mut answer.metadata));
        }
        if self.config.validate && !answer.is_valid() {
            self.counts.invalid.inc();
            let reply = Reply::new(StatusCode::INTERNAL_SERVER_ERROR, "ext_authz_invalid", "");
            return Err(Box::new(reply.flag(Flag::UnauthorizedExternalService)));
        }
        match answer.outcome {
            Outcome::Allowed => {
                self.count(exchange, &self.counts.ok, "ok");
                if self.config.clear_route && answer.changes_request() {
                    exchange.clear_route();
                }
                change(&mut exchange.request.head, &answer);
                if !answer.response.is_empty() {
                    keep(exchange, self, ForResponse(answer.response));
                }
                Ok(())
            }
            Outcome::Denied { status, body } => {
                self.count(exchange, &self.counts.denied, "denied");
                self.charge(exchange, status);
                let body = body.slice(..body.len().min(self.config.longest_denial));
                let reply = Reply::new(status, "ext_authz_denied", body).flag(Flag::UnauthorizedExternalService);
                Err(Box::new(denial(reply, &answer.edits)))
            }
            Outcome::Error => {
                self.count(exchange, &self.counts.error, "error");
                if !self.config.failure_allowed {
                    return Err(self.error());
                }
                self.count(exchange, &self.counts.failure_allowed, "failure_mode_allowed");
                if self.config.failure_header {
                    exchange.request.head.headers.set(FAILURE_ALLOWED, HeaderValue::from_static("true"));
                }
                Ok(())
            }
        }
    }

    fn cluster(&self, exchange: &Exchange) -> Option<Arc<Cluster>> {
        self.services.clusters.get(exchange.route.as_ref()?.cluster()?)
    }

    /// Counts for the filter and for the cluster of the route.
    fn count(&self, exchange: &Exchange, counter: &Counter, name: &str) {
        counter.inc();
        if let Some(cluster) = self.cluster(exchange) {
            self.of_clusters.add(&format!("{} {name}", cluster.name), 1, || {
                let scope = cluster.scope.sub("ext_authz");
                let scope = if self.prefix.is_empty() { scope } else { scope.sub(&self.prefix) };
                scope.counter(name)
            });
        }
    }

    /// A denial counts as a response of the route's cluster, one that comes from inside.
    fn charge(&self, exchange: &Exchange, status: StatusCode) {
        if let Some(cluster) = self.cluster(exchange).filter(|_| self.config.cluster_stats) {
            cluster.requests.count(status, Origin { internal: true, canary: false });
        }
    }
}

/// The denial with the fields that the service wants on it; length and type of the body are its own.
fn denial(mut reply: Reply, edits: &[Edit]) -> Reply {
    for edit in edits {
        match edit.name.to_ascii_lowercase().as_str() {
            "content-length" | "transfer-encoding" => {}
            "content-type" => reply.content_type = HeaderValue::from_bytes(&edit.value).ok(),
            _ => {
                edit.apply(&mut reply.headers);
            }
        }
    }
    reply
}

/// Changes the request as the service asked.
fn change(head: &mut RequestHead, answer: &Answer) {
    for edit in &answer.edits {
        edit.apply_to(head);
    }
    for name in &answer.removes {
        edit::remove(head, name);
    }
    let (set, removed) = &answer.query;
    if !set.is_empty() || !removed.is_empty() {
        let mut query = Query::of(&head.path);
        for (name, value) in set {
            query.set(name, value.clone());
        }
        query.retain(|name| !removed.iter().any(|other| other == name));
        head.path = query.replace(&head.path);
    }
}

impl HttpFilter for ExtAuthz {
    fn on_request<'f>(&'f self, exchange: &'f mut Exchange) -> Step<'f> {
        let routes = self.routes(exchange);
        if routes.disabled {
            return Step::Next;
        }
        if !self.is_enabled(exchange) {
            self.counts.disabled.inc();
            return if self.config.deny_disabled { Step::Reply(self.error()) } else { Step::Next };
        }
        Step::Wait(Box::pin(self.ask(exchange, routes)))
    }

    fn on_response(&self, exchange: &mut Exchange, response: &mut Response) {
        if let Some(ForResponse(edits)) = kept(exchange, self) {
            for edit in edits {
                edit.apply(&mut response.head.headers);
            }
        }
    }

    fn verdict(&self, exchange: &Exchange) -> Option<Verdict> {
        if self.routes(exchange).disabled || (!self.is_enabled(exchange) && !self.config.deny_disabled) {
            return None;
        }
        let cluster = match self.service(exchange) {
            Service::Grpc(channel, _) => channel.cluster(),
            Service::Http(_) => "HTTP",
        };
        Some(Verdict::Depends(format!("the authorization service ({cluster})")))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::filters::http::edit::How;
    use crate::filters::http::testing;

    const CONFIG: &str = "envoy.extensions.filters.http.ext_authz.v3.ExtAuthz";

    fn config(more: &Value) -> Value {
        let mut json =
            json!({ "transport_api_version": "V3", "grpc_service": { "envoy_grpc": { "cluster_name": "authz" } } });
        json.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json
    }

    #[tokio::test]
    async fn a_service_that_cannot_be_asked_refuses() {
        let build = testing::build();
        let filter =
            testing::filter_in(&build, CONFIG, &config(&json!({}))).unwrap_or_else(|defects| panic!("{defects:?}"));
        let reply = testing::request(&*filter, &mut testing::exchange("GET", "/", &[])).await.unwrap_err();
        assert_eq!((reply.status.as_u16(), reply.details.as_str()), (403, "ext_authz_error"));
        assert_eq!(reply.flag, Some(Flag::UnauthorizedExternalService));
        assert_eq!(build.scope.counter("ext_authz.error").value(), 1);
    }

    #[tokio::test]
    async fn a_failure_may_be_allowed() {
        let more = json!({ "failure_mode_allow": true, "failure_mode_allow_header_add": true });
        let filter = testing::filter(CONFIG, &config(&more)).ok().unwrap();
        let mut exchange = testing::exchange("GET", "/", &[]);
        testing::request(&*filter, &mut exchange).await.unwrap();
        assert_eq!(exchange.request.head.headers.text(&FAILURE_ALLOWED), Some("true"));
    }

    #[tokio::test]
    async fn a_body_that_is_too_large_is_refused_or_cut() {
        let with = |partial| {
            config(&json!({ "failure_mode_allow": true,
            "with_request_body": { "max_request_bytes": 3, "allow_partial_message": partial } }))
        };
        let send = async |config: &Value| {
            let filter = testing::filter(CONFIG, config).ok().unwrap();
            let mut exchange = testing::exchange("POST", "/", &[]);
            exchange.request.body = testing::pieces(&["ab", "cd", "ef"]);
            let status = testing::request(&*filter, &mut exchange).await.map_err(|reply| reply.status.as_u16());
            (status, exchange.request.body.collect(99).await.unwrap().0)
        };
        assert_eq!(send(&with(false)).await.0, Err(413));
        assert_eq!(send(&with(true)).await, (Ok(()), "abcdef".into()));
    }

    #[test]
    fn answers_change_requests() {
        let mut head = testing::head("GET", "/p?a=1&b=2", &[("x-a", "1"), ("x-gone", "1")]);
        let edit = |name: &str, how| Edit { name: name.into(), value: b"2".to_vec(), how };
        let mut answer = Answer::of(Outcome::Allowed);
        answer.edits = vec![edit("x-new", How::Set), edit("x-a", How::Add)];
        answer.removes = vec!["x-gone".into(), "host".into()];
        answer.query = (vec![("c".into(), "3".into())], vec!["a".into()]);
        change(&mut head, &answer);
        let text: Vec<String> =
            head.headers.iter().map(|(name, value)| format!("{name}={}", value.to_str().unwrap())).collect();
        assert_eq!(text, ["x-a=1", "x-new=2", "x-a=2"]);
        assert_eq!(head.path, "/p?b=2&c=3");
        assert_eq!(head.authority, "example.com");
    }

    #[tokio::test]
    async fn what_cannot_be_honoured_is_a_defect() {
        assert!(testing::filter(CONFIG, &json!({})).is_err());
        let more = config(&json!({ "decoder_header_mutation_rules": { "disallow_all": true } }));
        assert_eq!(testing::filter(CONFIG, &more).err().unwrap()[0].path, "decoder_header_mutation_rules");
    }
}

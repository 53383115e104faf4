//! `envoy.filters.http.health_check`: answers health checks of others about this proxy.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderName, HeaderValue, StatusCode};
use parking_lot::Mutex;
use tokio::time::Instant;

use super::kept::{keep, kept};
use super::{HttpFilter, Step, Verdict};
use crate::http::{Reply, Response};
use crate::matching::HeaderMatcher;
use crate::proto::Reader;
use crate::services::{Build, Services};
use crate::stream::{Exchange, Flag};

const DEGRADED: HeaderName = HeaderName::from_static("x-envoy-degraded");
const CHECKED_CLUSTER: HeaderName = HeaderName::from_static("x-envoy-upstream-healthchecked-cluster");
const FAIL_NOW: HeaderName = HeaderName::from_static("x-envoy-immediate-health-check-fail");

/// The last answer of the upstream and when it gets too old.
#[derive(Debug, Clone, Copy)]
struct Answered {
    status: StatusCode,
    degraded: bool,
    until: Instant,
}

struct HealthCheck {
    services: Arc<Services>,
    pass_through: bool,
    kept: Option<Duration>,
    /// Clusters and the percentage of their hosts that must be healthy.
    clusters: BTreeMap<String, f64>,
    headers: Vec<HeaderMatcher>,
    last: Mutex<Option<Answered>>,
}

/// The request is a health check.
struct Checked;

/// Makes the filter.
pub(super) fn make(reader: &Reader<'_>, build: &Build, _: &Arc<str>) -> Option<Arc<dyn HttpFilter>> {
    let Some(pass_through) = reader.opt_flag("pass_through_mode") else {
        reader.defect("pass_through_mode", "must be set");
        return None;
    };
    let kept = reader.duration("cache_time").filter(|kept| !kept.is_zero());
    if kept.is_some() && !pass_through {
        reader.defect("cache_time", "needs pass_through_mode");
    }
    let clusters: BTreeMap<String, f64> = reader
        .map("cluster_min_healthy_percentages")
        .into_iter()
        .map(|(name, percent)| (name, percent.float("value").unwrap_or(0.0)))
        .collect();
    if !clusters.is_empty() && pass_through {
        reader.defect("cluster_min_healthy_percentages", "contradicts pass_through_mode");
    }
    let headers = HeaderMatcher::read_all(&reader.list("headers"))?;
    let services = build.services.clone();
    Some(Arc::new(HealthCheck { services, pass_through, kept, clusters, headers, last: Mutex::default() }))
}

impl HealthCheck {
    fn concerns(&self, exchange: &Exchange) -> bool {
        self.headers.iter().all(|matcher| matcher.matches(&exchange.request.head))
    }

    fn last(&self) -> Option<Answered> {
        self.kept?;
        self.last.lock().filter(|last| Instant::now() < last.until)
    }

    /// The answer of the filter itself; none: the request goes on.
    fn answer(&self) -> Option<Reply> {
        let failing = self.services.life.failing();
        let last = self.last();
        if self.pass_through && !failing && last.is_none() {
            return None;
        }
        let (status, degraded, details) = match last {
            _ if failing => (StatusCode::SERVICE_UNAVAILABLE, false, "health_check_failed"),
            Some(last) => (last.status, last.degraded, "health_check_cached"),
            None if self.clusters.is_empty() => (StatusCode::OK, false, "health_check_ok"),
            None => match self.clusters.iter().find_map(|(name, percent)| self.ill(name, *percent)) {
                Some(details) => (StatusCode::SERVICE_UNAVAILABLE, false, details),
                None => (StatusCode::OK, false, "health_check_ok_cluster_healthy"),
            },
        };
        let mut reply = Reply::new(status, details, "");
        if !status.is_success() {
            reply = reply.flag(Flag::FailedLocalHealthCheck);
        }
        if degraded {
            reply.headers.set(DEGRADED, HeaderValue::from_static(""));
        }
        Some(reply)
    }

    /// Why a cluster has too few healthy hosts; none when it has enough.
    #[allow(clippy::cast_precision_loss)]
    fn ill(&self, name: &str, percent: f64) -> Option<&'static str> {
        let Some(cluster) = self.services.clusters.get(name) else {
            return Some("health_check_failed_no_cluster_found");
        };
        let (total, healthy) = (cluster.stats.membership_total.value(), cluster.stats.membership_healthy.value());
        match total {
            0 if percent == 0.0 => None,
            0 => Some("health_check_failed_cluster_empty"),
            _ if (healthy as f64) < total as f64 * percent / 100.0 => Some("health_check_failed_cluster_unhealthy"),
            _ => None,
        }
    }
}

/// Reads what the client sends to its end, then answers.
async fn answer_after(exchange: &mut Exchange, reply: Reply) -> Result<(), Box<Reply>> {
    while let Some(Ok(_)) = exchange.request.body.frame().await {}
    Err(Box::new(reply))
}

impl HttpFilter for HealthCheck {
    fn on_request<'f>(&'f self, exchange: &'f mut Exchange) -> Step<'f> {
        if !self.concerns(exchange) {
            return Step::Next;
        }
        exchange.info.health_check = true;
        keep(exchange, self, Checked);
        match self.answer() {
            None => Step::Next,
            Some(reply) if exchange.request.body.is_empty() => Step::from(reply),
            Some(reply) => Step::Wait(Box::pin(answer_after(exchange, reply))),
        }
    }

    fn on_response(&self, exchange: &mut Exchange, response: &mut Response) {
        let headers = &mut response.head.headers;
        if kept::<_, Checked>(exchange, self).is_some() {
            if let Some(kept) = self.kept.filter(|_| self.last().is_none()) {
                let (status, degraded) = (response.head.status, headers.has(&DEGRADED));
                *self.last.lock() = Some(Answered { status, degraded, until: Instant::now() + kept });
            }
            if let Ok(cluster) = HeaderValue::from_str(&self.services.node.cluster) {
                headers.set(CHECKED_CLUSTER, cluster);
            }
        } else if self.services.life.failing() {
            headers.set(FAIL_NOW, HeaderValue::from_static("true"));
        }
    }

    fn verdict(&self, exchange: &Exchange) -> Option<Verdict> {
        (self.concerns(exchange)).then(|| Verdict::Depends("the health of this proxy".into()))
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use serde_json::{Value, json};

    use super::*;
    use crate::filters::http::testing;
    use crate::http::Headers;

    const CONFIG: &str = "envoy.extensions.filters.http.health_check.v3.HealthCheck";

    fn config(more: &Value) -> Value {
        let mut json = json!({ "headers": [{ "name": ":path", "string_match": { "exact": "/healthz" } }] });
        json.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json
    }

    async fn status(filter: &dyn HttpFilter, path: &str) -> Option<u16> {
        testing::request(filter, &mut testing::exchange("GET", path, &[]))
            .await
            .err()
            .map(|reply| reply.status.as_u16())
    }

    #[tokio::test]
    async fn the_proxy_answers_for_itself() {
        let build = testing::build();
        let filter = testing::filter_in(&build, CONFIG, &config(&json!({ "pass_through_mode": false }))).unwrap();
        assert_eq!(status(&*filter, "/healthz").await, Some(200));
        assert_eq!(status(&*filter, "/").await, None);
        build.services.life.set_failing(true);
        assert_eq!(status(&*filter, "/healthz").await, Some(503));
        let mut response = Response::full(StatusCode::OK, Headers::new(), Bytes::new());
        filter.on_response(&mut testing::exchange("GET", "/", &[]), &mut response);
        assert_eq!(response.head.headers.text(&FAIL_NOW), Some("true"));
    }

    #[tokio::test]
    async fn a_cluster_that_is_not_there_is_not_well() {
        let more = json!({ "pass_through_mode": false, "cluster_min_healthy_percentages": { "c": { "value": 50 } } });
        let filter = testing::filter(CONFIG, &config(&more)).ok().unwrap();
        assert_eq!(status(&*filter, "/healthz").await, Some(503));
    }

    #[tokio::test(start_paused = true)]
    async fn answers_of_the_upstream_are_kept() {
        let more = json!({ "pass_through_mode": true, "cache_time": "5s" });
        let filter = testing::filter(CONFIG, &config(&more)).ok().unwrap();
        let mut exchange = testing::exchange("GET", "/healthz", &[]);
        testing::request(&*filter, &mut exchange).await.unwrap();
        let mut response = Response::full(StatusCode::BAD_GATEWAY, Headers::new(), Bytes::new());
        filter.on_response(&mut exchange, &mut response);
        assert_eq!(status(&*filter, "/healthz").await, Some(502));
        tokio::time::advance(Duration::from_secs(6)).await;
        assert_eq!(status(&*filter, "/healthz").await, None);
    }
}

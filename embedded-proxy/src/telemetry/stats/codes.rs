//! Counters of responses by code (`upstream_rq_200`) and class (`upstream_rq_2xx`), made when a code first comes.

use std::sync::Arc;

use arc_swap::ArcSwap;
use http::StatusCode;

use super::{Counter, Scope};

/// Counters under one scope.
#[derive(Debug)]
pub struct Codes {
    scope: Scope,
    /// Code, its counter, that of its class, and that of all. Few codes ever come, so a walk is fast.
    seen: ArcSwap<Vec<Seen>>,
}

#[derive(Debug, Clone)]
struct Seen {
    code: u16,
    counters: [Arc<Counter>; 3],
}

impl Codes {
    /// No code yet.
    pub fn new(scope: Scope) -> Self {
        Self { scope, seen: ArcSwap::default() }
    }

    /// Counts a response.
    pub fn count(&self, status: StatusCode) {
        let code = status.as_u16();
        let seen = self.seen.load();
        match seen.iter().find(|seen| seen.code == code) {
            Some(seen) => seen.counters.iter().for_each(|counter| counter.inc()),
            None => self.first(code).counters.iter().for_each(|counter| counter.inc()),
        }
    }

    /// Counters of a code that came for the first time.
    fn first(&self, code: u16) -> Seen {
        let class = format!("{}xx", code / 100);
        let new = Seen {
            code,
            counters: [
                self.scope.counter_tagged("upstream_rq_", "envoy_response_code", &code.to_string()),
                self.scope.counter_tagged("upstream_rq_", "envoy_response_code_class", &class),
                self.scope.counter("upstream_rq_completed"),
            ],
        };
        self.seen.rcu(|seen| {
            let mut all = Vec::clone(seen);
            if all.iter().all(|seen| seen.code != code) {
                all.push(new.clone());
            }
            all
        });
        new
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::stats::Stats;

    #[test]
    fn a_response_counts_by_code_and_class() {
        let stats = Stats::default();
        let scope = Scope::root(&stats).sub("cluster");
        let codes = Codes::new(scope.clone());
        for status in [StatusCode::OK, StatusCode::CREATED, StatusCode::OK] {
            codes.count(status);
        }
        let value = |name: &str| scope.counter(name).value();
        assert_eq!(scope.counter_tagged("upstream_rq_", "envoy_response_code", "200").value(), 2);
        assert_eq!(scope.counter_tagged("upstream_rq_", "envoy_response_code_class", "2xx").value(), 3);
        assert_eq!(value("upstream_rq_completed"), 3);
    }
}

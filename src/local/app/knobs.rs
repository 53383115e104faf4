//! Failures on demand: headers or the query ask for a status, a delay, or failures of the first attempts.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use http::{HeaderMap, Uri};
use parking_lot::Mutex;

use super::super::behaviour::duration;

/// Headers that applications hand on in the calls that a request leads to begin with this.
pub const PREFIX: &str = "x-local-";
/// How many requests are remembered for failures of first attempts.
const REMEMBERED: usize = 4096;

/// What a request asks of an application.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Knobs {
    /// Answer with this status.
    pub status: Option<u16>,
    /// Wait before answering.
    pub delay: Duration,
    /// Fail the first attempts of a request, so many.
    pub fail_first: u32,
}

impl Knobs {
    /// Reads `x-local-status`, `x-local-delay`, `x-local-fail-first` (each also in the query, without the prefix). With
    /// `x-local-at` they are for that application or workload alone.
    pub fn read(headers: &HeaderMap, uri: &Uri, app: &str, workload: &str) -> Self {
        let query = uri.query().unwrap_or_default();
        let text = |name: &str| {
            let header = headers.get(format!("{PREFIX}{name}")).and_then(|value| value.to_str().ok());
            header.or_else(|| {
                query
                    .split('&')
                    .filter_map(|pair| pair.split_once('='))
                    .find(|(key, _)| *key == name)
                    .map(|(_, value)| value)
            })
        };
        if text("at").is_some_and(|at| at != app && at != workload) {
            return Self::default();
        }
        Self {
            status: text("status").and_then(|text| text.parse().ok()).filter(|status| (200..600).contains(status)),
            delay: text("delay").and_then(duration).unwrap_or_default(),
            fail_first: text("fail-first").and_then(|text| text.parse().ok()).unwrap_or_default(),
        }
    }
}

/// How often each request came.
#[derive(Debug, Default)]
pub struct Failing(Mutex<(BTreeMap<String, u32>, VecDeque<String>)>);

impl Failing {
    /// Counts an attempt of a request; its number from 1.
    pub fn attempt(&self, id: &str) -> u32 {
        let mut inner = self.0.lock();
        let (counts, order) = &mut *inner;
        if !counts.contains_key(id) {
            order.push_back(id.to_owned());
            if order.len() > REMEMBERED
                && let Some(oldest) = order.pop_front()
            {
                counts.remove(&oldest);
            }
        }
        let count = counts.entry(id.to_owned()).or_default();
        *count += 1;
        *count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_win_over_the_query_and_may_be_for_one_application() {
        let mut headers = HeaderMap::new();
        headers.insert("x-local-status", "503".parse().unwrap());
        let uri: Uri = "/x?status=404&delay=20ms".parse().unwrap();
        let knobs = Knobs::read(&headers, &uri, "ratings", "ratings-v1");
        assert_eq!((knobs.status, knobs.delay), (Some(503), Duration::from_millis(20)));
        headers.insert("x-local-at", "reviews-v1".parse().unwrap());
        assert_eq!(Knobs::read(&headers, &uri, "ratings", "ratings-v1"), Knobs::default());
        assert_eq!(Knobs::read(&headers, &uri, "reviews", "reviews-v1").status, Some(503));
        headers.insert("x-local-status", "99999".parse().unwrap());
        assert_eq!(Knobs::read(&headers, &uri, "reviews", "reviews-v1").status, None);
    }

    #[test]
    fn attempts_are_counted_by_request() {
        let failing = Failing::default();
        assert_eq!([failing.attempt("a"), failing.attempt("a"), failing.attempt("b")], [1, 2, 1]);
        for number in 0..REMEMBERED {
            failing.attempt(&number.to_string());
        }
        assert_eq!(failing.attempt("a"), 1, "forgotten");
    }
}

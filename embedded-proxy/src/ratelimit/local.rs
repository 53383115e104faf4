//! Limits for descriptors, with a default bucket behind them.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;

use super::TokenBucket;
use crate::proto::Reader;
use crate::route::Descriptor;

type Entries = Vec<(String, String)>;

/// Buckets made for what came, the one used last in front.
type Made = Mutex<VecDeque<(Entries, Arc<TokenBucket>)>>;

/// The answer of a limiter.
#[derive(Debug, Clone)]
pub struct Taken {
    /// Whether the request may go on.
    pub allowed: bool,
    /// The bucket that the `x-ratelimit-*` fields are about.
    pub bucket: Option<Arc<TokenBucket>>,
}

/// The bucket of one descriptor; with empty values in it, a bucket for every combination that comes.
#[derive(Debug)]
struct Limit {
    entries: Entries,
    /// The bucket, or the pattern of those that are made.
    bucket: Arc<TokenBucket>,
    shadow: bool,
    /// Buckets made, the one used last in front. None when no value is empty.
    made: Option<Made>,
}

/// Buckets by descriptor and a default bucket.
#[derive(Debug)]
pub struct Limiter {
    default: Option<Arc<TokenBucket>>,
    limits: Vec<Limit>,
    always_default: bool,
    max_made: usize,
}

impl Limiter {
    /// A limiter with a default bucket only.
    pub fn of(bucket: TokenBucket) -> Self {
        Self { default: Some(Arc::new(bucket)), limits: Vec::new(), always_default: true, max_made: 0 }
    }

    /// Reads `token_bucket`, `descriptors`, `always_consume_default_token_bucket` and `max_dynamic_descriptors`.
    pub fn read(reader: &Reader<'_>) -> Option<Self> {
        let mut good = true;
        let default = match reader.message("token_bucket") {
            Some(bucket) => {
                let bucket = TokenBucket::read(&bucket);
                good &= bucket.is_some();
                bucket.map(Arc::new)
            }
            None => None,
        };
        let mut limits: Vec<Limit> = Vec::new();
        for descriptor in reader.list("descriptors") {
            let limit = Limit::read(&descriptor);
            good &= limit.is_some();
            let Some(limit) = limit else { continue };
            if limits.iter().any(|other| other.entries == limit.entries) {
                descriptor.defect("entries", "stand in an earlier descriptor too");
            }
            limits.push(limit);
        }
        let always_default = reader.opt_flag("always_consume_default_token_bucket").unwrap_or(true);
        let max_made = reader.u32("max_dynamic_descriptors").unwrap_or(20);
        let max_made = usize::try_from(max_made).unwrap_or(usize::MAX).max(1);
        good.then_some(Self { default, limits, always_default, max_made })
    }

    /// Whether there are descriptors.
    pub fn has_descriptors(&self) -> bool {
        !self.limits.is_empty()
    }

    /// The same limits with buckets of their own, all full.
    pub fn fresh(&self) -> Self {
        let limit = |limit: &Limit| Limit {
            entries: limit.entries.clone(),
            bucket: Arc::new(limit.bucket.fresh()),
            shadow: limit.shadow,
            made: limit.made.is_some().then(Mutex::default),
        };
        Self {
            default: self.default.as_ref().map(|bucket| Arc::new(bucket.fresh())),
            limits: self.limits.iter().map(limit).collect(),
            always_default: self.always_default,
            max_made: self.max_made,
        }
    }

    /// Takes tokens for a request: from the bucket of every descriptor it has, slowest first, then from the default one.
    pub fn take(&self, descriptors: &[Descriptor]) -> Taken {
        let mut matched: Vec<(Arc<TokenBucket>, bool, &Descriptor)> = Vec::new();
        for descriptor in descriptors {
            let exact = self.limits.iter().find(|limit| limit.made.is_none() && limit.entries == descriptor.entries);
            let limit = exact.or_else(|| self.limits.iter().find(|limit| limit.takes(descriptor)));
            if let Some(limit) = limit {
                matched.push((limit.bucket(descriptor, self.max_made), limit.shadow, descriptor));
            }
        }
        matched.sort_by(|one, other| one.0.rate().total_cmp(&other.0.rate()));
        for (bucket, shadow, descriptor) in &matched {
            let hits = descriptor.hits.unwrap_or(1);
            if descriptor.negative && descriptor.hits.is_some() {
                bucket.give(hits);
            } else if !bucket.take(hits) && !shadow {
                return Taken { allowed: false, bucket: Some(bucket.clone()) };
            }
        }
        let first = matched.first().map(|(bucket, ..)| bucket.clone());
        if matched.is_empty() || self.always_default {
            match &self.default {
                Some(default) if !default.take(1) => return Taken { allowed: false, bucket: Some(default.clone()) },
                Some(default) => return Taken { allowed: true, bucket: first.or_else(|| Some(default.clone())) },
                None => {}
            }
        }
        Taken { allowed: true, bucket: first }
    }
}

impl Limit {
    fn read(reader: &Reader<'_>) -> Option<Self> {
        let entries = read_entries(reader);
        let bucket = TokenBucket::read(&reader.need("token_bucket")?);
        let (entries, shadow) = (entries?, reader.flag("shadow_mode"));
        let made = entries.iter().any(|(_, value)| value.is_empty()).then(Mutex::default);
        Some(Self { entries, bucket: Arc::new(bucket?), shadow, made })
    }

    /// Whether a descriptor has the same keys, and the same values where ours are not empty.
    fn takes(&self, descriptor: &Descriptor) -> bool {
        let pairs = || self.entries.iter().zip(&descriptor.entries);
        self.entries.len() == descriptor.entries.len()
            && pairs().all(|(own, other)| own.0 == other.0 && (own.1.is_empty() || own.1 == other.1))
    }

    fn bucket(&self, descriptor: &Descriptor, max_made: usize) -> Arc<TokenBucket> {
        let Some(made) = &self.made else { return self.bucket.clone() };
        let mut made = made.lock();
        let found = made.iter().position(|(entries, _)| *entries == descriptor.entries);
        let entry = found.and_then(|at| made.remove(at));
        let (entries, bucket) = entry.unwrap_or_else(|| (descriptor.entries.clone(), Arc::new(self.bucket.fresh())));
        made.push_front((entries, bucket.clone()));
        made.truncate(max_made);
        bucket
    }
}

/// Reads the keys and values of a descriptor.
fn read_entries(reader: &Reader<'_>) -> Option<Entries> {
    let entries: Option<Entries> =
        reader.list("entries").iter().map(|entry| Some((entry.need_text("key")?, entry.text("value")))).collect();
    if entries.as_ref().is_some_and(Vec::is_empty) {
        reader.defect("entries", "must not be empty");
        return None;
    }
    entries
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::proto::{Defects, from_json};

    const CONFIG: &str = "envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit";

    fn limiter(json: &serde_json::Value) -> Limiter {
        let defects = Defects::new();
        let reader = Reader::new(from_json(CONFIG, json).unwrap(), "", &defects);
        let limiter = Limiter::read(&reader);
        drop(reader);
        defects.verdict(limiter).unwrap()
    }

    fn bucket(max: u32) -> serde_json::Value {
        json!({ "max_tokens": max, "fill_interval": "3600s" })
    }

    fn descriptor(value: &str) -> [Descriptor; 1] {
        [Descriptor { entries: vec![("user".into(), value.into())], ..Descriptor::default() }]
    }

    #[tokio::test(start_paused = true)]
    async fn a_descriptor_has_its_bucket_and_takes_from_the_default_one() {
        let entries = |value: &str| json!([{ "key": "user", "value": value }]);
        let limiter = limiter(&json!({ "token_bucket": bucket(3), "descriptors": [
            { "entries": entries("a"), "token_bucket": bucket(1) } ] }));
        assert!(limiter.take(&descriptor("a")).allowed && !limiter.take(&descriptor("a")).allowed);
        assert!(limiter.take(&descriptor("b")).allowed && limiter.take(&[]).allowed);
        assert!(!limiter.take(&[]).allowed, "the default bucket is empty");
    }

    #[tokio::test(start_paused = true)]
    async fn an_empty_value_makes_a_bucket_for_each_that_comes() {
        let limiter = limiter(&json!({ "max_dynamic_descriptors": 2, "descriptors": [
            { "entries": [{ "key": "user" }], "token_bucket": bucket(1) } ] }));
        for user in ["a", "b"] {
            assert!(limiter.take(&descriptor(user)).allowed && !limiter.take(&descriptor(user)).allowed);
        }
        assert!(limiter.take(&descriptor("c")).allowed, "pushes a out");
        assert!(!limiter.take(&descriptor("b")).allowed);
        assert!(limiter.take(&descriptor("a")).allowed, "is new again");
    }

    #[tokio::test(start_paused = true)]
    async fn negative_hits_give_back() {
        let limiter = limiter(&json!({ "descriptors": [
            { "entries": [{ "key": "user", "value": "a" }], "token_bucket": bucket(2) } ] }));
        let with = |hits, negative| {
            let mut descriptor = descriptor("a");
            descriptor[0].hits = Some(hits);
            descriptor[0].negative = negative;
            limiter.take(&descriptor).allowed
        };
        assert!(with(2, false) && !with(1, false));
        assert!(with(1, true) && with(1, false) && !with(1, false));
    }
}

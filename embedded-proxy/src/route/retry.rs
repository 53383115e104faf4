//! Retry policies: `envoy.config.route.v3.RetryPolicy`.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::HeaderName;

use super::RetryOn;
use crate::http::Headers;
use crate::matching::HeaderMatcher;
use crate::proto::Reader;

/// Envoy's base of the back off; ten times as long at most.
const BASE: Duration = Duration::from_millis(25);
/// Longest wait that a response may ask for, unless configured (Envoy's default).
const RESET_MAX: Duration = Duration::from_mins(5);

/// How a reset header says when to try again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ResetFormat {
    Seconds,
    Timestamp,
}

/// Waiting for as long as a response's header says: `RateLimitedRetryBackOff`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResetBackOff {
    headers: Vec<(HeaderName, ResetFormat)>,
    max: Duration,
}

/// A retry policy.
#[derive(Debug, Clone, PartialEq)]
pub struct RetryPolicy {
    /// Conditions.
    pub on: RetryOn,
    /// Retries after the first attempt (1).
    pub retries: u32,
    /// Time of one attempt, zero for no limit.
    pub per_try: Duration,
    /// Time without anything from the upstream within an attempt, zero for no limit.
    pub per_try_idle: Duration,
    /// Whether hosts that were tried are avoided.
    pub other_hosts: bool,
    /// Whether canary hosts are avoided.
    pub no_canaries: bool,
    /// Hosts with all of these metadata under `envoy.lb` are avoided; empty: none.
    pub no_metadata: Vec<(String, serde_json::Value)>,
    /// After how many attempts other priorities get the load; none: the usual ones do.
    pub other_priorities: Option<u32>,
    /// How often a host to avoid is chosen again before it is taken all the same.
    pub host_attempts: u32,
    /// Statuses for `retriable-status-codes`.
    pub codes: Vec<u16>,
    /// Fields of responses for `retriable-headers`.
    pub headers: Vec<HeaderMatcher>,
    /// Fields a request needs for any retry; empty: none.
    pub request_headers: Vec<HeaderMatcher>,
    /// Shortest and longest back off.
    pub back_off: (Duration, Duration),
    /// Back off as the response says.
    pub reset: Option<ResetBackOff>,
}

impl Default for RetryPolicy {
    /// What counts for a route without policy, where only the request's headers can ask for retries.
    fn default() -> Self {
        Self {
            on: RetryOn::NONE,
            retries: 1,
            per_try: Duration::ZERO,
            per_try_idle: Duration::ZERO,
            other_hosts: false,
            no_canaries: false,
            no_metadata: Vec::new(),
            other_priorities: None,
            host_attempts: 1,
            codes: Vec::new(),
            headers: Vec::new(),
            request_headers: Vec::new(),
            back_off: (BASE, BASE * 10),
            reset: None,
        }
    }
}

impl RetryPolicy {
    /// Reads the message.
    pub fn read(reader: &Reader<'_>) -> Option<Self> {
        let mut policy = Self {
            on: RetryOn::parse(&reader.text("retry_on")),
            retries: reader.u32("num_retries").unwrap_or(1),
            per_try: reader.duration("per_try_timeout").unwrap_or_default(),
            per_try_idle: reader.duration("per_try_idle_timeout").unwrap_or_default(),
            host_attempts: reader.u32("host_selection_retry_max_attempts").unwrap_or(1),
            ..Self::default()
        };
        let codes = reader.numbers("retriable_status_codes");
        policy.codes = codes.into_iter().filter_map(|code| u16::try_from(code).ok()).collect();
        let headers = HeaderMatcher::read_all(&reader.list("retriable_headers"));
        let request_headers = HeaderMatcher::read_all(&reader.list("retriable_request_headers"));
        policy.read_predicates(reader);
        if let Some(back_off) = reader.message("retry_back_off") {
            policy.back_off = read_back_off(&back_off)?;
        }
        if let Some(reset) = reader.message("rate_limited_retry_back_off") {
            policy.reset = Some(ResetBackOff::read(&reset)?);
        }
        policy.headers = headers?;
        policy.request_headers = request_headers?;
        Some(policy)
    }

    fn read_predicates(&mut self, reader: &Reader<'_>) {
        for predicate in reader.list("retry_host_predicate") {
            let Some((name, config)) = extension(&predicate) else { continue };
            match (name.as_str(), config) {
                (
                    "envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate"
                    | "envoy.retry_host_predicates.previous_hosts",
                    _,
                ) => self.other_hosts = true,
                (
                    "envoy.extensions.retry.host.omit_canary_hosts.v3.OmitCanaryHostsPredicate"
                    | "envoy.retry_host_predicates.omit_canary_hosts",
                    _,
                ) => self.no_canaries = true,
                (
                    "envoy.extensions.retry.host.omit_host_metadata.v3.OmitHostMetadataConfig"
                    | "envoy.retry_host_predicates.omit_host_metadata",
                    config,
                ) => {
                    if let Some(config) = config {
                        self.no_metadata = super::weighted::read_subset(&config);
                    }
                }
                (other, _) => predicate.defect("", format!("the proxy does not have the retry host predicate {other}")),
            }
        }
        if let Some(priority) = reader.message("retry_priority") {
            self.other_priorities = read_priority(&priority);
        }
        for field in ["retry_options_predicates", "refresh_cluster_on_retry"] {
            if reader.has(field) {
                reader.defect(field, "the proxy does not have this feature");
            }
        }
    }

    /// The wait before retry number `retry` (0 for the first): a random part of a bound that doubles.
    pub fn wait(&self, retry: u32, random: u64) -> Duration {
        let (base, max) = self.back_off;
        let bound = base.saturating_mul(1_u32 << retry.min(31)).min(max);
        part(bound, random)
    }
}

/// A random time below `bound`, in whole milliseconds as Envoy's timers have it.
fn part(bound: Duration, random: u64) -> Duration {
    let milliseconds = u64::try_from(bound.as_millis()).unwrap_or(u64::MAX);
    Duration::from_millis(random % milliseconds.max(1))
}

/// Type of an extension with its configuration, or its name when it has none.
fn extension<'d>(reader: &Reader<'d>) -> Option<(String, Option<Reader<'d>>)> {
    let name = reader.text("name");
    if !reader.has("typed_config") {
        return Some((name, None));
    }
    reader.any("typed_config").map(|(kind, config)| (kind, Some(config)))
}

/// Reads `RetryPriority`; the one there is moves load on after `update_frequency` attempts.
fn read_priority(reader: &Reader<'_>) -> Option<u32> {
    let (name, config) = extension(reader)?;
    if name != "envoy.extensions.retry.priority.previous_priorities.v3.PreviousPrioritiesConfig"
        && name != "envoy.retry_priorities.previous_priorities"
    {
        reader.defect("", format!("the proxy does not have the retry priority {name}"));
        return None;
    }
    let frequency = config.as_ref().and_then(|config| config.u32("update_frequency")).unwrap_or(0);
    if frequency == 0 {
        config.as_ref().unwrap_or(reader).defect("", "update_frequency must be greater than 0");
    }
    Some(frequency)
}

fn read_back_off(reader: &Reader<'_>) -> Option<(Duration, Duration)> {
    let base = reader.duration("base_interval").filter(|base| !base.is_zero());
    let max = reader.duration("max_interval");
    let Some(base) = base else {
        reader.defect("base_interval", "must be greater than 0");
        return None;
    };
    let base = base.max(Duration::from_millis(1));
    let max = max.unwrap_or(base * 10).max(Duration::from_millis(1));
    if max < base {
        reader.defect("max_interval", "must be greater than or equal to the base_interval");
        return None;
    }
    Some((base, max))
}

impl ResetBackOff {
    fn read(reader: &Reader<'_>) -> Option<Self> {
        let headers = reader.list("reset_headers");
        if headers.is_empty() {
            reader.defect("reset_headers", "must not be empty");
        }
        let headers: Vec<_> = headers.iter().map(read_reset_header).collect();
        let max = reader.duration("max_interval").unwrap_or(RESET_MAX);
        Some(Self { headers: headers.into_iter().collect::<Option<_>>()?, max })
    }

    /// The wait that a response asks for, none when it does not or for too long. Half as long again at most is added at
    /// random, so that clients do not return all at once.
    pub fn wait(&self, headers: &Headers, now: SystemTime, random: u64) -> Option<Duration> {
        let asked = self.headers.iter().find_map(|(name, format)| self.asked(headers, name, *format, now))?;
        Some(asked + part(asked / 2, random))
    }

    fn asked(&self, headers: &Headers, name: &HeaderName, format: ResetFormat, now: SystemTime) -> Option<Duration> {
        let number: u64 = headers.text(name)?.trim().parse().ok()?;
        let asked = match format {
            ResetFormat::Seconds => Duration::from_secs(number),
            ResetFormat::Timestamp => UNIX_EPOCH.checked_add(Duration::from_secs(number))?.duration_since(now).ok()?,
        };
        (asked > Duration::from_millis(1) && asked <= self.max).then_some(asked)
    }
}

fn read_reset_header(reader: &Reader<'_>) -> Option<(HeaderName, ResetFormat)> {
    let format = match reader.word("format").as_str() {
        "UNIX_TIMESTAMP" => ResetFormat::Timestamp,
        _ => ResetFormat::Seconds,
    };
    Some((super::need_name(reader, "name")?, format))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::super::tests::read;
    use super::*;

    fn policy(config: &Value) -> Result<RetryPolicy, String> {
        read("envoy.config.route.v3.RetryPolicy", config, RetryPolicy::read)
    }

    #[test]
    fn predicates_are_known_by_type_or_name() {
        let any = |kind: &str| json!({"@type": format!("type.googleapis.com/envoy.extensions.retry.host.{kind}")});
        let metadata = json!({"@type": any("omit_host_metadata.v3.OmitHostMetadataConfig")["@type"],
            "metadata_match": {"filter_metadata": {"envoy.lb": {"stage": "old"}}}});
        let policy = policy(&json!({"retry_on": "5xx", "retry_host_predicate": [
            {"name": "a", "typed_config": any("previous_hosts.v3.PreviousHostsPredicate")},
            {"name": "b", "typed_config": metadata},
            {"name": "envoy.retry_host_predicates.omit_canary_hosts"}]}));
        let policy = policy.unwrap();
        assert!(policy.other_hosts && policy.no_canaries);
        assert_eq!(policy.no_metadata, [("stage".to_string(), json!("old"))]);
        let unknown = self::policy(&json!({"retry_host_predicate": [{"name": "x"}]})).unwrap_err();
        assert_eq!(unknown, "retry_host_predicate[0]: the proxy does not have the retry host predicate x");
    }

    #[test]
    fn the_retry_priority_says_how_often_load_moves_on() {
        let priority = |frequency: u32| {
            let kind = "envoy.extensions.retry.priority.previous_priorities.v3.PreviousPrioritiesConfig";
            let config = json!({"@type": format!("type.googleapis.com/{kind}"), "update_frequency": frequency});
            policy(&json!({"retry_priority": {"name": "p", "typed_config": config}}))
        };
        assert_eq!(priority(2).unwrap().other_priorities, Some(2));
        assert_eq!(priority(0).unwrap_err(), "retry_priority.typed_config: update_frequency must be greater than 0");
        let unknown = policy(&json!({"retry_priority": {"name": "x"}})).unwrap_err();
        assert_eq!(unknown, "retry_priority: the proxy does not have the retry priority x");
    }

    #[test]
    fn a_response_can_say_when_to_return() {
        let config = json!({"rate_limited_retry_back_off": {"max_interval": "100s", "reset_headers": [
            {"name": "retry-after"}, {"name": "x-reset", "format": "UNIX_TIMESTAMP"}]}});
        let reset = policy(&config).unwrap().reset.unwrap();
        let now = UNIX_EPOCH + Duration::from_secs(1000);
        let wait = |name: &'static str, value: &'static str| {
            let headers: Headers =
                [(HeaderName::from_static(name), HeaderValue::from_static(value))].into_iter().collect();
            reset.wait(&headers, now, 0)
        };
        assert_eq!(wait("retry-after", "10"), Some(Duration::from_secs(10)));
        assert_eq!(wait("x-reset", "1007"), Some(Duration::from_secs(7)));
        assert_eq!((wait("retry-after", "101"), wait("retry-after", "x"), wait("x-reset", "999")), (None, None, None));
    }

    proptest! {
        #[test]
        fn the_back_off_stays_below_its_bound(retry in 0u32..40, random in any::<u64>()) {
            let policy = RetryPolicy::default();
            let bound = Duration::from_millis(25).saturating_mul(1_u32 << retry.min(10)).min(Duration::from_millis(250));
            prop_assert!(policy.wait(retry, random) < bound);
        }
    }
}

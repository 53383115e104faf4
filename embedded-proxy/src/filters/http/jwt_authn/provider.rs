//! A provider: whose tokens are good, and what a good token leaves on the request.

use std::collections::VecDeque;
use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::{HeaderName, HeaderValue};
use parking_lot::Mutex;
use serde_json::{Map, Value, json};

use super::extract::Places;
use super::keys::Keys;
use super::remote::Remote;
use super::status::Status;
use super::token::{Audiences, Token};
use crate::http::RequestHead;
use crate::matching::StringMatcher;
use crate::proto::Reader;
use crate::services::Build;
use crate::telemetry::stats::Scope;

/// Where the keys come from.
pub(super) enum Source {
    /// From the configuration.
    Local(Keys),
    /// Fetched.
    Remote(Arc<Remote>),
}

/// Tokens that were verified before, the latest first.
struct Cache {
    size: usize,
    max_token: usize,
    tokens: Mutex<VecDeque<(String, Arc<Token>)>>,
}

/// `JwtProvider`. No Debug: it holds keys and cached tokens.
pub(super) struct Provider {
    pub(super) name: String,
    /// Issuer, empty for any.
    pub(super) issuer: String,
    pub(super) audiences: Audiences,
    subjects: Option<StringMatcher>,
    /// Tokens must expire.
    expires: bool,
    /// Tokens must expire within so many seconds.
    longest: Option<u64>,
    pub(super) places: Places,
    pub(super) source: Source,
    pub(super) forward: bool,
    payload_header: Option<HeaderName>,
    pad: bool,
    payload_key: String,
    header_key: String,
    /// Metadata key for the status of a failure, empty for none.
    pub(super) failed_key: String,
    lists: Vec<String>,
    skew: u64,
    cache: Option<Cache>,
    claims: Vec<(HeaderName, Vec<String>)>,
    clear_route: bool,
}

fn header(reader: &Reader<'_>, field: &str) -> Option<HeaderName> {
    let name = reader.opt_text(field)?;
    let parsed = HeaderName::from_bytes(name.as_bytes()).ok();
    if parsed.is_none() {
        reader.defect(field, "is not a header name");
    }
    parsed
}

fn read_claim(reader: &Reader<'_>) -> Option<(HeaderName, Vec<String>)> {
    let name = header(reader, "header_name");
    if name.is_none() && !reader.has("header_name") {
        reader.defect("header_name", "must not be empty");
    }
    let claim = reader.opt_text("claim_name");
    let path: Vec<String> = reader.list("claim_path").iter().filter_map(|segment| segment.need_text("key")).collect();
    let path = match (claim, path.is_empty()) {
        (Some(claim), true) => claim.split('.').map(str::to_string).collect(),
        (None, false) => path,
        _ => {
            reader.defect("claim_name", "exactly one of claim_name and claim_path must be set");
            return None;
        }
    };
    Some((name?, path))
}

/// Reads where the keys come from.
fn read_source(reader: &Reader<'_>, build: &Build, scope: &Scope) -> Option<Source> {
    match (reader.message("local_jwks"), reader.message("remote_jwks")) {
        (Some(local), _) => {
            if local.has("watched_directory") {
                local.defect("watched_directory", "the proxy reads key sets once");
            }
            let Some(keys) = Keys::parse(&local.data()?) else {
                local.defect("", "is no key set with a key that can be used");
                return None;
            };
            Some(Source::Local(keys))
        }
        (None, Some(remote)) => {
            let remote = Arc::new(Remote::read(&remote, scope)?);
            remote.start(&build.services);
            Some(Source::Remote(remote))
        }
        (None, None) => {
            reader.defect("jwks_source_specifier", "must be set");
            None
        }
    }
}

impl Provider {
    /// Reads the message.
    pub(super) fn read(name: &str, reader: &Reader<'_>, build: &Build, scope: &Scope) -> Option<Self> {
        let source = read_source(reader, build, scope);
        let subjects = reader.message("subjects").map(|subjects| StringMatcher::read(&subjects));
        let longest = reader.duration("max_lifetime").map(|longest| longest.as_secs());
        let claims: Vec<_> = reader.list("claim_to_headers").iter().map(read_claim).collect();
        let normalize = reader.message("normalize_payload_in_metadata");
        let skew = reader.number("clock_skew_seconds").unwrap_or(0);
        let (issuer, audiences, places) = (reader.text("issuer"), reader.texts("audiences"), Places::read(reader));
        let (forward, payload_header) = (reader.flag("forward"), header(reader, "forward_payload_header"));
        let pad = reader.flag("pad_forward_payload_header");
        let key = |field| reader.text(field);
        let (payload_key, header_key) = (key("payload_in_metadata"), key("header_in_metadata"));
        let failed_key = key("failed_status_in_metadata");
        let require = reader.flag("require_expiration");
        let cache = reader.message("jwt_cache_config").map(|cache| Cache::read(&cache));
        let clear_route = reader.flag("clear_route_cache");
        // Everything was read: what follows gives up where something is wrong.
        Some(Self {
            name: name.to_string(),
            issuer,
            audiences: Audiences::new(&audiences),
            subjects: subjects.map_or(Some(None), |subjects| subjects.map(Some))?,
            expires: require || longest.is_some(),
            longest,
            places,
            source: source?,
            forward,
            payload_header,
            pad,
            payload_key,
            header_key,
            failed_key,
            lists: normalize.map(|normalize| normalize.texts("space_delimited_claims")).unwrap_or_default(),
            skew: if skew == 0 { 60 } else { skew },
            cache,
            claims: claims.into_iter().collect::<Option<_>>()?,
            clear_route,
        })
    }

    /// A token that was verified before.
    pub(super) fn cached(&self, text: &str) -> Option<Arc<Token>> {
        self.cache.as_ref()?.get(text)
    }

    /// Remembers a verified token.
    pub(super) fn remember(&self, text: &str, token: &Arc<Token>) {
        if let Some(cache) = &self.cache {
            cache.put(text, token);
        }
    }

    /// Everything about a token but its signature. `audiences` stand in for the provider's own.
    pub(super) fn check(&self, token: &Token, audiences: Option<&Audiences>, now: u64) -> Result<(), Status> {
        token.check_time(now, self.skew)?;
        if !audiences.unwrap_or(&self.audiences).allow(&token.aud) {
            return Err(Status::Audience);
        }
        if self.subjects.as_ref().is_some_and(|subjects| !subjects.matches(&token.sub)) {
            return Err(Status::Verification);
        }
        let too_long = self.longest.is_some_and(|longest| token.exp.saturating_sub(now) >= longest);
        if (self.expires && token.exp == 0) || too_long { Err(Status::Verification) } else { Ok(()) }
    }

    /// Takes away what only a good token may put on a request.
    pub(super) fn sanitize(&self, head: &mut RequestHead) {
        for name in self.payload_header.iter().chain(self.claims.iter().map(|(name, _)| name)) {
            head.headers.remove(name);
        }
    }

    /// Puts payload and claims on the request. True: the route has to be looked up again.
    pub(super) fn mark(&self, token: &Token, head: &mut RequestHead) -> bool {
        if let Some(name) = &self.payload_header {
            let mut payload = token.payload_base64.clone();
            while self.pad && !payload.len().is_multiple_of(4) {
                payload.push('=');
            }
            if let Ok(value) = HeaderValue::from_str(&payload) {
                head.headers.add(name.clone(), value);
            }
        }
        let mut added = false;
        for (name, path) in &self.claims {
            let value = claim(&token.payload, path).map(claim_text).filter(|text| !text.is_empty());
            if let Some(value) = value.and_then(|text| HeaderValue::from_str(&text).ok()) {
                head.headers.add(name.clone(), value);
                added = true;
            }
        }
        added && self.clear_route
    }

    /// What goes to the dynamic metadata.
    pub(super) fn extract(&self, token: &Token, extracted: &mut Map<String, Value>) {
        if !self.header_key.is_empty() {
            extracted.insert(self.header_key.clone(), token.header.clone().into());
        }
        if !self.payload_key.is_empty() {
            let mut payload = token.payload.clone();
            for claim in &self.lists {
                if let Some(Value::String(text)) = token.payload.get(claim) {
                    let words: Vec<&str> = text.split(' ').filter(|word| !word.is_empty()).collect();
                    payload.insert(claim.clone(), json!(words));
                }
            }
            extracted.insert(self.payload_key.clone(), payload.into());
        }
    }
}

fn claim<'p>(payload: &'p Map<String, Value>, path: &[String]) -> Option<&'p Value> {
    let (first, rest) = path.split_first()?;
    rest.iter().try_fold(payload.get(first)?, |value, key| value.get(key))
}

/// A claim as a header shows it: numbers as C++ prints them, lists and objects as base64 of their JSON.
fn claim_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => match (number.as_u64(), number.as_f64()) {
            (Some(whole), _) => whole.to_string(),
            (None, Some(real)) if real >= 0.0 && real.fract() == 0.0 && real < 1.8e19 => format!("{real:.0}"),
            (None, Some(real)) => format!("{real:.6}"),
            (None, None) => String::new(),
        },
        Value::Array(_) | Value::Object(_) => BASE64_STANDARD.encode(value.to_string()),
        Value::Null => String::new(),
    }
}

impl Cache {
    fn read(reader: &Reader<'_>) -> Self {
        let number =
            |field| reader.u32(field).filter(|number| *number > 0).and_then(|number| usize::try_from(number).ok());
        Self {
            size: number("jwt_cache_size").unwrap_or(100),
            max_token: number("jwt_max_token_size").unwrap_or(4096),
            tokens: Mutex::default(),
        }
    }

    fn get(&self, text: &str) -> Option<Arc<Token>> {
        let tokens = self.tokens.lock();
        tokens.iter().find(|(known, _)| known == text).map(|(_, token)| token.clone())
    }

    fn put(&self, text: &str, token: &Arc<Token>) {
        if text.len() <= self.max_token {
            let mut tokens = self.tokens.lock();
            tokens.truncate(self.size - 1);
            tokens.push_front((text.to_string(), token.clone()));
        }
    }
}

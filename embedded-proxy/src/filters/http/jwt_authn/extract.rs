//! Where tokens are looked for: header fields, query parameters, cookies.

use std::collections::BTreeMap;

use http::{HeaderName, header};

use crate::filters::http::query::Query;
use crate::http::RequestHead;
use crate::proto::Reader;

/// The issuers that named a place. A provider without an issuer takes any.
#[derive(Debug, Default, Clone)]
struct Issuers {
    any: bool,
    names: Vec<String>,
}

impl Issuers {
    fn add(&mut self, issuer: &str) {
        if issuer.is_empty() {
            self.any = true;
        } else {
            self.names.push(issuer.to_string());
        }
    }

    fn allow(&self, issuer: &str) -> bool {
        self.any || self.names.iter().any(|name| name == issuer)
    }
}

/// Where one provider looks.
#[derive(Debug, Clone, Default)]
pub(super) struct Places {
    headers: Vec<(HeaderName, String)>,
    params: Vec<String>,
    cookies: Vec<String>,
}

impl Places {
    /// Reads `from_headers`, `from_params` and `from_cookies` of a provider. Without any of them: the bearer token of
    /// `authorization`, and the parameter `access_token`.
    pub(super) fn read(reader: &Reader<'_>) -> Self {
        let mut places =
            Self { headers: Vec::new(), params: reader.texts("from_params"), cookies: reader.texts("from_cookies") };
        for from in reader.list("from_headers") {
            match from.text("name").parse::<HeaderName>() {
                Ok(name) => places.headers.push((name, from.text("value_prefix"))),
                Err(_) => from.defect("name", "is not a header name"),
            }
        }
        if places.headers.is_empty() && places.params.is_empty() && places.cookies.is_empty() {
            places.headers.push((header::AUTHORIZATION, "Bearer ".into()));
            places.params.push("access_token".into());
        }
        places
    }
}

/// The places of one or several providers, with the issuers that named each.
#[derive(Debug, Clone, Default)]
pub(super) struct Extractor {
    headers: BTreeMap<(String, String), (HeaderName, Issuers)>,
    params: BTreeMap<String, Issuers>,
    cookies: BTreeMap<String, Issuers>,
}

/// A text found where a token may stand.
pub(super) struct Found<'e> {
    /// The text.
    pub(super) token: String,
    issuers: &'e Issuers,
    place: Place<'e>,
}

enum Place<'e> {
    Header(&'e HeaderName),
    Param(&'e str),
    Cookie,
}

impl Extractor {
    /// Adds the places of a provider.
    pub(super) fn add(&mut self, issuer: &str, places: &Places) {
        for (name, prefix) in &places.headers {
            let entry = self.headers.entry((name.to_string(), prefix.clone()));
            entry.or_insert_with(|| (name.clone(), Issuers::default())).1.add(issuer);
        }
        for param in &places.params {
            self.params.entry(param.clone()).or_default().add(issuer);
        }
        for cookie in &places.cookies {
            self.cookies.entry(cookie.clone()).or_default().add(issuer);
        }
    }

    /// All texts found, header fields first.
    pub(super) fn find<'e>(&'e self, head: &RequestHead) -> Vec<Found<'e>> {
        let mut found = Vec::new();
        for ((_, prefix), (name, issuers)) in &self.headers {
            for value in head.headers.all(name).filter_map(|value| value.to_str().ok()) {
                if let Some(token) = after_prefix(value, prefix) {
                    found.push(Found { token: token.to_string(), issuers, place: Place::Header(name) });
                }
            }
        }
        if !self.params.is_empty() {
            for (param, issuers) in &self.params {
                if let Some(token) = query_value(head, param) {
                    found.push(Found { token, issuers, place: Place::Param(param) });
                }
            }
        }
        for (cookie, issuers) in &self.cookies {
            if let Some(token) = cookie_value(head, cookie) {
                found.push(Found { token, issuers, place: Place::Cookie });
            }
        }
        found
    }
}

impl Found<'_> {
    /// Whether a token of this issuer may stand here.
    pub(super) fn allows(&self, issuer: &str) -> bool {
        self.issuers.allow(issuer)
    }

    /// Takes the token away; cookies stay, as in Envoy.
    pub(super) fn remove(&self, head: &mut RequestHead) {
        match self.place {
            Place::Header(name) => {
                head.headers.remove(name);
            }
            Place::Param(param) => {
                let mut query = Query::of(&head.path);
                query.retain(|name| percent_decode(name) != param);
                head.path = query.replace(&head.path);
            }
            Place::Cookie => {}
        }
    }
}

/// What follows the prefix, wherever in the value it stands, from the first character that a token may have.
fn after_prefix<'v>(value: &'v str, prefix: &str) -> Option<&'v str> {
    if prefix.is_empty() {
        return Some(value);
    }
    let after = value.find(prefix)? + prefix.len();
    let start = value[after..].find(|c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
    Some(start.map_or(value, |start| &value[after + start..]))
}

fn pair_name(pair: &str) -> std::borrow::Cow<'_, str> {
    percent_decode(pair.split_once('=').map_or(pair, |(name, _)| name))
}

fn query_value(head: &RequestHead, name: &str) -> Option<String> {
    let pair = head.query()?.split('&').find(|pair| pair_name(pair) == name)?;
    Some(percent_decode(pair.split_once('=').map_or("", |(_, value)| value)).into_owned())
}

/// `%XX` decoded; what is no such sequence, or no text afterwards, stays as it is.
fn percent_decode(text: &str) -> std::borrow::Cow<'_, str> {
    if !text.contains('%') {
        return text.into();
    }
    let hex = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let (bytes, mut decoded, mut at) = (text.as_bytes(), Vec::with_capacity(text.len()), 0);
    while at < bytes.len() {
        let pair = bytes.get(at + 1).zip(bytes.get(at + 2)).filter(|_| bytes[at] == b'%');
        match pair.and_then(|(high, low)| Some(hex(*high)? * 16 + hex(*low)?)) {
            Some(byte) => {
                decoded.push(byte);
                at += 3;
            }
            None => {
                decoded.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8(decoded).map_or(text.into(), Into::into)
}

fn cookie_value(head: &RequestHead, name: &str) -> Option<String> {
    let fields = head.headers.all(&header::COOKIE).filter_map(|value| value.to_str().ok());
    let mut pairs = fields.flat_map(|field| field.split(';'));
    pairs.find_map(|pair| {
        let (key, value) = pair.split_once('=')?;
        if key.trim() != name {
            return None;
        }
        let value = value.trim();
        let quoted = value.strip_prefix('"').and_then(|value| value.strip_suffix('"'));
        Some(quoted.unwrap_or(value).to_string())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filters::http::testing::head;

    fn extractor(places: &Places) -> Extractor {
        let mut extractor = Extractor::default();
        extractor.add("", places);
        extractor
    }

    fn texts(extractor: &Extractor, head: &RequestHead) -> Vec<String> {
        extractor.find(head).into_iter().map(|found| found.token).collect()
    }

    #[test]
    fn tokens_stand_where_the_provider_says() {
        let places = Places {
            headers: vec![(header::AUTHORIZATION, "Bearer ".into()), (HeaderName::from_static("x-jwt"), String::new())],
            params: vec!["t".into()],
            cookies: vec!["c".into()],
        };
        let fields = [("authorization", "Bearer a.b.c"), ("x-jwt", "d"), ("cookie", "x=1; c=\"f\"")];
        let head = head("GET", "/p?q=1&t=e%2Ef", &fields);
        assert_eq!(texts(&extractor(&places), &head), ["a.b.c", "d", "e.f", "f"]);
    }

    #[test]
    fn a_prefix_may_stand_anywhere() {
        assert_eq!(after_prefix("Basic x", "Bearer "), None);
        assert_eq!(after_prefix("x Bearer  tok", "Bearer "), Some("tok"));
        assert_eq!(after_prefix("Bearer ", "Bearer "), Some("Bearer "));
    }

    #[test]
    fn a_found_token_is_taken_away() {
        let places = Places { params: vec!["t".into()], ..Places::default() };
        let extractor = extractor(&places);
        let mut head = head("GET", "/p?a=1&t=x&b=2", &[]);
        extractor.find(&head)[0].remove(&mut head);
        assert_eq!(head.path, "/p?a=1&b=2");
    }

    #[test]
    fn issuers_guard_their_places() {
        let mut extractor = Extractor::default();
        extractor.add("me", &Places { params: vec!["t".into()], ..Places::default() });
        let head = head("GET", "/?t=x", &[]);
        let found = extractor.find(&head);
        assert!(found[0].allows("me") && !found[0].allows("you"));
    }
}

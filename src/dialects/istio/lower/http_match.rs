//! The conditions of an HTTP route.

use super::context::Context;
use super::http_rule::Holds;
use crate::dialects::istio::types::{Comparison, HttpMatchRequest, StringMatch};
use crate::ir::{ClientMatch, HttpMatch, Name, NamedMatch, PathMatch, PathTest, Predicate, TextMatch, TextTest};
use crate::manifests::source::Place;
use crate::schema::{List, Text};

/// Name of headers that stand for claims of a token.
const CLAIMS: &str = "@request.auth.claims";

/// The conditions that hold at a gateway. `None` when there are conditions and none of them does.
pub fn conditions(
    cx: &Context<'_>,
    path: &str,
    conditions: &List<HttpMatchRequest>,
    holds: &Holds<'_>,
) -> Option<Vec<HttpMatch>> {
    let here = conditions.iter().enumerate().filter(|(_, condition)| holds(&condition.gateways));
    let found: Vec<HttpMatch> =
        here.map(|(at, condition)| condition_of(cx, &format!("{path}.match[{at}]"), condition)).collect();
    (conditions.is_empty() || !found.is_empty()).then_some(found)
}

fn condition_of(cx: &Context<'_>, path: &str, condition: &HttpMatchRequest) -> HttpMatch {
    let ignore_case = condition.ignore_uri_case.as_ref().is_some_and(|flag| flag.value);
    let named = |(name, test): (&Text, &StringMatch), invert: bool| NamedMatch {
        name: name.as_str().to_ascii_lowercase().into(),
        test: text(test),
        invert,
    };
    let is_claim = |name: &Text| name.as_str().starts_with(CLAIMS);
    let with = condition.headers.iter().map(|entry| (entry, false));
    let all = with.chain(condition.without_headers.iter().map(|entry| (entry, true)));
    let (claims, headers): (Vec<_>, Vec<_>) = all.partition(|((name, _), _)| is_claim(name));
    let claims = claims.into_iter().map(|((name, test), invert)| NamedMatch {
        name: claim(name.as_str()),
        test: text(test),
        invert,
    });
    HttpMatch {
        origin: cx.at(path, place(condition)),
        name: condition.name.as_ref().map_or("", Text::as_str).into(),
        path: condition.uri.as_ref().map(|uri| PathMatch { test: path_test(uri), ignore_case }),
        method: condition.method.as_ref().map(text),
        scheme: condition.scheme.as_ref().map(text),
        authority: condition.authority.as_ref().map(text),
        headers: headers.into_iter().map(|(entry, invert)| named(entry, invert)).collect(),
        query: condition
            .query_params
            .iter()
            .map(|(name, test)| NamedMatch { name: name.as_str().into(), test: text(test), invert: false })
            .collect(),
        claims: claims.collect(),
        port: condition.port.as_ref().and_then(|port| u16::try_from(port.value).ok()).filter(|port| *port > 0),
        client: ClientMatch {
            namespace: condition.source_namespace.as_ref().map(|namespace| namespace.as_str().into()),
            labels: Predicate::labels(condition.source_labels.pairs()),
        },
    }
}

fn place(condition: &HttpMatchRequest) -> Place {
    let of = |test: &Option<StringMatch>| {
        test.as_ref().and_then(|test| match test.comparison() {
            Comparison::Exact(text) | Comparison::Prefix(text) | Comparison::Regex(text) => Some(text.place),
            Comparison::Present => None,
        })
    };
    let single = [of(&condition.uri), of(&condition.method), of(&condition.scheme), of(&condition.authority)];
    let maps = [condition.headers.place, condition.without_headers.place, condition.query_params.place];
    let others = [condition.source_labels.place, condition.name.as_ref().map(|name| name.place)];
    single.into_iter().chain(maps).chain(others).flatten().min_by_key(|place| place.start).unwrap_or_default()
}

/// A comparison of a text.
pub fn text(test: &StringMatch) -> TextMatch {
    TextMatch::of(match test.comparison() {
        Comparison::Exact(text) => TextTest::Exact(text.as_str().into()),
        Comparison::Prefix(text) => TextTest::Prefix(text.as_str().into()),
        Comparison::Regex(text) => TextTest::Regex(text.as_str().into()),
        Comparison::Present => TextTest::Present,
    })
}

fn path_test(test: &StringMatch) -> PathTest {
    match test.comparison() {
        Comparison::Exact(text) => PathTest::Exact(text.as_str().into()),
        Comparison::Prefix(text) => PathTest::Prefix(text.as_str().into()),
        Comparison::Regex(text) => PathTest::Regex(text.as_str().into()),
        Comparison::Present => PathTest::Prefix("/".into()),
    }
}

/// The path of a claim: `@request.auth.claims.a.b` and `@request.auth.claims[a][b]` are `a.b`.
fn claim(name: &str) -> Name {
    let rest = name.strip_prefix(CLAIMS).unwrap_or(name);
    let parts: Vec<&str> = match rest.strip_prefix('[') {
        Some(inner) => inner.trim_end_matches(']').split("][").collect(),
        None => vec![rest.trim_start_matches('.')],
    };
    parts.join(".").into()
}

#[cfg(test)]
mod tests {
    use super::claim;

    #[test]
    fn both_spellings_of_claims() {
        assert_eq!(&*claim("@request.auth.claims.group"), "group");
        assert_eq!(&*claim("@request.auth.claims[realm][role]"), "realm.role");
        assert_eq!(&*claim("@request.auth.claims.a.b"), "a.b");
    }
}

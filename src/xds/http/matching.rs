//! Conditions of a route.

use envoy_types::pb::envoy::config::core::v3::TypedExtensionConfig;
use envoy_types::pb::envoy::config::route::v3::{
    HeaderMatcher, QueryParameterMatcher, RouteMatch, header_matcher::HeaderMatchSpecifier,
    query_parameter_matcher::QueryParameterMatchSpecifier, route_match::PathSpecifier,
};
use envoy_types::pb::envoy::r#type::matcher::v3::{
    ListMatcher, MetadataMatcher, OrMatcher, ValueMatcher,
    list_matcher::MatchPattern as ListPattern,
    metadata_matcher::{PathSegment, path_segment::Segment},
    value_matcher::MatchPattern,
};

use crate::ir::{HttpMatch, NamedMatch, PathMatch, PathTest, TextMatch, TextTest};
use crate::xds::proto::{any, boolean, regex, template, text_match};

/// A condition; none at all matches every path.
pub fn route_match(condition: Option<&HttpMatch>) -> RouteMatch {
    let Some(condition) = condition else { return every_path() };
    let mut out = condition.path.as_ref().map_or_else(every_path, path);
    let pseudo = [(":method", &condition.method), (":scheme", &condition.scheme), (":authority", &condition.authority)];
    out.headers = pseudo.iter().filter_map(|(name, test)| Some(header(name, test.as_ref()?, false))).collect();
    out.headers.extend(condition.headers.iter().map(|named| header(&named.name, &named.test, named.invert)));
    out.query_parameters = condition.query.iter().map(query).collect();
    out.dynamic_metadata = condition.claims.iter().map(claim).collect();
    out
}

fn every_path() -> RouteMatch {
    RouteMatch { path_specifier: Some(PathSpecifier::Prefix("/".into())), ..RouteMatch::default() }
}

fn path(path: &PathMatch) -> RouteMatch {
    let specifier = match &path.test {
        PathTest::Exact(text) => PathSpecifier::Path(text.to_string()),
        PathTest::Prefix(text) => PathSpecifier::Prefix(text.to_string()),
        PathTest::SegmentPrefix(text) => match text.trim_end_matches('/') {
            "" => PathSpecifier::Prefix("/".into()),
            text => PathSpecifier::PathSeparatedPrefix(text.to_owned()),
        },
        PathTest::Regex(text) => PathSpecifier::SafeRegex(regex(text)),
        PathTest::Template(text) => PathSpecifier::PathMatchPolicy(TypedExtensionConfig {
            name: "envoy.path.match.uri_template.uri_template_matcher".into(),
            typed_config: Some(any(&template(text))),
        }),
    };
    let folds = path.ignore_case && !matches!(path.test, PathTest::Regex(_) | PathTest::Template(_));
    RouteMatch {
        path_specifier: Some(specifier),
        case_sensitive: folds.then(|| boolean(false)),
        ..RouteMatch::default()
    }
}

/// A condition on a header.
pub fn header(name: &str, test: &TextMatch, invert: bool) -> HeaderMatcher {
    let specifier =
        text_match(test).map_or(HeaderMatchSpecifier::PresentMatch(true), HeaderMatchSpecifier::StringMatch);
    HeaderMatcher {
        name: name.to_owned(),
        invert_match: invert,
        header_match_specifier: Some(specifier),
        ..HeaderMatcher::default()
    }
}

fn query(named: &NamedMatch) -> QueryParameterMatcher {
    let specifier = match text_match(&named.test) {
        Some(matcher) => QueryParameterMatchSpecifier::StringMatch(matcher),
        None => QueryParameterMatchSpecifier::PresentMatch(!named.invert),
    };
    QueryParameterMatcher { name: named.name.to_string(), query_parameter_match_specifier: Some(specifier) }
}

/// A claim of the token that the JWT filter left in the metadata: as a text or as one item of a list.
fn claim(named: &NamedMatch) -> MetadataMatcher {
    let segment = |name: &str| PathSegment { segment: Some(Segment::Key(name.to_owned())) };
    let path = std::iter::once("payload").chain(named.name.split('.')).map(segment).collect();
    let value = match &named.test.test {
        TextTest::Present => Some(ValueMatcher { match_pattern: Some(MatchPattern::PresentMatch(true)) }),
        _ => text_match(&named.test).map(|matcher| {
            let text = ValueMatcher { match_pattern: Some(MatchPattern::StringMatch(matcher)) };
            let item = ListMatcher { match_pattern: Some(ListPattern::OneOf(Box::new(text.clone()))) };
            let list = ValueMatcher { match_pattern: Some(MatchPattern::ListMatch(Box::new(item))) };
            ValueMatcher { match_pattern: Some(MatchPattern::OrMatch(OrMatcher { value_matchers: vec![text, list] })) }
        }),
    };
    MetadataMatcher { filter: "envoy.filters.http.jwt_authn".into(), path, value, invert: named.invert }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_meanings_of_prefix_are_kept() {
        let of = |test| path(&PathMatch { test, ignore_case: true });
        let raw = of(PathTest::Prefix("/foo".into()));
        assert_eq!(raw.path_specifier, Some(PathSpecifier::Prefix("/foo".into())));
        assert_eq!(raw.case_sensitive.map(|flag| flag.value), Some(false));
        let segments = of(PathTest::SegmentPrefix("/foo/".into()));
        assert_eq!(segments.path_specifier, Some(PathSpecifier::PathSeparatedPrefix("/foo".into())));
        assert_eq!(of(PathTest::SegmentPrefix("/".into())).path_specifier, Some(PathSpecifier::Prefix("/".into())));
    }
}

//! Conditions on the caller's token, as the JWT filter left it in the metadata.

use envoy_types::pb::envoy::r#type::matcher::v3::{
    ListMatcher, MetadataMatcher, OrMatcher, ValueMatcher,
    list_matcher::MatchPattern as ListPattern,
    metadata_matcher::{PathSegment, path_segment::Segment},
    value_matcher::MatchPattern,
};

use super::tree::{Test, Tree};
use crate::ir::{Name, TextMatch, TextTest};
use crate::xds::proto::text_match;

/// The filter that checks tokens.
const FILTER: &str = "envoy.filters.http.jwt_authn";

/// A claim: a text, or one item of a list.
pub fn claim(path: &[&str], text: &TextMatch) -> Option<Tree> {
    let path: Vec<&str> = std::iter::once("payload").chain(path.iter().copied()).collect();
    value(FILTER, &path, text)
}

/// A value that a filter left: a text, or one item of a list.
pub fn value(filter: &str, path: &[&str], text: &TextMatch) -> Option<Tree> {
    let of = |pattern| ValueMatcher { match_pattern: Some(pattern) };
    let text = text_match(&some(text)).map(MatchPattern::StringMatch)?;
    let item = ListMatcher { match_pattern: Some(ListPattern::OneOf(Box::new(of(text.clone())))) };
    let values = OrMatcher { value_matchers: vec![of(text), of(MatchPattern::ListMatch(Box::new(item)))] };
    let segment = |name: &&str| PathSegment { segment: Some(Segment::Key((*name).to_owned())) };
    let matcher = MetadataMatcher {
        filter: filter.to_owned(),
        path: path.iter().map(segment).collect(),
        value: Some(of(MatchPattern::OrMatch(values))),
        invert: false,
    };
    Some(Tree::Test(Test::Metadata(Box::new(matcher))))
}

/// Anything that is there has at least one letter.
fn some(text: &TextMatch) -> TextMatch {
    match text.test {
        TextTest::Present => TextMatch::of(TextTest::Regex(".+".into())),
        _ => text.clone(),
    }
}

/// `ISSUER/SUBJECT`, taken apart at the last slash: subjects have none. Expressions cannot be taken apart.
pub fn principal(text: &TextMatch) -> Option<Tree> {
    let compare = |test: TextTest| TextMatch { test, ignore_case: text.ignore_case };
    let both = |issuer: TextTest, subject: TextTest| {
        Some(Tree::all([claim(&["iss"], &compare(issuer))?, claim(&["sub"], &compare(subject))?]))
    };
    let split =
        |value: &Name| value.rsplit_once('/').map(|(issuer, subject)| (Name::from(issuer), Name::from(subject)));
    let prefix = |value: Name| if value.is_empty() { TextTest::Present } else { TextTest::Prefix(value) };
    match &text.test {
        TextTest::Present => both(TextTest::Present, TextTest::Present),
        TextTest::Exact(value) => {
            let (issuer, subject) = split(value)?;
            both(TextTest::Exact(issuer), TextTest::Exact(subject))
        }
        TextTest::Prefix(value) => {
            let whole = both(TextTest::Prefix(value.clone()), TextTest::Present)?;
            match split(value) {
                Some((issuer, subject)) => Some(Tree::any([whole, both(TextTest::Exact(issuer), prefix(subject))?])),
                None => Some(whole),
            }
        }
        TextTest::Suffix(value) => match split(value) {
            Some((issuer, subject)) => {
                let issuer = if issuer.is_empty() { TextTest::Present } else { TextTest::Suffix(issuer) };
                both(issuer, TextTest::Exact(subject))
            }
            None => both(TextTest::Present, TextTest::Suffix(value.clone())),
        },
        TextTest::Contains(_) | TextTest::Regex(_) => None,
    }
}

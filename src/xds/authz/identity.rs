//! Conditions on the caller's identity, as expressions over `spiffe://DOMAIN/ns/NAMESPACE/sa/ACCOUNT`.
//!
//! Envoy compares with every name of the certificate and its subject, so each expression begins with the scheme.

use envoy_types::pb::envoy::r#type::matcher::v3::StringMatcher;

use super::tree::{Test, Tree};
use crate::ir::{Name, TextMatch, TextTest};
use crate::xds::proto::text_match;

/// The whole identity, without its scheme. Where the trust domain is one of the mesh's, all of them count.
pub fn principal(text: &TextMatch, domains: &[Name]) -> Option<Tree> {
    let same = |build: fn(Name) -> TextTest, value: &str| {
        let all = in_domains(value, domains).into_iter().map(|value| {
            let text = TextMatch { test: build(format!("spiffe://{value}").into()), ignore_case: text.ignore_case };
            text_match(&text).map(|matcher| Tree::Test(Test::Identity(matcher)))
        });
        all.collect::<Option<Vec<_>>>().map(Tree::any)
    };
    match &text.test {
        TextTest::Exact(value) => same(TextTest::Exact, value),
        TextTest::Prefix(value) => same(TextTest::Prefix, value),
        _ => expression(&format!("spiffe://{}", wide(&text.test, ".")), text.ignore_case),
    }
}

/// The same identity in each trust domain of the mesh; as it is when its domain is another one.
fn in_domains(value: &str, domains: &[Name]) -> Vec<String> {
    match value.split_once('/') {
        Some((domain, rest)) if domains.iter().any(|own| **own == *domain) => {
            domains.iter().map(|own| format!("{own}/{rest}")).collect()
        }
        _ => vec![value.to_owned()],
    }
}

/// The namespace.
pub fn namespace(text: &TextMatch) -> Option<Tree> {
    expression(&format!("spiffe://[^/]+/ns/{}/sa/.*", wide(&text.test, "[^/]")), text.ignore_case)
}

/// The trust domain.
pub fn trust_domain(text: &TextMatch) -> Option<Tree> {
    expression(&format!("spiffe://{}/.*", wide(&text.test, "[^/]")), text.ignore_case)
}

/// `NAMESPACE/ACCOUNT`. Expressions over both cannot be taken apart.
pub fn account(text: &TextMatch) -> Option<Tree> {
    let esc = regex::escape;
    let part = "[^/]";
    let both = match &text.test {
        TextTest::Present => format!("{part}+/sa/{part}+"),
        TextTest::Exact(value) => {
            let (namespace, account) = value.split_once('/')?;
            format!("{}/sa/{}", esc(namespace), esc(account))
        }
        TextTest::Prefix(value) => match value.split_once('/') {
            Some((namespace, account)) => format!("{}/sa/{}{part}*", esc(namespace), esc(account)),
            None => format!("{}{part}*/sa/{part}+", esc(value)),
        },
        TextTest::Suffix(value) => match value.split_once('/') {
            Some((namespace, account)) => format!("{part}*{}/sa/{}", esc(namespace), esc(account)),
            None => format!("{part}+/sa/{part}*{}", esc(value)),
        },
        TextTest::Contains(_) | TextTest::Regex(_) => return None,
    };
    expression(&format!("spiffe://[^/]+/ns/{both}"), text.ignore_case)
}

/// A comparison as an expression over letters of a kind.
fn wide(test: &TextTest, letter: &str) -> String {
    match test {
        TextTest::Present => format!("{letter}+"),
        TextTest::Exact(value) => regex::escape(value),
        TextTest::Prefix(value) => format!("{}{letter}*", regex::escape(value)),
        TextTest::Suffix(value) => format!("{letter}*{}", regex::escape(value)),
        TextTest::Contains(value) => format!("{letter}*{}{letter}*", regex::escape(value)),
        TextTest::Regex(value) => format!("(?:{value})"),
    }
}

fn expression(regex: &str, ignore_case: bool) -> Option<Tree> {
    let matcher: StringMatcher = text_match(&TextMatch { test: TextTest::Regex(regex.into()), ignore_case })?;
    Some(Tree::Test(Test::Identity(matcher)))
}

//! Conditions of routes, and which of two is more specific.

use super::header::is_token;
use super::scope::{Refusal, Scope};
use crate::dialects::gateway_api::types::{GrpcMethodMatch, GrpcRouteMatch, HttpRouteMatch, NamedValueMatch};
use crate::ir::{HttpMatch, Name, NamedMatch, PathMatch, PathTest, TextMatch, TextTest};
use crate::manifests::source::Place;
use crate::schema::values::text_or_empty;
use crate::schema::{List, Text};

/// How specific a condition is, the largest first. HTTP: kind and length of the path, method, headers, query parameters.
/// gRPC: lengths of service and method, headers.
pub type Rank = [usize; 5];

/// One condition; without a test every request fits.
#[derive(Debug)]
pub struct Condition {
    /// How specific it is.
    pub rank: Rank,
    /// The condition.
    pub test: Option<HttpMatch>,
}

impl Condition {
    /// True when the path is compared with a prefix, and nothing else.
    pub fn is_prefix(&self) -> bool {
        let path = self.test.as_ref().and_then(|test| test.path.as_ref());
        path.is_none_or(|path| matches!(path.test, PathTest::SegmentPrefix(_)))
    }
}

/// The conditions of an HTTP rule. Those that are broken hold for nothing.
pub fn http(scope: &Scope<'_>, at: &str, list: &List<HttpRouteMatch>, refused: &mut Vec<Refusal>) -> Vec<Condition> {
    let every = Condition { rank: [PREFIX, 1, 0, 0, 0], test: None };
    all(scope, at, list, |one| one.place, every, http_one, refused)
}

/// The conditions of a gRPC rule.
pub fn grpc(scope: &Scope<'_>, at: &str, list: &List<GrpcRouteMatch>, refused: &mut Vec<Refusal>) -> Vec<Condition> {
    let every = Condition { rank: [0; 5], test: None };
    all(scope, at, list, |one| one.place, every, grpc_one, refused)
}

/// Reads one condition.
type ReadOne<T> = fn(&str, &T) -> Result<(Rank, HttpMatch), Refusal>;

fn all<T>(
    scope: &Scope<'_>,
    at: &str,
    list: &List<T>,
    place: fn(&T) -> Place,
    every: Condition,
    one: ReadOne<T>,
    refused: &mut Vec<Refusal>,
) -> Vec<Condition> {
    let flaws = scope.cx.flaws();
    if flaws.loses_items(list.place, list.iter().map(place)) {
        refused.push(Refusal::new(
            &format!("{at}.matches"),
            list.place.unwrap_or_default(),
            "a condition is unreadable",
        ));
    } else if list.is_empty() {
        return vec![every];
    }
    let mut found = Vec::new();
    for (index, condition) in list.iter().enumerate() {
        let (at, place) = (format!("{at}.matches[{index}]"), place(condition));
        if flaws.any(Some(place)) {
            refused.push(Refusal::new(&at, place, "the condition has a structural mistake"));
            continue;
        }
        match one(&at, condition) {
            Ok((rank, test)) => {
                let origin = scope.cx.at(at, place);
                found.push(Condition { rank, test: Some(HttpMatch { origin, ..test }) });
            }
            Err(refusal) => refused.push(refusal),
        }
    }
    found
}

const EXACT: usize = 3;
/// The specification leaves the place of expressions open: here before prefixes, so that one beside a rule for `/` can hold.
const REGEX: usize = 2;
const PREFIX: usize = 1;

fn http_one(at: &str, condition: &HttpRouteMatch) -> Result<(Rank, HttpMatch), Refusal> {
    let path = condition.path.as_ref();
    let value = path.and_then(|path| path.value.as_ref()).map_or("/", Text::as_str);
    let kind = path.and_then(|path| path.r#type.as_ref()).map_or("PathPrefix", Text::as_str);
    let refuse = |reason: String| Err(Refusal::new(at, condition.place, reason));
    if kind != "RegularExpression" && !value.starts_with('/') {
        return refuse(format!("the path `{value}` does not begin with `/`"));
    }
    let (class, test) = match kind {
        "Exact" => (EXACT, PathTest::Exact(value.into())),
        "PathPrefix" => (PREFIX, PathTest::SegmentPrefix(value.into())),
        "RegularExpression" if is_regex(value) => (REGEX, PathTest::Regex(value.into())),
        "RegularExpression" => return refuse(format!("`{value}` is no regular expression")),
        _ => return refuse(format!("paths are not compared by `{kind}`")),
    };
    let headers = named(at, &condition.headers, true)?;
    let query = named(at, &condition.query_params, false)?;
    let method = condition.method.as_ref().map(|method| TextMatch::exact(method.as_str()));
    let rank = [class, value.chars().count(), usize::from(method.is_some()), headers.len(), query.len()];
    // A prefix `/` is every path.
    let path = (test != PathTest::SegmentPrefix("/".into())).then_some(PathMatch { test, ignore_case: false });
    Ok((rank, HttpMatch { path, method, headers, query, ..HttpMatch::default() }))
}

fn grpc_one(at: &str, condition: &GrpcRouteMatch) -> Result<(Rank, HttpMatch), Refusal> {
    let headers = named(at, &condition.headers, true)?;
    let (service, method, path) = match &condition.method {
        Some(method) => grpc_path(&format!("{at}.method"), method)?,
        None => (0, 0, None),
    };
    let rank = [service, method, headers.len(), 0, 0];
    let path = path.map(|test| PathMatch { test, ignore_case: false });
    Ok((rank, HttpMatch { path, headers, ..HttpMatch::default() }))
}

/// Lengths of service and method, and the path that they make.
fn grpc_path(at: &str, method: &GrpcMethodMatch) -> Result<(usize, usize, Option<PathTest>), Refusal> {
    let service = text_or_empty(method.service.as_ref());
    let name = text_or_empty(method.method.as_ref());
    let refuse = |reason: String| Err(Refusal::new(at, method.place, reason));
    let test = match (method.r#type.as_ref().map_or("Exact", Text::as_str), service, name) {
        ("Exact" | "RegularExpression", "", "") => return refuse("a method match names a service or a method".into()),
        ("Exact", service, name) if service.contains('/') || name.contains('/') => {
            return refuse("names of services and methods have no `/`".into());
        }
        ("Exact", service, "") => PathTest::Prefix(format!("/{service}/").into()),
        ("Exact", "", name) => PathTest::Regex(format!("/[^/]+/{}", regex::escape(name)).into()),
        ("Exact", service, name) => PathTest::Exact(format!("/{service}/{name}").into()),
        ("RegularExpression", service, name) => {
            let part = |text: &str| if text.is_empty() { "[^/]+".to_owned() } else { format!("(?:{text})") };
            if !is_regex(service) || !is_regex(name) {
                return refuse("it is no regular expression".into());
            }
            PathTest::Regex(format!("/{}/{}", part(service), part(name)).into())
        }
        (kind, ..) => return refuse(format!("methods are not compared by `{kind}`")),
    };
    Ok((service.chars().count(), name.chars().count(), Some(test)))
}

/// Conditions on headers or query parameters. Of several for one name the first counts.
fn named(at: &str, list: &List<NamedValueMatch>, headers: bool) -> Result<Vec<NamedMatch>, Refusal> {
    let mut found: Vec<NamedMatch> = Vec::new();
    for condition in list {
        let refuse = |reason: String| Err(Refusal::new(at, condition.place, reason));
        let name = text_or_empty(condition.name.as_ref());
        let value = text_or_empty(condition.value.as_ref());
        if name.is_empty() || (headers && !is_token(name)) {
            return refuse(format!("`{name}` is no name of a header or parameter"));
        }
        let name: Name = if headers { name.to_ascii_lowercase().into() } else { name.into() };
        let test = match condition.r#type.as_ref().map_or("Exact", Text::as_str) {
            "Exact" => TextTest::Exact(value.into()),
            "RegularExpression" if is_regex(value) => TextTest::Regex(value.into()),
            "RegularExpression" => return refuse(format!("`{value}` is no regular expression")),
            kind => return refuse(format!("values are not compared by `{kind}`")),
        };
        if found.iter().all(|other| other.name != name) {
            found.push(NamedMatch { name, test: TextMatch::of(test), invert: false });
        }
    }
    Ok(found)
}

fn is_regex(text: &str) -> bool {
    regex::Regex::new(text).is_ok()
}

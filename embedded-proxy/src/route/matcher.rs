//! When a route takes a request: `envoy.config.route.v3.RouteMatch`.

use super::{Input, PathMatch};
use crate::matching::{FilterStateMatcher, HeaderMatcher, MetadataMatcher, QueryMatcher, StringMatcher};
use crate::proto::{Fraction, Reader};

/// A matcher of one cookie.
#[derive(Debug, Clone, PartialEq, Eq)]
struct CookieMatcher {
    name: String,
    value: StringMatcher,
    invert: bool,
}

/// Conditions that few routes have.
#[derive(Debug, Clone, Default, PartialEq)]
struct Rare {
    query: Vec<QueryMatcher>,
    cookies: Vec<CookieMatcher>,
    grpc: bool,
    tls_presented: Option<bool>,
    tls_validated: Option<bool>,
    metadata: Vec<MetadataMatcher>,
    state: Vec<FilterStateMatcher>,
    fraction: Option<Fraction>,
}

/// All conditions of a route; each must hold.
#[derive(Debug, Clone, PartialEq)]
pub struct RouteMatch {
    /// Path.
    pub path: PathMatch,
    headers: Vec<HeaderMatcher>,
    rare: Option<Box<Rare>>,
}

impl RouteMatch {
    /// Reads the message.
    pub fn read(reader: &Reader<'_>) -> Option<Self> {
        let path = PathMatch::read(reader);
        let headers = HeaderMatcher::read_all(&reader.list("headers"));
        let rare = Rare::read(reader);
        let rare = rare.map(|rare| (rare != Rare::default()).then(|| Box::new(rare)));
        Some(Self { path: path?, headers: headers?, rare: rare? })
    }

    /// A match by path alone.
    pub fn of_path(path: PathMatch) -> Self {
        Self { path, headers: Vec::new(), rare: None }
    }

    /// Whether the request matches; `path` is its path without query.
    pub fn matches(&self, input: &Input<'_>, path: &str) -> bool {
        self.path.matches(input.head, path)
            && self.headers.iter().all(|header| header.matches(input.head))
            && self.rare.as_ref().is_none_or(|rare| rare.misses(input).is_none())
    }

    /// The share of the requests that it takes of those that fulfil its other conditions.
    pub fn share(&self) -> f64 {
        self.rare.as_ref().and_then(|rare| rare.fraction).map_or(1.0, Fraction::share)
    }

    /// The first condition that does not hold, in words; none when the request matches.
    pub fn misses(&self, input: &Input<'_>, path: &str) -> Option<String> {
        if !self.path.matches(input.head, path) {
            return Some(self.path.to_string());
        }
        if let Some(header) = self.headers.iter().find(|header| !header.matches(input.head)) {
            return Some(header.to_string());
        }
        self.rare.as_ref()?.misses(input)?.words()
    }
}

/// A condition that does not hold.
enum Miss<'m> {
    Query(&'m QueryMatcher),
    Cookie(&'m CookieMatcher),
    Grpc,
    Tls,
    Metadata(&'m MetadataMatcher),
    State,
    Fraction(Fraction),
}

impl Miss<'_> {
    #[allow(clippy::unnecessary_wraps)] // It ends a chain of options.
    fn words(&self) -> Option<String> {
        Some(match self {
            Self::Query(query) => query.to_string(),
            Self::Cookie(cookie) => format!("cookie {} {}", cookie.name, cookie.value),
            Self::Grpc => "content-type is gRPC".to_string(),
            Self::Tls => "client certificate as asked for".to_string(),
            Self::Metadata(metadata) => format!("dynamic metadata {} {}", metadata.filter, metadata.path.join(".")),
            Self::State => "filter state as asked for".to_string(),
            Self::Fraction(fraction) => format!("random share of {} in {}", fraction.numerator, fraction.denominator),
        })
    }
}

impl Rare {
    fn read(reader: &Reader<'_>) -> Option<Self> {
        let grpc = reader.has("grpc");
        reader.ignore(&["grpc"]); // An empty message: that it is set says all.
        let tls = reader.message("tls_context");
        let (tls_presented, tls_validated) =
            tls.map_or((None, None), |tls| (tls.opt_flag("presented"), tls.opt_flag("validated")));
        let query = QueryMatcher::read_all(&reader.list("query_parameters"));
        let cookies: Vec<_> = reader.list("cookies").iter().map(CookieMatcher::read).collect();
        let metadata = MetadataMatcher::read_all(&reader.list("dynamic_metadata"));
        let state: Vec<_> = reader.list("filter_state").iter().map(FilterStateMatcher::read).collect();
        let fraction = reader.message("runtime_fraction").map(|fraction| {
            fraction.ignore(&["runtime_key"]); // There are no runtime overrides: the default always counts.
            fraction.fraction("default_value").unwrap_or(Fraction { numerator: 0, denominator: 100 })
        });
        Some(Self {
            query: query?,
            cookies: cookies.into_iter().collect::<Option<_>>()?,
            grpc,
            tls_presented,
            tls_validated,
            metadata: metadata?,
            state: state.into_iter().collect::<Option<_>>()?,
            fraction,
        })
    }

    fn misses(&self, input: &Input<'_>) -> Option<Miss<'_>> {
        if let Some(fraction) = self.fraction.filter(|fraction| !fraction.hits(input.random)) {
            return Some(Miss::Fraction(fraction));
        }
        if self.grpc && !input.head.is_grpc() {
            return Some(Miss::Grpc);
        }
        if let Some(query) = self.query.iter().find(|query| !query.matches(input.head.query())) {
            return Some(Miss::Query(query));
        }
        if let Some(cookie) = self.cookies.iter().find(|cookie| !cookie.matches(input)) {
            return Some(Miss::Cookie(cookie));
        }
        if !self.tls_holds(input) {
            return Some(Miss::Tls);
        }
        if let Some(metadata) = self.metadata.iter().find(|metadata| !metadata.matches(input.metadata)) {
            return Some(Miss::Metadata(metadata));
        }
        self.state.iter().any(|state| !state.matches(input.state)).then_some(Miss::State)
    }

    /// Without TLS nothing that is asked of certificates holds.
    fn tls_holds(&self, input: &Input<'_>) -> bool {
        if self.tls_presented.is_none() && self.tls_validated.is_none() {
            return true;
        }
        let Some(tls) = input.tls else { return false };
        let presented = !tls.peer_sha256.is_empty();
        self.tls_presented.is_none_or(|wanted| wanted == presented)
            && self.tls_validated.is_none_or(|wanted| wanted == tls.verified)
    }
}

impl CookieMatcher {
    fn read(reader: &Reader<'_>) -> Option<Self> {
        let name = reader.need_text("name");
        let invert = reader.flag("invert_match");
        let value = StringMatcher::read(&reader.need("string_match")?);
        Some(Self { name: name?, value: value?, invert })
    }

    /// A cookie that is missing matches only inverted.
    fn matches(&self, input: &Input<'_>) -> bool {
        let matched =
            super::cookie::value(&input.head.headers, &self.name).is_some_and(|value| self.value.matches(value));
        matched != self.invert
    }
}

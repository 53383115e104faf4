//! `envoy.filters.http.header_mutation`: adds, replaces and removes header fields and query parameters.

use std::sync::Arc;

use http::HeaderName;

use super::query::Query;
use super::{HttpFilter, PerRoute, Step};
use crate::http::{Frame, Headers, Response};
use crate::matching::StringMatcher;
use crate::proto::{Reader, to_json};
use crate::route::Edits;
use crate::services::Build;
use crate::stream::Exchange;
use crate::telemetry::format::{Format, FormatContext};

/// One change of fields, in configured order.
#[derive(Debug, Clone)]
enum Mutation {
    Remove(HeaderName),
    RemoveMatching(StringMatcher),
    Append(Edits),
}

/// How a query parameter meets one that is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meets {
    Append,
    AddIfAbsent,
    OverwriteOrAdd,
    OverwriteIfExists,
}

/// One change of the query.
#[derive(Debug, Clone)]
enum QueryMutation {
    Remove(String),
    Set(String, Format, Meets),
}

#[derive(Debug, Clone, Default)]
struct Mutations {
    request: Vec<Mutation>,
    query: Vec<QueryMutation>,
    response: Vec<Mutation>,
    trailers: Vec<Mutation>,
    request_trailers: Vec<Mutation>,
}

fn read_mutation(reader: &Reader<'_>) -> Option<Mutation> {
    match reader.choice("action").as_deref() {
        Some("remove") => {
            let name = HeaderName::from_bytes(reader.text("remove").as_bytes())
                .ok()
                .filter(|name| *name != http::header::HOST);
            if name.is_none() {
                reader.defect("remove", "is no field that can be removed");
            }
            name.map(Mutation::Remove)
        }
        Some("append") => Some(Mutation::Append(Edits::addition(&reader.message("append")?)?)),
        Some("remove_on_match") => {
            let matcher = StringMatcher::read(&reader.message("remove_on_match")?.need("key_matcher")?)?;
            Some(Mutation::RemoveMatching(matcher))
        }
        _ => {
            reader.defect("action", "must be set");
            None
        }
    }
}

/// The text of a `google.protobuf.Value`.
fn text_of(value: &Reader<'_>) -> Option<String> {
    value.ignore_all();
    to_json(value.raw()).as_str().map(str::to_string)
}

fn read_query(reader: &Reader<'_>) -> Option<QueryMutation> {
    if let Some(name) = reader.opt_text("remove") {
        return Some(QueryMutation::Remove(name));
    }
    let append = reader.need("append")?;
    let meets = match append.word("action").as_str() {
        "ADD_IF_ABSENT" => Meets::AddIfAbsent,
        "OVERWRITE_IF_EXISTS_OR_ADD" => Meets::OverwriteOrAdd,
        "OVERWRITE_IF_EXISTS" => Meets::OverwriteIfExists,
        _ => Meets::Append,
    };
    // The record with a typed value has taken the place of the older entry.
    let (key, value) = match (append.message("record"), append.message("entry")) {
        (Some(record), _) => (record.need_text("key")?, record.message("value").and_then(|value| text_of(&value))),
        (None, Some(entry)) => {
            let bytes = entry.bytes("value");
            (entry.need_text("key")?, Some(String::from_utf8_lossy(&bytes).into_owned()))
        }
        (None, None) => {
            append.defect("record", "must be set");
            return None;
        }
    };
    match value.as_deref().map(Format::parse) {
        Some(Ok(format)) => Some(QueryMutation::Set(key, format.omit_empty(), meets)),
        Some(Err(error)) => {
            append.defect("record.value", error);
            None
        }
        None => {
            append.defect("record.value", "must be a text");
            None
        }
    }
}

impl Mutations {
    fn read(reader: &Reader<'_>) -> Option<Self> {
        let list = |field| -> Option<Vec<Mutation>> {
            let all: Vec<_> = reader.list(field).iter().map(read_mutation).collect();
            all.into_iter().collect()
        };
        let query: Vec<_> = reader.list("query_parameter_mutations").iter().map(read_query).collect();
        let (request, response) = (list("request_mutations"), list("response_mutations"));
        let (trailers, request_trailers) = (list("response_trailers_mutations"), list("request_trailers_mutations"));
        Some(Self {
            request: request?,
            query: query.into_iter().collect::<Option<_>>()?,
            response: response?,
            trailers: trailers?,
            request_trailers: request_trailers?,
        })
    }
}

/// What is to be done to fields, with its values.
enum Change {
    Remove(HeaderName),
    RemoveMatching(StringMatcher),
    Append(Edits, crate::route::Values),
}

fn changes(mutations: &[Mutation], context: &FormatContext<'_>) -> Vec<Change> {
    let change = |mutation: &Mutation| match mutation {
        Mutation::Remove(name) => Change::Remove(name.clone()),
        Mutation::RemoveMatching(matcher) => Change::RemoveMatching(matcher.clone()),
        Mutation::Append(edits) => Change::Append(edits.clone(), edits.values(context)),
    };
    mutations.iter().map(change).collect()
}

fn apply(headers: &mut Headers, changes: Vec<Change>) {
    for change in changes {
        match change {
            Change::Remove(name) => {
                headers.remove(&name);
            }
            Change::RemoveMatching(matcher) => headers.retain(|name, _| !matcher.matches(name.as_str())),
            Change::Append(edits, values) => edits.apply(headers, values),
        }
    }
}

/// The path with its query changed.
fn with_query(path: &str, mutations: &[(QueryMutation, String)]) -> String {
    let mut query = Query::of(path);
    for (mutation, value) in mutations {
        match mutation {
            QueryMutation::Remove(name) => query.retain(|own| own != name),
            QueryMutation::Set(name, _, meets) => match (meets, query.has(name)) {
                (Meets::AddIfAbsent, true) | (Meets::OverwriteIfExists, false) => {}
                (Meets::Append, _) => query.add(name, value.clone()),
                _ => query.set(name, value.clone()),
            },
        }
    }
    query.replace(path)
}

#[derive(Debug)]
struct HeaderMutation {
    name: Arc<str>,
    mutations: Mutations,
    specific_wins: bool,
}

/// Makes the filter.
pub(super) fn make(reader: &Reader<'_>, _: &Build, name: &Arc<str>) -> Option<Arc<dyn HttpFilter>> {
    let mutations = match reader.message("mutations") {
        Some(mutations) => Mutations::read(&mutations)?,
        None => Mutations::default(),
    };
    let specific_wins = reader.flag("most_specific_header_mutations_wins");
    Some(Arc::new(HeaderMutation { name: name.clone(), mutations, specific_wins }))
}

/// Reads `HeaderMutationPerRoute`.
pub(super) fn per_route(reader: &Reader<'_>, _: &Build) -> Option<PerRoute> {
    let mutations = match reader.message("mutations") {
        Some(mutations) => Mutations::read(&mutations)?,
        None => Mutations::default(),
    };
    Some(Arc::new(mutations))
}

impl HeaderMutation {
    /// The filter's mutations, then those of all levels of the route: the last one has the last word.
    fn all<'e>(&'e self, exchange: &'e Exchange) -> Vec<&'e Mutations> {
        let levels = exchange.route.as_ref().map(|hit| hit.per_routes::<Mutations>(&self.name).collect::<Vec<_>>());
        let mut levels = levels.unwrap_or_default();
        if self.specific_wins {
            levels.reverse();
        }
        [&self.mutations].into_iter().chain(levels).collect()
    }

    fn collect(
        &self,
        exchange: &Exchange,
        context: &FormatContext<'_>,
        of: fn(&Mutations) -> &Vec<Mutation>,
    ) -> Vec<Change> {
        self.all(exchange).into_iter().flat_map(|mutations| changes(of(mutations), context)).collect()
    }
}

impl HttpFilter for HeaderMutation {
    fn is_pure(&self) -> bool {
        true
    }

    fn on_request<'f>(&'f self, exchange: &'f mut Exchange) -> Step<'f> {
        let context = FormatContext::of(exchange);
        let fields = self.collect(exchange, &context, |mutations| &mutations.request);
        let trailers = self.collect(exchange, &context, |mutations| &mutations.request_trailers);
        let query = self.all(exchange).into_iter().flat_map(|mutations| &mutations.query);
        let value = |mutation: &QueryMutation| match mutation {
            QueryMutation::Set(_, format, _) => format.text(&context),
            QueryMutation::Remove(_) => String::new(),
        };
        let query: Vec<(QueryMutation, String)> = query.map(|mutation| (mutation.clone(), value(mutation))).collect();
        let request = &mut exchange.request;
        apply(&mut request.head.headers, fields);
        if !query.is_empty() {
            request.head.path = with_query(&request.head.path, &query);
        }
        if !trailers.is_empty() {
            request.body = std::mem::take(&mut request.body).tapped(on_trailers(trailers));
        }
        Step::Next
    }

    fn on_response(&self, exchange: &mut Exchange, response: &mut Response) {
        let context = FormatContext { response: Some(&response.head), ..FormatContext::of(exchange) };
        let fields = self.collect(exchange, &context, |mutations| &mutations.response);
        let trailers = self.collect(exchange, &context, |mutations| &mutations.trailers);
        apply(&mut response.head.headers, fields);
        if !trailers.is_empty() {
            response.body = std::mem::take(&mut response.body).tapped(on_trailers(trailers));
        }
    }
}

/// Changes the trailers when they come by.
fn on_trailers(changes: Vec<Change>) -> impl FnMut(&mut Frame) + Send + Sync + Unpin + 'static {
    let mut changes = Some(changes);
    move |frame| {
        if let Frame::Trailers(trailers) = frame {
            apply(trailers, changes.take().unwrap_or_default());
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::{HeaderValue, StatusCode};
    use serde_json::{Value, json};

    use super::*;
    use crate::filters::http::testing;
    use crate::http::Body;

    const CONFIG: &str = "envoy.extensions.filters.http.header_mutation.v3.HeaderMutation";

    fn filter(mutations: &Value) -> Arc<dyn HttpFilter> {
        testing::filter(CONFIG, &json!({ "mutations": mutations })).unwrap_or_else(|defects| panic!("{defects:?}"))
    }

    fn texts(headers: &Headers) -> Vec<String> {
        headers.iter().map(|(name, value)| format!("{name}={}", value.to_str().unwrap())).collect()
    }

    #[tokio::test]
    async fn requests_change_in_order() {
        let filter = filter(&json!({ "request_mutations": [
            { "remove": "x-gone" },
            { "append": { "header": { "key": "x-path", "value": "%REQ(:PATH)%" } } },
            { "remove_on_match": { "key_matcher": { "prefix": "x-internal-" } } },
        ], "query_parameter_mutations": [ { "remove": "a" },
            { "append": { "record": { "key": "c", "value": "3" }, "action": "OVERWRITE_IF_EXISTS_OR_ADD" } } ] }));
        let mut exchange =
            testing::exchange("GET", "/p?a=1&b=2", &[("x-gone", "1"), ("x-internal-a", "1"), ("x", "1")]);
        testing::request(&*filter, &mut exchange).await.unwrap();
        assert_eq!(texts(&exchange.request.head.headers), ["x=1", "x-path=/p?a=1&b=2"]);
        assert_eq!(exchange.request.head.path, "/p?b=2&c=3");
    }

    #[tokio::test]
    async fn responses_and_their_trailers_change() {
        let filter = filter(&json!({ "response_mutations": [{ "remove": "server" }],
            "response_trailers_mutations": [{ "append": { "header": { "key": "x-end", "value": "1" } } }] }));
        let mut exchange = testing::exchange("GET", "/", &[]);
        let mut headers = Headers::new();
        headers.add(http::header::SERVER, HeaderValue::from_static("s"));
        let mut response = Response::full(StatusCode::OK, headers, Bytes::new());
        response.body = Body::ended(Bytes::from_static(b"x"), Some(Headers::new()));
        filter.on_response(&mut exchange, &mut response);
        assert!(!response.head.headers.has(&http::header::SERVER));
        let _ = response.body.frame().await;
        let Some(Ok(Frame::Trailers(trailers))) = response.body.frame().await else { panic!("trailers come") };
        assert_eq!(texts(&trailers), ["x-end=1"]);
    }
}

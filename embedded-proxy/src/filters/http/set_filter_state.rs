//! `envoy.filters.http.set_filter_state`: puts texts made from the request into the filter state.

use std::sync::Arc;

use super::{HttpFilter, PerRoute, Step};
use crate::proto::Reader;
use crate::services::Build;
use crate::stream::{Exchange, Sharing};
use crate::telemetry::format::{FormatContext, Substitution};

/// One value.
#[derive(Debug)]
struct State {
    key: String,
    format: Substitution,
    skip_empty: bool,
    sharing: Option<Sharing>,
}

/// The values of the filter or of a route.
#[derive(Debug)]
struct Values {
    states: Vec<State>,
    clear_route: bool,
}

/// Kinds of objects that are a text here as they are there.
const TEXTS: [&str; 3] = ["envoy.string", "envoy.hashable_string", "istio.hashable_string"];

fn read_state(reader: &Reader<'_>) -> Option<State> {
    let key = reader.need_text("object_key")?;
    // The key names the kind of object unless `factory_key` does. Objects that the proxy's own parts would look up are
    // texts in the filter state here too, under the same key.
    if let Some(factory) = reader.opt_text("factory_key").filter(|factory| !TEXTS.contains(&factory.as_str())) {
        reader.defect("factory_key", format!("the proxy does not have filter state objects of the kind {factory}"));
    }
    // Whether others may change it has no effect on texts that nobody changes.
    reader.ignore(&["read_only"]);
    let format = Substitution::read(&reader.need("format_string")?)?;
    Some(State { key, format, skip_empty: reader.flag("skip_if_empty"), sharing: Sharing::read(reader) })
}

impl Values {
    fn read(reader: &Reader<'_>) -> Option<Self> {
        let states: Vec<_> = reader.list("on_request_headers").iter().map(read_state).collect();
        Some(Self { states: states.into_iter().collect::<Option<_>>()?, clear_route: reader.flag("clear_route_cache") })
    }

    /// Makes the values from what the exchange is now.
    fn set(&self, exchange: &mut Exchange) {
        let render = |state: &State| {
            let mut text = String::new();
            state.format.render(&FormatContext::of(exchange), &mut text);
            (!text.is_empty() || !state.skip_empty).then(|| (state.key.clone(), text, state.sharing))
        };
        let made: Vec<_> = self.states.iter().filter_map(render).collect();
        for (key, text, sharing) in made {
            exchange.info.shared.extend(sharing.map(|sharing| (key.clone(), sharing)));
            exchange.info.state.insert(key, text);
        }
    }
}

#[derive(Debug)]
struct SetFilterState {
    name: Arc<str>,
    values: Values,
}

/// Makes the filter.
pub(super) fn make(reader: &Reader<'_>, _: &Build, name: &Arc<str>) -> Option<Arc<dyn HttpFilter>> {
    Some(Arc::new(SetFilterState { name: name.clone(), values: Values::read(reader)? }))
}

/// Reads `Config` of a route, whose values come after the filter's.
pub(super) fn per_route(reader: &Reader<'_>, _: &Build) -> Option<PerRoute> {
    Some(Arc::new(Values::read(reader)?))
}

impl HttpFilter for SetFilterState {
    fn is_pure(&self) -> bool {
        true
    }

    fn on_request<'f>(&'f self, exchange: &'f mut Exchange) -> Step<'f> {
        self.values.set(exchange);
        let mut clear = self.values.clear_route;
        let route = exchange.route.clone();
        if let Some(values) = route.as_ref().and_then(|hit| hit.per_route::<Values>(&self.name)) {
            values.set(exchange);
            clear |= values.clear_route;
        }
        if clear {
            exchange.clear_route();
        }
        Step::Next
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::filters::http::testing;

    #[tokio::test]
    async fn values_are_made_from_the_request() {
        let value = |text: &str| json!({ "text_format_source": { "inline_string": text } });
        let config = json!({ "on_request_headers": [
            { "object_key": "team", "factory_key": "envoy.string", "shared_with_upstream": "ONCE", "format_string": value("%REQ(x-team)%!") },
            { "object_key": "none", "format_string": { "omit_empty_values": true, "text_format_source": { "inline_string": "%REQ(x-no)%" } }, "skip_if_empty": true },
        ] });
        let kind = "envoy.extensions.filters.http.set_filter_state.v3.Config";
        let filter = testing::filter(kind, &config).unwrap_or_else(|defects| panic!("{defects:?}"));
        let mut exchange = testing::exchange("GET", "/", &[("x-team", "blue")]);
        testing::request(&*filter, &mut exchange).await.unwrap();
        let passed = exchange.info.passed().unwrap();
        assert_eq!(passed["team"], ("blue!".to_string(), crate::stream::Sharing::Once));
        assert_eq!(exchange.info.state.into_iter().collect::<Vec<_>>(), [("team".to_string(), "blue!".to_string())]);
    }
}

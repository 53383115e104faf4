//! `/config_dump`: the configuration as it was delivered, secrets redacted, metadata (where it came from) kept.

use regex::Regex;
use serde_json::{Map, Value, json};

use super::info::{USER_AGENT, build, timestamp};
use super::mask::Mask;
use super::redact::redact;
use super::router::regex;
use super::{Admin, Call, Page, endpoints};
use crate::proto::{decode, to_json};
use crate::services::Services;
use crate::xds::{Kind, Resource, State};

/// A message of the dump: its type, its single fields, and its repeated fields with the type of their elements.
struct Dump {
    kind: &'static str,
    single: Map<String, Value>,
    lists: Vec<(&'static str, &'static str, Vec<Value>)>,
}

impl Dump {
    fn new(kind: &'static str) -> Self {
        Self { kind, single: Map::new(), lists: Vec::new() }
    }

    fn list(mut self, name: &'static str, element: &'static str, values: Vec<Value>) -> Self {
        self.lists.push((name, element, values));
        self
    }

    fn version(mut self, version: String) -> Self {
        if !version.is_empty() {
            self.single.insert("version_info".into(), version.into());
        }
        self
    }

    fn message(self) -> Value {
        let mut message = self.single;
        message.insert("@type".into(), format!("type.googleapis.com/envoy.admin.v3.{}", self.kind).into());
        for (name, _, values) in self.lists {
            if !values.is_empty() {
                message.insert(name.into(), values.into());
            }
        }
        message.into()
    }
}

/// Answers with everything, one repeated field, or parts of either.
pub(super) fn answer(admin: &Admin, call: &Call) -> Page {
    let names = match call.parameter("name_regex").map(|text| regex(&format!("^(?:{text})$"))) {
        Some(Err(page)) => return plain(page.status, page.body),
        Some(Ok(names)) => Some(names),
        None => None,
    };
    let dumps = dumps(&admin.services, names.as_ref(), call.has("include_eds"));
    let mask = call.parameter("mask").map(Mask::parse);
    let configs = match call.parameter("resource") {
        Some(resource) => match elements(dumps, resource) {
            Ok(configs) => configs,
            Err(page) => return page,
        },
        None => dumps.into_iter().map(Dump::message).collect(),
    };
    let configs = match &mask {
        Some(mask) => {
            let any = !configs.is_empty();
            let kept: Vec<Value> = configs.iter().filter_map(|config| mask.apply(config)).collect();
            if kept.is_empty() && any {
                let text = call.parameter("mask").unwrap_or_default();
                return plain(400, format!("FieldMask {text} could not be successfully applied to any configs."));
            }
            kept
        }
        None => configs,
    };
    Page::json(&json!({ "configs": configs }))
}

fn plain(status: u16, body: String) -> Page {
    Page { status, content_type: "text/plain", body }
}

/// The elements of one repeated field, each with its own type.
fn elements(dumps: Vec<Dump>, resource: &str) -> Result<Vec<Value>, Page> {
    let single = ["bootstrap", "last_updated", "version_info"].contains(&resource);
    for dump in dumps {
        if single || dump.single.contains_key(resource) {
            let text = format!("{resource} is not a repeated field. Use ?mask={resource} to get only this field");
            return Err(plain(400, text));
        }
        let kind = dump.kind;
        if let Some((_, element, values)) = dump.lists.into_iter().find(|(name, ..)| *name == resource) {
            let typed = |mut value: Value| {
                value["@type"] = format!("type.googleapis.com/envoy.admin.v3.{kind}.{element}").into();
                value
            };
            return Ok(values.into_iter().map(typed).collect());
        }
    }
    Err(plain(404, format!("{resource} not found in config dump")))
}

/// All messages in Envoy's order.
fn dumps(services: &Services, names: Option<&Regex>, include_eds: bool) -> Vec<Dump> {
    let mut dumps = vec![bootstrap(services), clusters(services, names)];
    if include_eds {
        dumps.push(endpoint_dump(services, names));
    }
    dumps.push(listeners(services, names));
    dumps.push(scopes(services, names));
    dumps.push(routes(services, names));
    dumps.push(secrets(services, names));
    if !services.store.of(Kind::Extension).is_empty() {
        let extensions = resources(services, Kind::Extension, names);
        let filters = extensions
            .iter()
            .filter(|resource| resource.bytes.is_some())
            .map(|resource| dynamic(resource, "ecds_filter"))
            .collect();
        dumps.push(Dump::new("EcdsConfigDump").list("ecds_filters", "EcdsFilterConfig", filters));
    }
    dumps
}

fn bootstrap(services: &Services) -> Dump {
    let mut dump = Dump::new("BootstrapConfigDump");
    if let Some((bytes, read)) = services.store.bootstrap() {
        let mut bootstrap = message("envoy.config.bootstrap.v3.Bootstrap", &bytes);
        bootstrap["node"]["user_agent_name"] = USER_AGENT.into();
        bootstrap["node"]["user_agent_build_version"] = build(env!("CARGO_PKG_VERSION"));
        dump.single.insert("bootstrap".into(), bootstrap);
        dump.single.insert("last_updated".into(), timestamp(read).into());
    }
    dump
}

fn clusters(services: &Services, names: Option<&Regex>) -> Dump {
    let all = resources(services, Kind::Cluster, names);
    // One that was refused before anything was taken is nowhere: the control plane has the reason.
    let of = |state: State| all.iter().filter(move |resource| resource.state == state && resource.bytes.is_some());
    Dump::new("ClustersConfigDump")
        .version(services.store.version(Kind::Cluster))
        .list("static_clusters", "StaticCluster", of(State::Static).map(|one| fixed(one, "cluster")).collect())
        .list(
            "dynamic_active_clusters",
            "DynamicCluster",
            of(State::Active).map(|one| dynamic(one, "cluster")).collect(),
        )
        .list(
            "dynamic_warming_clusters",
            "DynamicCluster",
            of(State::Warming).map(|one| dynamic(one, "cluster")).collect(),
        )
}

fn listeners(services: &Services, names: Option<&Regex>) -> Dump {
    let all = resources(services, Kind::Listener, names);
    let statics = all.iter().filter(|one| one.state == State::Static).map(|one| fixed(one, "listener")).collect();
    let mut dynamics: Vec<Map<String, Value>> = Vec::new();
    for resource in all.iter().filter(|one| one.state != State::Static) {
        // The states of one listener stand together.
        if dynamics.last().is_none_or(|last| last["name"] != resource.name) {
            dynamics.push([("name".to_string(), resource.name.clone().into())].into_iter().collect());
        }
        let Some(listener) = dynamics.last_mut() else { continue };
        if let Some(refused) = failure(resource) {
            listener.insert("error_state".into(), refused);
        }
        let mut state = dynamic(resource, "listener");
        if let Some(fields) = state.as_object_mut().filter(|_| resource.bytes.is_some()) {
            fields.remove("error_state");
            let place = match resource.state {
                State::Warming => "warming_state",
                State::Draining => "draining_state",
                State::Active | State::Static => "active_state",
            };
            listener.insert(place.into(), state);
        }
    }
    // Those that were refused come last, as in Envoy.
    dynamics.sort_by_key(|listener| listener.keys().all(|key| key == "name" || key == "error_state"));
    Dump::new("ListenersConfigDump")
        .version(services.store.version(Kind::Listener))
        .list("static_listeners", "StaticListener", statics)
        .list("dynamic_listeners", "DynamicListener", dynamics.into_iter().map(Value::Object).collect())
}

/// Scopes that were delivered; those of a configuration stand in its listener.
fn scopes(services: &Services, names: Option<&Regex>) -> Dump {
    let entry = |resource: &Resource| {
        let mut entry = dynamic(resource, "scoped_route_configs");
        if let Some(scope) = entry.get_mut("scoped_route_configs") {
            *scope = json!([scope.take()]);
        }
        entry["name"] = resource.name.clone().into();
        entry
    };
    let all = resources(services, Kind::Scope, names).iter().map(entry).collect();
    Dump::new("ScopedRoutesConfigDump")
        .list("inline_scoped_route_configs", "InlineScopedRouteConfigs", Vec::new())
        .list("dynamic_scoped_route_configs", "DynamicScopedRouteConfigs", all)
}

fn routes(services: &Services, names: Option<&Regex>) -> Dump {
    let all = resources(services, Kind::Route, names);
    let mut statics: Vec<Value> =
        all.iter().filter(|one| one.state == State::Static).map(|one| fixed(one, "route_config")).collect();
    if statics.is_empty() {
        statics = inline_routes(services, names);
    }
    let dynamics = all.iter().filter(|one| one.state != State::Static && one.bytes.is_some());
    let dynamics = dynamics.map(|one| dynamic(one, "route_config"));
    Dump::new("RoutesConfigDump").list("static_route_configs", "StaticRouteConfig", statics).list(
        "dynamic_route_configs",
        "DynamicRouteConfig",
        dynamics.collect(),
    )
}

/// Route tables that stand inside of listeners.
fn inline_routes(services: &Services, names: Option<&Regex>) -> Vec<Value> {
    let mut found = Vec::new();
    for listener in services.store.of(Kind::Listener) {
        let Some(bytes) = listener.bytes.filter(|_| listener.state != State::Draining) else { continue };
        let mut tables = Vec::new();
        tables_in(&message(Kind::Listener.message(), &bytes), &mut tables);
        for mut table in tables {
            let name = table.get("name").and_then(Value::as_str).unwrap_or_default().to_string();
            if names.is_none_or(|names| names.is_match(&name)) {
                table["@type"] = Kind::Route.url().into();
                found.push(json!({"route_config": table, "last_updated": timestamp(listener.updated)}));
            }
        }
    }
    found
}

fn tables_in(value: &Value, into: &mut Vec<Value>) {
    match value {
        Value::Array(values) => values.iter().for_each(|value| tables_in(value, into)),
        Value::Object(fields) => {
            let kind = fields.get("@type").and_then(Value::as_str).unwrap_or_default();
            if kind.ends_with(".HttpConnectionManager") {
                into.extend(fields.get("route_config").cloned());
            }
            fields.values().for_each(|value| tables_in(value, into));
        }
        _ => {}
    }
}

fn secrets(services: &Services, names: Option<&Regex>) -> Dump {
    let all = resources(services, Kind::Secret, names);
    let of = |wanted: State| {
        let of_state = all.iter().filter(move |one| one.state == wanted);
        of_state.map(move |one| {
            let mut secret = if wanted == State::Static { fixed(one, "secret") } else { dynamic(one, "secret") };
            secret["name"] = one.name.clone().into();
            if let Some(fields) = secret.as_object_mut().filter(|_| wanted == State::Static) {
                fields.remove("last_updated");
            }
            secret
        })
    };
    Dump::new("SecretsConfigDump")
        .list("static_secrets", "StaticSecret", of(State::Static).collect())
        .list("dynamic_active_secrets", "DynamicSecret", of(State::Active).collect())
        .list("dynamic_warming_secrets", "DynamicSecret", of(State::Warming).collect())
}

fn endpoint_dump(services: &Services, names: Option<&Regex>) -> Dump {
    let mut lists = [Vec::new(), Vec::new()];
    for (dynamic, name, assignment) in endpoints::all(services) {
        if names.is_none_or(|names| names.is_match(&name)) {
            lists[usize::from(dynamic)].push(json!({ "endpoint_config": assignment }));
        }
    }
    let [statics, dynamics] = lists;
    Dump::new("EndpointsConfigDump").list("static_endpoint_configs", "StaticEndpointConfig", statics).list(
        "dynamic_endpoint_configs",
        "DynamicEndpointConfig",
        dynamics,
    )
}

fn resources(services: &Services, kind: Kind, names: Option<&Regex>) -> Vec<Resource> {
    let mut all = services.store.of(kind);
    all.retain(|resource| names.is_none_or(|names| names.is_match(&resource.name)));
    all
}

/// A resource of the bootstrap.
fn fixed(resource: &Resource, field: &str) -> Value {
    let mut value = json!({"last_updated": timestamp(resource.updated)});
    if let Some(bytes) = &resource.bytes {
        value[field] = typed(resource.kind, bytes);
    }
    value
}

/// A resource of the control plane.
fn dynamic(resource: &Resource, field: &str) -> Value {
    let mut value = Map::new();
    if let Some(bytes) = &resource.bytes {
        value.insert(field.into(), typed(resource.kind, bytes));
        value.insert("last_updated".into(), timestamp(resource.updated).into());
        if !resource.version.is_empty() {
            value.insert("version_info".into(), resource.version.clone().into());
        }
    }
    if let Some(refused) = failure(resource) {
        value.insert("error_state".into(), refused);
    }
    value.into()
}

/// The last delivery that was refused.
fn failure(resource: &Resource) -> Option<Value> {
    let refused = resource.refused.as_ref()?;
    let mut state = json!({"last_update_attempt": timestamp(refused.at), "details": refused.details});
    if !refused.bytes.is_empty() {
        state["failed_configuration"] = typed(resource.kind, &refused.bytes);
    }
    if !refused.version.is_empty() {
        state["version_info"] = refused.version.clone().into();
    }
    Some(state)
}

fn typed(kind: Kind, bytes: &[u8]) -> Value {
    let mut value = message(kind.message(), bytes);
    value["@type"] = kind.url().into();
    value
}

/// A message as JSON, its secrets redacted. One that cannot be read shows nothing of its bytes.
fn message(name: &str, bytes: &[u8]) -> Value {
    match decode(name, bytes) {
        Ok(mut message) => {
            redact(&mut message);
            to_json(&message)
        }
        Err(error) => json!({ "error": error }),
    }
}

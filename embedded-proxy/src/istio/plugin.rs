//! Plugins in the form of Wasm. There is no Wasm machine here; but Istio's own plugins came in that form for years, compiled
//! into the proxy (runtime `envoy.wasm.runtime.null`), and those are here.

use serde_json::{Value, json};

use crate::proto::{Reader, from_json, to_json};

/// What a plugin turns out to be.
#[derive(Debug, Clone, PartialEq)]
pub enum Plugin {
    /// Istio's stats; the settings are those of `stats.PluginConfig`, as JSON.
    Stats(Value),
    /// Istio's metadata exchange.
    MetadataExchange,
    /// A plugin that the proxy cannot run, which its configuration lets be absent.
    Absent,
}

const STATS: &str = "envoy.wasm.stats";
const METADATA_EXCHANGE: &str = "envoy.wasm.metadata_exchange";

impl Plugin {
    /// Reads the `Wasm` message of an HTTP or a network filter. None: a defect was noted.
    pub fn read(wasm: &Reader<'_>) -> Option<Self> {
        let config = wasm.need("config")?;
        let open = config.flag("fail_open") || config.word("failure_policy") == "FAIL_OPEN";
        let Some(code) = config.message("vm_config").and_then(|vm| built_in(&vm)) else {
            return absent(&config, open);
        };
        // Which of several roots of one machine this is, and settings of the machine itself.
        config.ignore(&["name", "root_id", "reload_config", "capability_restriction_config"]);
        config.ignore(&["allow_on_headers_stop_iteration"]);
        match code.as_str() {
            STATS => {
                let mut settings = settings(&config)?;
                // How much it logged; old configurations say it as a text.
                if let Some(settings) = settings.as_object_mut() {
                    settings.remove("debug");
                }
                Some(Self::Stats(settings))
            }
            METADATA_EXCHANGE => {
                // How many peers it remembered.
                config.ignore(&["configuration"]);
                Some(Self::MetadataExchange)
            }
            other => {
                config.ignore_all();
                config.defect("vm_config.code", format!("the proxy does not have the plugin {other:?}"));
                None
            }
        }
    }

    /// A reader of the settings in the place of the plugin's own. None: a defect was noted.
    pub fn settings<'d>(wasm: &Reader<'d>, kind: &str, settings: &Value) -> Option<Reader<'d>> {
        match from_json(kind, settings) {
            Ok(message) => Some(wasm.beside(message)),
            Err(error) => {
                wasm.defect("config.configuration", error);
                None
            }
        }
    }

    /// The settings of `io.istio.http.peer_metadata.Config` that do what metadata exchange did on one side.
    pub fn exchange_settings(inbound: bool) -> Value {
        let headers = json!([{ "istio_headers": {} }]);
        if inbound {
            json!({ "downstream_discovery": headers, "downstream_propagation": headers })
        } else {
            json!({ "upstream_discovery": headers, "upstream_propagation": headers })
        }
    }
}

/// Name of a plugin that is compiled in; none for one that needs a machine.
fn built_in(vm: &Reader<'_>) -> Option<String> {
    // Of the machine.
    vm.ignore_all();
    if vm.text("runtime") != "envoy.wasm.runtime.null" {
        return None;
    }
    let code = vm.message("code")?;
    code.ignore_all();
    let local = code.message("local")?;
    local.ignore_all();
    Some(String::from_utf8_lossy(&local.data()?).into_owned())
}

/// A plugin that needs a machine: left out when its configuration says that traffic goes on without it.
fn absent(config: &Reader<'_>, open: bool) -> Option<Plugin> {
    let name = config.text("name");
    config.ignore_all();
    if !open {
        config.defect("vm_config", "the proxy does not run Wasm, and the plugin does not fail open");
        return None;
    }
    tracing::warn!(plugin = name, "the proxy does not run Wasm: the plugin is left out, as its configuration allows");
    Some(Plugin::Absent)
}

/// The configuration of a plugin: JSON in a `StringValue`, or a `Struct`.
fn settings(config: &Reader<'_>) -> Option<Value> {
    if !config.has("configuration") {
        return Some(json!({}));
    }
    let (kind, reader) = config.any("configuration")?;
    reader.ignore_all();
    if kind == "google.protobuf.Struct" {
        return Some(to_json(reader.raw()));
    }
    match serde_json::from_str(&reader.text("value")) {
        Ok(Value::Object(settings)) => Some(Value::Object(settings)),
        Ok(_) => {
            config.defect("configuration", "is no JSON object");
            None
        }
        Err(error) => {
            config.defect("configuration", format!("is no JSON: {error}"));
            None
        }
    }
}

//! WasmPlugin and TrafficExtension: WebAssembly and Lua filters in a workload's proxy.

use super::selector::{PolicyTargetReference, WorkloadSelector};
use crate::manifests::tree::Node;
use crate::schema::{Any, At, Int, List, Text};
use crate::{choice, message};

message! {
    /// A WebAssembly filter in the proxy of some workloads.
    pub struct WasmPlugin {
        /// The workloads; without any attachment all of the namespace, and in the root namespace all of the mesh.
        selector: Option<WorkloadSelector> = "selector",
        /// The object that the filter is attached to.
        target_ref: Option<PolicyTargetReference> = "targetRef",
        /// The objects that the filter is attached to.
        target_refs: List<PolicyTargetReference> = "targetRefs" [MaxItems(16)],
        /// Address of the module: oci (the default), http, https or file.
        url: Option<Text> = "url" [Required, MinLen(1), Test(URL_CEL, URL_CLAUSE, has_known_scheme)],
        /// Checksum of the module or image.
        sha256: Option<Text> = "sha256" [Test(SHA_CEL, SHA_CLAUSE, is_sha256)],
        /// When the image is pulled.
        image_pull_policy: Option<At<WasmPullPolicy>> = "imagePullPolicy",
        /// Secret with the registry's credentials.
        image_pull_secret: Option<Text> = "imagePullSecret" [MinLen(1), MaxLen(253)],
        /// Key that signatures are checked with.
        verification_key: Option<Text> = "verificationKey",
        /// Configuration of the plugin.
        plugin_config: Option<Any> = "pluginConfig",
        /// Name of the plugin inside the module.
        plugin_name: Option<Text> = "pluginName" [MinLen(1), MaxLen(256)],
        /// What happens to traffic when the plugin fails.
        fail_strategy: Option<At<WasmFailStrategy>> = "failStrategy",
        /// Position in the filter chain.
        phase: Option<At<PluginPhase>> = "phase",
        /// Order within the phase, the highest first.
        priority: Option<Int> = "priority",
        /// Settings of the virtual machine.
        vm_config: Option<WasmVmConfig> = "vmConfig",
        /// Traffic that passes the plugin; not set means all.
        r#match: List<PluginTraffic> = "match",
        /// Filter of HTTP requests or of connections.
        r#type: Option<At<WasmPluginType>> = "type",
    }
    rules [AtMostOne(&["selector", "targetRef", "targetRefs"])]
}

message! {
    /// A WebAssembly or Lua filter in the proxy of some workloads.
    pub struct TrafficExtension {
        /// The workloads; without any attachment all of the namespace, and in the root namespace all of the mesh.
        selector: Option<WorkloadSelector> = "selector",
        /// The objects that the filter is attached to.
        target_refs: List<PolicyTargetReference> = "targetRefs" [MaxItems(16)],
        /// Position in the filter chain.
        phase: Option<At<PluginPhase>> = "phase",
        /// Order within the phase, the highest first.
        priority: Option<Int> = "priority",
        /// Traffic that passes the filter; not set means all.
        r#match: List<PluginTraffic> = "match",
        /// A WebAssembly filter.
        wasm: Option<Box<WasmConfig>> = "wasm",
        /// A Lua filter.
        lua: Option<LuaConfig> = "lua",
    }
    rules [AtMostOne(&["selector", "targetRefs"]), ExactlyOne(&["wasm", "lua"])]
}

message! {
    /// A WebAssembly filter.
    pub struct WasmConfig {
        /// Address of the module: oci (the default), http, https or file.
        url: Option<Text> = "url" [Required, MinLen(1), Test(URL_CEL, URL_CLAUSE, has_known_scheme)],
        /// Checksum of the module or image.
        sha256: Option<Text> = "sha256" [Test(SHA_CEL, SHA_CLAUSE, is_sha256)],
        /// When the image is pulled.
        image_pull_policy: Option<At<WasmPullPolicy>> = "imagePullPolicy",
        /// Secret with the registry's credentials.
        image_pull_secret: Option<Text> = "imagePullSecret" [MinLen(1), MaxLen(253)],
        /// Key that signatures are checked with.
        verification_key: Option<Text> = "verificationKey",
        /// Configuration of the plugin.
        plugin_config: Option<Any> = "pluginConfig",
        /// Name of the plugin inside the module.
        plugin_name: Option<Text> = "pluginName" [MinLen(1), MaxLen(256)],
        /// What happens to traffic when the plugin fails.
        fail_strategy: Option<At<WasmFailStrategy>> = "failStrategy",
        /// Settings of the virtual machine.
        vm_config: Option<WasmVmConfig> = "vmConfig",
        /// Filter of HTTP requests or of connections.
        r#type: Option<At<WasmPluginType>> = "type",
    }
}

message! {
    /// A Lua filter.
    pub struct LuaConfig {
        /// The program.
        inline_code: Option<Text> = "inlineCode" [Required, MinLen(1), MaxLen(65536)],
    }
}

choice! {
    /// When an image is pulled.
    pub enum WasmPullPolicy {
        /// IfNotPresent, except for the tag latest.
        Unspecified = "UNSPECIFIED_POLICY",
        /// Only when it is not there yet.
        IfNotPresent = "IfNotPresent",
        /// Every time.
        Always = "Always",
    }
}

choice! {
    /// What happens to traffic when a plugin fails.
    pub enum WasmFailStrategy {
        /// It is refused.
        FailClose = "FAIL_CLOSE",
        /// It passes without the plugin.
        FailOpen = "FAIL_OPEN",
        /// The plugin is started again; traffic is refused until it runs.
        FailReload = "FAIL_RELOAD",
    }
}

choice! {
    /// Position in the filter chain.
    pub enum PluginPhase {
        /// At the end, before the router.
        Unspecified = "UNSPECIFIED_PHASE",
        /// Before authentication.
        Authn = "AUTHN",
        /// After authentication, before authorization.
        Authz = "AUTHZ",
        /// After authorization, before metrics.
        Stats = "STATS",
    }
}

choice! {
    /// What a plugin filters.
    pub enum WasmPluginType {
        /// HTTP.
        Unspecified = "UNSPECIFIED_PLUGIN_TYPE",
        /// HTTP requests.
        Http = "HTTP",
        /// Connections.
        Network = "NETWORK",
    }
}

message! {
    /// Settings of the virtual machine.
    pub struct WasmVmConfig {
        /// Environment variables.
        env: List<WasmEnv> = "env" [
            MaxItems(256),
            Test("self.all(e, self.exists_one(f, f.name == e.name))", "must not name a variable twice", names_are_unique),
        ],
    }
}

message! {
    /// An environment variable.
    pub struct WasmEnv {
        /// Name.
        name: Option<Text> = "name" [Required, MinLen(1), MaxLen(256)],
        /// Where the value comes from; INLINE when not set.
        value_from: Option<At<WasmEnvSource>> = "valueFrom",
        /// The value, for INLINE.
        value: Option<Text> = "value" [MaxLen(2048)],
    }
    rules [
        Cel(
            "(has(self.valueFrom) ? self.valueFrom : \"\") != \"HOST\" || !has(self.value)",
            "`value` may be set only with `valueFrom: INLINE`",
            value_is_inline
        ),
    ]
}

choice! {
    /// Where a variable's value comes from.
    pub enum WasmEnvSource {
        /// From `value`.
        Inline = "INLINE",
        /// From the proxy's environment.
        Host = "HOST",
    }
}

message! {
    /// Traffic by direction and port.
    pub struct PluginTraffic {
        /// The direction; not set means both.
        mode: Option<At<PluginMode>> = "mode",
        /// The ports; not set means all.
        ports: List<PluginPort> = "ports",
    }
}

choice! {
    /// A direction of traffic.
    pub enum PluginMode {
        /// Both.
        Undefined = "UNDEFINED",
        /// Sent by the workload.
        Client = "CLIENT",
        /// Received by the workload.
        Server = "SERVER",
        /// Both.
        ClientAndServer = "CLIENT_AND_SERVER",
    }
}

message! {
    /// A port.
    pub struct PluginPort {
        /// Number.
        number: Option<Int> = "number" [Required, Range(1.0, 65535.0)],
    }
}

const URL_CEL: &str = "isURL(self) ? (url(self).getScheme() in [\"\", \"http\", \"https\", \"file\", \"oci\"]) : (isURL(\"http://\" + self) && url(\"http://\" + self).getScheme() in [\"\", \"http\", \"https\", \"file\", \"oci\"])";
const URL_CLAUSE: &str = "must be an address with the scheme oci, http, https or file, or with none";
const SHA_CEL: &str = "self.matches('(^$|^[a-f0-9]{64}$)')";
const SHA_CLAUSE: &str = "must be 64 hexadecimal digits in lower case";

/// A text before `://` is a scheme; without one the address is that of an image.
fn has_known_scheme(node: &Node) -> bool {
    let Some(url) = node.as_str() else { return true };
    if url.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return false;
    }
    url.split_once("://")
        .map(|(scheme, _)| scheme)
        .is_none_or(|scheme| ["", "http", "https", "file", "oci"].contains(&scheme))
}

fn is_sha256(node: &Node) -> bool {
    let hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    node.as_str().is_none_or(|sum| sum.is_empty() || (sum.len() == 64 && sum.bytes().all(hex)))
}

fn value_is_inline(env: &Node) -> bool {
    env.get("valueFrom").and_then(Node::as_str) != Some("HOST") || env.get("value").is_none_or(Node::is_null)
}

fn names_are_unique(env: &Node) -> bool {
    let mut names: Vec<&str> = env.items().iter().filter_map(|item| item.get("name").and_then(Node::as_str)).collect();
    names.sort_unstable();
    names.windows(2).all(|pair| pair[0] != pair[1])
}

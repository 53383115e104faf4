//! EnvoyFilter: changes to the configuration that istiod sends to proxies.

use super::envoy_match::EnvoyConfigObjectMatch;
use super::rules::{INT32, set};
use super::selector::{LabelsSelector, PolicyTargetReference};
use crate::schema::{Any, At, Int, List};
use crate::{choice, message};

message! {
    /// Changes to the configuration of some proxies.
    pub struct EnvoyFilter {
        /// The workloads; all of the namespace when not set.
        workload_selector: Option<LabelsSelector> = "workloadSelector",
        /// Gateways or Services whose proxies are meant.
        target_refs: List<PolicyTargetReference> = "targetRefs" [MaxItems(16)],
        /// The changes, applied in order.
        config_patches: List<EnvoyConfigPatch> = "configPatches",
        /// Order among all EnvoyFilters; lower ones go first.
        priority: Option<Int> = "priority" [INT32],
    } rules [Cel(
        "(has(self.workloadSelector) ? 1 : 0) + (has(self.targetRefs) ? 1 : 0) <= 1",
        "only one of `workloadSelector` and `targetRefs` may be set",
        |node| !(set(node, "workloadSelector") && set(node, "targetRefs")),
    )]
}

message! {
    /// One change.
    pub struct EnvoyConfigPatch {
        /// The kind of part that is changed.
        apply_to: Option<At<ApplyTo>> = "applyTo",
        /// The parts of that kind that are meant; all when not set.
        r#match: Option<Box<EnvoyConfigObjectMatch>> = "match",
        /// The change.
        patch: Option<Patch> = "patch",
    }
}

message! {
    /// What is done to a part of the configuration.
    pub struct Patch {
        /// How the value is applied.
        operation: Option<At<PatchOperation>> = "operation",
        /// The part, as Envoy's API has it.
        value: Option<Any> = "value",
        /// Where an inserted filter goes among the filters of istiod.
        filter_class: Option<At<FilterClass>> = "filterClass",
    }
}

choice! {
    /// Kinds of parts of a proxy's configuration.
    pub enum ApplyTo {
        /// No valid kind.
        Invalid = "INVALID",
        /// A listener.
        Listener = "LISTENER",
        /// A filter chain of a listener.
        FilterChain = "FILTER_CHAIN",
        /// A network filter of a filter chain.
        NetworkFilter = "NETWORK_FILTER",
        /// An HTTP filter of the HTTP connection manager.
        HttpFilter = "HTTP_FILTER",
        /// A route configuration.
        RouteConfiguration = "ROUTE_CONFIGURATION",
        /// A virtual host of a route configuration.
        VirtualHost = "VIRTUAL_HOST",
        /// A route of a virtual host.
        HttpRoute = "HTTP_ROUTE",
        /// A cluster.
        Cluster = "CLUSTER",
        /// The configuration of an extension.
        ExtensionConfig = "EXTENSION_CONFIG",
        /// The bootstrap configuration.
        Bootstrap = "BOOTSTRAP",
        /// A listener filter.
        ListenerFilter = "LISTENER_FILTER",
    }
}

choice! {
    /// Ways to change a part.
    pub enum PatchOperation {
        /// No valid operation.
        Invalid = "INVALID",
        /// Merge the value into the part.
        Merge = "MERGE",
        /// Add the value to its list, at the end.
        Add = "ADD",
        /// Remove the part.
        Remove = "REMOVE",
        /// Insert the value before the matched part.
        InsertBefore = "INSERT_BEFORE",
        /// Insert the value after the matched part.
        InsertAfter = "INSERT_AFTER",
        /// Insert the value at the head of the list.
        InsertFirst = "INSERT_FIRST",
        /// Put the value in the part's place.
        Replace = "REPLACE",
        /// Merge, with lists replaced instead of joined.
        MergeAndReplaceList = "MERGE_AND_REPLACE_LIST",
    }
}

choice! {
    /// Places among the filters of istiod.
    pub enum FilterClass {
        /// Where the operation says.
        Unspecified = "UNSPECIFIED",
        /// After authentication.
        Authn = "AUTHN",
        /// After authorization.
        Authz = "AUTHZ",
        /// Before metrics are counted.
        Stats = "STATS",
    }
}

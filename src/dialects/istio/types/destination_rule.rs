//! DestinationRule: what happens to traffic after routing has chosen a service.

use super::selector::WorkloadSelector;
use super::traffic_policy::TrafficPolicy;
use crate::message;
use crate::schema::{List, Map, Text};

message! {
    /// Policies for traffic to a service, and its named parts.
    pub struct DestinationRule {
        /// Host of the service; a short name is completed with the rule's namespace.
        host: Option<Text> = "host" [Required],
        /// Policies for the whole service.
        traffic_policy: Option<Box<TrafficPolicy>> = "trafficPolicy",
        /// Named parts of the service.
        subsets: List<Subset> = "subsets",
        /// Namespaces that see the rule; all when empty.
        export_to: List<Text> = "exportTo",
        /// Calling workloads that the rule is for; all when not set.
        workload_selector: Option<WorkloadSelector> = "workloadSelector",
    }
}

message! {
    /// A named part of a service.
    pub struct Subset {
        /// Name that routes use.
        name: Option<Text> = "name" [Required],
        /// Labels of the pods, beside those of the service's own selector.
        labels: Map<Text> = "labels",
        /// Policies for this part, on top of those of the service.
        traffic_policy: Option<Box<TrafficPolicy>> = "trafficPolicy",
    }
}
